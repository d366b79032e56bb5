//! Stories of `menshen api`: WeChat's calls by hand, with the real binary against the sandbox.

mod support;

use menshen::sandbox::{Account, Application, Options, Status, World};
use support::Scene;
use support::process::finish;

const PLUGIN: &str = "wxplugin00000001";

/// An owner with applications of every status, and a plugin of somebody else.
async fn scene() -> Scene {
    let accounts =
        vec![Account::plugin(Account::DEFAULT_APPID, Account::DEFAULT_SECRET), Account::plugin(PLUGIN, "other")];
    let scene = Scene::of(World::in_memory(Options { accounts, ..Options::empty() })).await;
    for (number, status) in [Status::Pending, Status::Approved, Status::Refused, Status::TimedOut].iter().enumerate() {
        let at = jiff::Timestamp::now().as_second() - 3_600 + number as i64;
        let application =
            Application::new(format!("wx-{number}")).created_at(at).nickname("某店").reason("=1+1 查\u{202e}件");
        scene.arrive(application.categories([("物流服务", "查件")]).status(*status));
    }
    scene
}

/// `appid status_name` of every line.
fn statuses(lines: &[serde_json::Value]) -> Vec<String> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    lines.iter().map(|line| format!("{} {}", text(&line["appid"]), text(&line["status_name"]))).collect()
}

