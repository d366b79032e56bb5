//! A text in each robot's shape, within its size.
//!
//! Sources as in `answer`. Sizes are bytes of UTF-8: WeCom's markdown 4096; Feishu's request 20 KB; DingTalk's about
//! 20,000. Feishu and DingTalk get plain text, which has the least that could be read as markup.

use super::fit::fit;
use super::notice::Letter;
use super::words::Reading;
use serde_json::{Value, json};

/// WeCom's markdown.
const WECOM_BYTES: usize = 4_096;
/// Of a text whose every byte may become two in JSON, with room for the rest of the request.
const FEISHU_BYTES: usize = 9_500;
/// The same for DingTalk.
const DINGTALK_BYTES: usize = 9_500;

/// WeCom's message.
pub(super) fn wecom(letter: &Letter, reading: &Reading<'_>, keyword: Option<&str>) -> Value {
    let content = text(letter, reading, keyword, WECOM_BYTES, "**");
    json!({ "msgtype": "markdown", "markdown": { "content": content } })
}

/// Feishu's message; `signature` is the timestamp and the signature.
pub(super) fn feishu(
    letter: &Letter,
    reading: &Reading<'_>,
    keyword: Option<&str>,
    signature: Option<(String, String)>,
) -> Value {
    let content = text(letter, reading, keyword, FEISHU_BYTES, "");
    let mut message = json!({ "msg_type": "text", "content": { "text": content } });
    if let Some((timestamp, sign)) = signature {
        message["timestamp"] = timestamp.into();
        message["sign"] = sign.into();
    }
    message
}

/// DingTalk's message.
pub(super) fn dingtalk(letter: &Letter, reading: &Reading<'_>, keyword: Option<&str>) -> Value {
    let content = text(letter, reading, keyword, DINGTALK_BYTES, "");
    // Nobody is called: what a text seems to mention stays text.
    let nobody = json!({ "atMobiles": [], "atUserIds": [], "isAtAll": false });
    json!({ "msgtype": "text", "text": { "content": content }, "at": nobody })
}

fn text(letter: &Letter, reading: &Reading<'_>, keyword: Option<&str>, budget: usize, strong: &str) -> String {
    let text = reading.of(letter);
    let keyword = keyword.map(|keyword| format!("{keyword} ")).unwrap_or_default();
    let title = format!("{strong}{keyword}{}{strong}", text.title);
    fit(&title, &text.blocks, &text.last, budget, &|left| reading.more(left))
}
