//! The reading side: what a pass and a dry run must know before they decide.
//!
//! Never writes, creates or migrates anything; works beside a running service.

use super::{Doing, Fate, Mode, Outcome, RecordedVerdict, StoreError, file, sql};
use crate::policy::{Action, AppId, Brake, CreateTime, Earlier, EarlierKind, History, Identity};
use jiff::Timestamp;
use sqlx::{Row, SqlitePool, sqlite::SqliteRow};
use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::Arc,
};

/// Identities asked for at once; bounds the size of one statement's argument.
const IDENTITIES_PER_QUERY: usize = 1_000;

/// The audit log, open for reading.
#[derive(Debug, Clone)]
pub struct Reader {
    path: Arc<Path>,
    pool: SqlitePool,
}

/// The newest row of one application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Its id.
    pub id: i64,
    /// What was wanted.
    pub verdict: RecordedVerdict,
    /// The rule that decided.
    pub rule: Option<String>,
    /// What kept it from being carried out.
    pub brake: Option<Brake>,
    /// Live or shadow.
    pub mode: Mode,
    /// Names of the rules that could not be decided.
    pub unknown: Vec<String>,
    /// How it stands.
    pub outcome: Outcome,
    /// Calls that were or may have been sent.
    pub attempts: u32,
    /// Where WeChat was.
    pub base_url: String,
    /// Who decided.
    pub actor: String,
    /// The pass it was decided in.
    pub pass: String,
    /// Hash of the rules that decided.
    pub ruleset: String,
    /// It holds a place of a daily limit.
    pub place: bool,
    /// The message that goes with its refusal; `None` also once redacted.
    pub message: Option<String>,
    /// The newest row of this application whose change WeChat accepted at our word, and that change; it may be older.
    pub accepted: Option<(i64, Action)>,
}

/// A row that was announced and not settled: under way, or cut off by a crash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Its id.
    pub id: i64,
    /// Whose application.
    pub identity: Identity,
    /// What was to be asked for.
    pub action: Action,
    /// The attempt that was announced, from 1.
    pub attempt: u32,
    /// Whether that attempt's call was recorded; if not, it may or may not have been sent.
    pub call_recorded: bool,
    /// What became of that call, if it was recorded.
    pub fate: Option<Fate>,
    /// The rule that decided.
    pub rule: Option<String>,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// Where WeChat was.
    pub base_url: String,
    /// Our name for the account then.
    pub account: String,
    /// Who decided.
    pub actor: String,
    /// The reason of a refusal.
    pub message: Option<String>,
    /// The pass it was decided in.
    pub pass: String,
    /// How it stands.
    pub outcome: Outcome,
}

/// Places taken of an account's limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Agreed.
    pub agree: u32,
    /// Refused.
    pub refuse: u32,
    /// Deleted.
    pub delete: u32,
}

impl Spent {
    /// Those of one action.
    pub fn of(&self, action: Action) -> u32 {
        match action {
            Action::Agree => self.agree,
            Action::Refuse => self.refuse,
            Action::Delete => self.delete,
        }
    }

    fn of_mut(&mut self, action: Action) -> &mut u32 {
        match action {
            Action::Agree => &mut self.agree,
            Action::Refuse => &mut self.refuse,
            Action::Delete => &mut self.delete,
        }
    }
}

impl Reader {
    /// Opens the audit log at `path` for reading; `None` if there is none yet.
    ///
    /// # Errors
    /// It cannot be read, is damaged, or is of another menshen or another program.
    pub async fn open(path: &Path) -> Result<Option<Reader>, StoreError> {
        Ok(file::open_for_reading(path).await?.map(|pool| Reader::over(path, pool)))
    }

