//! What an account was told, as lines: which of its troubles is whose to mend. Pure.

use super::{Asked, Fetched, Seen};
use crate::config::Pending;
use crate::service::doctor::{
    Site,
    finding::{Check, Finding, span},
};
use crate::service::pass::with_sources;
use crate::wechat::{Error, Quota};
use jiff::Timestamp;

/// Less than a tenth of a day's quota is little.
const LITTLE: i64 = 10;

/// What an answer is held against.
pub(super) struct Scene {
    pub(super) pending: Pending,
    pub(super) site: Site,
    pub(super) now: Timestamp,
}

/// The lines of one account.
pub(super) fn judge(asked: &Asked, scene: &Scene) -> Vec<Finding> {
    let (list, oldest) = (asked.page.as_ref().map(list), oldest(asked.page.as_ref(), scene));
    let (ip, permission) = (ip_list(asked), permission(asked));
    let no_token = match &asked.token {
        Fetched::Had(_) => "it was not asked for",
        Fetched::Failed(_) => "there is no token to ask with",
        Fetched::LeftAlone(_) => "no token was fetched",
    };
    vec![
        token(&asked.token, scene),
        ip.unwrap_or_else(|| Check::IpList.skipped(no_token)),
        permission.unwrap_or_else(|| Check::Permission.skipped(no_token)),
        list.unwrap_or_else(|| Check::List.skipped(no_token)),
        oldest.unwrap_or_else(|| Check::OldestPending.skipped("the list was not read")),
        asked.quota.as_ref().map_or_else(|| Check::Quota.skipped(no_token), quota),
    ]
}

fn token(token: &Fetched, scene: &Scene) -> Finding {
    match token {
        Fetched::LeftAlone(why) => Check::Token.skipped(*why),
        Fetched::Failed(error) => Check::Token.fail(with_sources(error), advice(error)),
        Fetched::Had(state) if state.kind == "none" => Check::Token.ok("kind none: the side-car adds it on the way"),
        Fetched::Had(state) => {
            let left = state.expires_at.map(|at| at.duration_since(scene.now).as_secs().unsigned_abs());
            let life = left.map(|secs| format!(", good for {} more", span(secs))).unwrap_or_default();
            Check::Token.ok(format!("kind {}, from {}{life}", state.kind, state.source))
        }
    }
}

fn advice(error: &Error) -> String {
    let advice = error.advice();
    advice.unwrap_or("run menshen doctor again; if it stays, see the lines of the network".into()).into_owned()
}

/// The first error of the account that one of these numbers explains.
fn first(asked: &Asked, concerned: impl Fn(i64) -> bool) -> Option<&Error> {
    let token = match &asked.token {
        Fetched::Failed(error) => Some(error),
        Fetched::Had(_) | Fetched::LeftAlone(_) => None,
    };
    let page = asked.page.as_ref().and_then(|page| page.as_ref().err());
    token.into_iter().chain(page).find(|error| error.errcode().is_some_and(&concerned))
}

fn answered(asked: &Asked) -> bool {
    let by_number = |error: &Error| error.errcode().is_some();
    match (&asked.token, &asked.page) {
        (_, Some(page)) => page.as_ref().err().is_none_or(by_number),
        (Fetched::Failed(error), None) => by_number(error),
        _ => false,
    }
}

/// 40164 and its kin: the address we come from is on no list.
fn ip_list(asked: &Asked) -> Option<Finding> {
    if let Some(error) = first(asked, |code| matches!(code, 40164 | 45035 | 61004 | 89501..=89507)) {
        let what = match error.seen_ip() {
            Some(ip) => format!("WeChat saw {ip}, which is not on the list (errcode 40164)"),
            None => with_sources(error),
        };
        return Some(Check::IpList.fail(what, advice(error)));
    }
    match (answered(asked), &asked.token) {
        (true, _) => Some(Check::IpList.ok("WeChat takes calls from here")),
        (false, Fetched::Failed(_)) => Some(Check::IpList.skipped("WeChat did not answer")),
        (false, _) => asked.page.as_ref().map(|_| Check::IpList.skipped("WeChat did not answer")),
    }
}

