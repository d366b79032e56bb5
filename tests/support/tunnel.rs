//! A proxy on loopback and, at the end of its tunnels, a chat robot that speaks TLS: what stands between menshen and the
//! robots in many a house.

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};
use rustls::{ServerConfig, ServerConnection, Stream};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The robot's certificate, which nobody but itself has signed. Valid until 2120.
pub(crate) const CERTIFICATE: &str = include_str!("robots.pem");
/// Its key, DER in base64. Of use for nothing else.
const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5X6tUf5au/eR7qb0TsHSYzdnywD7J1y2Qg3UFoBrzlChRANCAAQN7mVypcc9GlmOoObbtrUp09X8Xb4eHGJ04T7AAAQnZUrdMbdU/hGo3DzHhXKSDa55RDXHwslhbfohcoN1bo+V";
/// The only name it goes by.
pub(crate) const HOST: &str = "robots.menshen.invalid";

/// A proxy that listens; it ends with the test.
pub(crate) struct Tunnel {
    pub(crate) addr: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    told: Arc<Mutex<Vec<String>>>,
}

impl Tunnel {
    pub(crate) fn open() -> Tunnel {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let addr = listener.local_addr().expect("bound");
        let tunnel = Tunnel { addr, heads: Arc::default(), told: Arc::default() };
        let (heads, told, config) = (Arc::clone(&tunnel.heads), Arc::clone(&tunnel.told), config());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (heads, told, config) = (Arc::clone(&heads), Arc::clone(&told), Arc::clone(&config));
                std::thread::spawn(move || drop(serve(stream.expect("a connection"), &heads, &told, config)));
            }
        });
        tunnel
    }

    /// What the proxy was asked, headers included.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no panic").clone()
    }

    /// The requests that came through to the robot.
    pub(crate) fn told(&self) -> Vec<String> {
        self.told.lock().expect("no panic").clone()
    }
}

fn config() -> Arc<ServerConfig> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let _ = rustls::crypto::ring::default_provider().install_default();
    let key = STANDARD.decode(KEY).expect("base64");
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).expect("PEM");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
    Arc::new(config.expect("they belong together"))
}

fn serve(
    mut stream: TcpStream,
    heads: &Mutex<Vec<String>>,
    told: &Mutex<Vec<String>>,
    config: Arc<ServerConfig>,
) -> std::io::Result<()> {
    let head = request(&mut stream)?;
    heads.lock().expect("no panic").push(head);
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let mut connection = ServerConnection::new(config).expect("a server");
    let mut robot = Stream::new(&mut connection, &mut stream);
    let request = request(&mut robot)?;
    told.lock().expect("no panic").push(request);
    robot.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\nconnection: close\r\n\r\n{\"errcode\":0}")?;
    robot.conn.send_close_notify();
    robot.flush()
}

/// A request with its body, if it says how long that is.
fn request(from: &mut impl Read) -> std::io::Result<String> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().filter_map(|line| line.split_once(':'));
            let length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            let length: usize = length.filter_map(|(_, value)| value.trim().parse().ok()).next().unwrap_or(0);
            if body.len() >= length {
                return Ok(text.into_owned());
            }
        }
        let read = from.read(&mut piece)?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&piece[..read]);
    }
}
