//! The client of one account: read the list, carry out an intent.
//!
//! Hides tokens, retries and limits. Promises that a change goes out at most
//! once per intent, unless WeChat said by its errcode that it did nothing but
//! reject the token; that every answer says what may have happened; and that
//! after WeChat has asked for quiet nothing is sent until then.

use super::{
    Calls, Class, Error, Listing, Settings, Stay, TokenSource, TokenState,
    calls::Tally,
    http::{Cargo, Http, Way},
    paging::Paging,
    pause::{Kept, Pause},
    rate::{Rate, Slot},
    settings::BuildError,
    tokens::{Token, Tokens},
    wire::{self, Page},
};
use crate::policy::{AppId, Fate, Intent, UseIntent};
use bytes::Bytes;
use futures_util::{StreamExt, stream::FuturesUnordered};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use std::{
    future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout, timeout_at},
};

/// A page of a hundred entries with long texts has some 100 KiB.
const PAGE_MAX_BYTES: usize = 8 * 1024 * 1024;
/// The answer to a change is one short object.
const ACK_MAX_BYTES: usize = 64 * 1024;
/// Times a page is asked for when WeChat is busy; the next pass is the better retry.
const PAGE_TRIES: u32 = 3;
/// The first pause before a page is asked for again; the second is twice as long, and both vary by half.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// Pages asked for beyond the end get this long to arrive: their connections are wanted for what follows.
const WIND_UP: Duration = Duration::from_millis(250);
/// A call that is not answered by then no longer keeps a place among the calls of all accounts; most take a tenth of it.
const QUICK: Duration = Duration::from_secs(1);

mod called;
mod questions;

use called::{Called, Reach};

/// The way to WeChat for one account. Clones share everything.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    retry_pause: Duration,
}

struct Inner {
    appid: AppId,
    page_size: u32,
    max_in_flight: usize,
    page_ceiling: u32,
    timeout: Duration,
    http: Http,
    tokens: Tokens,
    rate: Rate,
    calls: Arc<Tally>,
    pause: Mutex<Option<Kept>>,
    /// Rings when a pause begins: who waits for room need not wait any longer.
    paused: Notify,
    /// Pages the last complete list had.
    expected: AtomicU32,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("appid", &self.inner.appid).finish_non_exhaustive()
    }
}

/// How far the reading of a list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Pages read.
    pub pages: u32,
    /// Entries on them, repeats included.
    pub entries: usize,
    /// Pending applications among them.
    pub pending: usize,
}

/// What came of one intent.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What has happened at WeChat, as far as it can be known.
    pub fate: Fate,
    /// WeChat's errcode (0 = accepted), also when it was the token that it refused to hand out.
    pub errcode: Option<i64>,
    /// WeChat's words, cleaned and cut.
    pub errmsg: Option<String>,
    /// WeChat's request id.
    pub rid: Option<String>,
    /// The HTTP status, if there was one.
    pub http_status: Option<u16>,
    /// What went wrong; `None` exactly when accepted.
    pub error: Option<Error>,
    /// When the (last) call went out, or would have.
    pub sent_at: Timestamp,
    /// From asking for it to knowing its fate.
    pub took: Duration,
}

impl Client {
    /// Builds a client; sends nothing yet.
    ///
    /// # Errors
    /// [`BuildError`] names the setting that is wrong.
    pub fn new(settings: Settings) -> Result<Client, BuildError> {
        let bounds = [
            ("wechat.page_size", settings.page_size > 0),
            ("wechat.max_in_flight", settings.max_in_flight > 0),
            ("wechat.calls_per_minute", settings.calls_per_minute > 0),
            ("wechat.timeout", !settings.timeout.is_zero()),
        ];
        if let Some((key, _)) = bounds.into_iter().find(|(_, fine)| !fine) {
            return Err(BuildError::Zero { key });
        }
        let calls = Arc::<Tally>::default();
        let inner = Inner {
            http: http(&settings)?,
            tokens: Tokens::new(&settings, Arc::clone(&calls))?,
            calls,
            rate: Rate::new(settings.max_in_flight, settings.calls_per_minute, settings.in_flight_total),
            pause: Mutex::new(None),
            paused: Notify::new(),
            expected: AtomicU32::new(0),
            appid: settings.appid,
            page_size: settings.page_size,
            max_in_flight: settings.max_in_flight,
            page_ceiling: settings.page_ceiling,
            timeout: settings.timeout,
        };
        #[cfg(feature = "fault-points")]
        if let Some((gap, _)) = crate::fault_point::quick() {
            return Ok(Client { inner: Arc::new(inner), retry_pause: gap });
        }
        Ok(Client { inner: Arc::new(inner), retry_pause: RETRY_PAUSE })
    }

