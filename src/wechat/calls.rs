//! How often WeChat was called, and what came of it.
//!
//! Counts what really went out or tried to: every page, every repetition, every fetch of a token. Promises that
//! what is counted under is a bounded set, whatever is answered: documented errcodes, and a word for everything else.

use super::{Error, explain};
use std::{
    collections::BTreeMap,
    fmt, mem,
    sync::{Mutex, PoisonError},
};

/// Calls by action, as WeChat names it, and by what came of them.
pub type Calls = BTreeMap<(&'static str, Came), u64>;

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Came {
    /// WeChat answered with this errcode, 0 or a documented one.
    Errcode(i64),
    /// WeChat answered with a number that stands in no documentation.
    OtherErrcode,
    /// An HTTP status of this hundred instead of an answer.
    Http(u16),
    /// No complete answer in time.
    Timeout,
    /// The connection broke after the call went out.
    Broken,
    /// No connection came about.
    Unconnected,
    /// What came cannot be read, or is too large.
    Unreadable,
}

impl Came {
    /// `None`: the error says that nothing was tried.
    fn of<T>(result: &Result<T, Error>) -> Option<Came> {
        let error = match result {
            Ok(_) => return Some(Came::Errcode(0)),
            Err(error) => error,
        };
        match error {
            Error::Api { errcode, .. } if explain(*errcode).is_some() => Some(Came::Errcode(*errcode)),
            Error::Api { .. } => Some(Came::OtherErrcode),
            Error::Http { status } => Some(Came::Http(status / 100)),
            Error::Timeout { .. } => Some(Came::Timeout),
            Error::Transport { .. } => Some(Came::Broken),
            Error::Connect { .. } => Some(Came::Unconnected),
            Error::Unreadable { .. } | Error::TooLarge { .. } => Some(Came::Unreadable),
            _ => None,
        }
    }
}

impl fmt::Display for Came {
    /// `0`, `45009`, `other`, `http_5xx`, `timeout`, `broken`, `unconnected`, `unreadable`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Came::Errcode(errcode) => write!(f, "{errcode}"),
            Came::OtherErrcode => f.write_str("other"),
            Came::Http(hundred) => write!(f, "http_{hundred}xx"),
            Came::Timeout => f.write_str("timeout"),
            Came::Broken => f.write_str("broken"),
            Came::Unconnected => f.write_str("unconnected"),
            Came::Unreadable => f.write_str("unreadable"),
        }
    }
}

/// The counter of one account.
#[derive(Debug, Default)]
pub(super) struct Tally {
    calls: Mutex<Calls>,
}

impl Tally {
    /// Counts a call.
    pub(super) fn note<T>(&self, action: &'static str, result: &Result<T, Error>) {
        if let Some(came) = Came::of(result) {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            *calls.entry((action, came)).or_default() += 1;
        }
    }

    /// Everything since it was last asked.
    pub(super) fn take(&self) -> Calls {
        mem::take(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn whatever_is_answered_is_counted_under_a_known_word() {
        let api = |errcode| Error::Api { errcode, errmsg: String::new(), rid: None };
        let cases = [
            (Ok(()), "0"),
            (Err(api(-1)), "-1"),
            (Err(api(45009)), "45009"),
            (Err(api(123_456_789)), "other"),
            (Err(api(i64::MIN)), "other"),
            (Err(Error::Http { status: 502 }), "http_5xx"),
            (Err(Error::Http { status: 999 }), "http_9xx"),
            (Err(Error::Timeout { after: Duration::ZERO }), "timeout"),
            (Err(Error::Transport { detail: String::new() }), "broken"),
            (Err(Error::Connect { detail: String::new() }), "unconnected"),
            (Err(Error::TooLarge { limit: 1 }), "unreadable"),
            (Err(Error::Unreadable { problem: String::new() }), "unreadable"),
        ];
        for (result, word) in cases {
            let tally = Tally::default();
            tally.note("dev_agree", &result);
            tally.note("dev_agree", &result);
            let counted: Vec<_> = tally.take().into_iter().map(|((_, came), n)| (came.to_string(), n)).collect();
            assert_eq!(counted, [(word.to_owned(), 2)], "{result:?}");
            assert!(tally.take().is_empty(), "what was told is not told again");
        }
        let tally = Tally::default();
        tally.note("dev_agree", &Err::<(), _>(Error::Request { problem: "not sent" }));
        assert!(tally.take().is_empty(), "nothing was tried");
    }
}
