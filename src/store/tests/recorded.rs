//! The walk over recorded applications, against the same question asked row by row.

use super::*;
use crate::policy::Brake;
use crate::store::listing::Listing;
use std::collections::BTreeMap;

/// Who writes a row, and what.
const WRITERS: [(&str, RecordedVerdict); 7] = [
    ("rules", RecordedVerdict::Hold),
    ("rules", RecordedVerdict::Agree),
    ("rules", RecordedVerdict::Refuse),
    ("cli:ann", RecordedVerdict::Agree),
    ("elsewhere", RecordedVerdict::Refuse),
    ("rules", RecordedVerdict::Delete),
    ("importer", RecordedVerdict::Agree),
];

/// 400 rows of 90 identities: several rows each, by rules and by people, some without a create_time.
async fn varied() -> Desk {
    let desk = Desk::new().await;
    let mut rows = Vec::new();
    for n in 0..400_i64 {
        let (actor, verdict) = WRITERS[(n * n % 31 % 7) as usize];
        let mut application = application(&format!("wx{}", n * 7 % 30));
        application.create_time = match n % 3 {
            0 => CreateTime::ABSENT,
            one => CreateTime::received(one.to_string()),
        };
        rows.push(NewDecision {
            // The clock went back once.
            at: at(if n < 300 { n / 2 } else { n - 200 }),
            account: ["express", "shop"][usize::from(n % 5 == 0)].into(),
            rule: (n % 7 != 0).then(|| ["a", "b"][(n % 2) as usize].into()),
            brake: (n % 10 == 3).then_some(Brake::Limit),
            actor: actor.into(),
            application,
            ..decision("", verdict, if n % 2 == 0 { Outcome::Held } else { Outcome::Shadow })
        });
    }
    desk.store.record(&rows).await.unwrap();
    desk
}

async fn walked(reader: &Reader, filter: &Filter) -> Vec<Recorded> {
    let mut walk = reader.applications(filter).await.unwrap();
    let mut all = Vec::new();
    while let Some(stretch) = walk.next().await.unwrap() {
        all.extend(stretch.read().await.unwrap());
    }
    assert!(all.len() as u64 <= walk.at_most(), "{filter:?}");
    all
}

/// The ids and people's verdicts, found without any index or trick.
fn expected(log: &[(AuditRow, Option<String>)], filter: &Filter) -> Vec<(i64, Option<RecordedVerdict>)> {
    let mut standing: BTreeMap<(&str, Option<&str>), (bool, &AuditRow)> = BTreeMap::new();
    let mut people = BTreeMap::new();
    for (row, create_time) in log {
        let identity = (row.appid.as_str(), create_time.as_deref());
        let person = row.actor.starts_with("cli:") || row.actor == "elsewhere";
        if person && matches!(row.verdict, RecordedVerdict::Agree | RecordedVerdict::Refuse) {
            people.insert(identity, row.verdict);
        }
        let speaks = person || row.actor == "rules";
        if !speaks || row.verdict == RecordedVerdict::Delete || filter.until.is_some_and(|x| row.decided_at >= x) {
            continue;
        }
        if person && standing.get(&identity).is_some_and(|(by_rules, _)| *by_rules) {
            continue;
        }
        standing.insert(identity, (!person, row));
    }
    let mut rows: Vec<_> = standing
        .into_iter()
        .filter(|(_, (_, row))| filter.account.as_ref().is_none_or(|x| *x == row.account))
        .filter(|(_, (_, row))| filter.appid.as_ref().is_none_or(|x| x.as_str() == row.appid))
        .filter(|(_, (_, row))| filter.verdict.is_none_or(|x| x == row.verdict))
        .filter(|(_, (_, row))| filter.rule.is_none() || filter.rule == row.rule)
        .filter(|(_, (_, row))| filter.outcome.is_none_or(|x| x == row.outcome))
        .filter(|(_, (_, row))| filter.brake.is_none() || filter.brake == row.brake)
        .filter(|(_, (_, row))| filter.since.is_none_or(|x| row.decided_at >= x))
        .map(|(identity, (_, row))| ((row.decided_at, row.id), people.get(&identity).copied()))
        .collect();
    rows.sort_by_key(|(order, _)| *order);
    let skipped = filter.limit.map_or(0, |limit| rows.len().saturating_sub(limit as usize));
    rows[skipped..].iter().map(|((_, id), person)| (*id, *person)).collect()
}

