//! Access tokens: the stable and the classic ones of an account, those of a third-party platform and those it gets for
//! an account, and those of cloud hosting. The kinds know nothing of each other.
//!
//! Hides WeChat's rules of renewal. Promises that a token is named by a number in everything that is recorded;
//! the text itself appears only in the answer. Tokens live in memory: a world that is opened again knows none.

use std::collections::HashMap;

/// How long an old token works beside its successor, and the least lifetime a stable token is handed out with.
const OVERLAP_MS: i64 = 300_000;
/// Forced renewals a day.
const FORCES_A_DAY: u32 = 20;
/// The least time between two forced renewals.
const FORCE_SPACING_MS: i64 = 30_000;
/// Classic tokens a day.
const CLASSIC_A_DAY: u32 = 2000;
/// WeChat's quotas follow Beijing time.
const BEIJING_MS: i64 = 8 * 3_600_000;
const DAY_MS: i64 = 86_400_000;
/// A new token in the file of cloud hosting every ten minutes, each good for thirty.
const CLOUDBASE_PUSH_MS: i64 = 600_000;
const CLOUDBASE_LIFE_MS: i64 = 1_800_000;
/// What tokens begin with; a text that does not is not even an expired one.
const PREFIX: &str = "93_";
const LETTERS: usize = 133;

/// A token and how long it lives from now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Handed {
    pub(super) token: String,
    pub(super) expires_in_secs: i64,
    pub(super) generation: u64,
}

/// What a token request comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Issue {
    Handed(Handed),
    /// 45009.
    QuotaUsedUp,
}

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grade {
    /// Stable and classic ones: the account's own calls.
    Account,
    /// The account's calls, made by a third-party platform.
    Authorizer,
    /// The platform's own calls.
    Component,
    /// The account's calls from cloud hosting, under a name of its own.
    Cloudbase,
}

/// What a token is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Worth {
    Good {
        account: String,
        generation: u64,
        grade: Grade,
    },
    /// 42001.
    Expired {
        account: String,
        generation: u64,
    },
    /// 40001: replaced, revoked, or from before a restart.
    NotLatest,
    /// 40014.
    NoToken,
}

/// All tokens of a world.
#[derive(Debug)]
pub(super) struct Tokens {
    lifetime_ms: i64,
    /// Five minutes, or half of a lifetime shorter than ten.
    overlap_ms: i64,
    known: HashMap<String, Issued>,
    accounts: HashMap<String, Current>,
    next_generation: u64,
    letters: fastrand::Rng,
}

#[derive(Debug, Clone)]
struct Issued {
    account: String,
    generation: u64,
    grade: Grade,
    expires_ms: i64,
    /// When it stops working although it has not expired: a successor, or a revocation.
    dead_ms: i64,
}

#[derive(Debug, Default)]
struct Current {
    stable: Option<String>,
    classic: Option<String>,
    authorizer: Option<String>,
    component: Option<String>,
    cloudbase: Option<(String, i64)>,
    forced_ms: Option<i64>,
    forces: Daily,
    classics: Daily,
}

#[derive(Debug, Default)]
struct Daily {
    day: i64,
    count: u32,
}

impl Tokens {
    pub(super) fn new(lifetime_ms: i64) -> Tokens {
        let (known, accounts) = (HashMap::new(), HashMap::new());
        let overlap_ms = OVERLAP_MS.min(lifetime_ms / 2);
        Tokens { lifetime_ms, overlap_ms, known, accounts, next_generation: 1, letters: fastrand::Rng::new() }
    }

    /// `stable_token` in normal mode: the same token while it has five minutes left.
    pub(super) fn stable(&mut self, account: &str, now_ms: i64) -> Issue {
        if let Some(handed) = self.living_stable(account, now_ms)
            && handed.expires_in_secs * 1000 >= self.overlap_ms
        {
            return Issue::Handed(handed);
        }
        let old = self.current(account).stable.take();
        let dies_ms = now_ms + self.overlap_ms;
        Issue::Handed(self.succeed(old, account, now_ms, dies_ms, Grade::Account, |current| &mut current.stable))
    }

    /// `stable_token` with `force_refresh`: ends the old token at once, at most every 30 s and 20 times a day.
    pub(super) fn forced(&mut self, account: &str, now_ms: i64) -> Issue {
        let current = self.current(account);
        let soon = current.forced_ms.is_some_and(|forced| now_ms - forced < FORCE_SPACING_MS);
        if soon {
            return self.stable(account, now_ms);
        }
        if !current.forces.take(now_ms, FORCES_A_DAY) {
            return Issue::QuotaUsedUp;
        }
        current.forced_ms = Some(now_ms);
        let old = current.stable.take();
        Issue::Handed(self.succeed(old, account, now_ms, now_ms, Grade::Account, |current| &mut current.stable))
    }

    /// `/cgi-bin/token`: always a new token; the old one works five minutes more.
    pub(super) fn classic(&mut self, account: &str, now_ms: i64) -> Issue {
        let current = self.current(account);
        if !current.classics.take(now_ms, CLASSIC_A_DAY) {
            return Issue::QuotaUsedUp;
        }
        let old = current.classic.take();
        let dies_ms = now_ms + self.overlap_ms;
        Issue::Handed(self.succeed(old, account, now_ms, dies_ms, Grade::Account, |current| &mut current.classic))
    }

