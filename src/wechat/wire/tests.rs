//! Answers as WeChat sends them, might send them, and must not be believed.
#![expect(clippy::unwrap_used)]

use super::*;

/// The sample answer of the documentation, entry as published.
const DOCUMENTED: &str = r#"{
  "errcode": 0, "errmsg": "ok",
  "apply_list": [{
    "appid": "wxcf8d0d6a4d5c8a0a", "status": 1, "nickname": "昵称",
    "headimgurl": "http://wx.qlogo.cn/mmhead/abc", "reason": "申请使用",
    "apply_url": "http://mmbiz.qpic.cn/code", "create_time": "1536305096",
    "categories": [{"first": "IT科技", "second": "硬件与设备"}]
  }]
}"#;

fn list(entries: &str) -> String {
    format!(r#"{{"errcode":0,"errmsg":"ok","apply_list":[{entries}]}}"#)
}

fn one(entry: &str) -> Page {
    read_page(list(entry).as_bytes(), 1).unwrap()
}

/// The single pending application in an entry with these fields besides appid and status.
fn pending(fields: &str) -> Application {
    let page = one(&format!(r#"{{"appid":"wxa","status":1{fields}}}"#));
    assert_eq!((page.pending.len(), page.unreadable.len()), (1, 0), "{fields}");
    page.pending.into_iter().next().unwrap()
}

#[test]
fn the_documented_answer() {
    let page = read_page(DOCUMENTED.as_bytes(), 1).unwrap();
    let expected = Application {
        appid: AppId::new("wxcf8d0d6a4d5c8a0a"),
        create_time: CreateTime::received("1536305096"),
        nickname: "昵称".into(),
        reason: "申请使用".into(),
        categories: vec![Category { first: Some("IT科技".into()), second: Some("硬件与设备".into()) }],
        headimgurl: Some("http://wx.qlogo.cn/mmhead/abc".into()),
        apply_url: Some("http://mmbiz.qpic.cn/code".into()),
        malformed: vec![],
    };
    assert_eq!(page, Page { entries: 1, pending: vec![expected], ..Page::default() });
}

#[test]
fn the_cloud_call_spelling_is_the_same_answer() {
    let camel = DOCUMENTED
        .replace("errcode", "errCode")
        .replace("errmsg", "errMsg")
        .replace("apply_list", "applyList")
        .replace("apply_url", "applyUrl")
        .replace("create_time", "createTime");
    assert_eq!(read_page(camel.as_bytes(), 1).unwrap(), read_page(DOCUMENTED.as_bytes(), 1).unwrap());
}

#[test]
fn statuses() {
    let cases = [
        ("1", Ok(Status::Pending)),
        ("\"1\"", Ok(Status::Pending)),
        ("1.0", Ok(Status::Pending)),
        ("2", Ok(Status::Approved)),
        ("\"3\"", Ok(Status::Refused)),
        ("4", Ok(Status::TimedOut)),
        ("0", Ok(Status::Other(0))),
        ("-7", Ok(Status::Other(-7))),
        ("99", Ok(Status::Other(99))),
        ("1.5", Err("status is no whole number (wxa)")),
        ("1e999", Err("status is no whole number (wxa)")),
        ("null", Err("status is missing (wxa)")),
        ("true", Err("status is a truth value (wxa)")),
        ("\"\"", Err("status is a string (wxa)")),
        ("\"pending\"", Err("status is a string (wxa)")),
        ("{\"code\":1}", Err("status is an object (wxa)")),
        ("[1]", Err("status is a list (wxa)")),
    ];
    for (raw, expected) in cases {
        let page = one(&format!(r#"{{"appid":"wxa","status":{raw}}}"#));
        assert_eq!(page.entries, 1);
        match expected {
            Ok(Status::Pending) => assert_eq!(page.pending.len(), 1, "{raw}"),
            Ok(status) => assert_eq!(page.others.iter().map(|o| o.1).collect::<Vec<_>>(), [status], "{raw}"),
            Err(problem) => assert_eq!(page.unreadable[0].problem, problem, "{raw}"),
        }
    }
}

#[test]
fn entries_that_cannot_be_read() {
    let cases = [
        (r#"{"status":1}"#, "appid is missing"),
        (r#"{"appid":null,"status":1}"#, "appid is missing"),
        (r#"{"appid":"","status":1}"#, "appid is empty"),
        (r#"{"appid":"  ","status":1}"#, "appid is empty"),
        (r#"{"appid":12,"status":1}"#, "appid is a number"),
        (r#"{"appid":{"id":"wxa"},"status":1}"#, "appid is an object"),
        (r#"{"appid":"wxa"}"#, "status is missing (wxa)"),
        (r#"{"appid":"<b>张三</b>"}"#, "status is missing"),
        (r#"{}"#, "appid is missing"),
        (r#"null"#, "the entry is null"),
        (r#""wxa""#, "the entry is a string"),
        (r#"[]"#, "the entry is a list"),
        (r#"17"#, "the entry is a number"),
    ];
    let good = r#"{"appid":"wxgood","status":1}"#;
    for (raw, problem) in cases {
        let page = read_page(list(&format!("{good},{raw},{good}")).as_bytes(), 5).unwrap();
        assert_eq!(page.pending.len(), 2, "{raw} takes others with it");
        // Whose it is counts as soon as the appid itself is one.
        let appid = raw.starts_with(r#"{"appid":"w"#).then(|| AppId::new("wxa"));
        let appid = appid.or(raw.contains("<b>").then(|| AppId::new("<b>张三</b>")));
        let mark = page.unreadable[0].mark;
        let expected = Unreadable { page: 5, position: 2, problem: problem.into(), appid, mark };
        assert_eq!((page.entries, page.unreadable), (3, vec![expected]), "{raw}");
    }
}

#[test]
fn unreadable_entries_are_told_apart() {
    let page = one(r#"{"appid":1},{"appid":2},{"appid":1}"#);
    let marks =
        |page: &Page| page.unreadable.iter().map(|entry| entry.mark).collect::<std::collections::HashSet<u64>>();
    let distinct = marks(&page);
    assert_eq!(distinct.len(), 3, "equal ones on one page are several");
    let again = one(r#"{"appid":2},{"appid":1},{"appid":1}"#);
    assert_eq!(marks(&again), distinct, "and known on the next");
}

#[test]
fn fields_of_a_wrong_kind_are_named() {
    let cases: &[(&str, &[&str])] = &[
        ("", &[]),
        (
            r#","nickname":null,"reason":null,"categories":null,"headimgurl":null,"apply_url":null,"create_time":null"#,
            &[],
        ),
        (r#","nickname":7"#, &["nickname"]),
        (r#","nickname":1e999"#, &["nickname"]),
        (r#","nickname":["a"]"#, &["nickname"]),
        (r#","reason":{"text":"x"}"#, &["reason"]),
        (r#","reason":false"#, &["reason"]),
        (r#","headimgurl":7"#, &["headimgurl"]),
        (r#","applyUrl":7"#, &["apply_url"]),
        (r#","categories":"物流服务""#, &["categories"]),
        (r#","categories":{"first":"a"}"#, &["categories"]),
        (r#","categories":["物流服务"]"#, &["categories"]),
        (r#","categories":[null]"#, &["categories"]),
        (r#","categories":[{"first":7}]"#, &["categories"]),
        (r#","categories":[{"first":"a","second":["b"]}, 3]"#, &["categories"]),
        (r#","categories":[]"#, &[]),
        (r#","categories":[{}]"#, &[]),
        (r#","categories":[{"first":null,"second":null,"third":9}]"#, &[]),
        (r#","create_time":{}"#, &[]),
        (r#","create_time":true"#, &[]),
        (r#","create_time":[1536305096]"#, &[]),
        (r#","create_time":"yesterday""#, &[]),
        (r#","create_time":"""#, &[]),
        (r#","unknown":{"deep":[[[]]]}"#, &[]),
        (r#","nickname":7,"reason":8,"create_time":{}"#, &["nickname", "reason"]),
    ];
    for (fields, names) in cases {
        assert_eq!(pending(fields).malformed, *names, "{fields}");
    }
}

#[test]
fn create_times_are_kept_as_received() {
    let cases = [
        ("", None),
        (r#","create_time":null"#, None),
        (r#","create_time":"1536305096""#, Some("1536305096")),
        (r#","create_time":1536305096"#, Some("1536305096")),
        (r#","create_time":1536305096.0"#, Some("1536305096")),
        (r#","create_time":1.536305096e9"#, Some("1536305096")),
        (r#","createTime":1536305096"#, Some("1536305096")),
        (r#","create_time":1536305096.5"#, Some("1536305096.5")),
        (r#","create_time":1e999"#, Some("1e999")),
        (r#","create_time":0"#, Some("0")),
        (r#","create_time":" 1536305096 ""#, Some(" 1536305096 ")),
        (r#","create_time":"2018-09-07""#, Some("2018-09-07")),
        (r#","create_time":null,"createTime":5"#, Some("5")),
    ];
    for (fields, text) in cases {
        assert_eq!(pending(fields).create_time.text(), text, "{fields}");
    }
}

#[test]
fn categories() {
    let part = |text: &str| Some(text.to_string()).filter(|t| !t.is_empty());
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("[]", &[]),
        (r#"[{"first":"a","second":"b"},{"first":"c","second":"d/e"}]"#, &[("a", "b"), ("c", "d/e")]),
        (r#"[{"first":"a"}]"#, &[("a", "")]),
        (r#"[{"first":"a","second":null}]"#, &[("a", "")]),
        (r#"[{"first":"a","second":""}]"#, &[("a", "")]),
        (r#"[{"first":"a","second":" "}]"#, &[("a", "")]),
        (r#"[{"first":"","second":"b"}]"#, &[("", "b")]),
        (r#"[{}]"#, &[("", "")]),
        (r#"[{"first":"a"},"broken",{"first":"c"}]"#, &[("a", ""), ("c", "")]),
    ];
    for (raw, expected) in cases {
        let expected: Vec<_> =
            expected.iter().map(|(first, second)| Category { first: part(first), second: part(second) }).collect();
        assert_eq!(pending(&format!(r#","categories":{raw}"#)).categories, expected, "{raw}");
    }
}

#[test]
fn broken_text_costs_no_entry() {
    let page =
        one(r#"{"appid":"wxa","status":1,"nickname":"\ud83d","reason":"ok \udc00!"},{"appid":"wxb","status":1}"#);
    assert_eq!((page.pending.len(), page.unreadable.len()), (2, 0));
    assert_eq!(page.pending[0].nickname, "\u{FFFD}");
    assert_eq!(page.pending[0].reason, "ok \u{FFFD}!");
    assert!(page.pending[0].malformed.is_empty());
    assert_eq!(pending(",\"reason\":\"tab\there\nline\"").reason, "tab\there\nline");
    assert_eq!(pending(r#","reason":"bad \q escape""#).reason, "bad \u{FFFD}q escape");

    let mut cut = list(r#"{"appid":"wxa","status":1,"nickname":"中文"}"#).into_bytes();
    let place = cut.windows(3).position(|bytes| bytes == "文".as_bytes()).unwrap();
    cut.remove(place + 2);
    assert_eq!(read_page(&cut, 1).unwrap().pending[0].nickname, "中\u{FFFD}");
}

#[test]
fn what_is_and_is_not_a_page() {
    let cases: &[(&str, Result<usize, &str>)] = &[
        (r#"{"errcode":0,"errmsg":"ok","apply_list":[]}"#, Ok(0)),
        (r#"{"errcode":0,"errmsg":"ok","apply_list":null}"#, Ok(0)),
        (r#"{"errcode":0,"errmsg":"ok"}"#, Ok(0)),
        (r#"{"errcode":"0","apply_list":[{"appid":"wxa","status":1}]}"#, Ok(1)),
        (r#"{"apply_list":[{"appid":"wxa","status":1}]}"#, Ok(1)),
        (r#"{"errcode":null,"apply_list":[]}"#, Ok(0)),
        (r#"{"apply_list":null}"#, Err("no errcode and apply_list is null")),
        (r#"{}"#, Err("neither errcode nor apply_list")),
        (r#"{"access_token":"x"}"#, Err("neither errcode nor apply_list")),
        (r#"{"errcode":0,"apply_list":{}}"#, Err("apply_list is an object, no list")),
        (r#"{"errcode":0,"apply_list":"[]"}"#, Err("apply_list is a string, no list")),
        (r#"{"errcode":{},"apply_list":[]}"#, Err("errcode is an object, no number")),
        (r#"{"errcode":"ok","apply_list":[]}"#, Err("errcode is a string, no number")),
        ("", Err("it is empty")),
        (" \r\n", Err("it is empty")),
        ("<html><body>502 Bad Gateway</body></html>", Err("it is HTML or XML, no JSON")),
        ("[]", Err("it is JSON, but no object")),
        ("null", Err("it is no JSON")),
        (r#"{"errcode":0,"apply_list":[{"appid":"wx"#, Err("it is broken or cut off")),
        (r#"{"errcode":0,"apply_list":[]} trailing"#, Err("it is broken or cut off")),
    ];
    for (body, expected) in cases {
        let read = match read_page(body.as_bytes(), 1) {
            Ok(page) => Ok(page.entries),
            Err(Error::Unreadable { problem }) => Err(problem),
            Err(other) => panic!("{body}: {other:?}"),
        };
        assert_eq!(read, expected.map_err(String::from), "{body}");
    }
}

#[test]
fn errcodes_are_errors_whatever_else_is_there() {
    for body in [
        r#"{"errcode":40001,"errmsg":"bad rid: 6-a-f","apply_list":[]}"#,
        r#"{"errcode":"40001","errmsg":"bad rid: 6-a-f"}"#,
        r#"{"errCode":40001.0,"errMsg":"bad rid: 6-a-f"}"#,
    ] {
        for error in [
            read_page(body.as_bytes(), 1).unwrap_err(),
            read_ack(body.as_bytes(), &[]).unwrap_err(),
            read_grant(body.as_bytes(), &[]).err().unwrap(),
        ] {
            assert_eq!((error.errcode(), error.rid()), (Some(40001), Some("6-a-f")), "{body}");
        }
    }
}

#[test]
fn only_errcode_0_is_a_yes() {
    let cases = [
        (r#"{"errcode":0,"errmsg":"ok"}"#, true),
        (r#"{"errcode":"0"}"#, true),
        (r#"{"errCode":0,"errMsg":"openapi.pluginManager.setDevPluginApplyStatus:ok"}"#, true),
        (r#"{"errmsg":"ok"}"#, false),
        (r#"{"errcode":null,"errmsg":"ok"}"#, false),
        (r#"{"errcode":false}"#, false),
        (r#"{}"#, false),
        ("", false),
        ("ok", false),
        (r#"{"errcode":0,"#, false),
        (r#"[{"errcode":0}]"#, false),
    ];
    for (body, yes) in cases {
        assert_eq!(read_ack(body.as_bytes(), &[]).is_ok(), yes, "{body}");
    }
}

#[test]
fn tokens() {
    let cases = [
        (r#"{"access_token":"T","expires_in":7200}"#, Some(7200)),
        (r#"{"access_token":"T","expires_in":"345"}"#, Some(345)),
        (r#"{"errcode":0,"access_token":"T","expires_in":0}"#, Some(0)),
        (r#"{"access_token":"T","expires_in":-5}"#, Some(0)),
        (r#"{"access_token":"T","expires_in":7200.9}"#, Some(7200)),
        (r#"{"access_token":"T","expires_in":1e300}"#, Some(i64::MAX as u64)),
        (r#"{"access_token":"T","expires_in":"99999999999999999999"}"#, Some(i64::MAX as u64)),
        (r#"{"access_token":"T","expires_in":"soon"}"#, None),
        (r#"{"access_token":"T","expires_in":1e999}"#, None),
        (r#"{"access_token":"T"}"#, None),
        (r#"{"access_token":"T","access_token":"U","expires_in":7200}"#, None),
        (r#"{"access_token":"T","expires_in":7200,"expires_in":0}"#, None),
        (r#"{"access_token":"T"}"#, None),
        (r#"{"access_token":"","expires_in":7200}"#, None),
        (r#"{"access_token":7,"expires_in":7200}"#, None),
        (r#"{"expires_in":7200}"#, None),
        ("<html>", None),
    ];
    for (body, life) in cases {
        assert_eq!(read_grant(body.as_bytes(), &[]).ok().map(|g| g.expires_in_secs), life, "{body}");
    }
}

#[test]
fn rids() {
    let cases = [
        ("ok rid: 61725984-6126f6f9-040f19c4", Some("61725984-6126f6f9-040f19c4")),
        ("rid:61725984-6126f6f9-040f19c4 ", Some("61725984-6126f6f9-040f19c4")),
        ("a rid: x rid: 1-2-3", Some("1-2-3")),
        ("hints: [ req_id: abc ]", None),
        ("rid: ", None),
        ("rid: 1-2", None),
        ("", None),
    ];
    for (errmsg, expected) in cases {
        assert_eq!(rid(errmsg).as_deref(), expected, "{errmsg}");
    }
}

#[test]
fn wechats_words_come_cleaned() {
    let long = "长".repeat(1000);
    let cases = [
        ("plain", "plain"),
        ("token TOKEN-1 and SECRET-2", "token *** and ***"),
        ("a\nb\u{1b}[31mc\u{202e}d", "a b [31mc d"),
        (long.as_str(), &long[..ERRMSG_MAX_CHARS * 3]),
    ];
    for (errmsg, expected) in cases {
        assert_eq!(clean(errmsg, &["TOKEN-1", "", "SECRET-2"]), expected);
    }
}

/// An entry with its fields written twice: which value is meant, nobody can say.
#[test]
fn keys_that_stand_there_twice_are_doubt() {
    let check = |entry: &str, expected: &str| {
        let page = one(entry);
        let pending = page.pending.iter().map(|a| format!("held {}", a.malformed.join(",")).trim_end().to_owned());
        let others = page.others.iter().map(|(_, status)| format!("{status:?}"));
        let unreadable = page.unreadable.iter().map(|entry| entry.problem.clone());
        let found: Vec<String> = pending.chain(others).chain(unreadable).collect();
        assert_eq!(found, [expected], "{entry}");
    };
    check(r#"{"appid":"wxa","status":1,"x":1,"x":2}"#, "held");
    check(r#"{"appid":"wxb","appid":"wxa","status":1}"#, "appid stands there twice");
    check(r#"{"appid":"wxa","appid":"wxa","status":1}"#, "appid stands there twice");
    check(r#"{"appid":"wxa","status":2,"status":1}"#, "status stands there twice (wxa)");
    check(r#"{"appid":"wxa","status":null,"status":1}"#, "status stands there twice (wxa)");
    check(r#"{"appid":"wxa","sta\u0074us":1,"status":3}"#, "status stands there twice (wxa)");
    check(r#"{"appid":"wxa","status":1,"reason":"快递","reason":"博彩"}"#, "held reason");
    check(r#"{"appid":"wxa","status":1,"nickname":"a","nickname":"b"}"#, "held nickname");
    check(r#"{"appid":"wxa","status":1,"create_time":"1","create_time":"2"}"#, "held create_time");
    check(r#"{"appid":"wxa","status":1,"create_time":"1","createTime":"2"}"#, "held create_time");
    check(r#"{"appid":"wxa","status":1,"categories":[],"categories":[{"first":"a"}]}"#, "held categories");
    check(r#"{"appid":"wxa","status":1,"categories":[{"first":"a","first":"b"}]}"#, "held categories");
    check(r#"{"appid":"wxa","status":2,"reason":"a","reason":"b"}"#, "Approved");
}

#[test]
fn an_answer_with_two_verdicts_is_none() {
    for body in [
        r#"{"errcode":-1,"errcode":0}"#,
        r#"{"errcode":0,"errcode":0,"errmsg":"ok"}"#,
        r#"{"errcode":40001,"errCode":0}"#,
    ] {
        assert!(matches!(read_ack(body.as_bytes(), &[]), Err(Error::Unreadable { .. })), "{body}");
    }
    let two = format!(r#"{{"errcode":0,"apply_list":[],"apply_list":[{}]}}"#, r#"{"appid":"wxa","status":1}"#);
    assert!(matches!(read_page(two.as_bytes(), 1), Err(Error::Unreadable { .. })));
}

#[test]
fn a_secret_that_comes_back_in_another_spelling_is_covered() {
    let secret = "a+B/c=\"d%";
    for echo in ["x a+B/c=\"d% y", "x a%2BB%2Fc%3D%22d%25 y", "x a%2bB%2fc%3d%22d%25 y", "x a+B/c=\\\"d% y"] {
        assert_eq!(clean(echo, &[secret]), "x *** y");
    }
    assert_eq!(clean("another %2Bb%2Fc", &[secret]), "another %2Bb%2Fc");
}

#[test]
fn a_token_request_is_written_without_a_copy() {
    let (secret, appid) = ("\u{1}".repeat(4_000), AppId::new("wxa"));
    let body = token_request(&appid, &secret, Mode::Normal);
    // Had it grown, it would have room for twice as much as was written.
    assert_eq!(body.capacity(), 128 + ESCAPED_MAX * (3 + 4_000));
    assert!(body.len() > ESCAPED_MAX * 4_000);
    let bodies = [
        component_token_request(&appid, &secret, ""),
        authorizer_token_request(&appid, &AppId::new(""), &secret),
        start_push_request(&appid, &secret),
    ];
    bodies.iter().for_each(|other| assert_eq!(other.capacity(), body.capacity()));
}

#[test]
fn requests_as_documented() {
    let intent =
        |action, reason: Option<&str>| Intent::recorded(1, 1, action, AppId::new("wxa"), reason.map(Into::into));
    let check = |body: Vec<u8>, expected: serde_json::Value| {
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&body).unwrap(), expected);
    };
    check(list_request(3, 50), json!({"action": "dev_apply_list", "page": 3, "num": 50}));
    check(intent_request(&intent(Action::Agree, None)).unwrap(), json!({"action": "dev_agree", "appid": "wxa"}));
    check(intent_request(&intent(Action::Delete, None)).unwrap(), json!({"action": "dev_delete", "appid": "wxa"}));
    let refuse = intent_request(&intent(Action::Refuse, Some("含「博彩」"))).unwrap();
    assert!(String::from_utf8(refuse.clone()).unwrap().contains("含「博彩」"), "Chinese goes out as it is");
    check(refuse, json!({"action": "dev_refuse", "appid": "wxa", "reason": "含「博彩」"}));
    assert!(intent_request(&intent(Action::Refuse, None)).is_err());
    let token = token_request(&AppId::new("wxa"), "s\"x", Mode::Normal);
    check(token, json!({"grant_type": "client_credential", "appid": "wxa", "secret": "s\"x", "force_refresh": false}));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(body in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = (read_page(&body, 1), read_ack(&body, &[]), read_grant(&body, &[]).is_ok());
    }

    #[test]
    fn anything_like_an_entry_is_accounted_for(
        entry in r#"\{("(appid|status|nickname|create_time|categories)":("[a-z1-4]{0,3}"|[1-9][0-9]{0,2}|null|\[\]|\{\}|-1\.5e3),){0,6}"x":0\}"#
    ) {
        let page = one(&entry);
        proptest::prop_assert_eq!(page.pending.len() + page.others.len() + page.unreadable.len(), 1);
    }
}
