//! Finding the newest rows that match, in a log of any length.
//!
//! Walks the index of the rarest property asked for, newest first, to find where
//! the list begins; the rows are then read forward from there, so that neither
//! sorting nor memory grows with the log. Rows are ordered by the instant they
//! were decided, then by id. Statements are put together from constants; values
//! are always bound.

use super::{Filter, Outcome, RecordedVerdict, sql};
use crate::policy::{AppId, Brake};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

/// A row's place in time: the instant it was decided, and its id.
pub(super) type Place = (i64, i64);

/// The index a list walks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Walk {
    Appid,
    Brake,
    Rule,
    Verdict,
    Account,
    Outcome,
    Time,
}

impl Walk {
    /// The tables, joined so that this index leads; and the columns the rows are ordered by.
    fn source(self) -> (&'static str, &'static str) {
        let by_decision = "decided_at, d.id";
        match self {
            Walk::Appid => ("decisions d INDEXED BY decisions_by_appid", by_decision),
            Walk::Brake => ("decisions d INDEXED BY decisions_by_brake", by_decision),
            Walk::Rule => ("decisions d INDEXED BY decisions_by_rule", by_decision),
            Walk::Verdict => ("decisions d INDEXED BY decisions_by_verdict", by_decision),
            Walk::Account => ("decisions d INDEXED BY decisions_by_account", by_decision),
            Walk::Time => ("decisions d INDEXED BY decisions_by_time", by_decision),
            Walk::Outcome => ("standing s INDEXED BY standing_by_outcome", "decided_at, s.decision_id"),
        }
    }

    /// Of the table that leads.
    fn alias(self) -> &'static str {
        if self == Walk::Outcome { "s." } else { "d." }
    }
}

/// Which of the rows that match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    /// Every one.
    Each,
    /// One for each application, as the log stood when this was its last row.
    OneEach { last: i64 },
}

/// How a list will be read.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    filter: Filter,
    which: Which,
    walk: Walk,
    /// The oldest row of the list; `None` = from the beginning.
    first: Option<Place>,
    /// Rows that match, or somewhat more.
    pub(super) at_most: i64,
}

impl Listing {
    /// `None` if nothing can match.
    pub(super) async fn plan(filter: &Filter, conn: &mut SqliteConnection) -> Result<Option<Listing>, sqlx::Error> {
        Listing::plan_which(filter, Which::Each, conn).await
    }

    /// The rows that stand for their applications; see `sql::STANDS_FOR_ITS_APPLICATION`. `None` if there are none.
    pub(super) async fn plan_applications(
        filter: &Filter,
        conn: &mut SqliteConnection,
    ) -> Result<Option<Listing>, sqlx::Error> {
        let last = sqlx::query_scalar(sql::LAST_DECISION).fetch_one(&mut *conn).await?;
        Listing::plan_which(filter, Which::OneEach { last }, conn).await
    }

    async fn plan_which(
        filter: &Filter,
        which: Which,
        conn: &mut SqliteConnection,
    ) -> Result<Option<Listing>, sqlx::Error> {
        let mut counts = Counts::of(filter, conn).await?;
        if counts.all == 0 || filter.limit == Some(0) {
            return Ok(None);
        }
        counts.exact &= which == Which::Each;
        let at_most = filter.limit.map_or(counts.all, |limit| counts.all.min(limit.into()));
        let mut listing = Listing { filter: filter.clone(), which, walk: counts.walk(filter), first: None, at_most };
        if let Some(limit) = filter.limit {
            // Where the roll-up knows how many there are, the search ends with the last of them.
            let wanted = if counts.exact { counts.all.min(limit.into()) } else { limit.into() };
            let mut query = listing.boundary(wanted - 1);
            let found = query.build_query_as().persistent(false).fetch_optional(conn).await?;
            listing.first = found;
        }
        Ok(Some(listing))
    }

    /// The row that has `newer` matching rows after it.
    fn boundary(&self, newer: i64) -> QueryBuilder<Sqlite> {
        let mut query = QueryBuilder::new("SELECT ");
        let (_, order) = self.walk.source();
        let alias = self.walk.alias();
        query.push(alias).push(order).push(" FROM ");
        self.push_source(&mut query, None, None);
        let id = order.trim_start_matches("decided_at, ");
        query.push(format_args!(" ORDER BY {alias}decided_at DESC, {id} DESC LIMIT 1 OFFSET ")).push_bind(newer);
        query
    }

