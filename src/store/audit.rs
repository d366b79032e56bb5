//! Reading the audit log for people: the list, one row in full, the statistics.
//!
//! How a list is found in a log of any length is `listing`'s.

use super::{
    CallRecord, Fate, Mode, Outcome, Reader, RecordedVerdict, StoreError,
    listing::{Listing, push},
    read::*,
    sql,
};
use crate::policy::{AppId, Application, Brake, Category, CreateTime, Why};
use futures_util::TryStreamExt;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use sqlx::{QueryBuilder, Row, sqlite::SqliteRow};
use std::ops::ControlFlow;

/// Rows of an export read at once.
const ROWS_A_PAGE: i64 = 1_000;

/// Which rows to list. Everything given must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Our name for the account.
    pub account: Option<String>,
    /// The applicant.
    pub appid: Option<AppId>,
    /// The verdict.
    pub verdict: Option<RecordedVerdict>,
    /// The deciding rule.
    pub rule: Option<String>,
    /// How it stands.
    pub outcome: Option<Outcome>,
    /// What keeps it back.
    pub brake: Option<Brake>,
    /// Decided at this instant or later …
    pub since: Option<Timestamp>,
    /// … and before this one.
    pub until: Option<Timestamp>,
    /// Written in this pass; give [`Filter::since`] too, or the whole log may be looked through.
    pub pass: Option<String>,
    /// The newest so many; `None` = all.
    pub limit: Option<u32>,
}

/// One row of the view `audit_log`; serialises to the same names and values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditRow {
    /// Its number; newer ones are greater.
    pub id: i64,
    /// When it was decided.
    #[serde(serialize_with = "iso")]
    pub decided_at: Timestamp,
    /// Our name for the account.
    pub account: String,
    /// The applicant.
    pub appid: String,
    /// When it applied, in Unix seconds.
    pub create_time: Option<i64>,
    /// Its name; `None` once redacted.
    pub nickname: Option<String>,
    /// Its words; `None` once redacted.
    pub reason: Option<String>,
    /// `first/second` each.
    pub categories: Vec<String>,
    /// What is wanted.
    pub verdict: RecordedVerdict,
    /// The deciding rule.
    pub rule: Option<String>,
    /// The message of a refusal.
    pub message: Option<String>,
    /// Live or shadow.
    pub mode: Mode,
    /// Who decided.
    pub actor: String,
    /// What keeps it back.
    pub brake: Option<Brake>,
    /// How it stands.
    pub outcome: Outcome,
    /// WeChat's errcode to the last call.
    pub errcode: Option<i64>,
    /// Its words.
    pub errmsg: Option<String>,
    /// Calls that were or may have been sent.
    pub attempts: u32,
    /// Since when it stands like this.
    #[serde(serialize_with = "iso_or_null")]
    pub settled_at: Option<Timestamp>,
    /// The pass it was decided in.
    pub pass: String,
    /// Hash of the effective rules.
    pub ruleset: String,
}

/// How a decision stood from an instant on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Settlement {
    /// From when on.
    #[serde(serialize_with = "iso")]
    pub at: Timestamp,
    /// How.
    pub outcome: Outcome,
    /// The attempt; 0 where nothing is to be sent.
    pub attempt: u32,
    /// A note for readers.
    pub note: Option<String>,
}

/// Everything about one decision.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// Its row.
    #[serde(flatten)]
    pub row: AuditRow,
    /// WeChat's appid of the account.
    pub account_appid: AppId,
    /// Where WeChat was.
    pub base_url: String,
    /// `create_time` as received.
    pub create_time_text: Option<String>,
    /// WeChat's names of the fields that were of a wrong kind.
    pub malformed: Vec<String>,
    /// Names of the rules that could not be decided.
    pub unknown: Vec<String>,
    /// The evidence; `None` once redacted.
    pub why: Option<Why>,
    /// Address of its picture; `None` also once redacted.
    pub headimgurl: Option<String>,
    /// Address of its mini program code; `None` also once redacted.
    pub apply_url: Option<String>,
    /// Version of the folding and the rules.
    pub engine: Option<String>,
    /// The effective rules, as JSON.
    #[serde(skip)]
    pub spec: Option<String>,
    /// Every call, oldest first.
    pub calls: Vec<CallRecord>,
    /// Every settlement, oldest first.
    pub settlements: Vec<Settlement>,
}

