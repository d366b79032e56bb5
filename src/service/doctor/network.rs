//! The way to WeChat, and what time it is there: one line for every step of every way that accounts go.

use super::finding::{Check, Finding, span};
use super::{Examination, Reachable};
use crate::config::{self, Token, Wechat};
use crate::service::account;
use crate::wechat::{Barrier, BarrierKind, Clock, Journey, Leg, Passage, Reached};
use futures_util::{StreamExt, stream};
use jiff::SignedDuration;
use std::io::Read;
use std::sync::Arc;

/// Ways that are gone at the same time.
const AT_ONCE: usize = 8;
/// A clock may be off by so much without a word.
const CLOCK_FINE_SECS: i64 = 30;
/// Beyond it times in rules and warnings are wrong, and signed notices are refused.
const CLOCK_WRONG_SECS: i64 = 300;
/// More than all roots a system trusts.
const CERTIFICATES_BYTES_MAX: u64 = 4 << 20;

/// Goes every way once, and tells of each as soon as those before it are told.
pub(super) async fn look(examination: &Examination<'_>, tell: &mut (dyn FnMut(Finding) + Send)) {
    let ways = ways(examination);
    if ways.is_empty() {
        tell(Check::Connection.skipped("no account says where WeChat is"));
        return;
    }
    if examination.network == Reachable::Offline {
        for (base_url, _) in &ways {
            tell(Check::Connection.skipped(format!("{base_url}: --offline")));
        }
        return;
    }
    let gone = ways.iter().map(|(base_url, journey)| async move { judge(base_url, &journey.travel().await) });
    let mut gone = stream::iter(gone).buffered(AT_ONCE);
    while let Some(findings) = gone.next().await {
        findings.into_iter().for_each(&mut *tell);
    }
}

/// The different ways of the accounts in question, and where each leads.
fn ways(examination: &Examination<'_>) -> Vec<(String, Journey)> {
    let survey = examination.survey;
    let mut ways: Vec<(&Wechat, bool)> = Vec::new();
    for outline in survey.outline.accounts.iter().filter(|account| examination.concerns(&account.name)) {
        // With its certificates read, if all of the account is right.
        let whole = survey.config.accounts.iter().find(|account| account.name == outline.name);
        let (wechat, tokenless) = (&whole.unwrap_or(outline).wechat, outline.token == Token::None);
        if !ways.iter().any(|(known, _)| same_way(known, wechat)) {
            ways.push((wechat, tokenless));
        }
    }
    ways.into_iter().map(|(wechat, tokenless)| (wechat.base_url.clone(), journey(wechat, tokenless))).collect()
}

fn same_way(one: &Wechat, other: &Wechat) -> bool {
    let ca = |wechat: &Wechat| wechat.ca_file.as_ref().map(|file| file.path.clone());
    one.base_url == other.base_url && one.proxy == other.proxy && ca(one) == ca(other)
}

fn journey(wechat: &Wechat, tokenless: bool) -> Journey {
    Journey {
        base_url: wechat.base_url.clone(),
        tokenless,
        proxy: account::proxy(wechat),
        ca_pem: wechat.ca_file.as_ref().and_then(certificates),
        timeout: account::timeout(wechat.timeout),
    }
}

/// What the configuration read, or reads only where everything else of the account is right.
fn certificates(file: &config::CaFile) -> Option<Arc<[u8]>> {
    if !file.pem.is_empty() {
        return Some(Arc::clone(&file.pem));
    }
    let opened =
        std::fs::File::open(&file.path).ok().filter(|file| file.metadata().is_ok_and(|found| found.is_file()))?;
    let mut pem = Vec::new();
    opened.take(CERTIFICATES_BYTES_MAX).read_to_end(&mut pem).ok()?;
    Some(pem.into())
}

/// A line for every step, and one for the clock.
fn judge(base_url: &str, reached: &Reached) -> Vec<Finding> {
    let step = |(leg, passage): &(Leg, Passage)| {
        let check = check_of(*leg);
        match passage {
            Passage::Open(what) => check.ok(format!("{base_url}: {what}")),
            Passage::Spared(why) => check.skipped(format!("{base_url}: {why}")),
            Passage::Odd(what) => check.warn(
                format!("{base_url}: {what}"),
                "a gateway or proxy may answer in its place; see base_url. If calls work all the same, it is well",
            ),
            Passage::Barred(Barrier { kind, detail }) => check.fail(format!("{base_url}: {detail}"), mend(*kind)),
        }
    };
    let mut found: Vec<Finding> = reached.steps.iter().map(step).collect();
    found.push(match &reached.clock {
        None => Check::Clock.skipped(format!("{base_url}: no Date came to compare with")),
        Some(clock) => clock_against(base_url, clock),
    });
    found
}

fn check_of(leg: Leg) -> Check {
    match leg {
        Leg::Certificates => Check::Certificates,
        Leg::Proxy => Check::Proxy,
        Leg::Name => Check::Dns,
        Leg::Connection => Check::Connection,
        Leg::Tls => Check::Tls,
        Leg::Answer => Check::Answer,
    }
}

