//! Faults as text: one grammar for the command line, the control surface and what is shown.

use super::fault::{Calls, Effect, Fault, Lag, Malformation, Moment, Stage, Target, When};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use thiserror::Error;

/// A fault that cannot be read. The words say what was expected; correct the text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FaultTextError {
    /// There is no effect.
    #[error("fault `{0}`: expected CALLS:EFFECT or CALLS:EFFECT:WHEN, for example dev_agree:lost-after:2")]
    Form(String),
    /// Such calls do not exist.
    #[error("fault calls `{0}`: expected *, an endpoint ({ENDPOINTS}) or an action ({ACTIONS})")]
    Calls(String),
    /// A filter behind the calls is not one.
    #[error("fault filter `{0}`: expected account=APPID, appid=APPID or page=NUMBER")]
    Filter(String),
    /// Such an effect does not exist, or its value is not one.
    #[error("fault effect `{0}`: expected one of {EFFECTS}")]
    Effect(String),
    /// The effect exists, but not on these calls.
    #[error("fault effect `{effect}` can only happen on {possible}, not on `{calls}`")]
    Misplaced {
        /// The effect as written.
        effect: String,
        /// Where it can happen.
        possible: &'static str,
        /// The calls as written.
        calls: String,
    },
    /// It is not said when.
    #[error("fault time `{0}`: expected a count (2), #N (only the N-th), every/K, p=PROBABILITY or always")]
    When(String),
}

const ENDPOINTS: &str = "stable_token, token, devplugin, plugin, component_token, authorizer_token, authorizer_list, \
    start_push_ticket, quota_get, rid_get";
const ACTIONS: &str = "dev_apply_list, dev_agree, dev_refuse, dev_delete, apply, list, unbind, update";
const EFFECTS: &str = "busy, errcode=N, http=STATUS, reset, lost, hang, html, empty, huge=BYTES \
    (each also with -after, as in lost-after: the work is done), truncated, content-type=TYPE, slow=MS, date=N, camel-case, \
    expires-in=JSON, token-dies, hits=oldest|all|none|other|both, overtaken, withdrawn, lag=READINGS|lag=NNNms, behind=MS, cap=N, drift=N, arrives=N, \
    repeat-page=N, null-list, no-list, malformed=KIND or malformed=KIND/EVERY with KIND one of categories-string, \
    categories-null, nickname-number, reason-object, status-string, status-missing, status-unknown, appid-number, \
    appid-missing, appid-empty, entry-string, create-time-number, create-time-missing, create-time-text, reason-twice, status-twice, lone-surrogate";

const MALFORMATIONS: [(&str, Malformation); 17] = [
    ("categories-string", Malformation::CategoriesString),
    ("categories-null", Malformation::CategoriesNull),
    ("nickname-number", Malformation::NicknameNumber),
    ("reason-object", Malformation::ReasonObject),
    ("status-string", Malformation::StatusString),
    ("status-missing", Malformation::StatusMissing),
    ("status-unknown", Malformation::StatusUnknown),
    ("appid-number", Malformation::AppidNumber),
    ("appid-missing", Malformation::AppidMissing),
    ("appid-empty", Malformation::AppidEmpty),
    ("entry-string", Malformation::EntryString),
    ("create-time-number", Malformation::CreateTimeNumber),
    ("create-time-missing", Malformation::CreateTimeMissing),
    ("create-time-text", Malformation::CreateTimeText),
    ("reason-twice", Malformation::ReasonTwice),
    ("status-twice", Malformation::StatusTwice),
    ("lone-surrogate", Malformation::LoneSurrogate),
];

const TARGETS: [(&str, Target); 5] = [
    ("oldest", Target::Oldest),
    ("all", Target::All),
    ("none", Target::None),
    ("other", Target::Other),
    ("both", Target::Both),
];

impl Fault {
    /// The whole grammar in a paragraph, for a help page.
    pub fn grammar() -> String {
        format!(
            "A fault, e.g. dev_agree:lost-after:2; may be given several times. It is CALLS:EFFECT or CALLS:EFFECT:WHEN. CALLS: \
             *, an endpoint ({ENDPOINTS}) or an action ({ACTIONS}), with @account=APPID, @appid=APPID or @page=NUMBER \
             behind it. EFFECT: {EFFECTS}. WHEN: a count (2), #N (only the N-th), every/K, p=PROBABILITY or always; \
             without it, the next call"
        )
    }

