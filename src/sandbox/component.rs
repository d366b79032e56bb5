//! `POST /cgi-bin/component/...`: a third-party platform, its tickets, and the accounts that authorized it.
//!
//! Source: WeChat's pages for third-party platforms, api_start_push_ticket, api_component_token, api_authorizer_token and
//! api_get_authorizer_list. Tickets and refresh tokens live in memory, as tokens do.

use super::answer::{Answer, Json, number};
use super::options::{Options, Platform};
use super::request::Body;
use super::state::{State, Stop, Visit};
use super::tokens::{Grade, Handed, Worth};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How long a ticket is good.
const TICKET_LIFE_MS: i64 = 12 * 3_600_000;
/// The most entries on a page of `api_get_authorizer_list`.
const LIST_MAX: usize = 500;

/// Who authorized the platform, and what it was given to prove itself.
#[derive(Debug)]
pub(super) struct Authorizations {
    tickets: Vec<(String, i64)>,
    /// By appid; who is not here has not authorized.
    standing: BTreeMap<String, Standing>,
    /// Every refresh token there ever was.
    issued: BTreeSet<String>,
    pushes: u32,
    letters: fastrand::Rng,
}

#[derive(Debug, Clone)]
struct Standing {
    refresh_token: String,
    since_ms: i64,
    /// Permission set 40.
    granted: bool,
}

impl Authorizations {
    pub(super) fn new(options: &Options) -> Authorizations {
        let (tickets, standing, issued) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        let mut new = Authorizations { tickets, standing, issued, pushes: 0, letters: fastrand::Rng::new() };
        if let Some(platform) = &options.platform {
            let all = || options.accounts.iter().map(|account| account.appid.clone()).collect();
            for appid in platform.authorizers.clone().unwrap_or_else(all) {
                new.authorize(&appid, 0);
            }
        }
        new
    }

    /// The owner authorizes, or authorizes again: the refresh token changes.
    pub(super) fn authorize(&mut self, appid: &str, now_ms: i64) {
        let refresh_token = self.new_text("refreshtoken@@@", 43);
        self.issued.insert(refresh_token.clone());
        self.standing.insert(appid.to_owned(), Standing { refresh_token, since_ms: now_ms, granted: true });
    }

    pub(super) fn withdraw(&mut self, appid: &str) -> bool {
        self.standing.remove(appid).is_some()
    }

    /// Permission set 40 is granted, or no longer.
    pub(super) fn set_granted(&mut self, appid: &str, granted: bool) -> bool {
        self.standing.get_mut(appid).map(|standing| standing.granted = granted).is_some()
    }

    /// The newest ticket; the first is made when it is asked for.
    pub(super) fn ticket(&mut self, now_ms: i64) -> String {
        match self.tickets.last() {
            Some((ticket, _)) => ticket.clone(),
            None => self.push_ticket(now_ms),
        }
    }

    pub(super) fn push_ticket(&mut self, now_ms: i64) -> String {
        let ticket = self.new_text("ticket@@@", 80);
        self.tickets.push((ticket.clone(), now_ms));
        ticket
    }

    pub(super) fn pushes(&self) -> u32 {
        self.pushes
    }

    pub(super) fn issued(&self, refresh_token: &str) -> bool {
        self.issued.contains(refresh_token)
    }

    /// Whether the platform may call for this account.
    pub(super) fn may_call(&self, account: &str) -> Result<(), Stop> {
        match self.standing.get(account) {
            None => Err(Stop::Errcode(61003)),
            Some(standing) if !standing.granted => Err(Stop::Errcode(61007)),
            Some(_) => Ok(()),
        }
    }

    fn check_ticket(&self, ticket: &str, now_ms: i64) -> Result<(), Stop> {
        match self.tickets.iter().find(|(known, _)| known == ticket) {
            None => Err(Stop::Errcode(61006)),
            Some((_, made_ms)) if now_ms - made_ms >= TICKET_LIFE_MS => Err(Stop::Errcode(61005)),
            Some(_) => Ok(()),
        }
    }

    /// The refresh token after one use of this one.
    fn refresh(&mut self, appid: &str, refresh_token: &str, rotates: bool) -> Result<String, Stop> {
        let standing = self.standing.get(appid).ok_or(Stop::Errcode(61003))?;
        if standing.refresh_token != refresh_token {
            return Err(Stop::Errcode(61023));
        }
        let (since_ms, granted) = (standing.since_ms, standing.granted);
        if rotates {
            self.authorize(appid, since_ms);
            self.set_granted(appid, granted);
        }
        self.standing.get(appid).map(|standing| standing.refresh_token.clone()).ok_or(Stop::Errcode(61003))
    }

    fn new_text(&mut self, prefix: &str, letters: usize) -> String {
        prefix.chars().chain((0..letters).map(|_| self.letters.alphanumeric())).collect()
    }
}

