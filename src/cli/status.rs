//! `status`: what the service does now, for people, for programs, and for a watch that must notice a dead one.

mod human;

use super::args::{Format, Global};
use super::print::{self, Csv};
use super::setup::{Ground, Purpose};
use super::{DONE, FAILED, hand};
use crate::document::parse_duration;
use crate::service::{AccountStatus, Overdue, ServiceStatus, Status, status as look};
use anyhow::Error;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::borrow::Cow;
use std::time::Duration;

pub(super) const EXAMPLES: &str = "\
Examples:
  menshen status
  menshen status --account express --format json
  menshen status --max-oldest 20h --max-silence 30m      for a watch: exit 1 if somebody must look

It needs no lock and no running service. With none, what is shown is as old as it says;
--max-oldest then also fails when the last complete pass is older, because nobody knows who has
come since.";

/// Accounts named on the one line a watch prints.
const NAMED: usize = 5;

/// Of which account, and what is too much.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Name of an account
    #[arg(long)]
    account: Option<String>,
    /// Exit 1 if an application is pending for longer (20h), or if there was no complete pass for so long
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    max_oldest: Option<Duration>,
    /// Exit 1 if an account had no complete pass for longer (30m)
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    max_silence: Option<Duration>,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| "write a whole number and s, m, h or d: 90s, 30m, 20h, 2d".to_owned())
}

/// Shows it; exit status 1 if something is overdue.
pub(super) async fn status(global: &Global, args: &StatusArgs) -> Result<u8, Error> {
    let ground = Ground::lay(global, Purpose::Record).await?;
    if let Some(name) = &args.account {
        hand::chosen(&ground.config, Some(name))?;
    }
    let status = look(&ground.config, &ground.around, args.account.as_deref(), Timestamp::now()).await?;
    print::wanted(match global.format {
        Format::Human => human::print(&status, &ground.config, global),
        Format::Json => status.accounts.iter().try_for_each(|account| print::json(&Record::of(&status, account))),
        Format::Csv => csv(&status),
    })?;
    if global.format != Format::Human {
        status.gaps.iter().for_each(|gap| tracing::warn!("{gap}"));
    }
    let mut overdue: Vec<(&AccountStatus, Overdue)> = status
        .accounts
        .iter()
        .filter_map(|account| Some((account, account.overdue(status.at, args.max_oldest, args.max_silence)?)))
        .collect();
    if overdue.is_empty() {
        return Ok(DONE);
    }
    overdue.sort_by_key(|(_, why)| std::cmp::Reverse(age(why)));
    anstream::eprintln!("menshen: {}", overdue_words(&overdue, &status));
    Ok(FAILED)
}

/// For how long; without end where no complete pass is known.
fn age(why: &Overdue) -> SignedDuration {
    match why {
        Overdue::Oldest(age) | Overdue::Silent(age) => *age,
        Overdue::Never => SignedDuration::MAX,
    }
}

/// One line that says which, in their order.
fn overdue_words(overdue: &[(&AccountStatus, Overdue)], status: &Status) -> String {
    let words = overdue.iter().take(NAMED).map(|(account, why)| {
        let why = match why {
            Overdue::Oldest(age) => format!("an application is pending for {}", span(*age)),
            Overdue::Silent(age) => format!("no complete pass for {}", span(*age)),
            Overdue::Never => "no complete pass is known".to_owned(),
        };
        format!("{}: {why}", account.account)
    });
    let mut words = words.collect::<Vec<_>>().join("; ");
    if overdue.len() > NAMED {
        words.push_str(&format!("; and {} more accounts", overdue.len() - NAMED));
    }
    if !status.service.running {
        words.push_str("; no service runs");
    }
    words
}

/// A line for machines.
#[derive(Serialize)]
struct Record<'a> {
    #[serde(flatten)]
    account: &'a AccountStatus,
    /// Seconds since the last complete pass ended.
    silent_secs: Option<i64>,
    /// Seconds since the oldest pending application was made.
    oldest_secs: Option<i64>,
    /// Seconds until WeChat times it out; negative once past.
    oldest_left_secs: Option<i64>,
    service: &'a ServiceStatus,
}

