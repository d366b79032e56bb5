//! A copy of the audit log in a file of its own, made while the service writes.

use super::{Head, Reader, StoreError, file};
use std::path::{Path, PathBuf};

impl Reader {
    /// Copies the log, as it stands now, to `to`; durable, whole or not at all. Gives where it is and its head.
    ///
    /// # Errors
    /// There is something at `to`, the log cannot be read, or the copy cannot be written.
    pub async fn backup(&self, to: &Path) -> Result<(PathBuf, Head), StoreError> {
        let mut conn = self.pool().acquire().await.map_err(|error| self.unread(error))?;
        let made = file::copy(&mut conn, to).await?;
        drop(conn);
        // Read back: what SQLite has written is what it can read.
        let head = match Reader::peek(&made).await? {
            Some(copy) => {
                let head = copy.head().await?;
                copy.close().await;
                head
            }
            None => Head::NONE,
        };
        Ok((made, head))
    }
}
