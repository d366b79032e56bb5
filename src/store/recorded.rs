//! Every application the log knows, once, to be decided again.
//!
//! An application has many rows; the newest by the rules stands for it, or where
//! the rules never saw it, the newest by a person. Promises the log as it stood
//! when the walk began, stretches of it that can be read side by side, each of
//! bounded size, and no transaction that stays open: a slow reader holds up no
//! checkpoint of the service.

use super::{
    Filter, Reader, RecordedVerdict, StoreError,
    listing::{Listing, Place},
    read::*,
    sql,
};
use crate::policy::{AppId, Application, Brake, Category, CreateTime, History, Why};
use jiff::Timestamp;
use serde::Deserialize;
use sqlx::{Row as _, sqlite::SqliteRow};
use std::{borrow::Cow, collections::HashMap, sync::Arc};

/// Rows of a stretch: enough to make the statement's start cheap, few enough to keep several stretches in memory.
const ROWS_A_STRETCH: u16 = 1_000;

/// One application as the log knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The row that stands for it.
    pub id: i64,
    /// When that was decided.
    pub decided_at: Timestamp,
    /// Our name for the account then.
    pub account: String,
    /// WeChat's.
    pub account_appid: AppId,
    /// The application; pictures are not read. Its texts are empty once redacted.
    pub application: Application,
    /// Its words were erased.
    pub redacted: bool,
    /// What was wanted.
    pub verdict: RecordedVerdict,
    /// The rule that decided.
    pub rule: Option<String>,
    /// The message of a refusal; `None` also once redacted.
    pub message: Option<String>,
    /// What kept it back.
    pub brake: Option<Brake>,
    /// Who decided: `rules`, or a person.
    pub actor: String,
    /// What a person wanted last: agree or refuse, by hand or seen elsewhere.
    pub person: Option<RecordedVerdict>,
}

/// A walk over recorded applications, oldest first.
#[derive(Debug)]
pub struct Applications {
    reader: Reader,
    /// None when nothing is left.
    listing: Option<Arc<Listing>>,
    at_most: u64,
    /// The end of the stretch before.
    after: Option<Place>,
}

/// A part of a walk, which can be read beside the others.
#[derive(Debug)]
pub struct Stretch {
    reader: Reader,
    listing: Arc<Listing>,
    after: Option<Place>,
    end: Option<Place>,
}

impl Reader {
    /// Begins a walk over the applications whose standing row matches. Rows at or after [`Filter::until`] are left
    /// out altogether: the walk sees what the log said then.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn applications(&self, filter: &Filter) -> Result<Applications, StoreError> {
        let mut tx = self.pool().begin().await.map_err(|error| self.unread(error))?;
        let listing = self.read(Listing::plan_applications(filter, &mut tx).await)?;
        let at_most = listing.as_ref().map_or(0, |listing| listing.at_most.unsigned_abs());
        Ok(Applications { reader: self.clone(), listing: listing.map(Arc::new), at_most, after: None })
    }

    /// The evidence recorded with these decisions; those whose words were erased are left out.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn evidence(&self, decisions: &[i64]) -> Result<HashMap<i64, Why>, StoreError> {
        let ids = serde_json::to_string(decisions).expect("numbers always serialise");
        let rows = sqlx::query(sql::EVIDENCE).bind(ids).fetch_all(self.pool()).await;
        rows.map_err(|error| self.unread(error))?.iter().map(|row| self.read(one_evidence(row))).collect()
    }

    /// As [`Reader::earlier`], for each of these appids at a moment of its own; by the place in the list. Appids of
    /// which nothing was known then are left out.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn earlier_each(
        &self,
        account: &AppId,
        asked: &[(&AppId, Timestamp)],
    ) -> Result<HashMap<usize, History>, StoreError> {
        let asked: Vec<(&AppId, i64)> = asked.iter().map(|(appid, at)| (*appid, at.as_millisecond())).collect();
        let asked = serde_json::to_string(&asked).expect("strings and numbers always serialise");
        let query = sqlx::query(sql::EARLIER_EACH).bind(account.as_str()).bind(asked);
        let mut histories: HashMap<usize, History> = HashMap::new();
        for row in query.fetch_all(self.pool()).await.map_err(|error| self.unread(error))? {
            let place: i64 = self.read(row.try_get(0))?;
            let (appid, earlier) = self.read(one_earlier(&row, 1))?;
            let place = usize::try_from(place).expect("the key of a JSON list is a place in it");
            histories.entry(place).or_default().add(appid, earlier);
        }
        Ok(histories)
    }
}

