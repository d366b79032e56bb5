//! `api dev_apply_list`: what WeChat lists, one page or all of it, whatever its status.

use super::{Caller, Here, explained, in_words, status_name, status_word};
use crate::cli::args::{Format, Global};
use crate::cli::print::{self, Align, Csv, Table, Tone, visible};
use crate::cli::{DONE, FAILED, audit};
use crate::policy::{Category, Status};
use crate::wechat::{self, Entry, PAGE_CEILING};
use anyhow::Error;
use clap::Args;
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::HashSet;

/// Which part of the list.
#[derive(Debug, Args)]
pub(in crate::cli) struct ListArgs {
    /// The page, from 1
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    page: u32,
    /// Entries asked for on a page; WeChat may give fewer [default: wechat.page_size]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    num: Option<u32>,
    /// Every page, to the end
    #[arg(long, conflicts_with = "page")]
    all: bool,
    /// Only those with this status: pending (申请中), approved (已通过), refused (已拒绝), timed_out (已超时), or 1 to 4
    #[arg(long, value_parser = status)]
    status: Option<Status>,
    #[command(flatten)]
    here: Here,
}

fn status(text: &str) -> Result<Status, String> {
    Ok(match text {
        "1" | "pending" | "申请中" => Status::Pending,
        "2" | "approved" | "已通过" => Status::Approved,
        "3" | "refused" | "已拒绝" => Status::Refused,
        "4" | "timed_out" | "timed-out" | "timed out" | "已超时" => Status::TimedOut,
        _ => return Err("expected pending, approved, refused, timed_out, or WeChat's number 1 to 4".to_owned()),
    })
}

/// The path of an interface, as the quota is asked for.
pub(super) fn interface(text: &str) -> Result<String, String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\\\"".contains(&byte));
    match text.starts_with('/') && plain {
        true => Ok(text.to_owned()),
        false => Err("expected a path with a leading slash and no host, as /wxa/devplugin".to_owned()),
    }
}

/// A line for machines.
#[derive(Serialize)]
struct Record<'a> {
    account: &'a str,
    appid: &'a str,
    create_time: Option<i64>,
    status: Option<i64>,
    status_name: &'static str,
    nickname: &'a str,
    reason: &'a str,
    categories: Vec<String>,
    headimgurl: Option<&'a str>,
    apply_url: Option<&'a str>,
}

impl<'a> Record<'a> {
    fn of(account: &'a str, entry: &'a Entry) -> Record<'a> {
        let application = &entry.application;
        Record {
            account,
            appid: application.appid.as_str(),
            create_time: application.create_time.seconds(),
            status: entry.status.map(Status::code),
            status_name: status_word(entry.status),
            nickname: &application.nickname,
            reason: &application.reason,
            categories: application.categories.iter().map(Category::to_string).collect(),
            headimgurl: application.headimgurl.as_deref(),
            apply_url: application.apply_url.as_deref(),
        }
    }
}

/// What was read.
#[derive(Default)]
struct Read {
    entries: Vec<Entry>,
    /// Why entries could not be read.
    unreadable: Vec<String>,
    /// Entries on the last page.
    last: usize,
    /// Why it is not everything.
    gap: Option<wechat::Error>,
}

pub(super) async fn list(global: &Global, asked: &ListArgs) -> Result<u8, Error> {
    let caller = Caller::open(global, &asked.here).await?;
    let num = asked.num.unwrap_or(caller.page_size);
    let mut read = match asked.all {
        true => everything(&caller, num).await,
        false => page(&caller, asked.page, num).await,
    };
    if let Some(error) = read.gap.as_ref().filter(|_| read.entries.is_empty()) {
        return Err(explained(error));
    }
    let found = read.entries.len();
    read.entries.retain(|entry| asked.status.is_none() || entry.status == asked.status);
    print::wanted(match global.format {
        Format::Human => table(&read, &caller.timezone).and_then(|()| summary(asked, &read, found)),
        Format::Json => {
            let name = caller.account.name();
            read.entries.iter().try_for_each(|entry| print::json(&Record::of(name, entry)))
        }
        Format::Csv => csv(caller.account.name(), &read.entries),
    })?;
    for problem in &read.unreadable {
        anstream::eprintln!("menshen: an entry cannot be read: {}", visible(problem));
    }
    if let Some(error) = &read.gap {
        anstream::eprintln!("menshen: the list could not be read to its end: {}", in_words(error));
    }
    Ok(if read.gap.is_none() && read.unreadable.is_empty() { DONE } else { FAILED })
}

