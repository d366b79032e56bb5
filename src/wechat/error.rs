//! The one error of this room, and what the caller does about it.
//!
//! Promises that neither `Display` nor `Debug` holds a secret, a token, an
//! address or an applicant's words: WeChat's own message is cleaned and cut
//! before it gets in here, and an HTTP error comes without its URL.

use super::{errcodes, pause::Pause};
use std::{borrow::Cow, net::IpAddr, time::Duration};

/// What went wrong on the way to WeChat or back.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// WeChat answered with an errcode other than 0.
    #[error("WeChat answered {errcode}: {}", shown(*errcode, errmsg))]
    Api {
        /// Its number; [`explain`](super::explain) knows the documented ones.
        errcode: i64,
        /// Its words, cleaned and cut, with the rid they end in.
        errmsg: String,
        /// The request id to look the call up by (within 7 days).
        rid: Option<String>,
    },
    /// No complete answer in time. The work may have been done.
    #[error("no answer from WeChat within {} ms", after.as_millis())]
    Timeout {
        /// What was waited.
        after: Duration,
    },
    /// No connection came about; nothing was sent.
    #[error("no connection to WeChat: {detail}")]
    Connect {
        /// The cause, e.g. `Connection refused`.
        detail: String,
    },
    /// The connection broke after the call went out. The work may have been done.
    #[error("the connection to WeChat broke: {detail}")]
    Transport {
        /// The cause, e.g. `connection reset by peer`.
        detail: String,
    },
    /// An HTTP status other than 2xx: WeChat says 200 to everything it understands.
    #[error("HTTP status {status} instead of an answer")]
    Http {
        /// The status.
        status: u16,
    },
    /// An answer that is no WeChat answer.
    #[error("the answer cannot be read: {problem}")]
    Unreadable {
        /// What is wrong with it; holds nothing of the answer.
        problem: String,
    },
    /// An answer larger than any honest one.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// Where reading stopped.
        limit: usize,
    },
    /// No access token could be had; the call itself never went out.
    #[error("no access token")]
    Token(#[source] Box<Error>),
    /// WeChat rejects the token it has just handed out, and asking by force did not help or is not allowed now.
    #[error("WeChat rejects the access token it hands out")]
    TokenRejected(#[source] Option<Box<Error>>),
    /// The token is kept fresh by somebody else, and what he hands out is the one WeChat has just rejected.
    #[error("WeChat rejects the access token that {origin} hands out")]
    TokenKept {
        /// `the command`, `the file`, `the service at url`.
        origin: &'static str,
        /// WeChat's words, if it was this call that was rejected.
        #[source]
        rejected: Option<Box<Error>>,
    },
    /// Tokens of ours die before their time again and again: another system fetches its own and ends them.
    #[error("another system fetches {kind} tokens for this appid and ends ours; the next is fetched in {} s", wait.as_secs())]
    TokenFight {
        /// The kind, as in the configuration.
        kind: &'static str,
        /// How long we keep out of it.
        wait: Duration,
    },
    /// There is a side-car that should add the token, and it did not.
    #[error("the call reached WeChat without a token that is valid: cloud hosting's side-car added none")]
    Sidecar,
    /// What somebody else hands out could not be had; `problem` holds nothing of it.
    #[error("{what}: {problem}")]
    Outside {
        /// What was asked, e.g. `the file /run/wx/token`.
        what: String,
        /// What is wrong, e.g. `there is no such file`.
        problem: String,
    },
    /// WeChat does not take the component ticket, or there is none.
    #[error("the third-party platform has no component ticket that WeChat takes")]
    Ticket {
        /// How long this has been so.
        since: Duration,
        /// What it was, the last time.
        #[source]
        cause: Box<Error>,
    },
    /// WeChat lists no authorization of this mini program for the platform.
    #[error("the third-party platform has no refresh token for this mini program: it is not authorized")]
    NotAuthorized,
    /// The refresh token cannot be kept, so no access token is fetched.
    #[error("the refresh token cannot be kept in {path}: {problem}")]
    Keeping {
        /// The file or directory.
        path: String,
        /// What the system says.
        problem: String,
    },
    /// The client pauses itself; nothing was sent.
    #[error("{0}")]
    Paused(Pause),
    /// The list did not end.
    #[error("the list of applications did not end within {pages} pages")]
    Endless {
        /// The ceiling.
        pages: u32,
    },
    /// The call makes no sense and was not sent.
    #[error("not sent: {problem}")]
    Request {
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// What the caller does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Back off and repeat. A change may have been made all the same: read before repeating one.
    Retry,
    /// The token is not valid any more; the client itself asks for another and repeats once.
    Refresh,
    /// Somebody or something else moved the application: read the list again. No failure.
    State,
    /// Stop calling for a while; [`Client::pause`](super::Client::pause) says how long. Tell a person.
    Pause,
    /// Stop and tell a person; trying again does not help.
    Human,
    /// Our call was wrong.
    Bug,
}

impl Class {
    /// The word used in logs and records.
    pub fn word(self) -> &'static str {
        match self {
            Class::Retry => "retry",
            Class::Refresh => "refresh",
            Class::State => "state",
            Class::Pause => "pause",
            Class::Human => "human",
            Class::Bug => "bug",
        }
    }
}

impl Error {
    /// What the caller does next.
    pub fn class(&self) -> Class {
        match self {
            // What is not documented is for a person to look up.
            Error::Api { errcode, .. } => errcodes::explain(*errcode).map_or(Class::Human, |m| m.class),
            Error::Timeout { .. } | Error::Connect { .. } | Error::Transport { .. } => Class::Retry,
            Error::Unreadable { .. } | Error::TooLarge { .. } => Class::Retry,
            Error::Http { status: 408 | 425 | 429 | 500.. } => Class::Retry,
            // 412: the body arrived chunked; WeChat takes only bodies with a Content-Length.
            Error::Http { status: 412 } => Class::Bug,
            Error::Http { .. } => Class::Human,
            // A token that the token endpoint rejects is the AppSecret: no use in another token.
            Error::Token(inner) if inner.class() == Class::Refresh => Class::Human,
            Error::Token(inner) => inner.class(),
            Error::TokenRejected(_) | Error::Endless { .. } => Class::Human,
            // A ticket comes every ten minutes: an hour without one is no accident.
            Error::Ticket { since, cause } => match (cause.class(), *since < TICKET_PATIENCE) {
                (Class::Human, true) => Class::Retry,
                (class, _) => class,
            },
            Error::TokenKept { .. } | Error::TokenFight { .. } | Error::Sidecar | Error::Outside { .. } => Class::Human,
            Error::NotAuthorized | Error::Keeping { .. } => Class::Human,
            Error::Paused(_) => Class::Pause,
            Error::Request { .. } => Class::Bug,
        }
    }

    /// WeChat's number, if WeChat answered with one (at the token endpoint, too).
    pub fn errcode(&self) -> Option<i64> {
        match self {
            Error::Api { errcode, .. } => Some(*errcode),
            Error::Token(inner)
            | Error::TokenRejected(Some(inner))
            | Error::TokenKept { rejected: Some(inner), .. }
            | Error::Ticket { cause: inner, .. } => inner.errcode(),
            Error::Paused(pause) => Some(pause.errcode),
            _ => None,
        }
    }

    /// WeChat's words, cleaned and cut, with the rid they end in.
    pub fn errmsg(&self) -> Option<&str> {
        match self {
            Error::Api { errmsg, .. } => Some(errmsg),
            Error::Token(inner)
            | Error::TokenRejected(Some(inner))
            | Error::TokenKept { rejected: Some(inner), .. }
            | Error::Ticket { cause: inner, .. } => inner.errmsg(),
            _ => None,
        }
    }

    /// WeChat's request id: what its support asks for.
    pub fn rid(&self) -> Option<&str> {
        match self {
            Error::Api { rid, .. } => rid.as_deref(),
            Error::Token(inner)
            | Error::TokenRejected(Some(inner))
            | Error::TokenKept { rejected: Some(inner), .. }
            | Error::Ticket { cause: inner, .. } => inner.rid(),
            _ => None,
        }
    }

    /// The address WeChat saw us come from, where it says that it is on no list.
    pub fn seen_ip(&self) -> Option<IpAddr> {
        (self.errcode() == Some(40164)).then(|| address(self.errmsg()?)).flatten()
    }

    /// The same, of a call that WeChat had rejected with these words.
    pub(super) fn after(self, first: Error) -> Error {
        match self {
            Error::TokenRejected(None) => Error::TokenRejected(Some(Box::new(first))),
            Error::TokenKept { origin, rejected: None } => Error::TokenKept { origin, rejected: Some(Box::new(first)) },
            error => error,
        }
    }

    /// What a person does about it, in a sentence without a full stop.
    pub fn advice(&self) -> Option<Cow<'static, str>> {
        match self {
            Error::Api { errcode: 40164, errmsg, .. } => Some(match address(errmsg) {
                Some(ip) => format!("add {ip} to 开发管理 - 开发设置 - IP白名单").into(),
                None => errcodes::explain(40164)?.advice.into(),
            }),
            Error::Api { errcode, .. } => match errcodes::explain(*errcode) {
                Some(meaning) => Some(meaning.advice.into()),
                None => Some("look the number up at developers.weixin.qq.com".into()),
            },
            Error::Token(inner) => inner.advice(),
            Error::Paused(pause) => Some(errcodes::explain(pause.errcode)?.advice.into()),
            Error::TokenRejected(_) => Some(REJECTED.into()),
            Error::TokenKept { .. } => Some(KEPT.into()),
            Error::TokenFight { .. } => Some(FIGHT.into()),
            Error::Sidecar => Some(SIDECAR.into()),
            Error::Outside { .. } => {
                Some("run or look at it as the user of the service; it must hand out the token alone".into())
            }
            Error::Ticket { .. } => Some(TICKET.into()),
            Error::NotAuthorized => Some(errcodes::explain(61003)?.advice.into()),
            Error::Keeping { .. } => Some("make room, and let the user of the service write into state_dir".into()),
            Error::Connect { .. } => Some("check the network, wechat.base_url, proxy and ca_file".into()),
            Error::Http { status: 300..400 | 403 | 407 } => Some("a proxy or gateway answers in WeChat's place".into()),
            Error::Unreadable { .. } => Some("check wechat.base_url and proxy if this goes on".into()),
            Error::TooLarge { .. } => Some("lower wechat.page_size".into()),
            _ => None,
        }
    }
}

