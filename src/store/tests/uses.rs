//! What is asked of plugins in use.

use super::*;
use crate::policy::PluginUse;

pub(super) fn apply(plugin: &str) -> NewUse {
    NewUse {
        at: at(0),
        account: "shop".into(),
        account_appid: account(),
        base_url: BASE.into(),
        plugin: AppId::new(plugin),
        what: PluginUse::Apply { reason: "查快递".into() },
        who: "cli:me".into(),
    }
}

pub(super) fn answer(fate: Fate) -> UseAnswer {
    UseAnswer {
        at: at(1),
        took_ms: 31,
        fate,
        http_status: Some(200),
        errcode: Some(0),
        errmsg: Some("ok".into()),
        rid: None,
    }
}

#[tokio::test]
async fn a_use_is_told_with_what_became_of_it() {
    let desk = Desk::new().await;
    let unanswered = desk.store.intend_use(apply("wx1")).await.unwrap();
    assert_eq!((unanswered.plugin().as_str(), unanswered.what().word()), ("wx1", "apply"));
    for (plugin, fate) in [("wx2", Fate::Accepted), ("wx3", Fate::Rejected), ("wx4", Fate::Lost), ("wx5", Fate::Unsent)]
    {
        let what = PluginUse::Update { user_version: "1.2.3".into() };
        let asked = desk.store.intend_use(NewUse { what, ..apply(plugin) }).await.unwrap();
        desk.store.answer_use(asked.record(), &answer(fate)).await.unwrap();
        assert!(desk.store.answer_use(asked.record(), &answer(fate)).await.is_err(), "one answer to one call");
    }
    let told = |rows: Vec<PluginUseRow>| {
        rows.iter()
            .map(|row| format!("{} {} {} {:?}", row.plugin_appid, row.action, row.outcome.word(), row.user_version))
            .collect::<Vec<_>>()
    };
    let version = "Some(\"1.2.3\")";
    let all = [
        "wx1 apply unknown None".to_owned(),
        format!("wx2 update done {version}"),
        format!("wx3 update failed {version}"),
        format!("wx4 update unknown {version}"),
        format!("wx5 update failed {version}"),
    ];
    assert_eq!(told(desk.store.uses(&UseFilter::default()).await.unwrap()), all);
    let newest = UseFilter { limit: Some(2), account: Some("shop".into()), plugin: None };
    assert_eq!(told(desk.store.uses(&newest).await.unwrap()), all[3..]);
    let one = UseFilter { plugin: Some(AppId::new("wx1")), ..UseFilter::default() };
    assert_eq!(told(desk.store.uses(&one).await.unwrap()), all[..1]);
    let none = UseFilter { account: Some("other".into()), ..UseFilter::default() };
    assert_eq!(told(desk.store.uses(&none).await.unwrap()), [""; 0]);
    let view: String = desk.ask("SELECT group_concat(outcome) FROM plugin_use_log").await;
    assert_eq!(view, "unknown,done,failed,unknown,failed");
    assert!(desk.store.answer_use(99, &answer(Fate::Accepted)).await.is_err(), "an answer to nothing");
}

#[tokio::test]
async fn uses_are_chained() {
    let desk = Desk::new().await;
    let asked = desk.store.intend_use(apply("wx1")).await.unwrap();
    desk.store.answer_use(asked.record(), &answer(Fate::Accepted)).await.unwrap();
    let verified = desk.store.verify(None, &|_| ()).await.unwrap();
    assert_eq!((verified.findings, verified.entries), (vec![], 2));
    let kinds: String = desk.ask("SELECT group_concat(kind || ' ' || record) FROM chain").await;
    assert_eq!(kinds, "plugin_uses 1,plugin_uses 2");
}