    /// The rows of the list, oldest first.
    pub(super) fn rows(&self) -> QueryBuilder<Sqlite> {
        self.rows_after(None)
    }

    /// So many of them, behind the instant and id of the last one seen.
    pub(super) fn page(&self, after: Option<(i64, i64)>, most: i64) -> QueryBuilder<Sqlite> {
        let mut query = self.rows_after(after);
        query.push(" LIMIT ").push_bind(most);
        query
    }

    fn rows_after(&self, after: Option<(i64, i64)>) -> QueryBuilder<Sqlite> {
        let mut query = QueryBuilder::new(
            "SELECT d.id, d.decided_at, d.account, d.appid, d.create_time_secs, w.nickname, w.reason, d.categories, \
             d.verdict, d.rule, w.message, d.mode, d.actor, d.brake, s.outcome, s.errcode, s.errmsg, s.attempts, \
             s.settled_at, d.pass, d.ruleset FROM ",
        );
        self.push_source(&mut query, after, None);
        self.push_bounds(&mut query, [(self.first, ">="), (after, ">")]);
        let (_, order) = self.walk.source();
        query.push(format_args!(" ORDER BY {}{order}", self.walk.alias()));
        query
    }

    /// The applications' rows behind `after` and up to `end`, each the instant and id of a row, as one JSON list in no order.
    pub(super) fn applications(&self, after: Option<Place>, end: Option<Place>) -> QueryBuilder<Sqlite> {
        let mut query = QueryBuilder::new(sql::APPLICATIONS);
        self.push_source(&mut query, after, end);
        self.push_bounds(&mut query, [(self.first, ">="), (after, ">"), (end, "<=")]);
        query
    }

    /// The last of the next `rows` rows behind `after`, whether they are wanted or not; none if there are fewer.
    pub(super) fn end_of_stretch(&self, after: Option<Place>, rows: i64) -> QueryBuilder<Sqlite> {
        let (source, order) = self.walk.source();
        let alias = self.walk.alias();
        let mut query = QueryBuilder::new(format!("SELECT {alias}{order} FROM {source} WHERE TRUE"));
        self.push_walked(&mut query);
        self.push_time(&mut query, after, None);
        self.push_bounds(&mut query, [(self.first, ">="), (after, ">")]);
        query.push(format_args!(" ORDER BY {alias}{order} LIMIT 1 OFFSET ")).push_bind(rows - 1);
        query
    }

    fn push_bounds<const N: usize>(&self, query: &mut QueryBuilder<Sqlite>, bounds: [(Option<Place>, &str); N]) {
        let (_, order) = self.walk.source();
        let alias = self.walk.alias();
        for (bound, comparison) in bounds {
            let Some((at, id)) = bound else { continue };
            query.push(format_args!(" AND ({alias}{order}) {comparison} ("));
            query.push_bind(at).push(", ").push_bind(id).push(")");
        }
    }

    fn push_source(&self, query: &mut QueryBuilder<Sqlite>, after: Option<Place>, end: Option<Place>) {
        let (source, _) = self.walk.source();
        query.push(source);
        // CROSS JOIN: SQLite keeps the order of the tables. How a row stands is looked up only where it is told or asked for.
        query.push(match self.walk {
            Walk::Outcome => " CROSS JOIN decisions d ON d.id = s.decision_id",
            _ if self.which == Which::Each || self.filter.outcome.is_some() => {
                " CROSS JOIN standing s ON s.decision_id = d.id"
            }
            _ => "",
        });
        query.push(" LEFT JOIN words w ON w.decision_id = d.id WHERE TRUE");
        let filter = &self.filter;
        push(query, " AND d.appid = ", filter.appid.as_ref().map(AppId::as_str));
        push(query, " AND d.brake = ", filter.brake.map(Brake::word));
        push(query, " AND d.pass = ", filter.pass.as_deref());
        push(query, " AND d.rule = ", filter.rule.as_deref());
        push(query, " AND d.verdict = ", filter.verdict.map(RecordedVerdict::word));
        push(query, " AND d.account = ", filter.account.as_deref());
        push(query, " AND s.outcome = ", filter.outcome.map(Outcome::word));
        self.push_time(query, after, end);
        if let Which::OneEach { last } = self.which {
            // Records are only ever added: what was there when the walk began is its last id and below.
            query.push(" AND d.id <= ").push_bind(last).push(sql::STANDS_FOR_ITS_APPLICATION);
            query.push(" AND n.id <= ").push_bind(last).push(" AND n.decided_at < ").push_bind(self.until()).push(")");
        }
    }