fn filters() -> Vec<Filter> {
    let one = Filter::default;
    let singles = [
        one(),
        Filter { account: Some("shop".into()), ..one() },
        Filter { appid: Some(AppId::new("wx3")), ..one() },
        Filter { verdict: Some(RecordedVerdict::Hold), ..one() },
        Filter { verdict: Some(RecordedVerdict::Agree), ..one() },
        Filter { verdict: Some(RecordedVerdict::Delete), ..one() },
        Filter { rule: Some("a".into()), ..one() },
        Filter { outcome: Some(Outcome::Shadow), ..one() },
        Filter { brake: Some(Brake::Limit), ..one() },
        Filter { since: Some(at(60)), ..one() },
        Filter { until: Some(at(60)), ..one() },
        Filter { since: Some(at(40)), until: Some(at(170)), ..one() },
        Filter { account: Some("nobody".into()), ..one() },
    ];
    let limits = [None, Some(0), Some(1), Some(7), Some(1_000)];
    singles.iter().flat_map(|filter| limits.map(|limit| Filter { limit, ..filter.clone() })).collect()
}

#[tokio::test]
async fn every_application_is_met_once_with_what_people_made_of_it() {
    let desk = varied().await;
    let mut log = Vec::new();
    for id in 1..=400 {
        let shown = desk.store.show(id).await.unwrap().unwrap();
        log.push((shown.row, shown.create_time_text));
    }
    let mut met = std::collections::BTreeSet::new();
    for filter in filters() {
        let walked: Vec<_> =
            walked(desk.store.reader(), &filter).await.iter().map(|row| (row.id, row.person)).collect();
        assert_eq!(walked, expected(&log, &filter), "{filter:?}");
        met.insert(walked.len());
    }
    assert!(met.len() > 8, "the filters tell little apart: {met:?}");
}

