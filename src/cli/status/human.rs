//! The status for people: a block for each of a few accounts, a table of many; whoever needs a person comes first.

use super::span;
use crate::cli::args::Global;
use crate::cli::audit::local;
use crate::cli::print::{self, Align, Table, Tone, paint, visible};
use crate::config::Config;
use crate::service::{AccountStatus, BrakeStatus, LimitStatus, Status};
use crate::store::BrakeKind;
use anyhow::Error;
use jiff::{SignedDuration, Timestamp};

/// More accounts than this are a table.
const BLOCKS_MAX: usize = 5;
/// Columns of the names of lines in a block.
const LABEL: usize = 14;
/// So long after a tick its pass is no news: the service writes down what it expects a moment later.
const TICK_PATIENCE: SignedDuration = SignedDuration::from_secs(5);
/// Characters of a rule set's hash that are shown.
const HASH_SHOWN: usize = 12;
/// A quota with less than a tenth left is worth a colour.
const QUOTA_PART: i64 = 10;

pub(super) fn print(status: &Status, config: &Config, global: &Global) -> Result<(), Error> {
    print::line(&service_line(status, config))?;
    status.gaps.iter().try_for_each(|gap| print::line(&paint(&visible(gap), Tone::Bad)))?;
    let mut accounts: Vec<&AccountStatus> = status.accounts.iter().collect();
    accounts.sort_by_key(|account| std::cmp::Reverse(urgency(account, status, config)));
    if accounts.len() > BLOCKS_MAX {
        print::line("")?;
        return print::line(&table(&accounts, status, config));
    }
    let page = Page { status, config, global };
    for account in accounts {
        print::line("")?;
        page.block(account).iter().try_for_each(|line| print::line(line))?;
    }
    Ok(())
}

/// What is pulled, in a word or two.
pub(super) fn brake_in_short(brake: &BrakeStatus) -> String {
    match (brake.kind, brake.action) {
        (BrakeKind::Verification, _) => "verification".to_owned(),
        (BrakeKind::Pause, None) => "pause".to_owned(),
        (BrakeKind::Pause, Some(action)) => format!("pause {action}"),
    }
}

/// What went wrong in the last pass; `None` = nothing.
pub(super) fn trouble_words(account: &AccountStatus) -> Option<String> {
    let mut words: Vec<String> = Vec::new();
    for trouble in &account.troubles {
        let one = match trouble.errcode {
            Some(errcode) => format!("{} (errcode {errcode})", trouble.during),
            None => trouble.during.clone(),
        };
        if !words.contains(&one) {
            words.push(one);
        }
    }
    let counts = [(account.failed, "failed"), (account.unreadable, "unreadable")];
    words.extend(counts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")));
    (!words.is_empty()).then(|| words.join(", "))
}

/// The greater, the sooner somebody should look.
fn urgency(account: &AccountStatus, status: &Status, config: &Config) -> (bool, bool, bool, bool, i64) {
    let silent = account.last_complete_pass.is_none_or(|ended| status.at.duration_since(ended).as_mins() >= 60);
    let soon = is_soon(account, status, config);
    let waits = account.oldest.map_or(0, |oldest| status.at.duration_since(oldest).as_secs());
    (account.is_braked(), soon, account.is_in_trouble() || silent, !account.brakes.is_empty(), waits)
}

/// WeChat will soon time its oldest application out, or has.
fn is_soon(account: &AccountStatus, status: &Status, config: &Config) -> bool {
    let warn = config.pending.warn_before.as_secs().cast_signed();
    account.oldest_due.is_some_and(|due| due.duration_since(status.at).as_secs() <= warn)
}

fn service_line(status: &Status, config: &Config) -> String {
    let (service, zone) = (&status.service, &config.service.timezone);
    let dir = config.service.state_dir.display();
    let mode = service.mode.map(|mode| format!(", mode {}", mode.word())).unwrap_or_default();
    let Some(pid) = &service.pid else {
        let heard = match service.heard_at {
            Some(at) => format!("what follows is as of {} ({} ago)", local(at, zone), ago(status, at)),
            None => "and none has left a word".to_owned(),
        };
        return paint(&format!("NO SERVICE RUNS on {dir}; {heard}{mode}"), Tone::Bad);
    };
    let version = service.version.as_deref().map(|version| format!("menshen {version}"));
    let since = service.started_at.map(|at| format!(", since {}", local(at, zone))).unwrap_or_default();
    let next = match service.next_tick {
        Some(at) if status.at.duration_since(at) < TICK_PATIENCE => {
            format!(", next pass in {}", span(at.duration_since(status.at).max(SignedDuration::ZERO)))
        }
        Some(at) => format!(", the pass of {} is overdue", local(at, zone)),
        None => String::new(),
    };
    let name = version.unwrap_or_else(|| "a menshen".to_owned());
    format!("{name} works on {dir}: process {}{since}{mode}{next}", visible(pid))
}

fn ago(status: &Status, at: Timestamp) -> String {
    span(status.at.duration_since(at))
}

struct Page<'a> {
    status: &'a Status,
    config: &'a Config,
    global: &'a Global,
}