    /// The property whose index is walked.
    fn push_walked(&self, query: &mut QueryBuilder<Sqlite>) {
        let filter = &self.filter;
        match self.walk {
            Walk::Appid => push(query, " AND d.appid = ", filter.appid.as_ref().map(AppId::as_str)),
            Walk::Brake => push(query, " AND d.brake = ", filter.brake.map(Brake::word)),
            Walk::Rule => push(query, " AND d.rule = ", filter.rule.as_deref()),
            Walk::Verdict => push(query, " AND d.verdict = ", filter.verdict.map(RecordedVerdict::word)),
            Walk::Account => push(query, " AND d.account = ", filter.account.as_deref()),
            Walk::Outcome => push(query, " AND s.outcome = ", filter.outcome.map(Outcome::word)),
            Walk::Time => {}
        }
    }

    /// Since and until, and the instants of the bounds: SQLite would walk from `since` and to `until` otherwise.
    fn push_time(&self, query: &mut QueryBuilder<Sqlite>, after: Option<Place>, end: Option<Place>) {
        let alias = self.walk.alias();
        let since = self.filter.since.map_or(i64::MIN, |since| since.as_millisecond());
        let since = [self.first, after].into_iter().flatten().fold(since, |since, (at, _)| since.max(at));
        query.push(format_args!(" AND {alias}decided_at >= ")).push_bind(since);
        let until = end.map_or(i64::MAX, |(at, _)| at.saturating_add(1)).min(self.until());
        query.push(format_args!(" AND {alias}decided_at < ")).push_bind(until);
    }

    /// What was decided at this instant and later is left out.
    fn until(&self) -> i64 {
        self.filter.until.map_or(i64::MAX, |until| until.as_millisecond())
    }
}

/// What the roll-up knows of a filter.
struct Counts {
    all: i64,
    /// Nothing else is asked for, so `all` is the number of rows.
    exact: bool,
    rule: i64,
    verdict: i64,
    account: i64,
    outcome: i64,
}

impl Counts {
    async fn of(filter: &Filter, conn: &mut SqliteConnection) -> Result<Counts, sqlx::Error> {
        let mut query = QueryBuilder::new("SELECT ");
        let properties = [
            ("rule", filter.rule.as_deref()),
            ("verdict", filter.verdict.map(RecordedVerdict::word)),
            ("account", filter.account.as_deref()),
            ("outcome", filter.outcome.map(Outcome::word)),
        ];
        for (column, value) in properties {
            query.push("ifnull(sum(n) FILTER (WHERE ").push(column).push(" = ").push_bind(value).push("), 0), ");
        }
        query.push("ifnull(sum(n) FILTER (WHERE TRUE");
        for (column, value) in properties {
            push(&mut query, format_args!(" AND {column} = "), value);
        }
        query.push("), 0) FROM rollup");
        let (rule, verdict, account, outcome, all) = query.build_query_as().persistent(false).fetch_one(conn).await?;
        let indexed = filter.appid.is_none() && filter.brake.is_none() && filter.pass.is_none();
        let exact = indexed && filter.since.or(filter.until).is_none();
        Ok(Counts { all, exact, rule, verdict, account, outcome })
    }

    /// The index with the fewest rows to look at. An applicant has few, a brake is rare.
    fn walk(&self, filter: &Filter) -> Walk {
        if filter.appid.is_some() {
            return Walk::Appid;
        }
        if filter.brake.is_some() {
            return Walk::Brake;
        }
        let candidates = [
            (filter.rule.is_some(), self.rule, Walk::Rule),
            (filter.outcome.is_some(), self.outcome, Walk::Outcome),
            (filter.verdict.is_some(), self.verdict, Walk::Verdict),
            (filter.account.is_some(), self.account, Walk::Account),
        ];
        let asked = candidates.into_iter().filter(|(asked, ..)| *asked);
        asked.min_by_key(|(_, n, _)| *n).map_or(Walk::Time, |(.., walk)| walk)
    }
}

/// `sql` and the value behind it, if there is one.
pub(super) fn push(query: &mut QueryBuilder<Sqlite>, sql: impl std::fmt::Display, value: Option<&str>) {
    if let Some(value) = value {
        query.push(sql).push_bind(value.to_owned());
    }
}
