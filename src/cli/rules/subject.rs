//! Where the application to be explained comes from: the audit log, WeChat's list, a file, the command line.

use super::decided::{known, status_word};
use super::explain::{ExplainArgs, Fields};
use crate::cli::Wrong;
use crate::cli::print::visible;
use crate::cli::progress::Progress;
use crate::cli::setup::{Ground, cut_nobody_off};
use crate::config::Config;
use crate::policy::{AppId, Application, Category, CreateTime, History, Status};
use crate::service::{Account, Stage};
use crate::store::{Filter, Reader, Shown};
use crate::wechat::{Entry, read_entries};
use anyhow::Error;
use jiff::Timestamp;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;

/// More than any answer of WeChat; a limit against reading a device for ever.
const MOST_BYTES: u64 = 64 << 20;
/// Appids named when one of them must be chosen.
const NAMED_MAX: usize = 10;

/// Applications to be explained.
#[derive(Debug)]
pub(super) struct Subject {
    /// Where they were found.
    pub(super) source: String,
    /// The account they were made to, if that is known.
    pub(super) account: Option<String>,
    /// One as a rule; several if one appid has several.
    pub(super) candidates: Vec<Candidate>,
    /// What the audit log knows of the applicant's earlier applications; none where it is not asked.
    pub(super) history: Option<History>,
}

/// One application.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) application: Application,
    /// Where it stands, if that is known.
    pub(super) status: Option<Status>,
}

impl Subject {
    /// The application made of fields on the command line.
    pub(super) fn of_fields(fields: &Fields, now: Timestamp) -> Result<Subject, Error> {
        let created = match (&fields.age, &fields.create_time) {
            (Some(age), _) => {
                let age = crate::document::parse_duration(age)
                    .and_then(|age| i64::try_from(age.as_secs()).ok())
                    .ok_or_else(|| wrong(format!("--age {age:?} is no duration: write 90s, 10m, 24h or 30d")))?;
                CreateTime::received(now.as_second().saturating_sub(age).to_string())
            }
            (None, Some(text)) => CreateTime::received(text),
            (None, None) => CreateTime::ABSENT,
        };
        let application = Application {
            appid: AppId::new(fields.appid.as_deref().unwrap_or("wx0000000000000000")),
            create_time: created,
            nickname: fields.nickname.clone().unwrap_or_default(),
            reason: fields.reason.clone().unwrap_or_default(),
            categories: fields.category.iter().map(|text| Category::from_text(text)).collect(),
            headimgurl: None,
            apply_url: None,
            malformed: Vec::new(),
        };
        let candidates = vec![Candidate { application, status: None }];
        Ok(Subject { source: "the command line".to_owned(), account: None, candidates, history: None })
    }

