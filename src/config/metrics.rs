//! `[metrics]`: where monitoring reads.

use crate::document::Value;
use std::net::SocketAddr;
use std::time::Duration;

/// `[metrics]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metrics {
    /// The address `/metrics` and `/healthz` are served on; port 0 takes any free one, and the log says which.
    pub listen: SocketAddr,
    /// How long an account may go without a complete pass; `None` = three ticks of the schedule, and ten minutes at least.
    pub healthy_within: Option<Duration>,
}

impl Metrics {
    /// Others than this machine can reach it.
    pub fn is_open(&self) -> bool {
        !self.listen.ip().is_loopback()
    }
}

const YEAR: Duration = Duration::from_secs(366 * 86_400);

/// Reads `[metrics]`; `None` = it is not there, or wrong.
pub(super) fn read(value: Option<Value<'_>>) -> Option<Metrics> {
    let table = value?.table("[metrics]")?;
    let listen = table.required("listen").and_then(|v| address(&v));
    let within = table.optional("healthy_within").map(|v| v.duration(Duration::from_secs(1)..=YEAR));
    table.finish();
    Some(Metrics { listen: listen?, healthy_within: within.map_or(Some(None), |within| within.map(Some))? })
}

fn address(value: &Value<'_>) -> Option<SocketAddr> {
    let text = value.words()?;
    let Ok(address) = text.parse::<SocketAddr>() else {
        let message = format!("`{text}` is no address to listen on");
        value.wrong("value", message, "an IP address and a port: \"127.0.0.1:9870\", \"[::1]:9870\"");
        return None;
    };
    if !address.ip().is_loopback() {
        value.reading().warn(
            "open-metrics",
            value.spot(),
            format!("`listen` is {address}, which others than this machine may reach"),
            Some(
                "whoever reaches it reads the names of accounts and rules and how much is decided, without a password and \
                 in plain text: keep it to 127.0.0.1 and let a proxy with TLS and a password stand before it, or close the \
                 port to all but the monitoring system"
                    .to_owned(),
            ),
        );
    }
    Some(address)
}
