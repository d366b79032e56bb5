//! One hand at a time on an account.
//!
//! A pass takes its account from the first page to the last reading, and so does
//! whoever decides by hand: what one of them changes would look to the other as if
//! WeChat had done it unasked. An advisory lock on a file in the state directory,
//! released by the kernel however its holder ends. Looking takes no lock.

use super::lock::{LockError, give_to_owner, holder, open, write_holder};
use crate::policy::AppId;
use crate::store::Reader;
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long an account is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a held lock is tried again: the kernel rings no bell one could wait for without a thread.
const TRY_EVERY: Duration = Duration::from_millis(50);

/// An account that is ours as long as this lives.
#[derive(Debug)]
pub(super) struct AccountLock {
    _file: File,
}

impl AccountLock {
    /// Takes the account of a log, waiting as long as anybody should. `None` when `stop` came first.
    pub(super) async fn of(
        log: &Reader,
        account: &AppId,
        stop: &CancellationToken,
    ) -> Result<Option<AccountLock>, LockError> {
        let dir = log.path().parent().unwrap_or(Path::new("."));
        AccountLock::take(dir, account, PATIENCE, stop).await
    }

    /// Takes the account, waiting up to `patience` for whoever has it. `None` when `stop` came first.
    async fn take(
        dir: &Path,
        account: &AppId,
        patience: Duration,
        stop: &CancellationToken,
    ) -> Result<Option<AccountLock>, LockError> {
        let failed = |source| LockError::Io { dir: dir.to_owned(), source };
        let mut file = open(&dir.join(file_name(account))).map_err(failed)?;
        give_to_owner(&file, dir).map_err(failed)?;
        let deadline = tokio::time::Instant::now() + patience;
        while !try_lock(&file).map_err(failed)? {
            if tokio::time::Instant::now() >= deadline {
                return Err(LockError::AccountTaken { holder: holder(&mut file), waited_secs: patience.as_secs() });
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(None),
                () = tokio::time::sleep(TRY_EVERY) => {}
            }
        }
        write_holder(&mut file).map_err(failed)?;
        Ok(Some(AccountLock { _file: file }))
    }
}

fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// WeChat publishes no grammar for appids: what is no letter or digit stands as its code.
fn file_name(account: &AppId) -> String {
    let letters = account.as_str().bytes().map(|byte| match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
        other => format!("_{other:02x}"),
    });
    format!("account-{}.lock", letters.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn take(dir: &Path, account: &str, stop: &CancellationToken) -> Result<Option<AccountLock>, LockError> {
        AccountLock::take(dir, &AppId::new(account), Duration::ZERO, stop).await
    }

    #[tokio::test]
    async fn an_account_has_one_holder_at_a_time() {
        let (dir, stop) = (tempfile::tempdir().expect("a temporary directory"), CancellationToken::new());
        let first = take(dir.path(), "wx1", &stop).await.expect("free").expect("not stopped");
        let second = take(dir.path(), "wx1", &stop).await.expect_err("taken").to_string();
        assert!(second.contains(&format!("process {}", std::process::id())), "{second}");
        take(dir.path(), "wx2", &stop).await.expect("another account").expect("not stopped");
        drop(first);
        take(dir.path(), "wx1", &stop).await.expect("released with its holder").expect("not stopped");
    }

    #[tokio::test]
    async fn who_is_told_to_stop_waits_no_longer() {
        let (dir, stop) = (tempfile::tempdir().expect("a temporary directory"), CancellationToken::new());
        let _first = take(dir.path(), "wx1", &stop).await.expect("free");
        stop.cancel();
        let second = AccountLock::take(dir.path(), &AppId::new("wx1"), PATIENCE, &stop).await;
        assert!(second.expect("no error").is_none());
    }

    #[test]
    fn any_appid_names_a_file_of_its_own() {
        let names = ["wx1", "../wx1", "wx_1", "wx/1", "微信"].map(|appid| file_name(&AppId::new(appid)));
        for (at, name) in names.iter().enumerate() {
            assert!(!name.contains('/'), "{name}");
            assert!(!names[..at].contains(name), "{name}");
        }
    }
}
