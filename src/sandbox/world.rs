//! The world as tests, the command line and the HTTP face hold it: one handle, cheap to clone.

use super::answer::Reply;
use super::application::Application;
use super::application::Status;
use super::control;
use super::fault::{Fault, FaultId};
use super::ledger::{Accepted, By, Call, Changes, What, accepted_twice, changes_in};
use super::open::{self, OpenError};
use super::options::Options;
use super::request::Request;
use super::roster::{Counts, EntryId};
use super::state::{State, Stop, millis};
use super::tokens::Issue;
use serde_json::json;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A simulated WeChat: state, time, faults and ledger. Clones are the same world.
#[derive(Debug, Clone)]
pub struct World {
    state: Arc<Mutex<State>>,
}

/// Whether a person found something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Moved {
    /// The application changed.
    Moved,
    /// There is no such application where it could be done.
    NothingToMove,
    /// The change could not be written to the world's directory, so it was not made.
    NotRecorded,
}

impl World {
    /// A new world that ends with the process.
    pub fn in_memory(options: Options) -> World {
        World::of(open::in_memory(options))
    }

    /// The world kept in `dir`, or a new one there; [`Options::fresh`] starts over.
    ///
    /// Generation (seed, numbers, mix, window, start) is kept by the directory; how the world behaves (latency, cap,
    /// faults, ...) is taken from `options` each time. Every change is with the operating system before its answer leaves.
    ///
    /// # Errors
    /// The directory cannot be used, is in use, holds something else, or a world of other parameters.
    pub fn open(dir: &Path, options: Options) -> Result<World, OpenError> {
        open::open(dir, options).map(World::of)
    }

    /// A copy in memory of the world kept in `dir`: nothing is written, no lock is taken.
    ///
    /// # Errors
    /// As [`World::open`], except that it is never in use.
    pub fn peek(dir: &Path, options: Options) -> Result<World, OpenError> {
        open::peek(dir, options).map(World::of)
    }

    /// Every call that reached this WeChat, oldest first.
    pub fn ledger(&self) -> Vec<Call> {
        self.lock().ledger.calls().cloned().collect()
    }

    /// The calls of one action (`dev_agree`) or endpoint (`stable_token`), oldest first.
    pub fn calls(&self, name: &str) -> Vec<Call> {
        let named = |call: &&Call| call.endpoint == name || call.action.as_deref() == Some(name);
        self.lock().ledger.calls().filter(named).cloned().collect()
    }

    /// Every application that changed, with all its changes; also of earlier processes, if the world has a directory.
    pub fn changes(&self) -> Vec<Changes> {
        let mut state = self.lock();
        state.sweep();
        state.rosters().flat_map(|(account, roster)| changes_in(account, roster)).collect()
    }

    /// Applications that were changed by more than one call (agree, refuse or delete). A client that never has
    /// two changes of one application accepted leaves this empty.
    pub fn accepted_twice(&self) -> Vec<Accepted> {
        self.changes().into_iter().filter_map(accepted_twice).collect()
    }

    /// Where the newest listed application of `appid` stands, to whatever plugin.
    pub fn status(&self, appid: &str) -> Option<Status> {
        let mut state = self.lock();
        state.sweep();
        let mut found = state.rosters().filter_map(|(_, roster)| roster.entry(*roster.of(appid).last()?));
        found.next().map(|entry| entry.application.status)
    }

    /// All listed applications to `account`, in the order of the list; all statuses.
    pub fn applications(&self, account: &str) -> Vec<Application> {
        let mut state = self.lock();
        state.sweep();
        let Ok(roster) = state.roster(account) else { return Vec::new() };
        let ids = roster.slice(0, usize::MAX).into_iter();
        ids.filter_map(|id| roster.entry(id)).map(|entry| entry.application.clone()).collect()
    }

    /// Faults from now on.
    pub fn inject(&self, fault: Fault) -> FaultId {
        self.lock().faults.plan(fault)
    }

    /// Ends a fault. Says whether it was still there.
    pub fn lift(&self, id: FaultId) -> bool {
        self.lock().faults.lift(id)
    }

    /// Faults that never struck, as text: a test that planned one and did not meet it tests nothing.
    pub fn unused_faults(&self) -> Vec<String> {
        self.lock().faults.unused().iter().map(Fault::to_string).collect()
    }

    /// Moves the world's clock on. Pending applications time out and tokens age.
    pub fn advance(&self, by: Duration) {
        let mut state = self.lock();
        let ms = millis(by);
        // A failed write has closed the journal: the next change is refused.
        let _ = state.journal.append(&json!({ "op": "advance", "ms": ms }));
        state.offset_ms += ms;
        state.sweep();
    }

