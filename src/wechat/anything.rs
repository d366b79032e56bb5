//! Any bytes as what comes from outside: the answers WeChat gives, and what hands out tokens. Hides the readers; for
//! fuzzing and tests of them, no part of a pass.

use super::{
    Error,
    tokens::read_handed_out,
    wire::{
        read_ack, read_authorizer_grant, read_authorizer_list, read_call_record, read_component_grant, read_grant,
        read_page_without, read_plugins, read_quota,
    },
};
use secrecy::SecretString;

/// Reads bytes as the answer to every call there is: the errors of those that it is no answer to.
///
/// `secrets` are what must not come back in an error's text. Total: it never panics.
pub fn read_anything(body: &[u8], secrets: &[&str]) -> Vec<Error> {
    let errors = [
        read_page_without(body, 1, secrets).err(),
        read_ack(body, secrets).err(),
        read_grant(body, secrets).err(),
        read_component_grant(body, secrets).err(),
        read_authorizer_grant(body, secrets).err(),
        read_authorizer_list(body, secrets).err(),
        read_plugins(body, secrets).err(),
        read_quota(body, secrets).err(),
    ];
    errors.into_iter().flatten().collect()
}

/// Reads bytes as what WeChat recorded of a call, for people: nothing if they are no such answer.
pub fn read_record(body: &[u8], secrets: &[&str]) -> Option<super::CallRecord> {
    read_call_record(body, secrets).ok()
}

/// Reads bytes as what a file, a program or a service hands out: the token in it, or why there is none, without repeating it.
///
/// # Errors
/// Words that hold nothing of the bytes.
pub fn read_token(bytes: &[u8]) -> Result<SecretString, String> {
    read_handed_out(bytes)
}
