//! The world behind its lock: state, time, faults, ledger. Synchronous; a call is one function of it.
//!
//! Hides the order in which WeChat looks at a request. Promises that an operation is in the journal before it is carried
//! out, and that what a call did is in the ledger before its answer leaves.

use super::answer::{Answer, Delivery, Reply};
use super::application::Application;
use super::component::Authorizations;
use super::fault::{Effect, Fault, Faults, Moment};
use super::journal::Journal;
use super::ledger::{By, Call, Change, Ledger, What, words};
use super::openapi::Answered;
use super::options::{Clock, Options};
use super::request::{Body, Endpoint, Request, Subject};
use super::roster::{EntryId, Roster};
use super::tokens::{Grade, Tokens, Worth};
use fastrand::Rng;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Everything there is.
#[derive(Debug)]
pub(super) struct State {
    pub(super) options: Options,
    pub(super) seed: u64,
    pub(super) start_ms: i64,
    pub(super) offset_ms: i64,
    /// By the plugin's appid.
    pub(super) rosters: BTreeMap<String, Roster>,
    pub(super) tokens: Tokens,
    pub(super) authorizations: Authorizations,
    pub(super) answered: Answered,
    pub(super) faults: Faults,
    pub(super) ledger: Ledger,
    pub(super) journal: Journal,
    /// Numbers for `rid`s, and newcomers.
    pub(super) rng: Rng,
}

/// A call while it is looked at.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) subject: Subject,
    pub(super) seq: u64,
    pub(super) struck: Vec<Fault>,
    pub(super) token_generation: Option<u64>,
    pub(super) changed: bool,
}

/// Why there is no ordinary answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// WeChat says no.
    Errcode(i64),
    /// The change could not be written down, so it was not made: HTTP 500.
    NotRecorded,
}

impl State {
    /// One call, from request to answer.
    pub(super) fn handle(&mut self, request: &Request) -> Reply {
        self.sweep();
        let mut visit = Visit {
            subject: Subject::read(request),
            seq: self.ledger.next_seq(),
            struck: Vec::new(),
            token_generation: None,
            changed: false,
        };
        visit.subject.account = self.who(&visit.subject);
        let (errcode, reply) = self.answer(&mut visit);
        self.record(visit, errcode, &reply);
        reply
    }

    pub(super) fn now_ms(&self) -> i64 {
        let base = match self.options.clock {
            Clock::System => system_ms(),
            Clock::Manual => self.start_ms,
        };
        base + self.offset_ms
    }

    /// Times out what has waited too long, up to now.
    pub(super) fn sweep(&mut self) {
        let now_ms = self.now_ms();
        self.rosters.values_mut().for_each(|roster| roster.sweep(now_ms));
    }

    /// What strikes this call now; noted for the ledger.
    pub(super) fn strike(&mut self, moment: Moment, visit: &mut Visit) -> Vec<Fault> {
        let struck = self.faults.strike(moment, &visit.subject);
        visit.struck.extend(struck.iter().cloned());
        struck
    }

    /// The applications to a plugin; 48001 if the account has none.
    pub(super) fn roster(&self, account: &str) -> Result<&Roster, Stop> {
        self.rosters.get(account).ok_or(Stop::Errcode(48001))
    }

    pub(super) fn roster_mut(&mut self, account: &str) -> Result<&mut Roster, Stop> {
        self.rosters.get_mut(account).ok_or(Stop::Errcode(48001))
    }

    pub(super) fn rosters(&self) -> impl Iterator<Item = (&str, &Roster)> {
        self.rosters.iter().map(|(account, roster)| (account.as_str(), roster))
    }

    pub(super) fn nickname_of(&self, account: &str) -> String {
        let known = self.options.accounts.iter().find(|known| known.appid == account);
        known.map(|known| known.nickname.clone()).unwrap_or_default()
    }

    /// Writes a change of some applications down and makes it.
    pub(super) fn commit(&mut self, account: &str, ids: &[EntryId], what: What, by: By) -> Result<(), Stop> {
        if ids.is_empty() {
            return Ok(());
        }
        let at_ms = self.now_ms();
        let operation = json!({
            "op": "change", "at": at_ms, "account": account, "ids": ids, "what": what.name(), "by": by.to_record(),
        });
        self.journal.append(&operation).map_err(|_| Stop::NotRecorded)?;
        let roster = self.roster_mut(account)?;
        ids.iter().for_each(|id| roster.change(*id, Change { at_ms, what, by }));
        Ok(())
    }

