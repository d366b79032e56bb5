//! `audit backup`: a copy of the log while the service writes.

use crate::cli::DONE;
use crate::cli::print;
use crate::store::Reader;
use anyhow::Error;
use std::path::Path;

/// Copies the log and says how to verify the copy.
pub(super) async fn backup(log: &Reader, file: &Path) -> Result<u8, Error> {
    let (made, head) = log.backup(file).await?;
    let bytes = made.metadata()?.len();
    print::line(&format!("copied to {}: {bytes} bytes, head {head}", made.display()))?;
    print::line(&format!("Verify it with: menshen audit verify {}", made.display()))?;
    Ok(DONE)
}
