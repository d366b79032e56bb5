//! What goes over the wire, what an answer says, and what no text may say.

use super::*;

#[tokio::test]
async fn requests_on_the_wire() {
    let server = server(|_, _| json(OK)).await;
    let client = server.client();
    for action in Action::ALL {
        assert_eq!(carry_out(&client, action).await.fate, Fate::Accepted);
    }
    let token = &server.calls(wire::STABLE_TOKEN)[0];
    assert!(token.head.starts_with("POST /cgi-bin/stable_token HTTP/1.1\r\n"), "no query: {}", token.head);
    let expected = serde_json::json!({
        "grant_type": "client_credential", "appid": "wxowner", "secret": SECRET, "force_refresh": false
    });
    assert_eq!(token.json(), expected);
    let calls = server.calls(wire::DEVPLUGIN);
    for call in &calls {
        let head = call.head.to_lowercase();
        assert!(call.head.starts_with("POST /wxa/devplugin?access_token=T0 HTTP/1.1\r\n"), "{}", call.head);
        assert!(head.contains("content-type: application/json\r\n") && !head.contains("transfer-encoding"), "{head}");
        assert_eq!(call.json()["appid"], "wxapplicant", "{}", call.body);
    }
    let actions: Vec<_> = calls.iter().map(|c| c.json()["action"].as_str().unwrap().to_owned()).collect();
    assert_eq!(actions, ["dev_agree", "dev_refuse", "dev_delete"]);
    assert!(calls[1].body.contains("含有「博彩」"), "{}", calls[1].body);
}

