//! `run`, `run --once`, `run --dry-run`.

use super::args::{Format, Global, RunArgs};
use super::print::{self, Align, Csv, DecidedRecord, Table, Tone, visible};
use super::progress::Progress;
use super::setup::{Ground, Purpose, cut_nobody_off};
use super::{DONE, FAILED, audit, demo};
use crate::policy::{Action, Brake, Step};
use crate::service::{
    Account, Deletion, PassReport, Preview, PreviewedAccount, Service, preview, run as run_service, run_once,
};
use crate::store::Reader;
use anyhow::Error;
use std::borrow::Cow;

/// Does what `run` was asked for.
pub(super) async fn run(global: &Global, args: &RunArgs) -> Result<u8, Error> {
    if args.dry_run {
        return dry_run(global, args.yes).await;
    }
    let ground = Ground::lay(global, Purpose::Act).await?;
    if args.once {
        return once(global, ground).await;
    }
    let reload = ground.reload(global);
    let (service, sandbox) = ground.service().await?;
    run_service(service, &reload).await?;
    drop(sandbox);
    Ok(DONE)
}

async fn once(global: &Global, ground: Ground) -> Result<u8, Error> {
    let (service, sandbox) = ground.service().await?;
    let progress = Progress::new();
    let reports = run_once(&service, &|stage| progress.tell(stage)).await?;
    drop(progress);
    print::wanted(match global.format {
        Format::Json => reports.iter().try_for_each(print::json),
        Format::Csv => csv_reports(&reports),
        Format::Human => print_reports(global, &service, &reports, sandbox.is_some()).await,
    })?;
    service.close().await;
    drop(sandbox);
    Ok(if reports.iter().any(PassReport::failed) { FAILED } else { DONE })
}

async fn print_reports(
    global: &Global,
    service: &Service,
    reports: &[PassReport],
    simulated: bool,
) -> Result<(), Error> {
    for report in reports {
        audit::print_pass(service.store(), report, &global.again()).await?;
    }
    if simulated { demo::what_next(global, reports) } else { Ok(()) }
}

fn csv_reports(reports: &[PassReport]) -> Result<(), Error> {
    let columns = ["account", "pass", "pending", "agreed", "refused", "held", "shadow", "overtaken", "failed", "known"];
    let mut csv = Csv::begin(&columns)?;
    for report in reports {
        let counts = [
            report.pending,
            report.agreed,
            report.refused,
            report.held,
            report.shadow,
            report.overtaken,
            report.failed,
            report.known,
        ];
        let cells = [Cow::from(&report.account), Cow::from(&report.pass)];
        csv.row(cells.into_iter().chain(counts.map(|count| Cow::from(count.to_string()))))?;
    }
    csv.end()
}

async fn dry_run(global: &Global, yes: bool) -> Result<u8, Error> {
    let ground = Ground::lay(global, Purpose::Look).await?;
    let accounts = Account::all(&ground.config, &ground.around, &[])?;
    if !yes {
        cut_nobody_off(&accounts, "say --yes if that may be").await?;
    }
    // A world that is started over has no past.
    let log = match global.sandbox && global.fresh {
        true => None,
        false => Reader::peek(&ground.config.service.state_dir.join("menshen.db")).await?,
    };
    let progress = Progress::new();
    let previewed = preview(&accounts, log.as_ref(), &|stage| progress.tell(stage)).await;
    drop(progress);
    let failed = previewed.iter().any(|account| account.report.failed());
    let unread = unread(&previewed);
    say_troubles(&previewed);
    let previewed_brakes = previewed.iter().flat_map(|account| account.report.brake_lines()).collect::<Vec<_>>();
    let (mut lines, mut deletions) = (Vec::<Preview>::new(), Vec::<Deletion>::new());
    for account in previewed {
        lines.extend(account.lines);
        deletions.extend(account.deletions);
    }
    lines.sort_by_cached_key(|line| {
        let application = &line.step.application;
        let seconds = application.create_time.seconds();
        (seconds.is_none(), seconds, line.account.clone(), application.appid.clone())
    });
    print::wanted(match global.format {
        Format::Human => print_table(&previewed_brakes, &lines, &deletions, &unread, accounts.len() > 1),
        Format::Json => records(&lines, &deletions).try_for_each(|record| print::json(&record)),
        Format::Csv => DecidedRecord::print_csv(records(&lines, &deletions)),
    })?;
    drop(ground.sandbox);
    Ok(if failed { FAILED } else { DONE })
}

fn say_troubles(previewed: &[PreviewedAccount]) {
    for report in previewed.iter().map(|account| &account.report) {
        for trouble in &report.troubles {
            tracing::error!(account = %report.account, during = trouble.during, "{}", trouble.message);
        }
        if report.unreadable > 0 {
            tracing::error!(account = %report.account, "{} entries of the list cannot be read", report.unreadable);
        }
    }
}