impl<'a> Record<'a> {
    fn of(status: &'a Status, account: &'a AccountStatus) -> Record<'a> {
        let since = |at: Option<Timestamp>| at.map(|at| status.at.duration_since(at).as_secs());
        Record {
            account,
            silent_secs: since(account.last_complete_pass),
            oldest_secs: since(account.oldest),
            oldest_left_secs: since(account.oldest_due).map(|past| -past),
            service: &status.service,
        }
    }
}

fn csv(status: &Status) -> Result<(), Error> {
    let mut csv = Csv::begin(&[
        "account",
        "appid",
        "service_running",
        "service_pid",
        "next_tick",
        "last_complete_pass",
        "silent_secs",
        "pending",
        "oldest",
        "oldest_secs",
        "oldest_left_secs",
        "urgent",
        "held",
        "timed_out_today",
        "timed_out_7d",
        "brakes",
        "troubles",
        "agreed_today",
        "agree_per_day",
        "refused_today",
        "refuse_per_day",
        "quota_remain",
        "quota_daily_limit",
        "quota_asked_at",
        "rules_hash",
        "rules_since",
    ])?;
    for account in &status.accounts {
        csv.row(cells(status, account).into_iter().map(Cow::from))?;
    }
    csv.end()
}

fn cells(status: &Status, account: &AccountStatus) -> Vec<String> {
    fn text<T: ToString>(value: Option<T>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    let record = Record::of(status, account);
    let limit = |action| account.limits.iter().find(|limit| limit.action == Some(action));
    let [agree, refuse] = ["agree", "refuse"].map(limit);
    vec![
        account.account.clone(),
        account.appid.to_string(),
        status.service.running.to_string(),
        text(status.service.pid.as_ref()),
        text(status.service.next_tick),
        text(account.last_complete_pass),
        text(record.silent_secs),
        text(account.pending),
        text(account.oldest),
        text(record.oldest_secs),
        text(record.oldest_left_secs),
        text(account.urgent),
        account.held.to_string(),
        account.timed_out_today.to_string(),
        account.timed_out_7d.to_string(),
        account.brakes.iter().map(human::brake_in_short).collect::<Vec<_>>().join(", "),
        human::trouble_words(account).unwrap_or_default(),
        text(agree.map(|limit| limit.used)),
        text(agree.and_then(|limit| limit.of)),
        text(refuse.map(|limit| limit.used)),
        text(refuse.and_then(|limit| limit.of)),
        text(account.quota.and_then(|quota| quota.remain)),
        text(account.quota.and_then(|quota| quota.daily_limit)),
        text(account.quota.map(|quota| quota.asked_at)),
        text(account.rules.as_ref().map(|rules| &rules.hash)),
        text(account.rules.as_ref().and_then(|rules| rules.since)),
    ]
}

/// A stretch of time, for people; the past and the future alike.
fn span(duration: SignedDuration) -> String {
    let secs = duration.as_secs().unsigned_abs();
    let (minutes, hours) = (secs / 60, secs / 3_600);
    match secs {
        0..60 => format!("{secs} s"),
        60..3_600 => format!("{minutes} min"),
        3_600..172_800 => format!("{hours} h {:02} min", minutes % 60),
        _ => format!("{} d {} h", hours / 24, hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_of_time_as_people_say_them() {
        let cases = [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_599, "59 min"),
            (3_600, "1 h 00 min"),
            (-3_660, "1 h 01 min"),
            (86_400, "24 h 00 min"),
            (172_799, "47 h 59 min"),
            (172_800, "2 d 0 h"),
            (8 * 86_400 + 7_200, "8 d 2 h"),
        ];
        for (secs, expected) in cases {
            assert_eq!(span(SignedDuration::from_secs(secs)), expected, "{secs}");
        }
    }
}