    /// Reads `CALLS:EFFECT` or `CALLS:EFFECT:WHEN`.
    ///
    /// CALLS is `*`, an endpoint (`stable_token`, `token`, `devplugin`, `plugin`, `component_token`, `authorizer_token`,
    /// `authorizer_list`, `start_push_ticket`, `quota_get`, `rid_get`) or an action (`dev_apply_list`,
    /// `dev_agree`, `dev_refuse`, `dev_delete`, `apply`, `list`, `unbind`, `update`), with filters behind it:
    /// `dev_apply_list@page=3`, `dev_agree@appid=wx...`, `*@account=wx...`.
    ///
    /// EFFECT is one of
    ///
    /// | effect | what happens |
    /// |---|---|
    /// | `busy`, `errcode=45009` | that errcode (`busy` is -1), nothing was done |
    /// | `http=502`, `reset`, `lost`, `hang`, `html`, `empty`, `huge=BYTES` | HTTP status; TCP reset; closed without answer; no answer ever; an HTML page; an empty body; a very long one. Nothing was done |
    /// | any of these with `-after` (`lost-after`, `http-after=502`) | the same, but the work was done |
    /// | `truncated` | the work was done; half of the answer, then the connection closes |
    /// | `content-type=text/html`, `slow=1500`, `camel-case` | the answer is right, but with this Content-Type, after so many milliseconds, with the cloud call's names |
    /// | `date=600` | the answer's `Date` is so many seconds ahead of the time it is, or behind it (`date=-600`) |
    /// | `expires-in=0` | a token is handed out with this `expires_in`, any JSON value |
    /// | `token-dies` | all tokens of the account die before the call is looked at |
    /// | `hits=oldest`, `all`, `none`, `other`, `both` | an agree or refuse hits something else (`both`: the one named, and another) and is answered with ok |
    /// | `overtaken`, `withdrawn` | just before, a person agrees or the applicant withdraws |
    /// | `lag=3`, `lag=500ms` | the list shows the old status for three readings of the entry, or for half a second |
    /// | `behind=2000` | the page shows its entries as they stood so many milliseconds ago; with `every/2` the list tells now this, now that |
    /// | `cap=10`, `drift=2`, `drift=-2`, `arrives=1`, `repeat-page=2`, `null-list`, `no-list` | what a list does; see [`Effect`] |
    /// | `malformed=KIND`, `malformed=KIND/3` | the first (or the `@appid=` named) entry of the page, or every third, is not as documented; see [`Malformation`] |
    ///
    /// WHEN is a count (`2`: the next two), `#5` (only the fifth), `every/3`, `p=0.05` or `always`; without it, the next one.
    ///
    /// # Errors
    /// Says which part is wrong and what was expected.
    pub fn parse(text: &str) -> Result<Fault, FaultTextError> {
        let mut parts = text.trim().splitn(3, ':');
        let (Some(calls), Some(effect)) = (parts.next(), parts.next()) else {
            return Err(FaultTextError::Form(text.to_owned()));
        };
        let fault = Fault { on: read_calls(calls)?, effect: read_effect(effect)?, when: read_when(parts.next())? };
        misplaced(&fault, calls, effect).map_or(Ok(fault), Err)
    }
}

impl FromStr for Fault {
    type Err = FaultTextError;

    fn from_str(text: &str) -> Result<Fault, FaultTextError> {
        Fault::parse(text)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.on.action)?;
        for (name, value) in [("account", &self.on.account), ("appid", &self.on.appid)] {
            value.as_ref().map_or(Ok(()), |value| write!(f, "@{name}={value}"))?;
        }
        self.on.page.map_or(Ok(()), |page| write!(f, "@page={page}"))?;
        f.write_str(":")?;
        write_effect(&self.effect, f)?;
        match self.when {
            When::Next(count) => write!(f, ":{count}"),
            When::Nth(place) => write!(f, ":#{place}"),
            When::Every(step) => write!(f, ":every/{step}"),
            When::Chance(probability) => write!(f, ":p={probability}"),
            When::Always => f.write_str(":always"),
        }
    }
}

