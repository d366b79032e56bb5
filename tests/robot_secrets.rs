//! What is secret about those who are told, and what applicants wrote to be told of: in no log, error or file where it does
//! not belong, whatever a robot does, and gone from the database once a letter is delivered or its words are erased.
//!
//! The same nets as in `tests/secrets.rs`, which asks this of WeChat and everything else.

mod support;

use menshen::sandbox::Application;
use std::process::Command;
use support::canary::Canaries;
use support::desk::{hours_ago, told};
use support::process::{Done, Running, finish, side_by_side};
use support::robots::{Manner, Model, RobotServer, Rules};
use support::{Scene, menshen};

/// In every robot's address, see `support::robots`.
const KEY: &str = "canary-robot-key";
const SIGNING: &str = "SECs1gning+C4nary/of==a-robot";
const PASSWORD: &str = "hunter2-C4nary-of-a-proxy";
const NICKNAME: &str = "金丝雀昵称<@all>";
const REASON: &str = "金丝雀申请说明，想谈合作，内有\"引号\"。";

const MODELS: [(&str, Model); 4] =
    [("wecom", Model::Wecom), ("feishu", Model::Feishu), ("dingtalk", Model::Dingtalk), ("webhook", Model::Webhook)];

fn secrets() -> Canaries {
    Canaries::new([KEY, SIGNING, PASSWORD])
}

fn words() -> Canaries {
    Canaries::new([NICKNAME, REASON])
}

fn loud(command: &mut Command) -> &mut Command {
    command.env("RUST_LOG", "trace,menshen=trace,hyper=trace,reqwest=trace,sqlx=trace").env("RUST_BACKTRACE", "full")
}

#[track_caller]
fn check(place: &str, done: &Done) {
    secrets().absent(done.err.as_bytes(), &format!("{place}: stderr"));
    words().absent(done.err.as_bytes(), &format!("{place}: stderr"));
    secrets().absent(done.out.as_bytes(), &format!("{place}: stdout"));
}

/// Somebody is held, and this one is told of it.
async fn scene(settings: impl FnOnce(&Scene) -> String) -> Scene {
    let mut scene = Scene::empty().await;
    std::fs::write(scene.dir.path().join("signing"), SIGNING).expect("a file");
    scene.settings = settings(&scene);
    scene.arrive(
        Application::new("wx-01")
            .nickname(NICKNAME)
            .reason(REASON)
            .categories([("物流服务", "查件")])
            .created_at(hours_ago(1)),
    );
    scene
}

fn table(scene: &Scene, kind: &str, url: &str) -> String {
    let proxy = format!("proxy = \"http://someone:{PASSWORD}@127.0.0.1:9\"");
    let secret = if kind == "wecom" { "" } else { "secret = { file = \"signing\" }\n" };
    told(scene, "reviewers", kind, url, &format!("{secret}{proxy}"))
}

fn run(scene: &Scene, args: &str) -> Done {
    finish(loud(&mut scene.menshen(args.split_whitespace())))
}

/// Kept letters hold JSON of their own, unlike the table of words.
#[track_caller]
fn no_letter_is_left(scene: &Scene) {
    for file in ["menshen.db", "menshen.db-wal"] {
        let bytes = std::fs::read(scene.state_dir().join(file)).unwrap_or_default();
        for trace in ["\"due_at\"", "\"nickname\""] {
            assert!(!bytes.windows(trace.len()).any(|window| window == trace.as_bytes()), "{trace} in {file}");
        }
    }
}

