//! A disk that refuses, a process that dies: nothing is sent that is not recorded.
#![expect(clippy::print_stdout, reason = "children tell their parents what they saw")]

use super::*;
use sqlx::Executor;
use std::{
    fs::Permissions,
    os::unix::{
        fs::PermissionsExt,
        process::{CommandExt, ExitStatusExt},
    },
    path::Path,
    process::Command,
};

#[tokio::test]
async fn a_full_disk_yields_an_error_and_no_intent() {
    let desk = Desk::new().await;
    // SQLite's own ceiling stands in for the disk; it is the connection's, so the next connection has room again.
    let pages: i64 = desk.ask("PRAGMA page_count").await;
    let ceiling = format!("PRAGMA max_page_count = {}", pages + 6);
    desk.store.writer().lock().await.as_mut().unwrap().execute(sqlx::AssertSqlSafe(ceiling)).await.unwrap();
    let mut sent = Vec::new();
    let error = loop {
        let wanted = (0..20).map(|n| agree(&format!("wx{}-{n}", sent.len())));
        let wanted = wanted.map(|decision| NewIntent::First {
            decision,
            action: Action::Agree,
            place: NewPlace::unlimited(at(0)),
        });
        match desk.store.intend(wanted.collect()).await {
            Ok(intended) => sent.extend(intended.into_iter().map(|one| ready(one).decision())),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full(..)), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("disk is full") && text.contains("nothing was sent") && text.contains("menshen.db"),
        "{text}"
    );
    assert!(!text.contains("某店"), "{text}");
    assert_eq!(desk.ask::<i64>("SELECT count(*) FROM decisions").await, sent.len() as i64);
    assert_eq!(desk.ask::<i64>("SELECT count(*) FROM settlements").await, sent.len() as i64);
    desk.planned("wx-after").await;
}

const CHILD: &str = "MENSHEN_TEST_DATABASE";

/// Runs the ignored test `name` of this file in a process of its own, started by a shell line.
fn child(line: &str, name: &str, path: &Path) -> std::process::Output {
    let test = format!("store::tests::disk::{name}");
    let this = std::env::current_exe().unwrap();
    Command::new("sh")
        .args(["-c", line])
        .arg(this)
        .args(["--exact", &test, "--ignored", "--nocapture"])
        .env(CHILD, path)
        .output()
        .unwrap()
}

/// A real refusal by the kernel, at the COMMIT: the file may not grow any more.
#[tokio::test]
async fn a_commit_the_kernel_refuses_yields_no_intent() {
    let desk = Desk::new().await;
    let path = desk.path();
    desk.store.close().await;
    // 512-byte blocks; ignoring the signal turns it into an error of write().
    let line = "trap '' XFSZ; ulimit -f 600; exec \"$0\" \"$@\"";
    let output = child(line, "intends_until_refused", &path);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let sent: i64 = said.lines().find_map(|line| line.strip_prefix("sent ")).unwrap().parse().unwrap();
    let store = Store::open(&path).await.unwrap();
    assert_eq!(store.planned(&account()).await.unwrap().len() as i64, sent);
    assert!(sent > 0);
}

#[tokio::test]
#[ignore = "run by a_commit_the_kernel_refuses_yields_no_intent"]
async fn intends_until_refused() {
    let store = Store::open(std::env::var(CHILD).unwrap().as_ref()).await.unwrap();
    let mut sent = 0;
    let error = loop {
        let decision = agree(&format!("wx{sent}"));
        match store
            .intend(vec![NewIntent::First { decision, action: Action::Agree, place: NewPlace::unlimited(at(0)) }])
            .await
        {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Disk(..) | StoreError::Full(..)), "{error:?}");
    println!("\nsent {sent}");
}

