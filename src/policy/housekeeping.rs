//! What may be taken off WeChat's list: applications that ended long ago.
//!
//! Pure. Promises to name only what is certain: an entry whose age can be read,
//! that was refused or timed out, and whose applicant has no other entry (a
//! deletion names an appid, not an application). Whether it is a good moment is
//! not decided here.

use super::{AppId, Identity, Status};
use jiff::Timestamp;
use std::{collections::HashMap, time::Duration};

/// `[housekeeping]`; both off by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Housekeeping {
    /// How long after it was made a refused application is deleted.
    pub delete_refused_after: Option<Duration>,
    /// How long after it was made a timed-out application is deleted.
    pub delete_timed_out_after: Option<Duration>,
}

impl Housekeeping {
    /// Nothing is ever deleted.
    pub fn is_off(&self) -> bool {
        *self == Housekeeping::default()
    }

    /// What may be deleted at `now`, the oldest first, at most `most`. `entries` walks the whole list, pending ones too;
    /// it is asked twice.
    pub fn due<I: Iterator<Item = (Identity, Status)>>(
        &self,
        entries: impl Fn() -> I,
        now: Timestamp,
        most: usize,
    ) -> Vec<(Identity, Status)> {
        if self.is_off() {
            return Vec::new();
        }
        let mut due: Vec<_> = entries().filter(|(identity, status)| self.is_due(identity, *status, now)).collect();
        let mut entries_of: HashMap<AppId, usize> =
            due.iter().map(|(identity, _)| (identity.appid.clone(), 0)).collect();
        for (identity, _) in entries() {
            entries_of.entry(identity.appid).and_modify(|entries| *entries += 1);
        }
        due.retain(|(identity, _)| entries_of[&identity.appid] == 1);
        due.sort_by(|(a, _), (b, _)| (a.create_time.seconds(), &a.appid).cmp(&(b.create_time.seconds(), &b.appid)));
        due.truncate(most);
        due
    }

    fn is_due(&self, identity: &Identity, status: Status, now: Timestamp) -> bool {
        let after = match status {
            Status::Refused => self.delete_refused_after,
            Status::TimedOut => self.delete_timed_out_after,
            Status::Pending | Status::Approved | Status::Other(_) => None,
        };
        let (Some(after), Some(made)) = (after, identity.create_time.instant()) else { return false };
        made <= now && now.duration_since(made).unsigned_abs() >= after
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::CreateTime;

    const DAY: i64 = 86_400;

    /// `"a3-40 b4-8"`: a was refused and is 40 days old, b timed out and is 8.
    fn check(list: &str, most: usize, expected: &str) {
        let now = Timestamp::from_second(2_000_000_000).expect("an instant");
        let entries: Vec<(Identity, Status)> = list
            .split_whitespace()
            .map(|entry| {
                let (head, days) = entry.split_at(2);
                let created = match days.trim_start_matches('-').parse::<i64>() {
                    Ok(days) if days.abs() < 1_000 => (now.as_second() - days * DAY).to_string(),
                    _ => "soon".to_owned(),
                };
                let identity = Identity { appid: AppId::new(&head[..1]), create_time: CreateTime::received(created) };
                (identity, Status::from_code(head[1..].parse().expect("a status")))
            })
            .collect();
        let housekeeping = Housekeeping {
            delete_refused_after: Some(Duration::from_secs(30 * 86_400)),
            delete_timed_out_after: Some(Duration::from_secs(7 * 86_400)),
        };
        let due = housekeeping.due(|| entries.iter().cloned(), now, most);
        let names: Vec<&str> = due.iter().map(|(identity, _)| identity.appid.as_str()).collect();
        assert_eq!(names.join(" "), expected, "{list}");
        assert_eq!(Housekeeping::default().due(|| entries.iter().cloned(), now, most), [], "off by default");
    }

    #[test]
    fn only_what_is_certain_is_deleted() {
        let cases = [
            ("a3-40 b3-29 c4-8 d4-6", 9, "a c"),
            ("a3-30 c4-7", 9, "a c"),
            // Approved, pending and unknown ones stay, however old.
            ("a2-400 b1-400 c9-400", 9, ""),
            // Another entry of the same applicant: a deletion would not say which is meant.
            ("a3-40 a1-0", 9, ""),
            ("a3-40 a3-50", 9, ""),
            ("a3-40 a2-90 b3-40", 9, "b"),
            // No age, or one in the future.
            ("a3-x b3-40", 9, "b"),
            ("a3--5", 9, ""),
            // The oldest first, a few at a time.
            ("a3-40 b3-60 c3-50", 2, "b c"),
            ("", 9, ""),
        ];
        for (list, most, expected) in cases {
            check(list, most, expected);
        }
    }
}
