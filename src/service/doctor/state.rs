//! The state directory and the audit log in it, opened for reading and left without a trace.
//!
//! Takes no lock and makes nothing. The judgements are pure.

use super::finding::{Check, Finding, bytes};
use super::{Examination, Site, unit::Unit};
use crate::service::pass::with_sources;
use crate::store::{ActiveBrake, BrakeKind, Integrity, Reader, StoreError};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the pages of the log are looked at; a gigabyte takes a few seconds.
const PATIENCE: Duration = Duration::from_secs(15);
/// What belongs to the record, as members of the group may read it.
const RECORD: [&str; 5] = ["menshen.db", "menshen.db-wal", "menshen.db-shm", "menshen.mark", "menshen.status"];
/// It holds a process id and nothing else.
const LOCK: &str = "menshen.lock";
/// Files of their own with refresh tokens.
const REFRESH_TOKENS: &str = "refresh_tokens";
/// Bits of everybody beside owner and group.
const OTHERS: u32 = 0o007;
/// That, and writing by the group.
const OTHERS_OR_WRITING: u32 = 0o027;
/// Writing by anybody but the owner.
const WRITING: u32 = 0o022;
/// Everything but the owner's.
const NOT_OWNER: u32 = 0o077;

/// A file or directory as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Standing {
    path: PathBuf,
    uid: u32,
    mode: u32,
    /// Bits nobody may have there.
    forbidden: u32,
}

/// Whose the state directory should be.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Owner {
    uid: u32,
    /// Who that is, for people.
    who: String,
}

/// The directory, what is in it, and what the audit log says of itself.
pub(super) async fn look(examination: &Examination<'_>, unit: &Unit) -> Vec<Finding> {
    let dir = examination.survey.config.service.state_dir.as_path();
    let mut found = vec![directory(dir, &standing(dir), owner(unit).as_ref(), examination.site)];
    found.extend(log(&dir.join("menshen.db")).await);
    found
}

fn standing(dir: &Path) -> Vec<Standing> {
    let one = |path: PathBuf, forbidden: u32| {
        let found =
            path.symlink_metadata().ok().filter(|found| !found.is_symlink()).or_else(|| path.metadata().ok())?;
        Some(of(path, &found, forbidden))
    };
    let kept = std::fs::read_dir(dir.join(REFRESH_TOKENS)).into_iter().flatten().flatten().map(|entry| entry.path());
    let record = RECORD.map(|name| (dir.join(name), OTHERS_OR_WRITING));
    let all = [(dir.to_owned(), OTHERS_OR_WRITING), (dir.join(LOCK), WRITING)].into_iter().chain(record);
    let all =
        all.chain(std::iter::once((dir.join(REFRESH_TOKENS), NOT_OWNER))).chain(kept.map(|path| (path, NOT_OWNER)));
    all.filter_map(|(path, forbidden)| one(path, forbidden)).collect()
}

fn of(path: PathBuf, found: &Metadata, forbidden: u32) -> Standing {
    Standing { path, uid: found.uid(), mode: found.mode() & 0o7777, forbidden }
}

/// The user of the unit; without one, whoever asks, unless that is root.
fn owner(unit: &Unit) -> Option<Owner> {
    if let Some(user) = unit.user() {
        let uid = user.parse().ok().or_else(|| uid_of(user, &std::fs::read_to_string("/etc/passwd").ok()?))?;
        return Some(Owner { uid, who: format!("{user}, the user of the unit") });
    }
    let we = rustix::process::geteuid();
    (!we.is_root()).then(|| Owner { uid: we.as_raw(), who: format!("user {}, who asks", we.as_raw()) })
}

fn uid_of(user: &str, passwd: &str) -> Option<u32> {
    let fields = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    fields.filter(|fields| fields.first() == Some(&user)).find_map(|fields| fields.get(2)?.parse().ok())
}

/// One line: the first thing that is wrong, or that it is well.
fn directory(dir: &Path, standing: &[Standing], owner: Option<&Owner>, site: Site) -> Finding {
    let check = Check::StateDirectory;
    let Some(itself) = standing.iter().find(|one| one.path == dir) else {
        let what = format!("{} is not there yet; it is made at the first start", dir.display());
        return check.ok(what);
    };
    if let Some(stranger) = owner.and_then(|owner| standing.iter().find(|one| one.uid != owner.uid)) {
        let who = owner.map(|owner| owner.who.clone()).unwrap_or_default();
        return check.fail(
            format!("{} belongs to user {}, and should belong to {who}", stranger.path.display(), stranger.uid),
            format!("chown it, or run menshen as user {}: whoever runs it must be able to write it", stranger.uid),
        );
    }
    // Among themselves, where nobody is known whose they should be: a file left by root stops the service.
    if let Some(stranger) = standing.iter().find(|one| one.uid != itself.uid) {
        return check.fail(
            format!(
                "{} belongs to user {}, the directory to user {}",
                stranger.path.display(),
                stranger.uid,
                itself.uid
            ),
            format!("chown --reference={} {}", dir.display(), stranger.path.display()),
        );
    }
    match standing.iter().find(|one| one.mode & one.forbidden != 0).filter(|_| site == Site::Real) {
        Some(open) => too_open(open),
        None => check.ok(format!("{}: mode {:04o}, of user {}", dir.display(), itself.mode, itself.uid)),
    }
}