    /// The same client with another pause before a page is asked for again: tests need not wait.
    #[must_use]
    pub fn with_retry_pause(self, retry_pause: Duration) -> Client {
        Client { retry_pause, ..self }
    }

    /// Reads the whole list, several pages at a time. `progress` hears of every page.
    ///
    /// Never fails as a whole: what was read is there, and [`Listing::gap`] says why it is not everything.
    pub async fn list(&self, progress: &(dyn Fn(Progress) + Sync)) -> Listing {
        let expected = self.inner.expected.load(Ordering::Relaxed);
        let mut paging = Paging::new(self.inner.max_in_flight, self.inner.page_ceiling, expected);
        let over = AtomicBool::new(false);
        let mut calls = FuturesUnordered::new();
        loop {
            while let Some(page) = paging.ask(calls.len()) {
                calls.push(self.page(page, &over));
            }
            if paging.over() {
                break;
            }
            let Some((page, result)) = calls.next().await else { break };
            paging.arrived(page, result);
            progress(paging.progress());
        }
        over.store(true, Ordering::Relaxed);
        let _ = timeout(WIND_UP, calls.for_each(|_| future::ready(()))).await;
        let listing = paging.finish();
        if listing.gap.is_none() {
            self.inner.expected.store(listing.pages, Ordering::Relaxed);
        }
        listing
    }

    /// Waits for room for one call, and for a token to make it with. Dropping the wait or the slot costs nothing.
    ///
    /// # Errors
    /// [`Error::Paused`] at once while the client keeps still; [`Error::Token`] when no token can be had.
    pub async fn slot(&self) -> Result<Slot, Error> {
        self.ready()?;
        let token = self.inner.tokens.get(&self.inner.http).await;
        self.noted(token)?;
        let mut paused = std::pin::pin!(self.inner.paused.notified());
        paused.as_mut().enable();
        self.ready()?;
        let slot = tokio::select! {
            slot = self.inner.rate.slot() => Some(slot),
            () = paused => None,
        };
        self.ready()?;
        slot.ok_or(Error::Request { problem: "a pause began and ended while it waited" })
    }

    /// Asks WeChat for the change that was recorded. Takes no longer than one call may.
    pub async fn carry_out(&self, slot: Slot, intent: Intent) -> Answer {
        let start = Instant::now();
        let action = wire::action_name(intent.action());
        let mut called = match wire::intent_request(&intent) {
            Ok(body) => self.call(slot, Request::change(wire::DEVPLUGIN, action, body), wire::read_ack).await,
            Err(error) => Called::unsent(error),
        };
        if planted_bug!("blind-retry")
            && called.fate() == Fate::Lost
            && let (Ok(slot), Ok(body)) = (self.slot().await, wire::intent_request(&intent))
        {
            called = self.call(slot, Request::change(wire::DEVPLUGIN, action, body), wire::read_ack).await;
        }
        called.answer(start.elapsed())
    }

    /// Asks WeChat for the change on the using side (`/wxa/plugin`) that was recorded. Takes no longer than one call may.
    pub async fn carry_out_use(&self, slot: Slot, intent: UseIntent) -> Answer {
        let start = Instant::now();
        let request = Request::change(wire::PLUGIN, intent.what().word(), wire::use_request(&intent));
        self.call(slot, request, wire::read_ack).await.answer(start.elapsed())
    }

