//! The file itself: making it, opening it, bringing it up to date.
//!
//! Hides SQLite's settings, the migrations and how a copy is made. Promises that a database of a
//! newer menshen, or of another program, is refused before anything in it is
//! touched, and that a file we make can be read by the service's group.

use super::{Doing, StoreError, chain, sql};
use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};
use sqlx::{
    ConnectOptions, Connection, SqlSafeStr, Sqlite, SqlitePool, Transaction,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

/// The newest schema we know: the number of the last migration.
pub(super) const KNOWN: i64 = 6;
/// "mens", so that `file menshen.db` and we can tell whose database it is.
const APPLICATION_ID: i64 = 0x6d65_6e73;
/// How long a writer waits for another one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// What is left of the write-ahead log after a checkpoint, in bytes.
const WAL_KEPT: u32 = 16 << 20;
/// Readers at once: the service's own, and one that prints.
const READERS: u32 = 2;
/// Idle readers are closed, to give their memory back.
const READER_IDLE: Duration = Duration::from_secs(60);
/// The service's user writes, its group may query, nobody else.
const FILE_MODE: u32 = 0o640;

/// The writing connection's settings.
pub(super) fn writing(path: &Path) -> SqliteConnectOptions {
    common(path)
        // Survives a power cut, not only a crash: an intent must be on the disk before its call.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // What is erased is overwritten, also in pages that a row has left.
        .pragma("secure_delete", "ON")
        .pragma("journal_size_limit", WAL_KEPT.to_string())
}

/// Makes the file if there is none, and brings its schema up to date.
pub(super) async fn open_for_writing(path: &Path) -> Result<SqliteConnection, StoreError> {
    let failed = |error| StoreError::from_sqlx(path, Doing::Open, error);
    not_led_away(path).and_then(|()| make(path)).map_err(|error| failed(sqlx::Error::Io(error)))?;
    let mut conn = writing(path).connect().await.map_err(failed)?;
    let found = schema(&mut conn, path).await?;
    // Also of one that is up to date: a copy that was put in its place is none.
    sqlx::raw_sql(sql::WRITE_AHEAD).execute(&mut conn).await.map_err(failed)?;
    match found {
        Schema::Known => {}
        Schema::Empty => {
            let tx = begin(&mut conn).await.map_err(failed)?;
            migrate(tx).await.map_err(|error| failed(unwrapped(error)))?;
        }
        Schema::Older(found) => migrate_a_copied(&mut conn, path, found).await?,
    }
    Ok(conn)
}

/// Migrates a log that a copy was made of; nothing is written between the copy and the migration.
async fn migrate_a_copied(conn: &mut SqliteConnection, path: &Path, found: i64) -> Result<(), StoreError> {
    let failed = |error| StoreError::from_sqlx(path, Doing::Open, error);
    let mut written = data_version(conn).await.map_err(failed)?;
    loop {
        let any: bool = sqlx::query_scalar(sql::ANYTHING).fetch_one(&mut *conn).await.map_err(failed)?;
        let made = match any {
            true => Some(copy(conn, &before(path, found + 1)).await?),
            false => None,
        };
        let mut tx = begin(conn).await.map_err(failed)?;
        let now = data_version(&mut tx).await.map_err(failed)?;
        if now == written {
            return migrate(tx).await.map_err(|error| failed(unwrapped(error)));
        }
        // Somebody wrote meanwhile: the copy would lack it.
        written = now;
        drop(tx);
        if let Some(made) = made {
            std::fs::remove_file(made).map_err(|error| failed(sqlx::Error::Io(error)))?;
        }
    }
}

/// The name of the copy from before a migration; one that is there already is left alone.
fn before(path: &Path, migration: i64) -> PathBuf {
    let first = beside(path, &format!(".before-{migration:04}"));
    let more = (2..).map(|number| beside(path, &format!(".before-{migration:04}.{number}")));
    std::iter::once(first).chain(more).find(|name| !name.exists()).expect("names do not run out")
}

async fn data_version(conn: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(sql::WRITTEN).fetch_one(conn).await
}

/// Copies a log, as it stands now, to a file that must not exist; durable, whole or not at all. Writers go on meanwhile.
pub(super) async fn copy(conn: &mut SqliteConnection, to: &Path) -> Result<PathBuf, StoreError> {
    let to = std::path::absolute(to).unwrap_or_else(|_| to.to_owned());
    let failed = |error| StoreError::from_sqlx(&to, Doing::Copy, error);
    if to.symlink_metadata().is_ok() {
        return Err(StoreError::AlreadyThere(to));
    }
    let part = Unfinished::new(beside(&to, ".part")).map_err(|error| failed(sqlx::Error::Io(error)))?;
    let name = part.0.to_str().ok_or_else(|| failed(sqlx::Error::Io(io::ErrorKind::InvalidFilename.into())))?;
    sqlx::query(sql::COPY).bind(name).execute(conn).await.map_err(failed)?;
    part.finish(&to).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => StoreError::AlreadyThere(to.clone()),
        _ => failed(sqlx::Error::Io(error)),
    })?;
    Ok(to)
}

