//! Condition tables: `when`, `unless` and what nests in them.

use super::lists::NamedLists;
use super::places::Places;
use crate::document::{Spot, Table, Value};
use crate::policy::{AgeTest, Condition, Lists, Test, TextTest};
use std::time::Duration;

/// Longer than any application waits; keeps sums of durations far from overflow.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);

/// Reads the conditions of one rule. Paths are those of the trace: `when.any_of[0].reason.any[2]`.
pub(super) struct Conditions<'c> {
    pub(super) rule: usize,
    pub(super) lists: &'c NamedLists,
    pub(super) places: &'c mut Places,
}

impl Conditions<'_> {
    /// A condition table; an empty one is an error.
    pub(super) fn table(&mut self, value: &Value<'_>, path: &str) -> Option<Condition> {
        self.places.set(Some(self.rule), path, value.spot());
        let table = value.table(format!("`{path}`"))?;
        let empty = table.is_empty();
        let mut tests: Vec<(Spot, Option<Test>)> = Vec::new();
        for (key, read) in KEYS {
            if let Some(value) = table.optional(key) {
                let path = format!("{path}.{key}");
                self.places.set(Some(self.rule), &path, value.spot());
                tests.push((value.spot(), read(self, &value, &path)));
            }
        }
        if empty {
            let message = format!("`{path}` is empty: it would hold for everything");
            value.wrong("empty", message, "to fire always, write { always = true }");
        }
        table.finish();
        tests.sort_by_key(|(spot, _)| *spot);
        let tests: Option<Vec<Test>> = tests.into_iter().map(|(_, test)| test).collect();
        tests.filter(|t| !t.is_empty()).map(|tests| Condition { tests })
    }

    fn category(&mut self, value: &Value<'_>, path: &str) -> Option<Test> {
        let table = self.test_table(value, path, Some("any"))?;
        let lists = self.any_all_none(&table, path);
        table.finish();
        lists.map(Test::Category)
    }

    fn reason(&mut self, value: &Value<'_>, path: &str) -> Option<Test> {
        self.words(value, path).map(Test::Reason)
    }

    fn nickname(&mut self, value: &Value<'_>, path: &str) -> Option<Test> {
        self.words(value, path).map(Test::Nickname)
    }

    fn words(&mut self, value: &Value<'_>, path: &str) -> Option<TextTest> {
        let table = self.test_table(value, path, Some("any"))?;
        let keywords = self.any_all_none(&table, path);
        let chars = |key| table.optional(key).map(|v| (v.spot(), v.whole(0..=u64::from(u32::MAX))));
        let (min, max) = (chars("min_chars"), chars("max_chars"));
        if let (Some((_, Some(min))), Some((spot, Some(max)))) = (min, max)
            && min > max
        {
            let message = format!("no text has at least {min} and at most {max} characters");
            table.reading().report("range", spot, message);
        }
        self.remember(&table, path, &["min_chars", "max_chars"]);
        table.finish();
        Some(TextTest { keywords: keywords?, min_chars: least(min)?, max_chars: least(max)? })
    }

    fn appid(&mut self, value: &Value<'_>, path: &str) -> Option<Test> {
        let table = self.test_table(value, path, Some("any"))?;
        let any = self.list(&table, "any", path);
        let none = self.list(&table, "none", path);
        if let Some(spot) = table.key_spot("all") {
            let _known = table.optional("all");
            let message = "`appid` has no `all`: an application has one appid";
            table.reading().report_help("unknown-key", spot, message, "use `any` or `none`");
            table.finish();
            return None;
        }
        table.finish();
        Some(Test::Appid(Lists { any: any?, all: None, none: none? }))
    }

    fn age(&mut self, value: &Value<'_>, path: &str) -> Option<Test> {
        let table = self.test_table(value, path, None)?;
        let bound = |key| table.optional(key).map(|v| (v.spot(), v.duration(Duration::ZERO..=LONGEST)));
        let (min, max) = (bound("min"), bound("max"));
        if let (Some((_, Some(min))), Some((spot, Some(max)))) = (min, max)
            && min > max
        {
            table.reading().report("range", spot, "`min` is more than `max`: no age fits");
        }
        self.remember(&table, path, &["min", "max"]);
        table.finish();
        Some(Test::Age(AgeTest { min: least(min)?, max: least(max)? }))
    }

    fn always(&mut self, value: &Value<'_>, _path: &str) -> Option<Test> {
        if !value.flag()? {
            value.wrong(
                "value",
                "`always = false` would never hold",
                "to switch a rule off, take it out or use mode = \"shadow\"",
            );
        }
        Some(Test::Always)
    }

    fn any_of(&mut self, value: &Value<'_>, path: &str) -> Option<Test> {
        let entries = value.filled_list()?;
        let conditions: Vec<Option<Condition>> =
            entries.iter().enumerate().map(|(at, entry)| self.table(entry, &format!("{path}[{at}]"))).collect();
        conditions.into_iter().collect::<Option<Vec<_>>>().map(Test::AnyOf)
    }

    fn not(&mut self, value: &Value<'_>, path: &str) -> Option<Test> {
        self.table(value, path).map(Test::Not)
    }

    /// The table of one test; an empty one is an error.
    fn test_table<'a>(&self, value: &Value<'a>, path: &str, list_key: Option<&str>) -> Option<Table<'a>> {
        if let Some(key) = list_key.filter(|_| value.is_list() || value.is_text()) {
            value.wrong("kind", format!("`{path}` must be a table of tests"), format!("write {{ {key} = [\"…\"] }}"));
            return None;
        }
        let table = value.table(format!("`{path}`"))?;
        if table.is_empty() {
            value.reading().report("empty", value.spot(), format!("`{path}` tests nothing"));
            return None;
        }
        Some(table)
    }

    fn any_all_none(&mut self, table: &Table<'_>, path: &str) -> Option<Lists> {
        let any = self.list(table, "any", path);
        let all = self.list(table, "all", path);
        let none = self.list(table, "none", path);
        Some(Lists { any: any?, all: all?, none: none? })
    }

    /// `Some(None)`: the key is not there. `None`: it is, and wrong.
    fn list(&mut self, table: &Table<'_>, key: &'static str, path: &str) -> Option<Option<Vec<String>>> {
        let Some(value) = table.optional(key) else { return Some(None) };
        let path = format!("{path}.{key}");
        let entries = self.lists.fill(&value);
        self.places.set(Some(self.rule), &path, value.spot());
        self.places.set_entries(Some(self.rule), &path, entries.iter().map(|e| e.spot).collect());
        (!entries.is_empty()).then(|| Some(entries.into_iter().map(|e| e.text).collect()))
    }

    fn remember(&mut self, table: &Table<'_>, path: &str, keys: &[&'static str]) {
        for key in keys {
            if let Some(spot) = table.key_spot(key) {
                self.places.set(Some(self.rule), &format!("{path}.{key}"), spot);
            }
        }
    }
}

type Read = fn(&mut Conditions<'_>, &Value<'_>, &str) -> Option<Test>;

/// Every key of a condition table, in the order they are offered.
const KEYS: [(&str, Read); 8] = [
    ("category", |c, v, p| c.category(v, p)),
    ("reason", |c, v, p| c.reason(v, p)),
    ("nickname", |c, v, p| c.nickname(v, p)),
    ("appid", |c, v, p| c.appid(v, p)),
    ("age", |c, v, p| c.age(v, p)),
    ("any_of", |c, v, p| c.any_of(v, p)),
    ("not", |c, v, p| c.not(v, p)),
    ("always", |c, v, p| c.always(v, p)),
];

/// Outer `None`: written and wrong. Inner `None`: not written.
fn least<T>(bound: Option<(Spot, Option<T>)>) -> Option<Option<T>> {
    match bound {
        None => Some(None),
        Some((_, value)) => value.map(Some),
    }
}
