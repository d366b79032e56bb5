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
        let cron = parser.parse(&pattern).map_err(|error| reason(&pattern, &error.to_string(), &parser))?;
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

const FIELDS: [&str; 7] = ["second", "minute", "hour", "day", "month", "weekday", "year"];

fn reason(pattern: &str, error: &str, parser: &CronParser) -> String {
    let fields: Vec<&str> = pattern.split_whitespace().collect();
    if pattern.contains('@') {
        return "the short forms are @yearly, @monthly, @weekly, @daily and @hourly".to_owned();
    }
    if !(6..=7).contains(&fields.len()) {
        return format!("it has {} fields", fields.len());
    }
    let wrong = (0..fields.len()).find(|&at| !fits_alone(at, fields[at], parser));
    let field = wrong.map_or_else(String::new, |at| format!("{} `{}`: ", FIELDS[at], fields[at]));
    let error = error.rsplit(": ").next().unwrap_or(error).trim_end_matches('.');
    let mut letters = error.chars();
    field + &letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// True when a field is right where it stands, whatever the others are.
fn fits_alone(at: usize, field: &str, parser: &CronParser) -> bool {
    let mut fields = ["*"; 7];
    fields[at] = field;
    parser.parse(&fields.join(" ")).is_ok()
}
