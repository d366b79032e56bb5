//! A third-party platform (第三方平台): one component token for all its mini programs, and theirs from their refresh tokens.
//!
//! Hides the ticket, the component token, where refresh tokens are kept and how
//! one is found again. Promises one fetch of the component token at a time for
//! all accounts; that a refresh token WeChat hands out is durable before the
//! access token that came with it is used; and that a ticket WeChat has
//! rejected is not sent again and again. Source of the calls:
//! developers.weixin.qq.com/doc/oplatform, api_component_token, api_authorizer_token,
//! api_get_authorizer_list, api_start_push_ticket.

use super::{
    super::{
        AppId, BuildError, Class, Connections, Error, PlatformSettings,
        http::{Cargo, Http, Reply, Way, wiped},
        wire::{self, AuthorizerGrant, Grant},
    },
    ANSWER_MAX_BYTES,
    flight::Flight,
    keeper::{Keeper, Life, Offer, Token},
    outside::Outside,
    refresh_tokens::RefreshTokens,
};
use secrecy::{ExposeSecret, SecretString};
use std::{collections::HashMap, fmt, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// The names the ticket may have in a JSON answer.
const TICKET_NAMES: [&str; 2] = ["component_verify_ticket", "ComponentVerifyTicket"];
/// A ticket WeChat has rejected is not sent again before this: the daily number of calls is limited.
const SAME_TICKET_REST: Duration = Duration::from_secs(60);
/// A component token that cannot be had is not asked for again for each of thousands of mini programs.
const FAILURE_REST: Duration = Duration::from_secs(30);
/// Tickets come every ten minutes; asking for them more often than this helps nobody.
const PUSH_SPACING: Duration = Duration::from_secs(3600);
/// Entries of `api_get_authorizer_list` on a page; WeChat allows 500.
const ROSTER_PAGE: u32 = 500;
/// A platform with more mini programs has a page of its own for us, or none.
const ROSTER_PAGES_MAX: u32 = 200;
/// What the list said is believed for so long.
const ROSTER_LIFE: Duration = Duration::from_secs(600);
/// And it is not read more often than this.
const ROSTER_SPACING: Duration = Duration::from_secs(60);
/// A page of 500 has some 100 KiB.
const ROSTER_MAX_BYTES: usize = 2 * 1024 * 1024;

/// A third-party platform that acts for accounts. One for all of them.
pub struct Platform {
    appid: AppId,
    secret: SecretString,
    ticket: Outside,
    http: Http,
    timeout: Duration,
    refresh_tokens: RefreshTokens,
    component: Flight,
    tickets: Mutex<Tickets>,
    roster: Mutex<Option<Roster>>,
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Platform").field("appid", &self.appid).finish_non_exhaustive()
    }
}

/// What is known of tickets.
#[derive(Default)]
struct Tickets {
    /// The one WeChat rejected last, and when.
    rejected: Option<(SecretString, Instant, Error)>,
    /// Since when none was taken.
    without_since: Option<Instant>,
    pushed: Option<Instant>,
}

/// Refresh tokens by mini program, as WeChat listed them.
struct Roster {
    read: Instant,
    refresh_tokens: HashMap<AppId, SecretString>,
}

impl Platform {
    /// Builds a platform; sends nothing yet.
    ///
    /// # Errors
    /// [`BuildError`] names the setting that is wrong.
    pub fn new(settings: PlatformSettings) -> Result<Platform, BuildError> {
        let way = Way {
            proxy: settings.proxy.as_ref().map(ExposeSecret::expose_secret),
            ca_pem: settings.ca_pem.as_deref(),
            timeout: settings.timeout,
            connections: &Connections::default(),
        };
        Ok(Platform {
            http: Http::new(&settings.base_url, Cargo::Secret, &way)?,
            ticket: Outside::new(&settings.ticket, "ticket", &way)?,
            refresh_tokens: RefreshTokens::new(settings.refresh_tokens, settings.appid.clone()),
            component: Flight::new(Keeper::new("component_access_token")).resting(FAILURE_REST),
            tickets: Mutex::default(),
            roster: Mutex::default(),
            timeout: settings.timeout,
            secret: settings.secret,
            appid: settings.appid,
        })
    }

    /// An access token for this mini program. The refresh token that comes with it is kept first.
    pub(super) async fn authorizer_token(&self, appid: &AppId) -> Result<Grant, Error> {
        let kept = self.refresh_tokens.take(appid, self.timeout * 2).await?;
        let known = match kept.read()? {
            Some(known) => known,
            None => self.listed(appid, None).await?,
        };
        let granted = match self.ask_authorizer(appid, &known).await {
            Err(error) if error.errcode() == Some(61023) => {
                let other = self.listed(appid, Some(&known)).await.map_err(|_| error)?;
                self.ask_authorizer(appid, &other).await.map(|granted| (granted, other))
            }
            asked => asked.map(|granted| (granted, known)),
        };
        let (AuthorizerGrant { grant, refresh_token }, used) = granted?;
        kept.keep(&refresh_token.unwrap_or(used)).await?;
        Ok(grant)
    }

    /// Our secrets, for cleaning WeChat's words of them.
    pub(super) fn secret(&self) -> &str {
        self.secret.expose_secret()
    }

    async fn ask_authorizer(&self, appid: &AppId, refresh_token: &SecretString) -> Result<AuthorizerGrant, Error> {
        let refresh_token = refresh_token.expose_secret();
        let body = wire::authorizer_token_request(&self.appid, appid, refresh_token);
        let (reply, token) =
            self.with_component_token(wire::AUTHORIZER_TOKEN, body, ANSWER_MAX_BYTES, refresh_token).await?;
        wire::read_authorizer_grant(reply.body(), &[refresh_token, token.expose(), self.secret()])
    }

