//! Refresh tokens on disk: one private file for each mini program of a platform.
//!
//! Hides locking and replacing. Promises that a file is whole at any moment,
//! also when the process is killed or the power goes: the new text is on disk
//! before it takes the old one's name. That only one process at a time reads,
//! uses and replaces a refresh token. And that one which WeChat handed out is
//! kept in memory when the disk refuses it.

use super::{
    super::{AppId, Error},
    outside::io_words,
};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use std::{
    collections::HashMap,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// No refresh token is longer.
const TEXT_MAX_BYTES: u64 = 8 * 1024;
/// How often we look whether another process has let go: the kernel has no signal for it.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The refresh tokens of one platform.
pub(super) struct RefreshTokens {
    dir: PathBuf,
    component: AppId,
    /// Handed out by WeChat and not on disk yet.
    unsaved: Arc<Mutex<HashMap<AppId, SecretString>>>,
}

/// The place of one refresh token, ours alone as long as this lives, with room made for a new one.
pub(super) struct Kept {
    path: PathBuf,
    next: PathBuf,
    file: Option<File>,
    _lock: File,
    appid: AppId,
    unsaved: Arc<Mutex<HashMap<AppId, SecretString>>>,
}

impl RefreshTokens {
    pub(super) fn new(dir: PathBuf, component: AppId) -> RefreshTokens {
        RefreshTokens { dir, component, unsaved: Arc::default() }
    }

    /// Takes the place of this mini program, waiting for another process at most so long.
    ///
    /// Fails where nothing can be written: better before WeChat hands out a refresh token than after.
    pub(super) async fn take(&self, appid: &AppId, patience: Duration) -> Result<Kept, Error> {
        let path = self.dir.join(format!("{}-{}", plain(&self.component), plain(appid)));
        let failed = |error: &io::Error| keeping(&path, error);
        make_private(&self.dir).map_err(|error| keeping(&self.dir, &error))?;
        let lock = open(&path.with_extension("lock")).map_err(|error| failed(&error))?;
        let end = Instant::now() + patience;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < end => sleep(LOOK_AGAIN).await,
                Err(TryLockError::WouldBlock) => {
                    return Err(failed(&io::Error::other("another process has held it for too long")));
                }
                Err(TryLockError::Error(error)) => return Err(failed(&error)),
            }
        }
        let next = path.with_extension("new");
        let file = open(&next).map_err(|error| failed(&error))?;
        let (appid, unsaved) = (appid.clone(), Arc::clone(&self.unsaved));
        Ok(Kept { path, next, file: Some(file), _lock: lock, appid, unsaved })
    }
}

impl Kept {
    /// The newest refresh token; `None` if there is none that can be read.
    pub(super) fn read(&self) -> Result<Option<SecretString>, Error> {
        if let Some(unsaved) = self.unsaved().get(&self.appid) {
            return Ok(Some(unsaved.clone()));
        }
        match read_text(&self.path) {
            Ok(text) => Ok(text.filter(|text| is_word(text)).map(|text| SecretString::from(text.as_str()))),
            Err(error) => Err(keeping(&self.path, &error)),
        }
    }

    /// Keeps it from now on, durably. Told again what it holds, it writes nothing.
    pub(super) async fn keep(mut self, refresh_token: &SecretString) -> Result<(), Error> {
        if matches!(read_text(&self.path), Ok(Some(held)) if *held == refresh_token.expose_secret()) {
            self.unsaved().remove(&self.appid);
            return Ok(());
        }
        self.unsaved().insert(self.appid.clone(), refresh_token.clone());
        let text = refresh_token.clone();
        // With its lock: whoever is next must find it written. It goes on when nobody waits for it any more.
        let written = tokio::task::spawn_blocking(move || {
            let wrote = self.write(text.expose_secret()).map_err(|error| keeping(&self.path, &error));
            if wrote.is_ok() {
                self.unsaved().remove(&self.appid);
            }
            wrote
        });
        written.await.unwrap_or_else(|_| Err(Error::Keeping { path: "state_dir".into(), problem: "stopped".into() }))
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        let mut file = self.file.take().ok_or_else(|| io::Error::other("it was written already"))?;
        // What a killed process left in it goes first.
        file.set_len(0)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&self.next, &self.path)?;
        let dir = self.path.parent().unwrap_or(Path::new("."));
        File::open(dir)?.sync_all()
    }

    fn unsaved(&self) -> std::sync::MutexGuard<'_, HashMap<AppId, SecretString>> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if self.file.is_some() {
            // Room that was not needed; if it cannot be removed, the next one uses it.
            let _ = fs::remove_file(&self.next);
        }
    }
}