/// kill -9 in the middle of writing: what was announced is there, whole.
#[tokio::test]
async fn a_killed_writer_loses_nothing_it_announced() {
    let desk = Desk::new().await;
    let path = desk.path();
    desk.store.close().await;
    let output = child("exec \"$0\" \"$@\"", "intends_until_killed", &path);
    assert_eq!(output.status.signal(), Some(9), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    let sent = said.lines().filter(|line| line.starts_with("ready ")).count();
    assert!(sent >= 50, "{said}");
    let reader = Reader::open(&path).await.unwrap().unwrap();
    assert!(reader.planned(&account()).await.unwrap().len() >= sent);
    let store = Store::open(&path).await.unwrap();
    assert!(store.planned(&account()).await.unwrap().len() >= sent);
    let whole: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(store.reader().pool()).await.unwrap();
    assert_eq!(whole, "ok");
}

#[tokio::test]
#[ignore = "run by a_killed_writer_loses_nothing_it_announced"]
async fn intends_until_killed() {
    let store = Store::open(std::env::var(CHILD).unwrap().as_ref()).await.unwrap();
    for n in 0.. {
        let decision = agree(&format!("wx{n}"));
        let intended = store
            .intend(vec![NewIntent::First { decision, action: Action::Agree, place: NewPlace::unlimited(at(0)) }])
            .await;
        println!("\nready {}", ready(intended.unwrap().remove(0)).decision());
        if n == 60 {
            // From another thread, so that it strikes while the next write is under way.
            std::thread::spawn(|| Command::new("kill").args(["-9", &std::process::id().to_string()]).status());
        }
    }
}

#[tokio::test]
async fn a_write_that_is_dropped_half_way_is_undone() {
    let desk = Desk::new().await;
    let mut writing = desk.store.begin(Doing::Record).await.unwrap();
    sqlx::raw_sql("INSERT INTO brakes (at, event, kind, who) VALUES (1, 'set', 'pause', 'half')")
        .execute(&mut writing.conn)
        .await
        .unwrap();
    drop(writing);
    desk.planned("wx1").await;
    assert_eq!(desk.ask::<i64>("SELECT count(*) FROM brakes").await, 0);
}

/// Somebody who may read the directory, and no more.
#[tokio::test]
async fn a_log_that_stands_still_is_read_in_a_directory_one_cannot_write() {
    let desk = Desk::new().await;
    desk.planned("wx1").await;
    let (path, dir) = (desk.path(), desk.dir.path().to_owned());
    desk.store.close().await;
    let mode = |path: &Path, mode| std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    mode(&path, 0o444);
    mode(&dir, 0o555);
    assert_eq!(as_somebody_else(&path), "planned 1");
    std::fs::write(dir.join("menshen.db-wal"), "more of it").unwrap_or_else(|_| {
        mode(&dir, 0o755);
        std::fs::write(dir.join("menshen.db-wal"), "more of it").unwrap();
        mode(&dir, 0o555);
    });
    assert_eq!(as_somebody_else(&path), "refused", "a log beside it means the file is not the whole truth");
    mode(&dir, 0o755);
}

/// What a process without root's powers reads.
fn as_somebody_else(path: &Path) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "store::tests::disk::reads_what_stands", "--ignored", "--nocapture"]).env(CHILD, path);
    if rustix::process::geteuid().is_root() {
        command.uid(65534);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = said.lines().find(|line| line.starts_with("planned ") || *line == "refused");
    line.unwrap_or_else(|| panic!("{said}\n{}", String::from_utf8_lossy(&output.stderr))).to_owned()
}

#[tokio::test]
#[ignore = "run by a_log_that_stands_still_is_read_in_a_directory_one_cannot_write"]
async fn reads_what_stands() {
    match Reader::open(std::env::var(CHILD).unwrap().as_ref()).await {
        Ok(reader) => println!("\nplanned {}", reader.unwrap().planned(&account()).await.unwrap().len()),
        Err(_) => println!("\nrefused"),
    }
}

/// The state directory belongs to the service's user: what it puts there must not lead root astray.
#[tokio::test]
async fn root_follows_no_link_of_somebody_else_to_the_log() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name);
    let link = |to: &str, from: &str| {
        let _ = std::fs::remove_file(path(from));
        std::os::unix::fs::symlink(path(to), path(from)).unwrap();
        std::os::unix::fs::lchown(path(from), Some(1234), Some(1234)).unwrap();
    };
    link("precious", "menshen.db");
    Store::open(&path("menshen.db")).await.expect_err("it leads elsewhere");
    assert!(!path("precious").exists(), "nothing is made where it leads");
    Store::open(&path("precious")).await.unwrap().close().await;
    let before = std::fs::read(path("precious")).unwrap();
    Store::open(&path("menshen.db")).await.expect_err("it leads elsewhere");
    assert!(Reader::open(&path("menshen.db")).await.is_err());
    std::fs::remove_file(path("menshen.db")).unwrap();
    std::fs::hard_link(path("precious"), path("menshen.db")).unwrap();
    Store::open(&path("menshen.db")).await.expect_err("a file with another name");
    assert_eq!(std::fs::read(path("precious")).unwrap(), before);

    std::fs::remove_file(path("menshen.db")).unwrap();
    for side in ["menshen.db-wal", "menshen.db-shm"] {
        // Of a log that is not there yet SQLite takes the link away; of one that is, it does not open it.
        for made in [false, true] {
            if made {
                Store::open(&path("menshen.db")).await.unwrap().close().await;
            }
            std::fs::write(path("passwd"), "root").unwrap();
            link("passwd", side);
            if let Ok(store) = Store::open(&path("menshen.db")).await {
                let _ = store.record(&[hold("wx1")]).await;
                store.close().await;
            }
            assert_eq!(std::fs::read_to_string(path("passwd")).unwrap(), "root", "{side}, {made}");
            for name in [side, "menshen.db"] {
                let _ = std::fs::remove_file(path(name));
            }
        }
    }
    // Root's own link is root's own business.
    std::os::unix::fs::symlink(path("precious"), path("menshen.db")).unwrap();
    Store::open(&path("menshen.db")).await.unwrap().close().await;
}
