//! Stories of people deciding by hand: `review` and `api dev_*`, as the real binary, beside a service or alone.

mod support;

use menshen::policy::{Action, AppId};
use menshen::sandbox::{Application, Moved, Status};
use menshen::service::{Obstacle, Seen, Watch, Wish, Words};
use support::Scene;
use support::process::{Done, Running};

/// A create_time well within the pending window.
fn an_hour_ago() -> i64 {
    jiff::Timestamp::now().as_second() - 3_600
}

/// One that is held by a rule with a note, one that no rule knows, one that times out sooner.
async fn held() -> Scene {
    let scene = Scene::empty().await.rules(
        "[[rule]]\nname = \"ask a person\"\naction = \"hold\"\nnote = \"先看资质\"\nwhen = { reason = { any = [\"合作\"] } }\n\
         [[rule]]\nname = \"gambling words\"\naction = \"refuse\"\nmessage = \"「{nickname}」的说明含有「{keyword}」\"\n\
         when = { reason = { any = [\"博彩\"] } }\nunless = { nickname = { any = [\"某店\"] } }\n",
    );
    scene.arrive(Application::new("wx-ask").created_at(an_hour_ago()).nickname("甲店").reason("希望合作"));
    scene.arrive(Application::new("wx-none").created_at(an_hour_ago() - 60).nickname("某店").reason("博彩"));
    scene.pass().await;
    scene
}

/// What was sent to WeChat to change something.
fn sent(scene: &Scene) -> Vec<String> {
    let changes = ["dev_agree", "dev_refuse", "dev_delete"];
    let ledger = scene.world.ledger();
    let actions = ledger.iter().filter(|call| changes.contains(&call.action.as_deref().unwrap_or_default()));
    actions
        .map(|call| format!("{} {}", call.action.clone().unwrap_or_default(), call.appid.clone().unwrap_or_default()))
        .collect()
}

/// `appid verdict outcome actor` of the rows people wrote.
async fn by_people(scene: &Scene) -> Vec<String> {
    let rows = scene.rows().await;
    let people = rows.iter().filter(|row| row.actor.starts_with("cli:"));
    people.map(|row| format!("{} {} {} {}", row.appid, row.verdict, row.outcome, row.actor)).collect()
}