impl Page<'_> {
    fn block(&self, account: &AccountStatus) -> Vec<String> {
        let mut lines = vec![format!("{} ({})", visible(&account.account), visible(account.appid.as_str()))];
        let mut say = |label: &str, text: String, tone: Tone| {
            lines.push(format!("  {}{text}", paint(&format!("{label:<LABEL$}"), tone)));
        };
        for brake in &account.brakes {
            let (label, tone) = match brake.kind {
                BrakeKind::Verification => ("BRAKE", Tone::Bad),
                BrakeKind::Pause => ("PAUSED", Tone::Wait),
            };
            say(label, self.brake(account, brake), tone);
        }
        if let Some(trouble) = trouble_words(account) {
            let at = account.last_pass.map(|at| format!(", {} ago; the log says more", ago(self.status, at)));
            say("trouble", format!("{trouble}{}", at.unwrap_or_default()), Tone::Bad);
        }
        let (text, tone) = self.last_complete(account);
        say("last complete", text, tone);
        let (text, tone) = self.pending(account);
        say("pending", text, tone);
        say("held", self.held(account), if account.held > 0 { Tone::Wait } else { Tone::Plain });
        let late = account.timed_out_7d > 0;
        let text = format!("{} today, {} in 7 days, undecided", account.timed_out_today, account.timed_out_7d);
        say("timed out", text, if late { Tone::Wait } else { Tone::Plain });
        let limits = account.limits.iter().map(limit_words).collect::<Vec<_>>().join(", ");
        say("limits", limits, if account.limits.iter().any(is_full) { Tone::Wait } else { Tone::Plain });
        say("quota", self.quota(account), quota_tone(account));
        say("rules", self.rules(account), Tone::Plain);
        lines
    }

    fn brake(&self, account: &AccountStatus, brake: &BrakeStatus) -> String {
        let what = match (brake.kind, brake.action) {
            (BrakeKind::Verification, _) => "verification: nothing is sent".to_owned(),
            (BrakeKind::Pause, None) => "nothing is sent".to_owned(),
            (BrakeKind::Pause, Some(action)) => format!("no {action} is sent"),
        };
        let whole = if brake.own { "" } else { " for any account" };
        let why = brake.why.as_deref().map_or_else(|| "no reason given".to_owned(), visible);
        let resume = match brake.own {
            true => format!("menshen resume --account {} --why \"…\"", visible(&account.account)),
            false => "menshen resume --why \"…\"".to_owned(),
        };
        let since = local(brake.since, &self.config.service.timezone);
        let resume = format!("{resume}{}", self.global.again());
        format!("{what}{whole} since {since} by {}: {why}; end it with: {resume}", visible(&brake.who))
    }

    fn last_complete(&self, account: &AccountStatus) -> (String, Tone) {
        let Some(ended) = account.last_complete_pass else {
            return ("none is known".to_owned(), Tone::Bad);
        };
        let text = format!("{} ago ({})", ago(self.status, ended), local(ended, &self.config.service.timezone));
        (text, if self.status.service.running { Tone::Plain } else { Tone::Bad })
    }

    fn pending(&self, account: &AccountStatus) -> (String, Tone) {
        let Some(pending) = account.pending else { return ("unknown".to_owned(), Tone::Plain) };
        let Some((oldest, due)) = account.oldest.zip(account.oldest_due) else {
            return (pending.to_string(), Tone::Plain);
        };
        let left = due.duration_since(self.status.at);
        let left = match left.is_negative() {
            true => "longer than WeChat waits".to_owned(),
            false => format!("WeChat waits {} more", span(left)),
        };
        let urgent = match account.urgent {
            Some(urgent) if urgent > 0 => format!("; {urgent} soon to be timed out"),
            _ => String::new(),
        };
        let text = format!("{pending}, the oldest for {}: {left}{urgent}", ago(self.status, oldest));
        let soon = is_soon(account, self.status, self.config);
        (text, if soon { Tone::Bad } else { Tone::Plain })
    }

    fn held(&self, account: &AccountStatus) -> String {
        match account.held {
            0 => "0".to_owned(),
            held => format!("{held}; decide: menshen review next{}", self.global.again()),
        }
    }

    fn quota(&self, account: &AccountStatus) -> String {
        let Some(quota) = account.quota else { return "not asked yet".to_owned() };
        let asked = ago(self.status, quota.asked_at);
        match (quota.remain, quota.daily_limit) {
            (Some(remain), Some(limit)) => format!("{remain} of {limit} calls left today (asked {asked} ago)"),
            (Some(remain), None) => format!("{remain} calls left today (asked {asked} ago)"),
            (None, _) => format!("unknown (asked {asked} ago)"),
        }
    }

    fn rules(&self, account: &AccountStatus) -> String {
        let Some(rules) = &account.rules else { return "unknown".to_owned() };
        let since = match rules.since {
            Some(since) => {
                format!(
                    ", used for {} (since {})",
                    ago(self.status, since),
                    local(since, &self.config.service.timezone)
                )
            }
            None => String::new(),
        };
        format!("{}{since}", rules.hash.get(..HASH_SHOWN).unwrap_or(&rules.hash))
    }
}