#[tokio::test]
async fn what_an_answer_says_about_the_change() {
    let cut = format!("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{OK}");
    let big = format!(r#"{{"errcode":0,"errmsg":"{}"}}"#, "x".repeat(ACK_MAX_BYTES));
    type Make = Box<dyn Fn() -> Reaction + Send + Sync>;
    type Case = (&'static str, Make, Fate, Option<i64>, Option<u16>);
    let cases: Vec<Case> = vec![
        ("ok", Box::new(|| json(OK)), Fate::Accepted, Some(0), Some(200)),
        ("ok in a string", Box::new(|| json(r#"{"errcode":"0"}"#)), Fate::Accepted, Some(0), Some(200)),
        ("not pending", Box::new(|| errcode(89240)), Fate::Rejected, Some(89240), Some(200)),
        ("withdrawn", Box::new(|| errcode(89242)), Fate::Rejected, Some(89242), Some(200)),
        ("ip", Box::new(|| errcode(40164)), Fate::Rejected, Some(40164), Some(200)),
        ("quota", Box::new(|| errcode(45009)), Fate::Rejected, Some(45009), Some(200)),
        ("minute", Box::new(|| errcode(45011)), Fate::Rejected, Some(45011), Some(200)),
        ("bad body", Box::new(|| errcode(47001)), Fate::Rejected, Some(47001), Some(200)),
        ("busy", Box::new(|| errcode(-1)), Fate::Lost, Some(-1), Some(200)),
        ("internal", Box::new(|| errcode(89247)), Fate::Lost, Some(89247), Some(200)),
        ("unheard of", Box::new(|| errcode(12345)), Fate::Lost, Some(12345), Some(200)),
        ("no errcode", Box::new(|| json(r#"{"errmsg":"ok"}"#)), Fate::Lost, None, Some(200)),
        ("empty", Box::new(|| json("")), Fate::Lost, None, Some(200)),
        ("html", Box::new(|| json("<html>ok</html>")), Fate::Lost, None, Some(200)),
        ("half", Box::new(|| json(r#"{"errcode":0,"#)), Fate::Lost, None, Some(200)),
        ("cut off", Box::new(move || Reaction::Raw(cut.clone())), Fate::Lost, None, None),
        ("closed", Box::new(|| Reaction::Close), Fate::Lost, None, None),
        ("hangs", Box::new(|| Reaction::Hang), Fate::Lost, None, None),
        ("too large", Box::new(move || json(big.clone())), Fate::Lost, None, None),
        ("502", Box::new(|| status("502 Bad Gateway", "<html>")), Fate::Lost, None, Some(502)),
        ("500", Box::new(|| status("500 Oops", OK)), Fate::Lost, None, Some(500)),
        ("412", Box::new(|| status("412 Precondition Failed", "")), Fate::Lost, None, Some(412)),
        ("302", Box::new(|| status("302 Found\r\nLocation: /wxa/elsewhere", "")), Fate::Lost, None, Some(302)),
        ("nonsense", Box::new(|| Reaction::Raw("nonsense\r\n\r\n".into())), Fate::Lost, None, None),
    ];
    for (name, make, fate, errcode, http_status) in cases {
        let server = server(move |_, _| make()).await;
        let timeout = Duration::from_millis(if name == "hangs" { 500 } else { 60_000 });
        let client = build(Settings { timeout, ..server.settings() });
        let answer = carry_out(&client, Action::Agree).await;
        assert_eq!((answer.fate, answer.errcode, answer.http_status), (fate, errcode, http_status), "{name}");
        assert_eq!(answer.error.is_none(), fate == Fate::Accepted, "{name}");
        let rid = errcode.filter(|code| *code != 0).map(|code| format!("1-2-{}", code.unsigned_abs()));
        assert_eq!(answer.rid, rid, "{name}");
        assert_eq!(server.count(), (1, 1), "{name}: a change is asked for once");
    }
}

#[tokio::test]
async fn what_never_went_out_is_unsent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);

    // The token came, then the server went away.
    let server = server(|_, _| json(OK)).await;
    let client = server.client();
    let slot = client.slot().await.unwrap();
    let gone = build(Settings { base_url: nobody, ..server.settings() });
    let error = gone.slot().await.unwrap_err();
    assert!(matches!(&error, Error::Token(inner) if matches!(**inner, Error::Connect { .. })), "{error:?}");
    let answer = gone.carry_out(slot, intent(Action::Agree)).await;
    assert_eq!((answer.fate, answer.errcode), (Fate::Unsent, None));

    // A refusal without a reason is not sent.
    let slot = client.slot().await.unwrap();
    let answer = client.carry_out(slot, Intent::recorded(1, 1, Action::Refuse, AppId::new("wxa"), None)).await;
    assert_eq!(answer.fate, Fate::Unsent);
    assert_eq!(server.count(), (1, 0));
}

#[tokio::test]
async fn no_text_holds_a_secret_or_an_address() {
    let echo = |call: &Call| {
        let errmsg = format!("your token {} and {SECRET} at /wxa?access_token={}", call.token(), call.token());
        json(format!(r#"{{"errcode":48001,"errmsg":"{errmsg}"}}"#))
    };
    type Script = Box<dyn Fn(&Call, usize) -> Reaction + Send + Sync>;
    let token_of = |n: usize| grant(&format!("SECRETTOKEN{n}"));
    let scripts: Vec<Script> = vec![
        Box::new(move |call, n| if call.path() == wire::STABLE_TOKEN { token_of(n) } else { echo(call) }),
        Box::new(move |call, n| if call.path() == wire::STABLE_TOKEN { token_of(n) } else { Reaction::Close }),
        Box::new(move |call, n| if call.path() == wire::STABLE_TOKEN { token_of(n) } else { Reaction::Hang }),
        Box::new(move |call, n| if call.path() == wire::STABLE_TOKEN { token_of(n) } else { errcode(40001) }),
        Box::new(move |call, _| echo(call)),
        Box::new(|_, _| Reaction::Close),
    ];
    for script in scripts {
        let server = Server::new(script).await;
        // Short for the server that hangs; any error will do here.
        let client = build(Settings { timeout: Duration::from_millis(200), ..server.settings() });
        let mut texts = format!(
            "{client:?} {:?} {:?}",
            list(&client).await,
            TokenSource::Stable { secret: SECRET.to_owned().into() }
        );
        match client.slot().await {
            Ok(slot) => {
                let answer = client.carry_out(slot, intent(Action::Agree)).await;
                texts += &format!("{answer:?} {}", chain(answer.error.as_ref().unwrap()));
            }
            Err(error) => texts += &format!("{error:?} {}", chain(&error)),
        }
        for secret in ["SECRETTOKEN", SECRET, "127.0.0.1", "access_token=SECRET"] {
            assert!(!texts.contains(secret), "{secret} in {texts}");
        }
    }
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}

#[tokio::test]
async fn a_base_url_may_have_a_path() {
    let server = Server::new(|call, _| match call.path() {
        "/gate/cgi-bin/stable_token" => grant("T"),
        "/gate/wxa/devplugin" => json(EMPTY),
        other => panic!("{other}"),
    })
    .await;
    let client = build(Settings { base_url: format!("{}/gate/", server.base_url), ..server.settings() });
    assert!(list(&client).await.gap.is_none());
}

#[tokio::test]
async fn a_proxy_is_not_used_for_loopback() {
    let server = server(|_, _| json(EMPTY)).await;
    let client = build(Settings { proxy: Some("http://127.0.0.1:9".into()), ..server.settings() });
    assert!(list(&client).await.gap.is_none());
}

#[tokio::test]
async fn a_handshake_that_fails_leaves_everything_unsent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 this is no TLS\r\n\r\n").await;
        }
    });
    let token = TokenSource::Stable { secret: SECRET.to_owned().into() };
    // A certificate of our own, so that the machine need not have any.
    let ca_pem = Some(include_bytes!("../own-ca.pem").to_vec());
    let client = build(Settings {
        base_url,
        ca_pem: ca_pem.map(Into::into),
        timeout: Duration::from_secs(60),
        ..Settings::new(AppId::new("wxowner"), token)
    });
    let error = client.slot().await.unwrap_err();
    assert!(matches!(&error, Error::Token(inner) if matches!(**inner, Error::Connect { .. })), "{error:?}");
}

#[test]
fn bounds_of_nothing_are_refused() {
    let token = TokenSource::Stable { secret: SECRET.to_owned().into() };
    let good = Settings { base_url: "http://127.0.0.1:9".into(), ..Settings::new(AppId::new("wxa"), token) };
    type Spoil = fn(&mut Settings);
    let cases: [(&str, Spoil); 4] = [
        ("wechat.page_size", |s| s.page_size = 0),
        ("wechat.max_in_flight", |s| s.max_in_flight = 0),
        ("wechat.calls_per_minute", |s| s.calls_per_minute = 0),
        ("wechat.timeout", |s| s.timeout = Duration::ZERO),
    ];
    for (key, spoil) in cases {
        let mut settings = good.clone();
        spoil(&mut settings);
        assert_eq!(Client::new(settings).unwrap_err().to_string(), format!("{key} must be greater than 0"));
    }
}

#[tokio::test]
async fn the_using_side_asks_as_documented() {
    use crate::policy::{PluginUse, UseIntent};
    let server = Server::new(|call, n| match call.path() {
        wire::STABLE_TOKEN => grant(&format!("T{n}")),
        wire::PLUGIN if call.json()["action"] == "list" => {
            json(r#"{"errcode":0,"errmsg":"ok","plugin_list":[{"appid":"wxp","status":2}]}"#)
        }
        wire::PLUGIN if call.json()["action"] == "update" => errcode(89258),
        wire::QUOTA => json(r#"{"errcode":0,"errmsg":"ok","quota":{"daily_limit":10,"used":3,"remain":7}}"#),
        wire::RID => errcode(76001),
        _ => json(OK),
    })
    .await;
    let client = server.client();
    let apply = UseIntent::recorded(1, PluginUse::Apply { reason: "查件".into() }, AppId::new("wxp"));
    let slot = client.slot().await.unwrap();
    assert_eq!(client.carry_out_use(slot, apply).await.fate, Fate::Accepted);
    assert_eq!(server.calls(wire::PLUGIN)[0].json()["plugin_appid"], "wxp");
    let update = UseIntent::recorded(2, PluginUse::Update { user_version: "2".into() }, AppId::new("wxp"));
    let slot = client.slot().await.unwrap();
    let answer = client.carry_out_use(slot, update).await;
    assert_eq!((answer.fate, answer.errcode), (Fate::Rejected, Some(89258)));
    assert_eq!(client.plugins_in_use().await.unwrap()[0].appid.as_str(), "wxp");
    assert_eq!(client.quota().await.unwrap().remain, Some(7));
    assert_eq!(server.calls(wire::QUOTA)[0].json()["cgi_path"], "/wxa/devplugin");
    let error = client.call_record("61725984-6126f6f9-040f19c4").await.unwrap_err();
    assert_eq!((error.errcode(), error.class()), (Some(76001), Class::Human));
}
