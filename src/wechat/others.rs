//! How the many that are not pending stand, in little memory.
//!
//! Hides that an identity as WeChat writes it (`wx`, sixteen hexadecimal digits; seconds since 1970) is kept as
//! twelve bytes; any other is kept as it is. Exact either way: what goes in comes out, letter for letter.

use crate::policy::{AppId, CreateTime, Identity, Status};
use std::collections::HashMap;

/// Everything on a list that is not pending: who, and how it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Others {
    usual: HashMap<Packed, u8>,
    unusual: HashMap<Identity, Status>,
}

impl Others {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.usual.len() + self.unusual.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How it stands; `None` = it is not among them.
    pub fn get(&self, identity: &Identity) -> Option<Status> {
        let usual = || self.usual.get(&pack(identity)?).map(|code| Status::from_code(i64::from(*code)));
        usual().or_else(|| self.unusual.get(identity).copied())
    }

    /// Whether it is among them.
    pub fn contains(&self, identity: &Identity) -> bool {
        self.get(identity).is_some()
    }

    /// Notes how it stands now; gives how it stood, if it was there.
    pub fn insert(&mut self, identity: Identity, status: Status) -> Option<Status> {
        let before = self.get(&identity);
        match (pack(&identity), u8::try_from(status.code())) {
            (Some(packed), Ok(code)) => {
                self.usual.insert(packed, code);
                self.unusual.remove(&identity);
            }
            (packed, _) => {
                packed.and_then(|packed| self.usual.remove(&packed));
                self.unusual.insert(identity, status);
            }
        }
        before
    }

    /// Each with its status, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Identity, Status)> {
        let usual = self.usual.iter().map(|(packed, code)| (unpack(*packed), Status::from_code(i64::from(*code))));
        usual.chain(self.unusual.iter().map(|(identity, status)| (identity.clone(), *status)))
    }
}

impl Extend<(Identity, Status)> for Others {
    fn extend<T: IntoIterator<Item = (Identity, Status)>>(&mut self, others: T) {
        for (identity, status) in others {
            self.insert(identity, status);
        }
    }
}

/// The digits of an appid, then the seconds.
type Packed = [u8; 12];

/// `None` unless [`unpack`] would give the very same texts.
fn pack(identity: &Identity) -> Option<Packed> {
    let digits = identity.appid.as_str().strip_prefix("wx").filter(|digits| digits.len() == 16)?;
    let seconds = identity.create_time.text()?;
    let appid = u64::from_str_radix(digits, 16).ok()?;
    let created: u32 = seconds.parse().ok()?;
    // Neither capitals nor signs nor leading zeros come back.
    let same = !digits.bytes().any(|byte| byte == b'+' || byte.is_ascii_uppercase())
        && !seconds.starts_with('+')
        && (seconds == "0" || !seconds.starts_with('0'));
    let mut packed = Packed::default();
    packed[..8].copy_from_slice(&appid.to_be_bytes());
    packed[8..].copy_from_slice(&created.to_be_bytes());
    same.then_some(packed)
}

fn unpack(packed: Packed) -> Identity {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    let (appid, created) = packed.split_at(8);
    Identity {
        appid: AppId::new(format!("wx{:016x}", number(appid))),
        create_time: CreateTime::received(number(created).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(appid: &str, create_time: Option<&str>) -> Identity {
        let create_time = create_time.map_or(CreateTime::ABSENT, CreateTime::received);
        Identity { appid: AppId::new(appid), create_time }
    }

    #[test]
    fn an_identity_comes_back_letter_for_letter_and_the_usual_ones_are_small() {
        let cases = [
            ("wx0123456789abcdef", Some("1536305096"), true),
            ("wxffffffffffffffff", Some("4294967295"), true),
            ("wx0000000000000000", Some("0"), true),
            ("wx0123456789ABCDEF", Some("1536305096"), false),
            ("wx+123456789abcdef", Some("1536305096"), false),
            ("WX0123456789abcdef", Some("1536305096"), false),
            ("wx0123456789abcde", Some("1536305096"), false),
            ("wx0123456789abcdef0", Some("1536305096"), false),
            ("wx0123456789abcdeg", Some("1536305096"), false),
            ("wx０23456789abcdef", Some("1536305096"), false),
            ("wx0123456789abcdef ", Some("1536305096"), false),
            ("gh_0123456789ab", Some("1536305096"), false),
            ("", Some("1"), false),
            ("wx0123456789abcdef", None, false),
            ("wx0123456789abcdef", Some(""), false),
            ("wx0123456789abcdef", Some("01536305096"), false),
            ("wx0123456789abcdef", Some("00"), false),
            ("wx0123456789abcdef", Some("+1536305096"), false),
            ("wx0123456789abcdef", Some("-1"), false),
            ("wx0123456789abcdef", Some("4294967296"), false),
            ("wx0123456789abcdef", Some(" 1"), false),
            ("wx0123456789abcdef", Some("yesterday"), false),
        ];
        let mut all = Others::default();
        for (appid, create_time, usual) in cases {
            let identity = identity(appid, create_time);
            let mut others = Others::default();
            assert_eq!(others.insert(identity.clone(), Status::Approved), None);
            let back: Vec<_> = others.iter().collect();
            assert_eq!(back, [(identity.clone(), Status::Approved)]);
            assert_eq!(others.usual.len(), usize::from(usual), "{appid:?} {create_time:?}");
            all.insert(identity, Status::Refused);
        }
        assert_eq!(all.len(), cases.len(), "no two are taken for one");
    }

    #[test]
    fn the_latest_status_stands_alone() {
        let one = identity("wx0123456789abcdef", Some("7"));
        let mut others = Others::default();
        let mut before = None;
        for status in [Status::Refused, Status::Other(1_000), Status::Other(-2), Status::Other(9), Status::Approved] {
            assert_eq!(others.insert(one.clone(), status), before);
            assert_eq!((others.get(&one), others.len()), (Some(status), 1));
            before = Some(status);
        }
        assert_eq!(others.get(&identity("wx0123456789abcdef", Some("8"))), None);
    }
}
