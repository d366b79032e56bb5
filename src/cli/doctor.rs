//! `doctor`: a line for each check, and below what is wrong the step that mends it.

use super::args::{Format, Global};
use super::print::{self, Csv, Tone, paint, visible};
use super::setup::{Ground, Purpose, only_with_sandbox};
use super::{DONE, FAILED, WRONG, Wrong};
use crate::config::{self, Survey};
use crate::document;
use crate::service::{
    self,
    doctor::{self, Check, Examination, Finding, Reachable, Site, Status},
};
use anyhow::Error;
use clap::Args;
use serde::Serialize;
use std::borrow::Cow;

/// How far to look.
#[derive(Debug, Clone, Args)]
pub(super) struct DoctorArgs {
    /// Only this account
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Look at this machine alone: nothing is sent
    #[arg(long)]
    offline: bool,
    /// Also fetch tokens that end others': of kind "classic" (the one other systems hold) and "authorizer" (through the platform)
    #[arg(long)]
    yes: bool,
}

/// A line for machines.
#[derive(Serialize)]
struct Record<'a> {
    id: &'static str,
    account: Option<&'a str>,
    status: &'static str,
    what: &'a str,
    mend: Option<&'a str>,
}

impl<'a> Record<'a> {
    fn of(finding: &'a Finding) -> Record<'a> {
        Record {
            id: finding.check.id(),
            account: finding.account.as_deref(),
            status: finding.status.word(),
            what: &finding.what,
            mend: finding.mend.as_deref(),
        }
    }
}

/// Looks at everything and prints what was found.
pub(super) async fn doctor(global: &Global, args: &DoctorArgs) -> Result<u8, Error> {
    let mut report = Report::begin(global.format)?;
    if global.sandbox {
        let ground = Ground::lay(global, Purpose::Look).await?;
        let survey = Survey::of(ground.config.clone());
        report.look(&survey, &ground.around, Site::Sandbox, args).await?;
    } else {
        only_with_sandbox(global)?;
        let surroundings = config::Surroundings::of_process();
        let found = config::find(global.config.as_deref(), &surroundings);
        match found.and_then(|path| config::survey(&path, &surroundings)) {
            Ok(survey) => report.look(&survey, &service::Surroundings::default(), Site::Real, args).await?,
            Err(error) => {
                let path = global.config.as_deref().unwrap_or(&surroundings.system_config);
                doctor::examine_without(&error, path, &mut |finding| report.hear(&finding)).await;
            }
        }
    }
    report.end()
}

/// What was found so far, printed as it came.
struct Report {
    format: Format,
    csv: Option<Csv>,
    counts: [usize; 4],
    /// The configuration itself is wrong.
    wrong: bool,
    /// Printing may fail; then the rest is not printed.
    printed: Result<(), Error>,
}

impl Report {
    fn begin(format: Format) -> Result<Report, Error> {
        let csv = match format {
            Format::Csv => Some(Csv::begin(&["id", "account", "status", "what", "mend"])?),
            Format::Human | Format::Json => None,
        };
        Ok(Report { format, csv, counts: [0; 4], wrong: false, printed: Ok(()) })
    }

    async fn look(
        &mut self,
        survey: &Survey,
        around: &service::Surroundings,
        site: Site,
        args: &DoctorArgs,
    ) -> Result<(), Error> {
        if let Some(name) = args.account.as_deref() {
            known(survey, name)?;
        }
        let examination = Examination {
            survey,
            secrets: &config::Surroundings::of_process(),
            around,
            site,
            account: args.account.as_deref(),
            network: if args.offline { Reachable::Offline } else { Reachable::Ask },
            may_disturb: args.yes,
        };
        Box::pin(doctor::examine(&examination, &mut |finding| self.hear(&finding))).await;
        Ok(())
    }

    fn hear(&mut self, finding: &Finding) {
        self.counts[finding.status as usize] += 1;
        let of_configuration = matches!(finding.check, Check::Configuration | Check::Rules);
        self.wrong |= of_configuration && finding.status == Status::Fail;
        if self.printed.is_ok() {
            self.printed = self.print(finding);
        }
    }

    fn print(&mut self, finding: &Finding) -> Result<(), Error> {
        let record = Record::of(finding);
        match (self.format, &mut self.csv) {
            (Format::Json, _) => print::json(&record),
            (Format::Csv, Some(csv)) => csv.row([
                Cow::from(record.id),
                Cow::from(record.account.unwrap_or_default()),
                Cow::from(record.status),
                Cow::from(record.what),
                Cow::from(record.mend.unwrap_or_default()),
            ]),
            _ => lines(finding).iter().try_for_each(|line| print::line(line)),
        }
    }

    fn end(self) -> Result<u8, Error> {
        let Report { format, csv, counts, wrong, printed } = self;
        let [ok, warned, failed, skipped] = counts;
        let printed = printed.and_then(|()| match (format, csv) {
            (Format::Human, _) => print::line(&format!(
                "\n{ok} well, {warned} to look at, {failed} to mend, {skipped} not looked at. Nothing was changed."
            )),
            (_, Some(csv)) => csv.end(),
            _ => Ok(()),
        });
        print::wanted(printed)?;
        Ok(match (wrong, failed) {
            (true, _) => WRONG,
            (false, 0) => DONE,
            (false, _) => FAILED,
        })
    }
}

/// The check, and the mending step below it.
fn lines(finding: &Finding) -> Vec<String> {
    let (sign, tone) = match finding.status {
        Status::Ok => ("✓", Tone::Good),
        Status::Warn => ("!", Tone::Wait),
        Status::Fail => ("✗", Tone::Bad),
        Status::Skipped => ("–", Tone::Faint),
    };
    let account = finding.account.as_deref().map(|name| format!("{}: ", visible(name))).unwrap_or_default();
    let head = format!("{} {:<16} {account}{}", paint(sign, tone), finding.check, visible(&finding.what));
    let mend = finding.mend.as_deref().map(|mend| format!("    {}", visible(mend)));
    std::iter::once(head).chain(mend).collect()
}

/// An account that is not there is a mistake of the command line.
fn known(survey: &Survey, name: &str) -> Result<(), Error> {
    let names = &survey.outline.account_names;
    if names.iter().any(|known| known == name) {
        return Ok(());
    }
    let help = document::suggest(name, names.iter().map(String::as_str), "accounts");
    Err(Error::new(Wrong(format!("menshen: no account is named {name:?}; {help}"))))
}