    /// `api_authorizer_token`: always a new token; the old one works five minutes more.
    pub(super) fn authorizer(&mut self, account: &str, now_ms: i64) -> Handed {
        let (old, dies_ms) = (self.current(account).authorizer.take(), now_ms + self.overlap_ms);
        self.succeed(old, account, now_ms, dies_ms, Grade::Authorizer, |current| &mut current.authorizer)
    }

    /// `api_component_token`: always a new token; the old one works five minutes more.
    pub(super) fn component(&mut self, platform: &str, now_ms: i64) -> Handed {
        let (old, dies_ms) = (self.current(platform).component.take(), now_ms + self.overlap_ms);
        self.succeed(old, platform, now_ms, dies_ms, Grade::Component, |current| &mut current.component)
    }

    /// What stands in the token file of cloud hosting: a new one every ten minutes, each good for thirty.
    pub(super) fn cloudbase(&mut self, account: &str, now_ms: i64) -> String {
        if let Some((token, made_ms)) = &self.current(account).cloudbase
            && now_ms - made_ms < CLOUDBASE_PUSH_MS
        {
            return token.clone();
        }
        let handed = self.issue(account, now_ms, CLOUDBASE_LIFE_MS, Grade::Cloudbase);
        self.current(account).cloudbase = Some((handed.token.clone(), now_ms));
        handed.token
    }

    /// Ends every token of an account.
    pub(super) fn revoke_all(&mut self, account: &str, now_ms: i64) {
        let current = self.current(account);
        let (forces, classics) = (std::mem::take(&mut current.forces), std::mem::take(&mut current.classics));
        *current = Current { forced_ms: current.forced_ms, forces, classics, ..Current::default() };
        for issued in self.known.values_mut().filter(|issued| issued.account == account) {
            issued.dead_ms = issued.dead_ms.min(now_ms);
        }
    }

    pub(super) fn worth(&self, token: &str, now_ms: i64) -> Worth {
        match self.known.get(token) {
            Some(issued) if now_ms >= issued.dead_ms => Worth::NotLatest,
            Some(Issued { account, generation, expires_ms, .. }) if now_ms >= *expires_ms => {
                Worth::Expired { account: account.clone(), generation: *generation }
            }
            Some(Issued { account, generation, grade, .. }) => {
                Worth::Good { account: account.clone(), generation: *generation, grade: *grade }
            }
            None if looks_like_one(token) => Worth::NotLatest,
            None => Worth::NoToken,
        }
    }

    fn living_stable(&mut self, account: &str, now_ms: i64) -> Option<Handed> {
        let token = self.current(account).stable.clone()?;
        let issued = self.known.get(&token)?;
        let left_ms = issued.expires_ms - now_ms;
        let generation = issued.generation;
        (left_ms > 0).then_some(Handed { token, expires_in_secs: left_ms / 1000, generation })
    }

    /// Makes the next token; the old one dies at `old_dies_ms`, though its own end is put off that long too.
    fn succeed(
        &mut self,
        old: Option<String>,
        account: &str,
        now_ms: i64,
        old_dies_ms: i64,
        grade: Grade,
        place: impl FnOnce(&mut Current) -> &mut Option<String>,
    ) -> Handed {
        self.forget_old(now_ms);
        if let Some(old) = old.and_then(|old| self.known.get_mut(&old)).filter(|old| old.expires_ms > now_ms) {
            old.dead_ms = old.dead_ms.min(old_dies_ms);
            old.expires_ms = old.expires_ms.max(old_dies_ms);
        }
        let handed = self.issue(account, now_ms, self.lifetime_ms, grade);
        *place(self.current(account)) = Some(handed.token.clone());
        handed
    }

    fn issue(&mut self, account: &str, now_ms: i64, lifetime_ms: i64, grade: Grade) -> Handed {
        let token: String = PREFIX.chars().chain((0..LETTERS).map(|_| self.letters.alphanumeric())).collect();
        let generation = self.next_generation;
        self.next_generation += 1;
        let expires_ms = now_ms + lifetime_ms;
        let issued = Issued { account: account.to_owned(), generation, grade, expires_ms, dead_ms: i64::MAX };
        self.known.insert(token.clone(), issued);
        Handed { token, expires_in_secs: lifetime_ms / 1000, generation }
    }

    /// A token dead for a day is no longer told from one that never was.
    fn forget_old(&mut self, now_ms: i64) {
        self.known.retain(|_, issued| issued.expires_ms.min(issued.dead_ms) + DAY_MS > now_ms);
    }

    fn current(&mut self, account: &str) -> &mut Current {
        self.accounts.entry(account.to_owned()).or_default()
    }
}

impl Daily {
    /// Takes one of the day's `limit`; false if none is left.
    fn take(&mut self, now_ms: i64, limit: u32) -> bool {
        let day = (now_ms + BEIJING_MS).div_euclid(DAY_MS);
        if self.day != day {
            *self = Daily { day, count: 0 };
        }
        self.count += 1;
        self.count <= limit
    }
}

fn looks_like_one(token: &str) -> bool {
    token.len() == PREFIX.len() + LETTERS && token.starts_with(PREFIX)
}