    /// The refresh token WeChat lists for this mini program; another one than `stale`.
    async fn listed(&self, appid: &AppId, stale: Option<&SecretString>) -> Result<SecretString, Error> {
        let mut roster = self.roster.lock().await;
        let other = |roster: &Roster| {
            let found = roster.refresh_tokens.get(appid)?;
            stale.is_none_or(|stale| stale.expose_secret() != found.expose_secret()).then(|| found.clone())
        };
        let age = roster.as_ref().map(|roster| roster.read.elapsed());
        // What has just been rejected may be newer than a list of some minutes ago.
        let life = if stale.is_some() { ROSTER_SPACING } else { ROSTER_LIFE };
        if let Some(found) = roster.as_ref().filter(|_| age < Some(life)).and_then(other) {
            return Ok(found);
        }
        if age.is_some_and(|age| age < ROSTER_SPACING) {
            return Err(Error::NotAuthorized);
        }
        let read = roster.insert(self.read_roster().await?);
        other(read).ok_or(Error::NotAuthorized)
    }

    async fn read_roster(&self) -> Result<Roster, Error> {
        let mut roster = Roster { read: Instant::now(), refresh_tokens: HashMap::new() };
        let mut offset = 0;
        for _ in 0..ROSTER_PAGES_MAX {
            let body = wire::authorizer_list_request(&self.appid, offset, ROSTER_PAGE);
            let (reply, token) = self.with_component_token(wire::AUTHORIZER_LIST, body, ROSTER_MAX_BYTES, "").await?;
            let page = wire::read_authorizer_list(reply.body(), &[token.expose(), self.secret()])?;
            roster.refresh_tokens.extend(page.refresh_tokens);
            offset = offset.saturating_add(page.entries);
            // WeChat may give fewer than asked for; only nothing is an end.
            if page.entries == 0 || page.total.is_some_and(|total| i64::from(offset) >= total) {
                break;
            }
        }
        Ok(roster)
    }

    /// One call of the platform's own, repeated once with another component token if WeChat rejects the first.
    ///
    /// Also gives the token it was made with, for cleaning WeChat's words of it.
    async fn with_component_token(
        &self,
        path: &str,
        body: Vec<u8>,
        limit: usize,
        secret: &str,
    ) -> Result<(Reply, Token), Error> {
        let body = wiped(body);
        let token = self.component.get(async |keeper| self.fetch_component_token(keeper).await).await?;
        let reply = self.http.post(path, token.query(), body.clone(), self.timeout, limit).await?;
        let secrets = [token.expose(), secret, self.secret()];
        match wire::refusal(reply.body(), &secrets) {
            Some(error) if error.class() == Class::Refresh => self.component.reject(&token).await,
            _ => return Ok((reply, token)),
        }
        let token = self.component.get(async |keeper| self.fetch_component_token(keeper).await).await?;
        let reply = self.http.post(path, token.query(), body, self.timeout, limit).await?;
        Ok((reply, token))
    }

    async fn fetch_component_token(&self, keeper: &mut Keeper) -> Result<Token, Error> {
        let now = Instant::now();
        if let Some(wait) = keeper.fight(now) {
            return Err(Error::TokenFight { kind: "component", wait });
        }
        let mut tickets = self.tickets.lock().await;
        match self.ask_component_token(&mut tickets).await {
            Ok(grant) => {
                *tickets = Tickets { pushed: tickets.pushed, ..Tickets::default() };
                match keeper.taken(grant.token, Life::Lives(grant.expires_in_secs), Instant::now()) {
                    Offer::Use(token) => Ok(token),
                    Offer::Force | Offer::Hopeless => Err(Error::TokenRejected(None)),
                }
            }
            Err(error) if is_about_ticket(&error) => {
                let since = tickets.without_since.get_or_insert(now).elapsed();
                self.ask_for_tickets(&mut tickets).await;
                Err(Error::Ticket { since, cause: Box::new(error) })
            }
            Err(error) => Err(error),
        }
    }

    async fn ask_component_token(&self, tickets: &mut Tickets) -> Result<Grant, Error> {
        let ticket = self.ticket.read(&self.appid, &TICKET_NAMES).await?.text;
        if let Some((rejected, at, error)) = &tickets.rejected
            && rejected.expose_secret() == ticket.expose_secret()
            && at.elapsed() < SAME_TICKET_REST
        {
            return Err(error.clone());
        }
        let body = wiped(wire::component_token_request(&self.appid, self.secret(), ticket.expose_secret()));
        let reply = self.http.post(wire::COMPONENT_TOKEN, None, body, self.timeout, ANSWER_MAX_BYTES).await?;
        let grant = wire::read_component_grant(reply.body(), &[self.secret(), ticket.expose_secret()]);
        if let Err(error) = &grant
            && is_about_ticket(error)
        {
            tickets.rejected = Some((ticket, Instant::now(), error.clone()));
        }
        grant
    }

    /// Asks WeChat to send tickets; what it answers changes nothing for us now.
    async fn ask_for_tickets(&self, tickets: &mut Tickets) {
        if tickets.pushed.is_some_and(|at| at.elapsed() < PUSH_SPACING) {
            return;
        }
        let body = wiped(wire::start_push_request(&self.appid, self.secret()));
        if self.http.post(wire::START_PUSH_TICKET, None, body, self.timeout, ANSWER_MAX_BYTES).await.is_ok() {
            tickets.pushed = Some(Instant::now());
        }
    }
}

/// Whether another ticket would help.
fn is_about_ticket(error: &Error) -> bool {
    matches!(error, Error::Outside { .. } | Error::Api { errcode: 61005 | 61006, .. })
}