    /// The calls made since this was last asked, tokens included.
    pub fn take_calls(&self) -> Calls {
        self.inner.calls.take()
    }

    /// Why and until when the client sends nothing.
    pub fn pause(&self) -> Option<Pause> {
        let kept = *self.inner.pause.lock().unwrap_or_else(PoisonError::into_inner);
        kept?.left(Timestamp::now(), Instant::now())
    }

    /// Kind, source, age and remaining life of the token in use. Asks for nothing.
    pub async fn token_state(&self) -> TokenState {
        self.inner.tokens.state().await
    }

    /// Sees to it that there is a token, fetching one if need be.
    ///
    /// # Errors
    /// As [`Client::slot`].
    pub async fn obtain_token(&self) -> Result<TokenState, Error> {
        self.ready()?;
        let token = self.inner.tokens.get(&self.inner.http).await;
        self.noted(token)?;
        Ok(self.token_state().await)
    }

    /// Whether the next call ends the token other systems hold for this appid: only with `cgi-bin/token`, and only when
    /// it is not held yet.
    pub async fn would_cut_off_others(&self) -> bool {
        self.inner.tokens.would_cut_off_others().await
    }

    /// One page, asked for again a little later while WeChat is busy.
    async fn page(&self, page: u32, over: &AtomicBool) -> (u32, Result<Page, Error>) {
        let mut tries = 1;
        loop {
            let result = self.page_once(page, over).await;
            let again = result.as_ref().is_err_and(|e| matches!(e.class(), Class::Retry | Class::Refresh));
            if !again || tries >= PAGE_TRIES || over.load(Ordering::Relaxed) {
                return (page, result);
            }
            sleep(jittered(self.retry_pause * tries)).await;
            tries += 1;
        }
    }

    async fn page_once(&self, page: u32, over: &AtomicBool) -> Result<Page, Error> {
        let slot = self.slot().await?;
        if over.load(Ordering::Relaxed) {
            return Err(Error::Request { problem: "the list has ended" });
        }
        self.one_page(slot, page, self.inner.page_size).await
    }

    async fn one_page(&self, slot: Slot, page: u32, page_size: u32) -> Result<Page, Error> {
        let body = wire::list_request(page, page_size).into();
        let request = Request { path: wire::DEVPLUGIN, action: wire::LIST, body, limit: PAGE_MAX_BYTES };
        let read = |body: &[u8], secrets: &[&str]| wire::read_page_without(body, page, secrets);
        self.call(slot, request, read).await.result
    }

    /// One call; while it is slow, another account's goes in its place.
    async fn call<T>(
        &self,
        mut slot: Slot,
        request: Request,
        read: impl Fn(&[u8], &[&str]) -> Result<T, Error>,
    ) -> Called<T> {
        let shared = slot.shared();
        let quick = QUICK.min(self.inner.timeout / 2);
        Stay::during(shared, quick, self.call_in(slot, request, read)).await
    }

