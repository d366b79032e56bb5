//! Any bytes as the answers WeChat gives. Hides the three readers; for fuzzing and tests of them, no part of a pass.

use super::{
    Error,
    wire::{read_ack, read_grant, read_page_without},
};

/// Reads bytes as the answer to a list, to a change and to a request for a token: the error of each, if it is none.
///
/// `secrets` are what must not come back in an error's text. Total: it never panics.
pub fn read_anything(body: &[u8], secrets: &[&str]) -> [Option<Error>; 3] {
    [read_page_without(body, 1, secrets).err(), read_ack(body, secrets).err(), read_grant(body, secrets).err()]
}