fn too_open(open: &Standing) -> Finding {
    let Standing { path, mode, forbidden, .. } = open;
    let who = match (mode & forbidden & OTHERS, *forbidden) {
        (0, NOT_OWNER) => "its group may use it",
        (0, _) => "its group may write it",
        _ => "everybody on this machine may use it",
    };
    let right = mode & !forbidden;
    Check::StateDirectory.fail(
        format!("{}: {who} (mode {mode:04o})", path.display()),
        format!("chmod {right:04o} {}: what applicants wrote, and what is done, is nobody else's", path.display()),
    )
}

/// Everything the audit log tells of itself.
async fn log(path: &Path) -> Vec<Finding> {
    let rest = [Check::Integrity, Check::Mark, Check::Brakes];
    let skipped = |why: &str| rest.map(|check| check.skipped(why));
    let reader = match Reader::peek(path).await {
        Ok(Some(reader)) => reader,
        Ok(None) => {
            let what = format!("{} is not there yet; it is made at the first start", path.display());
            return std::iter::once(Check::Database.ok(what)).chain(skipped("there is no audit log yet")).collect();
        }
        Err(error) => {
            return std::iter::once(closed(&error)).chain(skipped("the audit log cannot be opened")).collect();
        }
    };
    let size = std::fs::metadata(path).map_or(0, |found| found.len());
    let head = match reader.head().await {
        Ok(head) => {
            let what = format!("{}: {}, schema known, head of the chain {head}", path.display(), bytes(size));
            Check::Database.ok(what)
        }
        Err(error) => closed(&error),
    };
    let end = Instant::now() + PATIENCE;
    let whole = integrity(reader.integrity(move || Instant::now() < end).await, size);
    let found = vec![head, whole, mark(&reader).await, brakes(reader.brakes().await)];
    reader.close().await;
    found
}

/// Why the log cannot be used. The words of the error say what to do; here they stand in a line of their own.
fn closed(error: &StoreError) -> Finding {
    let what = with_sources(error);
    match error {
        StoreError::Older { .. } => {
            Check::Database.warn(what, "start the service: it copies the log and brings it up to date")
        }
        StoreError::Newer { .. } => {
            Check::Database.fail(what, "install that newer menshen again, or restore a backup from before")
        }
        StoreError::Foreign { .. } => Check::Database.fail(what, "move it away, or name another [service] state_dir"),
        StoreError::Corrupt(..) => {
            Check::Database.fail(what, "stop menshen, move menshen.db and its -wal away, restore a backup")
        }
        StoreError::Missing(..) => Check::Database
            .fail(what, "run as the user of the service (sudo menshen-as-service doctor), or as a member of its group"),
        _ => Check::Database.fail(what, "docs/faults.md tells what each of these means"),
    }
}

fn integrity(found: Result<Integrity, StoreError>, size: u64) -> Finding {
    let check = Check::Integrity;
    match found {
        Ok(Integrity::Whole) => check.ok("every page is whole; menshen audit verify proves the records"),
        Ok(Integrity::Unfinished) => check.skipped(format!(
            "{} could not be looked at within {} s; nothing was found until then. menshen audit verify takes its time",
            bytes(size),
            PATIENCE.as_secs()
        )),
        Ok(Integrity::Damaged(lines)) => {
            let first = lines.first().map(String::as_str).unwrap_or_default();
            let first: String = first.lines().next().unwrap_or_default().chars().take(200).collect();
            check.fail(
                format!("it is damaged: {first}"),
                "stop menshen, keep a copy of the files, restore a backup (docs/faults.md); menshen audit verify says which records are whole",
            )
        }
        Err(error) => check.fail(with_sources(&error), "see the line `database`"),
    }
}

async fn mark(reader: &Reader) -> Finding {
    match reader.forgotten_since().await {
        Ok(None) => Check::Mark.ok("the log knows everything that was announced"),
        Ok(Some(since)) => Check::Mark.fail(
            format!("the log misses what was announced at {since:.0}: it was restored from a backup, or begun anew"),
            "put the newer menshen.db back; or let a pass pull the brake, look at WeChat's console what was sent since, then menshen resume --why \"…\"",
        ),
        Err(error) => Check::Mark.fail(with_sources(&error), "menshen.mark must be readable for whoever runs menshen"),
    }
}

