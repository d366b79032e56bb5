//! What happened can be asked for.

use super::wire::Wire;
use super::{Account, Application, Moved, Rig, Status, quiet};
use crate::sandbox::{By, Options, What};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn every_call_is_in_the_ledger_in_order() {
    let rig = Rig::with(&["wxa", "wxb"]).await;
    rig.list(2, 10).await;
    rig.agree("wxa").await;
    rig.agree("wxa").await;
    rig.refuse("wxb").await;
    let seen: Vec<_> = rig
        .world
        .ledger()
        .into_iter()
        .map(|c| (c.seq, c.endpoint, c.action.unwrap_or_default(), c.appid, c.page, c.has_reason, c.errcode, c.changed))
        .collect();
    let (dev, a, b) = ("devplugin".to_owned(), Some("wxa".to_owned()), Some("wxb".to_owned()));
    assert_eq!(
        seen,
        [
            (1, "stable_token".to_owned(), String::new(), None, None, false, None, false),
            (2, dev.clone(), "dev_apply_list".to_owned(), None, Some(2), false, Some(0), false),
            (3, dev.clone(), "dev_agree".to_owned(), a.clone(), None, false, Some(0), true),
            (4, dev.clone(), "dev_agree".to_owned(), a, None, false, Some(89240), false),
            (5, dev, "dev_refuse".to_owned(), b, None, true, Some(0), true),
        ]
    );
    assert!(rig.world.ledger().iter().all(|call| call.account.as_deref() == Some(Account::DEFAULT_APPID)));
    assert_eq!(rig.world.calls("dev_agree").len(), 2);
    assert_eq!(rig.world.calls("devplugin").len(), 4);
}

#[tokio::test]
async fn changes_say_who_made_them() {
    let rig = Rig::with(&["wxcall", "wxperson", "wxgone", "wxlate"]).await;
    rig.refuse("wxcall").await;
    assert_eq!(rig.world.person_agrees("wxperson"), Moved::Moved);
    assert_eq!(rig.world.person_refuses("wxperson"), Moved::NothingToMove);
    assert_eq!(rig.world.withdraw("wxgone"), Moved::Moved);
    rig.world.advance(Duration::from_secs(24 * 3600));
    let mut seen: Vec<_> = rig
        .world
        .changes()
        .into_iter()
        .map(|c| (c.appid, c.changes.into_iter().map(|change| (change.what, change.by)).collect::<Vec<_>>()))
        .collect();
    seen.sort_by_key(|(appid, _)| appid.clone());
    let expected = [
        ("wxcall", vec![(What::Refused, By::Call(2))]),
        ("wxgone", vec![(What::Withdrawn, By::Applicant)]),
        ("wxlate", vec![(What::TimedOut, By::TimeOut)]),
        ("wxperson", vec![(What::Agreed, By::Person)]),
    ];
    assert_eq!(seen, expected.map(|(appid, changes)| (appid.to_owned(), changes)));
    assert_eq!(rig.world.status("wxgone"), None);
}

#[tokio::test]
async fn two_accepted_changes_of_one_application_are_found() {
    let rig = Rig::with(&["wxa", "wxb"]).await;
    rig.agree("wxa").await;
    rig.refuse("wxa").await;
    rig.refuse("wxb").await;
    assert_eq!(rig.world.accepted_twice(), []);
    rig.devplugin(json!({ "action": "dev_delete", "appid": "wxb" })).await;
    let twice = rig.world.accepted_twice();
    assert_eq!((twice.len(), twice[0].appid.as_str(), twice[0].calls.as_slice()), (1, "wxb", &[4, 5][..]));
}

#[tokio::test]
async fn an_applicant_may_come_again() {
    let rig = Rig::with(&["wxa"]).await;
    rig.refuse("wxa").await;
    assert_eq!(rig.world.arrive(Application::new("wxa")), Moved::Moved);
    assert_eq!(rig.appids(1, 10).await, ["wxa", "wxa"]);
    assert_eq!(rig.agree("wxa").await.errcode(), 0);
    let statuses: Vec<Value> = rig.list(1, 10).await.iter().map(|item| item["status"].clone()).collect();
    assert_eq!(statuses, [json!(2), json!(3)]);
    assert_eq!(rig.world.accepted_twice(), []);
}

#[tokio::test]
async fn the_ledger_forgets_the_oldest_beyond_its_bound() {
    let rig = Rig::start(Options { ledger_calls: 3, ..quiet() }).await;
    for _ in 0..4 {
        rig.list(1, 10).await;
    }
    assert_eq!(rig.world.ledger().iter().map(|call| call.seq).collect::<Vec<_>>(), [3, 4, 5]);
}

/// The same over HTTP, for clients in other languages.
#[tokio::test]
async fn the_control_surface_tells_and_does() {
    let rig = Rig::with(&["wxa"]).await;
    let post = async |path: &str, body: Value| {
        let got = rig.post(path, &body.to_string()).await;
        (got.status(), got.json())
    };
    let get = async |path: &str| Wire::to(&rig.server).await.get(path).await.json();

    let asked = json!({ "appid": "wxnew", "nickname": "新店", "reason": "查件", "categories": ["工具/办公"], "create_time": 1_780_271_000,
        "sent_as": { "headimgurl": 5 } });
    assert_eq!(post("/sandbox/apply", asked).await, (200, json!({ "appid": "wxnew" })));
    let listed = rig.list(1, 1).await;
    assert_eq!(listed[0]["headimgurl"], 5);
    assert_eq!(listed[0]["categories"], json!([{ "first": "工具", "second": "办公" }]));
    assert_eq!(post("/sandbox/fault", json!({ "spec": "dev_agree:busy:1" })).await, (200, json!({ "id": 1 })));
    assert_eq!(get("/sandbox/world").await["unused_faults"], json!(["dev_agree:errcode=-1:1"]));
    assert_eq!(rig.agree("wxa").await.errcode(), -1);
    assert_eq!(post("/sandbox/fault", json!({ "lift": 1 })).await.0, 200);
    assert_eq!(post("/sandbox/person", json!({ "appid": "wxa", "does": "agrees" })).await.0, 200);
    assert_eq!(rig.world.status("wxa"), Some(Status::Approved));
    assert_eq!(post("/sandbox/advance", json!({ "seconds": 3600 })).await.0, 200);
    assert_eq!(rig.world.now_ms() - rig.world.start_ms(), 3_600_000);
    let calls = get("/sandbox/ledger?action=dev_agree&after=0&limit=5").await;
    assert_eq!((&calls["calls"][0]["errcode"], &calls["calls"][1]), (&json!(-1), &Value::Null));
    assert_eq!(get("/sandbox/changes").await["applications"][0]["changes"][0]["by"], "person");
    let wrong = [
        ("/sandbox/apply", json!({ "categories": 5 })),
        ("/sandbox/apply", json!({ "account": "wxnone" })),
        ("/sandbox/person", json!({ "appid": "wxa", "does": "sings" })),
        ("/sandbox/person", json!({ "appid": "wxa", "does": "agrees" })),
        ("/sandbox/fault", json!({ "spec": "dev_agree" })),
        ("/sandbox/fault", json!({ "lift": 9 })),
        ("/sandbox/advance", json!({ "seconds": -1 })),
        ("/sandbox/dance", json!({})),
    ];
    for (path, body) in wrong {
        let (status, answer) = post(path, body.clone()).await;
        assert_eq!((status, answer["error"].is_string()), (400, true), "{path} {body}");
    }
}
