//! What can go wrong, when, and which of it did.
//!
//! Hides counting and chance. Promises that a fault fires only where it can be observed (one that shapes a
//! list fires only on a call that really lists) and that faults which never fired can be named.

use super::request::Subject;
use std::fmt;
use std::time::Duration;

/// One thing that goes wrong: on which calls, what, and when.
///
/// Written as text with [`Fault::parse`] and shown in the same form.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Which calls it concerns.
    pub on: Calls,
    /// What happens.
    pub effect: Effect,
    /// To which of them.
    pub when: When,
}

impl Fault {
    /// A fault that happens to the next `count` calls of `action`.
    pub fn next(action: &str, effect: Effect, count: u64) -> Fault {
        Fault { on: Calls::of(action), effect, when: When::Next(count) }
    }

    /// A fault that happens to every call of `action`.
    pub fn always(action: &str, effect: Effect) -> Fault {
        Fault { on: Calls::of(action), effect, when: When::Always }
    }
}

/// Which calls a fault concerns. Every part that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calls {
    /// An action (`dev_agree`, `apply`, ...), an endpoint (`stable_token`, `token`, `devplugin`, `plugin`), or `*`.
    pub action: String,
    /// The plugin account that calls.
    pub account: Option<String>,
    /// The applicant the call names; for [`Effect::Malformed`] the entry of the list that is concerned.
    pub appid: Option<String>,
    /// The page asked for.
    pub page: Option<u32>,
}

impl Calls {
    /// All calls of an action or endpoint.
    pub fn of(action: &str) -> Calls {
        Calls { action: action.to_owned(), account: None, appid: None, page: None }
    }

    fn matches(&self, call: &Subject, effect: &Effect) -> bool {
        let named = self.action == "*"
            || call.endpoint.name() == self.action
            || call.action.as_deref().is_some_and(|action| action == self.action);
        let of = |wanted: &Option<String>, is: &Option<String>| wanted.is_none() || wanted == is;
        named
            && of(&self.account, &call.account)
            && (self.page.is_none() || self.page == call.page)
            && match effect {
                Effect::Malformed { .. } => {
                    self.appid.as_ref().map_or(!call.listed.is_empty(), |a| call.listed.contains(a))
                }
                Effect::Drift(_) => call.page.is_some_and(|page| page > 1),
                Effect::RepeatPage(last) => call.page.is_some_and(|page| page > *last),
                _ => of(&self.appid, &call.appid),
            }
    }
}

/// To which of the calls a fault concerns it happens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// The next so many.
    Next(u64),
    /// Only this one, counted from 1.
    Nth(u64),
    /// Every k-th.
    Every(u64),
    /// Each with this probability, drawn from the world's seed.
    Chance(f64),
    /// All of them.
    Always,
}

/// Whether WeChat has done its work when a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nothing was done.
    Before,
    /// The work was done, only the answer suffers.
    After,
}

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// This errcode is answered.
    Errcode(i64, Stage),
    /// This HTTP status is answered, with a short text.
    Http(u16, Stage),
    /// The connection is reset.
    Reset(Stage),
    /// The connection closes without an answer.
    Lost(Stage),
    /// No answer comes until the client gives up.
    Hang(Stage),
    /// An HTML page is answered, HTTP 200.
    Html(Stage),
    /// An empty body is answered, HTTP 200.
    Empty(Stage),
    /// So many bytes of JSON text that never ends well are answered.
    Huge(u64, Stage),
    /// The work is done; half of the answer is sent, then the connection closes.
    Truncated,
    /// The answer comes with this Content-Type.
    ContentType(String),
    /// The answer takes this long, instead of the world's latency.
    Slow(Duration),
    /// The answer's `Date` says it is so many seconds later than it is; negative: earlier.
    Date(i64),
    /// The answer uses the cloud call's names (`errCode`, `applyList`).
    CamelCase,
    /// A token is handed out with this `expires_in`, any JSON value; it lives as long as it always does.
    ExpiresIn(String),
    /// All tokens of the account die before the call is looked at, as if somebody else had refreshed by force.
    TokenDies,
    /// An agree or refuse hits this instead of what it names, and is answered with ok.
    Hits(Target),
    /// A person agrees to the application just before the call.
    Overtaken,
    /// The applicant withdraws just before the call.
    Withdrawn,
    /// The list goes on showing the old status after the change.
    Lag(Lag),
    /// Entries are shown as they stood so long ago.
    Behind(Duration),
    /// Pages hold at most so many entries.
    Cap(u32),
    /// Pages after the first begin so many entries too early (they repeat) or, if negative, too late (some are skipped).
    Drift(i64),
    /// So many new pending applications arrive just before the page is made.
    Arrives(u32),
    /// Every page after this one is this one again: the list never ends.
    RepeatPage(u32),
    /// `"apply_list":null`.
    NullList,
    /// No `apply_list` at all.
    NoList,
    /// Entries are not as documented.
    Malformed {
        /// In what way.
        kind: Malformation,
        /// Every so many of the page; `None` is the first only, or the one that [`Calls::appid`] names.
        every: Option<u32>,
    },
}

/// What a wrong agree or refuse hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The pending application that waits longest.
    Oldest,
    /// Every pending application.
    All,
    /// Nothing at all.
    None,
    /// Another pending application than the one named.
    Other,
    /// The one named, and another.
    Both,
}

/// For how long the list shows the old status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lag {
    /// So many times that the entry is listed.
    Readings(u32),
    /// So long, by the world's clock.
    Time(Duration),
}