/// A copy under way; gone again unless it is finished.
struct Unfinished(PathBuf);

impl Unfinished {
    fn new(path: PathBuf) -> io::Result<Unfinished> {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => make(&path)?,
        }
        Ok(Unfinished(path))
    }

    fn finish(self, to: &Path) -> io::Result<()> {
        File::open(&self.0)?.sync_all()?;
        match renameat_with(CWD, &self.0, CWD, to, RenameFlags::NOREPLACE) {
            // A file system that cannot: it was looked for just before.
            Err(Errno::INVAL | Errno::NOSYS) => std::fs::rename(&self.0, to)?,
            other => other?,
        }
        directory(to)?.sync_all()
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After it was renamed there is nothing of that name.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Readers of a file that a writer has opened.
pub(super) fn readers(path: &Path) -> SqlitePool {
    pool().connect_lazy_with(common(path).read_only(true))
}

/// Readers of a file nobody may have opened; `None` when there is no file.
///
/// Where not even SQLite's lock files can be made (a read-only directory), the file
/// is read as it stands, provided that no write-ahead log holds more of it.
pub(super) async fn open_for_reading(path: &Path) -> Result<Option<SqlitePool>, StoreError> {
    if matches!(path.try_exists(), Ok(false)) {
        return Ok(None);
    }
    match checked(path, common(path).read_only(true)).await {
        Err(StoreError::Missing(..) | StoreError::ReadOnly(..)) if !has_log(path) => {
            checked(path, common(path).read_only(true).immutable(true)).await
        }
        other => other,
    }
}

/// Readers that leave no trace; `None` when there is no file.
///
/// A reader of a closed database would make SQLite's side files and could not take them away again. Where there are
/// none, nobody has it open and no more of it stands elsewhere, so it is read as it stands.
pub(super) async fn open_for_looking(path: &Path) -> Result<Option<SqlitePool>, StoreError> {
    match matches!(path.try_exists(), Ok(true)) && !beside(path, "-wal").exists() {
        true => checked(path, common(path).read_only(true).immutable(true)).await,
        false => open_for_reading(path).await,
    }
}

async fn checked(path: &Path, options: SqliteConnectOptions) -> Result<Option<SqlitePool>, StoreError> {
    not_led_away(path).map_err(|error| StoreError::from_sqlx(path, Doing::Open, sqlx::Error::Io(error)))?;
    let pool = pool().connect_lazy_with(options);
    let mut conn = pool.acquire().await.map_err(|error| StoreError::from_sqlx(path, Doing::Open, error))?;
    match schema(&mut conn, path).await? {
        Schema::Known => Ok(Some(pool)),
        Schema::Empty => Ok(None),
        Schema::Older(found) => Err(StoreError::Older { path: path.to_owned(), found, known: KNOWN }),
    }
}

fn common(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        // Absolute: a relative path that begins with `file:` would be read as an address.
        .filename(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
        .thread_name(|_| "audit log".to_owned())
}

fn pool() -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .idle_timeout(READER_IDLE)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Root opens no file where a link of somebody else's leads: SQLite would follow it, and make what is not there.
/// The side files need no look: SQLite opens them without following links.
fn not_led_away(path: &Path) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let found = match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let theirs = found.is_symlink() && found.uid() != 0;
    match theirs || !(found.is_symlink() || found.is_file()) || found.nlink() > 1 {
        true => {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "run by root, and it is a link or no regular file"))
        }
        false => Ok(()),
    }
}