/// Which days and account to count.
#[derive(Debug, Clone, Default)]
pub struct StatsFilter {
    /// Our name for the account; `None` = every one.
    pub account: Option<String>,
    /// From this day on, as `2026-11-22` …
    pub since: Option<String>,
    /// … and before this one.
    pub until: Option<String>,
    /// Counted by what; `None` = by day, but by month where the days span more than [`MOST_DAYS`].
    pub by: Option<Period>,
}

/// A quarter: more days than these are no overview any more, and months are counted.
pub const MOST_DAYS: u32 = 92;

/// What counts are told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// A calendar day.
    Day,
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
}

/// A day, month or year in the time zone of the service. As JSON: `"day": "2026-11-22"`, `"month": "2026-11"`, `"year": "2026"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// As `2026-11-22`.
    Day(String),
    /// As `2026-11`.
    Month(String),
    /// As `2026`.
    Year(String),
}

impl Period {
    /// Where it is counted, and how it is told there; days are written as `2026-11-22`. Whole months are at hand.
    fn source(self, all: bool) -> (&'static str, &'static str) {
        match (self, all) {
            (Period::Day, _) => ("rollup", "day"),
            (Period::Month, true) => ("rollup_months", "month"),
            (Period::Month, false) => ("rollup", "substr(day, 1, 7)"),
            (Period::Year, true) => ("rollup_months", "substr(month, 1, 4)"),
            (Period::Year, false) => ("rollup", "substr(day, 1, 4)"),
        }
    }

    fn when(self, text: String) -> When {
        match self {
            Period::Day => When::Day(text),
            Period::Month => When::Month(text),
            Period::Year => When::Year(text),
        }
    }
}

impl When {
    /// `day`, `month` or `year`, and which.
    pub fn words(&self) -> (&'static str, &str) {
        match self {
            When::Day(text) => ("day", text),
            When::Month(text) => ("month", text),
            When::Year(text) => ("year", text),
        }
    }
}

/// How many decisions of one kind a day, a month or a year brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatsRow {
    /// When they were made.
    #[serde(flatten)]
    pub when: When,
    /// Our name for the account.
    pub account: String,
    /// What was wanted.
    pub verdict: RecordedVerdict,
    /// The deciding rule.
    pub rule: Option<String>,
    /// How they stand now.
    pub outcome: Outcome,
    /// How many.
    pub n: u64,
}

impl Shown {
    /// The application the decision was about, as it was then; without words once they are erased.
    pub fn application(&self) -> Application {
        let row = &self.row;
        Application {
            appid: AppId::new(&row.appid),
            create_time: self.create_time_text.as_ref().map_or(CreateTime::ABSENT, CreateTime::received),
            nickname: row.nickname.clone().unwrap_or_default(),
            reason: row.reason.clone().unwrap_or_default(),
            categories: row.categories.iter().map(|text| Category::from_text(text)).collect(),
            headimgurl: self.headimgurl.clone(),
            apply_url: self.apply_url.clone(),
            malformed: self.malformed.clone(),
        }
    }
}

