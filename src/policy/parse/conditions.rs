//! Condition tables: `when`, `unless` and what nests in them.
//!
//! What is wrong is reported and left out, so that compiling can still find what
//! else is wrong; the result is used only when nothing was reported.

use super::lists::NamedLists;
use super::places::Places;
use crate::document::{Spot, Table, Value};
use crate::policy::{AgeTest, Condition, Lists, PreviousTest, Test, TextTest};
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
    pub(super) fn table(&mut self, value: &Value<'_>, path: &str) -> Condition {
        self.places.set(Some(self.rule), path, value.spot());
        let mut tests = value.table(format!("`{path}`")).map_or_else(Vec::new, |table| {
            if table.is_empty() {
                let message = format!("`{path}` is empty: it would hold for everything");
                value.wrong("empty", message, "to fire always, write { always = true }");
            }
            let tests = self.tests(&table, path);
            table.finish();
            tests
        });
        if tests.is_empty() {
            tests.push(Test::Always);
        }
        Condition { tests }
    }

    /// The tests of a table, in the order they are written.
    fn tests(&mut self, table: &Table<'_>, path: &str) -> Vec<Test> {
        let mut tests: Vec<(Spot, Test)> = Vec::new();
        for (key, read) in KEYS {
            let Some(value) = table.optional(key) else { continue };
            let path = format!("{path}.{key}");
            self.places.set(Some(self.rule), &path, value.spot());
            tests.extend(read(self, &value, &path).map(|test| (value.spot(), test)));
        }
        tests.sort_by_key(|(spot, _)| *spot);
        tests.into_iter().map(|(_, test)| test).collect()
    }

    fn category(&mut self, value: &Value<'_>, path: &str) -> Option<Test> {
        let table = self.test_table(value, path, Some("any"))?;
        let lists = self.any_all_none(&table, path);
        table.finish();
        (lists != Lists::default()).then_some(Test::Category(lists))
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
        let regex = self.list(&table, "regex", path);
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
        let test = TextTest { keywords, regex, min_chars: value_of(min), max_chars: value_of(max) };
        (test != TextTest::default()).then_some(test)
    }

    fn appid(&mut self, value: &Value<'_>, path: &str) -> Option<Test> {
        let table = self.test_table(value, path, Some("any"))?;
        let any = self.list(&table, "any", path);
        let none = self.list(&table, "none", path);
        if let Some(spot) = table.key_spot("all") {
            let _known = table.optional("all");
            let message = "`appid` has no `all`: an application has one appid";
            table.reading().report_help("unknown-key", spot, message, "use `any` or `none`");
        }
        table.finish();
        let lists = Lists { any, all: None, none };
        (lists != Lists::default()).then_some(Test::Appid(lists))
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
        let test = AgeTest { min: value_of(min), max: value_of(max) };
        (test != AgeTest::default()).then_some(Test::Age(test))
    }

    fn previous(&mut self, value: &Value<'_>, path: &str) -> Option<Test> {
        let table = self.test_table(value, path, None)?;
        let least = |key| table.optional(key).map(|v| v.whole(1..=1_000_000));
        let (agreed, refused, held) = (least("agreed"), least("refused"), least("held"));
        let within = table.optional("within").map(|v| v.duration(Duration::from_secs(1)..=LONGEST));
        if agreed.is_none() && refused.is_none() && held.is_none() {
            let message = format!("`{path}` counts nothing");
            value.wrong("empty", message, "add `agreed`, `refused` or `held`: a least number of earlier applications");
        }
        self.remember(&table, path, &["agreed", "refused", "held", "within"]);
        table.finish();
        let test = PreviousTest {
            agreed: agreed.flatten(),
            refused: refused.flatten(),
            held: held.flatten(),
            within: within.flatten(),
        };
        test.counts().next().is_some().then_some(Test::Previous(test))
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
        let table = |(at, entry)| self.table(entry, &format!("{path}[{at}]"));
        Some(Test::AnyOf(entries.iter().enumerate().map(table).collect()))
    }

    fn not(&mut self, value: &Value<'_>, path: &str) -> Option<Test> {
        Some(Test::Not(self.table(value, path)))
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

    fn any_all_none(&mut self, table: &Table<'_>, path: &str) -> Lists {
        Lists {
            any: self.list(table, "any", path),
            all: self.list(table, "all", path),
            none: self.list(table, "none", path),
        }
    }

    fn list(&mut self, table: &Table<'_>, key: &'static str, path: &str) -> Option<Vec<String>> {
        let value = table.optional(key)?;
        let path = format!("{path}.{key}");
        let entries = self.lists.fill(&value);
        self.places.set(Some(self.rule), &path, value.spot());
        self.places.set_entries(Some(self.rule), &path, entries.iter().map(|e| e.spot).collect());
        (!entries.is_empty()).then(|| entries.into_iter().map(|e| e.text).collect())
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
const KEYS: [(&str, Read); 9] = [
    ("category", |c, v, p| c.category(v, p)),
    ("reason", |c, v, p| c.reason(v, p)),
    ("nickname", |c, v, p| c.nickname(v, p)),
    ("appid", |c, v, p| c.appid(v, p)),
    ("age", |c, v, p| c.age(v, p)),
    ("previous", |c, v, p| c.previous(v, p)),
    ("any_of", |c, v, p| c.any_of(v, p)),
    ("not", |c, v, p| c.not(v, p)),
    ("always", |c, v, p| c.always(v, p)),
];

fn value_of<T>(bound: Option<(Spot, Option<T>)>) -> Option<T> {
    bound.and_then(|(_, value)| value)
}
