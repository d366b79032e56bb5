//! The machine around: room on the disk, files that may be open, and who else is at work.
//!
//! Looks into `/proc` where there is one; takes no lock. The judgements are pure.

use super::finding::{Check, Finding, bytes};
use super::{Examination, Site, unit::Unit};
use crate::config::Config;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// With less, a write may fail at any moment: a write-ahead log alone may take 16 MiB.
const LITTLE_BYTES: u64 = 64 << 20;
/// With less somebody should make room before it is urgent.
const SCARCE_BYTES: u64 = 512 << 20;
/// Files beside connections: the log, its side files, locks, libraries, systemd's sockets.
const FILES: u64 = 64;
/// Connections that are kept for a moment while nobody uses them.
const IDLE: u64 = 256;
/// Calls that are slow go on beside the others, in four times as many places.
const ROOMS: u64 = 5;

/// What a file system has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Room {
    free_bytes: u64,
    /// Files that can still be made; `None` where the file system does not count.
    free_files: Option<u64>,
    log_bytes: u64,
}

/// Room, and files that may be open.
pub(super) fn look(examination: &Examination<'_>, unit: &Unit) -> Vec<Finding> {
    let config = &examination.survey.outline;
    let dir = &config.service.state_dir;
    // Not asked of the kernel: a filter of system calls may say no.
    let own = std::fs::read_to_string("/proc/self/limits");
    let descriptors = match (unit.open_files_max(), own) {
        (Some(limit), _) => descriptors(needed(config), Some(limit), "the unit's LimitNOFILE"),
        (None, Ok(own)) => descriptors(needed(config), open_files_max(&own), "the limit here (ulimit -n)"),
        (None, Err(_)) => Check::Descriptors.skipped("there is no /proc to see how many files may be open"),
    };
    vec![disk(dir, room(dir)), descriptors]
}

/// Of the directory, or of the nearest above it that is there.
fn room(dir: &Path) -> Option<Room> {
    let whole = std::path::absolute(dir).ok()?;
    let found = whole.ancestors().find_map(|above| rustix::fs::statvfs(above).ok())?;
    let log_bytes = std::fs::metadata(dir.join("menshen.db")).map_or(0, |found| found.len());
    Some(Room {
        free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
        free_files: (found.f_files > 0).then_some(found.f_favail),
        log_bytes,
    })
}

fn disk(dir: &Path, room: Option<Room>) -> Finding {
    let check = Check::Disk;
    let Some(Room { free_bytes, free_files, log_bytes }) = room else {
        return check.skipped(format!("the file system of {} does not tell", dir.display()));
    };
    let free = format!("{} ({free_bytes} bytes) free for {}", bytes(free_bytes), dir.display());
    let what = format!("{free}; the audit log has {}", bytes(log_bytes));
    let make_room = "make room there; menshen audit stats shows how fast the log grows";
    if free_files == Some(0) {
        return check.fail(format!("{what}; no further file can be made (no inodes left)"), make_room);
    }
    match free_bytes {
        0..LITTLE_BYTES => check.fail(format!("{what}: a decision that cannot be recorded is not sent"), make_room),
        LITTLE_BYTES..SCARCE_BYTES => check.warn(format!("{what}: it will be full one day"), make_room),
        _ if free_bytes < log_bytes => {
            check.warn(format!("{what}: there is no room for a copy, which a backup or an upgrade makes"), make_room)
        }
        _ => check.ok(format!("{what}: room for the log and a copy of it")),
    }
}

/// `Max open files            1024                 524288               files`: proc_pid_limits(5). The first is in force.
fn open_files_max(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Files open at the same time when everything is slow: connections, some kept for later, and the lock of each account being worked.
fn needed(config: &Config) -> u64 {
    let at_once = config.accounts.iter().map(|account| account.wechat.max_in_flight as u64);
    let calls = at_once.sum::<u64>().min(ROOMS * config.service.max_calls_at_once as u64);
    let locks = (config.accounts.len() as u64).min(ROOMS * config.service.max_accounts_at_once as u64);
    FILES + calls + calls.min(IDLE) + locks
}

fn descriptors(needed: u64, limit: Option<u64>, whose: &str) -> Finding {
    let check = Check::Descriptors;
    match limit {
        None => check.ok(format!("as many files as it likes may be open; up to {needed} are needed")),
        Some(limit) if limit < needed => check.fail(
            format!("up to {needed} files are open at the same time, and {whose} is {limit}"),
            format!(
                "LimitNOFILE={} in a drop-in (systemctl edit menshen), or lower [service] max_calls_at_once and max_accounts_at_once",
                needed.next_power_of_two()
            ),
        ),
        Some(limit) => check.ok(format!("up to {needed} files are open at the same time; {whose} is {limit}")),
    }
}

/// Who works on the state directory, and other services on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct AtWork {
    holder: Option<u32>,
    others: Vec<u32>,
    /// `/proc` tells nothing.
    hidden: bool,
}

/// Whether a service runs here, and whether it is the only one.
pub(super) fn at_work(examination: &Examination<'_>) -> Finding {
    let dir = &examination.survey.config.service.state_dir;
    let mut found = AtWork { holder: holder(dir), hidden: !Path::new("/proc/self/comm").exists(), ..AtWork::default() };
    if examination.site == Site::Real {
        found.others = services().into_iter().filter(|pid| Some(*pid) != found.holder).collect();
    }
    judge(dir, &found)
}