fn keeping(path: &Path, error: &io::Error) -> Error {
    Error::Keeping { path: path.display().to_string(), problem: io_words(error) }
}

/// An appid as a file name: what it is made of, or its bytes where there is anything else.
fn plain(appid: &AppId) -> String {
    let text = appid.as_str();
    match !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        true => text.to_owned(),
        false => text.bytes().fold("x".to_owned(), |name, byte| format!("{name}{byte:02x}")),
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn make_private(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    give_to_owner(&File::open(dir)?, dir)
}

/// Opens or makes a private file, and nothing a link leads to.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = options.custom_flags(flags.bits().cast_signed()).open(path)?;
    let found = file.metadata()?;
    match found.is_file() && found.nlink() == 1 {
        true => give_to_owner(&file, path).map(|()| file),
        false => Err(io::Error::other("it is no plain file")),
    }
}

/// Made by root on behalf of the service: the service must be able to use it, too.
fn give_to_owner(file: &File, path: &Path) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let (owner, found) = (fs::metadata(path.parent().unwrap_or(Path::new(".")))?, file.metadata()?);
    match found.uid() == owner.uid() {
        true => Ok(()),
        false => std::os::unix::fs::fchown(file, Some(owner.uid()), Some(owner.gid())),
    }
}

/// The text of a file; `None` if there is none, or it holds no text of ours.
fn read_text(path: &Path) -> io::Result<Option<Zeroizing<String>>> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = match OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // With room from the start: a growing buffer would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(TEXT_MAX_BYTES as usize + 1));
    file.take(TEXT_MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned())))
}