impl State {
    pub(super) fn start_push_ticket(&mut self, visit: &Visit) -> Result<Answer, Stop> {
        self.platform_by_secret(visit, "component_secret")?;
        self.authorizations.pushes += 1;
        Ok(Answer::ok())
    }

    pub(super) fn component_token(&mut self, visit: &mut Visit) -> Result<Answer, Stop> {
        let platform = self.platform_by_secret(visit, "component_appsecret")?;
        let ticket = wanted(visit, "component_verify_ticket")?;
        let now_ms = self.now_ms();
        self.authorizations.check_ticket(&ticket, now_ms)?;
        let Handed { token, expires_in_secs, generation } = self.tokens.component(&platform.appid, now_ms);
        visit.token_generation = Some(generation);
        let fields = [("component_access_token", Json::text(&token)), ("expires_in", number(expires_in_secs))];
        Ok(Answer { errcode: None, json: Json::object(fields) })
    }

    pub(super) fn authorizer_token(&mut self, visit: &mut Visit) -> Result<Answer, Stop> {
        let platform = self.platform_by_token(visit)?;
        let appid = wanted(visit, "authorizer_appid")?;
        let refresh_token = wanted(visit, "authorizer_refresh_token")?;
        if !self.options.accounts.iter().any(|account| account.appid == appid) {
            return Err(Stop::Errcode(40013));
        }
        let now_ms = self.now_ms();
        let next = self.authorizations.refresh(&appid, &refresh_token, platform.rotates)?;
        let handed = self.tokens.authorizer(&appid, now_ms);
        let fields = [
            ("authorizer_access_token", Json::text(&handed.token)),
            ("expires_in", number(handed.expires_in_secs)),
            ("authorizer_refresh_token", Json::text(&next)),
        ];
        Ok(Answer { errcode: None, json: Json::object(fields) })
    }

    pub(super) fn authorizer_list(&mut self, visit: &mut Visit) -> Result<Answer, Stop> {
        self.platform_by_token(visit)?;
        let count = |name: &str| {
            let number = visit.subject.field(name).and_then(Value::as_u64).ok_or(Stop::Errcode(47001))?;
            usize::try_from(number).map_err(|_| Stop::Errcode(47001))
        };
        let (offset, most) = (count("offset")?, count("count")?.min(LIST_MAX));
        let standing = &self.authorizations.standing;
        let one = |(appid, standing): (&String, &Standing)| {
            Json::object([
                ("authorizer_appid", Json::text(appid)),
                ("refresh_token", Json::text(&standing.refresh_token)),
                ("auth_time", number(standing.since_ms.div_euclid(1000))),
            ])
        };
        let total = i64::try_from(standing.len()).unwrap_or(i64::MAX);
        let list = standing.iter().skip(offset).take(most).map(one).collect();
        let fields = [("total_count", number(total)), ("list", Json::List(list))];
        Ok(Answer { errcode: None, json: Json::object(fields) })
    }

    /// The platform that proves itself by its secret.
    fn platform_by_secret(&self, visit: &Visit, field: &str) -> Result<Platform, Stop> {
        posted(visit)?;
        let platform = self.platform(visit)?;
        match wanted(visit, field)? == platform.secret {
            true => Ok(platform),
            false => Err(Stop::Errcode(40125)),
        }
    }

    /// The platform that proves itself by its token.
    fn platform_by_token(&mut self, visit: &mut Visit) -> Result<Platform, Stop> {
        let parameter = |name: &str| visit.subject.parameter(name).filter(|token| !token.is_empty());
        let token = parameter("component_access_token").or_else(|| parameter("access_token"));
        let token = token.ok_or(Stop::Errcode(41001))?.to_owned();
        self.let_tokens_die(visit);
        match self.tokens.worth(&token, self.now_ms()) {
            Worth::Good { generation, grade: Grade::Component, .. } => visit.token_generation = Some(generation),
            Worth::Good { .. } => return Err(Stop::Errcode(61014)),
            Worth::Expired { .. } => return Err(Stop::Errcode(42001)),
            Worth::NotLatest => return Err(Stop::Errcode(40001)),
            Worth::NoToken => return Err(Stop::Errcode(40014)),
        }
        posted(visit)?;
        self.platform(visit)
    }

    fn platform(&self, visit: &Visit) -> Result<Platform, Stop> {
        let appid = wanted(visit, "component_appid")?;
        let platform = self.options.platform.clone().filter(|platform| platform.appid == appid);
        platform.ok_or(Stop::Errcode(61011))
    }
}

fn posted(visit: &Visit) -> Result<(), Stop> {
    match (visit.subject.post, &visit.subject.body) {
        (false, _) => Err(Stop::Errcode(43002)),
        (true, Body::Empty) => Err(Stop::Errcode(44002)),
        (true, Body::Unreadable) => Err(Stop::Errcode(47001)),
        (true, Body::Object(_)) => Ok(()),
    }
}

fn wanted(visit: &Visit, field: &str) -> Result<String, Stop> {
    let text = visit.subject.field(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or(Stop::Errcode(40101))
}
