//! The way out that accounts share: one pool of connections and one TLS set-up for all that go the same way.
//!
//! Hides which accounts those are. Promises that two ways are one only if proxy,
//! certificates and time limits are the same, that what nobody uses any more is
//! given back, and that it remembers no proxy's password: only what it hashes to.

use super::BuildError;
use reqwest::Client;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

/// Ways out, made when they are first needed. Clones share everything.
#[derive(Clone, Default)]
pub struct Connections {
    known: Arc<Mutex<HashMap<SameWay, Weak<Client>>>>,
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connections")
    }
}

/// What a way out depends on.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct SameWay {
    /// Of proxy and certificates.
    hash: [u8; 32],
    timeout: Duration,
    tls: Tls,
}

/// Whether a way needs certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Tls {
    /// It goes to this machine.
    Without,
    /// It goes anywhere else.
    With,
}

impl SameWay {
    pub(super) fn new(proxy: Option<&str>, ca_pem: Option<&[u8]>, timeout: Duration, tls: Tls) -> SameWay {
        let mut hash = Sha256::new();
        for part in [proxy.map(str::as_bytes), ca_pem] {
            hash.update((part.map_or(u64::MAX, |bytes| bytes.len() as u64)).to_be_bytes());
            hash.update(part.unwrap_or_default());
        }
        SameWay { hash: hash.finalize().into(), timeout, tls }
    }
}

impl Connections {
    /// The one that goes this way; built if nobody has it.
    pub(super) fn along(
        &self,
        way: SameWay,
        build: impl FnOnce() -> Result<Client, BuildError>,
    ) -> Result<Arc<Client>, BuildError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = known.get(&way).and_then(Weak::upgrade) {
            return Ok(client);
        }
        known.retain(|_, client| client.strong_count() > 0);
        let client = Arc::new(build()?);
        known.insert(way, Arc::downgrade(&client));
        Ok(client)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn plain() -> Client {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Client::builder().tls_certs_only([]).build().unwrap()
    }

    fn way(proxy: Option<&str>, pem: Option<&str>, secs: u64) -> SameWay {
        SameWay::new(proxy, pem.map(str::as_bytes), Duration::from_secs(secs), Tls::Without)
    }

    #[test]
    fn what_goes_the_same_way_is_shared_and_given_back() {
        let connections = Connections::default();
        let ways = || {
            [
                way(None, None, 1),
                way(None, None, 2),
                way(Some("http://a"), None, 1),
                way(Some("http://b"), None, 1),
                way(None, Some("http://a"), 1),
                way(Some(""), None, 1),
                way(Some("a"), Some("b"), 1),
                way(Some("ab"), Some(""), 1),
            ]
        };
        let along = |way| connections.along(way, || Ok(plain())).unwrap();
        let first = ways().map(along);
        let second = ways().map(along);
        for (at, one) in first.iter().enumerate() {
            for (to, other) in second.iter().enumerate() {
                assert_eq!(Arc::ptr_eq(one, other), at == to, "{at} {to}");
            }
        }
        drop((first, second));
        let _one = along(way(None, None, 9));
        assert_eq!(connections.known.lock().unwrap().len(), 1);
    }
}