fn read_calls(text: &str) -> Result<Calls, FaultTextError> {
    let mut parts = text.split('@');
    let action = parts.next().unwrap_or_default();
    let known = action == "*" || [ENDPOINTS, ACTIONS].iter().any(|names| names.split(", ").any(|name| name == action));
    if !known {
        return Err(FaultTextError::Calls(action.to_owned()));
    }
    let mut calls = Calls::of(action);
    for filter in parts {
        let wrong = || FaultTextError::Filter(filter.to_owned());
        match filter.split_once('=').ok_or_else(wrong)? {
            ("account", value) => calls.account = Some(value.to_owned()),
            ("appid", value) => calls.appid = Some(value.to_owned()),
            ("page", value) => calls.page = Some(value.parse().map_err(|_| wrong())?),
            _ => return Err(wrong()),
        }
    }
    Ok(calls)
}

fn read_effect(text: &str) -> Result<Effect, FaultTextError> {
    let wrong = || FaultTextError::Effect(text.to_owned());
    let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
    let effect = match name.strip_suffix("-after") {
        Some(name) => failing(name, value, Stage::After),
        None => failing(name, value, Stage::Before).or_else(|| lasting(name, value)),
    };
    effect.ok_or_else(wrong)
}

/// Effects that come before or after the work.
fn failing(name: &str, value: Option<&str>, stage: Stage) -> Option<Effect> {
    Some(match (name, value) {
        ("busy", None) => Effect::Errcode(-1, stage),
        ("errcode", Some(code)) => Effect::Errcode(code.parse().ok()?, stage),
        ("http", Some(status)) => Effect::Http(status.parse().ok().filter(|s| (200..=599).contains(s))?, stage),
        ("reset", None) => Effect::Reset(stage),
        ("lost", None) => Effect::Lost(stage),
        ("hang", None) => Effect::Hang(stage),
        ("html", None) => Effect::Html(stage),
        ("empty", None) => Effect::Empty(stage),
        ("huge", Some(bytes)) => Effect::Huge(bytes.parse().ok()?, stage),
        ("truncated", None) if stage == Stage::After => Effect::Truncated,
        _ => return None,
    })
}

/// Effects that have only one moment.
fn lasting(name: &str, value: Option<&str>) -> Option<Effect> {
    Some(match (name, value) {
        ("truncated", None) => Effect::Truncated,
        ("content-type", Some(kind)) => Effect::ContentType(kind.to_owned()),
        ("slow", Some(ms)) => Effect::Slow(Duration::from_millis(ms.trim_end_matches("ms").parse().ok()?)),
        ("date", Some(secs)) => Effect::Date(secs.parse().ok()?),
        ("camel-case", None) => Effect::CamelCase,
        ("expires-in", Some(life)) => {
            serde_json::from_str::<serde_json::Value>(life).ok()?;
            Effect::ExpiresIn(life.to_owned())
        }
        ("token-dies", None) => Effect::TokenDies,
        ("hits", Some(target)) => Effect::Hits(named(&TARGETS, target)?),
        ("overtaken", None) => Effect::Overtaken,
        ("withdrawn", None) => Effect::Withdrawn,
        ("lag", Some(lag)) => Effect::Lag(match lag.strip_suffix("ms") {
            Some(ms) => Lag::Time(Duration::from_millis(ms.parse().ok()?)),
            None => Lag::Readings(lag.parse().ok()?),
        }),
        ("behind", Some(ms)) => Effect::Behind(Duration::from_millis(ms.trim_end_matches("ms").parse().ok()?)),
        ("cap", Some(cap)) => Effect::Cap(cap.parse().ok().filter(|cap| *cap > 0)?),
        ("drift", Some(by)) => Effect::Drift(by.parse().ok()?),
        ("arrives", Some(count)) => Effect::Arrives(count.parse().ok()?),
        ("repeat-page", Some(page)) => Effect::RepeatPage(page.parse().ok().filter(|page| *page > 0)?),
        ("null-list", None) => Effect::NullList,
        ("no-list", None) => Effect::NoList,
        ("malformed", Some(kind)) => {
            let (kind, every) = kind.split_once('/').map_or((kind, None), |(kind, every)| (kind, Some(every)));
            let every = every.map(str::parse).transpose().ok()?;
            Effect::Malformed { kind: named(&MALFORMATIONS, kind)?, every }
        }
        _ => return None,
    })
}

fn read_when(text: Option<&str>) -> Result<When, FaultTextError> {
    let Some(text) = text else { return Ok(When::Next(1)) };
    let when = match text {
        "always" => Some(When::Always),
        _ => text.parse().ok().map(When::Next).or_else(|| counted(text)),
    };
    when.ok_or_else(|| FaultTextError::When(text.to_owned()))
}