#[test]
fn no_canary_whatever_a_robot_does() {
    let rules = |manner| Rules { manner, secret: Some(SIGNING), ..Rules::default() };
    let quick = [
        rules(Manner::Well),
        rules(Manner::Huge),
        rules(Manner::Says("<html>金丝雀</html>")),
        rules(Manner::Says(
            "{\"errcode\":40058,\"code\":9499,\"errmsg\":\"金丝雀昵称<@all> SECs1gning+C4nary/of==a-robot\"}",
        )),
        rules(Manner::Echoes),
        rules(Manner::Cuts),
        rules(Manner::Redirects),
        Rules { takes: Some(0), ..rules(Manner::Well) },
        Rules { status: Some(503), ..rules(Manner::Well) },
        Rules { secret: Some("another"), ..rules(Manner::Well) },
        Rules { keyword: Some("门神"), ..rules(Manner::Well) },
    ];
    let cases = quick.into_iter().flat_map(|rules| MODELS.map(|(kind, model)| (kind, model, rules.clone())));
    let slow = [("webhook", Model::Webhook, rules(Manner::Hangs)), ("feishu", Model::Feishu, rules(Manner::Trickles))];
    side_by_side(cases.chain(slow), async |(kind, model, rules)| {
        let robot = RobotServer::start(model, rules.clone()).await;
        let scene = scene(|scene| table(scene, kind, &robot.url())).await;
        let place = format!("{kind} {rules:?}");
        let done = run(&scene, "run --once --log json");
        assert!(robot.asked() > 0 && done.err.contains("\"level\""), "{place}: {}", done.err);
        check(&place, &done);
        check(&place, &run(&scene, "notify test"));
        secrets().absent_below(&scene.state_dir(), None);
        words().absent_below(&scene.state_dir(), Some("menshen.db"));
        // The robot comes to its senses.
        robot.rules(Rules { secret: Some(SIGNING), ..Rules::default() });
        check(&place, &run(&scene, "run --once"));
        let count = scene.sql("SELECT count(*) || '' FROM letters").await;
        assert_eq!(count, ["0"], "{place}");
        no_letter_is_left(&scene);
        // A webhook took it with any answer of status 200, and the model keeps what it judged alone.
        let unkept = model == Model::Webhook && matches!(rules.manner, Manner::Says(_) | Manner::Echoes);
        let told = robot.taken().iter().any(|body| body.to_string().contains("金丝雀昵称"));
        assert!(told || unkept, "{place}: what applicants wrote is there to be found");
        scene.end();
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_of_what_waits_once_it_is_erased() {
    let robot = RobotServer::start(Model::Webhook, Rules { status: Some(503), ..Rules::default() }).await;
    let scene = scene(|scene| table(scene, "webhook", &robot.url())).await;
    run(&scene, "run --once");
    assert_eq!(scene.sql("SELECT count(*) || '' FROM letters WHERE words LIKE '%金丝雀%'").await, ["1"]);
    std::thread::sleep(std::time::Duration::from_millis(5));
    check("redact", &run(&scene, "audit redact --before 0s --yes").exits(0));
    words().absent_below(&scene.state_dir(), None);
    robot.rules(Rules { secret: Some(SIGNING), ..Rules::default() });
    check("told without words", &run(&scene, "run --once"));
    assert!(robot.taken().iter().any(|body| body["event"] == "held" && body["count"] == 1));
    words().absent_below(&scene.state_dir(), None);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_of_a_command_that_says_what_it_reads() {
    for program in ["tee /dev/stderr; exit 1", "cat"] {
        let command = format!("command = [\"/bin/sh\", \"-c\", \"{program}\"]");
        let scene = scene(|_| format!("[[notify]]\nname = \"n\"\nkind = \"command\"\n{command}\n")).await;
        let mut menshen = scene.menshen(["run", "--once"]);
        let done = finish(loud(menshen.env("PATH", std::env::var_os("PATH").unwrap_or_default())));
        check(program, &done);
        scene.end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_in_the_log_of_a_service_whose_robots_are_changed() {
    let robot = RobotServer::start(Model::Dingtalk, Rules { secret: Some("another"), ..Rules::default() }).await;
    let mut scene = scene(|scene| table(scene, "dingtalk", &robot.url())).await;
    scene.service = "mode = \"live\"\nschedule = \"* * * * * *\"".to_owned();
    let service = Running::start(loud(&mut scene.menshen(["run"])));
    service.line("a notice was not delivered", 1);
    // Wrong first, by an address and a secret that stand in the file itself; then right.
    let good = std::fs::read_to_string(scene.config_path()).expect("a file");
    let literal = |key: &str, value: &str| good.replace(&format!("{key} = {{ file"), &format!("{key} = \"{value}\" #"));
    for (nth, text) in
        [literal("url", &robot.url()), literal("secret", SIGNING), good.replace("http://someone", "ftp://someone")]
            .into_iter()
            .enumerate()
    {
        assert_ne!(text, good);
        std::fs::write(scene.config_path(), text).expect("a file");
        service.signal(rustix::process::Signal::HUP);
        service.line("the configuration stays as it was", nth + 1);
    }
    std::fs::write(scene.config_path(), good).expect("a file");
    robot.rules(Rules { secret: Some(SIGNING), ..Rules::default() });
    service.signal(rustix::process::Signal::HUP);
    service.line("notices are delivered again", 1);
    service.signal(rustix::process::Signal::TERM);
    check("service", &service.wait().exits(0));
    secrets().absent_below(&scene.state_dir(), None);
    words().absent_below(&scene.state_dir(), Some("menshen.db"));
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_in_errors_help_and_what_a_panic_would_show() {
    let scene = scene(|scene| table(scene, "feishu", &format!("https://robots.menshen.invalid/{KEY}"))).await;
    for args in [
        "--help",
        "notify --help",
        "notify test --help",
        "notify test",
        "notify test --format json",
        "notify test --name nobody",
    ] {
        check(args, &run(&scene, args));
    }
    for address in
        [format!("ftp://robots.menshen.invalid/{KEY}"), format!("http://robots.menshen.invalid/{KEY}"), KEY.to_owned()]
    {
        std::fs::write(scene.dir.path().join("reviewers.url"), address).expect("a file");
        for args in ["run", "run --once", "notify test"] {
            check(args, &run(&scene, args).exits(2));
        }
    }
    std::fs::write(scene.dir.path().join("reviewers.url"), format!("https://robots.menshen.invalid/{KEY}"))
        .expect("a file");
    let config = scene.config();
    let notices = menshen::service::Notices::new(&config, None).expect("notices");
    secrets().absent(format!("{config:?} {config:#?} {notices:?} {notices:#?}").as_bytes(), "what a panic would show");
    let mut command = menshen(scene.dir.path());
    check("nothing at all", &finish(loud(command.args(["-c", "menshen.toml", "nonsense"]))));
}