/// What says that the account may not use the interface, whatever it asks for.
fn permission(asked: &Asked) -> Option<Finding> {
    let forbidden = |code| {
        let of_the_account = matches!(code, 48001 | 48004 | 50002 | 89044 | 89244);
        of_the_account || matches!(code, -604_101 | 61003 | 61007 | 61016..=61021 | 61028 | 61029)
    };
    if let Some(error) = first(asked, forbidden) {
        return Some(Check::Permission.fail(with_sources(error), advice(error)));
    }
    Some(match asked.page.as_ref()? {
        Ok(_) => Check::Permission.ok("/wxa/devplugin may be used"),
        Err(_) => Check::Permission.skipped("the list could not be read for another reason"),
    })
}

fn list(page: &Result<Seen, Error>) -> Finding {
    match page {
        Err(error) => Check::List.fail(with_sources(error), advice(error)),
        Ok(Seen { unreadable: 0, entries, pending, full, .. }) => {
            let more = if *full { "first page: " } else { "" };
            Check::List.ok(format!("{more}{entries} applications, {pending} of them pending"))
        }
        Ok(Seen { unreadable, entries, .. }) => Check::List.warn(
            format!("{unreadable} of {entries} entries on the first page cannot be read"),
            "menshen run --dry-run names each; what cannot be read is left alone, so look at it in WeChat's console",
        ),
    }
}

fn oldest(page: Option<&Result<Seen, Error>>, scene: &Scene) -> Option<Finding> {
    let Ok(seen) = page? else { return None };
    let on = if seen.full { " on the first page" } else { "" };
    let Some(applied) = seen.oldest else {
        let what = match seen.pending {
            0 => format!("nothing is pending{on}"),
            pending => format!("{pending} are pending{on}; when they applied is not told"),
        };
        return Some(as_far_as_seen(seen, scene, what));
    };
    let waited = u64::try_from(scene.now.duration_since(applied).as_secs()).unwrap_or(0);
    let (window, warn_before) = (scene.pending.window.as_secs(), scene.pending.warn_before.as_secs());
    let what = format!("{} pending{on}; the oldest waits for {}", seen.pending, span(waited));
    if scene.site == Site::Sandbox || waited < window.saturating_sub(warn_before) {
        return Some(as_far_as_seen(seen, scene, what));
    }
    let until = match window.checked_sub(waited) {
        Some(left) => format!("{what} and is timed out in {}", span(left)),
        None => format!("{what}, longer than [pending] window"),
    };
    Some(Check::OldestPending.warn(until, "see that the service runs, and decide what is held: menshen review list"))
}

/// What stands on later pages may wait longer: one page proves nothing about them.
fn as_far_as_seen(seen: &Seen, scene: &Scene, what: String) -> Finding {
    match seen.full && scene.site != Site::Sandbox {
        true => Check::OldestPending
            .skipped(format!("{what}; later pages were not read: menshen status tells the oldest of all")),
        false => Check::OldestPending.ok(what),
    }
}