/// A line of the preview, as machines read it.
fn record(line: &Preview) -> DecidedRecord<'_> {
    let Step { application, decision, .. } = &line.step;
    DecidedRecord::of(Some(&line.account), application, decision, line.rule.as_deref(), &line.why)
}

/// The pending applications, then what housekeeping would delete; nothing of it unless `[housekeeping]` is set.
fn records<'a>(lines: &'a [Preview], deletions: &'a [Deletion]) -> impl Iterator<Item = DecidedRecord<'a>> {
    lines.iter().map(record).chain(deletions.iter().map(deleted))
}

/// An ended application that would be deleted, as machines read it: the list keeps no words of it.
fn deleted(deletion: &Deletion) -> DecidedRecord<'_> {
    DecidedRecord {
        account: Some(&deletion.account),
        appid: deletion.identity.appid.as_str(),
        create_time: deletion.identity.create_time.seconds(),
        nickname: "",
        reason: "",
        categories: Vec::new(),
        verdict: Action::Delete.word(),
        rule: None,
        message: None,
        brake: deletion.brake,
        why: &deletion.why,
    }
}

/// The accounts whose list was not read to its end.
fn unread(previewed: &[PreviewedAccount]) -> Vec<String> {
    let reports = previewed.iter().map(|account| &account.report);
    let cut_short = reports.filter(|report| report.troubles.iter().any(|trouble| trouble.during == "list"));
    cut_short.map(|report| report.account.clone()).collect()
}

fn print_table(
    brakes: &[String],
    lines: &[Preview],
    deletions: &[Deletion],
    unread: &[String],
    with_account: bool,
) -> Result<(), Error> {
    let mut columns = vec![
        ("nickname", Align::Left),
        ("categories", Align::Left),
        ("verdict", Align::Left),
        ("rule", Align::Left),
        ("matched", Align::Left),
        ("message", Align::Left),
    ];
    if with_account {
        columns.insert(0, ("account", Align::Left));
    }
    let mut table = Table::new(&columns);
    for line in lines {
        table.row(row(line, with_account));
    }
    if !lines.is_empty() {
        print::line(&table.text())?;
    }
    brakes.iter().try_for_each(|line| print::line(line))?;
    if !deletions.is_empty() {
        let appids: Vec<String> = deletions.iter().map(|deletion| visible(deletion.identity.appid.as_str())).collect();
        let brake = deletions.iter().find_map(|deletion| deletion.brake);
        let kept = brake.map(|brake| format!(" (kept back by brake {brake})")).unwrap_or_default();
        print::line(&format!(
            "[housekeeping] would delete {} in passes with nothing else to do{kept}: {}",
            deletions.len(),
            appids.join(", ")
        ))?;
    }
    if !unread.is_empty() {
        let accounts: Vec<String> = unread.iter().map(|name| visible(name)).collect();
        print::line(&format!("NOT READ to its end, so there may be more: the list of {}", accounts.join(", ")))?;
    }
    print::line(&summary(lines))
}

fn row(line: &Preview, with_account: bool) -> Vec<(String, Tone)> {
    let record = record(line);
    let verdict = match record.brake {
        Some(brake) => format!("{} ({brake})", record.verdict),
        None => record.verdict.to_owned(),
    };
    let tone = if record.brake.is_some() { Tone::Wait } else { Tone::of(record.verdict) };
    let mut cells = vec![
        (visible(record.nickname), Tone::Plain),
        (visible(&record.categories.join(", ")), Tone::Plain),
        (verdict, tone),
        (record.rule.unwrap_or("–").to_owned(), Tone::Plain),
        (visible(&line.why.matched(record.rule.unwrap_or_default()).join(" ")), Tone::Plain),
        (visible(record.message.unwrap_or_default()), Tone::Plain),
    ];
    if with_account {
        cells.insert(0, (line.account.clone(), Tone::Plain));
    }
    cells
}

fn summary(lines: &[Preview]) -> String {
    let count = |word: &str| {
        lines
            .iter()
            .filter(|line| line.step.decision.brake.is_none() && line.step.decision.verdict.word() == word)
            .count()
    };
    let doubtful = lines.iter().filter(|line| line.step.decision.brake.is_some_and(Brake::is_doubt)).count();
    let braked = lines.iter().filter(|line| line.step.decision.brake.is_some()).count();
    format!(
        "{} pending: would agree to {}, refuse {}, leave {} to a person, keep {} back by a brake. Nothing was sent, nothing was written.",
        lines.len(),
        count("agree"),
        count("refuse"),
        count("hold") + doubtful,
        braked - doubtful,
    )
}
