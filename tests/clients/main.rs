//! WeChat SDKs that other people wrote, pointed at `menshen sandbox`: what it says of tokens, lists and decisions must
//! be understood by clients that were written for WeChat itself, and what they send must be understood by it.
//!
//! They are installed once below `target/`, in the versions of `requirements.txt` and `package-lock.json`, by `pip` and
//! `npm` as these are set up here. Where that cannot be done the stories are skipped, which is said on standard error.
//! What `docs/sandbox.md` tells of these clients is compared with what they do.

mod sdk;
#[path = "../support/mod.rs"]
mod support;

use menshen::sandbox::Account;
use sdk::{Conversation, Kind};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::page::{code, read, table};
use support::wechat::WeChat;

const PAGE: &str = "docs/sandbox.md";
/// What a careless client breaks: beyond ASCII and beyond the first plane, quotes, backslashes, separators, markup.
const HARD_TEXT: &str = "想用「物流」查件 😀 \"引号\" \\n \\u4e2d / \u{2028}\n换行\t<b>&amp;</b> é 100%+1";

fn list() -> Value {
    json!({ "action": "dev_apply_list", "page": 1, "num": 50 })
}

/// The story of each SDK that can be had here, with a WeChat of its own.
fn each(args: &str, story: impl Fn(&WeChat, &mut Conversation)) {
    for kind in Kind::ALL {
        let Some(sdk) = kind.installed() else { continue };
        let wechat = WeChat::start(args);
        let mut client = sdk.talk(&wechat, Account::DEFAULT_APPID, Account::DEFAULT_SECRET);
        story(&wechat, &mut client);
        assert_eq!(wechat.control("world", None)["unused_faults"], json!([]), "{kind:?}");
    }
}

/// appid, create_time of those that wait, the longest first.
fn waiting(list: &Value) -> Vec<String> {
    let entries = list["apply_list"].as_array().expect("a list").iter().filter(|entry| entry["status"] == 1);
    let mut waiting: Vec<(i64, String)> = entries
        .map(|entry| {
            let text = |field: &str| entry[field].as_str().expect("a text").to_owned();
            (text("create_time").parse().expect("seconds"), text("appid"))
        })
        .collect();
    waiting.sort();
    waiting.into_iter().map(|(_, appid)| appid).collect()
}

/// `appid what` of everything that changed, in no order.
fn changes(wechat: &WeChat) -> BTreeSet<String> {
    let changed = wechat.control("changes", None);
    let applications = changed["applications"].as_array().expect("a list");
    let all = applications.iter().flat_map(|application| {
        let appid = application["appid"].as_str().expect("a text");
        let changes = application["changes"].as_array().expect("a list");
        changes.iter().map(move |change| format!("{appid} {}", change["what"].as_str().expect("a word")))
    });
    all.collect()
}

#[test]
fn a_token_a_list_and_decisions() {
    each("--applications 12 --pending 6 --seed 3", |wechat, client| {
        let before = client.post(&list()).answer();
        let waiting = waiting(&before);
        let (one, two, three) = (&waiting[0], &waiting[1], &waiting[2]);
        let agree = json!({ "action": "dev_agree", "appid": one });
        let refuse = json!({ "action": "dev_refuse", "appid": two, "reason": HARD_TEXT });
        let delete = |appid: &str| json!({ "action": "dev_delete", "appid": appid });
        assert_eq!(client.post(&agree).answer(), json!({ "errcode": 0, "errmsg": "ok" }));
        assert_eq!(client.post(&refuse).answer(), json!({ "errcode": 0, "errmsg": "ok" }));
        let no = [
            (agree, 89240),
            (refuse, 89240),
            (json!({ "action": "dev_agree", "appid": "wx-nobody" }), 89242),
            (json!({ "action": "dev_agree" }), 40101),
            (json!({ "action": "dev_refuse", "appid": three }), 40101),
            (delete(three), 89243),
            (delete(one), 89241),
        ];
        for (call, code) in no {
            let (told, words) = client.post(&call).error();
            assert_eq!(told, code, "{call}");
            assert!(words.contains(" rid: "), "{call}: {words}");
        }
        assert_eq!(client.post(&delete(two)).answer()["errcode"], 0);
        let expected = [format!("{one} agreed"), format!("{two} refused"), format!("{two} deleted")];
        assert_eq!(changes(wechat), expected.into());
        let after = client.post(&list()).answer();
        assert!(!after["apply_list"].to_string().contains(two), "it is gone");
        let ledger = wechat.ledger();
        let tokens: Vec<_> = ledger.iter().filter(|call| call["endpoint"] == client.token_endpoint()).collect();
        assert_eq!(tokens.len(), 1, "one token for all calls: {ledger:?}");
        let theirs = |call: &&Value| {
            call["endpoint"] == "devplugin" && call["token_generation"] == tokens[0]["token_generation"]
        };
        assert_eq!(ledger.iter().filter(theirs).count(), 12);
        assert_eq!(after["apply_list"].as_array().map(Vec::len), Some(11));
        assert_eq!(after["apply_list"], wechat.list(), "it reads what is there");
    });
}

