//! Fault points: places where a test ends, breaks or stops menshen; and planted bugs, for a test to find.
//!
//! Without the feature `fault-points`, which is off by default, every [`fault_point!`] is nothing, every
//! [`planted_bug!`] is `false`, and no code here exists: what is shipped neither holds these names nor reads their
//! environment. With it, these variables are read, each once:
//!
//! | variable | meaning |
//! |---|---|
//! | `MENSHEN_FAULT_POINT=NAME:NTH:KIND` | what happens when the point is reached for the NTH time (from 1): `kill` (SIGKILL), `abort`, `panic`, or `hang` (until the file of the next line with `.go` behind its name exists) |
//! | `MENSHEN_FAULT_LOG=FILE` | `NAME KIND` is appended to it when that happens |
//! | `MENSHEN_PLANTED_BUG=NAME` | the bug that is switched on |
//! | `MENSHEN_QUICK=GAP,TIMEOUT` | milliseconds between two readings (and before a page is asked for again), and for one call: thousands of runs cannot wait for a WeChat that answers at once |
//!
//! It decides nothing of its own: what is wrong with menshen under a fault is the campaign's to find (`docs/proof.md`).

/// A place where a test may end, break or stop menshen.
#[cfg(feature = "fault-points")]
macro_rules! fault_point {
    ($name:literal) => {
        $crate::fault_point::reached($name)
    };
}

/// Nothing.
#[cfg(not(feature = "fault-points"))]
macro_rules! fault_point {
    ($name:literal) => {};
}

/// Whether this bug is switched on.
#[cfg(feature = "fault-points")]
macro_rules! planted_bug {
    ($name:literal) => {
        $crate::fault_point::planted($name)
    };
}

/// No.
#[cfg(not(feature = "fault-points"))]
macro_rules! planted_bug {
    ($name:literal) => {
        false
    };
}

#[cfg(feature = "fault-points")]
pub(crate) use armed::{planted, quick, reached};

#[cfg(feature = "fault-points")]
mod armed {
    use std::io::Write;
    use std::path::PathBuf;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    /// How often a point that hangs looks whether it may go on.
    const LOOK: Duration = Duration::from_millis(2);

    struct Armed {
        name: String,
        nth: u64,
        kind: String,
        log: Option<PathBuf>,
    }

    /// A point is passed.
    pub(crate) fn reached(name: &str) {
        static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
        static PASSED: AtomicU64 = AtomicU64::new(0);
        let Some(armed) = ARMED.get_or_init(armed) else { return };
        if armed.name == name && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == armed.nth {
            armed.strike();
        }
    }

    /// Whether this bug is switched on.
    pub(crate) fn planted(name: &str) -> bool {
        static BUG: OnceLock<Option<String>> = OnceLock::new();
        BUG.get_or_init(|| std::env::var("MENSHEN_PLANTED_BUG").ok()).as_deref() == Some(name)
    }

    /// Between two readings, and for one call; `None` = as configured.
    pub(crate) fn quick() -> Option<(Duration, Duration)> {
        let text = std::env::var("MENSHEN_QUICK").ok()?;
        let (gap, timeout) = text.split_once(',')?;
        let ms = |text: &str| text.parse().ok().map(Duration::from_millis);
        Some((ms(gap)?, ms(timeout)?))
    }

    fn armed() -> Option<Armed> {
        let text = std::env::var("MENSHEN_FAULT_POINT").ok()?;
        let mut parts = text.split(':');
        let name = parts.next()?.to_owned();
        let nth = parts.next().and_then(|nth| nth.parse().ok()).unwrap_or(1);
        let kind = parts.next().unwrap_or("kill").to_owned();
        Some(Armed { name, nth, kind, log: std::env::var_os("MENSHEN_FAULT_LOG").map(PathBuf::from) })
    }

    impl Armed {
        fn strike(&self) {
            self.note();
            match self.kind.as_str() {
                "abort" => std::process::abort(),
                "panic" => panic!("the fault point {} panics, as it was asked to", self.name),
                "hang" => self.hang(),
                _ => kill(),
            }
        }

        /// A line of its own, complete before anything else happens.
        fn note(&self) {
            let Some(path) = &self.log else { return };
            let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
            let _ = file.and_then(|mut file| file.write_all(format!("{} {}\n", self.name, self.kind).as_bytes()));
        }

        fn hang(&self) {
            let go = self.log.as_ref().map(|log| log.with_extension("go"));
            while !go.as_ref().is_some_and(|go| go.exists()) {
                std::thread::sleep(LOOK);
            }
        }
    }

    fn kill() {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}