fn quota(quota: &Result<Quota, Error>) -> Finding {
    match quota {
        Err(error) if matches!(error.errcode(), Some(45009 | 45011)) => {
            Check::Quota.fail(with_sources(error), advice(error))
        }
        Err(error) => Check::Quota.skipped(format!("WeChat does not tell it: {}", with_sources(error))),
        Ok(Quota { remain: None, .. }) => Check::Quota.skipped("WeChat does not tell it"),
        Ok(Quota { remain: Some(remain), daily_limit, .. }) => {
            let of = daily_limit.map(|limit| format!(" of {limit}")).unwrap_or_default();
            let what = format!("{remain}{of} calls are left today (Beijing's day)");
            match (*remain, daily_limit) {
                (..=0, _) => {
                    Check::Quota.fail(what, "wait for midnight in Beijing; clear_quota restores it ten times a month")
                }
                (remain, Some(limit)) if remain < limit / LITTLE => Check::Quota
                    .warn(what, "poll less often ([service] schedule), or shorten the list with [housekeeping]"),
                _ => Check::Quota.ok(what),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::doctor::Status as Mark;
    use crate::wechat::TokenState;
    use std::time::Duration;

    fn api(errcode: i64, errmsg: &str) -> Error {
        Error::Api { errcode, errmsg: errmsg.to_owned(), rid: None }
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + secs).expect("an instant")
    }

    fn had() -> Fetched {
        Fetched::Had(TokenState {
            kind: "stable",
            source: "POST /cgi-bin/stable_token".to_owned(),
            obtained_at: Some(at(0)),
            expires_at: Some(at(7200)),
        })
    }

    fn plenty() -> Option<Result<Quota, Error>> {
        let none = (None, None);
        Some(Ok(Quota {
            daily_limit: Some(100),
            used: Some(1),
            remain: Some(99),
            rate_limit: none.0,
            component_rate_limit: none.1,
        }))
    }

    /// The marks of token, ip-list, permission, list, oldest-pending and quota: `.` ok, `!` warn, `x` fail, `-` skipped.
    #[track_caller]
    fn check(asked: &Asked, marks: &str, words: &str) {
        let pending = Pending { window: Duration::from_secs(86_400), warn_before: Duration::from_secs(6 * 3600) };
        let found = judge(asked, &Scene { pending, site: Site::Real, now: at(0) });
        let mark = |finding: &Finding| match finding.status {
            Mark::Ok => '.',
            Mark::Warn => '!',
            Mark::Fail => 'x',
            Mark::Skipped => '-',
        };
        assert_eq!(found.iter().map(mark).collect::<String>(), marks, "{found:#?}");
        let bad = |finding: &Finding| matches!(finding.status, Mark::Warn | Mark::Fail);
        assert!(found.iter().all(|finding| finding.mend.is_some() == bad(finding)), "{found:#?}");
        let told = |finding: &Finding| format!("{} {}", finding.what, finding.mend.clone().unwrap_or_default());
        assert!(found.iter().any(|finding| told(finding).contains(words)), "no {words:?} in {found:#?}");
    }

    #[test]
    fn what_wechat_says_becomes_lines() {
        let page = |seen: Seen| Some(Ok(seen));
        let list = Seen { entries: 3, pending: 1, oldest: Some(at(-3600)), ..Seen::default() };
        let without = |token| Asked { token, page: None, quota: None };
        let refused =
            |errcode, errmsg: &str| Asked { token: had(), page: Some(Err(api(errcode, errmsg))), quota: plenty() };
        let no_token = |error| without(Fetched::Failed(Error::Token(Box::new(error))));
        check(
            &Asked { token: had(), page: page(list), quota: plenty() },
            "......",
            "3 applications, 1 of them pending",
        );
        check(&no_token(api(40164, "invalid ip 1.2.3.4, not in whitelist")), "xx----", "WeChat saw 1.2.3.4");
        check(&no_token(api(40164, "invalid ip 1.2.3.4, not in whitelist")), "xx----", "add 1.2.3.4 to 开发管理");
        check(&no_token(api(40125, "invalid appsecret")), "x.----", "check the AppSecret");
        check(&no_token(Error::Timeout { after: Duration::from_secs(3) }), "x-----", "no answer from WeChat");
        check(&refused(48001, "api unauthorized"), "..xx-.", "the mini program that owns the plugin");
        check(&refused(61007, "api is unauthorized to component"), "..xx-.", "permission set 40");
        check(&refused(40164, "invalid ip ::1, not in whitelist"), ".x-x-.", "WeChat saw ::1");
        check(&refused(45009, "reach max api daily quota limit"), "..-x-.", "midnight Beijing");
        let lost = Asked { token: had(), page: Some(Err(Error::Http { status: 502 })), quota: None };
        check(&lost, ".--x--", "HTTP status 502");
        check(&without(Fetched::LeftAlone("--offline")), "------", "--offline");
        check(
            &Asked { token: had(), page: page(Seen { unreadable: 1, ..list }), quota: plenty() },
            "...!..",
            "cannot be read",
        );
        let first_of_many = Seen { full: true, ..list };
        check(&Asked { token: had(), page: page(first_of_many), quota: plenty() }, "....-.", "menshen status");
        let late = Seen { oldest: Some(at(-19 * 3600)), ..list };
        check(&Asked { token: had(), page: page(late), quota: plenty() }, "....!.", "timed out in 5 h");
        let gone = Seen { oldest: Some(at(-90_000)), ..list };
        check(&Asked { token: had(), page: page(gone), quota: plenty() }, "....!.", "longer than [pending] window");
        let left = |remain| {
            Some(Ok(Quota {
                daily_limit: Some(100),
                used: None,
                remain: Some(remain),
                rate_limit: None,
                component_rate_limit: None,
            }))
        };
        check(&Asked { token: had(), page: page(list), quota: left(0) }, ".....x", "0 of 100 calls");
        check(&Asked { token: had(), page: page(list), quota: left(9) }, ".....!", "9 of 100 calls");
        let silent = Asked { token: had(), page: page(list), quota: Some(Err(api(76003, "no permission"))) };
        check(&silent, ".....-", "WeChat does not tell it");
    }
}