#[test]
fn texts_travel_whole() {
    each("--applications 0", |wechat, owner| {
        let mut applicant = owner.sdk().talk(wechat, Account::DEFAULT_MINI_PROGRAM, Account::DEFAULT_SECRET);
        let apply = json!({ "action": "apply", "plugin_appid": Account::DEFAULT_APPID, "reason": HARD_TEXT });
        assert_eq!(applicant.post_to("wxa/plugin", &apply).answer()["errcode"], 0);
        let entry = &owner.post(&list()).answer()["apply_list"][0];
        assert_eq!(entry["reason"], HARD_TEXT);
        assert_eq!(entry["nickname"], "门神演示小程序");
        assert_eq!(entry["categories"], json!([{ "first": "工具", "second": "信息查询" }]));
        let plugins = applicant.post_to("wxa/plugin", &json!({ "action": "list" })).answer();
        assert_eq!(plugins["plugin_list"][0]["status"], 1);
    });
}

/// As EasyWeChat for PHP refuses: with a reason, and without saying whom.
#[test]
fn a_refusal_that_names_nobody_is_answered_as_the_sandbox_was_told_to() {
    let refuse = json!({ "action": "dev_refuse", "reason": "请修改后重新申请" });
    each("--applications 12 --pending 6", |wechat, client| {
        assert_eq!(client.post(&refuse).error().0, 40097);
        assert_eq!(changes(wechat), BTreeSet::new());
    });
    each("--applications 12 --pending 6 --refuse-without-appid oldest", |wechat, client| {
        let oldest = waiting(&client.post(&list()).answer()).remove(0);
        assert_eq!(client.post(&refuse).answer()["errcode"], 0);
        assert_eq!(changes(wechat), [format!("{oldest} refused")].into());
        let sent = wechat.ledger().pop().expect("a call");
        assert_eq!((&sent["appid"], &sent["has_reason"]), (&Value::Null, &json!(true)), "it named nobody");
    });
}

#[test]
fn what_they_make_of_trouble_is_what_the_page_says() {
    let rows = table(&read(PAGE), "fault | wechatpy");
    assert!(rows.len() > 10, "{rows:?}");
    each("", |wechat, client| {
        for row in &rows {
            let fault = &code(&row[0])[0];
            wechat.control("fault", Some(&json!({ "spec": format!("dev_apply_list:{fault}") })));
            let expected = &code(&row[client.kind().column()])[0];
            assert_eq!(&client.post(&list()).in_a_word(), expected, "{fault}, {:?}", client.kind());
            client.calm(&list());
        }
    });
}

#[test]
fn a_token_that_ended_is_renewed() {
    each("", |wechat, client| {
        assert_eq!(client.post(&list()).in_a_word(), "ok");
        wechat.control("advance", Some(&json!({ "seconds": 7_300 })));
        match client.kind() {
            Kind::Wechatpy => assert_eq!(client.post(&list()).in_a_word(), "ok"),
            // By its own clock it has not ended.
            Kind::EasyWechat => assert_eq!(client.post(&list()).error().0, 42001),
        }
        client.calm(&list());
        let codes: Vec<Value> = wechat.ledger().iter().map(|call| call["errcode"].clone()).collect();
        assert_eq!(codes.iter().filter(|code| **code == 42001).count(), 1, "{codes:?}");
    });
}

#[test]
fn a_wrong_secret_is_told() {
    for kind in Kind::ALL {
        let Some(sdk) = kind.installed() else { continue };
        let wechat = WeChat::start("");
        let said = sdk.talk(&wechat, Account::DEFAULT_APPID, "not the secret").post(&list());
        assert!(said.words().contains("40125"), "{kind:?}: {said:?}");
    }
}

#[test]
fn the_page_names_the_versions() {
    let page = read(PAGE);
    let npm: Value = serde_json::from_str(&read("tests/clients/package.json")).expect("JSON");
    let python = read("tests/clients/requirements.txt");
    let wechatpy = python.lines().find_map(|line| line.strip_prefix("wechatpy==")).expect("it is pinned");
    let node = npm["dependencies"]["node-easywechat"].as_str().expect("it is pinned");
    for named in [format!("wechatpy {wechatpy}"), format!("node-easywechat {node}")] {
        assert!(page.contains(&named), "{PAGE} does not name {named}");
    }
    assert!(python.lines().all(|line| line.contains("==") || line.starts_with('#')), "{python}");
}
