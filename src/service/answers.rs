//! Answers on their way into the log.
//!
//! They are written as they come, many to a transaction, stubbornly: an answer
//! that cannot be written leaves its row planned, and the next pass settles it.

use super::pass::with_sources;
use crate::policy::{Action, Fate, Intent, Outcome};
use crate::store::{Answered, CallRecord, Store, StoreError};
use crate::wechat::{Answer, Class};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Answers written in one transaction.
const ANSWERS_A_TRANSACTION: usize = 64;
/// Tries at writing an answer before the pass gives the row to the next one.
const ANSWER_TRIES: u32 = 4;
/// The wait after the first such try; it doubles.
const ANSWER_RETRY: Duration = Duration::from_millis(250);

/// Answers that could not be written.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    /// Calls among them that went out.
    pub(super) calls: usize,
    /// What WeChat accepted among these.
    pub(super) accepted: Vec<Action>,
    /// Why, the last time; `None` = everything is written.
    pub(super) error: Option<StoreError>,
}

/// Writes answers as they come, as many as are there in one transaction.
pub(super) async fn record_answers(store: Arc<Store>, mut incoming: mpsc::UnboundedReceiver<Answered>) -> Unwritten {
    let mut batch = Vec::with_capacity(ANSWERS_A_TRANSACTION);
    let mut unwritten = Unwritten::default();
    while incoming.recv_many(&mut batch, ANSWERS_A_TRANSACTION).await > 0 {
        let calls: Vec<(Action, Fate)> = batch.iter().filter_map(went_out).collect();
        if let Err(error) = record_stubbornly(&store, std::mem::take(&mut batch)).await {
            unwritten.calls += calls.len();
            let accepted = calls.into_iter().filter(|(_, fate)| *fate == Fate::Accepted);
            unwritten.accepted.extend(accepted.map(|(action, _)| action));
            unwritten.error = Some(error);
        }
    }
    unwritten
}

fn went_out(answer: &Answered) -> Option<(Action, Fate)> {
    let call = answer.call.as_ref().filter(|call| call.fate != Fate::Unsent)?;
    Some((call.action, call.fate))
}

async fn record_stubbornly(store: &Store, batch: Vec<Answered>) -> Result<(), StoreError> {
    let mut wait = ANSWER_RETRY;
    for _ in 1..ANSWER_TRIES {
        if store.answer(batch.clone()).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
    store.answer(batch).await
}

pub(super) fn answered(decision: i64, attempt: u32, action: Action, answer: Answer, class: Option<Class>) -> Answered {
    let outcome = match answer.fate {
        Fate::Accepted => Some(Outcome::Done),
        Fate::Rejected if class != Some(Class::State) => Some(Outcome::Failed),
        Fate::Unsent => Some(Outcome::Failed),
        Fate::Rejected | Fate::Lost => None,
    };
    Answered {
        decision,
        give_back: answer.fate == Fate::Unsent,
        settle: outcome.map(|outcome| (outcome, None)),
        at: Timestamp::now(),
        call: Some(CallRecord {
            attempt,
            action,
            sent_at: answer.sent_at,
            took_ms: u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX),
            fate: answer.fate,
            http_status: answer.http_status,
            errcode: answer.errcode,
            errmsg: answer.errmsg.or_else(|| answer.error.as_ref().map(|error| with_sources(error))),
            rid: answer.rid,
        }),
    }
}

pub(super) fn settlement(decision: i64, outcome: Outcome, note: &str) -> Answered {
    Answered {
        decision,
        call: None,
        settle: Some((outcome, Some(note.to_owned()))),
        give_back: false,
        at: Timestamp::now(),
    }
}

pub(super) fn never_sent(intent: &Intent, at: Timestamp) -> CallRecord {
    CallRecord {
        attempt: intent.attempt(),
        action: intent.action(),
        sent_at: at,
        took_ms: 0,
        fate: Fate::Unsent,
        http_status: None,
        errcode: None,
        errmsg: None,
        rid: None,
    }
}