async fn page(caller: &Caller, page: u32, num: u32) -> Read {
    let mut read = Read::default();
    match caller.account.client.entries(page, num).await {
        Ok(entries) => {
            read.last = entries.len();
            entries.into_iter().for_each(|entry| read.take(entry));
        }
        Err(error) => read.gap = Some(error),
    }
    read
}

/// To an empty page, or to two in a row with nothing new: a short page is no end, and entries may move between pages.
async fn everything(caller: &Caller, num: u32) -> Read {
    let (mut read, mut seen, mut quiet) = (Read::default(), HashSet::new(), 0);
    for number in 1..=PAGE_CEILING {
        let on_it = page(caller, number, num).await;
        read.gap = on_it.gap;
        if on_it.last == 0 {
            return read;
        }
        let new: Vec<Entry> =
            on_it.entries.into_iter().filter(|entry| seen.insert(entry.application.identity())).collect();
        quiet = if new.is_empty() && on_it.unreadable.is_empty() { quiet + 1 } else { 0 };
        read.entries.extend(new);
        read.unreadable.extend(on_it.unreadable);
        if quiet == 2 {
            return read;
        }
    }
    read.gap = Some(wechat::Error::Endless { pages: PAGE_CEILING });
    read
}

impl Read {
    fn take(&mut self, entry: Result<Entry, String>) {
        match entry {
            Ok(entry) => self.entries.push(entry),
            Err(problem) => self.unreadable.push(problem),
        }
    }
}

fn table(read: &Read, timezone: &TimeZone) -> Result<(), Error> {
    if read.entries.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&[
        ("applied", Align::Left),
        ("appid", Align::Left),
        ("status", Align::Left),
        ("nickname", Align::Left),
        ("categories", Align::Left),
        ("reason", Align::Left),
    ]);
    for entry in &read.entries {
        let application = &entry.application;
        let categories: Vec<String> = application.categories.iter().map(Category::to_string).collect();
        let applied = application.create_time.instant().map(|at: Timestamp| audit::local(at, timezone));
        table.row(vec![
            (applied.unwrap_or_else(|| "–".to_owned()), Tone::Faint),
            (visible(application.appid.as_str()), Tone::Plain),
            (status_name(entry.status), tone(entry.status)),
            (visible(&application.nickname), Tone::Plain),
            (visible(&categories.join(", ")), Tone::Plain),
            (visible(&application.reason), Tone::Plain),
        ]);
    }
    print::line(&table.text())
}

pub(super) fn tone(status: Option<Status>) -> Tone {
    match status {
        Some(Status::Pending) => Tone::Wait,
        Some(Status::Approved) => Tone::Good,
        Some(Status::Refused) => Tone::Bad,
        Some(Status::TimedOut | Status::Other(_)) | None => Tone::Faint,
    }
}

fn summary(asked: &ListArgs, read: &Read, found: usize) -> Result<(), Error> {
    let shown = read.entries.len();
    let of = if shown == found { String::new() } else { format!(" of {found}") };
    let space = if shown > 0 { "\n" } else { "" };
    print::line(&match (asked.all, read.last) {
        (true, _) => format!("{space}{shown}{of} applications"),
        (false, 0) => format!("page {} is empty: the list has ended before it", asked.page),
        (false, _) => format!(
            "{space}{shown}{of} applications on page {}; go on with --page {}, or --all",
            asked.page,
            asked.page.saturating_add(1)
        ),
    })
}

fn csv(account: &str, entries: &[Entry]) -> Result<(), Error> {
    let mut csv = Csv::begin(&[
        "account",
        "appid",
        "create_time",
        "status",
        "status_name",
        "nickname",
        "reason",
        "categories",
        "headimgurl",
        "apply_url",
    ])?;
    for entry in entries {
        let record = Record::of(account, entry);
        let number = |number: Option<i64>| Cow::from(number.map(|n| n.to_string()).unwrap_or_default());
        csv.row([
            Cow::from(record.account),
            Cow::from(record.appid),
            number(record.create_time),
            number(record.status),
            Cow::from(record.status_name),
            Cow::from(record.nickname),
            Cow::from(record.reason),
            serde_json::to_string(&record.categories)?.into(),
            Cow::from(record.headimgurl.unwrap_or_default()),
            Cow::from(record.apply_url.unwrap_or_default()),
        ])?;
    }
    csv.end()
}
