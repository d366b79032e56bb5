//! Every application the log knows, once, to be decided again.
//!
//! An application has many rows; the newest by the rules stands for it, or where
//! the rules never saw it, the newest by a person. Promises the log as it stood
//! when the walk began, a page in memory and one on its way, and no transaction
//! that stays open: a slow reader holds up no checkpoint of the service.

use super::{Filter, Reader, RecordedVerdict, StoreError, listing::Listing, read::*, sql};
use crate::policy::{AppId, Application, Brake, Category, Why};
use jiff::Timestamp;
use sqlx::{Row, sqlite::SqliteRow};
use std::collections::HashMap;
use tokio::task::JoinHandle;

/// Rows read at once: enough to make the statement's start cheap, few enough to keep in memory.
const ROWS_A_PAGE: u16 = 1_000;

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
    listing: Option<Listing>,
    page: Option<JoinHandle<Result<Vec<Recorded>, StoreError>>>,
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
        drop(tx);
        let mut walk = Applications { reader: self.clone(), listing, page: None };
        walk.fetch(None);
        Ok(walk)
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
}

impl Applications {
    /// How many there are at most.
    pub fn at_most(&self) -> u64 {
        self.listing.as_ref().map_or(0, |listing| listing.at_most.unsigned_abs())
    }

    /// The next of them; `None` at the end. The page behind it is being read meanwhile.
    ///
    /// # Errors
    /// The audit log could not be read; the walk is over.
    pub async fn next(&mut self) -> Result<Option<Vec<Recorded>>, StoreError> {
        let Some(page) = self.page.take() else { return Ok(None) };
        // It is aborted only where nobody waits for it any more.
        let rows = page.await.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))?;
        let Some(last) = rows.last() else { return Ok(None) };
        if rows.len() == usize::from(ROWS_A_PAGE) {
            self.fetch(Some((last.decided_at.as_millisecond(), last.id)));
        }
        Ok(Some(rows))
    }

    fn fetch(&mut self, after: Option<(i64, i64)>) {
        let Some(listing) = self.listing.clone() else { return };
        let reader = self.reader.clone();
        self.page = Some(tokio::spawn(async move {
            let mut query = listing.applications(after, ROWS_A_PAGE.into());
            let rows = query.build().fetch_all(reader.pool()).await.map_err(|error| reader.unread(error))?;
            rows.iter().map(|row| reader.read(one_application(row))).collect()
        }));
    }
}

impl Drop for Applications {
    fn drop(&mut self) {
        if let Some(page) = &self.page {
            page.abort();
        }
    }
}

fn one_application(row: &SqliteRow) -> Result<Recorded, sqlx::Error> {
    let identity = identity(row, 4)?;
    let (nickname, reason): (Option<String>, Option<String>) = (row.try_get(12)?, row.try_get(13)?);
    let verdict = word(row, 8, RecordedVerdict::from_word)?;
    let actor: String = row.try_get(11)?;
    let own = (actor != "rules" && verdict != RecordedVerdict::Hold).then_some(verdict);
    Ok(Recorded {
        id: row.try_get(0)?,
        decided_at: instant(row, 1)?,
        account: row.try_get(2)?,
        account_appid: AppId::new(row.try_get::<&str, _>(3)?),
        redacted: nickname.is_none() && reason.is_none(),
        application: Application {
            appid: identity.appid,
            create_time: identity.create_time,
            nickname: nickname.unwrap_or_default(),
            reason: reason.unwrap_or_default(),
            categories: list(row, 6)?.iter().map(|text| Category::from_text(text)).collect(),
            headimgurl: None,
            apply_url: None,
            malformed: list(row, 7)?,
        },
        verdict,
        rule: row.try_get(9)?,
        message: row.try_get(14)?,
        brake: optional_word(row, 10, Brake::from_word)?,
        actor,
        person: own.or(optional_word(row, 15, RecordedVerdict::from_word)?),
    })
}

fn one_evidence(row: &SqliteRow) -> Result<(i64, Why), sqlx::Error> {
    let why = serde_json::from_str(row.try_get(1)?).map_err(|_| unreadable(1, "not the evidence we write"))?;
    Ok((row.try_get(0)?, why))
}
