//! What holds after any history: what is folded equals what a full count gives.

use super::*;

/// What must come out empty: cells and rows that differ between the folded tables and a full count.
const DIFFERENCES: [(&str, &str); 3] = [
    (
        "rollup",
        "WITH latest AS (SELECT decision_id, outcome FROM settlements s WHERE id = (SELECT max(id) FROM settlements m WHERE m.decision_id = s.decision_id)), \
         counted AS (SELECT decided_day, account, verdict, ifnull(rule, ''), outcome, count(*) FROM decisions JOIN latest ON decision_id = id GROUP BY 1, 2, 3, 4, 5), \
         folded AS (SELECT day, account, verdict, rule, outcome, n FROM rollup WHERE n > 0) \
         SELECT count(*) FROM (SELECT * FROM (SELECT * FROM counted EXCEPT SELECT * FROM folded) UNION ALL SELECT * FROM (SELECT * FROM folded EXCEPT SELECT * FROM counted))",
    ),
    (
        "rollup_months",
        "WITH counted AS (SELECT substr(day, 1, 7), account, verdict, rule, outcome, sum(n) FROM rollup GROUP BY 1, 2, 3, 4, 5), \
         folded AS (SELECT month, account, verdict, rule, outcome, n FROM rollup_months) \
         SELECT count(*) FROM (SELECT * FROM (SELECT * FROM counted EXCEPT SELECT * FROM folded) UNION ALL SELECT * FROM (SELECT * FROM folded EXCEPT SELECT * FROM counted))",
    ),
    (
        "standing",
        "SELECT count(*) FROM decisions d LEFT JOIN standing s ON s.decision_id = d.id WHERE s.outcome IS NULL \
         OR s.outcome <> (SELECT outcome FROM settlements WHERE decision_id = d.id ORDER BY id DESC LIMIT 1) \
         OR s.decided_at <> d.decided_at \
         OR s.attempts <> (SELECT count(*) FROM settlements WHERE decision_id = d.id AND outcome = 'planned') \
                        - (SELECT count(*) FROM calls WHERE decision_id = d.id AND fate = 'unsent') \
         OR s.errcode IS NOT (SELECT errcode FROM calls WHERE decision_id = d.id ORDER BY id DESC LIMIT 1)",
    ),
];

#[tokio::test]
async fn what_is_folded_equals_a_full_count_after_any_history() {
    for seed in [1, 2] {
        let desk = Desk::new().await;
        let mut random = fastrand::Rng::with_seed(seed);
        for step in 0..250 {
            one_step(&desk, &mut random, step).await;
        }
        assert!(
            desk.ask::<i64>("SELECT count(DISTINCT outcome) FROM standing").await >= 4,
            "seed {seed}: a poor history"
        );
        for (table, differences) in DIFFERENCES {
            assert_eq!(desk.ask::<i64>(differences).await, 0, "seed {seed}: {table}");
        }
        assert_eq!(desk.ask::<String>("PRAGMA integrity_check").await, "ok");
    }
}

pub(super) async fn one_step(desk: &Desk, random: &mut fastrand::Rng, step: u32) {
    let appid = format!("wx{step}");
    let vary = |row: NewDecision, random: &mut fastrand::Rng| NewDecision {
        day: format!("2026-11-2{}", random.u8(0..3)),
        account: ["express", "shop"][random.usize(0..2)].into(),
        rule: [None, Some("a".to_owned()), Some("b".to_owned())][random.usize(0..3)].clone(),
        ..row
    };
    match random.u8(0..4) {
        0 => {
            let outcome = [Outcome::Held, Outcome::Shadow][random.usize(0..2)];
            let row = vary(NewDecision { outcome, ..hold(&appid) }, random);
            desk.store.record(&[row]).await.unwrap();
        }
        1 => drop(desk.first(vary(agree(&appid), random), Some(20)).await),
        2 => {
            let rows: i64 = desk.ask("SELECT count(*) FROM decisions").await;
            let id = random.i64(0..=rows);
            let fate = Fate::ALL[random.usize(0..4)];
            let outcome = [Outcome::Done, Outcome::Overtaken, Outcome::Failed][random.usize(0..3)];
            let attempt: Option<u32> =
                sqlx::query_scalar("SELECT attempt FROM standing WHERE decision_id = ?1 AND outcome = 'planned'")
                    .bind(id)
                    .fetch_optional(desk.store.reader().pool())
                    .await
                    .unwrap();
            let called = attempt.filter(|_| random.bool()).map(|attempt| call(attempt, fate, Some(i64::from(step))));
            let give_back = called.as_ref().is_some_and(|call| call.fate == Fate::Unsent);
            // Often illegal, and then nothing of it may remain.
            drop(desk.store.answer(vec![Answered { call: called, give_back, ..settled(id, outcome) }]).await);
        }
        _ => {
            let failed: Option<(i64, String)> =
                sqlx::query_as("SELECT id, appid FROM audit_log WHERE outcome = 'failed' ORDER BY random() LIMIT 1")
                    .fetch_optional(desk.store.reader().pool())
                    .await
                    .unwrap();
            if let Some((row, appid)) = failed {
                drop(desk.store.intend(vec![again(row, &appid)]).await.unwrap());
            }
        }
    }
}
