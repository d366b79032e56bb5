//! What a robot's answer means: all three say HTTP 200 when they refuse, and the truth in the body.
//!
//! Promises that nothing a robot said is repeated: its words may quote the message.

use serde_json::Value;
use std::time::Duration;

/// A message that was not taken, and when another try makes sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// It takes no more for now.
    #[error("{who} takes no more for now (code {code}); tried again in {} s", wait.as_secs())]
    Busy {
        /// Who.
        who: &'static str,
        /// Its number.
        code: i64,
        /// For how long.
        wait: Duration,
    },
    /// It refuses, and will until somebody mends it.
    #[error("{who} refuses it (code {code}): {advice}")]
    Refused {
        /// Who.
        who: &'static str,
        /// Its number.
        code: i64,
        /// What to do.
        advice: &'static str,
    },
    /// An HTTP status other than 2xx.
    #[error("it answered HTTP {status}; is the address right?")]
    Status {
        /// The status.
        status: u16,
        /// What `Retry-After` asked for.
        wait: Option<Duration>,
    },
    /// The answer cannot be understood.
    #[error("its answer cannot be understood; is the address right?")]
    Unreadable,
    /// No whole answer came in time; it may have taken the message all the same.
    #[error("it did not answer within {} s", after.as_secs())]
    Silent {
        /// How long it had.
        after: Duration,
    },
    /// It could not be reached, or the connection broke; then it may have taken the message all the same.
    #[error("it cannot be reached: {problem}; check the network, and `proxy` and `ca_file` of this [[notify]]")]
    Unreachable {
        /// What happened, without the address.
        problem: String,
    },
    /// The command could not be run, or said that it failed.
    #[error("the command {problem}")]
    Command {
        /// What happened.
        problem: String,
    },
}

/// When to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Soon, and then less and less often.
    Soon,
    /// After this long, not before.
    After(Duration),
    /// Seldom: a person has to mend something.
    Seldom,
}

/// WeCom counts by the minute; so does Feishu.
const A_MINUTE: Duration = Duration::from_secs(61);
/// DingTalk takes nothing for ten minutes.
const BLOCKED: Duration = Duration::from_secs(11 * 60);
/// A server that asks for no pause is given one …
const WAIT_MIN: Duration = Duration::from_secs(15);
/// … and one that asks for a longer pause is asked again all the same.
const WAIT_MAX: Duration = Duration::from_secs(3_600);

impl Undelivered {
    /// When to try again.
    pub fn again(&self) -> Again {
        match self {
            Undelivered::Busy { wait, .. } => Again::After(*wait),
            Undelivered::Status { wait: Some(wait), .. } => Again::After((*wait).clamp(WAIT_MIN, WAIT_MAX)),
            Undelivered::Refused { .. } | Undelivered::Status { status: 400..=499, .. } => Again::Seldom,
            Undelivered::Status { .. }
            | Undelivered::Unreadable
            | Undelivered::Silent { .. }
            | Undelivered::Unreachable { .. }
            | Undelivered::Command { .. } => Again::Soon,
        }
    }
}

/// What these bytes mean as an answer of each kind of robot: WeCom, Feishu, DingTalk.
pub fn read_robots(body: &[u8]) -> [Result<(), Undelivered>; 3] {
    [wecom(body), feishu(body), dingtalk(body)]
}

const KEYWORD: &str = "set `keyword` to one of the robot's keywords";
const SIGNATURE: &str = "the secret is not the robot's, or this machine's clock is off";
const ADDRESS: &str = "the address is not the robot's, or the robot was removed";
const LOOK: &str = "look the code up in its documentation";

/// WeCom: developer.work.weixin.qq.com, document 99110.
pub(super) fn wecom(body: &[u8]) -> Result<(), Undelivered> {
    let who = "WeCom";
    match number(body, &["errcode"])? {
        0 => Ok(()),
        code @ (45009 | 45033 | -1) => Err(Undelivered::Busy { who, code, wait: A_MINUTE }),
        code @ 93000 => Err(Undelivered::Refused { who, code, advice: ADDRESS }),
        code => Err(Undelivered::Refused { who, code, advice: LOOK }),
    }
}

