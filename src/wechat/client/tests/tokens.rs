//! Getting a token, and what happens when WeChat rejects it.

use super::*;

#[tokio::test]
async fn an_expired_token_is_replaced_and_the_call_repeated_once() {
    for code in [40001, 40014, 42001] {
        let server = server(move |call, _| if call.token() == "T0" { errcode(code) } else { json(OK) }).await;
        let client = server.client();
        assert_eq!(carry_out(&client, Action::Refuse).await.fate, Fate::Accepted, "{code}");
        let tokens: Vec<_> = server.calls(wire::DEVPLUGIN).iter().map(|c| c.token().to_owned()).collect();
        assert_eq!(tokens, ["T0", "T1"]);
        assert_eq!(carry_out(&client, Action::Agree).await.fate, Fate::Accepted);
        assert_eq!(server.count(), (2, 3), "the new token is kept");
        assert!(server.calls(wire::STABLE_TOKEN).iter().all(|c| c.json()["force_refresh"] == false));
    }
}

#[tokio::test]
async fn a_token_that_is_rejected_twice_is_for_a_person() {
    let server = server(|_, _| errcode(40001)).await;
    let answer = carry_out(&server.client(), Action::Agree).await;
    let error = answer.error.unwrap();
    assert_eq!((answer.fate, answer.errcode, error.class()), (Fate::Rejected, Some(40001), Class::Human));
    assert_eq!(server.count(), (2, 2));
}

#[tokio::test]
async fn force_is_used_when_the_same_token_comes_back() {
    let server = Server::new(|call, _| match call.path() {
        wire::STABLE_TOKEN if call.json()["force_refresh"] == true => grant("FORCED"),
        wire::STABLE_TOKEN => grant("SAME"),
        _ if call.token() == "FORCED" => json(OK),
        _ => errcode(42001),
    })
    .await;
    let answer = carry_out(&server.client(), Action::Agree).await;
    assert_eq!(answer.fate, Fate::Accepted);
    let modes: Vec<_> = server.calls(wire::STABLE_TOKEN).iter().map(|c| c.json()["force_refresh"] == true).collect();
    assert_eq!(modes, [false, false, true]);
}

#[tokio::test]
async fn when_force_does_not_help_a_person_must() {
    let server = Server::new(|call, _| match call.path() {
        wire::STABLE_TOKEN => grant("SAME"),
        _ => errcode(40001),
    })
    .await;
    let client = server.client();
    let answer = carry_out(&client, Action::Agree).await;
    assert_eq!((answer.fate, answer.error.unwrap().class()), (Fate::Rejected, Class::Human));
    assert_eq!(server.count(), (3, 1));
    assert!(matches!(client.slot().await, Err(Error::TokenRejected(_))));
    assert_eq!(server.count(), (4, 1), "not forced again so soon, and the token not tried again");
}

#[tokio::test]
async fn a_wrong_secret_is_told_before_anything_is_recorded() {
    for code in [40001, 40125, 40164] {
        let server = Server::new(move |_, _| errcode(code)).await;
        let client = server.client();
        let error = client.slot().await.unwrap_err();
        assert_eq!((error.class(), error.errcode()), (Class::Human, Some(code)));
        assert!(error.rid().is_some() && error.advice().is_some());
        let listing = list(&client).await;
        assert_eq!(listing.gap.unwrap().class(), Class::Human);
        assert_eq!(server.calls(wire::DEVPLUGIN).len(), 0);
    }
}

#[tokio::test]
async fn many_callers_fetch_one_token_and_share_one_failure() {
    let server = server(|_, _| json(OK)).await;
    let client = build(Settings { max_in_flight: 50, ..server.settings() });
    join_all((0..50).map(|_| client.slot())).await.into_iter().for_each(|slot| drop(slot.unwrap()));
    assert_eq!(server.count().0, 1);

    let server = Server::new(|_, _| errcode(40125)).await;
    let client = build(Settings { max_in_flight: 50, ..server.settings() });
    let slots = join_all((0..50).map(|_| client.slot())).await;
    assert!(slots.iter().all(|slot| matches!(slot, Err(Error::Token(_)))));
    assert_eq!(server.count().0, 1);
}

#[tokio::test]
async fn many_calls_rejected_together_renew_the_token_once() {
    let server = server(|call, _| if call.token() == "T0" { errcode(42001) } else { json(OK) }).await;
    let client = build(Settings { max_in_flight: 20, ..server.settings() });
    let answers = join_all((0..20).map(|_| carry_out(&client, Action::Agree))).await;
    assert!(answers.iter().all(|answer| answer.fate == Fate::Accepted));
    assert_eq!(server.count().0, 2);
}

