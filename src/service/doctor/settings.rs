//! What the configuration comes to: itself, its rules, limits, secrets, time zone, and who is told.

use super::finding::{Check, Finding};
use super::{Examination, Site};
use crate::config::{self, Config, NotifyKind, Origin, Survey, Unread};
use crate::document::Problem;
use crate::policy::Mode;
use crate::service::Notices;
use crate::service::pass::with_sources;
use crate::service::schedule::next_tick;
use jiff::Timestamp;
use std::os::unix::fs::PermissionsExt;

/// Bits of everybody beside owner and group.
const OTHERS: u32 = 0o007;

/// Everything the configuration itself can tell.
pub(super) fn look(examination: &Examination<'_>, now: Timestamp) -> Vec<Finding> {
    let Examination { survey, site, .. } = examination;
    let mut found = configuration(survey);
    found.extend(rules(survey));
    found.push(limits(&survey.outline, *site));
    found.extend(credentials(examination));
    found.extend(notify(survey));
    found.push(timezone(&survey.config, now));
    found
}

fn configuration(survey: &Survey) -> Vec<Finding> {
    let Config { path, account_names, .. } = &survey.outline;
    match survey.settings.as_slice() {
        [] => {
            let accounts = match account_names.as_slice() {
                [only] => format!("one account, {only}"),
                all => format!("{} accounts", all.len()),
            };
            vec![Check::Configuration.ok(format!("{}: {accounts}", path.display()))]
        }
        problems => problems.iter().map(|problem| wrong(Check::Configuration, problem)).collect(),
    }
}

/// One line for one problem.
pub(super) fn wrong(check: Check, problem: &Problem) -> Finding {
    let mend = problem.help.clone().unwrap_or_else(|| "mend it there; config.example.toml shows every key".to_owned());
    check.fail(problem.to_string(), mend)
}

fn rules(survey: &Survey) -> Vec<Finding> {
    if !survey.rules.is_empty() {
        return survey.rules.iter().map(|problem| wrong(Check::Rules, problem)).collect();
    }
    let count = match survey.config.policy.spec.rules.len() {
        1 => "one rule".to_owned(),
        count => format!("{count} rules"),
    };
    vec![match survey.warnings {
        0 => Check::Rules.ok(count),
        1 => Check::Rules.warn(format!("{count}, which earn a warning"), SEE_WARNINGS),
        warnings => Check::Rules.warn(format!("{count}, which earn {warnings} warnings"), SEE_WARNINGS),
    }]
}

const SEE_WARNINGS: &str = "menshen rules check shows each, and what to do";

fn limits(config: &Config, site: Site) -> Finding {
    let free = |limits: &config::Limits| *limits == config::Limits::default();
    let unlimited: Vec<&str> =
        config.accounts.iter().filter(|account| free(&account.limits)).map(|account| account.name.as_str()).collect();
    match (config.service.mode, unlimited.as_slice(), site) {
        (Mode::Shadow, ..) => Check::Limits.ok("mode is shadow: nothing is sent"),
        (Mode::Live, [], _) => Check::Limits.ok("mode is live, and every account has limits"),
        (Mode::Live, _, Site::Sandbox) => Check::Limits.ok("none, and nothing but invented applications to decide"),
        (Mode::Live, some, Site::Real) => Check::Limits.warn(
            format!("mode is live, and nothing bounds what is done a day or a pass for {}", named(some)),
            "while rules are new, set [limits] agree_per_day, refuse_per_day and per_pass",
        ),
    }
}

/// Some names, and how many more there are.
fn named(names: &[&str]) -> String {
    match names {
        [first, second, third, more @ ..] if !more.is_empty() => {
            format!("{first}, {second}, {third} and {} more", more.len())
        }
        few => few.join(", "),
    }
}

fn credentials(examination: &Examination<'_>) -> Vec<Finding> {
    let wanted = examination.survey.secrets();
    let wanted = wanted.iter().filter(|one| one.account.is_none_or(|account| examination.concerns(account)));
    let found: Vec<Finding> = wanted
        .map(|one| {
            let finding = match examination.site {
                Site::Sandbox => Check::Credentials.ok("the sandbox's own, which is in no file"),
                Site::Real => credential(&one.role, one.secret.origin(), one.secret.look(examination.secrets)),
            };
            match one.account {
                Some(account) => finding.of(account),
                None => finding,
            }
        })
        .collect();
    match found.is_empty() {
        true => vec![Check::Credentials.ok("no secret is asked for")],
        false => found,
    }
}