fn appids(done: &Done) -> Vec<String> {
    done.json().iter().map(|line| line["appid"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_lets_in_what_was_held() {
    let scene = held().await;
    let done = scene.run("review agree wx-ask --yes --format json").exits(0);
    let row = &done.json()[0];
    assert_eq!((row["verdict"].as_str(), row["outcome"].as_str()), (Some("agree"), Some("done")), "{row}");
    assert_eq!((row["mode"].as_str(), row["rule"].as_str()), (Some("live"), None), "{row}");
    assert_eq!(scene.world.status("wx-ask"), Some(Status::Approved));
    assert_eq!(by_people(&scene).await, ["wx-ask agree done cli:tester"]);
    let ledger: Vec<String> = scene.world.ledger().iter().filter_map(|call| call.action.clone()).collect();
    let agree = ledger.iter().position(|action| action == "dev_agree").expect("it was sent");
    assert!(ledger[..agree].ends_with(&["dev_apply_list".to_owned()]), "read before: {ledger:?}");
    assert!(ledger[agree + 1..].contains(&"dev_apply_list".to_owned()), "read after: {ledger:?}");
    assert_eq!(appids(&scene.run("review list --format json").exits(0)), ["wx-none"]);
    let report = scene.pass().await;
    assert_eq!((report.failed(), report.acted()), (false, false), "a person's decision stands: {report:#?}");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_what_the_person_or_the_rule_says() {
    let scene = held().await;
    let mut command = scene.menshen(["review", "refuse", "wx-none", "--message-of", "gambling words", "--yes"]);
    support::process::finish(&mut command).exits(0).says("「某店」的说明含有「博彩」");
    scene.run("api dev_refuse wx-ask --reason 请补充资质 --yes").exits(0).says("请补充资质");
    assert_eq!(by_people(&scene).await, ["wx-none refuse done cli:tester", "wx-ask refuse done cli:tester"]);
    assert!(scene.world.calls("dev_refuse").iter().all(|call| call.appid.is_some() && call.has_reason));
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_to_ask_means_nothing_is_sent() {
    let scene = held().await;
    let before = (sent(&scene), scene.rows().await);
    for args in
        ["review agree wx-ask", "api dev_agree wx-ask", "api dev_refuse wx-ask --reason 否", "api dev_delete wx-ask"]
    {
        scene.run(args).exits(2).complains("--yes");
    }
    scene.run("review next").exits(2).complains("terminal");
    assert_eq!((sent(&scene), scene.rows().await), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_said_and_not_sent() {
    let scene = held().await;
    scene.arrive(Application::new("wx-in").created_at(an_hour_ago()).status(Status::Approved));
    scene.arrive(Application::new("wx-twice").created_at(an_hour_ago()));
    scene.arrive(Application::new("wx-twice").created_at(an_hour_ago() + 1));
    scene.arrive(Application::new("wx-again").created_at(an_hour_ago() - 100).status(Status::Refused));
    scene.arrive(Application::new("wx-again").created_at(an_hour_ago()));
    let before = sent(&scene);
    let long = format!("api dev_refuse wx-ask --yes --reason {}", "长".repeat(201));
    let cases = [
        ("api dev_agree wx-nowhere --yes", "not on the list"),
        ("api dev_agree wx-in --yes", "approved already"),
        ("api dev_delete wx-in --yes", "only what was refused or timed out"),
        ("api dev_delete wx-ask --yes", "still pending"),
        ("api dev_delete wx-again --yes", "more than once"),
        ("review agree wx-twice --yes", "more than once"),
        ("review refuse wx-ask --yes --message-of nothing", "no refuse rule"),
        ("review refuse wx-ask --yes --reason \u{200b}", "empty"),
        (long.as_str(), "201 characters"),
    ];
    for (args, words) in cases {
        scene.run(args).exits(1).complains(words);
    }
    // The rule finds no keyword in it, and a sentence with a gap helps nobody.
    let mut command = scene.menshen(["review", "refuse", "wx-ask", "--message-of", "gambling words", "--yes"]);
    support::process::finish(&mut command).exits(1).complains("--reason");
    assert_eq!(sent(&scene), before);
    scene.run("review agree wx-ask --account nobody --yes").exits(2).complains("known: express");
    scene.run("review show wx-nowhere").exits(2).complains("nothing of wx-nowhere waits");
}

/// Somebody looks at an application for minutes; the applicant takes it back meanwhile and applies with other words.
#[tokio::test(flavor = "multi_thread")]
async fn a_word_about_what_was_shown_is_not_given_to_what_came_after_it() {
    let scene = held().await;
    let shown = scene.rows().await.into_iter().find(|row| row.appid == "wx-ask").expect("it is held").create_time;
    let seen = Seen { create_time: shown };
    assert_eq!(scene.world.withdraw("wx-ask"), Moved::Moved);
    let applied = an_hour_ago() + 60;
    scene.arrive(Application::new("wx-ask").created_at(applied).nickname("甲店").reason("博彩"));
    let service = scene.service().await;
    let wish = |seen| Wish {
        who: "cli:tester".to_owned(),
        action: Action::Agree,
        appids: vec![AppId::new("wx-ask")],
        words: Words::None,
        seen,
    };
    let decided = async |seen| {
        let done = service.accounts()[0].by_hand(service.store(), &Watch::default(), &wish(seen), &|_| ()).await;
        done.expect("the list is whole").1
    };
    assert_eq!(decided(Some(seen)).await, [(AppId::new("wx-ask"), Obstacle::Another)]);
    assert_eq!((sent(&scene), by_people(&scene).await), (vec![], vec![]));
    let there = Seen { create_time: Some(applied) };
    assert_eq!(decided(Some(there)).await, []);
    assert_eq!(scene.world.status("wx-ask"), Some(Status::Approved));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_cannot_be_done_stops_no_other() {
    let scene = held().await;
    let done = scene.run("review agree wx-nowhere wx-ask wx-none wx-ask --yes").exits(1);
    done.complains("wx-nowhere was left alone");
    assert_eq!(by_people(&scene).await, ["wx-ask agree done cli:tester", "wx-none agree done cli:tester"]);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_recorded_and_seen_to_be_done() {
    let scene = held().await;
    scene.arrive(Application::new("wx-old").created_at(an_hour_ago()).status(Status::Refused));
    scene.run("api dev_delete wx-old --yes").exits(0);
    assert_eq!(by_people(&scene).await, ["wx-old delete done cli:tester"]);
    assert_eq!(scene.world.status("wx-old"), None);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_by_hand_is_read_not_repeated() {
    for (fault, outcome, status) in
        [("dev_agree:lost-after:1", "done", Status::Approved), ("dev_agree:lost:1", "failed", Status::Pending)]
    {
        let scene = held().await;
        scene.fault(fault);
        let done = scene.run("review agree wx-ask --yes");
        assert_eq!(done.status, Some(i32::from(outcome == "failed")), "{fault}: {}", done.err);
        assert_eq!(by_people(&scene).await, [format!("wx-ask agree {outcome} cli:tester")], "{fault}");
        assert_eq!(scene.world.status("wx-ask"), Some(status), "{fault}");
        let waits = appids(&scene.run("review list --format json")).contains(&"wx-ask".to_owned());
        assert_eq!(waits, outcome == "failed", "{fault}: it waits for a person as long as it is pending");
        scene.end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_tried_is_not_tried_again_by_the_rules() {
    let scene = Scene::empty().await.rules("[policy]\ndefault = \"agree\"\n[[rule]]\nname = \"r\"\naction = \"hold\"\nwhen = { reason = { any = [\"合作\"] } }\n");
    scene.arrive(Application::new("wx-any").created_at(an_hour_ago()).reason("查询"));
    scene.fault("dev_agree:lost:1");
    scene.run("api dev_agree wx-any --yes").exits(1);
    scene.pass().await;
    let rows: Vec<String> =
        scene.rows().await.iter().map(|row| format!("{} {} {}", row.actor, row.outcome, row.attempts)).collect();
    assert_eq!(rows, ["cli:tester failed 1", "rules done 1"]);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_not_held_back_by_limits_and_pauses_but_counts() {
    let scene = Scene::empty().await.settings("[limits]\nagree_per_day = 1");
    scene.arrive(Application::new("wx-1").created_at(an_hour_ago()));
    scene.arrive(Application::new("wx-2").created_at(an_hour_ago()));
    scene.arrive(Application::new("wx-3").created_at(an_hour_ago()));
    scene.run("pause --why 看看").exits(0);
    scene.run("review agree wx-1 wx-2 --yes").exits(0);
    scene.run("resume").exits(0);
    scene.pass().await;
    assert_eq!(scene.world.status("wx-3"), Some(Status::Pending), "the day's one place was taken by hand");
    assert!(scene.story().await.contains(&"wx-3 agree (limit) held".to_owned()), "{:?}", scene.story().await);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_out_by_hand_while_wechat_does_something_else_than_asked() {
    let scene = held().await;
    scene.fault("dev_agree:hits=none:1");
    scene.run("review agree wx-ask --yes").exits(1).says("BRAKE verification");
    let before = sent(&scene);
    scene.run("review agree wx-none --yes").exits(1).complains("brake verification is pulled");
    assert_eq!(sent(&scene), before);
    scene.run("resume --why 查过了").exits(0);
    scene.run("review agree wx-none --yes").exits(0);
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_shows_the_most_urgent_first() {
    let scene = held().await;
    let done = scene.run("review list --format json").exits(0);
    assert_eq!(appids(&done), ["wx-none", "wx-ask"]);
    let ask = &done.json()[1];
    assert_eq!((ask["note"].as_str(), ask["rule"].as_str()), (Some("先看资质"), Some("ask a person")));
    assert!(ask["left_secs"].as_i64().is_some_and(|left| (82_000..82_801).contains(&left)), "{ask}");
    scene.run("review list").exits(0).says("先看资质");
    scene.run("review show wx-ask").exits(0).says("note for reviewers: 先看资质");
    let csv = scene.run("review list --format csv").exits(0).out;
    assert_eq!(csv.lines().count(), 3, "{csv}");
}

#[tokio::test(flavor = "multi_thread")]
async fn earlier_decisions_on_the_same_applicant_are_in_view() {
    let scene = Scene::empty().await;
    scene.arrive(Application::new("wx-again").created_at(an_hour_ago() - 600).reason("博彩"));
    scene.pass().await;
    scene.arrive(Application::new("wx-again").created_at(an_hour_ago()).reason("合作"));
    scene.pass().await;
    let done = scene.run("review list --format json").exits(0);
    let earlier = &done.json()[0]["earlier"];
    assert_eq!(
        (earlier[0]["verdict"].as_str(), earlier[0]["outcome"].as_str()),
        (Some("refuse"), Some("done")),
        "{earlier}"
    );
    scene.run("review list").exits(0).says("refuse done #1");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_and_a_person_take_turns() {
    let scene = Scene::empty().await;
    scene.arrive(Application::new("wx-1").created_at(an_hour_ago()));
    scene.arrive(Application::new("wx-2").created_at(an_hour_ago()).reason("合作"));
    // The pass hangs in its first call until the sandbox gives up; the person waits for the account meanwhile.
    scene.fault("dev_agree:slow=1500:1");
    let service = Running::start(&mut scene.menshen(["run", "--once"]));
    support::process::until("the pass acts", || scene.world.calls("dev_agree").len() == 1);
    scene.run("review agree wx-2 --yes").exits(0);
    service.wait().exits(0);
    let rows = scene.rows().await;
    let settled = |appid: &str| {
        rows.iter()
            .find(|row| row.appid == appid && row.outcome == menshen::policy::Outcome::Done)
            .map(|row| row.decided_at)
    };
    assert!(settled("wx-1") < settled("wx-2"), "{rows:#?}");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lagging_list_shows_pending_is_not_changed_again() {
    let scene = Scene::empty().await;
    scene.arrive(Application::new("wx-old").created_at(an_hour_ago() - 60).reason("合作"));
    scene.arrive(Application::new("wx-good").created_at(an_hour_ago()));
    scene.pass().await;
    let before = sent(&scene);
    scene.fault("dev_apply_list:behind=3600000:always");
    for args in ["review refuse wx-good --reason 否 --yes", "api dev_agree wx-good --yes"] {
        scene.run(args).exits(1).complains("the audit log says in row");
    }
    assert_eq!(sent(&scene), before);
    scene.calm();
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_reached_is_said() {
    let scene = Scene::empty().await.rules("");
    for number in 0..5 {
        scene.arrive(Application::new(format!("wx-{number}")).created_at(an_hour_ago() + number));
    }
    scene.fault("dev_agree:errcode=48001:always");
    let done = scene.run("review agree wx-0 wx-1 wx-2 wx-3 wx-4 --yes").exits(1);
    assert_eq!(done.err.matches("before its turn").count(), 5 - by_people(&scene).await.len(), "{}", done.err);
    assert!(by_people(&scene).await.len() < 5);
    scene.calm();
    scene.end();
}

/// Ended applications of every kind, and a pending one that a rule holds.
async fn cluttered(settings: &str) -> Scene {
    let scene = Scene::empty().await.settings(settings);
    let days_ago = |days: i64| an_hour_ago() - days * 86_400;
    let (refused, timed_out, approved) = (Status::Refused, Status::TimedOut, Status::Approved);
    for (appid, status, days) in
        [("wx-no", refused, 31), ("wx-no-new", refused, 29), ("wx-late", timed_out, 8), ("wx-yes", approved, 400)]
    {
        scene.arrive(Application::new(appid).created_at(days_ago(days)).status(status));
    }
    scene.arrive(Application::new("wx-back").created_at(days_ago(40)).status(refused));
    scene.arrive(Application::new("wx-back").created_at(an_hour_ago()).reason("合作"));
    scene
}

const HOUSEKEEPING: &str = "[housekeeping]\ndelete_refused_after = \"30d\"\ndelete_timed_out_after = \"7d\"";

/// `appid outcome attempts` of the rows housekeeping wrote.
async fn deletions(scene: &Scene) -> Vec<String> {
    let rows = scene.rows().await;
    let rows = rows.iter().filter(|row| row.actor == "housekeeping");
    rows.map(|row| format!("{} {} {} {}", row.appid, row.verdict, row.outcome, row.attempts)).collect()
}

#[tokio::test]
async fn what_ended_long_ago_is_taken_off_the_list() {
    let scene = cluttered(HOUSEKEEPING).await;
    let report = scene.pass().await;
    assert_eq!((report.failed(), report.deleted, report.held), (false, 2, 1), "{report:#?}");
    assert_eq!(deletions(&scene).await, ["wx-no delete done 1", "wx-late delete done 1"]);
    assert_eq!(sent(&scene), ["dev_delete wx-no", "dev_delete wx-late"], "the first alone, the oldest first");
    assert!(!scene.pass().await.acted());
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_what_would_be_deleted() {
    let scene = cluttered(HOUSEKEEPING).await;
    let lines = scene.run("run --dry-run --format json").exits(0).json();
    let told: Vec<String> = lines.iter().map(|line| format!("{} {}", line["appid"], line["verdict"])).collect();
    assert_eq!(told, ["\"wx-back\" \"hold\"", "\"wx-no\" \"delete\"", "\"wx-late\" \"delete\""]);
    scene.run("run --dry-run").exits(0).says("[housekeeping] would delete 2").says("wx-no, wx-late");
    assert_eq!(scene.world.calls("dev_delete").len(), 0);
    assert!(scene.rows().await.is_empty());
}

#[tokio::test]
async fn nothing_is_deleted_unless_asked_for_or_while_there_is_something_else_to_do() {
    let off = cluttered("").await;
    off.pass().await;
    let shadow = cluttered(HOUSEKEEPING).await.shadow();
    shadow.pass().await;
    let busy = cluttered(HOUSEKEEPING).await;
    busy.arrive(Application::new("wx-good").created_at(an_hour_ago()));
    busy.pass().await;
    let incomplete = cluttered(HOUSEKEEPING).await;
    incomplete.fault("dev_apply_list@page=1:http=503:always");
    incomplete.pass().await;
    incomplete.calm();
    for (what, scene) in [("off", &off), ("shadow", &shadow), ("busy", &busy), ("incomplete", &incomplete)] {
        assert_eq!(scene.world.calls("dev_delete").len(), 0, "{what}");
        scene.end();
    }
    busy.pass().await;
    assert_eq!(busy.world.calls("dev_delete").len(), 2, "the next pass is quiet");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_deletions_is_a_pause() {
    let scene = cluttered(HOUSEKEEPING).await;
    scene.run("pause --action delete").exits(0);
    scene.pass().await;
    assert_eq!(scene.world.calls("dev_delete").len(), 0);
    scene.run("resume").exits(0);
    scene.pass().await;
    assert_eq!(scene.world.calls("dev_delete").len(), 2);
    scene.end();
}

#[tokio::test]
async fn what_cannot_be_deleted_is_given_up_and_does_not_fill_the_log() {
    let scene = cluttered("[housekeeping]\ndelete_timed_out_after = \"7d\"").await;
    scene.fault("dev_delete:errcode=89247:always");
    for _ in 0..5 {
        scene.pass().await;
    }
    assert_eq!(deletions(&scene).await, ["wx-late delete failed 3"]);
    assert_eq!(scene.world.calls("dev_delete").len(), 3);
}

#[tokio::test]
async fn a_deletion_that_never_happened_pulls_the_brake() {
    let scene = cluttered(HOUSEKEEPING).await;
    scene.fault("dev_delete:errcode=0:1");
    let report = scene.pass().await;
    assert!(report.brake.is_some(), "{report:#?}");
    assert_eq!(scene.world.calls("dev_delete").len(), 1, "the first goes alone");
    scene.end();
}