impl Reader {
    /// Hands the newest [`Filter::limit`] rows to `each`, oldest first, until it breaks. Memory stays small
    /// however many there are.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn list(
        &self,
        filter: &Filter,
        mut each: impl FnMut(AuditRow) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut tx = self.pool().begin().await.map_err(|error| self.unread(error))?;
        let conn = &mut *tx;
        let Some(listing) = self.read(Listing::plan(filter, conn).await)? else { return Ok(()) };
        let mut query = listing.rows();
        let mut rows = query.build().persistent(false).fetch(conn);
        while let Some(row) = rows.try_next().await.map_err(|error| self.unread(error))? {
            if each(self.read(one_row(&row))?).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// As [`Reader::list`], without a transaction that stays open while `each` is slow: a page at a time, up to the
    /// newest row there was when it began.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn export(
        &self,
        filter: &Filter,
        mut each: impl FnMut(AuditRow) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let last = self.last_decision().await?;
        let mut tx = self.pool().begin().await.map_err(|error| self.unread(error))?;
        let listing = self.read(Listing::plan(filter, &mut tx).await)?;
        drop(tx);
        let Some(listing) = listing else { return Ok(()) };
        let mut after = None;
        loop {
            let mut query = listing.page(after, ROWS_A_PAGE);
            let rows = query.build().fetch_all(self.pool()).await.map_err(|error| self.unread(error))?;
            for row in &rows {
                let row = self.read(one_row(row))?;
                after = Some((row.decided_at.as_millisecond(), row.id));
                if row.id <= last && each(row).is_break() {
                    return Ok(());
                }
            }
            if rows.len() < ROWS_A_PAGE as usize {
                return Ok(());
            }
        }
    }

    /// Everything about one decision; `None` if there is none of that number.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn show(&self, id: i64) -> Result<Option<Shown>, StoreError> {
        let mut tx = self.pool().begin().await.map_err(|error| self.unread(error))?;
        let row = sqlx::query(sql::SHOW).bind(id).fetch_optional(&mut *tx).await;
        let Some(row) = row.map_err(|error| self.unread(error))? else { return Ok(None) };
        let calls = sqlx::query(sql::CALLS).bind(id).fetch_all(&mut *tx).await;
        let calls = calls.map_err(|error| self.unread(error))?;
        let settlements = sqlx::query(sql::SETTLEMENTS).bind(id).fetch_all(&mut *tx).await;
        let settlements = settlements.map_err(|error| self.unread(error))?;
        self.read(shown(&row, &calls, &settlements)).map(Some)
    }

    /// Counts by day (or month, or year), account, verdict, rule and outcome, oldest first; from the roll-up.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn stats(&self, filter: &StatsFilter) -> Result<Vec<StatsRow>, StoreError> {
        let by = match filter.by {
            Some(by) => by,
            None if self.days(filter).await? > f64::from(MOST_DAYS) => Period::Month,
            None => Period::Day,
        };
        let (table, column) = by.source(filter.since.is_none() && filter.until.is_none());
        let columns = format!("{column}, account, verdict, rule, outcome");
        let mut query = QueryBuilder::new(format!("SELECT {columns}, sum(n) FROM {table} WHERE n > 0"));
        matching(&mut query, filter);
        query.push(format!(" GROUP BY {columns} ORDER BY {columns}"));
        let rows = query.build().persistent(false).fetch_all(self.pool()).await;
        let rows = rows.map_err(|error| self.unread(error))?;
        rows.iter().map(|row| self.read(one_count(row, by))).collect()
    }

    /// From the first day that matches to the last, both included; 0 if there is none.
    async fn days(&self, filter: &StatsFilter) -> Result<f64, StoreError> {
        let mut query = QueryBuilder::new("SELECT ifnull(1 + julianday((SELECT max(day) FROM rollup WHERE n > 0");
        matching(&mut query, filter);
        query.push(")) - julianday((SELECT min(day) FROM rollup WHERE n > 0");
        matching(&mut query, filter);
        query.push(")), 0.0)");
        query.build_query_scalar().persistent(false).fetch_one(self.pool()).await.map_err(|error| self.unread(error))
    }
}

fn matching(query: &mut QueryBuilder<sqlx::Sqlite>, filter: &StatsFilter) {
    push(query, " AND account = ", filter.account.as_deref());
    push(query, " AND day >= ", filter.since.as_deref());
    push(query, " AND day < ", filter.until.as_deref());
}

