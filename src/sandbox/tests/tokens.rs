//! Tokens age, are replaced and are ended by WeChat's rules.

use super::wire::Wire;
use super::{Account, Rig, ask_token, quiet};
use serde_json::json;
use std::time::Duration;

impl Rig {
    /// The token and its seconds left, or the errcode.
    async fn ask(&self, force: bool) -> Result<(String, i64), i64> {
        let got = ask_token(&self.server, Account::DEFAULT_APPID, Account::DEFAULT_SECRET, force).await.json();
        let token = got["access_token"].as_str().ok_or_else(|| got["errcode"].as_i64().unwrap())?;
        Ok((token.to_owned(), got["expires_in"].as_i64().unwrap()))
    }

    async fn classic(&self) -> String {
        let path = format!(
            "/cgi-bin/token?grant_type=client_credential&appid={}&secret={}",
            Account::DEFAULT_APPID,
            Account::DEFAULT_SECRET
        );
        let got = Wire::to(&self.server).await.get(&path).await;
        got.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// The errcode a token is met with.
    async fn try_token(&self, token: &str) -> i64 {
        let path = format!("/wxa/devplugin?access_token={token}");
        self.post(&path, &json!({ "action": "dev_apply_list" }).to_string()).await.errcode()
    }

    fn wait(&self, secs: u64) {
        self.world.advance(Duration::from_secs(secs));
    }
}

#[tokio::test]
async fn normal_mode_keeps_the_token_until_its_last_five_minutes() {
    let rig = Rig::start(quiet()).await;
    let (first, left) = rig.ask(false).await.unwrap();
    assert_eq!((&first, left), (&rig.token, 7200));
    rig.wait(6855);
    assert_eq!(rig.ask(false).await.unwrap(), (first.clone(), 345));
    rig.wait(45);
    assert_eq!(rig.ask(false).await.unwrap(), (first.clone(), 300));
    rig.wait(1);
    let (second, left) = rig.ask(false).await.unwrap();
    assert_eq!(left, 7200);
    assert_ne!(first, second);
    rig.wait(299);
    assert_eq!((rig.try_token(&first).await, rig.try_token(&second).await), (0, 0));
    rig.wait(1);
    assert_eq!((rig.try_token(&first).await, rig.try_token(&second).await), (40001, 0));
}

#[tokio::test]
async fn a_token_nobody_renews_expires() {
    let rig = Rig::start(quiet()).await;
    rig.wait(7199);
    assert_eq!(rig.try_token(&rig.token).await, 0);
    rig.wait(1);
    assert_eq!(rig.try_token(&rig.token).await, 42001);
}

#[tokio::test]
async fn force_ends_the_old_token_at_once_but_not_twice_in_thirty_seconds() {
    let rig = Rig::start(quiet()).await;
    let (second, _) = rig.ask(true).await.unwrap();
    assert_eq!((rig.try_token(&rig.token).await, rig.try_token(&second).await), (40001, 0));
    rig.wait(29);
    assert_eq!(rig.ask(true).await.unwrap(), (second.clone(), 7171));
    rig.wait(1);
    let (third, _) = rig.ask(true).await.unwrap();
    assert_ne!(second, third);
    assert_eq!((rig.try_token(&second).await, rig.try_token(&third).await), (40001, 0));
}

#[tokio::test]
async fn force_works_twenty_times_a_day_in_beijing() {
    let rig = Rig::start(quiet()).await;
    for place in 0..20 {
        rig.ask(true).await.unwrap_or_else(|code| panic!("{code} at {place}"));
        rig.wait(30);
    }
    assert_eq!(rig.ask(true).await, Err(45009));
    assert!(rig.ask(false).await.is_ok());
    rig.wait(24 * 3600);
    assert!(rig.ask(true).await.is_ok());
}

#[tokio::test]
async fn classic_tokens_replace_each_other_and_leave_the_stable_one_alone() {
    let rig = Rig::start(quiet()).await;
    let first = rig.classic().await;
    let second = rig.classic().await;
    assert_ne!(first, second);
    rig.wait(299);
    assert_eq!((rig.try_token(&first).await, rig.try_token(&second).await), (0, 0));
    rig.wait(1);
    assert_eq!((rig.try_token(&first).await, rig.try_token(&second).await), (40001, 0));
    assert_eq!(rig.try_token(&rig.token).await, 0);
    rig.ask(true).await.unwrap();
    assert_eq!((rig.try_token(&rig.token).await, rig.try_token(&second).await), (40001, 0));
}

#[tokio::test]
async fn the_ledger_names_tokens_by_number_only() {
    let rig = Rig::start(quiet()).await;
    rig.try_token(&rig.token).await;
    let calls = rig.world.ledger();
    assert_eq!(calls[0].token_generation, Some(1));
    assert_eq!(calls[1].token_generation, Some(1));
    assert!(!format!("{calls:?}").contains(&rig.token));
    assert!(!format!("{calls:?}").contains(Account::DEFAULT_SECRET));
}