    /// The world's time in Unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.lock().now_ms()
    }

    /// When the world began, in Unix milliseconds.
    pub fn start_ms(&self) -> i64 {
        self.lock().start_ms
    }

    /// What the applications were made from.
    pub fn seed(&self) -> u64 {
        self.lock().seed
    }

    /// Somebody agrees to the pending application of `appid` in WeChat's console.
    pub fn person_agrees(&self, appid: &str) -> Moved {
        self.person(appid, What::Agreed, By::Person)
    }

    /// Somebody refuses the pending application of `appid` in WeChat's console.
    pub fn person_refuses(&self, appid: &str) -> Moved {
        self.person(appid, What::Refused, By::Person)
    }

    /// The applicant takes the pending application back: it leaves the list.
    pub fn withdraw(&self, appid: &str) -> Moved {
        self.person(appid, What::Withdrawn, By::Applicant)
    }

    /// A new application to the first plugin of the world.
    pub fn arrive(&self, application: Application) -> Moved {
        let first = self.lock().options.accounts.iter().find(|known| known.owns_plugin).map(|a| a.appid.clone());
        first.map_or(Moved::NothingToMove, |account| self.arrive_at(&account, application))
    }

    /// A new application to this plugin.
    pub fn arrive_at(&self, account: &str, application: Application) -> Moved {
        moved(self.lock().arrive(account, application).map(|_| ()))
    }

    /// Ends every token of an account, as if somebody else had refreshed by force.
    pub fn revoke_tokens(&self, account: &str) {
        let mut state = self.lock();
        let now_ms = state.now_ms();
        state.tokens.revoke_all(account, now_ms);
    }

    /// A token as a central service might keep it: `stable_token` in normal mode.
    pub fn stable_token(&self, account: &str) -> String {
        let mut state = self.lock();
        let now_ms = state.now_ms();
        match state.tokens.stable(account, now_ms) {
            Issue::Handed(handed) => handed.token,
            Issue::QuotaUsedUp => String::new(),
        }
    }

    /// What stands in the token file of cloud hosting now.
    pub fn cloudbase_token(&self, account: &str) -> String {
        let mut state = self.lock();
        let now_ms = state.now_ms();
        state.tokens.cloudbase(account, now_ms)
    }

    /// The newest `component_verify_ticket`.
    pub fn ticket(&self) -> String {
        let mut state = self.lock();
        let now_ms = state.now_ms();
        state.authorizations.ticket(now_ms)
    }

    /// A new `component_verify_ticket`, as WeChat sends one every ten minutes.
    pub fn push_ticket(&self) -> String {
        let mut state = self.lock();
        let now_ms = state.now_ms();
        state.authorizations.push_ticket(now_ms)
    }

    /// How often the platform asked for tickets to be sent.
    pub fn ticket_pushes(&self) -> u32 {
        self.lock().authorizations.pushes()
    }

    /// The owner of an account authorizes the platform, perhaps again: its refresh token is a new one.
    pub fn authorize(&self, account: &str) {
        let mut state = self.lock();
        let now_ms = state.now_ms();
        state.authorizations.authorize(account, now_ms);
    }

    /// The owner of an account takes his authorization back. Says whether there was one.
    pub fn withdraw_authorization(&self, account: &str) -> bool {
        self.lock().authorizations.withdraw(account)
    }

    /// Grants permission set 40 to the platform, or takes it back. Says whether the account has authorized it.
    pub fn set_granted(&self, account: &str, granted: bool) -> bool {
        self.lock().authorizations.set_granted(account, granted)
    }

    /// Whether this refresh token was ever handed out.
    pub fn issued_refresh_token(&self, text: &str) -> bool {
        self.lock().authorizations.issued(text)
    }

    /// Asks without a network, for tests and fuzzing: HTTP status and body of what a server would answer, the control
    /// surface included. `address` is path and query. Delays are not waited for, and what breaks a connection is an answer here.
    pub fn ask(&self, method: &str, address: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
        let request = Request { method, path, query, body: body.to_owned(), chunked: false };
        if request.path.starts_with("/sandbox/") {
            let (status, text) = control::answer(self, &request);
            return (status, text.into_bytes());
        }
        let reply = self.handle(&request);
        (reply.status, reply.body)
    }

    pub(super) fn handle(&self, request: &Request) -> Reply {
        self.lock().handle(request)
    }

    /// How the applications to each plugin stand.
    pub(super) fn counts(&self) -> Vec<(String, Counts)> {
        let mut state = self.lock();
        state.sweep();
        state.rosters().map(|(account, roster)| (account.to_owned(), roster.counts())).collect()
    }

    /// A generated appid that nobody has yet.
    pub(super) fn new_appid(&self) -> String {
        let mut state = self.lock();
        format!("wx{:016x}", state.rng.u64(..))
    }

    /// Sends the journal elsewhere, for tests of a write that fails.
    #[cfg(test)]
    pub(super) fn journal_to(&self, file: std::fs::File) {
        self.lock().journal = super::journal::Journal::File { file, broken: false };
    }

    fn of(state: State) -> World {
        World { state: Arc::new(Mutex::new(state)) }
    }

    fn person(&self, appid: &str, what: What, by: By) -> Moved {
        let mut state = self.lock();
        state.sweep();
        let mut found = state.rosters().filter_map(|(account, roster)| pending_one(account, roster, appid));
        let Some((account, id)) = found.next() else { return Moved::NothingToMove };
        drop(found);
        moved(state.commit(&account, &[id], what, by))
    }

    /// A test that panicked while it held the world has already failed; others may go on.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pending_one(account: &str, roster: &super::roster::Roster, appid: &str) -> Option<(String, EntryId)> {
    roster.newest(appid, &[Status::Pending]).map(|id| (account.to_owned(), id))
}

fn moved(result: Result<(), Stop>) -> Moved {
    match result {
        Ok(()) => Moved::Moved,
        Err(Stop::Errcode(_)) => Moved::NothingToMove,
        Err(Stop::NotRecorded) => Moved::NotRecorded,
    }
}
