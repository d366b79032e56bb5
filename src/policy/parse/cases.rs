//! `[[case]]` tables: applications made up by the user, and what is to become of them.

use super::rules::{VERDICTS, place};
use crate::document::{Table, Value, suggest};
use crate::policy::{AppId, Brake, CreateTime, Place, PolicySpec, Verdict};
use jiff::Timestamp;
use std::time::Duration;

/// One `[[case]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseSpec {
    /// What it shows.
    pub name: String,
    /// The application.
    pub given: Given,
    /// The verdict it must get.
    pub expect: Verdict,
    /// The rule that must decide it.
    pub rule: Option<String>,
    /// The message it must get.
    pub message: Option<String>,
    /// The brake it must meet.
    pub brake: Option<Brake>,
    /// Where it stands.
    pub place: Place,
}

/// The application of a case; what is absent is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// The account it is made to, for rules limited to accounts.
    pub account: Option<String>,
    /// Its appid.
    pub appid: Option<AppId>,
    /// Its name.
    pub nickname: Option<String>,
    /// The applicant's words.
    pub reason: Option<String>,
    /// `first/second` or `first` each.
    pub categories: Option<Vec<String>>,
    /// When it was made, as WeChat would write it.
    pub create_time: CreateTime,
    /// How long ago it was made, instead of `create_time`.
    pub age: Option<Duration>,
    /// The time it is decided at; none = the time of the run.
    pub now: Option<Timestamp>,
    /// What became of earlier applications of the same appid.
    pub previous: Vec<Previous>,
}

/// Earlier applications of the same appid to the same account, all decided at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous {
    /// So many were agreed to,
    pub agreed: u64,
    /// so many refused,
    pub refused: u64,
    /// so many held.
    pub held: u64,
    /// When.
    pub when: When,
}

/// When something earlier happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At this instant.
    At(Timestamp),
    /// So long before the time of the case.
    Ago(Duration),
}

const BRAKES: [(&str, Brake); 7] = [
    ("unknown", Brake::Unknown),
    ("malformed", Brake::Malformed),
    ("ambiguous", Brake::Ambiguous),
    ("message", Brake::Message),
    ("limit", Brake::Limit),
    ("pause", Brake::Pause),
    ("verification", Brake::Verification),
];

/// Longer than any application waits.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);
/// More earlier applications than any applicant made.
const PREVIOUS_MAX: u64 = 1_000;

/// The names cases may use.
#[derive(Clone, Copy)]
pub(super) struct Names<'n> {
    /// Of rules.
    pub(super) rules: &'n [String],
    /// Of accounts; `None` if they are not to be checked.
    pub(super) accounts: Option<&'n [String]>,
}

/// Reads a file that holds `[[case]]` tables only, decided by the rules of `spec`.
///
/// `accounts` are the names a case may be made to, `None` if they are not to be checked.
pub fn parse_cases(root: &Table<'_>, spec: &PolicySpec, accounts: Option<&[String]>) -> Vec<CaseSpec> {
    let reading = root.reading();
    for key in ["rule", "policy", "lists"] {
        if let (Some(_known), Some(spot)) = (root.optional(key), root.key_spot(key)) {
            let message = format!("a file of cases holds [[case]] only, and this is `{key}`");
            reading.report_help("unknown-key", spot, message, "the rules are those of the configuration: -c FILE");
        }
    }
    let rules: Vec<String> = spec.rules.iter().map(|rule| rule.name.clone()).collect();
    let cases = root.optional("case").and_then(|v| v.list()).unwrap_or_default();
    read(cases.iter(), Names { rules: &rules, accounts })
}

/// Reads the cases of all files, in their order.
pub(super) fn read<'t, 'a: 't>(tables: impl Iterator<Item = &'t Value<'a>>, names: Names<'_>) -> Vec<CaseSpec> {
    tables.filter_map(|value| case(value, names)).collect()
}

