//! Every kind of token over real HTTP: what it takes, who may refresh it, and what is said when it cannot be had.

mod support;

use menshen::sandbox::{Account, Application, Options, Platform, World};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::canary::Canaries;
use support::process::{Done, finish};
use support::{RULES, Scene, menshen};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const APPID: &str = Account::DEFAULT_APPID;
const AUTHORIZER: &str = "{ kind = \"authorizer\" }";

/// A world with one application of a known trade, and a place to write a configuration for it.
async fn scene(options: Options) -> Scene {
    let scene = Scene::of(World::in_memory(Options { applications: Some(0), pending: Some(0), ..options })).await;
    arrive(&scene, "wx-1");
    scene
}

fn arrive(scene: &Scene, appid: &str) {
    let at = jiff::Timestamp::now().as_second() - 3_600;
    scene.arrive(Application::new(appid).categories([("物流服务", "查件")]).created_at(at));
}

/// Runs the binary with this token, and these tables more.
fn run(scene: &Scene, token: &str, more: &str, args: &[&str]) -> Done {
    let text = fs::read_to_string(scene.write_config()).expect("just written");
    let text = text.replace("token = { secret = { env = \"SECRET\" } }", &format!("token = {token}"));
    fs::write(scene.config_path(), text.replace(RULES, &format!("{RULES}\n{more}"))).expect("a configuration");
    let mut command = menshen(scene.dir.path());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("RUST_LOG", "trace");
    finish(command.arg("-c").arg(scene.config_path()).args(args))
}

fn once(scene: &Scene, token: &str, more: &str) -> Done {
    run(scene, token, more, &["run", "--once"])
}

fn platform(scene: &Scene) -> String {
    let ticket = scene.dir.path().join("ticket");
    fs::write(&ticket, scene.world.ticket()).expect("a ticket");
    platform_with("{ file = \"ticket\" }")
}

fn platform_with(ticket: &str) -> String {
    format!("[platform]\nappid = \"{}\"\nsecret = {{ env = \"SECRET\" }}\nticket = {ticket}\n", Platform::DEFAULT_APPID)
}

fn write(scene: &Scene, name: &str, text: &str) {
    fs::write(scene.dir.path().join(name), text).expect("a file");
}

/// The refresh token as it is kept.
fn kept(scene: &Scene) -> std::path::PathBuf {
    scene.state_dir().join("refresh_tokens").join(format!("{}-{APPID}", Platform::DEFAULT_APPID))
}

/// A token service on loopback: hands out `answer` to who sends the header, and counts.
async fn service(answer: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let (url, asked) = (format!("http://{}/wx?appid={APPID}", listener.local_addr().expect("bound")), Arc::default());
    let count: Arc<AtomicUsize> = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else { break };
                head.push(byte);
            }
            count.fetch_add(1, Ordering::SeqCst);
            let known = String::from_utf8_lossy(&head).to_lowercase().contains("authorization: bearer ");
            let (status, body) = if known { ("200 OK", answer.as_str()) } else { ("403 Forbidden", "") };
            let text =
                format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
            let _ = stream.write_all(text.as_bytes()).await;
        }
    });
    (url, asked)
}