fn brakes(active: Result<Vec<ActiveBrake>, StoreError>) -> Finding {
    let active = match active {
        Ok(active) => active,
        Err(error) => return Check::Brakes.fail(with_sources(&error), "see the line `database`"),
    };
    let pulled = active.iter().filter(|brake| brake.kind == BrakeKind::Verification).count();
    match (pulled, active.len()) {
        (0, 0) => Check::Brakes.ok("none is pulled, nothing is paused"),
        (0, paused) => Check::Brakes.warn(
            format!("{paused} paused; evaluation goes on"),
            "menshen pause --list says by whom and why; menshen resume lets acting go on",
        ),
        (pulled, _) => Check::Brakes.fail(
            format!("the brake verification is pulled ({pulled}): nothing is sent"),
            "menshen pause --list says why; look at WeChat's console, then menshen resume --why \"…\"",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Status;
    use super::*;

    fn one(name: &str, uid: u32, mode: u32, forbidden: u32) -> Standing {
        let path = if name.is_empty() { PathBuf::from("/s") } else { Path::new("/s").join(name) };
        Standing { path, uid, mode, forbidden }
    }

    #[track_caller]
    fn check(standing: &[Standing], owner: Option<u32>, status: Status, words: &str) {
        let owner = owner.map(|uid| Owner { uid, who: format!("user {uid}") });
        let found = directory(Path::new("/s"), standing, owner.as_ref(), Site::Real);
        let told = format!("{} {}", found.what, found.mend.clone().unwrap_or_default());
        assert!(found.status == status && told.contains(words), "{words:?}: {found:?}");
    }

    #[test]
    fn who_may_use_the_state_directory() {
        let dir = |mode| one("", 7, mode, OTHERS_OR_WRITING);
        let log = |uid, mode| one("menshen.db", uid, mode, OTHERS_OR_WRITING);
        let tokens = |mode| one("refresh_tokens", 7, mode, NOT_OWNER);
        check(&[], Some(7), Status::Ok, "not there yet");
        check(&[dir(0o750), log(7, 0o640), tokens(0o700)], Some(7), Status::Ok, "mode 0750, of user 7");
        check(&[dir(0o700)], None, Status::Ok, "mode 0700");
        check(&[dir(0o755)], Some(7), Status::Fail, "chmod 0750 /s");
        check(&[dir(0o751)], Some(7), Status::Fail, "everybody");
        check(&[dir(0o770)], Some(7), Status::Fail, "its group may write it");
        check(&[dir(0o750), log(7, 0o644)], Some(7), Status::Fail, "chmod 0640 /s/menshen.db");
        check(&[dir(0o750), tokens(0o750)], Some(7), Status::Fail, "chmod 0700 /s/refresh_tokens");
        let lock = |mode| one("menshen.lock", 7, mode, WRITING);
        check(&[dir(0o750), lock(0o644)], Some(7), Status::Ok, "mode 0750");
        check(&[dir(0o750), lock(0o666)], Some(7), Status::Fail, "chmod 0644 /s/menshen.lock");
        check(&[dir(0o750)], Some(8), Status::Fail, "belongs to user 7, and should belong to user 8");
        check(&[dir(0o750), log(0, 0o640)], Some(7), Status::Fail, "/s/menshen.db belongs to user 0");
        check(&[dir(0o750), log(0, 0o640)], None, Status::Fail, "chown --reference=/s /s/menshen.db");
    }

    #[test]
    fn the_sandbox_holds_nobodys_words() {
        let found = directory(Path::new("/s"), &[one("", 7, 0o755, OTHERS_OR_WRITING)], None, Site::Sandbox);
        assert_eq!(found.status, Status::Ok);
    }

    #[test]
    fn users_are_looked_up() {
        let passwd = "root:x:0:0::/root:/bin/sh\nmenshen:x:998:997:menshen:/var/lib/menshen:/usr/sbin/nologin\n";
        assert_eq!((uid_of("menshen", passwd), uid_of("menshe", passwd)), (Some(998), None));
    }

    #[test]
    fn pages_of_the_log() {
        let damaged = Integrity::Damaged(vec!["Tree 5 page 9: btreeInitPage() returns error code 11".to_owned()]);
        for (found, status, words) in [
            (Integrity::Whole, Status::Ok, "every page is whole"),
            (Integrity::Unfinished, Status::Skipped, "3.0 GiB could not be looked at"),
            (damaged, Status::Fail, "page 9"),
        ] {
            let found = integrity(Ok(found), 3 << 30);
            assert!(found.status == status && found.what.contains(words), "{found:?}");
        }
    }
}