/// Where another system interferes, no further token of ours will live longer.
const REJECTED: &str = "see whether another system refreshes this appid's stable token by force";

const KEPT: &str = "whoever keeps this token fresh must renew it: menshen only reads it again. See also that it is for this appid, \
     and that no other system fetches tokens beside him";
const FIGHT: &str = "use kind = \"stable\", whose tokens nobody ends, or let one system fetch tokens and the others read them \
     (kind = \"external\")";
const SIDECAR: &str = "switch 开放接口服务 on and deploy the version again, call http://api.weixin.qq.com, and put /wxa/devplugin on the \
     list 微信令牌权限; outside cloud hosting use another kind of token";
const TICKET: &str = "nothing to do at first: a new ticket has been asked for (api_start_push_ticket) and comes within 10 minutes. If this \
     goes on for an hour, see whether the platform's receiver still gets tickets and writes them where [platform] ticket says";
/// WeChat sends a ticket every ten minutes, and each is good for twelve hours.
const TICKET_PATIENCE: Duration = Duration::from_secs(3600);

/// WeChat's words, or ours where it sent none.
fn shown(errcode: i64, errmsg: &str) -> Cow<'_, str> {
    match (errmsg, errcodes::explain(errcode)) {
        ("", Some(meaning)) => meaning.meaning.into(),
        ("", None) => "(no message)".into(),
        (text, Some(meaning)) => format!("{text} ({})", meaning.meaning).into(),
        (text, None) => text.into(),
    }
}

