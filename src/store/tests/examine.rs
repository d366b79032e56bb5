//! The pages of the file: whole, damaged, or not looked at to the end.

use super::*;

#[tokio::test]
async fn pages_are_whole_damaged_or_not_looked_at_to_the_end() {
    let desk = Desk::new().await;
    let many: Vec<_> = (0..3_000).map(|row| hold(&format!("wx{row}"))).collect();
    desk.store.record(&many).await.unwrap();
    assert_eq!(desk.store.integrity(|| true).await.unwrap(), Integrity::Whole);
    assert_eq!(desk.store.integrity(|| false).await.unwrap(), Integrity::Unfinished);
    assert_eq!(desk.store.integrity(|| true).await.unwrap(), Integrity::Whole, "the next one is not cut short");
    let (path, Desk { dir: _dir, store }) = (desk.path(), desk);
    store.close().await;
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0x5a);
    std::fs::write(&path, bytes).unwrap();
    let log = Reader::peek(&path).await.unwrap().unwrap();
    let found = log.integrity(|| true).await.unwrap();
    assert!(matches!(&found, Integrity::Damaged(lines) if !lines.is_empty()), "{found:?}");
}
