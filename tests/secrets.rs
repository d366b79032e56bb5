//! Nothing that is secret, and no applicant's word, in a log line, an error or a file where it does not belong.
//!
//! Canaries go in as secret, token, nickname and reason; everything the program
//! writes is then searched for them in every form they may take.

mod support;

use menshen::sandbox::{Account, Application, Options, World};
use std::path::Path;
use std::process::Command;
use support::process::{Done, Running, finish, side_by_side};
use support::{Scene, menshen};

/// Plus, slash and equals sign: escaped in URLs. The quote: escaped in JSON.
const SECRET: &str = "c4nary+S3cret/Value==\"end";
const NICKNAME: &str = "金丝雀昵称";
const REASON: &str = "金丝雀申请说明，内有\"引号\"。";

/// A text in every form it may take on its way out.
fn forms(text: &str) -> Vec<String> {
    let url: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let percent = text.bytes().map(|byte| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    let json = serde_json::to_string(text).expect("text");
    let ascii: String =
        text.chars().map(|c| if c.is_ascii() { c.to_string() } else { format!("\\u{:04x}", c as u32) }).collect();
    let debug: String = text.escape_debug().collect();
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let bytes = format!("{:?}", text.as_bytes());
    let mut forms = vec![
        text.to_owned(),
        url.clone(),
        url.to_lowercase(),
        percent.collect(),
        json.trim_matches('"').to_owned(),
        ascii,
        debug,
        hex,
        bytes.trim_matches(['[', ']']).to_owned(),
    ];
    // Base64 of the text at each of the three places it may begin at, without the characters its neighbours touch.
    for shift in 0..3 {
        let padded: Vec<u8> = std::iter::repeat_n(b'x', shift).chain(text.bytes()).collect();
        let encoded = base64(&padded);
        let (start, end) = ([0, 2, 3][shift], (padded.len() * 8) / 6);
        forms.push(encoded[start..end].to_owned());
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().enumerate().fold(0_u32, |word, (place, byte)| word | u32::from(*byte) << (16 - 8 * place));
        text.extend((0..4).map(|place| char::from(LETTERS[(word >> (18 - 6 * place) & 63) as usize])));
    }
    text
}

/// Canaries and where they were not to be seen.
struct Canaries {
    secret: Vec<String>,
    words: Vec<String>,
}

impl Canaries {
    fn new(tokens: &[String]) -> Canaries {
        let secret = std::iter::once(SECRET).chain(tokens.iter().map(String::as_str)).flat_map(forms).collect();
        Canaries { secret, words: [NICKNAME, REASON].into_iter().flat_map(forms).collect() }
    }

    #[track_caller]
    fn absent(&self, from: &[u8], place: &str, words_too: bool) {
        let words = if words_too { &self.words[..] } else { &[] };
        for canary in self.secret.iter().chain(words) {
            let found = from.windows(canary.len()).position(|window| window == canary.as_bytes());
            if let Some(at) = found {
                let around = &from[at.saturating_sub(80)..(at + canary.len() + 20).min(from.len())];
                panic!("{canary:?} in {place}: {}", String::from_utf8_lossy(around));
            }
        }
    }

    /// Logs and errors show nothing; results may show an applicant's words.
    #[track_caller]
    fn check(&self, place: &str, done: &Done) {
        self.absent(done.err.as_bytes(), &format!("{place}: stderr"), true);
        self.absent(done.out.as_bytes(), &format!("{place}: stdout"), false);
    }

    /// No secret anywhere, and an applicant's words in the log's table of words alone.
    #[track_caller]
    fn check_files(&self, dir: &Path) {
        for entry in std::fs::read_dir(dir).into_iter().flatten().map(|entry| entry.expect("an entry")) {
            let name = entry.path().display().to_string();
            if entry.file_type().expect("a type").is_dir() {
                self.check_files(&entry.path());
            } else {
                self.absent(&std::fs::read(entry.path()).expect("a file"), &name, !name.contains("menshen.db"));
            }
        }
    }
}

fn options() -> Options {
    Options { accounts: vec![Account::plugin(Account::DEFAULT_APPID, SECRET)], ..Options::empty() }
}

async fn scene() -> Scene {
    let scene = Scene::of(World::in_memory(options())).await;
    let refuse = "[[rule]]\nname = \"gambling\"\naction = \"refuse\"\nmessage = \"「{keyword}」{nickname}\"\nwhen = { reason = { any = [\"赌博\"] } }\n";
    let scene = scene.rules(&format!("{refuse}{}", support::RULES));
    let at = jiff::Timestamp::now().as_second() - 3_600;
    for (number, more) in ["", "", "赌博", "合作", "赌博"].into_iter().enumerate() {
        let application = Application::new(format!("wx-{number}")).created_at(at + number as i64);
        scene.arrive(application.nickname(NICKNAME).reason(format!("{REASON}{more}")));
    }
    scene
}

/// The token WeChat hands out now; the same one the program gets, while it lives.
async fn token(base_url: &str) -> String {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let body =
        serde_json::json!({ "grant_type": "client_credential", "appid": Account::DEFAULT_APPID, "secret": SECRET });
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().expect("a client");
    let answer = client.post(format!("{base_url}/cgi-bin/stable_token")).body(body.to_string()).send().await;
    let text = answer.expect("an answer").text().await.expect("a body");
    let answer: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    answer["access_token"].as_str().expect("a token").to_owned()
}

fn loud(command: &mut Command) -> &mut Command {
    command.env("SECRET", SECRET).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full")
}

fn run(scene: &Scene, args: &str) -> Done {
    finish(loud(&mut scene.menshen(args.split_whitespace())))
}

#[test]
fn no_canary_in_any_log() {
    let faults = [
        "",
        "dev_agree:token-dies:1",
        "devplugin:errcode=40001:2",
        "devplugin:errcode=40014:always",
        "devplugin:errcode=42001:always",
        "stable_token:errcode=40125:always",
        "stable_token:errcode=40164:always",
        "stable_token:html:always",
        "stable_token:truncated:always",
        "stable_token:http=502:always",
        "stable_token:reset:always",
        "dev_apply_list:html:always",
        "dev_apply_list:truncated:always",
        "dev_apply_list:huge=30000000:1",
        "dev_apply_list:reset:always",
        "dev_apply_list:http=500:always",
        "dev_apply_list:null-list:always",
        "dev_apply_list:malformed=reason-object:always",
        "dev_apply_list:malformed=categories-string:always",
        "dev_apply_list:malformed=appid-number:always",
        "dev_apply_list:malformed=lone-surrogate:always",
        "dev_apply_list:malformed=entry-string:always",
        "dev_apply_list:camel-case:always",
        "dev_agree:html-after:always",
        "dev_agree:truncated:always",
        "dev_agree:reset-after:always",
        "dev_agree:hang:1",
        "dev_refuse:lost-after:always",
        "dev_refuse:errcode=47001:always",
        "dev_refuse:errcode=87009:always",
        "dev_refuse:hits=none:1",
        "*:busy:always",
    ];
    side_by_side(faults, async |fault| {
        let scene = scene().await.settings("max_in_flight = 2");
        let mut tokens = vec![token(&scene.base_url).await];
        if !fault.is_empty() {
            scene.fault(fault);
        }
        let dry = run(&scene, "--dry-run");
        let live = run(&scene, "run --once --log json");
        scene.calm();
        tokens.push(token(&scene.base_url).await);
        let canaries = Canaries::new(&tokens);
        canaries.check(&format!("{fault} dry run"), &dry);
        canaries.check(&format!("{fault} run"), &live);
        canaries.check_files(&scene.state_dir());
        assert!(
            live.err.contains("DEBUG") || live.err.contains("INFO") || live.err.contains("\"level\""),
            "{}",
            live.err
        );
        let again = run(&scene, "run --once");
        canaries.check(&format!("after {fault}"), &again);
        canaries.check_files(&scene.state_dir());
        assert!(scene.world.unused_faults().is_empty(), "{fault}");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_where_nobody_answers() {
    // A port nobody listens on, a proxy that refuses, a name that does not resolve.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback").local_addr().expect("bound").port();
    let canaries = Canaries::new(&[]);
    for (base_url, more) in [
        (format!("http://127.0.0.1:{free}"), String::new()),
        (format!("https://127.0.0.1:{free}"), String::new()),
        ("https://api.menshen.invalid".to_owned(), format!("proxy = \"http://someone:hunter2@127.0.0.1:{free}\"")),
        ("https://api.menshen.invalid".to_owned(), format!("proxy = \"socks5://someone:hunter2@127.0.0.1:{free}\"")),
    ] {
        let mut scene = scene().await.settings(&more);
        scene.base_url.clone_from(&base_url);
        for args in ["--dry-run", "run --once"] {
            let done = run(&scene, args);
            assert_eq!(done.status, Some(1), "{base_url} {more}\n{}\n{}", done.out, done.err);
            canaries.check(&base_url, &done);
            assert!(!done.err.contains("hunter2"), "{}", done.err);
        }
        canaries.check_files(&scene.state_dir());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_in_the_log_of_the_service() {
    let mut scene = scene().await;
    scene.service = "mode = \"live\"\nschedule = \"* * * * * *\"".to_owned();
    let mut tokens = vec![token(&scene.base_url).await];
    scene.fault("dev_agree:hang-after:1");
    scene.fault("dev_apply_list:html:#3");
    let service = Running::start(loud(&mut scene.menshen(["run"])));
    service.line("pending of 5", 1);
    scene.world.revoke_tokens(Account::DEFAULT_APPID);
    scene.arrive(Application::new("wx-new").nickname(NICKNAME).reason(REASON));
    service.line("1 agreed", 1);
    let text = std::fs::read_to_string(scene.config_path()).expect("a file");
    let inline = format!("secret = {}", serde_json::Value::from(SECRET));
    std::fs::write(scene.config_path(), text.replace("secret = { env = \"SECRET\" }", &inline)).expect("a file");
    service.signal(rustix::process::Signal::HUP);
    service.line("the configuration stays as it was", 1);
    tokens.push(token(&scene.base_url).await);
    service.signal(rustix::process::Signal::TERM);
    let done = service.wait().exits(0);
    let canaries = Canaries::new(&tokens);
    canaries.check("service", &done);
    canaries.check_files(&scene.state_dir());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_in_what_only_looks() {
    let scene = scene().await;
    let canaries = Canaries::new(&[token(&scene.base_url).await]);
    run(&scene, "run --once").exits(0);
    for args in [
        "--help",
        "run --help",
        "audit list",
        "audit show 1",
        "audit stats",
        "pause",
        "resume",
        "--version",
        "nonsense",
    ] {
        canaries.check(args, &run(&scene, args));
    }
    let found = run(&scene, "audit list");
    assert!(found.out.contains(NICKNAME), "results may show who applied: {}", found.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_in_a_configuration_error() {
    let scene = scene().await;
    let good = std::fs::read_to_string(scene.write_config()).expect("just written");
    let canaries = Canaries::new(&[]);
    let literal = serde_json::Value::from(SECRET).to_string();
    let wrong = |inside: &str| good.replace("token = { secret = { env = \"SECRET\" } }", inside);
    for text in [
        wrong(&format!("token = {{ secret = {literal} }}")),
        wrong(&format!("token = {{ secret = [{literal}] }}")),
        wrong(&format!("token = {{ secret = {{ value = {literal} }} }}")),
        wrong(&format!("token = {{ secrets = {literal} }}")),
        wrong(&format!("secret = {literal}")),
        wrong(&format!("token = {literal}")),
        wrong(&format!("token = {{ secret = {literal}")),
        wrong(&format!("token = {{ secret = {} }}", literal.trim_end_matches('"'))),
    ] {
        std::fs::write(scene.config_path(), &text).expect("a configuration");
        for args in [&["--dry-run"][..], &["run", "--once"], &["run"], &["audit", "list"]] {
            let done = finish(loud(&mut menshen(scene.dir.path())).args(args)).exits(2);
            canaries.check(&text, &done);
        }
    }
    // A secret that cannot go into a header or a line is not repeated either.
    std::fs::write(scene.config_path(), &good).expect("a configuration");
    for value in ["c4nary+S3cret/Value==\"end\nmore", "", " "] {
        let mut command = menshen(scene.dir.path());
        let done = finish(loud(&mut command).env("SECRET", value).arg("--dry-run"));
        assert_eq!(done.status, Some(2), "{value:?}: {}", done.err);
        canaries.check("a secret of several lines", &done);
    }
}

/// The search itself must find what it looks for.
#[test]
fn a_canary_would_be_found() {
    let canaries = Canaries::new(&["93_token".to_owned()]);
    let leaks = [
        format!("POST http://x/?access_token=93%5Ftoken&a=b{SECRET}"),
        "{\"secret\":\"c4nary+S3cret/Value==\\\"end\"}".to_owned(),
        "secret=c4nary%2BS3cret%2FValue%3D%3D%22end".to_owned(),
        base64(format!("user:{SECRET}").as_bytes()),
        base64(NICKNAME.as_bytes()),
        "nickname=\\u91d1\\u4e1d\\u96c0\\u6635\\u79f0".to_owned(),
        format!("{:?}", SECRET.as_bytes()),
    ];
    for leak in leaks {
        let seen = std::panic::catch_unwind(|| canaries.absent(leak.as_bytes(), "a leak", true));
        assert!(seen.is_err(), "{leak}");
    }
    canaries.absent(b"nothing here", "nothing", true);
}