fn used(scene: &Scene) -> Vec<String> {
    let lines = scene.run("audit uses --format json").exits(0).json();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let line = |line: &serde_json::Value| {
        let keys = ["action", "plugin_appid", "actor", "outcome"];
        format!("{} {}", keys.map(|key| text(&line[key])).join(" "), line["errcode"])
    };
    lines.iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_in_every_form() {
    let scene = scene().await;
    let all = ["wx-0 pending", "wx-1 approved", "wx-2 refused", "wx-3 timed_out"];
    let sorted = |mut lines: Vec<String>| {
        lines.sort();
        lines
    };
    let read = |args: &str| statuses(&scene.run(&format!("api dev_apply_list {args} --format json")).exits(0).json());
    assert_eq!(sorted(read("")), all);
    assert_eq!(sorted(read("--all --num 1")), all);
    assert_eq!(read("--page 1 --num 3").len(), 3);
    assert_eq!(read("--page 2 --num 3").len(), 1);
    assert_eq!(read("--page 3 --num 3").len(), 0);
    for (status, expected) in [("pending", "wx-0"), ("2", "wx-1"), ("已拒绝", "wx-2"), ("timed_out", "wx-3")] {
        let found = read(&format!("--all --status {status}"));
        assert!(found.len() == 1 && found[0].starts_with(expected), "{status}: {found:?}");
    }
    let line = &scene.run("api dev_apply_list --status refused --format json").exits(0).json()[0];
    assert_eq!((line["nickname"].as_str(), line["status"].as_i64()), (Some("某店"), Some(3)));
    assert_eq!(line["categories"][0], "物流服务/查件");
    let csv = scene.run("api dev_apply_list --format csv").exits(0).out;
    assert!(csv.starts_with("account,appid,create_time,status,status_name,") && csv.contains("'=1+1"), "{csv}");
    let shown = scene.run("api dev_apply_list").exits(0);
    assert!(shown.out.contains("timed out") && shown.out.contains("\\u{202e}"), "{}", shown.out);
    assert!(shown.out.contains("4 applications on page 1"), "{}", shown.out);
    scene.run("api dev_apply_list --page 9").exits(0).says("page 9 is empty");
    let mut chinese = scene.menshen(["api", "dev_apply_list"]);
    let done = finish(chinese.env("LANG", "zh_CN.UTF-8")).exits(0);
    for name in ["申请中", "已通过", "已拒绝", "已超时"] {
        assert!(done.out.contains(name), "{name}: {}", done.out);
    }
    assert_eq!(scene.world.changes().len(), 0, "looking changes nothing");
    assert!(!scene.database().exists(), "looking records nothing");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_breaks_off_says_so() {
    let scene = scene().await;
    scene.fault("dev_apply_list@page=3:http=502:1");
    let done = scene.run("api dev_apply_list --all --num 1 --format json").exits(1);
    assert_eq!(done.json().len(), 2);
    done.complains("could not be read to its end");
    scene.fault("dev_apply_list@appid=wx-1:malformed=appid-number:1");
    scene.run("api dev_apply_list").exits(1).complains("an entry cannot be read: appid is a number");
    scene.fault("dev_apply_list:errcode=48001:1");
    scene
        .run("api dev_apply_list")
        .exits(1)
        .complains("what to do: check that the appid is the mini program that owns the plugin");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_is_asked_for_used_and_let_go() {
    let scene = scene().await;
    scene.run(&format!("api apply {PLUGIN} --reason 查快递 --yes")).exits(0).says("WeChat took it (recorded as #1)");
    let plugins = scene.run("api list --format json").exits(0).json();
    assert_eq!(statuses(&plugins), [format!("{PLUGIN} pending")]);
    assert_eq!(scene.world.applications(PLUGIN).len(), 1);
    assert_eq!(scene.world.person_agrees(Account::DEFAULT_APPID), menshen::sandbox::Moved::Moved);
    scene.run("api list").exits(0).says("approved");
    scene.run(&format!("api update {PLUGIN} --user-version 2.2.46 --yes")).exits(0);
    let done = scene.run(&format!("api unbind {PLUGIN} --yes --format json")).exits(0);
    let row = &done.json()[0];
    assert_eq!((row["action"].as_str(), row["outcome"].as_str()), (Some("unbind"), Some("done")), "{row}");
    let by = |action: &str| format!("{action} {PLUGIN} cli:tester done 0");
    assert_eq!(used(&scene), [by("apply"), by("update"), by("unbind")]);
    scene.run("audit uses").exits(0).says("version 2.2.46").says("查快递");
    scene.run("audit uses --format csv").exits(0).says("id,asked_at,account,plugin_appid,action,reason,");
    scene.run("audit verify").exits(0).says("6 records");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_wechat_does_not_do_is_explained_and_recorded() {
    let scene = scene().await;
    scene
        .run("api unbind wxnobody --yes")
        .exits(1)
        .complains("WeChat did not do it")
        .complains("what to do: check the plugin's appid");
    scene.fault("plugin:lost-after:1");
    let lost = scene.run(&format!("api apply {PLUGIN} --reason 查快递 --yes"));
    lost.exits(1).complains("nobody knows whether WeChat did it; look with `menshen api list`");
    assert_eq!(statuses(&scene.run("api list --format json").exits(0).json()), [format!("{PLUGIN} pending")]);
    scene.run(&format!("api apply {PLUGIN} --reason 又来 --yes")).exits(1);
    let outcomes: Vec<String> = used(&scene);
    assert_eq!(outcomes[0], "unbind wxnobody cli:tester failed 80067");
    assert_eq!(outcomes[1], format!("apply {PLUGIN} cli:tester unknown null"));
    assert!(outcomes[2].contains(" failed "), "{outcomes:?}");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_to_ask_or_no_record_means_nothing_is_sent() {
    let scene = scene().await;
    for args in ["apply wxp --reason x", "unbind wxp", "update wxp --user-version 1.0.0"] {
        scene.run(&format!("api {args}")).exits(2).complains("--yes answers for scripts");
    }
    finish(&mut scene.menshen(["api", "apply", "wxp", "--reason", " ", "--yes"]))
        .exits(2)
        .complains("--reason is empty");
    finish(&mut scene.menshen(["api", "update", "wxp", "--user-version", "", "--yes"])).exits(2).complains("empty");
    assert!(scene.world.ledger().is_empty());
    // The record cannot be written: a directory stands in its place.
    std::fs::create_dir_all(scene.database()).expect("a directory");
    scene.run("api unbind wxp --yes").exits(1);
    assert!(scene.world.ledger().iter().all(|call| call.action.is_none()), "{:?}", scene.world.ledger());
    std::fs::remove_dir(scene.database()).expect("empty");
    // No token: nothing is announced, for nothing could be sent.
    scene.fault("stable_token:errcode=40125:1");
    scene
        .run("api unbind wxp --yes")
        .exits(1)
        .complains("nothing was sent")
        .complains("what to do: check the AppSecret");
    assert_eq!(used(&scene), [""; 0]);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_call_goes_out_after_its_record() {
    let scene = scene().await;
    scene.fault("plugin:hang:1");
    let mut command = scene.menshen(["api", "unbind", PLUGIN, "--yes"]);
    let running = support::process::Running::start(&mut command);
    support::process::until("it is sent", || scene.world.ledger().iter().any(|call| call.action.is_some()));
    running.kill();
    assert_eq!(used(&scene), [format!("unbind {PLUGIN} cli:tester unknown null")]);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn quota_rid_and_token() {
    let scene = scene().await;
    let quota = scene.run("api quota --format json").exits(0).json();
    assert_eq!(
        (quota[0]["cgi_path"].as_str(), quota[0]["daily_limit"].as_i64()),
        (Some("/wxa/devplugin"), Some(100_000))
    );
    scene.run("api quota --path /wxa/plugin").exits(0).says("remain");
    scene.run("api quota --path https://api.weixin.qq.com/wxa/plugin").exits(2).complains("leading slash and no host");

    scene.fault("dev_apply_list:errcode=-1:1");
    let busy = scene.run("api dev_apply_list").exits(1);
    let rid =
        busy.err.split("rid: ").nth(1).and_then(|rest| rest.split([' ', '\n', ')']).next()).expect("a rid").to_owned();
    let call = scene.run(&format!("api rid {rid} --format json")).exits(0).json();
    assert!(call[0]["request_body"].as_str().is_some_and(|body| body.contains("dev_apply_list")), "{}", call[0]);
    assert!(call[0]["request_url"].as_str().is_some_and(|url| url.contains("access_token=***")), "{}", call[0]);
    scene.run("api rid 00000000-00000000-00000000").exits(1).complains("what to do: a rid is kept for 7 days");

    let token = scene.run("api token --format json").exits(0);
    let line = &token.json()[0];
    assert_eq!((line["kind"].as_str(), line["source"].as_str()), (Some("stable"), Some("POST /cgi-bin/stable_token")));
    assert!(line["remaining_secs"].as_i64().is_some_and(|left| left > 6000), "{line}");
    let held = scene.world.stable_token(Account::DEFAULT_APPID);
    assert!(!token.out.contains(&held) && !token.err.contains(&held), "never the token");
    scene.run("api token").exits(0).says("remaining_secs").says("stable");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_classic_token_is_not_fetched_unasked() {
    let scene = scene().await;
    let text = std::fs::read_to_string(scene.write_config()).expect("just written");
    let classic = text.replace("token = { secret", "token = { kind = \"classic\", secret");
    let config = scene.dir.path().join("classic.toml");
    std::fs::write(&config, classic).expect("a configuration");
    let run = |args: &str| {
        let mut command = support::menshen(scene.dir.path());
        finish(command.arg("-c").arg(&config).args(args.split_whitespace()))
    };
    for args in ["api token", "api quota", "api list", "api dev_apply_list", "api rid 1-2-3"] {
        run(args).exits(2).complains("token kind \"classic\"");
    }
    assert!(scene.world.calls("token").is_empty());
    run("api token --yes").exits(0).says("classic");
    assert_eq!(scene.world.calls("token").len(), 1);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_accounts_one_is_named() {
    let scene = scene().await;
    let more = format!(
        "[[account]]\nname = \"second\"\nappid = \"{PLUGIN}\"\ntoken = {{ secret = {{ file = \"second\" }} }}\nbase_url = \"{}\"\n",
        scene.base_url
    );
    std::fs::write(scene.dir.path().join("second"), "other").expect("a secret");
    let scene = scene.settings(&more);
    scene.run("api quota").exits(2).complains("choose one with --account: express, second");
    let quota = scene.run("api quota --account second --format json").exits(0).json();
    assert_eq!(quota[0]["account"], "second");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_takes_the_calls_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let run = |args: &str| finish(support::menshen(dir.path()).args(args.split_whitespace()));
    run("api dev_apply_list --sandbox").exits(0).says("applications on page 1");
    run("api list --sandbox").exits(0);
    run("api unbind wxnobody --sandbox --yes").exits(1);
    run("audit uses --sandbox").exits(0).says("wxnobody");
}
