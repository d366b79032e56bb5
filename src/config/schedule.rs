//! When a pass is due: a cron pattern, checked by the very parser the scheduler uses.

use crate::document::Value;
use croner::Cron;
use croner::parser::{CronParser, Seconds};
use std::fmt;

/// A cron pattern the scheduler takes: second, minute, hour, day, month, weekday, and a year if written.
///
/// Day and weekday must both fit (unlike Vixie cron, where one is enough).
#[derive(Clone)]
pub struct Schedule {
    pattern: String,
    cron: Cron,
}

/// Every two hours: an application waits a day, so each is met about twelve times.
pub(super) const DEFAULT: &str = "0 */2 * * * *";

impl Schedule {
    /// Reads a pattern of six fields, seven with a year, or five (then at second 0), or `@hourly` and its like.
    ///
    /// # Errors
    /// Why it is none, in words.
    pub fn parse(text: &str) -> Result<Schedule, String> {
        let pattern = match text.split_whitespace().count() {
            5 => format!("0 {}", text.trim()),
            _ => text.trim().to_owned(),
        };
        let parser = CronParser::builder().seconds(Seconds::Required).dom_and_dow(true).build();
        let cron = parser.parse(&pattern).map_err(|error| reason(text, &error.to_string()))?;
        match cron.find_next_occurrence(&chrono::Utc::now(), false) {
            Ok(_) => Ok(Schedule { pattern, cron }),
            Err(_) => Err("no such moment comes any more".to_owned()),
        }
    }

    /// As the scheduler takes it.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Parsed, to ask for the next tick.
    pub fn cron(&self) -> &Cron {
        &self.cron
    }
}

impl fmt::Debug for Schedule {
    /// The parsed form is a thousand numbers; the pattern says it all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schedule").field(&self.pattern).finish()
    }
}

/// `[service] schedule`.
pub(super) fn read(value: &Value<'_>) -> Option<Schedule> {
    let text = value.words()?;
    match Schedule::parse(text) {
        Ok(schedule) => Some(schedule),
        Err(why) => {
            let message = format!("`schedule` is no cron pattern: {why}");
            value.wrong(
                "schedule",
                message,
                "six fields: second minute hour day month weekday; \"0 */10 * * * *\" is every ten minutes, \
                 \"0 30 9 * * MON-FRI\" is 9:30 on weekdays",
            );
            None
        }
    }
}

fn reason(text: &str, error: &str) -> String {
    let fields = text.split_whitespace().count();
    if !text.contains('@') && !(5..=7).contains(&fields) {
        return format!("it has {fields} fields");
    }
    let error =
        error.strip_prefix("Component error: ").or_else(|| error.strip_prefix("Invalid pattern: ")).unwrap_or(error);
    let error = error.trim_end_matches('.');
    let mut letters = error.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