    /// As [`Reader::open`], but leaves no file behind: for a short look at what may be a closed audit log.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub async fn peek(path: &Path) -> Result<Option<Reader>, StoreError> {
        Ok(file::open_for_looking(path).await?.map(|pool| Reader::over(path, pool)))
    }

    /// The newest row of each of these applications to the account (its appid); those never seen are left out.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn past(&self, account: &AppId, ids: &[Identity]) -> Result<HashMap<Identity, Past>, StoreError> {
        let mut past = HashMap::with_capacity(ids.len());
        for some in ids.chunks(IDENTITIES_PER_QUERY) {
            let query = sqlx::query(sql::PAST).bind(account.as_str()).bind(json_of(some));
            let rows = query.fetch_all(&self.pool).await.map_err(|error| self.unread(error))?;
            for row in &rows {
                past.insert(self.read(identity(row, 0))?, self.read(one_past(row))?);
            }
        }
        Ok(past)
    }

    /// Those of these applications that a call of ours has named, whatever was answered, or that were seen to end elsewhere: a
    /// list that shows them pending may lag.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn named(&self, account: &AppId, ids: &[Identity]) -> Result<Vec<Identity>, StoreError> {
        let mut named = Vec::new();
        for some in ids.chunks(IDENTITIES_PER_QUERY) {
            let query = sqlx::query(sql::NAMED).bind(account.as_str()).bind(json_of(some));
            let rows = query.fetch_all(&self.pool).await.map_err(|error| self.unread(error))?;
            for row in &rows {
                named.push(self.read(identity(row, 0))?);
            }
        }
        Ok(named)
    }

    /// What had become, before `moment`, of the applications of these appids to the account: agreed or refused (done,
    /// whoever did it) and held. Each application is there once for each of these.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn earlier(&self, account: &AppId, appids: &[AppId], moment: Timestamp) -> Result<History, StoreError> {
        let mut history = History::default();
        for some in appids.chunks(IDENTITIES_PER_QUERY) {
            let wanted = serde_json::to_string(some).expect("strings always serialise");
            let query = sqlx::query(sql::EARLIER).bind(account.as_str()).bind(wanted).bind(moment.as_millisecond());
            let rows = query.fetch_all(&self.pool).await.map_err(|error| self.unread(error))?;
            for row in &rows {
                let (appid, earlier) = self.read(one_earlier(row, 0))?;
                history.add(appid, earlier);
            }
        }
        Ok(history)
    }

    /// Whether these rules are kept already.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn has_ruleset(&self, hash: &str) -> Result<bool, StoreError> {
        let query = sqlx::query_scalar(sql::HAS_RULESET).bind(hash);
        query.fetch_one(&self.pool).await.map_err(|error| self.unread(error))
    }

    /// Every row of the account that was announced and not settled, oldest first.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn planned(&self, account: &AppId) -> Result<Vec<Planned>, StoreError> {
        let query = sqlx::query(sql::PLANNED).bind(account.as_str());
        let rows = query.fetch_all(&self.pool).await.map_err(|error| self.unread(error))?;
        rows.iter().map(|row| self.read(one_planned(row))).collect()
    }

    /// Rows of the account that failed because an answer was lost, decided after `since`, oldest first. What
    /// they asked for may have been done all the same.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn doubtful(&self, account: &AppId, since: Timestamp) -> Result<Vec<Planned>, StoreError> {
        let query = sqlx::query(sql::DOUBTFUL).bind(account.as_str()).bind(since.as_millisecond());
        let rows = query.fetch_all(&self.pool).await.map_err(|error| self.unread(error))?;
        rows.iter().map(|row| self.read(one_planned(row))).collect()
    }

    /// Whether a call of this row may have changed something: one whose answer was not a plain no, or is not known.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn may_have_worked(&self, decision: i64) -> Result<bool, StoreError> {
        let query = sqlx::query_scalar(sql::MAY_HAVE_WORKED).bind(decision);
        let found: Option<bool> = query.fetch_optional(&self.pool).await.map_err(|error| self.unread(error))?;
        found.ok_or(StoreError::Gone(decision))
    }

    /// The actions that were seen to do what they should, for this account at this place.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn proven(&self, account: &AppId, base_url: &str) -> Result<BTreeSet<Action>, StoreError> {
        let query = sqlx::query(sql::PROVEN).bind(account.as_str()).bind(base_url);
        let rows = query.fetch_all(&self.pool).await.map_err(|error| self.unread(error))?;
        rows.iter().map(|row| self.read(word(row, 0, action_from_word))).collect()
    }

    /// Places taken of the account's limits since an instant.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn spent(&self, account: &AppId, since: Timestamp) -> Result<Spent, StoreError> {
        let mut spent = Spent::default();
        for action in Action::ALL {
            let query = sqlx::query_scalar(sql::TAKEN).bind(account.as_str()).bind(action.word());
            let taken = query.bind(since.as_millisecond()).fetch_one(&self.pool).await;
            *spent.of_mut(action) = taken.map_err(|error| self.unread(error))?;
        }
        Ok(spent)
    }

    /// Places that these rules have taken for the account, each since an instant; in their order.
    ///
    /// # Errors
    /// The audit log could not be read.
    pub async fn spent_by_rules(&self, account: &AppId, rules: &[(&str, Timestamp)]) -> Result<Vec<u32>, StoreError> {
        if rules.is_empty() {
            return Ok(Vec::new());
        }
        let wanted: Vec<_> = rules.iter().map(|(rule, since)| (rule, since.as_millisecond())).collect();
        let wanted = serde_json::to_string(&wanted).expect("strings and numbers always serialise");
        let query = sqlx::query_scalar(sql::SPENT_BY_RULES).bind(account.as_str()).bind(wanted);
        query.fetch_all(&self.pool).await.map_err(|error| self.unread(error))
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Where the audit log is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn over(path: &Path, pool: SqlitePool) -> Reader {
        Reader { path: path.into(), pool }
    }

    pub(super) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    pub(super) fn failed(&self, doing: Doing, error: sqlx::Error) -> StoreError {
        StoreError::from_sqlx(&self.path, doing, error)
    }

    pub(super) fn unread(&self, error: sqlx::Error) -> StoreError {
        self.failed(Doing::Read, error)
    }

    pub(super) fn read<T>(&self, value: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        value.map_err(|error| self.unread(error))
    }
}