/// Makes an empty file with the right mode, durable in its directory; SQLite gives its log files the same mode.
fn make(path: &Path) -> io::Result<()> {
    let file = match OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        other => other?,
    };
    // Again, because the umask took its part; only now, so that an administrator's later change stays.
    file.set_permissions(std::fs::Permissions::from_mode(FILE_MODE))?;
    let dir = directory(path)?;
    let owner = dir.metadata()?;
    if rustix::process::geteuid().is_root() {
        // Made by root on behalf of the service: the service must be able to write it.
        std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
    }
    dir.sync_all()
}

/// The directory a file is in.
fn directory(path: &Path) -> io::Result<File> {
    File::open(path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

/// True if a write-ahead log stands beside the file and is not empty.
fn has_log(path: &Path) -> bool {
    beside(path, "-wal").metadata().is_ok_and(|found| found.len() > 0)
}

/// One of SQLite's side files.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

#[derive(Debug, PartialEq, Eq)]
enum Schema {
    /// Ours, up to date.
    Known,
    /// Ours, to be migrated.
    Older(i64),
    /// Nothing in it yet.
    Empty,
}

async fn schema(conn: &mut SqliteConnection, path: &Path) -> Result<Schema, StoreError> {
    let failed = |error| StoreError::from_sqlx(path, Doing::Open, error);
    let (application, found, objects): (i64, i64, i64) =
        sqlx::query_as(sql::SCHEMA).fetch_one(conn).await.map_err(failed)?;
    match (application, found) {
        (0, 0) if objects == 0 => Ok(Schema::Empty),
        (APPLICATION_ID, KNOWN) => Ok(Schema::Known),
        (APPLICATION_ID, found) if found > KNOWN => {
            Err(StoreError::Newer { path: path.to_owned(), found, known: KNOWN })
        }
        (APPLICATION_ID, found) => Ok(Schema::Older(found)),
        _ => Err(StoreError::Foreign { path: path.to_owned() }),
    }
}

/// A transaction that locks out other writers from its start.
async fn begin(conn: &mut SqliteConnection) -> Result<Transaction<'_, Sqlite>, sqlx::Error> {
    conn.begin_with(sql::BEGIN).await
}

/// All migrations in one transaction.
async fn migrate(mut tx: Transaction<'_, Sqlite>) -> Result<(), MigrateError> {
    migrations().run(&mut *tx).await?;
    // What SQL cannot do: records without an entry in the chain get theirs.
    chain::adopt(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

fn unwrapped(error: MigrateError) -> sqlx::Error {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error,
        other => sqlx::Error::Migrate(Box::new(other)),
    }
}

/// Every migration, oldest first: its number is the schema it makes.
const MIGRATIONS: [(&str, &str); KNOWN as usize] = [
    ("audit log", include_str!("../../migrations/0001_audit_log.sql")),
    ("chain", include_str!("../../migrations/0002_chain.sql")),
    ("limits", include_str!("../../migrations/0003_limits.sql")),
    ("plugin uses", include_str!("../../migrations/0004_plugin_uses.sql")),
    ("notices", include_str!("../../migrations/0005_notices.sql")),
    ("months", include_str!("../../migrations/0006_months.sql")),
];

pub(super) fn migrations() -> Migrator {
    let one = |(before, (name, sql)): (i64, &(&'static str, &'static str))| {
        Migration::new(before + 1, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations((0..).zip(&MIGRATIONS).map(one).collect())
}
