//! Keeping quiet where WeChat asks for it.

use super::*;

#[tokio::test]
async fn wechat_asks_for_quiet_and_gets_it() {
    for code in [45009, 45011, 89506, 89507] {
        let server = server(move |call, _| match call.json()["page"].as_u64() {
            Some(2) => errcode(code),
            Some(_) => page_of(call, 100, 10),
            None => json(OK),
        })
        .await;
        let client = build(Settings { max_in_flight: 1, ..server.settings() });
        let slot = client.slot().await.unwrap();
        drop(slot);
        let listing = list(&client).await;
        assert_eq!(listing.gap.as_ref().and_then(Error::errcode), Some(code));
        assert_eq!(listing.pending.len() + listing.others.len(), 10, "what was read is kept");
        assert_eq!(client.pause().map(|pause| pause.errcode), Some(code));
        let calls = server.count();
        assert!(matches!(client.slot().await, Err(Error::Paused(_))));
        assert!(matches!(list(&client).await.gap, Some(Error::Paused(_))));
        assert_eq!(server.count(), calls, "nothing is sent");
    }
}

#[tokio::test]
async fn a_pause_between_slot_and_call_leaves_the_change_unsent() {
    let server = server(|_, n| if n == 0 { errcode(45009) } else { json(OK) }).await;
    let client = server.client();
    let (first, second) = (client.slot().await.unwrap(), client.slot().await.unwrap());
    assert_eq!(client.carry_out(first, intent(Action::Agree)).await.fate, Fate::Rejected);
    let answer = client.carry_out(second, intent(Action::Agree)).await;
    assert_eq!((answer.fate, answer.errcode), (Fate::Unsent, None));
    assert_eq!(server.count().1, 1);
}

#[tokio::test]
async fn a_pause_wakes_who_waits_for_room() {
    let server = server(|_, _| errcode(45009)).await;
    let client = build(Settings { calls_per_minute: 1, max_in_flight: 4, ..server.settings() });
    let slot = client.slot().await.unwrap();
    let (waited, answer) = tokio::join!(client.slot(), client.carry_out(slot, intent(Action::Agree)));
    assert_eq!(answer.fate, Fate::Rejected);
    assert!(matches!(waited, Err(Error::Paused(_))), "without waiting for the minute to pass");
}

#[tokio::test]
async fn the_quota_of_the_token_endpoint_pauses_too() {
    let server = Server::new(|_, _| errcode(45009)).await;
    let client = server.client();
    assert_eq!(client.slot().await.unwrap_err().class(), Class::Pause);
    assert!(client.pause().is_some());
}