fn judge(dir: &Path, found: &AtWork) -> Finding {
    let here = match found.holder {
        Some(pid) => format!("process {pid} works on {}", dir.display()),
        None => format!("nobody works on {} now", dir.display()),
    };
    match found.others.as_slice() {
        _ if found.hidden => Check::Service.skipped("there is no /proc to see who else works"),
        [] => Check::Service.ok(here),
        others => {
            let all = others.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
            Check::Service.warn(
                format!("{here}; another menshen runs, too (process {all})"),
                format!("see that it has other accounts: tr '\\0' ' ' < /proc/{}/cmdline", others[0]),
            )
        }
    }
}

/// The process that holds the lock of the state directory. The kernel's list tells, without the lock being tried; where
/// the list is hidden, the file names its holder, if that still runs.
fn holder(dir: &Path) -> Option<u32> {
    let path = dir.join("menshen.lock");
    let inode = std::fs::metadata(&path).ok()?.ino();
    if let Ok(locks) = std::fs::read_to_string("/proc/locks") {
        return locked_by(&locks, inode).into_iter().find(|pid| is_menshen(*pid));
    }
    let named: u32 = std::fs::read_to_string(path).ok()?.trim().parse().ok()?;
    is_menshen(named).then_some(named)
}

/// `1: FLOCK  ADVISORY  WRITE 708 08:01:131 0 EOF`: proc_locks(5). The device is not compared: some file systems tell
/// another one there than stat(2) does.
fn locked_by(locks: &str, inode: u64) -> Vec<u32> {
    let end = format!(":{inode}");
    let of = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        // One that waits for it is marked by an arrow in the second place.
        let [_, "FLOCK", _, _, pid, place, ..] = words.as_slice() else { return None };
        pid.parse().ok().filter(|_| place.ends_with(&end))
    };
    locks.lines().filter_map(of).collect()
}

fn is_menshen(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "menshen")
}

/// Every process that is a menshen service.
fn services() -> Vec<u32> {
    let own = std::process::id();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut found: Vec<u32> = pids.filter(|pid| *pid != own && is_menshen(*pid) && serves(*pid)).collect();
    found.sort_unstable();
    found
}

fn serves(pid: u32) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
    is_service(&words)
}

/// `run`, and neither a preview nor against the simulated WeChat.
fn is_service(words: &[&[u8]]) -> bool {
    let is = |word: &str| words.contains(&word.as_bytes());
    is("run") && !is("--dry-run") && !is("--sandbox")
}

#[cfg(test)]
mod tests {
    use super::super::finding::Status;
    use super::*;

    #[test]
    fn room_on_the_disk() {
        let room = |free_bytes, log_bytes| Some(Room { free_bytes, free_files: Some(9), log_bytes });
        let cases = [
            (room(100 << 30, 1 << 20), Status::Ok, "room for the log and a copy"),
            (room(600 << 20, 700 << 20), Status::Warn, "no room for a copy"),
            (room(511 << 20, 0), Status::Warn, "full one day"),
            (room((64 << 20) - 1, 0), Status::Fail, "67108863 bytes"),
            (room(0, 0), Status::Fail, "not sent"),
            (Some(Room { free_bytes: 1 << 40, free_files: Some(0), log_bytes: 0 }), Status::Fail, "inodes"),
            (Some(Room { free_bytes: 1 << 40, free_files: None, log_bytes: 0 }), Status::Ok, "1.0 TiB"),
            (None, Status::Skipped, "does not tell"),
        ];
        for (room, status, words) in cases {
            let found = disk(Path::new("/s"), room);
            assert!(found.status == status && found.what.contains(words), "{room:?}: {found:?}");
        }
    }

    #[test]
    fn files_that_may_be_open() {
        for (needed, limit, status) in [
            (640, Some(1024), Status::Ok),
            (640, Some(640), Status::Ok),
            (641, Some(640), Status::Fail),
            (9, None, Status::Ok),
        ] {
            assert_eq!(descriptors(needed, limit, "the limit").status, status, "{needed} {limit:?}");
        }
        let limits = "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 524288               files\n";
        assert_eq!(
            (open_files_max(limits), open_files_max("Max open files unlimited unlimited files")),
            (Some(1024), None)
        );
        let found = descriptors(900, Some(512), "the limit");
        assert!(found.mend.is_some_and(|mend| mend.contains("LimitNOFILE=1024")));
    }

    #[test]
    fn who_holds_a_lock() {
        let locks = "1: POSIX  ADVISORY  WRITE 1 08:01:131 0 EOF\n2: FLOCK  ADVISORY  WRITE 708 08:01:131 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 709 08:01:131 0 EOF\n3: FLOCK  ADVISORY  WRITE 5 fd:00:132 0 EOF\n";
        assert_eq!(locked_by(locks, 131), [708]);
        assert_eq!(locked_by(locks, 132), [5]);
        assert_eq!(locked_by(locks, 31), [] as [u32; 0]);
    }

    #[test]
    fn who_is_a_service() {
        let cases = [
            (vec!["menshen", "-c", "x", "run"], true),
            (vec!["menshen", "run", "--once"], true),
            (vec!["menshen", "run", "--dry-run"], false),
            (vec!["menshen", "run", "--sandbox"], false),
            (vec!["menshen", "doctor"], false),
        ];
        for (words, serves) in cases {
            let bytes: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
            assert_eq!(is_service(&bytes), serves, "{words:?}");
        }
    }

    #[test]
    fn another_service_is_told() {
        let dir = Path::new("/s");
        let alone = AtWork { holder: Some(7), ..AtWork::default() };
        assert_eq!(judge(dir, &alone).what, "process 7 works on /s");
        let more = AtWork { others: vec![8, 9], ..alone.clone() };
        let found = judge(dir, &more);
        assert!(found.status == Status::Warn && found.what.contains("8, 9"), "{found:?}");
        assert_eq!(judge(dir, &AtWork { hidden: true, ..alone }).status, Status::Skipped);
    }
}
