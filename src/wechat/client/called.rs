//! A call, what came back, and what that says about the change it asked for.

use super::super::{Class, Error, errcodes::proves_nothing_done, wire::Ack};
use super::Answer;
use crate::policy::Fate;
use jiff::Timestamp;
use std::time::Duration;

/// How far a call got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// It was never tried.
    Unsent,
    /// It was tried: what came back decides.
    Answerable,
}

/// A call, and what came back.
pub(super) struct Called<T> {
    pub(super) result: Result<T, Error>,
    pub(super) http_status: Option<u16>,
    pub(super) sent_at: Timestamp,
    pub(super) reach: Reach,
}

impl<T> Called<T> {
    pub(super) fn unsent(error: Error) -> Called<T> {
        Called { result: Err(error), http_status: None, sent_at: Timestamp::now(), reach: Reach::Unsent }
    }

    /// The call was rejected for its token, and this is why there was no other.
    pub(super) fn followed_by(self, error: Error) -> Called<T> {
        let error = match self.result {
            Ok(_) => error,
            Err(first) => error.after(first),
        };
        Called { result: Err(error), ..self }
    }

    pub(super) fn rejects_the_token(&self) -> bool {
        self.result.as_ref().is_err_and(|error| error.class() == Class::Refresh)
    }

    /// What became of the change it asked for, as far as it can be known.
    pub(super) fn fate(&self) -> Fate {
        match (&self.result, self.reach) {
            (Ok(_), _) => Fate::Accepted,
            (Err(_), Reach::Unsent) => Fate::Unsent,
            (Err(error), Reach::Answerable) => fate_of(error),
        }
    }
}

/// What an error of a call that was tried says about the change it asked for.
fn fate_of(error: &Error) -> Fate {
    match error {
        Error::Api { errcode, .. } if proves_nothing_done(*errcode) => Fate::Rejected,
        // The call itself was answered: its token was rejected, and there was no other.
        Error::Token(_) | Error::TokenRejected(_) => Fate::Rejected,
        Error::TokenKept { .. } | Error::TokenFight { .. } | Error::Sidecar => Fate::Rejected,
        Error::Connect { .. } | Error::Request { .. } | Error::Paused(_) => Fate::Unsent,
        _ => Fate::Lost,
    }
}

impl Called<Ack> {
    pub(super) fn answer(self, took: Duration) -> Answer {
        let fate = self.fate();
        let (http_status, sent_at) = (self.http_status, self.sent_at);
        match self.result {
            Ok(Ack { errmsg, rid }) => {
                Answer { fate, errcode: Some(0), errmsg: Some(errmsg), rid, http_status, error: None, sent_at, took }
            }
            Err(error) => Answer {
                fate,
                // A pause's number was the answer to another call.
                errcode: error.errcode().filter(|_| !matches!(error, Error::Paused(_))),
                errmsg: error.errmsg().map(Into::into),
                rid: error.rid().map(Into::into),
                http_status,
                error: Some(error),
                sent_at,
                took,
            },
        }
    }
}
