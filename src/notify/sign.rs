//! Signatures: HMAC-SHA256, three ways.
//!
//! Sources: open.feishu.cn "自定义机器人使用指南", open.dingtalk.com "自定义机器人安全设置", and `docs/webhook.md` for ours.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Feishu: the key is the timestamp (seconds) and the secret, and nothing is signed with it.
pub(super) fn feishu(timestamp_secs: i64, secret: &str) -> String {
    STANDARD.encode(hmac(format!("{timestamp_secs}\n{secret}").as_bytes(), &[]))
}

/// DingTalk: timestamp (milliseconds) and secret, signed with the secret. To be percent-encoded in a query.
pub(super) fn dingtalk(timestamp_ms: i64, secret: &str) -> String {
    STANDARD.encode(hmac(secret.as_bytes(), &[format!("{timestamp_ms}\n{secret}").as_bytes()]))
}

/// The webhook: timestamp (seconds), a full stop and the body. `v1=` and hexadecimal digits.
pub(super) fn webhook(timestamp_secs: i64, body: &[u8], secret: &str) -> String {
    let signed = hmac(secret.as_bytes(), &[timestamp_secs.to_string().as_bytes(), b".", body]);
    signed.iter().fold("v1=".to_owned(), |mut text, byte| {
        text.push_str(&format!("{byte:02x}"));
        text
    })
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples() {
        assert_eq!(feishu(1_700_000_000, "feishu-secret"), "OrBzY1Y01Gq+HgJsl+7OfWcMVwc7YocohQm5iiZwjhU=");
        assert_eq!(dingtalk(1_700_000_000_000, "SECdingtest"), "zPIrJiQGZgUbABSJZjjhefSfaMkHoV99JUBkNJHB3Lo=");
        assert_eq!(
            webhook(1_700_000_000, b"{}", "webhook-secret"),
            "v1=1ca80a9e18507c4d07ef99f9a0e139c940cafc2e9520b9c3545e1574139a91f9"
        );
    }
}