fn case(value: &Value<'_>, names: Names<'_>) -> Option<CaseSpec> {
    let table = value.table("[[case]]")?;
    let name = table.required("name").and_then(|v| v.words()).map(str::to_owned);
    let given = table.required("given").and_then(|v| given(&v, names));
    let expect = table.required("expect").and_then(|v| v.one_of(&VERDICTS));
    let rule = table.optional("rule").and_then(|v| known_name(&v, names.rules, "rule"));
    let message = text(&table, "message");
    let brake = table.optional("brake").and_then(|v| v.one_of(&BRAKES));
    let place = place(table.reading(), table.spot());
    table.finish();
    Some(CaseSpec { name: name?, given: given?, expect: expect?, rule, message, brake, place })
}

fn known_name(value: &Value<'_>, known: &[String], what: &str) -> Option<String> {
    let name = value.words()?;
    if !known.iter().any(|known| known == name) {
        let help = suggest(name, known.iter().map(String::as_str), &format!("{what}s"));
        value.wrong("unknown-name", format!("there is no {what} named `{name}`"), help);
    }
    Some(name.to_owned())
}

fn given(value: &Value<'_>, names: Names<'_>) -> Option<Given> {
    let table = value.table("`given`")?;
    let age = table.optional("age");
    let given = Given {
        account: table.optional("account").and_then(|v| match names.accounts {
            Some(accounts) => known_name(&v, accounts, "account"),
            None => v.words().map(str::to_owned),
        }),
        appid: text(&table, "appid").map(AppId::new),
        nickname: text(&table, "nickname"),
        reason: text(&table, "reason"),
        categories: table.optional("categories").and_then(|v| v.list()).map(|list| texts(&list)),
        create_time: table.optional("create_time").map(|v| create_time(&v)).unwrap_or_default(),
        age: age.as_ref().and_then(|v| v.duration(Duration::ZERO..=LONGEST)),
        now: table.optional("now").and_then(|v| v.instant()),
        previous: table.optional("previous").map(|v| previous(&v)).unwrap_or_default(),
    };
    if let Some(age) = age.filter(|_| given.create_time != CreateTime::ABSENT) {
        age.wrong("value", "`age` and `create_time` say the same thing twice", "leave one of them out");
    }
    table.finish();
    Some(given)
}

/// One table, or a list of them.
fn previous(value: &Value<'_>) -> Vec<Previous> {
    let tables = if value.is_list() { value.list().unwrap_or_default() } else { vec![value.clone()] };
    tables.iter().filter_map(earlier).collect()
}

fn earlier(value: &Value<'_>) -> Option<Previous> {
    let table = value.table("`previous`")?;
    let count = |key| table.optional(key).and_then(|v| v.whole(0..=PREVIOUS_MAX)).unwrap_or_default();
    let (agreed, refused, held) = (count("agreed"), count("refused"), count("held"));
    let (at, ago) = (table.optional("at"), table.optional("ago"));
    if let (Some(_), Some(ago)) = (&at, &ago) {
        ago.wrong("value", "`ago` and `at` say the same thing twice", "leave one of them out");
    }
    let at = at.and_then(|v| v.instant()).map(When::At);
    let ago = ago.and_then(|v| v.duration(Duration::ZERO..=LONGEST)).map(When::Ago);
    table.finish();
    Some(Previous { agreed, refused, held, when: at.or(ago).unwrap_or(When::Ago(Duration::ZERO)) })
}

fn text(table: &Table<'_>, key: &'static str) -> Option<String> {
    table.optional(key).and_then(|v| v.text()).map(str::to_owned)
}

fn texts(list: &[Value<'_>]) -> Vec<String> {
    list.iter().filter_map(|v| v.text()).map(str::to_owned).collect()
}

fn create_time(value: &Value<'_>) -> CreateTime {
    let text = match value.is_whole() {
        true => value.whole(0..=u64::MAX).map(|n| n.to_string()),
        false => value.text().map(str::to_owned),
    };
    text.map_or(CreateTime::ABSENT, CreateTime::received)
}
