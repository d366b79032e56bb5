//! Copies: whole, while others write, and never over something.

use super::*;
use std::os::unix::fs::PermissionsExt;

#[tokio::test]
async fn a_copy_made_while_others_write_is_whole_and_verifies() {
    let desk = Desk::new().await;
    desk.store.record(&[hold("wx0"), hold("wx1")]).await.unwrap();
    let (to, log) = (desk.dir.path().join("copy.db"), Reader::open(&desk.path()).await.unwrap().unwrap());
    let (made, ()) = tokio::join!(log.backup(&to), async {
        for row in 2..60 {
            desk.store.record(&[hold(&format!("wx{row}"))]).await.unwrap();
        }
    });
    let (path, head) = made.unwrap();
    assert_eq!(path, to);
    assert_eq!(to.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    let copy = Reader::open(&to).await.unwrap().unwrap();
    let verified = copy.verify(None, &|_| ()).await.unwrap();
    assert_eq!((verified.findings, verified.head), (vec![], head));
    assert_eq!(head.sequence % 2, 0, "whole transactions");
    copy.close().await;
    // In place of the log it works on, and its head is in the log it was made of.
    let kept = head.to_string().parse().unwrap();
    assert_eq!(desk.store.verify(Some(kept), &|_| ()).await.unwrap().findings, []);
    let store = Store::open(&to).await.unwrap();
    store.record(&[hold("wxmore")]).await.unwrap();
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(store.reader().pool()).await.unwrap();
    assert_eq!(mode, "wal");
    assert_eq!(store.verify(None, &|_| ()).await.unwrap().findings, []);
}

#[tokio::test]
async fn nothing_is_overwritten_and_nothing_is_left_of_a_failure() {
    let desk = Desk::new().await;
    let theirs = desk.dir.path().join("theirs");
    std::fs::write(&theirs, "something of theirs").unwrap();
    let refused = desk.store.backup(&theirs).await;
    assert!(matches!(refused, Err(StoreError::AlreadyThere(_))), "{refused:?}");
    assert!(desk.store.backup(&desk.path()).await.is_err(), "onto itself");
    assert_eq!(std::fs::read_to_string(&theirs).unwrap(), "something of theirs");
    let nowhere = desk.store.backup(&desk.dir.path().join("no/copy.db")).await;
    assert!(matches!(nowhere, Err(StoreError::Missing(..))), "{nowhere:?}");
    let parts = std::fs::read_dir(desk.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(parts.into_iter().all(|name| !name.to_string_lossy().ends_with(".part")));
}
