//! An application and what the rules make of it, as machines read it: a dry run and `rules explain` print the same record.

use super::Csv;
use crate::policy::{Application, Brake, Category, Decision, Why};
use anyhow::Error;
use serde::Serialize;
use std::borrow::Cow;

const COLUMNS: [&str; 11] = [
    "account",
    "appid",
    "create_time",
    "nickname",
    "reason",
    "categories",
    "verdict",
    "rule",
    "message",
    "brake",
    "why",
];

/// One application, decided.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct DecidedRecord<'a> {
    pub(in crate::cli) account: Option<&'a str>,
    pub(in crate::cli) appid: &'a str,
    pub(in crate::cli) create_time: Option<i64>,
    pub(in crate::cli) nickname: &'a str,
    pub(in crate::cli) reason: &'a str,
    pub(in crate::cli) categories: Vec<String>,
    pub(in crate::cli) verdict: &'static str,
    pub(in crate::cli) rule: Option<&'a str>,
    pub(in crate::cli) message: Option<&'a str>,
    pub(in crate::cli) brake: Option<Brake>,
    pub(in crate::cli) why: &'a Why,
}

impl<'a> DecidedRecord<'a> {
    /// What came of an application; `rule` is the name of the one that decided.
    pub(in crate::cli) fn of(
        account: Option<&'a str>,
        application: &'a Application,
        decision: &'a Decision,
        rule: Option<&'a str>,
        why: &'a Why,
    ) -> DecidedRecord<'a> {
        DecidedRecord {
            account,
            appid: application.appid.as_str(),
            create_time: application.create_time.seconds(),
            nickname: &application.nickname,
            reason: &application.reason,
            categories: application.categories.iter().map(Category::to_string).collect(),
            verdict: decision.verdict.word(),
            rule,
            message: decision.message.as_deref(),
            brake: decision.brake,
            why,
        }
    }

    /// Prints records as CSV.
    pub(in crate::cli) fn print_csv(records: impl IntoIterator<Item = DecidedRecord<'a>>) -> Result<(), Error> {
        let mut csv = Csv::begin(&COLUMNS)?;
        records.into_iter().try_for_each(|record| csv.row(record.cells()))?;
        csv.end()
    }

    fn cells(self) -> [Cow<'a, str>; 11] {
        [
            self.account.unwrap_or_default().into(),
            self.appid.into(),
            self.create_time.map(|seconds| seconds.to_string()).unwrap_or_default().into(),
            self.nickname.into(),
            self.reason.into(),
            self.categories.join("; ").into(),
            self.verdict.into(),
            self.rule.unwrap_or_default().into(),
            self.message.unwrap_or_default().into(),
            self.brake.map(Brake::word).unwrap_or_default().into(),
            self.why.sentence.as_str().into(),
        ]
    }
}
