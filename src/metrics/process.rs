//! What the system says of this process.

use std::fs;

/// Memory in use; `None` where the system does not say.
pub(super) fn resident_bytes() -> Option<u64> {
    resident(&fs::read_to_string("/proc/self/status").ok()?)
}

/// Files and sockets that are open; `None` where the system does not say.
pub(super) fn open_files() -> Option<u64> {
    // The directory that is being read is one of them.
    u64::try_from(fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1)).ok()
}

/// `VmRSS:     14032 kB`
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_what_linux_says() {
        let cases = [
            ("Name:\tmenshen\nVmRSS:\t   14032 kB\nThreads:\t5\n", Some(14_368_768)),
            ("Name:\tmenshen\n", None),
            ("VmRSS:\tmuch\n", None),
        ];
        for (status, expected) in cases {
            assert_eq!(resident(status), expected, "{status}");
        }
    }
}
