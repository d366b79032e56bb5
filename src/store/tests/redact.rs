//! Words that were erased are gone from every byte, and the chain over the records holds.

use super::*;
use std::path::Path;

/// Texts nothing else contains, of every length a page has to cope with.
fn canary(row: u32, field: &str) -> String {
    let filler = "填".repeat((row as usize * 37) % 3_000);
    format!("canary-{field}-{row:05}-{filler}-{field}-{row:05}-end")
}

fn talkative(row: u32) -> NewDecision {
    let mut decision = decision(&format!("wx{row}"), RecordedVerdict::Refuse, Outcome::Held);
    decision.at = at(i64::from(row));
    decision.application.nickname = canary(row, "nickname");
    decision.application.reason = canary(row, "reason");
    decision.application.headimgurl = Some(canary(row, "head"));
    decision.application.apply_url = Some(canary(row, "url"));
    decision.message = Some(canary(row, "message"));
    decision.why.sentence = canary(row, "why");
    decision
}

/// Rows of which a canary is left in any file of the directory.
fn left_in(dir: &Path, rows: std::ops::Range<u32>) -> Vec<u32> {
    let mut left = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for (at, _) in bytes.windows(7).enumerate().filter(|(_, window)| *window == b"canary-") {
            let text = String::from_utf8_lossy(&bytes[at..bytes.len().min(at + 40)]).into_owned();
            let row = text.split('-').nth(2).and_then(|row| row.parse().ok());
            left.extend(row.filter(|row| rows.contains(row)));
        }
    }
    left.into_iter().collect()
}

#[tokio::test]
async fn erased_words_are_in_no_byte_of_any_file() {
    let desk = Desk::new().await;
    let rows: Vec<NewDecision> = (0..1_200).map(talkative).collect();
    for some in rows.chunks(50) {
        desk.store.record(some).await.unwrap();
    }
    assert_eq!(left_in(desk.dir.path(), 0..1_200).len(), 1_200, "the search finds them");
    let before = at(700);
    assert_eq!(desk.store.erasable(before).await.unwrap(), Erasable { decisions: 700, planned: 0 });
    let told = std::sync::atomic::AtomicU64::new(0);
    let tell = |done| told.store(done, std::sync::atomic::Ordering::Relaxed);
    let redacted = desk.store.redact(before, "cli:ann", at(9_999), &tell).await.unwrap();
    assert_eq!(redacted, Redacted { record: Some(1), decisions: 700, log_emptied: true });
    assert_eq!(told.into_inner(), 700);
    assert_eq!(left_in(desk.dir.path(), 0..700), Vec::<u32>::new(), "erased words are still there");
    assert_eq!(left_in(desk.dir.path(), 700..1_200).len(), 500, "the others stay");

    let verified = desk.store.verify(None, &|_| ()).await.unwrap();
    assert_eq!((verified.findings, verified.redacted), (vec![], 700));
    let shown = desk.store.show(1).await.unwrap().unwrap();
    assert_eq!((shown.row.nickname, shown.row.message, shown.why, shown.headimgurl), (None, None, None, None));
    assert_eq!(
        desk.ask::<String>("SELECT who || ' ' || at || ' ' || before FROM redactions").await.split(' ').count(),
        3
    );

    let again = desk.store.redact(before, "cli:ann", at(9_999), &|_| ()).await.unwrap();
    assert_eq!(again, Redacted { record: None, decisions: 0, log_emptied: true }, "nothing left to erase");
}

#[tokio::test]
async fn what_is_under_way_keeps_its_words_until_it_is_settled() {
    let desk = Desk::new().await;
    let row = desk.planned("wx1").await;
    assert_eq!(desk.store.erasable(at(100)).await.unwrap(), Erasable { decisions: 0, planned: 1 });
    assert_eq!(desk.store.redact(at(100), "cli:ann", at(200), &|_| ()).await.unwrap().record, None);
    desk.settle(row, Outcome::Done).await.unwrap();
    assert_eq!(desk.store.redact(at(100), "cli:ann", at(200), &|_| ()).await.unwrap().decisions, 1);
    assert_eq!(desk.store.verify(None, &|_| ()).await.unwrap().findings, []);
}

#[tokio::test]
async fn an_erasing_by_hand_is_told_from_a_redaction() {
    let desk = Desk::new().await;
    desk.store.record(&[talkative(1), talkative(500)]).await.unwrap();
    desk.store.redact(at(100), "cli:ann", at(900), &|_| ()).await.unwrap();
    desk.run("UPDATE words SET nickname = NULL, reason = NULL, message = NULL, why = NULL, headimgurl = NULL, apply_url = NULL, salt = NULL")
        .await
        .unwrap();
    let verified = desk.store.verify(None, &|_| ()).await.unwrap();
    assert_eq!((verified.findings, verified.redacted), (vec![Finding::WordsErased { id: 2 }], 1));
}

#[tokio::test]
async fn an_error_that_quotes_the_applicant_is_recorded_without_the_words() {
    let cases = [
        ("invalid reason 请修改 for 某店", Some(40013), "invalid reason … for …"),
        ("我们需要查询快递: risky content", Some(87013), "…: risky content"),
        ("system busy", Some(-1), "system busy"),
        ("the connection broke", None, "the connection broke"),
        ("某店", Some(0), "某店"),
    ];
    for (errmsg, errcode, expected) in cases {
        let desk = Desk::new().await;
        let mut refusal = decision("wx1", RecordedVerdict::Refuse, Outcome::Planned);
        refusal.message = Some("请修改".into());
        let row = ready(desk.first(refusal, None).await).decision();
        let call = CallRecord { errmsg: Some(errmsg.into()), ..call(1, Fate::Rejected, errcode) };
        desk.store.answer(vec![Answered { call: Some(call), ..settled(row, Outcome::Failed) }]).await.unwrap();
        assert_eq!(desk.store.show(row).await.unwrap().unwrap().row.errmsg.as_deref(), Some(expected));
    }
}