#[tokio::test]
async fn an_application_is_read_back_as_it_was_recorded() {
    let desk = Desk::new().await;
    let mut wanted = decision("wx1", RecordedVerdict::Refuse, Outcome::Held);
    wanted.application.malformed = vec!["reason".into()];
    wanted.application.nickname = "某\0店\u{2028}\"\\\n\u{1f}\u{202e}😀".into();
    wanted.application.categories = vec![Category::from_text("a\"/b\\")];
    wanted.application.create_time = CreateTime::received("0099");
    wanted.brake = Some(Brake::Malformed);
    desk.store.record(std::slice::from_ref(&wanted)).await.unwrap();
    let [found] = walked(desk.store.reader(), &Filter::default()).await.try_into().unwrap();
    let evidence = desk.store.evidence(&[found.id, 77]).await.unwrap();
    assert_eq!(evidence.into_iter().collect::<Vec<_>>(), [(found.id, wanted.why)]);
    assert_eq!(
        found,
        Recorded {
            id: 1,
            decided_at: wanted.at,
            account: wanted.account,
            account_appid: wanted.account_appid,
            application: wanted.application,
            redacted: false,
            verdict: wanted.verdict,
            rule: wanted.rule,
            message: wanted.message,
            brake: wanted.brake,
            actor: wanted.actor,
            person: None,
        }
    );
    desk.run("UPDATE words SET nickname = NULL, reason = NULL, message = NULL, why = NULL, salt = NULL").await.unwrap();
    let redacted = walked(desk.store.reader(), &Filter::default()).await;
    assert!(redacted[0].redacted && redacted[0].message.is_none());
    assert!(desk.store.evidence(&[1]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_walk_sees_the_log_as_it_stood_when_it_began() {
    let desk = Desk::new().await;
    let rows = |from: i64| (from..from + 2_500).map(|n| NewDecision { at: at(n), ..hold(&format!("wx{n}")) });
    desk.store.record(&rows(0).collect::<Vec<_>>()).await.unwrap();
    let reader = Reader::open(&desk.path()).await.unwrap().unwrap();
    let mut walk = reader.applications(&Filter::default()).await.unwrap();
    let first = walk.next().await.unwrap().unwrap().read().await.unwrap();
    let second = walk.next().await.unwrap().unwrap();
    // New rows of applications already met, and of others still to come; and one half written.
    desk.store.record(&rows(0).map(|row| NewDecision { at: at(9_000), ..row }).collect::<Vec<_>>()).await.unwrap();
    let mut writing = desk.store.begin(Doing::Record).await.unwrap();
    sqlx::raw_sql("DROP TRIGGER words_keep; UPDATE words SET nickname = 'half written'")
        .execute(&mut writing.conn)
        .await
        .unwrap();
    let mut met = first;
    met.extend(second.read().await.unwrap());
    while let Some(stretch) = walk.next().await.unwrap() {
        met.extend(stretch.read().await.unwrap());
    }
    assert_eq!(met.iter().map(|row| row.id).collect::<Vec<_>>(), (1..=2_500).collect::<Vec<_>>());
    assert!(met.iter().all(|row| row.application.nickname == "某店"));
    assert_eq!(walked(&reader, &Filter::default()).await[0].id, 2_501, "the next walk sees the newer rows");
}

#[tokio::test]
async fn no_walk_sorts_or_scans() {
    let desk = varied().await;
    for filter in filters().into_iter().filter(|filter| filter.limit != Some(0)) {
        let mut conn = desk.store.reader().pool().acquire().await.unwrap();
        let Some(listing) = Listing::plan_applications(&filter, &mut conn).await.unwrap() else { continue };
        let query = listing.applications(Some((5, 5)), Some((9, 9)));
        let sql = format!("EXPLAIN QUERY PLAN {}", query.sql().as_str());
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(&mut *conn).await.unwrap();
        let plan: Vec<String> = plan.into_iter().map(|(.., step)| step).collect();
        let sorts = plan.iter().filter(|step| step.contains("TEMP B-TREE")).count();
        // One applicant's rows, and the few people's decisions of one application, may be sorted.
        assert!(sorts == 0 || filter.appid.is_some(), "{filter:?}: {plan:#?}");
        assert!(plan.iter().all(|step| !step.starts_with("SCAN")), "{filter:?}: {plan:#?}");
        let by_identity = "USING INDEX decisions_by_appid (appid=? AND account_appid=? AND create_time=?";
        assert_eq!(plan.iter().filter(|step| step.contains(by_identity)).count(), 2, "{filter:?}: {plan:#?}");
    }
}

#[tokio::test]
async fn what_was_known_earlier_is_the_same_for_many_moments_at_once() {
    let desk = varied().await;
    let account = account();
    let appids: Vec<AppId> = (0..31).map(|n| AppId::new(format!("wx{n}"))).collect();
    let asked: Vec<(&AppId, Timestamp)> =
        appids.iter().flat_map(|appid| [0, 30, 77, 150, 9_000].map(|n| (appid, at(n)))).collect();
    let reader = desk.store.reader();
    let mut found = reader.earlier_each(&account, &asked).await.unwrap();
    let mut known = 0;
    for (place, (appid, moment)) in asked.iter().enumerate() {
        let expected = reader.earlier(&account, std::slice::from_ref(appid), *moment).await.unwrap();
        known += usize::from(!expected.is_empty());
        assert_eq!(found.remove(&place).unwrap_or_default(), expected, "{appid:?} {moment}");
    }
    assert!(found.is_empty() && known > 50, "{known}");
    assert!(reader.earlier_each(&AppId::new("wx-nobody"), &asked).await.unwrap().is_empty());
}
