//! The signals a service listens to: SIGTERM and SIGINT end it, SIGHUP has the configuration read again.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals a service listens to.
pub(super) struct Signals {
    pub(super) stop: StopSignals,
    pub(super) hangup: Signal,
}

/// SIGTERM and SIGINT.
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Signals> {
        let stop =
            StopSignals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? };
        Ok(Signals { stop, hangup: signal(SignalKind::hangup())? })
    }
}

impl StopSignals {
    pub(super) async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