fn counted(text: &str) -> Option<When> {
    let positive = |number: &str| number.parse().ok().filter(|number| *number > 0);
    if let Some(place) = text.strip_prefix('#') {
        return positive(place).map(When::Nth);
    }
    if let Some(step) = text.strip_prefix("every/") {
        return positive(step).map(When::Every);
    }
    let probability = text.strip_prefix("p=")?.parse().ok().filter(|p| (0.0..=1.0).contains(p))?;
    Some(When::Chance(probability))
}

/// An effect on calls it cannot happen on would wait for ever.
fn misplaced(fault: &Fault, calls: &str, effect: &str) -> Option<FaultTextError> {
    let on = fault.on.action.as_str();
    let (possible, fits): (&'static str, bool) = match fault.effect.moment() {
        Moment::List | Moment::Entries => ("dev_apply_list", matches!(on, "*" | "devplugin" | "dev_apply_list")),
        Moment::Act | Moment::Acted => {
            ("dev_agree and dev_refuse", matches!(on, "*" | "devplugin" | "dev_agree" | "dev_refuse"))
        }
        Moment::Token => ("calls that carry a token", !matches!(on, "token" | "stable_token")),
        Moment::Dress if matches!(fault.effect, Effect::ExpiresIn(_)) => {
            let tokens = ["stable_token", "token", "component_token", "authorizer_token"];
            ("calls for a token", tokens.contains(&on))
        }
        Moment::Before | Moment::After | Moment::Dress => return None,
    };
    let error = || FaultTextError::Misplaced { effect: effect.to_owned(), possible, calls: calls.to_owned() };
    (!fits).then(error)
}

fn write_effect(effect: &Effect, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let after = |stage: &Stage| if *stage == Stage::After { "-after" } else { "" };
    match effect {
        Effect::Errcode(code, stage) => write!(f, "errcode{}={code}", after(stage)),
        Effect::Http(status, stage) => write!(f, "http{}={status}", after(stage)),
        Effect::Reset(stage) => write!(f, "reset{}", after(stage)),
        Effect::Lost(stage) => write!(f, "lost{}", after(stage)),
        Effect::Hang(stage) => write!(f, "hang{}", after(stage)),
        Effect::Html(stage) => write!(f, "html{}", after(stage)),
        Effect::Empty(stage) => write!(f, "empty{}", after(stage)),
        Effect::Huge(bytes, stage) => write!(f, "huge{}={bytes}", after(stage)),
        Effect::Truncated => f.write_str("truncated"),
        Effect::ContentType(kind) => write!(f, "content-type={kind}"),
        Effect::Slow(time) => write!(f, "slow={}", time.as_millis()),
        Effect::Date(secs) => write!(f, "date={secs}"),
        Effect::CamelCase => f.write_str("camel-case"),
        Effect::ExpiresIn(life) => write!(f, "expires-in={life}"),
        Effect::TokenDies => f.write_str("token-dies"),
        Effect::Hits(target) => write!(f, "hits={}", name_of(&TARGETS, target)),
        Effect::Overtaken => f.write_str("overtaken"),
        Effect::Withdrawn => f.write_str("withdrawn"),
        Effect::Lag(Lag::Readings(count)) => write!(f, "lag={count}"),
        Effect::Lag(Lag::Time(time)) => write!(f, "lag={}ms", time.as_millis()),
        Effect::Behind(time) => write!(f, "behind={}", time.as_millis()),
        Effect::Cap(cap) => write!(f, "cap={cap}"),
        Effect::Drift(by) => write!(f, "drift={by}"),
        Effect::Arrives(count) => write!(f, "arrives={count}"),
        Effect::RepeatPage(page) => write!(f, "repeat-page={page}"),
        Effect::NullList => f.write_str("null-list"),
        Effect::NoList => f.write_str("no-list"),
        Effect::Malformed { kind, every } => {
            write!(f, "malformed={}", name_of(&MALFORMATIONS, kind))?;
            every.map_or(Ok(()), |every| write!(f, "/{every}"))
        }
    }
}

fn named<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

fn name_of<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> &'static str {
    table.iter().find(|(_, known)| known == value).map_or("", |(name, _)| name)
}