/// Feishu: open.feishu.cn, "自定义机器人使用指南".
pub(super) fn feishu(body: &[u8]) -> Result<(), Undelivered> {
    let who = "Feishu";
    match number(body, &["code", "StatusCode"])? {
        0 => Ok(()),
        code @ (11232 | 11233) => Err(Undelivered::Busy { who, code, wait: A_MINUTE }),
        code @ 19021 => Err(Undelivered::Refused { who, code, advice: SIGNATURE }),
        code @ 19022 => Err(Undelivered::Refused { who, code, advice: "put this machine's IP on the robot's list" }),
        code @ 19024 => Err(Undelivered::Refused { who, code, advice: KEYWORD }),
        code @ 19001 => Err(Undelivered::Refused { who, code, advice: ADDRESS }),
        code => Err(Undelivered::Refused { who, code, advice: LOOK }),
    }
}

/// DingTalk: open.dingtalk.com, "自定义机器人接入".
pub(super) fn dingtalk(body: &[u8]) -> Result<(), Undelivered> {
    let who = "DingTalk";
    match number(body, &["errcode"])? {
        0 => Ok(()),
        code @ (130101 | 410100) => Err(Undelivered::Busy { who, code, wait: BLOCKED }),
        code @ -1 => Err(Undelivered::Busy { who, code, wait: A_MINUTE }),
        code @ 310000 => Err(Undelivered::Refused {
            who,
            code,
            advice: "the secret is not the robot's or the clock is off, `keyword` is none of its keywords, or this IP is not on its list",
        }),
        code @ 300001 => Err(Undelivered::Refused { who, code, advice: ADDRESS }),
        code => Err(Undelivered::Refused { who, code, advice: LOOK }),
    }
}

/// The first of these keys that is a number.
fn number(body: &[u8], keys: &[&str]) -> Result<i64, Undelivered> {
    let body: Value = serde_json::from_slice(body).map_err(|_| Undelivered::Unreadable)?;
    keys.iter().find_map(|key| body.get(key)?.as_i64()).ok_or(Undelivered::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Reads = fn(&[u8]) -> Result<(), Undelivered>;

    #[test]
    fn answers() {
        let cases: [(Reads, &str, Option<Again>); 16] = [
            (wecom, r#"{"errcode":0,"errmsg":"ok"}"#, None),
            (wecom, r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#, Some(Again::After(A_MINUTE))),
            (wecom, r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#, Some(Again::Seldom)),
            (wecom, "<html>", Some(Again::Soon)),
            (wecom, "{}", Some(Again::Soon)),
            (wecom, r#"{"errcode":"0"}"#, Some(Again::Soon)),
            (feishu, r#"{"code":0,"msg":"success"}"#, None),
            (feishu, r#"{"StatusCode":0,"StatusMessage":"success"}"#, None),
            (feishu, r#"{"code":11232,"msg":"too many"}"#, Some(Again::After(A_MINUTE))),
            (feishu, r#"{"code":19021,"msg":"sign match fail"}"#, Some(Again::Seldom)),
            (feishu, r#"{"code":19024,"msg":"Key Words Not Found"}"#, Some(Again::Seldom)),
            (feishu, r#"{"code":9499,"msg":"Bad Request"}"#, Some(Again::Seldom)),
            (dingtalk, r#"{"errcode":0}"#, None),
            (dingtalk, r#"{"errcode":130101,"errmsg":"send too fast"}"#, Some(Again::After(BLOCKED))),
            (dingtalk, r#"{"errcode":310000,"errmsg":"sign not match"}"#, Some(Again::Seldom)),
            (dingtalk, "", Some(Again::Soon)),
        ];
        for (reads, body, expected) in cases {
            let error = reads(body.as_bytes()).err();
            assert_eq!(error.as_ref().map(Undelivered::again), expected, "{body}");
            assert!(!error.is_some_and(|error| error.to_string().contains("Key Words")), "nothing is repeated");
        }
    }
}
