//! What a check says: well, doubtful, wrong or not looked at; and what to do about it.

use std::fmt;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// As it should be.
    Ok,
    /// It works; somebody should look at it.
    Warn,
    /// It must be mended.
    Fail,
    /// It was not, or could not be, looked at.
    Skipped,
}

impl Status {
    /// The word for machines.
    pub fn word(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Warn => "warn",
            Status::Fail => "fail",
            Status::Skipped => "skipped",
        }
    }
}

/// One line of the doctor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// The account it is about; `None` = all of it.
    pub account: Option<String>,
    /// How it came out.
    pub status: Status,
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub mend: Option<String>,
}

impl Finding {
    /// The same, of one account.
    pub(super) fn of(self, account: &str) -> Finding {
        Finding { account: Some(account.to_owned()), ..self }
    }
}

/// Defines the checks, their ids and the list of all of them.
macro_rules! checks {
    ($($(#[$doc:meta])* $name:ident = $id:literal,)+) => {
        /// What is looked at. Its id is what users rely on; `docs/doctor.md` has a section for each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Check {
            $($(#[$doc])* $name,)+
        }

        impl Check {
            /// All of them, in the order they are shown.
            pub const ALL: &[Check] = &[$(Check::$name,)+];

            /// Its id.
            pub fn id(self) -> &'static str {
                match self {
                    $(Check::$name => $id,)+
                }
            }
        }
    };
}

checks! {
    /// The configuration beside its rules.
    Configuration = "configuration",
    /// The rules.
    Rules = "rules",
    /// Whether live acting is bounded.
    Limits = "limits",
    /// Whether every secret can be read, and by nobody else.
    Credentials = "credentials",
    /// Whether those who are to be told can be.
    Notify = "notify",
    /// The time zone and the next pass.
    Timezone = "timezone",
    /// Whether enough files may be open.
    Descriptors = "descriptors",
    /// The state directory, its owner and permissions.
    StateDirectory = "state-directory",
    /// Whether the audit log can be opened, and its schema.
    Database = "database",
    /// Whether its pages are whole.
    Integrity = "integrity",
    /// Whether it forgot what was sent.
    Mark = "mark",
    /// Brakes and pauses.
    Brakes = "brakes",
    /// Free space.
    Disk = "disk",
    /// Who works on the state directory, and who else runs.
    Service = "service",
    /// The systemd unit.
    Unit = "unit",
    /// The certificates that are trusted.
    Certificates = "certificates",
    /// The proxy.
    Proxy = "proxy",
    /// The name of WeChat's host.
    Dns = "dns",
    /// A connection to it.
    Connection = "connection",
    /// TLS with it.
    Tls = "tls",
    /// Whether WeChat answers there.
    Answer = "answer",
    /// This machine's clock.
    Clock = "clock",
    /// An access token.
    Token = "token",
    /// The list of addresses WeChat takes calls from.
    IpList = "ip-list",
    /// Whether the account may use the interface.
    Permission = "permission",
    /// The list of applications.
    List = "list",
    /// Who waits longest.
    OldestPending = "oldest-pending",
    /// Calls that are left today.
    Quota = "quota",
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

impl Check {
    pub(super) fn ok(self, what: impl Into<String>) -> Finding {
        Finding { check: self, account: None, status: Status::Ok, what: what.into(), mend: None }
    }

    pub(super) fn warn(self, what: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { status: Status::Warn, mend: Some(mend.into()), ..self.ok(what) }
    }

    pub(super) fn fail(self, what: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { status: Status::Fail, mend: Some(mend.into()), ..self.ok(what) }
    }

    pub(super) fn skipped(self, why: impl Into<String>) -> Finding {
        Finding { status: Status::Skipped, ..self.ok(why) }
    }
}

/// A size for people: `12.3 GiB`.
pub(super) fn bytes(count: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} bytes");
    }
    let mut value = count as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", units[unit])
}

/// A time for people: `19 h 5 min`.
pub(super) fn span(secs: u64) -> String {
    match (secs / 86_400, secs / 3600, secs / 60) {
        (days @ 2.., _, _) => format!("{days} days"),
        (_, hours @ 1.., minutes) => format!("{hours} h {} min", minutes - 60 * hours),
        (_, _, minutes @ 1..) => format!("{minutes} min {} s", secs - 60 * minutes),
        _ => format!("{secs} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_plain_and_unique() {
        let ids: BTreeSet<&str> = Check::ALL.iter().map(|check| check.id()).collect();
        assert_eq!(ids.len(), Check::ALL.len());
        assert!(ids.iter().all(|id| id.chars().all(|c| c.is_ascii_lowercase() || c == '-')), "{ids:?}");
    }

    #[test]
    fn sizes_and_times() {
        let sizes =
            [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (64 << 20, "64.0 MiB"), (3 << 40, "3.0 TiB")];
        for (count, words) in sizes {
            assert_eq!(bytes(count), words);
        }
        let times = [(5, "5 s"), (65, "1 min 5 s"), (3600, "1 h 0 min"), (90_000, "25 h 0 min"), (400_000, "4 days")];
        for (secs, words) in times {
            assert_eq!(span(secs), words);
        }
    }
}