#[cfg(test)]
#[expect(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, os::unix::fs::PermissionsExt, process::Command};

    const PATIENCE: Duration = Duration::from_secs(60);

    fn tokens(dir: &Path) -> RefreshTokens {
        RefreshTokens::new(dir.join("refresh_tokens"), AppId::new("wxcomponent"))
    }

    async fn keep(tokens: &RefreshTokens, appid: &str, text: &str) {
        let kept = tokens.take(&AppId::new(appid), PATIENCE).await.unwrap();
        kept.keep(&text.to_owned().into()).await.unwrap();
    }

    async fn held(tokens: &RefreshTokens, appid: &str) -> Option<String> {
        let kept = tokens.take(&AppId::new(appid), PATIENCE).await.unwrap();
        kept.read().unwrap().map(|text| text.expose_secret().to_owned())
    }

    fn names(dir: &Path) -> BTreeSet<String> {
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[tokio::test]
    async fn what_is_kept_is_found_again_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let tokens = tokens(dir.path());
        assert_eq!(held(&tokens, "wxa").await, None);
        keep(&tokens, "wxa", "refreshtoken@@@A").await;
        keep(&tokens, "wxa", "refreshtoken@@@B").await;
        keep(&tokens, "wx/../b", "refreshtoken@@@C").await;
        assert_eq!(held(&tokens, "wxa").await.as_deref(), Some("refreshtoken@@@B"));
        assert_eq!(held(&tokens, "wx/../b").await.as_deref(), Some("refreshtoken@@@C"));
        assert_eq!(held(&self::tokens(dir.path()), "wxa").await.as_deref(), Some("refreshtoken@@@B"));
        let place = dir.path().join("refresh_tokens");
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o700);
        let found = names(&place);
        assert!(found.contains("wxcomponent-wxa") && found.iter().all(|name| !name.ends_with(".new")), "{found:?}");
        for name in found {
            assert_eq!(fs::metadata(place.join(&name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        }
    }

    #[tokio::test]
    async fn what_is_no_refresh_token_counts_as_none() {
        let dir = tempfile::tempdir().unwrap();
        let tokens = tokens(dir.path());
        keep(&tokens, "wxa", "A").await;
        for text in [&b""[..], b"two words", b"\xff\xfe", b"line\n"] {
            fs::write(dir.path().join("refresh_tokens/wxcomponent-wxa"), text).unwrap();
            assert_eq!(held(&tokens, "wxa").await, None, "{text:?}");
        }
    }

    #[tokio::test]
    async fn where_nothing_can_be_kept_nothing_is_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let blocked = dir.path().join("file");
        fs::write(&blocked, "").unwrap();
        let tokens = RefreshTokens::new(blocked.join("refresh_tokens"), AppId::new("wxcomponent"));
        let error = tokens.take(&AppId::new("wxa"), PATIENCE).await.err().unwrap();
        assert!(matches!(error, Error::Keeping { .. }), "{error:?}");
        let tokens = self::tokens(dir.path());
        keep(&tokens, "wxa", "A").await;
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("refresh_tokens/wxcomponent-wxa.new")).unwrap();
        assert!(tokens.take(&AppId::new("wxa"), PATIENCE).await.is_err(), "no link is followed");
    }

    #[tokio::test]
    async fn what_the_disk_refuses_is_not_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let tokens = tokens(dir.path());
        keep(&tokens, "wxa", "OLD").await;
        let place = dir.path().join("refresh_tokens/wxcomponent-wxa");
        let kept = tokens.take(&AppId::new("wxa"), PATIENCE).await.unwrap();
        // A directory in its place cannot be replaced by a file.
        fs::remove_file(&place).unwrap();
        fs::create_dir(&place).unwrap();
        let error = kept.keep(&"NEW".to_owned().into()).await.unwrap_err();
        assert!(matches!(error, Error::Keeping { .. }) && !format!("{error:?}").contains("NEW"), "{error:?}");
        fs::remove_dir(&place).unwrap();
        assert_eq!(held(&tokens, "wxa").await.as_deref(), Some("NEW"));
        keep(&tokens, "wxa", "NEW").await;
        assert_eq!(held(&self::tokens(dir.path()), "wxa").await.as_deref(), Some("NEW"));
    }

    #[tokio::test]
    async fn one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (tokens(dir.path()), tokens(dir.path()));
        let appid = AppId::new("wxa");
        let held = one.take(&appid, PATIENCE).await.unwrap();
        let error = other.take(&appid, Duration::ZERO).await.err().unwrap();
        assert!(error.to_string().contains("another process"), "{error}");
        let (waited, ()) = tokio::join!(other.take(&appid, PATIENCE), async move { drop(held) });
        assert!(waited.is_ok());
    }

    /// The text number `n`: long, so that a half of it would show.
    fn text(n: usize) -> String {
        format!("{n:08}").repeat(500)
    }

    /// kill -9 at any moment: the file is the old one or the new one, whole.
    #[tokio::test]
    async fn a_killed_writer_leaves_it_whole() {
        let dir = tempfile::tempdir().unwrap();
        let tokens = tokens(dir.path());
        keep(&tokens, "wxa", &text(0)).await;
        let mut last = 0;
        for round in 0..12_u32 {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "wechat::tokens::refresh_tokens::tests::keeps_until_killed",
                    "--ignored",
                    "--nocapture",
                ])
                .env("MENSHEN_TEST_PATH", dir.path())
                .env("MENSHEN_TEST_FROM", (last + 1).to_string())
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap();
            // It works: the file has changed a few times. How far it is then is up to chance.
            let wanted = text(last + 1 + round as usize);
            let path = dir.path().join("refresh_tokens/wxcomponent-wxa");
            while fs::read_to_string(&path).unwrap() < wanted {
                assert!(child.try_wait().unwrap().is_none(), "it goes on until it is killed");
                std::thread::yield_now();
            }
            child.kill().unwrap();
            child.wait().unwrap();
            let found = held(&tokens, "wxa").await.expect("never half, never nothing");
            let n: usize = found[..8].parse().unwrap();
            assert!(n > last && found == text(n), "round {round}");
            last = n;
        }
    }

    #[tokio::test]
    #[ignore = "run by a_killed_writer_leaves_it_whole"]
    async fn keeps_until_killed() {
        let dir = PathBuf::from(std::env::var_os("MENSHEN_TEST_PATH").unwrap());
        let from: usize = std::env::var("MENSHEN_TEST_FROM").unwrap().parse().unwrap();
        let tokens = tokens(&dir);
        // Bounded, should nobody kill it.
        for n in from..from + 100_000 {
            keep(&tokens, "wxa", &text(n)).await;
        }
    }
}