pub(super) fn one_row(row: &SqliteRow) -> Result<AuditRow, sqlx::Error> {
    let settled_at: Option<i64> = row.try_get(18)?;
    Ok(AuditRow {
        id: row.try_get(0)?,
        decided_at: instant(row, 1)?,
        account: row.try_get(2)?,
        appid: row.try_get(3)?,
        create_time: row.try_get(4)?,
        nickname: row.try_get(5)?,
        reason: row.try_get(6)?,
        categories: list(row, 7)?,
        verdict: word(row, 8, RecordedVerdict::from_word)?,
        rule: row.try_get(9)?,
        message: row.try_get(10)?,
        mode: word(row, 11, Mode::from_word)?,
        actor: row.try_get(12)?,
        brake: optional_word(row, 13, Brake::from_word)?,
        outcome: word(row, 14, Outcome::from_word)?,
        errcode: row.try_get(15)?,
        errmsg: row.try_get(16)?,
        attempts: row.try_get(17)?,
        settled_at: settled_at.map(|_| instant(row, 18)).transpose()?,
        pass: row.try_get(19)?,
        ruleset: row.try_get(20)?,
    })
}

fn shown(row: &SqliteRow, calls: &[SqliteRow], settlements: &[SqliteRow]) -> Result<Shown, sqlx::Error> {
    let why: Option<&str> = row.try_get(26)?;
    let why = why.map(serde_json::from_str).transpose().map_err(|_| unreadable(26, "not the evidence we write"))?;
    Ok(Shown {
        row: one_row(row)?,
        account_appid: AppId::new(row.try_get::<&str, _>(21)?),
        base_url: row.try_get(22)?,
        create_time_text: row.try_get(23)?,
        malformed: list(row, 24)?,
        unknown: list(row, 25)?,
        why,
        headimgurl: row.try_get(27)?,
        apply_url: row.try_get(28)?,
        engine: row.try_get(29)?,
        spec: row.try_get(30)?,
        calls: calls.iter().map(one_call).collect::<Result<_, _>>()?,
        settlements: settlements.iter().map(one_settlement).collect::<Result<_, _>>()?,
    })
}

fn one_call(row: &SqliteRow) -> Result<CallRecord, sqlx::Error> {
    Ok(CallRecord {
        attempt: row.try_get(0)?,
        action: word(row, 1, action_from_word)?,
        sent_at: instant(row, 2)?,
        took_ms: row.try_get::<i64, _>(3)?.unsigned_abs(),
        fate: word(row, 4, Fate::from_word)?,
        http_status: row.try_get(5)?,
        errcode: row.try_get(6)?,
        errmsg: row.try_get(7)?,
        rid: row.try_get(8)?,
    })
}

fn one_settlement(row: &SqliteRow) -> Result<Settlement, sqlx::Error> {
    Ok(Settlement {
        at: instant(row, 0)?,
        outcome: word(row, 1, Outcome::from_word)?,
        attempt: row.try_get(2)?,
        note: row.try_get(3)?,
    })
}

fn one_count(row: &SqliteRow, by: Period) -> Result<StatsRow, sqlx::Error> {
    let rule: String = row.try_get(3)?;
    Ok(StatsRow {
        when: by.when(row.try_get(0)?),
        account: row.try_get(1)?,
        verdict: word(row, 2, RecordedVerdict::from_word)?,
        rule: Some(rule).filter(|rule| !rule.is_empty()),
        outcome: word(row, 4, Outcome::from_word)?,
        n: row.try_get::<i64, _>(5)?.unsigned_abs(),
    })
}

/// As the view writes it: always with milliseconds, so that the texts sort as the instants do.
fn iso<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{at:.3}"))
}

fn iso_or_null<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => iso(at, serializer),
        None => serializer.serialize_none(),
    }
}