fn credential(role: &str, origin: &Origin, looked: Result<Option<u32>, Unread>) -> Finding {
    match looked {
        Err(Unread { why, help }) => {
            let help = match origin {
                Origin::Credential(_) if !help.contains("menshen-as-service") => {
                    format!("{help}. As the service: sudo menshen-as-service doctor")
                }
                Origin::Env(_) | Origin::File(_) | Origin::Credential(_) => help,
            };
            Check::Credentials.fail(format!("{role}: {why}"), help)
        }
        Ok(Some(mode)) if mode & OTHERS != 0 => Check::Credentials.fail(
            format!("{role}: {origin} can be read by everybody on this machine (mode {mode:04o})"),
            match origin {
                Origin::File(path) => format!("chmod 600 {}, owned by the user of the service", path.display()),
                Origin::Env(_) | Origin::Credential(_) => "keep it from others".to_owned(),
            },
        ),
        Ok(_) => Check::Credentials.ok(format!("{role}: {origin} can be read")),
    }
}

fn notify(survey: &Survey) -> Vec<Finding> {
    let Survey { config, outline, .. } = survey;
    if outline.notify.is_empty() {
        return vec![Check::Notify.skipped("there is no [[notify]]: nobody is told what waits for a person")];
    }
    let entry = |source: &config::Notify| {
        if !config.notify.iter().any(|usable| usable.name == source.name) {
            let what = format!("{}: it cannot be used as it stands", source.name);
            return Check::Notify.fail(what, "see the lines `configuration` and `credentials`");
        }
        told(config, source)
    };
    outline.notify.iter().map(entry).collect()
}

fn told(config: &Config, source: &config::Notify) -> Finding {
    let name = &source.name;
    let only: Vec<_> = config.notify.iter().filter(|one| one.name == *name).cloned().collect();
    let one = Config { notify: only, ..config.clone() };
    if let Err(error) = Notices::new(&one, None) {
        let what = format!("{name}: {}", with_sources(&error));
        return Check::Notify.fail(what, "copy the robot's address from its settings; menshen notify test tries it");
    }
    if let NotifyKind::Command { argv } = &source.kind {
        let program = argv.first().map(String::as_str).unwrap_or_default();
        let runs =
            std::fs::metadata(program).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
        if !runs {
            let what = format!("{name}: {program} is no program that can be run");
            return Check::Notify.fail(what, "put it there, readable and executable for the user of the service");
        }
    }
    Check::Notify.ok(format!("{name}: it can be told; nothing was sent (menshen notify test sends something)"))
}

fn timezone(config: &Config, now: Timestamp) -> Finding {
    let local = now.to_zoned(config.service.timezone.clone());
    let zone = &config.service.timezone_name;
    let shown = local.strftime("%Y-%m-%d %H:%M");
    match next_tick(&config.service, now) {
        Some(next) => {
            let next = next.to_zoned(config.service.timezone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
            Check::Timezone.ok(format!("in {zone} it is {shown}; the next pass is due at {next}"))
        }
        None => Check::Timezone.fail(
            format!("in {zone} it is {shown}, and the schedule {} never comes", config.service.schedule.pattern()),
            "write a [service] schedule that does, as 0 */2 * * * *",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Status;
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn secrets_are_named_by_place_and_must_be_ours_alone() {
        let file = Origin::File(PathBuf::from("/etc/menshen/secret"));
        let unread = |help: &str| Err(Unread { why: "there is no such file".to_owned(), help: help.to_owned() });
        let cases = [
            (file.clone(), Ok(Some(0o600)), Status::Ok, "file /etc/menshen/secret"),
            (file.clone(), Ok(Some(0o640)), Status::Ok, "can be read"),
            (file.clone(), Ok(Some(0o644)), Status::Fail, "mode 0644"),
            (file.clone(), Ok(Some(0o602)), Status::Fail, "everybody"),
            (file, unread("put it there"), Status::Fail, "no such file"),
            (Origin::Env("SECRET".to_owned()), Ok(None), Status::Ok, "environment variable SECRET"),
            (Origin::Credential("app".to_owned()), unread("load it"), Status::Fail, "secret: there is"),
        ];
        for (origin, looked, status, words) in cases {
            let found = credential("secret", &origin, looked.clone());
            assert_eq!((found.status, found.what.contains(words)), (status, true), "{origin} {looked:?}: {found:?}");
            assert_eq!(found.mend.is_some(), status == Status::Fail, "{found:?}");
        }
    }

    #[test]
    fn names_are_few() {
        assert_eq!(named(&["a", "b", "c"]), "a, b, c");
        assert_eq!(named(&["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }
}
