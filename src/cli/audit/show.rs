//! `audit show`: one decision in full, with what every condition looked at and every call.

use super::list::{COLUMNS, cells};
use super::times::exact;
use crate::cli::args::Format;
use crate::cli::print::{self, Csv, visible};
use crate::cli::{DONE, FAILED};
use crate::policy::{ENGINE_VERSION, History, Moment, Outcome, RuleSet};
use crate::store::{Reader, Shown};
use anyhow::Error;
use jiff::{Timestamp, tz::TimeZone};

/// Prints one decision.
pub(super) async fn show(log: &Reader, format: Format, id: i64, timezone: &TimeZone) -> Result<u8, Error> {
    let Some(mut shown) = log.show(id).await? else {
        anstream::eprintln!("menshen: the audit log has no decision {id}");
        return Ok(FAILED);
    };
    look_again(log, &mut shown).await?;
    match format {
        Format::Human => print::line(&in_full(&shown, timezone))?,
        Format::Json => print::json(&shown)?,
        Format::Csv => {
            let mut csv = Csv::begin(&COLUMNS)?;
            csv.row(cells(&shown.row))?;
            csv.end()?;
        }
    }
    Ok(DONE)
}

/// Times are those of `timezone`.
pub(in crate::cli) fn in_full(shown: &Shown, timezone: &TimeZone) -> String {
    let row = &shown.row;
    let redacted = || "(redacted)".to_owned();
    let mut lines = vec![
        format!(
            "decision {}  {}  by {}  ({}, pass {})",
            row.id,
            exact(row.decided_at, timezone),
            row.actor,
            row.mode,
            row.pass
        ),
        format!("  account     {} ({})", row.account, shown.account_appid),
        format!("  applicant   {} ({})", row.nickname.as_deref().map_or_else(redacted, visible), visible(&row.appid)),
        format!("  applied     {}", applied(shown, timezone)),
        format!("  categories  {}", visible(&row.categories.join(", "))),
        format!("  reason      {}", row.reason.as_deref().map_or_else(redacted, visible)),
        format!(
            "  verdict     {}{}",
            row.verdict,
            row.brake.map(|brake| format!(", brake {brake}")).unwrap_or_default()
        ),
    ];
    if let Some(message) = &row.message {
        lines.push(format!("  message     {}", visible(message)));
    }
    lines.push(format!("  outcome     {}", row.outcome));
    if let Some(why) = &shown.why {
        lines.push(format!("  because     {}", visible(&why.sentence)));
        let application = shown.application();
        let rules = why.rules.iter().flat_map(|rule| print::rule_lines(rule, &application));
        lines.extend(rules.map(|line| format!("    {line}")));
    }
    if !row.ruleset.is_empty() {
        lines.push(format!("  rules       {} (engine {})", row.ruleset, shown.engine.as_deref().unwrap_or("–")));
    }
    lines.push("  what happened".to_owned());
    lines.extend(happenings(shown, timezone));
    lines.join("\n")
}

/// The log keeps the evidence of the rules that mattered; the recorded rules tell what every other one looked at.
pub(in crate::cli) async fn look_again(log: &Reader, shown: &mut Shown) -> Result<(), Error> {
    let application = shown.application();
    let Some(why) = &mut shown.why else { return Ok(()) };
    if shown.engine.as_deref() != Some(ENGINE_VERSION) {
        return Ok(());
    }
    let spec = shown.spec.as_deref().and_then(|spec| serde_json::from_str(spec).ok());
    let Some(rules) = spec.and_then(|spec| RuleSet::compile(spec).ok()) else { return Ok(()) };
    let kept = std::mem::take(&mut why.rules);
    let now = shown.row.decided_at;
    let history = match rules.needs_history() {
        true => log.earlier(&shown.account_appid, std::slice::from_ref(&application.appid), now).await?,
        false => History::default(),
    };
    let looked_at = rules.explain(&application, &Moment { now, history: &history }).rules;
    why.rules = looked_at
        .into_iter()
        .map(|rule| kept.iter().find(|kept| kept.rule == rule.rule).cloned().unwrap_or(rule))
        .collect();
    Ok(())
}

/// Settlements and calls in the order of time.
fn happenings(shown: &Shown, timezone: &TimeZone) -> Vec<String> {
    let settled = shown.settlements.iter().map(|settlement| {
        let note = settlement.note.as_deref().map(|note| format!(": {}", visible(note))).unwrap_or_default();
        (settlement.at, format!("    {}  {}{note}", exact(settlement.at, timezone), settlement.outcome))
    });
    let called = shown.calls.iter().map(|call| {
        let answer = [
            call.http_status.map(|status| format!("HTTP {status}")),
            call.errcode.map(|errcode| format!("errcode {errcode}")),
            call.errmsg.as_deref().map(visible),
            call.rid.as_deref().map(|rid| format!("rid {}", visible(rid))),
        ];
        let answer: Vec<String> = answer.into_iter().flatten().collect();
        let (attempt, action, took) = (call.attempt, call.action.word(), call.took_ms);
        let line = format!(
            "    {}  call {attempt}: {action} {} after {took} ms: {}",
            exact(call.sent_at, timezone),
            call.fate,
            answer.join(", ")
        );
        (call.sent_at, line)
    });
    let answered = |attempt: u32| shown.calls.iter().any(|call| call.attempt == attempt);
    let planned = shown.settlements.iter().filter(|settlement| settlement.outcome == Outcome::Planned);
    let cut_off = planned.filter(|settlement| !answered(settlement.attempt) && shown.row.outcome != Outcome::Planned);
    let cut_off = cut_off.map(|settlement| {
        let (at, attempt) = (settlement.at, settlement.attempt);
        let when = exact(at, timezone);
        (at, format!("    {when}  call {attempt}: cut off; whether it was sent is not known, no answer was recorded"))
    });
    let mut all: Vec<(Timestamp, String)> = settled.chain(called).chain(cut_off).collect();
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, line)| line).collect()
}

fn applied(shown: &Shown, timezone: &TimeZone) -> String {
    match (shown.row.create_time, &shown.create_time_text) {
        (Some(seconds), _) => match Timestamp::from_second(seconds) {
            Ok(at) => format!("{} ({seconds})", exact(at, timezone).trim_end_matches(".000")),
            Err(_) => seconds.to_string(),
        },
        (None, Some(text)) => format!("unreadable: {}", visible(text)),
        (None, None) => "WeChat sent no create_time".to_owned(),
    }
}