fn mend(kind: BarrierKind) -> &'static str {
    match kind {
        BarrierKind::NoSuchName => {
            "see the host in base_url (or proxy); `getent hosts HOST` must find it on this machine"
        }
        BarrierKind::NoNameServer => {
            "see the network and /etc/resolv.conf; where only a proxy leads out, set [wechat] proxy"
        }
        BarrierKind::Refused => "see host and port; a firewall may refuse: this machine must get out to it",
        BarrierKind::Unreachable => "see the network: `ip route get ADDRESS`, and that the interface is up",
        BarrierKind::Silent => {
            "a firewall may swallow it: let this machine out to that port, or set [wechat] proxy. If WeChat is merely slow, raise timeout"
        }
        BarrierKind::SetUp => "install the package ca-certificates; see ca_file and proxy",
        BarrierKind::Untrusted => {
            "a company's TLS gateway: name its certificate in [wechat] ca_file. Elsewhere install ca-certificates, and trust nothing you do not know"
        }
        BarrierKind::WrongName => "another host answers in its place: see base_url, /etc/hosts and the proxy",
        BarrierKind::OutOfDate => {
            "see this machine's clock first; if it is right, whoever keeps that certificate must renew it"
        }
        BarrierKind::NoTls => "what listens there speaks no TLS we understand: see scheme, host and port of base_url",
        BarrierKind::ProxyRefuses => {
            "see the proxy's user and password in [wechat] proxy, and that it lets us through to WeChat's host and port 443"
        }
        BarrierKind::Broken => "a firewall or gateway on the way may end connections; try again, then see its logs",
    }
}

fn clock_against(base_url: &str, clock: &Clock) -> Finding {
    let off = off_secs(clock);
    let direction = if off < 0 { "behind" } else { "ahead of" };
    let amount = span(off.unsigned_abs());
    let tolerance = format!("({CLOCK_FINE_SECS} s are tolerated)");
    let what = format!("this machine's clock is {amount} {direction} that of {base_url} {tolerance}");
    let mend = "let NTP set the clock: timedatectl set-ntp true, then timedatectl timesync-status";
    if off.abs() <= CLOCK_FINE_SECS {
        return Check::Clock.ok(format!("this machine's clock agrees with that of {base_url} {tolerance}"));
    }
    match off.abs() <= CLOCK_WRONG_SECS {
        true => Check::Clock.warn(what, mend),
        false => Check::Clock.fail(what, mend),
    }
}

/// How far our clock is ahead, beyond what the length of the way and whole seconds explain.
fn off_secs(clock: &Clock) -> i64 {
    let took = SignedDuration::try_from(clock.took).unwrap_or(SignedDuration::MAX);
    let (earliest, latest) = (clock.asked, clock.asked.saturating_add(took).unwrap_or(clock.asked));
    // It showed whole seconds: it was this second, or up to the next.
    let until = clock.shown.saturating_add(SignedDuration::from_secs(1)).unwrap_or(clock.shown);
    if until < earliest {
        earliest.duration_since(until).as_secs()
    } else if clock.shown > latest {
        latest.duration_since(clock.shown).as_secs()
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Status;
    use super::*;
    use jiff::Timestamp;
    use std::time::Duration;

    #[test]
    fn clocks() {
        let at = |secs: i64| Timestamp::from_second(1_800_000_000 + secs).expect("an instant");
        let cases = [
            // Shown, how long it took: as it should be.
            (0, 0, 0, Status::Ok),
            (3, 5, 0, Status::Ok),
            (-30, 0, 29, Status::Ok),
            (-32, 0, 31, Status::Warn),
            (-301, 0, 300, Status::Warn),
            (-302, 0, 301, Status::Fail),
            (40, 5, -35, Status::Warn),
            (310, 5, -305, Status::Fail),
            (-86_401, 0, 86_400, Status::Fail),
        ];
        for (shown, took, off, status) in cases {
            let clock = Clock { shown: at(shown), asked: at(0), took: Duration::from_secs(took) };
            assert_eq!(off_secs(&clock), off, "{shown} {took}");
            let found = clock_against("https://api.weixin.qq.com", &clock);
            assert_eq!(found.status, status, "{found:?}");
            assert!(found.what.contains("30 s are tolerated"), "{found:?}");
        }
        let ahead = Clock { shown: at(-602), asked: at(0), took: Duration::ZERO };
        assert!(clock_against("x", &ahead).what.contains("10 min 1 s ahead of"), "{:?}", clock_against("x", &ahead));
    }

    #[test]
    fn every_step_has_its_line_and_a_barred_one_its_mending() {
        let barrier = |kind| Passage::Barred(Barrier { kind, detail: "detail".to_owned() });
        let reached = Reached {
            steps: vec![
                (Leg::Certificates, Passage::Open("good".to_owned())),
                (Leg::Name, barrier(BarrierKind::NoSuchName)),
                (Leg::Connection, Passage::Spared("no address")),
                (Leg::Answer, Passage::Odd("who is it".to_owned())),
            ],
            clock: None,
        };
        let found = judge("https://x", &reached);
        let shown: Vec<(&str, Status, bool)> =
            found.iter().map(|f| (f.check.id(), f.status, f.mend.is_some())).collect();
        assert_eq!(
            shown,
            [
                ("certificates", Status::Ok, false),
                ("dns", Status::Fail, true),
                ("connection", Status::Skipped, false),
                ("answer", Status::Warn, true),
                ("clock", Status::Skipped, false),
            ]
        );
    }
}