const HEADER: &str = "header = { name = \"Authorization\", prefix = \"Bearer \", secret = { env = \"SECRET\" } }";

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_works_and_shows_no_token() {
    for kind in ["stable", "classic", "command", "command-json", "file", "url", "cloudbase", "none", "authorizer"] {
        let sidecar = (kind == "none").then(|| APPID.to_owned());
        let scene = scene(Options { sidecar, ..Options::default() }).await;
        let kept_by_others = scene.world.stable_token(APPID);
        write(&scene, "token", &format!("{kept_by_others}\n"));
        write(&scene, "token.json", &format!("{{\"access_token\":\"{kept_by_others}\",\"expires_in\":7000}}"));
        write(&scene, "cloudbase", &scene.world.cloudbase_token(APPID));
        let (url, asked) = service(format!("{{\"access_token\":\"{kept_by_others}\"}}")).await;
        let token = match kind {
            "stable" | "classic" => format!("{{ kind = \"{kind}\", secret = {{ env = \"SECRET\" }} }}"),
            "command" => "{ kind = \"external\", command = [\"cat\", \"token\"] }".to_owned(),
            "command-json" => {
                "{ kind = \"external\", command = [\"sh\", \"-c\", \"cat token.json; test $MENSHEN_APPID\"] }"
                    .to_owned()
            }
            "file" => "{ kind = \"external\", file = \"token\" }".to_owned(),
            "url" => format!("{{ kind = \"external\", url = \"{url}\", {HEADER} }}"),
            "cloudbase" => "{ kind = \"cloudbase\", file = \"cloudbase\" }".to_owned(),
            _ => format!("{{ kind = \"{kind}\" }}"),
        };
        let more = if kind == "authorizer" { platform(&scene) } else { String::new() };
        let done = once(&scene, &token, &more);
        assert_eq!(done.status, Some(0), "{kind}\n{}\n{}", done.out, done.err);
        assert_eq!(scene.story().await, ["wx-1 agree done"], "{kind}");
        assert_eq!(asked.load(Ordering::SeqCst), usize::from(kind == "url"), "{kind}: read once and kept");
        let fetched =
            ["stable_token", "token", "component_token", "authorizer_token"].map(|e| scene.world.calls(e).len());
        let expected = match kind {
            "stable" => [1, 0, 0, 0],
            "classic" => [0, 1, 0, 0],
            "authorizer" => [0, 0, 1, 1],
            _ => [0, 0, 0, 0],
        };
        assert_eq!(fetched, expected, "{kind}");
        let warned = done.err.contains("kind \"classic\": every token fetched here ends the one");
        assert_eq!(warned, kind == "classic", "{kind}: {}", done.err);
        let mut secrets = vec![kept_by_others, scene.world.cloudbase_token(APPID), scene.world.ticket()];
        secrets.extend(fs::read_to_string(kept(&scene)).ok());
        secrets.push(Account::DEFAULT_SECRET.to_owned());
        no_secret(&scene, &done, &secrets);
        scene.end();
    }
}