#[tokio::test]
async fn a_dropped_fetch_leaves_the_next_one_free() {
    let server = Server::new(|_, n| if n == 0 { Reaction::Hang } else { grant("T") }).await;
    let client = server.client();
    let arrived = Notify::new();
    let waiting = async {
        let slot = client.slot();
        tokio::select! { _ = slot => unreachable!("the first fetch hangs"), () = arrived.notified() => {} }
    };
    let watching = async {
        while server.count().0 == 0 {
            tokio::task::yield_now().await;
        }
        arrived.notify_one();
    };
    tokio::join!(waiting, watching);
    assert!(client.slot().await.is_ok());
}

#[tokio::test]
async fn a_token_state_is_there_once_there_is_a_token() {
    let server = server(|_, _| json(OK)).await;
    let client = server.client();
    let state = client.token_state().await;
    assert_eq!((state.kind, state.source.as_str(), state.obtained_at), ("stable", "POST /cgi-bin/stable_token", None));
    assert_eq!(server.count().0, 0, "asking about it asks for none");
    let state = client.obtain_token().await.unwrap();
    let life = state.expires_at.unwrap().duration_since(state.obtained_at.unwrap());
    assert!(life.as_secs().abs_diff(7200) <= 1, "{state:?}");
    assert_eq!(server.count().0, 1);
}

fn classic(server: &Server) -> Client {
    build(Settings { token: TokenSource::Classic { secret: SECRET.to_owned().into() }, ..server.settings() })
}

#[tokio::test]
async fn a_classic_token_is_asked_for_as_documented() {
    let server = Server::new(|call, n| match call.path() {
        wire::CLASSIC_TOKEN => grant(&format!("C{n}")),
        _ => json(OK),
    })
    .await;
    let client = classic(&server);
    assert!(client.would_cut_off_others().await);
    assert_eq!(carry_out(&client, Action::Agree).await.fate, Fate::Accepted);
    assert!(!client.would_cut_off_others().await, "it is held now");
    let calls = server.calls(wire::CLASSIC_TOKEN);
    let query = format!("GET /cgi-bin/token?grant_type=client_credential&appid=wxowner&secret={SECRET} HTTP/1.1\r\n");
    assert!(calls.len() == 1 && calls[0].head.starts_with(&query), "{calls:?}");
    assert_eq!(server.calls(wire::DEVPLUGIN)[0].token(), "C0");
    assert!(!server.client().would_cut_off_others().await, "a stable token disturbs nobody");
}

#[tokio::test]
async fn classic_tokens_are_not_fought_over() {
    let server = Server::new(|call, n| match call.path() {
        wire::CLASSIC_TOKEN => grant(&format!("C{n}")),
        _ => errcode(40001),
    })
    .await;
    let client = classic(&server);
    let answer = carry_out(&client, Action::Agree).await;
    assert_eq!((answer.fate, answer.error.unwrap().class()), (Fate::Rejected, Class::Human));
    let fetched = server.calls(wire::CLASSIC_TOKEN).len();
    assert_eq!(fetched, 2, "once more after the first rejection");
    for _ in 0..3 {
        let error = client.slot().await.unwrap_err();
        assert!(
            matches!(error, Error::TokenFight { kind: "classic", .. }) && error.class() == Class::Human,
            "{error:?}"
        );
        assert!(error.advice().unwrap().contains("stable"));
        assert!(matches!(list(&client).await.gap, Some(Error::TokenFight { .. })));
    }
    assert_eq!(server.calls(wire::CLASSIC_TOKEN).len(), fetched, "kept out of it");
}

#[tokio::test]
async fn without_a_token_none_is_sent() {
    let server = Server::new(|_, _| json(OK)).await;
    let client = build(Settings { token: TokenSource::None, ..server.settings() });
    assert_eq!(carry_out(&client, Action::Agree).await.fate, Fate::Accepted);
    assert!(server.calls(wire::DEVPLUGIN)[0].head.starts_with("POST /wxa/devplugin HTTP/1.1\r\n"));
    for code in [41001, 40001] {
        let server = Server::new(move |_, _| errcode(code)).await;
        let client = build(Settings { token: TokenSource::None, ..server.settings() });
        let answer = carry_out(&client, Action::Agree).await;
        assert!(matches!(answer.error, Some(Error::Sidecar)), "{code}: {:?}", answer.error);
        assert_eq!((answer.fate, server.calls(wire::DEVPLUGIN).len()), (Fate::Rejected, 1), "{code}");
    }
}