impl Applications {
    /// How many there are at most.
    pub fn at_most(&self) -> u64 {
        self.at_most
    }

    /// The next stretch; `None` at the end.
    ///
    /// # Errors
    /// The audit log could not be read; the walk is over.
    pub async fn next(&mut self) -> Result<Option<Stretch>, StoreError> {
        let Some(listing) = self.listing.take() else { return Ok(None) };
        let mut query = listing.end_of_stretch(self.after, ROWS_A_STRETCH.into());
        let end = query.build_query_as().fetch_optional(self.reader.pool()).await;
        let end: Option<Place> = end.map_err(|error| self.reader.unread(error))?;
        let stretch = Stretch { reader: self.reader.clone(), listing: Arc::clone(&listing), after: self.after, end };
        // What has no end is the last one.
        self.listing = end.map(|_| listing);
        self.after = end;
        Ok(Some(stretch))
    }
}

impl Stretch {
    /// Its applications, oldest first; perhaps none.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn read(&self) -> Result<Vec<Recorded>, StoreError> {
        let mut query = self.listing.applications(self.after, self.end);
        let found = query.build_query_scalar::<String>().fetch_one(self.reader.pool()).await;
        let found = found.map_err(|error| self.reader.unread(error))?;
        let rows: Result<Vec<Row<'_>>, _> = serde_json::from_str(&found);
        let rows = rows.map_err(|_| unreadable(0, "not the columns that were asked for"));
        let rows = rows.and_then(|rows| rows.into_iter().map(Row::recorded).collect());
        let mut rows: Vec<Recorded> = self.reader.read(rows)?;
        rows.sort_unstable_by_key(|row| (row.decided_at, row.id));
        Ok(rows)
    }
}

/// A row in the order of `sql::APPLICATIONS`.
#[derive(Deserialize)]
struct Row<'r> {
    id: i64,
    decided_at: i64,
    account: String,
    account_appid: AppId,
    appid: AppId,
    create_time: Option<String>,
    #[serde(borrow)]
    categories: Cow<'r, str>,
    malformed: Option<String>,
    #[serde(borrow)]
    verdict: Cow<'r, str>,
    rule: Option<String>,
    brake: Option<String>,
    actor: String,
    nickname: Option<String>,
    reason: Option<String>,
    message: Option<String>,
    person: Option<String>,
}

impl Row<'_> {
    fn recorded(self) -> Result<Recorded, sqlx::Error> {
        let verdict = known(8, &self.verdict, RecordedVerdict::from_word)?;
        let own = (self.actor != "rules" && verdict != RecordedVerdict::Hold).then_some(verdict);
        let person = self.person.map(|word| known(15, &word, RecordedVerdict::from_word)).transpose()?;
        let decided_at = Timestamp::from_millisecond(self.decided_at);
        Ok(Recorded {
            id: self.id,
            decided_at: decided_at.map_err(|_| unreadable(1, "beyond the calendar"))?,
            account: self.account,
            account_appid: self.account_appid,
            redacted: self.nickname.is_none() && self.reason.is_none(),
            application: Application {
                appid: self.appid,
                create_time: self.create_time.map_or(CreateTime::ABSENT, CreateTime::received),
                nickname: self.nickname.unwrap_or_default(),
                reason: self.reason.unwrap_or_default(),
                categories: texts(6, &self.categories)?.iter().map(|text| Category::from_text(text)).collect(),
                headimgurl: None,
                apply_url: None,
                malformed: self.malformed.map_or(Ok(Vec::new()), |list| texts(7, &list))?,
            },
            verdict,
            rule: self.rule,
            message: self.message,
            brake: self.brake.map(|word| known(10, &word, Brake::from_word)).transpose()?,
            actor: self.actor,
            person: own.or(person),
        })
    }
}

/// A word of ours, read back; the error names the column only.
fn known<T>(column: usize, written: &str, from: fn(&str) -> Option<T>) -> Result<T, sqlx::Error> {
    from(written).ok_or_else(|| unreadable(column, "not a word this menshen knows"))
}

/// A JSON list of texts.
fn texts(column: usize, written: &str) -> Result<Vec<String>, sqlx::Error> {
    serde_json::from_str(written).map_err(|_| unreadable(column, "not a list of texts"))
}

fn one_evidence(row: &SqliteRow) -> Result<(i64, Why), sqlx::Error> {
    let why = serde_json::from_str(row.try_get(1)?).map_err(|_| unreadable(1, "not the evidence we write"))?;
    Ok((row.try_get(0)?, why))
}