    /// Writes a new application down and lets it in.
    pub(super) fn arrive(&mut self, account: &str, mut application: Application) -> Result<EntryId, Stop> {
        let at_ms = self.now_ms();
        application.created_secs = application.created_secs.or(Some(at_ms.div_euclid(1000)));
        let operation =
            json!({ "op": "arrive", "at": at_ms, "account": account, "application": application.to_record() });
        self.roster(account)?;
        self.journal.append(&operation).map_err(|_| Stop::NotRecorded)?;
        Ok(self.roster_mut(account)?.arrive(application, at_ms))
    }

    /// Lets generated newcomers in, made now.
    pub(super) fn new_arrivals(&mut self, account: &str, count: u32) -> Result<(), Stop> {
        for _ in 0..count {
            let place = self.roster(account)?.entries().len();
            let newcomer = super::generate::one(&mut self.rng, place, &self.options.mix, 0);
            self.arrive(account, Application { created_secs: None, ..newcomer })?;
        }
        Ok(())
    }

    pub(super) fn rid(&mut self) -> String {
        format!("{:08x}-{:08x}-{:08x}", self.now_ms().div_euclid(1000), self.rng.u32(..), self.rng.u32(..))
    }

    /// The answer's errcode and what goes out.
    fn answer(&mut self, visit: &mut Visit) -> (Option<i64>, Reply) {
        if visit.subject.chunked {
            return (None, self.reply(412, Vec::new()));
        }
        let before = self.faults.strike_first(Moment::Before, &visit.subject);
        visit.struck.extend(before.clone());
        let (mut answer, instead) = match before {
            Some(fault) => (Answer::ok(), Some(fault.effect)),
            None => match self.work(visit) {
                Err(Stop::NotRecorded) => return (None, self.reply(500, Vec::new())),
                Err(Stop::Errcode(code)) => (self.error(code, visit), self.after(visit)),
                Ok(answer) => (answer, self.after(visit)),
            },
        };
        if let Some(Effect::Errcode(code, _)) = instead {
            answer = self.error(code, visit);
        }
        let dress = self.strike(Moment::Dress, visit);
        self.deliver(visit, answer, instead, &dress)
    }

    fn after(&mut self, visit: &mut Visit) -> Option<Effect> {
        let after = self.faults.strike_first(Moment::After, &visit.subject);
        visit.struck.extend(after.clone());
        after.map(|fault| fault.effect)
    }

    fn error(&mut self, code: i64, visit: &Visit) -> Answer {
        let rid = self.rid();
        let answer = Answer::error(code, &rid);
        self.answered.note(&rid, self.now_ms(), &visit.subject, &answer);
        answer
    }

    fn work(&mut self, visit: &mut Visit) -> Result<Answer, Stop> {
        match visit.subject.endpoint {
            Endpoint::Unknown => Err(Stop::Errcode(40066)),
            Endpoint::Token => self.classic_token(visit),
            Endpoint::StableToken => self.stable_token(visit),
            Endpoint::ComponentToken => self.component_token(visit),
            Endpoint::AuthorizerToken => self.authorizer_token(visit),
            Endpoint::AuthorizerList => self.authorizer_list(visit),
            Endpoint::StartPushTicket => self.start_push_ticket(visit),
            Endpoint::DevPlugin | Endpoint::Plugin | Endpoint::QuotaGet | Endpoint::RidGet if !visit.subject.post => {
                Err(Stop::Errcode(43002))
            }
            Endpoint::DevPlugin => {
                let account = self.admit(visit)?;
                self.devplugin(visit, &account)
            }
            Endpoint::Plugin => {
                let account = self.admit(visit)?;
                self.plugin(visit, &account)
            }
            Endpoint::QuotaGet => {
                let account = self.admit(visit)?;
                self.quota_get(visit, &account)
            }
            Endpoint::RidGet => {
                let account = self.admit(visit)?;
                self.rid_get(visit, &account)
            }
        }
    }