    /// One call, repeated once with another token if WeChat rejects the first.
    async fn call_in<T>(
        &self,
        mut slot: Slot,
        request: Request,
        read: impl Fn(&[u8], &[&str]) -> Result<T, Error>,
    ) -> Called<T> {
        let deadline = Instant::now() + self.inner.timeout;
        let token = match self.ready() {
            Ok(()) => self.token(deadline, None).await,
            Err(paused) => Err(paused),
        };
        let token = match token {
            Ok(token) => token,
            Err(error) => return Called::unsent(error),
        };
        let first = self.call_once(&mut slot, &token, request.clone(), deadline, &read).await;
        if !first.rejects_the_token() {
            return first;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left < self.inner.timeout / 2 || !slot.again() {
            self.inner.tokens.reject(&token).await;
            return first;
        }
        let token = match self.token(deadline, Some(&token)).await {
            Ok(token) => token,
            Err(error) => return first.followed_by(error),
        };
        let second = self.call_once(&mut slot, &token, request, deadline, &read).await;
        match second.result {
            Err(error) if error.class() == Class::Refresh => {
                self.inner.tokens.reject(&token).await;
                Called { result: Err(Error::TokenRejected(Some(Box::new(error)))), ..second }
            }
            _ => second,
        }
    }

    async fn call_once<T>(
        &self,
        slot: &mut Slot,
        token: &Token,
        request: Request,
        deadline: Instant,
        read: &impl Fn(&[u8], &[&str]) -> Result<T, Error>,
    ) -> Called<T> {
        let Request { path, action, body, limit } = request;
        let left = deadline.saturating_duration_since(Instant::now());
        let sent_at = Timestamp::now();
        slot.sent();
        let reply = self.inner.http.post(path, token.query(), body, left, limit).await;
        let http_status = match &reply {
            Ok(reply) => Some(reply.status),
            Err(Error::Http { status }) => Some(*status),
            Err(_) => None,
        };
        let secrets = [token.expose(), self.inner.tokens.secret()];
        let result = reply.and_then(|reply| read(reply.body(), &secrets));
        self.inner.calls.note(action, &result);
        let result = result.map_err(|error| self.inner.tokens.understood(error));
        // What asks for quotas has a quota of its own: that it is used up is no reason to leave applications alone.
        let aside =
            path == wire::QUOTA && result.as_ref().is_err_and(|error| matches!(error.errcode(), Some(45009 | 45011)));
        let result = if aside { result } else { self.noted(result) };
        Called { result, http_status, sent_at, reach: Reach::Answerable }
    }

    /// A token within the time of the call; another one than `rejected`.
    async fn token(&self, deadline: Instant, rejected: Option<&Token>) -> Result<Token, Error> {
        let Inner { tokens, http, timeout, .. } = &*self.inner;
        let token = async {
            match rejected {
                Some(rejected) => tokens.renew(http, rejected).await,
                None => tokens.get(http).await,
            }
        };
        let late = |_| Error::Token(Box::new(Error::Timeout { after: *timeout }));
        self.noted(timeout_at(deadline, token).await.map_err(late).flatten())
    }

    fn ready(&self) -> Result<(), Error> {
        self.pause().map_or(Ok(()), |pause| Err(Error::Paused(pause)))
    }

    /// Keeps still from now on if that is what the error asks for.
    fn noted<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result
            && !matches!(error, Error::Paused(_))
            && let Some(pause) = error.errcode().and_then(|errcode| Pause::after(errcode, Timestamp::now()))
        {
            let mut known = self.inner.pause.lock().unwrap_or_else(PoisonError::into_inner);
            let (now, at) = (Timestamp::now(), Instant::now());
            let left = known.and_then(|kept| kept.left(now, at));
            *known = Some(Kept::begin(pause.longer(left), now, at));
            self.inner.paused.notify_waiters();
        }
        result
    }
}

/// What is asked for, where, and how long an answer may be.
#[derive(Clone)]
struct Request {
    path: &'static str,
    /// WeChat's name for it.
    action: &'static str,
    body: Bytes,
    limit: usize,
}

impl Request {
    /// One that is answered with a short yes or no.
    fn change(path: &'static str, action: &'static str, body: Vec<u8>) -> Request {
        Request { path, action, body: body.into(), limit: ACK_MAX_BYTES }
    }
}

fn http(settings: &Settings) -> Result<Http, BuildError> {
    let cargo = match settings.token {
        TokenSource::None => Cargo::Plain,
        _ => Cargo::Secret,
    };
    let way = Way {
        proxy: settings.proxy.as_ref().map(ExposeSecret::expose_secret),
        ca_pem: settings.ca_pem.as_deref(),
        timeout: settings.timeout,
        connections: &settings.connections,
    };
    Http::new(&settings.base_url, cargo, &way)
}

/// Half to one and a half of it, so that pages that failed together do not come back together.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + fastrand::f64())
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod stories;
