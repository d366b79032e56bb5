//! The file itself: making it, opening it, bringing it up to date.
//!
//! Hides SQLite's settings and the migrations. Promises that a database of a
//! newer menshen, or of another program, is refused before anything in it is
//! touched, and that a file we make can be read by the service's group.

use super::{Doing, StoreError, sql};
use sqlx::{
    ConnectOptions, Connection, SqlSafeStr, SqlitePool,
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
pub(super) const KNOWN: i64 = 1;
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
        .pragma("journal_size_limit", WAL_KEPT.to_string())
}

/// Makes the file if there is none, and brings its schema up to date.
pub(super) async fn open_for_writing(path: &Path) -> Result<SqliteConnection, StoreError> {
    let failed = |error| StoreError::from_sqlx(path, Doing::Open, error);
    not_led_away(path).and_then(|()| make(path)).map_err(|error| failed(sqlx::Error::Io(error)))?;
    let mut conn = writing(path).connect().await.map_err(failed)?;
    if schema(&mut conn, path).await? == Schema::Known {
        return Ok(conn);
    }
    sqlx::raw_sql(sql::WRITE_AHEAD).execute(&mut conn).await.map_err(failed)?;
    migrate(&mut conn).await.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => failed(error),
        other => failed(sqlx::Error::Migrate(Box::new(other))),
    })?;
    Ok(conn)
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
    let dir = File::open(path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
    let owner = dir.metadata()?;
    if rustix::process::geteuid().is_root() {
        // Made by root on behalf of the service: the service must be able to write it.
        std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
    }
    dir.sync_all()
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

/// All migrations in one transaction that locks out other writers from its start.
async fn migrate(conn: &mut SqliteConnection) -> Result<(), MigrateError> {
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    migrations().run(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}

pub(super) fn migrations() -> Migrator {
    let audit_log = include_str!("../../migrations/0001_audit_log.sql");
    Migrator::with_migrations(vec![Migration::new(
        1,
        "audit log".into(),
        MigrationType::Simple,
        audit_log.into_sql_str(),
        false,
    )])
}