    /// The application in a file: the only one, or those of `appid`. None if it holds no such.
    pub(super) fn of_file(path: &Path, appid: Option<&str>) -> Result<Option<Subject>, Error> {
        let source = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
        let entries = read_entries(&read(path)?)
            .map_err(|error| wrong(format!("{source}: {error}; it should be JSON as WeChat sends it")))?;
        let total = entries.len();
        let mut readable: Vec<Entry> = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => readable.push(entry),
                Err(problem) if total == 1 => return Err(wrong(format!("{source}: {problem}"))),
                Err(problem) => anstream::eprintln!("menshen: an entry cannot be read: {problem}"),
            }
        }
        let chosen: Vec<Entry> = match appid {
            Some(appid) => readable.into_iter().filter(|entry| entry.application.appid.as_str() == appid).collect(),
            None => match readable.iter().find(|entry| entry.application.appid != readable[0].application.appid) {
                None => readable,
                Some(_) => return Err(wrong(which(&readable))),
            },
        };
        Ok(of_entries(chosen).map(|candidates| Subject { source, account: None, candidates, history: None }))
    }

    /// The newest row of the audit log, as the application was then. None if it has none, or its words were erased.
    pub(super) async fn of_log(
        ground: &Ground,
        args: &ExplainArgs,
        appid: &str,
        now: Timestamp,
    ) -> Result<Option<Subject>, Error> {
        known(&ground.config.account_names, args.account.as_deref())?;
        let Some(log) = Reader::open(&ground.config.service.state_dir.join("menshen.db")).await? else {
            return Ok(None);
        };
        let filter = Filter {
            account: args.account.clone(),
            appid: Some(AppId::new(appid)),
            limit: Some(1),
            ..Filter::default()
        };
        let mut newest = None;
        log.list(&filter, |row| {
            newest = Some(row.id);
            ControlFlow::Continue(())
        })
        .await?;
        let Some(id) = newest else { return Ok(None) };
        let Some(shown) = log.show(id).await? else { return Ok(None) };
        if shown.why.is_none() {
            anstream::eprintln!(
                "menshen: the applicant's words in decision {id} were erased; looking at WeChat's list"
            );
            return Ok(None);
        }
        Ok(Some(Subject {
            source: format!("decision {id} of the audit log"),
            account: Some(account_name(&ground.config, &shown)),
            candidates: vec![Candidate { application: shown.application(), status: None }],
            history: Some(log.earlier(&shown.account_appid, &[AppId::new(appid)], now).await?),
        }))
    }

    /// The pending application in WeChat's list. None if no account has one; that is told where it is known.
    pub(super) async fn of_wechat(
        ground: &Ground,
        args: &ExplainArgs,
        appid: &str,
        now: Timestamp,
    ) -> Result<Option<Subject>, Error> {
        let accounts = Account::all(&ground.config, &ground.around, &[])?;
        let asked = |account: &&Account| args.account.as_deref().is_none_or(|name| name == account.name());
        let otherwise = "describe the application with options or a file instead, or choose another --account";
        cut_nobody_off(accounts.iter().filter(asked), otherwise).await?;
        let progress = Progress::new();
        let mut gap = None;
        for account in accounts.iter().filter(asked) {
            let tell = |seen: crate::wechat::Progress| {
                progress.tell(Stage::Reading { pages: seen.pages, pending: seen.pending });
            };
            let listing = account.client.list(&tell).await;
            let ours = listing.pending.into_iter().filter(|application| application.appid.as_str() == appid);
            let candidates: Vec<Candidate> =
                ours.map(|application| Candidate { application, status: Some(Status::Pending) }).collect();
            if !candidates.is_empty() {
                let source = "WeChat's list".to_owned();
                let log = Reader::open(&ground.config.service.state_dir.join("menshen.db")).await?;
                let history = match log {
                    Some(log) => log.earlier(&account.appid, &[AppId::new(appid)], now).await?,
                    None => History::default(),
                };
                let (account, history) = (Some(account.name().to_owned()), Some(history));
                return Ok(Some(Subject { source, account, candidates, history }));
            }
            let settled = listing.others.iter().filter(|(identity, _)| identity.appid.as_str() == appid);
            for (identity, status) in settled {
                let when = identity.create_time.text().map(|text| format!(" of {}", visible(text))).unwrap_or_default();
                let name = account.name();
                anstream::eprintln!(
                    "menshen: its application{when} to {name} is {}; the list is read for what is pending",
                    status_word(status)
                );
            }
            gap = gap.or(listing.gap.map(|gap| Error::new(gap).context(format!("the list of {}", account.name()))));
        }
        gap.map_or(Ok(None), Err)
    }
}

/// Today's name of the account a row speaks of.
fn account_name(config: &Config, shown: &Shown) -> String {
    let same = config.accounts.iter().find(|account| account.appid == shown.account_appid);
    same.map_or_else(|| shown.row.account.clone(), |account| account.name.clone())
}

/// All that are pending (or may be); else the newest of the others.
fn of_entries(entries: Vec<Entry>) -> Option<Vec<Candidate>> {
    let mut candidates: Vec<Candidate> =
        entries.into_iter().map(|Entry { application, status }| Candidate { application, status }).collect();
    let waits = |candidate: &Candidate| candidate.status.is_none_or(|status| status == Status::Pending);
    if candidates.iter().any(waits) {
        candidates.retain(waits);
    } else {
        let newest = candidates.into_iter().max_by_key(|candidate| candidate.application.create_time.seconds());
        candidates = newest.into_iter().collect();
    }
    (!candidates.is_empty()).then_some(candidates)
}

fn which(entries: &[Entry]) -> String {
    let mut appids: Vec<String> = Vec::new();
    for entry in entries {
        let appid = visible(entry.application.appid.as_str());
        if !appids.contains(&appid) {
            appids.push(appid);
        }
    }
    let more = appids.len().saturating_sub(NAMED_MAX);
    appids.truncate(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("there are several applications; choose one with --appid: {}{more}", appids.join(", "))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let reading = match path == Path::new("-") {
        true => std::io::stdin().take(MOST_BYTES).read_to_end(&mut bytes),
        false => std::fs::File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes)),
    };
    reading.map_err(|error| wrong(format!("{} cannot be read: {error}", path.display())))?;
    Ok(bytes)
}

fn wrong(message: String) -> Error {
    Error::new(Wrong(format!("menshen: {message}")))
}