fn limit_words(limit: &LimitStatus) -> String {
    let of = limit.of.map(|of| format!(" of {of}")).unwrap_or_default();
    // People are counted, but not bound.
    let by_hand = if limit.of.is_some_and(|of| limit.used > of) { " (by hand included)" } else { "" };
    match (limit.action, &limit.rule) {
        (Some("agree"), _) => format!("{}{of} agreed today{by_hand}", limit.used),
        (Some("refuse"), _) => format!("{}{of} refused today{by_hand}", limit.used),
        (action, rule) => {
            let name = rule.as_deref().or(action).unwrap_or_default();
            let per = SignedDuration::from_secs(limit.per_secs.cast_signed());
            format!("{}{of} by \"{}\" in {}", limit.used, visible(name), span(per))
        }
    }
}

fn is_full(limit: &LimitStatus) -> bool {
    limit.of.is_some_and(|of| limit.used >= of)
}

fn quota_tone(account: &AccountStatus) -> Tone {
    let low = account.quota.and_then(|quota| Some(quota.remain? < quota.daily_limit? / QUOTA_PART));
    if low == Some(true) { Tone::Wait } else { Tone::Plain }
}

fn table(accounts: &[&AccountStatus], status: &Status, config: &Config) -> String {
    let mut table = Table::new(&[
        ("account", Align::Left),
        ("needs a look", Align::Left),
        ("complete", Align::Right),
        ("pending", Align::Right),
        ("oldest", Align::Right),
        ("left", Align::Right),
        ("held", Align::Right),
        ("timed out 7d", Align::Right),
        ("agreed", Align::Right),
        ("refused", Align::Right),
        ("quota left", Align::Right),
    ]);
    for account in accounts {
        table.row(row(account, status, config));
    }
    table.text()
}

fn row(account: &AccountStatus, status: &Status, config: &Config) -> Vec<(String, Tone)> {
    let unknown = || "–".to_owned();
    let since = |at: Option<Timestamp>| at.map_or_else(unknown, |at| ago(status, at));
    let mut needs: Vec<String> = account.brakes.iter().map(brake_in_short).collect();
    needs.extend(trouble_words(account));
    let tone = match (account.is_braked() || account.is_in_trouble(), needs.is_empty()) {
        (true, _) => Tone::Bad,
        (false, false) => Tone::Wait,
        (false, true) => Tone::Plain,
    };
    let left = account.oldest_due.map(|due| due.duration_since(status.at));
    let left = left.map_or_else(unknown, |left| if left.is_negative() { "overdue".to_owned() } else { span(left) });
    let limit = |action| account.limits.iter().find(|limit| limit.action == Some(action));
    let used = |limit: Option<&LimitStatus>| match limit {
        None => (unknown(), Tone::Plain),
        Some(limit) => {
            let of = limit.of.map(|of| format!("/{of}")).unwrap_or_default();
            (format!("{}{of}", limit.used), if is_full(limit) { Tone::Wait } else { Tone::Plain })
        }
    };
    let waits = |n: u64| (n.to_string(), if n > 0 { Tone::Wait } else { Tone::Plain });
    let complete = if account.last_complete_pass.is_none() { Tone::Bad } else { Tone::Plain };
    let soon = if is_soon(account, status, config) { Tone::Bad } else { Tone::Plain };
    vec![
        (visible(&account.account), Tone::Plain),
        (needs.join(", "), tone),
        (since(account.last_complete_pass), complete),
        (account.pending.map_or_else(unknown, |pending| pending.to_string()), Tone::Plain),
        (since(account.oldest), soon),
        (left, soon),
        waits(account.held),
        waits(account.timed_out_7d),
        used(limit("agree")),
        used(limit("refuse")),
        (
            account.quota.and_then(|quota| quota.remain).map_or_else(unknown, |left| left.to_string()),
            quota_tone(account),
        ),
    ]
}
