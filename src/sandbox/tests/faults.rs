//! Every fault can be written, is observable, and is counted.

use super::wire::{Got, Wire, post};
use super::{Account, Application, Rig, Status, quiet};
use crate::sandbox::{Fault, Options, World};
use serde_json::{Value, json};
use std::time::Duration;

/// What a client and the world see of one agree to `wxa` under a fault; `wxold` waits longest, `wxnew` shortest.
#[tokio::test]
async fn faults_of_a_call() {
    use Status::{Approved, Pending};
    let (ok, no) = (Approved, Pending);
    let code = |code: i64| move |got: &Got| got.status() == 200 && got.errcode() == code;
    let http = |status: u16| move |got: &Got| got.status() == status && got.text().contains("<html>");
    type Seen = Box<dyn Fn(&Got) -> bool>;
    let closed = || -> Seen { Box::new(|got| *got == Got::Closed) };
    let reset = || -> Seen { Box::new(|got| *got == Got::Reset) };
    let empty = || -> Seen { Box::new(|got| got.status() == 200 && got.text().is_empty()) };
    let huge = || -> Seen { Box::new(|got| got.text().len() == 300_000) };
    let cases: Vec<(&str, Seen, Status)> = vec![
        ("dev_agree:busy", Box::new(code(-1)), no),
        ("dev_agree:busy-after", Box::new(code(-1)), ok),
        ("dev_agree:errcode=45009", Box::new(code(45009)), no),
        ("dev_agree:errcode=45011", Box::new(code(45011)), no),
        ("dev_agree:errcode-after=50002", Box::new(code(50002)), ok),
        ("dev_agree:http=500", Box::new(http(500)), no),
        ("dev_agree:http=502", Box::new(http(502)), no),
        ("dev_agree:http-after=503", Box::new(http(503)), ok),
        ("dev_agree:reset", reset(), no),
        ("dev_agree:reset-after", reset(), ok),
        ("dev_agree:lost", closed(), no),
        ("dev_agree:lost-after", closed(), ok),
        ("dev_agree:html", Box::new(http(200)), no),
        ("dev_agree:html-after", Box::new(http(200)), ok),
        ("dev_agree:empty", empty(), no),
        ("dev_agree:empty-after", empty(), ok),
        ("dev_agree:huge=300000", huge(), no),
        ("dev_agree:huge-after=300000", huge(), ok),
        (
            "dev_agree:truncated",
            Box::new(|got| matches!(got, Got::Answer { whole: false, body, .. } if !body.is_empty())),
            ok,
        ),
        (
            "dev_agree:content-type=text/plain",
            Box::new(|got| {
                matches!(got, Got::Answer { content_type, .. } if content_type == "text/plain") && got.errcode() == 0
            }),
            ok,
        ),
        ("dev_agree:slow=1", Box::new(code(0)), ok),
        ("dev_agree:camel-case", Box::new(|got| got.text() == r#"{"errCode":0,"errMsg":"ok"}"#), ok),
        ("dev_agree:token-dies", Box::new(code(40001)), no),
        ("dev_agree:hits=none", Box::new(code(0)), no),
        ("dev_agree:hits=oldest", Box::new(code(0)), no),
        ("dev_agree:hits=other", Box::new(code(0)), no),
        ("dev_agree:hits=all", Box::new(code(0)), ok),
        ("dev_agree:hits=both", Box::new(code(0)), ok),
        ("dev_agree:overtaken", Box::new(code(89240)), ok),
        ("dev_agree@appid=wxa:busy:always", Box::new(code(-1)), no),
        ("dev_agree@appid=wxold:busy:always", Box::new(code(0)), ok),
        ("devplugin:busy:always", Box::new(code(-1)), no),
        ("*:busy", Box::new(code(-1)), no),
    ];
    for (text, seen, status) in cases {
        let rig = Rig::with(&["wxold", "wxa", "wxnew"]).await;
        rig.world.inject(Fault::parse(text).unwrap());
        let got = rig.agree("wxa").await;
        assert!(seen(&got), "{text}: {got:?}");
        assert_eq!(rig.world.status("wxa"), Some(status), "{text}");
        let missed = text.contains("appid=wxold");
        assert_eq!(rig.world.unused_faults().is_empty(), !missed, "{text}");
        let call = rig.world.calls("dev_agree").remove(0);
        assert_eq!(call.faults.is_empty(), missed, "{text}");
        assert_eq!(call.http_status.is_some(), matches!(got, Got::Answer { .. }), "{text}");
    }
}

#[tokio::test]
async fn a_wrong_target_is_really_hit() {
    let cases =
        [("hits=oldest", vec!["wxold"]), ("hits=other", vec!["wxnew"]), ("hits=all", vec!["wxa", "wxnew", "wxold"])];
    for (effect, expected) in cases {
        let rig = Rig::with(&["wxold", "wxa", "wxnew"]).await;
        rig.world.inject(Fault::parse(&format!("dev_refuse:{effect}")).unwrap());
        assert_eq!(rig.refuse("wxa").await.errcode(), 0);
        let mut hit: Vec<String> = rig.world.changes().into_iter().map(|changes| changes.appid).collect();
        hit.sort();
        assert_eq!(hit, expected, "{effect}");
    }
}

#[tokio::test]
async fn a_withdrawn_application_is_gone() {
    let rig = Rig::with(&["wxa"]).await;
    rig.world.inject(Fault::parse("dev_refuse:withdrawn").unwrap());
    assert_eq!(rig.refuse("wxa").await.errcode(), 89242);
    assert_eq!(rig.world.status("wxa"), None);
}

#[tokio::test]
async fn a_hanging_call_never_answers_and_lets_go_of_a_client_that_leaves() {
    for (text, status) in [("dev_agree:hang", Status::Pending), ("dev_agree:hang-after", Status::Approved)] {
        let rig = Rig::with(&["wxa"]).await;
        rig.world.inject(Fault::parse(text).unwrap());
        let mut wire = Wire::to(&rig.server).await;
        let path = format!("/wxa/devplugin?access_token={}", rig.token);
        wire.send(&post(&path, r#"{"action":"dev_agree","appid":"wxa"}"#)).await;
        let waited = tokio::time::timeout(Duration::from_millis(50), wire.receive()).await;
        assert!(waited.is_err(), "{text}: {waited:?}");
        assert_eq!(rig.world.status("wxa"), Some(status), "{text}");
        drop(wire);
        assert_eq!(rig.list(1, 10).await.len(), 1);
    }
}

/// What one reading of page `page` (three a page) shows of `wx1` to `wx7`, newest first.
#[tokio::test]
async fn faults_of_a_list() {
    let cases: [(&str, u32, &[&str]); 11] = [
        ("list:busy", 1, &["wx7", "wx6", "wx5"]),
        ("dev_apply_list:cap=2", 1, &["wx7", "wx6"]),
        ("dev_apply_list:cap=2", 2, &["wx5", "wx4"]),
        ("dev_apply_list:drift=1", 2, &["wx5", "wx4", "wx3"]),
        ("dev_apply_list:drift=-1", 2, &["wx3", "wx2", "wx1"]),
        ("dev_apply_list:drift=1", 1, &["wx7", "wx6", "wx5"]),
        ("dev_apply_list:repeat-page=1:always", 9, &["wx7", "wx6", "wx5"]),
        ("dev_apply_list:null-list", 1, &[]),
        ("dev_apply_list:no-list", 1, &[]),
        ("dev_apply_list@page=2:null-list:always", 1, &["wx7", "wx6", "wx5"]),
        ("dev_apply_list@page=2:null-list:always", 2, &[]),
    ];
    for (text, page, expected) in cases {
        let rig = Rig::with(&["wx1", "wx2", "wx3", "wx4", "wx5", "wx6", "wx7"]).await;
        rig.world.inject(Fault::parse(text).unwrap());
        assert_eq!(rig.appids(page, 3).await, expected, "{text}, page {page}");
    }
}

#[tokio::test]
async fn null_absent_and_camel_case_lists_look_so() {
    let rig = Rig::with(&["wx1"]).await;
    let list = json!({ "action": "dev_apply_list" });
    for (text, start) in [
        ("dev_apply_list:null-list", r#"{"errcode":0,"errmsg":"ok","apply_list":null}"#),
        ("dev_apply_list:no-list", r#"{"errcode":0,"errmsg":"ok"}"#),
        ("dev_apply_list:camel-case", r#"{"errCode":0,"errMsg":"ok","applyList":[{"appid":"wx1","status":1,"#),
    ] {
        rig.world.inject(Fault::parse(text).unwrap());
        let got = rig.devplugin(list.clone()).await.text();
        assert!(got.starts_with(start), "{text}: {got}");
    }
    rig.world.inject(Fault::parse("dev_apply_list:camel-case").unwrap());
    let item = &rig.devplugin(list).await.json()["applyList"][0];
    assert!(item["createTime"].is_string() && item["applyUrl"].is_string() && item["headimgurl"].is_string(), "{item}");
}

#[tokio::test]
async fn newcomers_push_the_pages_along() {
    let rig = Rig::with(&["wx1", "wx2", "wx3", "wx4"]).await;
    rig.world.inject(Fault::parse("dev_apply_list@page=2:arrives=1").unwrap());
    assert_eq!(rig.appids(1, 2).await, ["wx4", "wx3"]);
    assert_eq!(rig.appids(2, 2).await, ["wx3", "wx2"]);
    assert_eq!(rig.appids(3, 2).await, ["wx1"]);
}

#[tokio::test]
async fn a_lagging_list_shows_the_old_status_for_a_while() {
    let status = async |rig: &Rig| rig.list(1, 10).await[0]["status"].clone();
    let rig = Rig::with(&["wxa"]).await;
    rig.world.inject(Fault::parse("dev_agree:lag=2").unwrap());
    rig.agree("wxa").await;
    assert_eq!([status(&rig).await, status(&rig).await, status(&rig).await], [1, 1, 2]);
    assert_eq!(rig.agree("wxa").await.errcode(), 89240);
    let rig = Rig::with(&["wxa"]).await;
    rig.world.inject(Fault::parse("dev_refuse:lag=500ms").unwrap());
    rig.refuse("wxa").await;
    assert_eq!(status(&rig).await, 1);
    rig.world.advance(Duration::from_millis(500));
    assert_eq!(status(&rig).await, 3);
}

#[tokio::test]
async fn malformed_entries_look_so_and_leave_the_others_alone() {
    let cases = [
        ("categories-string", r#""categories":"物流服务""#),
        ("categories-null", r#""categories":null"#),
        ("nickname-number", r#""nickname":12345"#),
        ("reason-object", r#""reason":{"#),
        ("status-string", r#""status":"1""#),
        ("status-missing", r#"{"appid":"wxb","nickname""#),
        ("status-unknown", r#""status":9"#),
        ("appid-number", r#""appid":12345"#),
        ("appid-missing", r#"{"status":1"#),
        ("appid-empty", r#""appid":"""#),
        ("entry-string", r#"["wx0000000000000000","#),
        ("create-time-number", r#""create_time":17"#),
        ("create-time-missing", r#"wxacode/b/0","categories""#),
        ("create-time-text", r#""create_time":"yesterday""#),
        ("reason-twice", r#","reason":"博彩"}"#),
        ("status-twice", r#","status":2}"#),
        ("lone-surrogate", r#""nickname":"\ud83d小店""#),
    ];
    for (kind, shown) in cases {
        let rig = Rig::with(&["wxa", "wxb"]).await;
        let list = json!({ "action": "dev_apply_list" });
        let sound = rig.devplugin(list.clone()).await.text();
        assert!(!sound.contains(shown), "{kind}");
        rig.world.inject(Fault::parse(&format!("dev_apply_list@appid=wxb:malformed={kind}:always")).unwrap());
        let got = rig.devplugin(list.clone()).await.text();
        assert!(got.contains(shown), "{kind}: {got}");
        let other = sound.split(r#",{"appid":"wxa""#).nth(1).unwrap();
        assert!(got.ends_with(other), "{kind}: {got}");
    }
}

#[tokio::test]
async fn malformed_entries_can_be_the_first_or_every_so_many() {
    let rig = Rig::with(&["wx1", "wx2", "wx3", "wx4"]).await;
    let odd = async || rig.appids(1, 10).await.iter().map(|appid| appid == "?").collect::<Vec<_>>();
    rig.world.inject(Fault::parse("dev_apply_list:malformed=appid-number:1").unwrap());
    assert_eq!(odd().await, [true, false, false, false]);
    rig.world.inject(Fault::parse("dev_apply_list:malformed=appid-missing/2:1").unwrap());
    assert_eq!(odd().await, [false, true, false, true]);
    rig.world.inject(Fault::parse("dev_apply_list@appid=wxnobody:malformed=appid-missing").unwrap());
    assert_eq!(odd().await, [false; 4]);
    assert_eq!(rig.world.unused_faults(), ["dev_apply_list@appid=wxnobody:malformed=appid-missing:1"]);
}

/// Which of eight calls a fault strikes.
#[tokio::test]
async fn faults_strike_when_they_should() {
    let cases: [(&str, &[u8]); 6] = [
        ("", &[1, 0, 0, 0, 0, 0, 0, 0]),
        (":3", &[1, 1, 1, 0, 0, 0, 0, 0]),
        (":#3", &[0, 0, 1, 0, 0, 0, 0, 0]),
        (":every/3", &[0, 0, 1, 0, 0, 1, 0, 0]),
        (":always", &[1; 8]),
        (":p=0", &[0; 8]),
    ];
    for (when, expected) in cases {
        assert_eq!(struck(1, when).await, expected, "{when}");
    }
    let by_chance = struck(1, ":p=0.5").await;
    assert_eq!(by_chance, struck(1, ":p=0.5").await, "the seed decides");
    assert!(by_chance.contains(&0) && by_chance.contains(&1), "{by_chance:?}");
    assert_ne!(by_chance, struck(5, ":p=0.5").await);
}

async fn struck(seed: u64, when: &str) -> Vec<u8> {
    let fault = Fault::parse(&format!("dev_apply_list:busy{when}")).unwrap();
    let rig = Rig::start(Options { seed: Some(seed), ..quiet() }.fault(fault)).await;
    let mut struck = Vec::new();
    for _ in 0..8 {
        let got = rig.devplugin(json!({ "action": "dev_apply_list" })).await;
        struck.push(u8::from(got.errcode() == -1));
    }
    struck
}

#[tokio::test]
async fn token_calls_have_faults_too() {
    let options = quiet().fault(Fault::parse("stable_token:errcode=40164:1").unwrap());
    let server = super::Server::start(World::in_memory(options), ([127, 0, 0, 1], 0).into()).await.unwrap();
    let ask = async || super::ask_token(&server, Account::DEFAULT_APPID, Account::DEFAULT_SECRET, false).await;
    let got = ask().await.json();
    assert_eq!(got["errcode"], 40164);
    assert!(got["errmsg"].as_str().unwrap().contains("127.0.0.1"), "{got}");
    assert_eq!(ask().await.json()["errcode"], Value::Null);
    server_of_odd_lives().await;
}

async fn server_of_odd_lives() {
    let options = quiet().fault(Fault::parse("stable_token:expires-in=1e30:1").unwrap());
    let server = super::Server::start(World::in_memory(options), ([127, 0, 0, 1], 0).into()).await.unwrap();
    let ask = async || super::ask_token(&server, Account::DEFAULT_APPID, Account::DEFAULT_SECRET, false).await;
    assert!(ask().await.text().ends_with(r#""expires_in":1e30}"#));
    assert_eq!(ask().await.json()["expires_in"], 7200);
}

#[test]
fn faults_read_as_they_are_shown() {
    let texts = [
        "*:errcode=-1:1",
        "dev_agree:lost-after:2",
        "dev_agree@account=wx1@appid=wx2:hang:#4",
        "dev_apply_list@page=3:http-after=502:every/5",
        "dev_apply_list:huge=5000:p=0.05",
        "stable_token:content-type=text/html; charset=gbk:always",
        "dev_refuse:hits=other:1",
        "dev_refuse:lag=3:1",
        "dev_refuse:lag=500ms:1",
        "dev_apply_list:drift=-2:always",
        "dev_apply_list:malformed=lone-surrogate/2:always",
        "plugin:token-dies:1",
        "stable_token:expires-in=-5:always",
        "authorizer_token:expires-in=0:always",
    ];
    for text in texts {
        assert_eq!(Fault::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn mistakes_in_a_fault_say_what_was_expected() {
    let cases = [
        ("dev_agree", "expected CALLS:EFFECT"),
        ("dev_dance:busy", "`dev_dance`: expected *, an endpoint"),
        ("dev_agree@colour=red:busy", "`colour=red`: expected account="),
        ("dev_agree@page=x:busy", "`page=x`"),
        ("dev_agree:explode", "`explode`: expected one of busy"),
        ("dev_agree:errcode", "`errcode`: expected"),
        ("dev_agree:http=99", "`http=99`"),
        ("dev_agree:cap=5", "only happen on dev_apply_list, not on `dev_agree`"),
        ("dev_apply_list:hits=all", "only happen on dev_agree and dev_refuse"),
        ("stable_token:expires-in=soon", "`expires-in=soon`: expected"),
        ("dev_agree:expires-in=0", "only happen on calls for a token"),
        ("stable_token:token-dies", "only happen on calls that carry a token"),
        ("dev_agree:busy:sometimes", "`sometimes`: expected a count"),
        ("dev_agree:busy:p=2", "`p=2`"),
        ("dev_agree:busy:every/0", "`every/0`"),
        ("dev_apply_list:malformed=nose", "`malformed=nose`"),
    ];
    for (text, expected) in cases {
        let words = Fault::parse(text).unwrap_err().to_string();
        assert!(words.contains(expected), "{text}: {words}");
    }
}

#[tokio::test]
async fn entries_can_be_odd_from_the_beginning() {
    let rig = Rig::start(quiet()).await;
    let odd = Application::new("wxa").sent_as("nickname", json!(5)).without("create_time").sent_as("extra", json!([1]));
    let _ = rig.world.arrive(odd);
    let item = rig.list(1, 1).await.remove(0);
    assert_eq!((&item["nickname"], item.get("create_time"), &item["extra"]), (&json!(5), None, &json!([1])));
}
