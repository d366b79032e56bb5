//! Requests and answers as WeChat's documentation prints them.
//!
//! Sources: api_managepluginapplication, pluginManager.getPluginDevApplyList, pluginManager.setDevPluginApplyStatus,
//! api_manageplugin, api_getstableaccesstoken, getAccessToken, getRidInfo (the form of an error).

use super::wire::{Got, Wire, get};
use super::{Account, Rig, ask_token, quiet, token_of};
use crate::sandbox::{Application, Moved, Options, Status};
use serde_json::json;

/// The documentation's own entry, but for the addresses of pictures.
#[tokio::test]
async fn the_list_is_answered_as_documented() {
    let rig = Rig::start(quiet()).await;
    let application = Application::new("wxf9c4501a76931b33")
        .status(Status::Approved)
        .nickname("插件demo")
        .reason("polo has gone")
        .categories([("IT科技", "硬件与设备")])
        .created_at(1536305096);
    assert_eq!(rig.world.arrive(application), Moved::Moved);
    let got = rig.post(&address(&rig), r#"{"action": "dev_apply_list", "page": 1, "num": 10}"#).await;
    assert_eq!(
        got.text(),
        concat!(
            r#"{"errcode":0,"errmsg":"ok","apply_list":[{"appid":"wxf9c4501a76931b33","status":2,"#,
            r#""nickname":"插件demo","headimgurl":"http://wx.qlogo.cn/mmhead/f9c4501a76931b33/0","#,
            r#""reason":"polo has gone","apply_url":"http://wx.qlogo.cn/mmopen/wxacode/f9c4501a76931b33/0","#,
            r#""create_time":"1536305096","categories":[{"first":"IT科技","second":"硬件与设备"}]}]}"#
        )
    );
    let Got::Answer { status, content_type, .. } = got else { panic!() };
    assert_eq!((status, content_type.as_str()), (200, "application/json; encoding=utf-8"));
}

#[tokio::test]
async fn agree_refuse_and_delete_are_answered_as_documented() {
    let rig = Rig::with(&["wxf9c4501a76931b33", "wx1"]).await;
    let calls = [
        r#"{"action": "dev_agree", "appid": "wxf9c4501a76931b33"}"#,
        r#"{"action": "dev_refuse", "reason": "refuse reason", "appid": "wx1"}"#,
        r#"{"action": "dev_delete", "appid": "wx1"}"#,
    ];
    for call in calls {
        assert_eq!(rig.post(&address(&rig), call).await.text(), r#"{"errcode":0,"errmsg":"ok"}"#, "{call}");
    }
}

#[tokio::test]
async fn a_token_is_answered_as_documented() {
    let rig = Rig::start(quiet()).await;
    let path = format!(
        "/cgi-bin/token?grant_type=client_credential&appid={}&secret={}",
        Account::DEFAULT_APPID,
        Account::DEFAULT_SECRET
    );
    let classic = Wire::to(&rig.server).await.get(&path).await;
    let stable = ask_token(&rig.server, Account::DEFAULT_APPID, Account::DEFAULT_SECRET, false).await;
    for got in [classic, stable] {
        let token = got.json()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(got.text(), format!(r#"{{"access_token":"{token}","expires_in":7200}}"#));
    }
}

#[tokio::test]
async fn an_error_has_wechats_form() {
    let rig = Rig::start(quiet()).await;
    let got = rig.agree("wxnobody").await;
    assert_eq!(got.status(), 200);
    let message = got.json()["errmsg"].as_str().unwrap().to_owned();
    let (words, rid) = message.split_once(" rid: ").unwrap();
    assert_eq!(words, "appid is not in the apply list, please make sure appid is right");
    let groups: Vec<&str> = rid.split('-').collect();
    assert_eq!(groups.len(), 3);
    assert!(groups.iter().all(|group| group.len() == 8 && group.chars().all(|c| c.is_ascii_hexdigit())), "{rid}");
}

/// Each broken call, and the errcode it is answered with.
#[tokio::test]
async fn broken_calls_have_their_errcodes() {
    let rig = Rig::with(&["wxa"]).await;
    let good = address(&rig);
    let token = token_of(&rig.server, Account::DEFAULT_APPID).await;
    let cases = [
        (good.as_str(), "", 44002),
        (&good, "{", 47001),
        (&good, "[]", 47001),
        (&good, "{}", 40101),
        (&good, r#"{"action":"dev_dance"}"#, 40097),
        (&good, r#"{"action":"dev_agree"}"#, 40101),
        (&good, r#"{"action":"dev_agree","appid":5}"#, 47001),
        (&good, r#"{"action":"dev_agree","appid":"wxnobody"}"#, 89242),
        (&good, r#"{"action":"dev_refuse","appid":"wxa"}"#, 40101),
        (&good, r#"{"action":"dev_delete","appid":"wxnobody"}"#, 89242),
        (&good, r#"{"action":"dev_delete"}"#, 40101),
        (&good, r#"{"action":"dev_apply_list","page":"1","num":10}"#, 47001),
        (&good, r#"{"action":"dev_apply_list","page":1,"num":0}"#, 40097),
        ("/wxa/devplugin", r#"{"action":"dev_apply_list"}"#, 41001),
        ("/wxa/devplugin?access_token=", r#"{"action":"dev_apply_list"}"#, 41001),
        ("/wxa/devplugin?access_token=abc", r#"{"action":"dev_apply_list"}"#, 40014),
        ("/wxa/nothing", "{}", 40066),
        ("/cgi-bin/stable_token", "", 44002),
        ("/cgi-bin/stable_token", "{", 47001),
        ("/cgi-bin/stable_token", r#"{"appid":"a","secret":"b"}"#, 40002),
        ("/cgi-bin/stable_token", r#"{"grant_type":"password","appid":"a","secret":"b"}"#, 40002),
        ("/cgi-bin/stable_token", r#"{"grant_type":"client_credential","secret":"b"}"#, 41002),
        ("/cgi-bin/stable_token", r#"{"grant_type":"client_credential","appid":"a"}"#, 41004),
        ("/cgi-bin/stable_token", r#"{"grant_type":"client_credential","appid":"a","secret":"b"}"#, 40013),
        (
            "/cgi-bin/stable_token",
            r#"{"grant_type":"client_credential","appid":"wx5a4d424f58000001","secret":"b"}"#,
            40125,
        ),
    ];
    for (path, body, code) in cases {
        assert_eq!(rig.post(path, body).await.errcode(), code, "{path} {body}");
    }
    for path in [good, format!("/wxa/plugin?access_token={token}"), "/cgi-bin/stable_token".to_owned()] {
        assert_eq!(Wire::to(&rig.server).await.get(&path).await.errcode(), 43002, "{path}");
    }
    assert_eq!(rig.world.status("wxa"), Some(Status::Pending));
}

#[tokio::test]
async fn page_and_num_may_be_absent_and_page_may_be_odd() {
    let appids: Vec<String> = (0..12).map(|n| format!("wx{n:02}")).collect();
    let rig = Rig::with(&appids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let cases = [
        (json!({}), 10, "wx11"),
        (json!({ "page": 2 }), 2, "wx01"),
        (json!({ "page": 0, "num": 5 }), 5, "wx11"),
        (json!({ "page": -3, "num": 5 }), 5, "wx11"),
        (json!({ "page": null, "num": null }), 10, "wx11"),
    ];
    for (mut body, count, first) in cases {
        body["action"] = json!("dev_apply_list");
        let items = rig.devplugin(body.clone()).await.json()["apply_list"].as_array().unwrap().clone();
        assert_eq!((items.len(), items[0]["appid"].as_str()), (count, Some(first)), "{body}");
    }
    let empty = rig.devplugin(json!({ "action": "dev_apply_list", "page": 3, "num": 10 })).await;
    assert_eq!(empty.text(), r#"{"errcode":0,"errmsg":"ok","apply_list":[]}"#);
}

#[tokio::test]
async fn a_chunked_body_is_http_412_with_nothing_in_it() {
    let rig = Rig::start(quiet()).await;
    let body = r#"{"action":"dev_apply_list"}"#;
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        address(&rig),
        body.len()
    );
    let mut wire = Wire::to(&rig.server).await;
    wire.send(&request).await;
    let got = wire.receive().await;
    assert_eq!((got.status(), got.text()), (412, String::new()));
}

#[tokio::test]
async fn one_connection_carries_many_calls() {
    let rig = Rig::with(&["wxa"]).await;
    let mut wire = Wire::to(&rig.server).await;
    for _ in 0..3 {
        assert_eq!(wire.post(&address(&rig), r#"{"action":"dev_apply_list"}"#).await.errcode(), 0);
    }
    wire.send(&get("/sandbox/world")).await;
    assert_eq!(wire.receive().await.json()["accounts"][0]["pending"], 1);
}

/// The using side, from asking to taking back.
#[tokio::test]
async fn a_mini_program_applies_is_seen_and_unbinds() {
    let rig = Rig::start(quiet()).await;
    let token = token_of(&rig.server, Account::DEFAULT_MINI_PROGRAM).await;
    let path = format!("/wxa/plugin?access_token={token}");
    let plugin = Account::DEFAULT_APPID;
    let call = |action: &str, more: &str| format!(r#"{{"action":"{action}"{more}}}"#);
    let of_plugin = format!(r#","plugin_appid":"{plugin}""#);
    let steps = [
        (call("unbind", &of_plugin), 80067),
        (call("apply", r#","plugin_appid":"wxnone","reason":"hello""#), 89239),
        (call("apply", &of_plugin), 40101),
        (call("apply", &format!(r#"{of_plugin},"reason":"hello""#)), 0),
        (call("apply", &format!(r#"{of_plugin},"reason":"hello""#)), 89237),
        (call("update", &format!(r#"{of_plugin},"user_version":"2.2.46""#)), 80067),
    ];
    for (body, code) in steps {
        assert_eq!(rig.post(&path, &body).await.errcode(), code, "{body}");
    }
    assert_eq!(rig.list(1, 10).await[0]["reason"], "hello");
    assert_eq!(rig.agree(Account::DEFAULT_MINI_PROGRAM).await.errcode(), 0);
    let listed = rig.post(&path, r#"{"action":"list"}"#).await.text();
    let expected = format!(
        r#"{{"errcode":0,"errmsg":"ok","plugin_list":[{{"appid":"{plugin}","status":2,"nickname":"门神演示插件","headimgurl":"http://wx.qlogo.cn/mmhead/{plugin}/0"}}]}}"#
    );
    assert_eq!(listed, expected);
    assert_eq!(rig.post(&path, &call("update", &format!(r#"{of_plugin},"user_version":"2.2.46""#))).await.errcode(), 0);
    assert_eq!(rig.post(&path, &call("unbind", &of_plugin)).await.errcode(), 0);
    assert!(rig.list(1, 10).await.is_empty());
    let own = format!("/wxa/plugin?access_token={}", rig.token);
    assert_eq!(rig.post(&own, &call("apply", &format!(r#"{of_plugin},"reason":"me""#))).await.errcode(), 89236);
    let not_owner = format!("/wxa/devplugin?access_token={token}");
    assert_eq!(rig.post(&not_owner, r#"{"action":"dev_apply_list"}"#).await.errcode(), 48001);
}

#[tokio::test]
async fn a_mini_program_has_a_limit_and_updates_may_be_impossible() {
    let options = Options { plugin_limit: 1, quick_update: false, ..quiet() };
    let rig = Rig::start(options.account(Account::plugin("wxsecond", "s"))).await;
    let token = token_of(&rig.server, Account::DEFAULT_MINI_PROGRAM).await;
    let path = format!("/wxa/plugin?access_token={token}");
    let apply = |plugin: &str| json!({ "action": "apply", "plugin_appid": plugin, "reason": "r" }).to_string();
    assert_eq!(rig.post(&path, &apply("wxsecond")).await.errcode(), 0);
    assert_eq!(rig.post(&path, &apply(Account::DEFAULT_APPID)).await.errcode(), 89238);
    let _ = rig.world.person_agrees(Account::DEFAULT_MINI_PROGRAM);
    let update = json!({ "action": "update", "plugin_appid": "wxsecond", "user_version": "1.0.0" }).to_string();
    assert_eq!(rig.post(&path, &update).await.errcode(), 89257);
    let unused = json!({ "action": "unbind", "plugin_appid": Account::DEFAULT_APPID }).to_string();
    assert_eq!(rig.post(&path, &unused).await.errcode(), 80067);
    let rig = Rig::start(Options { grey_release: true, ..quiet() }).await;
    let token = token_of(&rig.server, Account::DEFAULT_MINI_PROGRAM).await;
    let path = format!("/wxa/plugin?access_token={token}");
    assert_eq!(rig.post(&path, &apply(Account::DEFAULT_APPID)).await.errcode(), 0);
    let _ = rig.world.person_agrees(Account::DEFAULT_MINI_PROGRAM);
    let update = update.replace("wxsecond", Account::DEFAULT_APPID);
    assert_eq!(rig.post(&path, &update).await.errcode(), 89258);
}

fn address(rig: &Rig) -> String {
    format!("/wxa/devplugin?access_token={}", rig.token)
}