    /// Looks at the token, then whether there is a readable body.
    fn admit(&mut self, visit: &mut Visit) -> Result<String, Stop> {
        let token = token_of(&visit.subject).map(|(token, grade)| (token.to_owned(), grade));
        self.let_tokens_die(visit);
        let account = match (token, self.options.sidecar.clone()) {
            (Some((token, kind)), _) => self.account_of(visit, &token, kind)?,
            (None, Some(account)) => account,
            (None, None) => return Err(Stop::Errcode(41001)),
        };
        match visit.subject.body {
            Body::Empty => Err(Stop::Errcode(44002)),
            Body::Unreadable => Err(Stop::Errcode(47001)),
            Body::Object(_) => Ok(account),
        }
    }

    /// A fault may end all tokens of the account before they are looked at.
    pub(super) fn let_tokens_die(&mut self, visit: &mut Visit) {
        if let Some(account) = visit.subject.account.clone()
            && !self.strike(Moment::Token, visit).is_empty()
        {
            let now_ms = self.now_ms();
            self.tokens.revoke_all(&account, now_ms);
        }
    }

    /// Whose token it is, if it came under the name of its kind.
    fn account_of(&self, visit: &mut Visit, token: &str, named: Grade) -> Result<String, Stop> {
        let (account, generation, grade) = match self.tokens.worth(token, self.now_ms()) {
            Worth::Good { account, generation, grade } => (account, generation, grade),
            Worth::Expired { generation, .. } => {
                visit.token_generation = Some(generation);
                return Err(Stop::Errcode(42001));
            }
            Worth::NotLatest => return Err(Stop::Errcode(40001)),
            Worth::NoToken => return Err(Stop::Errcode(40014)),
        };
        visit.token_generation = Some(generation);
        match (named, grade) {
            (Grade::Cloudbase, Grade::Cloudbase) | (Grade::Account, Grade::Account) => Ok(account),
            (Grade::Account, Grade::Authorizer) => self.authorizations.may_call(&account).map(|()| account),
            (Grade::Account, Grade::Component) => Err(Stop::Errcode(48001)),
            _ => Err(Stop::Errcode(40001)),
        }
    }

    /// Who calls, as far as it can be told before anything is looked at.
    fn who(&self, subject: &Subject) -> Option<String> {
        let named = |field: &str| subject.field(field).and_then(|appid| appid.as_str()).map(str::to_owned);
        match subject.endpoint {
            Endpoint::StableToken => named("appid"),
            Endpoint::Token => subject.parameter("appid").map(str::to_owned),
            Endpoint::ComponentToken
            | Endpoint::AuthorizerToken
            | Endpoint::AuthorizerList
            | Endpoint::StartPushTicket => named("component_appid"),
            Endpoint::DevPlugin | Endpoint::Plugin | Endpoint::QuotaGet | Endpoint::RidGet => {
                let Some((token, _)) = token_of(subject) else { return self.options.sidecar.clone() };
                match self.tokens.worth(token, self.now_ms()) {
                    Worth::Good { account, .. } | Worth::Expired { account, .. } => Some(account),
                    Worth::NotLatest | Worth::NoToken => None,
                }
            }
            Endpoint::Unknown => None,
        }
    }

    fn record(&mut self, visit: Visit, errcode: Option<i64>, reply: &Reply) {
        let Visit { subject, seq, struck, token_generation, changed } = visit;
        let answered = !matches!(reply.delivery, Delivery::Reset | Delivery::Lost | Delivery::Hang);
        let call = Call {
            seq,
            at_ms: self.now_ms(),
            endpoint: subject.endpoint.name().to_owned(),
            action: subject.action,
            account: subject.account,
            appid: subject.appid,
            page: subject.page,
            num: subject.num,
            has_reason: subject.has_reason,
            token_generation,
            http_status: answered.then_some(reply.status),
            errcode,
            faults: words(&struck),
            changed,
        };
        let acts = call.action.as_deref().is_some_and(|action| !action.ends_with("list"));
        if acts {
            // A failed write has closed the journal: the next change is refused with HTTP 500.
            let _ = self.journal.append(&json!({ "op": "call", "call": call.to_record() }));
        }
        self.ledger.push(call);
    }
}

/// The token of an account's call, and what its name says it is.
fn token_of(subject: &Subject) -> Option<(&str, Grade)> {
    let named = |name: &str, grade: Grade| {
        let token = subject.parameter(name).filter(|token| !token.is_empty())?;
        Some((token, grade))
    };
    named("access_token", Grade::Account).or_else(|| named("cloudbase_access_token", Grade::Cloudbase))
}

pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4)
}

pub(super) fn system_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
}
