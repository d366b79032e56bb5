//! What the service says in its log of passes and brakes: one line for a pass, ids and counts alone.
//!
//! Promises: no applicant's word and no person's reason for a pause; those are in the audit log.

use super::account::Account;
use super::alarm::{concerned, in_words};
use super::report::PassReport;
use crate::store::{ActiveBrake, BrakeKind};

/// A brake or pause that came from elsewhere. A person's reason for it is in the record alone.
pub(super) fn say_pulled(brake: &ActiveBrake, accounts: &[Account]) {
    match brake.kind {
        BrakeKind::Verification => say_stopped(concerned(&brake.scope, accounts)),
        BrakeKind::Pause => {
            let of = in_words(&brake.scope, accounts);
            tracing::warn!(of, "acting is paused until `menshen resume`; evaluation goes on");
        }
    }
}

/// Nothing is sent for this account until a person says so.
pub(super) fn say_stopped(account: &str) {
    tracing::error!(account, "the brake verification is pulled: nothing is sent until `menshen resume`");
}

/// The one line a pass leaves in the log.
pub(super) fn log_pass(report: &PassReport) {
    for trouble in &report.troubles {
        tracing::warn!(
            account = %report.account, during = trouble.during,
            errcode = trouble.errcode, rid = trouble.rid.as_deref(), "{}", trouble.message
        );
    }
    if report.timed_out > 0 {
        tracing::warn!(
            account = %report.account, timed_out = report.timed_out,
            "WeChat timed applications out before anybody had decided them"
        );
    }
    let words = format!(
        "{} pending of {}: {} agreed, {} refused, {} deleted, {} held, {} braked, {} shadow, {} overtaken, {} elsewhere, {} timed out, {} failed, {} known, {} waiting, {} unreadable",
        report.pending,
        report.entries,
        report.agreed,
        report.refused,
        report.deleted,
        report.held,
        report.braked,
        report.shadow,
        report.overtaken,
        report.elsewhere,
        report.timed_out,
        report.failed,
        report.known,
        report.waiting,
        report.unreadable
    );
    if report.acted() || report.went_wrong() {
        tracing::info!(account = %report.account, pass = %report.pass, took_ms = report.took_ms, "{words}");
    } else {
        tracing::debug!(account = %report.account, pass = %report.pass, took_ms = report.took_ms, "{words}");
    }
}