/// None of these, however they are written, in what was printed, logged, or kept beside the refresh tokens; no token at all.
#[track_caller]
fn no_secret(scene: &Scene, done: &Done, secrets: &[String]) {
    let canaries = Canaries::new(secrets.iter().map(String::as_str));
    let look = |text: &[u8], place: &str| {
        canaries.absent(text, place);
        // What every token of the sandbox begins with, and is never followed by otherwise.
        let token = text.windows(40).any(|w| w.starts_with(b"93_") && w[3..].iter().all(u8::is_ascii_alphanumeric));
        assert!(!token, "a token in {place}");
    };
    look(done.err.as_bytes(), "stderr");
    look(done.out.as_bytes(), "stdout");
    for entry in fs::read_dir(scene.state_dir()).expect("a state directory") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            look(&fs::read(&path).expect("a file"), &path.display().to_string());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_somebody_else_keeps_is_read_again_and_never_renewed() {
    let scene = scene(Options::default()).await.settings("max_in_flight = 1");
    let file = "{ kind = \"external\", file = \"token\" }";
    write(&scene, "token", &scene.world.stable_token(APPID));
    scene.world.revoke_tokens(APPID);
    let done = once(&scene, file, "").exits(1).complains("WeChat rejects the access token that the file hands out");
    assert!(done.err.contains("40001") && done.err.contains("rid"), "{}", done.err);
    no_secret(&scene, &done, &[]);
    assert_eq!(scene.world.calls("devplugin").len(), 1, "the same token is not tried twice");
    assert!(scene.world.calls("stable_token").is_empty() && scene.world.calls("token").is_empty());
    write(&scene, "token", &scene.world.stable_token(APPID));
    once(&scene, file, "").exits(0);
    assert_eq!(scene.story().await, ["wx-1 agree done"]);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_replaced_meanwhile_costs_one_call() {
    let scene = scene(Options::default()).await.settings("max_in_flight = 1");
    let next = scene.dir.path().join("next");
    write(&scene, "token", &scene.world.stable_token(APPID));
    scene.world.revoke_tokens(APPID);
    fs::write(&next, scene.world.stable_token(APPID)).expect("a file");
    // Hands out the old one first, then the new one.
    let command = "{ kind = \"external\", command = [\"sh\", \"-c\", \"cat token; mv next token 2>/dev/null; true\"] }";
    once(&scene, command, "").exits(0);
    assert_eq!(scene.story().await, ["wx-1 agree done"]);
    let rejected = scene.world.calls("devplugin").iter().filter(|call| call.errcode == Some(40001)).count();
    assert_eq!(rejected, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_said_without_showing_it() {
    let cases = [
        ("{ kind = \"external\", file = \"nothing\" }", "there is no such file"),
        ("{ kind = \"external\", file = \"two\" }", "it is not one plain word"),
        (
            "{ kind = \"external\", command = [\"sh\", \"-c\", \"cat two; cat two >&2; exit 7\"] }",
            "it ended with exit status 7",
        ),
        (
            "{ kind = \"external\", command = [\"sleep\", \"600\"], timeout = \"1s\" }",
            "it took longer than 1 s and was killed",
        ),
        ("{ kind = \"external\", command = [\"true\"] }", "it is empty"),
        ("{ kind = \"external\", url = \"URL\" }", "HTTP status 403"),
        ("{ kind = \"cloudbase\" }", "there is no such file"),
        ("{ kind = \"none\" }", "cloud hosting's side-car added none"),
    ];
    let scene = scene(Options::default()).await;
    write(&scene, "two", "SECRETWORD SECRETWORD");
    let (url, _) = service("T".to_owned()).await;
    for (token, says) in cases {
        let done = once(&scene, &token.replace("URL", &url), "").exits(1).complains(says);
        assert!(!done.err.contains("SECRETWORD") && !done.out.contains("SECRETWORD"), "{token}: {}", done.err);
        assert!(!done.err.contains("/wx?appid"), "{token}: {}", done.err);
    }
    assert!(scene.world.calls("dev_agree").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_kind_of_token_is_told() {
    let scene = scene(Options::default()).await.settings("max_in_flight = 1");
    // The file of cloud hosting, sent under the name of ordinary tokens.
    write(&scene, "token", &scene.world.cloudbase_token(APPID));
    once(&scene, "{ kind = \"external\", file = \"token\" }", "").exits(1).complains("40001");
    write(&scene, "token", &scene.world.stable_token(APPID));
    once(&scene, "{ kind = \"cloudbase\", file = \"token\" }", "").exits(1).complains("the file hands out");
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_fetches_no_classic_token_unless_told() {
    let scene = scene(Options::default()).await;
    let classic = "{ kind = \"classic\", secret = { env = \"SECRET\" } }";
    run(&scene, classic, "", &["run", "--dry-run"]).exits(2).complains("--yes");
    assert!(scene.world.ledger().is_empty(), "nothing was sent");
    run(&scene, classic, "", &["run", "--dry-run", "--yes"]).exits(0).says("1 pending");
    assert_eq!(scene.world.calls("token").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_kept_and_used_again() {
    for rotates in [false, true] {
        let platform_of = Platform { rotates, ..Platform::default() };
        let scene = scene(Options { platform: Some(platform_of), ..Options::default() }).await;
        let more = platform(&scene);
        once(&scene, AUTHORIZER, &more).exits(0);
        let first = fs::read_to_string(kept(&scene)).expect("kept");
        assert_eq!(fs::metadata(kept(&scene)).expect("kept").permissions().mode() & 0o777, 0o600);
        assert!(scene.world.issued_refresh_token(&first));
        arrive(&scene, "wx-2");
        let done = once(&scene, AUTHORIZER, &more).exits(0);
        let second = fs::read_to_string(kept(&scene)).expect("kept");
        assert_eq!(first != second, rotates);
        assert_eq!(scene.world.calls("authorizer_list").len(), 1, "only when there was none yet");
        no_secret(&scene, &done, &[first, second, scene.world.ticket()]);
        assert_eq!(scene.story().await, ["wx-1 agree done", "wx-2 agree done"]);
        scene.end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_or_stale_refresh_token_is_found_again() {
    let scene = scene(Options::default()).await;
    let more = platform(&scene);
    once(&scene, AUTHORIZER, &more).exits(0);
    for damage in ["", "refreshtoken@@@never-issued", "half a"] {
        fs::write(kept(&scene), damage).expect("a file");
        once(&scene, AUTHORIZER, &more).exits(0);
        assert!(scene.world.issued_refresh_token(&fs::read_to_string(kept(&scene)).expect("kept")), "{damage:?}");
    }
    // Authorized again: the old one ends.
    scene.world.authorize(APPID);
    once(&scene, AUTHORIZER, &more).exits(0);
    assert_eq!(scene.world.calls("authorizer_list").len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_platform_may_not_do_explains_itself() {
    let scene = scene(Options::default()).await;
    let more = platform(&scene);
    assert!(scene.world.set_granted(APPID, false));
    once(&scene, AUTHORIZER, &more).exits(1).complains("61007").complains("permission set 40");
    assert!(scene.world.withdraw_authorization(APPID));
    once(&scene, AUTHORIZER, &more).exits(1).complains("61003").complains("authorizes the third-party platform again");
    fs::remove_file(kept(&scene)).expect("kept");
    once(&scene, AUTHORIZER, &more).exits(1).complains("it is not authorized");
    scene.world.authorize(APPID);
    once(&scene, AUTHORIZER, &more).exits(0);
    for code in [61011, 61016, 61023, 42007] {
        scene.fault(&format!("authorizer_token:errcode={code}:always"));
        let done = once(&scene, AUTHORIZER, &more).exits(1).complains(&code.to_string());
        let meaning = menshen::wechat::explain(code).expect("it is in the table");
        assert!(done.err.contains(meaning.meaning), "{code}: {}", done.err);
        scene.calm();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_that_do_not_come_are_asked_for() {
    let scene = scene(Options::default()).await;
    let no_ticket = platform_with("{ file = \"ticket\" }");
    once(&scene, AUTHORIZER, &no_ticket).exits(1).complains("component ticket").complains("there is no such file");
    assert_eq!(scene.world.ticket_pushes(), 1);
    let more = platform(&scene);
    once(&scene, AUTHORIZER, &more).exits(0);
    scene.world.advance(std::time::Duration::from_secs(13 * 3600));
    arrive(&scene, "wx-2");
    let done = once(&scene, AUTHORIZER, &more).exits(1).complains("61005");
    no_secret(&scene, &done, &[scene.world.ticket()]);
    let calls = scene.world.calls("component_token").len();
    assert_eq!((calls, scene.world.ticket_pushes()), (2, 2), "a rejected ticket is not sent again at once");
    scene.world.push_ticket();
    let command = platform_with("{ command = [\"cat\", \"ticket\"], timeout = \"5s\" }");
    platform(&scene);
    once(&scene, AUTHORIZER, &command).exits(0);
    write(&scene, "ticket", "ticket@@@never-sent");
    once(&scene, AUTHORIZER, &command).exits(1).complains("61006");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_a_platform_share_its_token() {
    let second = Account::plugin("wxsecond", "no secret is needed");
    let scene = scene(Options::default().account(second)).await;
    let account = format!(
        "[[account]]\nname = \"second\"\nappid = \"wxsecond\"\ntoken = {AUTHORIZER}\nbase_url = \"{}\"\ntimeout = \"2s\"\n",
        scene.base_url
    );
    let more = format!("{}{account}", platform(&scene));
    once(&scene, AUTHORIZER, &more).exits(0);
    let fetched = ["component_token", "authorizer_list", "authorizer_token"].map(|e| scene.world.calls(e).len());
    assert_eq!(fetched, [1, 1, 2]);
    // A component token that dies under way costs one more, not one for each account.
    scene.fault("authorizer_token:token-dies:1");
    once(&scene, AUTHORIZER, &more).exits(0);
    assert_eq!(scene.world.calls("component_token").len(), 3);
    scene.end();
}

/// kill -9 while WeChat makes a new refresh token of the old one: what is kept is whole, and the next pass goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_pass_killed_over_a_refresh_token_loses_nothing() {
    let platform_of = Platform { rotates: true, ..Platform::default() };
    let scene = scene(Options { platform: Some(platform_of), ..Options::default() }).await;
    let more = platform(&scene);
    once(&scene, AUTHORIZER, &more).exits(0);
    for round in 0..8 {
        let asked = scene.world.calls("authorizer_token").len();
        let mut child = menshen(scene.dir.path())
            .arg("-c")
            .arg(scene.config_path())
            .args(["run", "--once"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the binary");
        while scene.world.calls("authorizer_token").len() == asked && child.try_wait().expect("a child").is_none() {
            std::thread::yield_now();
        }
        // A little later each time; the outcome must be right whenever it hits.
        (0..round * 500).for_each(|_| std::thread::yield_now());
        let _ = child.kill();
        child.wait().expect("a child");
        let text = fs::read_to_string(kept(&scene)).expect("never nothing");
        assert!(scene.world.issued_refresh_token(&text), "round {round}: {} bytes", text.len());
    }
    once(&scene, AUTHORIZER, &more).exits(0);
    assert!(scene.world.issued_refresh_token(&fs::read_to_string(kept(&scene)).expect("kept")));
    let place = kept(&scene);
    let left: Vec<_> = fs::read_dir(place.parent().unwrap_or(Path::new("."))).expect("a directory").collect();
    assert_eq!(left.len(), 2, "the token and its lock: {left:?}");
    scene.end();
}
