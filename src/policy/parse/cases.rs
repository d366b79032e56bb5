//! `[[case]]` tables: applications made up by the user, and what is to become of them.

use super::rules::{VERDICTS, place};
use crate::document::{Table, Value, suggest};
use crate::policy::{AppId, Brake, CreateTime, Place, Verdict};
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

/// Reads the cases of all files, in their order.
pub(super) fn read<'t, 'a: 't>(tables: impl Iterator<Item = &'t Value<'a>>, rules: &[String]) -> Vec<CaseSpec> {
    tables.filter_map(|value| case(value, rules)).collect()
}

fn case(value: &Value<'_>, rules: &[String]) -> Option<CaseSpec> {
    let table = value.table("[[case]]")?;
    let name = table.required("name").and_then(|v| v.words()).map(str::to_owned);
    let given = table.required("given").and_then(|v| given(&v));
    let expect = table.required("expect").and_then(|v| v.one_of(&VERDICTS));
    let rule = table.optional("rule").and_then(|v| rule_name(&v, rules));
    let message = text(&table, "message");
    let brake = table.optional("brake").and_then(|v| v.one_of(&BRAKES));
    let place = place(table.reading(), table.spot());
    table.finish();
    Some(CaseSpec { name: name?, given: given?, expect: expect?, rule, message, brake, place })
}

fn rule_name(value: &Value<'_>, rules: &[String]) -> Option<String> {
    let name = value.words()?;
    if !rules.iter().any(|r| r == name) {
        let help = suggest(name, rules.iter().map(String::as_str), "rules");
        value.wrong("unknown-name", format!("there is no rule named `{name}`"), help);
    }
    Some(name.to_owned())
}

fn given(value: &Value<'_>) -> Option<Given> {
    let table = value.table("`given`")?;
    let age = table.optional("age");
    let given = Given {
        account: text(&table, "account"),
        appid: text(&table, "appid").map(AppId::new),
        nickname: text(&table, "nickname"),
        reason: text(&table, "reason"),
        categories: table.optional("categories").and_then(|v| v.list()).map(|list| texts(&list)),
        create_time: table.optional("create_time").map(|v| create_time(&v)).unwrap_or_default(),
        age: age.as_ref().and_then(|v| v.duration(Duration::ZERO..=LONGEST)),
    };
    if let Some(age) = age.filter(|_| given.create_time != CreateTime::ABSENT) {
        age.wrong("value", "`age` and `create_time` say the same thing twice", "leave one of them out");
    }
    table.finish();
    Some(given)
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