/// How an entry of the list is not as documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformation {
    /// `"categories":"物流服务"`.
    CategoriesString,
    /// `"categories":null`.
    CategoriesNull,
    /// `"nickname":12345`.
    NicknameNumber,
    /// `"reason":{"text":...}`.
    ReasonObject,
    /// `"status":"1"`.
    StatusString,
    /// No `status`.
    StatusMissing,
    /// A `status` nobody documented.
    StatusUnknown,
    /// `"appid":12345`.
    AppidNumber,
    /// No `appid`.
    AppidMissing,
    /// `"appid":""`.
    AppidEmpty,
    /// The entry is a string.
    EntryString,
    /// `"create_time":1536305096`.
    CreateTimeNumber,
    /// No `create_time`.
    CreateTimeMissing,
    /// `"create_time":"yesterday"`.
    CreateTimeText,
    /// A second `reason` behind the first, with other words.
    ReasonTwice,
    /// A second `status` behind the first: 2.
    StatusTwice,
    /// The nickname holds half of a surrogate pair (`\ud83d`), which is no text.
    LoneSurrogate,
}

/// Names a fault in its world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FaultId(pub u64);

impl fmt::Display for FaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// At which moment of a call an effect has its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Instead of the work.
    Before,
    /// With a token, before it is looked at.
    Token,
    /// On an agree or refuse that is about to be done.
    Act,
    /// On an agree or refuse that was done.
    Acted,
    /// On a list that is about to be made.
    List,
    /// On the entries of a page.
    Entries,
    /// Instead of the answer.
    After,
    /// On whatever is answered.
    Dress,
}

impl Effect {
    pub(super) fn moment(&self) -> Moment {
        match self {
            Effect::Errcode(_, stage)
            | Effect::Http(_, stage)
            | Effect::Huge(_, stage)
            | Effect::Reset(stage)
            | Effect::Lost(stage)
            | Effect::Hang(stage)
            | Effect::Html(stage)
            | Effect::Empty(stage) => match stage {
                Stage::Before => Moment::Before,
                Stage::After => Moment::After,
            },
            Effect::Truncated => Moment::After,
            Effect::ContentType(_) | Effect::Slow(_) | Effect::Date(_) | Effect::CamelCase => Moment::Dress,
            Effect::ExpiresIn(_) => Moment::Dress,
            Effect::TokenDies => Moment::Token,
            Effect::Hits(_) | Effect::Overtaken | Effect::Withdrawn => Moment::Act,
            Effect::Lag(_) => Moment::Acted,
            Effect::Cap(_) | Effect::Drift(_) | Effect::Arrives(_) | Effect::RepeatPage(_) => Moment::List,
            Effect::NullList | Effect::NoList | Effect::Behind(_) => Moment::List,
            Effect::Malformed { .. } => Moment::Entries,
        }
    }
}

/// All faults of a world and what became of them.
#[derive(Debug)]
pub(super) struct Faults {
    planned: Vec<Planned>,
    next_id: u64,
    chance: fastrand::Rng,
}

#[derive(Debug)]
struct Planned {
    id: FaultId,
    fault: Fault,
    seen: u64,
    fired: u64,
    lifted: bool,
}

impl Faults {
    pub(super) fn new(seed: u64) -> Faults {
        Faults { planned: Vec::new(), next_id: 1, chance: fastrand::Rng::with_seed(seed ^ 0x6661_756c_7473) }
    }

    pub(super) fn plan(&mut self, fault: Fault) -> FaultId {
        let id = FaultId(self.next_id);
        self.next_id += 1;
        self.planned.push(Planned { id, fault, seen: 0, fired: 0, lifted: false });
        id
    }

    /// Whether there was such a fault to end.
    pub(super) fn lift(&mut self, id: FaultId) -> bool {
        let found = self.planned.iter_mut().find(|planned| planned.id == id && !planned.lifted);
        found.map(|planned| planned.lifted = true).is_some()
    }

    /// Those that never fired.
    pub(super) fn unused(&self) -> Vec<Fault> {
        self.planned.iter().filter(|planned| planned.fired == 0).map(|planned| planned.fault.clone()).collect()
    }

    /// Everything that strikes this call at this moment.
    pub(super) fn strike(&mut self, moment: Moment, call: &Subject) -> Vec<Fault> {
        let Faults { planned, chance, .. } = self;
        let concerned = planned.iter_mut().filter(|planned| planned.fault.effect.moment() == moment);
        concerned.filter_map(|planned| planned.strike(call, chance)).collect()
    }

    /// The first that strikes this call at this moment; the others keep their turns.
    pub(super) fn strike_first(&mut self, moment: Moment, call: &Subject) -> Option<Fault> {
        let Faults { planned, chance, .. } = self;
        let mut concerned = planned.iter_mut().filter(|planned| planned.fault.effect.moment() == moment);
        concerned.find_map(|planned| planned.strike(call, chance))
    }
}

impl Planned {
    fn strike(&mut self, call: &Subject, chance: &mut fastrand::Rng) -> Option<Fault> {
        if self.lifted || !self.fault.on.matches(call, &self.fault.effect) {
            return None;
        }
        self.seen += 1;
        let strikes = match self.fault.when {
            When::Next(count) => self.fired < count,
            When::Nth(place) => self.seen == place,
            When::Every(step) => self.seen.is_multiple_of(step.max(1)),
            When::Chance(probability) => chance.f64() < probability,
            When::Always => true,
        };
        self.fired += u64::from(strikes);
        strikes.then(|| self.fault.clone())
    }
}
