//! The address of a proxy: where it is, and perhaps who we are to it.

use secrecy::{ExposeSecret, SecretString};
use std::fmt;

/// An address such as `http://10.0.0.1:3128`. It may hold a password: it prints without what stands before the `@`,
/// and is wiped when dropped.
#[derive(Clone)]
pub struct ProxyAddress(SecretString);

impl ProxyAddress {
    /// A checked address.
    pub(super) fn new(address: &str) -> ProxyAddress {
        ProxyAddress(address.into())
    }

    /// All of it, for connecting.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for ProxyAddress {
    fn eq(&self, other: &ProxyAddress) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for ProxyAddress {}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.expose().split_once("://").unwrap_or_default();
        let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
        write!(f, "\"{scheme}://{place}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let cases = [
            ("http://10.0.0.1:3128", "\"http://10.0.0.1:3128\""),
            ("socks5h://someone:hunter2@proxy:1080", "\"socks5h://proxy:1080\""),
            ("http://a:b@c@proxy/", "\"http://proxy/\""),
            ("nonsense", "\"://\""),
        ];
        for (address, shown) in cases {
            assert_eq!(format!("{:?}", ProxyAddress::new(address)), shown);
        }
    }
}