/// A JSON list of [appid, create_time or null].
fn json_of(ids: &[Identity]) -> String {
    let ids: Vec<_> = ids.iter().map(|id| (id.appid.as_str(), id.create_time.text())).collect();
    serde_json::to_string(&ids).expect("strings always serialise")
}

fn one_past(row: &SqliteRow) -> Result<Past, sqlx::Error> {
    Ok(Past {
        id: row.try_get(2)?,
        verdict: word(row, 3, RecordedVerdict::from_word)?,
        rule: row.try_get(4)?,
        brake: optional_word(row, 5, Brake::from_word)?,
        mode: word(row, 6, Mode::from_word)?,
        unknown: list(row, 7)?,
        outcome: word(row, 8, Outcome::from_word)?,
        attempts: row.try_get(9)?,
        base_url: row.try_get(10)?,
        actor: row.try_get(11)?,
        pass: row.try_get(12)?,
        ruleset: row.try_get(13)?,
        place: row.try_get(14)?,
        accepted: match row.try_get(15)? {
            Some(id) => Some((id, word(row, 16, action_from_word)?)),
            None => None,
        },
        message: row.try_get(17)?,
    })
}

/// An identity at `column`, and behind it what became of it and when.
pub(super) fn one_earlier(row: &SqliteRow, column: usize) -> Result<(AppId, Earlier), sqlx::Error> {
    let Identity { appid, create_time } = identity(row, column)?;
    let kind = |word: &str| match word {
        "agree" => Some(EarlierKind::Agreed),
        "refuse" => Some(EarlierKind::Refused),
        "held" => Some(EarlierKind::Held),
        _ => None,
    };
    Ok((appid, Earlier { create_time, what: word(row, column + 2, kind)?, at: instant(row, column + 3)? }))
}

fn one_planned(row: &SqliteRow) -> Result<Planned, sqlx::Error> {
    let fate = optional_word(row, 5, Fate::from_word)?;
    Ok(Planned {
        id: row.try_get(0)?,
        identity: identity(row, 1)?,
        action: word(row, 3, action_from_word)?,
        attempt: row.try_get(4)?,
        call_recorded: fate.is_some(),
        fate,
        rule: row.try_get(6)?,
        decided_at: instant(row, 7)?,
        base_url: row.try_get(8)?,
        account: row.try_get(9)?,
        actor: row.try_get(10)?,
        message: row.try_get(11)?,
        pass: row.try_get(12)?,
        outcome: word(row, 13, Outcome::from_word)?,
    })
}

/// An appid at `column` and a create_time behind it.
pub(super) fn identity(row: &SqliteRow, column: usize) -> Result<Identity, sqlx::Error> {
    let create_time: Option<&str> = row.try_get(column + 1)?;
    Ok(Identity {
        appid: AppId::new(row.try_get::<&str, _>(column)?),
        create_time: create_time.map_or(CreateTime::ABSENT, CreateTime::received),
    })
}

/// A word of ours, read back. The error names the column only.
pub(super) fn word<T>(row: &SqliteRow, column: usize, from: fn(&str) -> Option<T>) -> Result<T, sqlx::Error> {
    from(row.try_get(column)?).ok_or_else(|| unreadable(column, "not a word this menshen knows"))
}

pub(super) fn optional_word<T>(
    row: &SqliteRow,
    column: usize,
    from: fn(&str) -> Option<T>,
) -> Result<Option<T>, sqlx::Error> {
    match row.try_get::<Option<&str>, _>(column)? {
        None => Ok(None),
        Some(_) => word(row, column, from).map(Some),
    }
}

pub(super) fn action_from_word(word: &str) -> Option<Action> {
    Action::ALL.into_iter().find(|action| action.word() == word)
}

pub(super) fn instant(row: &SqliteRow, column: usize) -> Result<Timestamp, sqlx::Error> {
    Timestamp::from_millisecond(row.try_get(column)?).map_err(|_| unreadable(column, "beyond the calendar"))
}

/// A JSON list of texts; NULL is the empty one.
pub(super) fn list(row: &SqliteRow, column: usize) -> Result<Vec<String>, sqlx::Error> {
    match row.try_get::<Option<&str>, _>(column)? {
        None => Ok(Vec::new()),
        Some(text) => serde_json::from_str(text).map_err(|_| unreadable(column, "not a list of texts")),
    }
}

pub(super) fn unreadable(column: usize, problem: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("column {column}: {problem}").into())
}

/// Milliseconds as SQLite can hold them.
pub(super) fn millis(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
