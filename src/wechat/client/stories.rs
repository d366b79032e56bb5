//! The client against the simulated WeChat: what it must come through.
#![expect(clippy::unwrap_used)]

use super::*;
use crate::policy::{Action, AppId};
use crate::sandbox::{Account, Effect, Fault, Options, Server, World};
use crate::wechat::TokenSource;

const LONG: Duration = Duration::from_secs(60);

async fn start(options: Options) -> (World, Server, Client) {
    let world = World::in_memory(options);
    let server = Server::start(world.clone(), ([127, 0, 0, 1], 0).into()).await.unwrap();
    let client = client(&server, |_| {});
    (world, server, client)
}

fn client(server: &Server, change: impl FnOnce(&mut Settings)) -> Client {
    let token = TokenSource::Stable { secret: Account::DEFAULT_SECRET.to_owned().into() };
    let mut settings = Settings::new(AppId::new(Account::DEFAULT_APPID), token);
    settings.base_url = format!("http://{}", server.addr());
    settings.calls_per_minute = 100_000;
    settings.max_in_flight = 8;
    settings.timeout = LONG;
    change(&mut settings);
    Client::new(settings).unwrap().with_retry_pause(Duration::from_micros(100))
}

async fn list(client: &Client) -> Listing {
    client.list(&|_| {}).await
}

fn world_of(applications: usize, pending: usize) -> Options {
    Options { applications: Some(applications), pending: Some(pending), ..Options::default() }
}

async fn carry_out(client: &Client, action: Action, appid: &AppId) -> Answer {
    let slot = client.slot().await.unwrap();
    let reason = (action == Action::Refuse).then(|| "请补充说明".to_owned());
    client.carry_out(slot, Intent::recorded(1, 1, action, appid.clone(), reason)).await
}

#[tokio::test]
async fn every_application_is_listed_whatever_the_pages_do() {
    let faults: &[&[&str]] = &[
        &[],
        &["dev_apply_list:busy:2"],
        &["dev_apply_list:reset:3"],
        &["dev_apply_list:html:2"],
        &["dev_apply_list:cap=7:always"],
    ];
    for faults in faults {
        let (world, server, client) = start(world_of(230, 70)).await;
        for fault in *faults {
            world.inject(Fault::parse(fault).unwrap_or_else(|error| panic!("{fault}: {error}")));
        }
        for reading in 0..2 {
            let listing = list(&client).await;
            assert!(listing.gap.is_none(), "{faults:?} {reading}: {:?}", listing.gap);
            assert_eq!(listing.pending.len(), 70, "{faults:?} {reading}");
            assert_eq!(listing.pending.len() + listing.others.len() + listing.unreadable.len(), 230, "{faults:?}");
        }
        assert!(world.unused_faults().is_empty(), "{:?}", world.unused_faults());
        server.stop().await;
    }
}

#[tokio::test]
async fn a_broken_entry_takes_no_other_with_it() {
    // kind, then of 20 pending, every second broken: pending, malformed among them, unreadable
    let cases = [
        ("categories-string", 20, 10, 0),
        ("categories-null", 20, 0, 0),
        ("nickname-number", 20, 10, 0),
        ("reason-object", 20, 10, 0),
        ("status-string", 20, 0, 0),
        ("status-missing", 10, 0, 10),
        ("status-unknown", 10, 0, 0),
        ("appid-number", 10, 0, 10),
        ("appid-missing", 10, 0, 10),
        ("appid-empty", 10, 0, 10),
        ("entry-string", 10, 0, 10),
        ("create-time-number", 20, 0, 0),
        ("create-time-missing", 20, 0, 0),
        ("create-time-text", 20, 0, 0),
        ("lone-surrogate", 20, 0, 0),
    ];
    for (kind, pending, malformed, unreadable) in cases {
        let (world, server, client) = start(world_of(20, 20)).await;
        world.inject(Fault::parse(&format!("dev_apply_list:malformed={kind}/2:always")).unwrap());
        let listing = list(&client).await;
        let bad = listing.pending.iter().filter(|application| !application.malformed.is_empty()).count();
        let read = (listing.pending.len(), bad, listing.unreadable.len());
        assert_eq!(read, (pending, malformed, unreadable), "{kind}: {:?}", listing.unreadable);
        assert!(listing.gap.is_none(), "{kind}");
        server.stop().await;
    }
}

#[tokio::test]
async fn every_pending_application_is_decided_once_while_tokens_die() {
    let (world, server, client) = start(world_of(120, 60)).await;
    world.inject(Fault { when: crate::sandbox::When::Every(7), ..Fault::always("devplugin", Effect::TokenDies) });
    let pending = list(&client).await.pending;
    let decided = futures_util::stream::iter(pending.iter().enumerate().map(|(n, application)| {
        let action = if n % 2 == 0 { Action::Agree } else { Action::Refuse };
        let client = &client;
        async move { carry_out(client, action, &application.appid).await.fate }
    }));
    let fates: Vec<Fate> = decided.buffer_unordered(1).collect().await;
    assert!(fates.iter().all(|fate| *fate == Fate::Accepted), "{fates:?}");
    assert!(world.accepted_twice().is_empty());
    let after = list(&client).await;
    assert!(after.gap.is_none() && after.pending.is_empty(), "{:?}", after.gap);
    server.stop().await;
}

#[tokio::test]
async fn a_repeat_is_answered_by_a_state() {
    let (_world, server, client) = start(world_of(10, 3)).await;
    let appid = list(&client).await.pending[0].appid.clone();
    assert_eq!(carry_out(&client, Action::Delete, &appid).await.errcode, Some(89243));
    assert_eq!(carry_out(&client, Action::Agree, &appid).await.fate, Fate::Accepted);
    let again = carry_out(&client, Action::Refuse, &appid).await;
    assert_eq!((again.fate, again.errcode), (Fate::Rejected, Some(89240)));
    assert_eq!(again.error.unwrap().class(), Class::State);
    let nobody = carry_out(&client, Action::Agree, &AppId::new("wx0000000000000000")).await;
    assert_eq!((nobody.fate, nobody.errcode), (Fate::Rejected, Some(89242)));
    server.stop().await;
}

#[tokio::test]
async fn a_lost_answer_is_told_from_a_no() {
    use crate::sandbox::Stage::{After, Before};
    let effects = [
        Effect::Lost(After),
        Effect::Lost(Before),
        Effect::Reset(After),
        Effect::Html(After),
        Effect::Empty(After),
        Effect::Truncated,
        Effect::Http(502, After),
        Effect::Errcode(-1, After),
        Effect::Errcode(-1, Before),
        Effect::Huge(20_000_000, After),
    ];
    for effect in effects {
        let (world, server, client) = start(world_of(10, 3)).await;
        let appid = list(&client).await.pending[0].appid.clone();
        world.inject(Fault::next("dev_agree", effect.clone(), 1));
        let answer = carry_out(&client, Action::Agree, &appid).await;
        assert_eq!(answer.fate, Fate::Lost, "{effect:?}: {:?}", answer.error);
        assert_eq!(world.calls("dev_agree").len(), 1, "{effect:?}");
        server.stop().await;
    }
}

#[tokio::test]
async fn nothing_is_asked_for_beyond_what_is_needed() {
    let (world, server, client) = start(world_of(500, 10)).await;
    list(&client).await;
    let first = world.calls("dev_apply_list").len();
    list(&client).await;
    assert_eq!(world.calls("dev_apply_list").len() - first, 11, "ten pages and the empty one");
    assert_eq!(world.calls("stable_token").len(), 1);
    server.stop().await;
}
