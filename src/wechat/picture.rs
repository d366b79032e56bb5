//! A picture that an entry of the list names: the applicant's mini program code (`apply_url`).
//!
//! Hides which addresses those may be. Promises one GET, bounded in time and size, without a token, to a host of
//! WeChat's over TLS whatever scheme the address has; no redirect is followed, and nothing but a picture comes back.
//! Where the account itself is simulated on this machine, the picture is taken from this machine alone.

use super::http::{Http, Way, is_loopback};
use super::{BuildError, Connections, Error};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use std::{sync::Arc, time::Duration};

/// Larger than any code or head image WeChat hands out.
const PICTURE_BYTES: usize = 1 << 20;
/// Somebody is looking at the terminal.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Whose pictures an entry names: documented samples name `wx.qlogo.cn`, articles and codes are kept on `mmbiz.qpic.cn`.
const WECHATS: &[&str] = &["qlogo.cn", "qpic.cn", "qq.com"];

/// A picture as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// By its first bytes.
    pub kind: PictureKind,
    /// All of them.
    pub bytes: Vec<u8>,
}

/// How a picture is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureKind {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF.
    Gif,
}

/// How pictures of an account are got.
#[derive(Clone)]
pub struct PictureWay {
    /// Of the account: one on this machine is a simulation.
    pub base_url: String,
    /// As [`Settings::proxy`](super::Settings::proxy).
    pub proxy: Option<SecretString>,
    /// As [`Settings::ca_pem`](super::Settings::ca_pem).
    pub ca_pem: Option<Arc<[u8]>>,
}

/// Why there is no picture. Names no address.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// It is not asked for.
    #[error("its address {problem}")]
    Address {
        /// Why not.
        problem: &'static str,
    },
    /// The way to it cannot be built.
    #[error("the way to it cannot be built")]
    Way(#[from] BuildError),
    /// It did not come.
    #[error("it did not come")]
    Lost(#[from] Error),
    /// What came is none.
    #[error("what came is no PNG, JPEG or GIF")]
    NoPicture,
}

/// Gets the picture at an address that WeChat gave.
pub async fn picture(address: &str, way: &PictureWay) -> Result<Picture, PictureError> {
    let simulated = Url::parse(&way.base_url).is_ok_and(|base| is_loopback(&base));
    let url = allowed(address, simulated)?;
    let connections = Connections::default();
    let proxy = way.proxy.as_ref().map(ExposeSecret::expose_secret);
    let way = Way { proxy, ca_pem: way.ca_pem.as_deref(), timeout: TIMEOUT, connections: &connections };
    let reply = Http::to_service(url.as_str(), &way)?.get_here(None, TIMEOUT, PICTURE_BYTES).await?;
    let bytes = reply.body().to_vec();
    let kind = kind(&bytes).ok_or(PictureError::NoPicture)?;
    Ok(Picture { kind, bytes })
}

/// The address that is asked: WeChat writes `http://` where it serves `https://`, too.
fn allowed(address: &str, simulated: bool) -> Result<Url, PictureError> {
    let wrong = |problem| PictureError::Address { problem };
    let mut url = Url::parse(address).map_err(|_| wrong("is no URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("holds a user name or password"));
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("begins neither with https:// nor with http://"));
    }
    if simulated {
        return if is_loopback(&url) { Ok(url) } else { Err(wrong("is elsewhere, and this account is simulated")) };
    }
    if !url.domain().is_some_and(is_wechats) {
        return Err(wrong("is not of a host of WeChat's"));
    }
    if url.port().is_some() {
        return Err(wrong("names a port"));
    }
    if url.scheme() == "http" {
        url.set_scheme("https").map_err(|()| wrong("cannot be asked over TLS"))?;
    }
    Ok(url)
}

fn is_wechats(host: &str) -> bool {
    WECHATS.iter().any(|known| host.strip_suffix(known).is_some_and(|front| front.is_empty() || front.ends_with('.')))
}

fn kind(bytes: &[u8]) -> Option<PictureKind> {
    let kinds: [(&[u8], PictureKind); 4] = [
        (b"\x89PNG\r\n\x1a\n", PictureKind::Png),
        (b"\xff\xd8\xff", PictureKind::Jpeg),
        (b"GIF87a", PictureKind::Gif),
        (b"GIF89a", PictureKind::Gif),
    ];
    kinds.into_iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wechats_addresses_are_asked_and_only_over_tls() {
        let cases = [
            ("http://wx.qlogo.cn/mmopen/wxacode/1/0", false, "https://wx.qlogo.cn/mmopen/wxacode/1/0"),
            ("http://wx.qlogo.cn:80/1", false, "https://wx.qlogo.cn/1"),
            ("https://mmbiz.qpic.cn/a?wx_fmt=png", false, "https://mmbiz.qpic.cn/a?wx_fmt=png"),
            ("https://MP.WEIXIN.QQ.COM/a", false, "https://mp.weixin.qq.com/a"),
            ("https://qlogo.cn/a", false, "https://qlogo.cn/a"),
            ("https://evilqlogo.cn/a", false, "host"),
            ("https://qlogo.cn.example/a", false, "host"),
            ("https://wx.qlogo.cn@evil.example/a", false, "user name"),
            ("https://evil.example/wx.qlogo.cn", false, "host"),
            ("https://10.0.0.1/a", false, "host"),
            ("http://127.0.0.1/a", false, "host"),
            ("http://localhost/a", false, "host"),
            ("http://[::1]/a", false, "host"),
            ("https://wx.qlogo.cn:8443/a", false, "port"),
            ("http://wx.qlogo.cn:22/a", false, "port"),
            ("file:///etc/passwd", false, "begins"),
            ("ftp://wx.qlogo.cn/a", false, "begins"),
            ("javascript:alert(1)", false, "begins"),
            ("wx.qlogo.cn/a", false, "no URL"),
            ("", false, "no URL"),
            ("\u{1b}[31m", false, "no URL"),
            ("http://127.0.0.1:8787/a", true, "http://127.0.0.1:8787/a"),
            ("http://localhost:8787/a", true, "http://localhost:8787/a"),
            ("http://wx.qlogo.cn/a", true, "simulated"),
            ("http://10.0.0.1/a", true, "simulated"),
            ("http://a:b@127.0.0.1/a", true, "user name"),
        ];
        for (address, simulated, wanted) in cases {
            let said = allowed(address, simulated).map_or_else(|error| error.to_string(), |url| url.to_string());
            match wanted.contains("://") {
                true => assert_eq!(said, wanted, "{address}"),
                false => assert!(said.starts_with("its address ") && said.contains(wanted), "{address}: {said}"),
            }
        }
    }

    #[test]
    fn a_picture_is_known_by_its_first_bytes() {
        let cases: [(&[u8], Option<PictureKind>); 8] = [
            (b"\x89PNG\r\n\x1a\nmore", Some(PictureKind::Png)),
            (b"\xff\xd8\xff\xe0", Some(PictureKind::Jpeg)),
            (b"GIF89a", Some(PictureKind::Gif)),
            (b"GIF87a", Some(PictureKind::Gif)),
            (b"<html>", None),
            (b"\x89PN", None),
            (b"\x1b]1337;", None),
            (b"", None),
        ];
        for (bytes, wanted) in cases {
            assert_eq!(kind(bytes), wanted, "{bytes:?}");
        }
    }
}