/// The address in `invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist`.
fn address(errmsg: &str) -> Option<IpAddr> {
    let words = errmsg.split(|c: char| c.is_whitespace() || c == ',');
    words.filter_map(|word| word.parse().ok()).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(errcode: i64, errmsg: &str) -> Error {
        Error::Api { errcode, errmsg: errmsg.into(), rid: None }
    }

    #[test]
    fn what_the_caller_does_next() {
        let token = |inner: Error| Error::Token(Box::new(inner));
        let cases = [
            (api(-1, ""), Class::Retry),
            (api(40001, ""), Class::Refresh),
            (token(api(40001, "")), Class::Human),
            (token(api(-1, "")), Class::Retry),
            (token(api(45009, "")), Class::Pause),
            (token(Error::Connect { detail: String::new() }), Class::Retry),
            (api(4_711, ""), Class::Human),
            (Error::Http { status: 502 }, Class::Retry),
            (Error::Http { status: 429 }, Class::Retry),
            (Error::Http { status: 412 }, Class::Bug),
            (Error::Http { status: 302 }, Class::Human),
            (Error::Http { status: 404 }, Class::Human),
            (Error::Timeout { after: Duration::from_secs(1) }, Class::Retry),
            (Error::Unreadable { problem: String::new() }, Class::Retry),
            (Error::TokenRejected(None), Class::Human),
            (Error::Endless { pages: 3 }, Class::Human),
        ];
        for (error, class) in cases {
            assert_eq!(error.class(), class, "{error:?}");
        }
    }

    #[test]
    fn an_ip_that_is_not_listed_is_shown() {
        let cases = [
            ("invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist rid: 6-6-6", "add 1.2.3.4 to"),
            ("invalid ip 2001:db8::7, not in whitelist", "add 2001:db8::7 to"),
            ("not in whitelist", "add the server's IP to"),
            ("invalid ip <b>evil</b>, not in whitelist", "add the server's IP to"),
        ];
        for (errmsg, start) in cases {
            for error in [api(40164, errmsg), Error::Token(Box::new(api(40164, errmsg)))] {
                let advice = error.advice().unwrap_or_default();
                assert!(advice.starts_with(start), "{errmsg}: {advice}");
            }
        }
    }

    #[test]
    fn words_for_people() {
        let cases = [
            (
                api(89240, "only applying"),
                "WeChat answered 89240: only applying (the application is not pending any more)",
            ),
            (api(-1, ""), "WeChat answered -1: system busy (系统繁忙)"),
            (api(7, ""), "WeChat answered 7: (no message)"),
            (api(7, "odd"), "WeChat answered 7: odd"),
            (Error::Token(Box::new(api(-1, "busy"))), "no access token"),
            (Error::Timeout { after: Duration::from_millis(1500) }, "no answer from WeChat within 1500 ms"),
        ];
        for (error, text) in cases {
            assert_eq!(error.to_string(), text);
        }
    }
}
