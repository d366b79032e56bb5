//! What a notice says to people, in Chinese and English.
//!
//! Gives a title, blocks of lines and a last line; how much of it fits is `fit`'s. Everything that is not our own wording went
//! through `plain`.

use super::Language;
use super::notice::{Applicant, BrakeNews, Counted, Digest, Event, Failure, Letter, News};
use super::plain::{is_safe_in_a_command, plain};
use jiff::{Timestamp, tz::TimeZone};

/// Longest texts shown, in characters: the rest is in `menshen review show`.
const NICKNAME_CHARS: usize = 40;
const REASON_CHARS: usize = 200;
const NOTE_CHARS: usize = 120;
const NAME_CHARS: usize = 60;
const CATEGORIES: usize = 6;
/// Older news is marked as late, in seconds.
const LATE_SECS: i64 = 600;

/// A message before it is made to fit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) title: String,
    pub(super) blocks: Vec<String>,
    pub(super) last: String,
}

/// How a letter reads at an instant.
pub(super) struct Reading<'r> {
    pub(super) language: Language,
    pub(super) timezone: &'r TimeZone,
    pub(super) now: Timestamp,
}

impl Reading<'_> {
    /// The whole text.
    pub(super) fn of(&self, letter: &Letter) -> Text {
        let notice = &letter.notice;
        let mut title = format!("[menshen] {}", self.title(letter));
        if notice.shadow {
            title.push_str(self.say("（试运行：不会操作微信）", " (shadow mode: nothing is sent to WeChat)"));
        }
        if self.now.as_second() - notice.at.as_second() > LATE_SECS {
            let at = self.clock(notice.at);
            title.push_str(&self.tell(format!("（迟到的通知，{at} 的情况）"), format!(" (late: this was so at {at})")));
        }
        let blocks = match &notice.news {
            News::Applications => self.applications(letter),
            News::Brakes(brakes) => brakes.iter().map(|brake| self.brake(brake)).collect(),
            News::Failures(failures) => failures.iter().map(|failure| self.failure(failure)).collect(),
            News::Digest(digest) => self.digest(digest),
            News::Lost(_) | News::Test => Vec::new(),
        };
        Text { title, blocks, last: self.last(letter) }
    }

    /// What is left out, in words.
    pub(super) fn more(&self, left: usize) -> String {
        self.tell(format!("……还有 {left} 条"), format!("… and {left} more"))
    }

    fn title(&self, letter: &Letter) -> String {
        let n: u64 = letter.notice.accounts.values().sum();
        match (letter.notice.event, &letter.notice.news) {
            (Event::Held, _) => {
                self.tell(format!("{n} 个申请待人工审核"), format!("{n} application(s) wait for a person"))
            }
            (Event::Deadline, _) => self.tell(
                format!("{n} 个申请即将超时，仍无人审核"),
                format!("{n} application(s) will soon be timed out by WeChat, undecided"),
            ),
            (Event::TimedOut, _) => self.tell(
                format!("{n} 个申请无人审核，已被微信超时"),
                format!("{n} application(s) were timed out by WeChat, undecided"),
            ),
            (Event::Brake, _) => self.say("制动或暂停有变化", "brakes or pauses changed").to_owned(),
            (Event::Failing, _) => self.say("账号运行异常或恢复", "accounts fail, or work again").to_owned(),
            (Event::Digest, News::Digest(digest)) => {
                self.tell(format!("{} 日报", digest.day), format!("digest of {}", digest.day))
            }
            (Event::Lost, News::Lost(lost)) => self.tell(
                format!("{lost} 条通知未能送达，已放弃；请看 menshen review list"),
                format!("{lost} notice(s) could not be delivered and were given up; see: menshen review list"),
            ),
            _ => self.say("测试通知：可以收到", "a test: notices arrive here").to_owned(),
        }
    }

    fn applications(&self, letter: &Letter) -> Vec<String> {
        match &letter.applications {
            Some(applications) => applications.iter().map(|one| self.applicant(one, letter.notice.event)).collect(),
            None => self.counts(letter),
        }
    }

    fn counts(&self, letter: &Letter) -> Vec<String> {
        let name = |account: &String| plain(account, NAME_CHARS);
        letter
            .notice
            .accounts
            .iter()
            .map(|(account, n)| self.tell(format!("{}：{n} 个", name(account)), format!("{}: {n}", name(account))))
            .collect()
    }

    fn applicant(&self, one: &Applicant, event: Event) -> String {
        let redacted = self.say("（已抹除）", "(erased)");
        let words = |text: &Option<String>, chars| {
            text.as_deref().map_or_else(|| redacted.to_owned(), |text| plain(text, chars))
        };
        let mut lines = vec![self.tell(
            format!(
                "【{}】{}（{}）",
                plain(&one.account, NAME_CHARS),
                words(&one.nickname, NICKNAME_CHARS),
                plain(&one.appid, NAME_CHARS)
            ),
            format!(
                "{}: {} ({})",
                plain(&one.account, NAME_CHARS),
                words(&one.nickname, NICKNAME_CHARS),
                plain(&one.appid, NAME_CHARS)
            ),
        )];
        if event != Event::TimedOut {
            lines.push(self.left(one.due_at));
        }
        let shown = one.categories.iter().take(CATEGORIES).map(|category| plain(category, NAME_CHARS));
        let mut categories = shown.collect::<Vec<_>>().join(self.say("、", ", "));
        if one.categories.len() > CATEGORIES {
            categories.push('…');
        }
        lines.push(self.tell(format!("类目：{categories}"), format!("categories: {categories}")));
        let reason = words(&one.reason, REASON_CHARS);
        lines.push(self.tell(format!("理由：{reason}"), format!("reason: {reason}")));
        if event != Event::TimedOut {
            lines.push(self.because(one));
        }
        if let Some(note) = &one.note {
            let note = plain(note, NOTE_CHARS);
            lines.push(self.tell(format!("备注：{note}"), format!("note: {note}")));
        }
        if event != Event::TimedOut && is_safe_in_a_command(&one.appid) {
            // Of our own making, and checked: it goes as it is, so that it can be copied.
            lines.push(format!("menshen review show {}", one.appid));
        }
        lines.join("\n")
    }

    fn left(&self, due: Option<Timestamp>) -> String {
        let Some(due) = due else {
            return self.say("剩余时间：未知（没有申请时间）", "time left: unknown (no create_time)").to_owned();
        };
        let minutes = (due.as_second() - self.now.as_second()) / 60;
        let at = self.clock(due);
        if minutes <= 0 {
            return self.tell(format!("已过期（{at}）"), format!("overdue (since {at})"));
        }
        let (hours, minutes) = (minutes / 60, minutes % 60);
        self.tell(
            format!("剩余 {hours} 小时 {minutes} 分（至 {at}）"),
            format!("{hours} h {minutes} min left (until {at})"),
        )
    }

    fn because(&self, one: &Applicant) -> String {
        let rule = one.rule.as_deref().map(|rule| plain(rule, NAME_CHARS));
        let brake = one.brake.as_deref().map(|brake| plain(brake, NAME_CHARS));
        match (rule, brake) {
            (Some(rule), None) => self.tell(format!("规则：{rule}"), format!("rule: {rule}")),
            (Some(rule), Some(brake)) => {
                self.tell(format!("规则：{rule}；制动：{brake}"), format!("rule: {rule}; brake: {brake}"))
            }
            (None, Some(brake)) => self.tell(format!("制动：{brake}"), format!("brake: {brake}")),
            (None, None) => self.say("没有规则命中", "no rule fired").to_owned(),
        }
    }

    fn brake(&self, brake: &BrakeNews) -> String {
        let account = brake
            .account
            .as_deref()
            .map_or_else(|| self.say("所有账号", "every account").to_owned(), |account| plain(account, NAME_CHARS));
        let action = brake
            .action
            .as_deref()
            .map_or_else(|| self.say("全部操作", "everything").to_owned(), |action| plain(action, NAME_CHARS));
        let what = match (brake.kind.as_str(), brake.lifted) {
            ("pause", false) => self.say("已暂停", "paused"),
            ("pause", true) => self.say("已恢复", "resumed"),
            (_, false) => self.say("制动 verification：已停止操作", "brake verification: acting is stopped"),
            (_, true) => self.say("制动 verification 已解除", "brake verification is lifted"),
        };
        let mut text = format!("{account} · {action} · {what}");
        if let Some(why) = &brake.why {
            text.push('\n');
            text.push_str(&plain(why, REASON_CHARS));
        }
        text
    }

    fn failure(&self, failure: &Failure) -> String {
        let account = plain(&failure.account, NAME_CHARS);
        let (zh, en) = match failure.problem.as_str() {
            "token" => ("拿不到 access_token，请检查密钥", "no access token; check the secret"),
            "permission" => ("没有权限或 IP 不在白名单", "permission or IP white list"),
            "quota" => ("微信接口额度已用完", "WeChat's quota is used up"),
            _ => ("连续多轮没有完整跑完", "no complete pass for several ticks"),
        };
        let what = self.say(zh, en);
        let code = failure.errcode.map(|code| format!(" (errcode {code})")).unwrap_or_default();
        match failure.over {
            false => self.tell(format!("{account}：{what}{code}"), format!("{account}: {what}{code}")),
            true => self.tell(format!("{account}：已恢复（{what}）"), format!("{account}: works again ({what})")),
        }
    }

    fn digest(&self, digest: &Digest) -> Vec<String> {
        let mut lines: Vec<String> = digest.counts.iter().map(|one| self.counted(one)).collect();
        if lines.is_empty() {
            lines.push(self.say("当日没有新的决定", "no decisions that day").to_owned());
        }
        let (held, timed_out) = (digest.held, digest.timed_out);
        lines.push(self.tell(
            format!("现在待人工 {held} 个；当日无人审核而超时 {timed_out} 个"),
            format!("{held} wait for a person now; {timed_out} were timed out undecided that day"),
        ));
        lines
    }

    fn counted(&self, one: &Counted) -> String {
        let rule = one
            .rule
            .as_deref()
            .map_or_else(|| self.say("无规则", "no rule").to_owned(), |rule| plain(rule, NAME_CHARS));
        format!("{} · {rule} · {} {} · {}", plain(&one.account, NAME_CHARS), one.verdict, one.outcome, one.n)
    }

    fn last(&self, letter: &Letter) -> String {
        match letter.notice.event {
            Event::Held | Event::Deadline => {
                self.say("全部：menshen review list", "all: menshen review list").to_owned()
            }
            Event::Brake => self
                .say(
                    "查看：menshen pause --list；恢复：menshen resume",
                    "see: menshen pause --list; go on: menshen resume",
                )
                .to_owned(),
            _ => String::new(),
        }
    }

    /// An instant of today or nearby.
    fn clock(&self, at: Timestamp) -> String {
        at.to_zoned(self.timezone.clone()).strftime("%m-%d %H:%M").to_string()
    }

    fn say(&self, zh: &'static str, en: &'static str) -> &'static str {
        match self.language {
            Language::Zh => zh,
            Language::En => en,
        }
    }

    fn tell(&self, zh: String, en: String) -> String {
        match self.language {
            Language::Zh => zh,
            Language::En => en,
        }
    }
}
