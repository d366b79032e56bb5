//! What a world is made of. Every field has a default that makes an ordinary WeChat.

use super::fault::Fault;
use super::generate::Mix;
use std::collections::BTreeMap;
use std::time::Duration;

/// How a world is made and how it behaves. `Options::default()` is a WeChat with one plugin, 60
/// applications, 24 of them pending, no latency and no faults.
#[derive(Debug, Clone)]
pub struct Options {
    /// Makes the applications and the draws of chance. Default 1. For a world in a directory, `None` takes
    /// what the directory says; another number than the directory's is an error.
    pub seed: Option<u64>,
    /// Generated applications of each plugin account, all statuses. Default 60. `None` as for `seed`.
    pub applications: Option<usize>,
    /// How many of them are pending; at most `applications`. Default: two in five. `None` as for `seed`.
    pub pending: Option<usize>,
    /// What kinds of applications are generated. Kept by a world in a directory: the first opening decides.
    pub mix: Mix,
    /// Who may ask for tokens. Default: one plugin ([`Account::default`]) and one mini program that may apply
    /// to it ([`Account::default_mini_program`]).
    pub accounts: Vec<Account>,
    /// When the world began, in Unix milliseconds. Default: now, or 2026-06-01T00:00:00Z for a manual clock.
    pub start_ms: Option<i64>,
    /// What moves the world's time. Default: the system's clock.
    pub clock: Clock,
    /// How long a pending application waits before it times out. Default 24 h.
    pub window: Duration,
    /// Lifetime of an access token. Default 7200 s.
    pub token_lifetime: Duration,
    /// How long every answer takes. Default none.
    pub latency: Duration,
    /// Another latency for some: by action (`dev_agree`) or endpoint (`stable_token`, `token`, `devplugin`, `plugin`).
    pub latency_of: BTreeMap<String, Duration>,
    /// The most entries one page holds, whatever `num` asks. Default 50.
    pub num_cap: u32,
    /// The order of the list. Default newest first.
    pub order: Order,
    /// What a `dev_refuse` without `appid` does. Default reject.
    pub refuse_without_appid: RefuseWithoutAppid,
    /// How many plugins one mini program may use or ask for (errcode 89238). Default 5.
    pub plugin_limit: usize,
    /// Whether `update` works; if not it is answered with 89257. Default true.
    pub quick_update: bool,
    /// Whether a grey release is under way: then `update` is answered with 89258. Default false.
    pub grey_release: bool,
    /// The third-party platform some accounts have authorized. Default: one that all have ([`Platform::default`]).
    pub platform: Option<Platform>,
    /// The account whose calls may come without any token: the side-car of cloud hosting adds it. Default none.
    pub sidecar: Option<String>,
    /// Calls a day that `quota/get` says are allowed of each interface. Nothing is refused for it: for that there is
    /// the fault `errcode=45009`. Default 100,000.
    pub daily_limit: u32,
    /// The Content-Type of JSON answers. WeChat is not to be relied on here; default `application/json; encoding=utf-8`.
    pub content_type: String,
    /// Faults from the beginning; more with [`super::World::inject`].
    pub faults: Vec<Fault>,
    /// For a world in a directory: forget what is there and start over. Default false.
    pub fresh: bool,
    /// The most calls the ledger keeps; the oldest are forgotten first. Default 250,000.
    pub ledger_calls: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            seed: None,
            applications: None,
            pending: None,
            mix: Mix::default(),
            accounts: vec![Account::default(), Account::default_mini_program()],
            start_ms: None,
            clock: Clock::System,
            window: Duration::from_secs(24 * 3600),
            token_lifetime: Duration::from_secs(7200),
            latency: Duration::ZERO,
            latency_of: BTreeMap::new(),
            num_cap: 50,
            order: Order::NewestFirst,
            refuse_without_appid: RefuseWithoutAppid::Reject,
            plugin_limit: 5,
            quick_update: true,
            grey_release: false,
            platform: Some(Platform::default()),
            sidecar: None,
            daily_limit: 100_000,
            content_type: "application/json; encoding=utf-8".to_owned(),
            faults: Vec::new(),
            fresh: false,
            ledger_calls: 250_000,
        }
    }
}

impl Options {
    /// The seed of a world when none is asked for.
    pub const DEFAULT_SEED: u64 = 1;
    /// Applications of an account when no number is asked for.
    pub const DEFAULT_APPLICATIONS: usize = 60;

    /// No generated applications: for tests that bring their own.
    pub fn empty() -> Options {
        Options { applications: Some(0), pending: Some(0), ..Options::default() }
    }

    /// One more account.
    pub fn account(mut self, account: Account) -> Options {
        self.accounts.push(account);
        self
    }

    /// One more fault from the beginning.
    pub fn fault(mut self, fault: Fault) -> Options {
        self.faults.push(fault);
        self
    }
}

/// Who may ask for tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its appid.
    pub appid: String,
    /// Its AppSecret.
    pub secret: String,
    /// Its name, shown when it applies to a plugin.
    pub nickname: String,
    /// Whether it owns a plugin others may apply to.
    pub owns_plugin: bool,
}

impl Account {
    /// The plugin's appid when none is given.
    pub const DEFAULT_APPID: &'static str = "wx5a4d424f58000001";
    /// Its AppSecret; not a secret at all.
    pub const DEFAULT_SECRET: &'static str = "0123456789abcdef0123456789abcdef";
    /// A mini program that may apply to the plugin.
    pub const DEFAULT_MINI_PROGRAM: &'static str = "wx5a4d424f5800a001";

    /// An account that owns a plugin.
    pub fn plugin(appid: impl Into<String>, secret: impl Into<String>) -> Account {
        Account {
            appid: appid.into(), secret: secret.into(), nickname: "门神演示插件".to_owned(), owns_plugin: true
        }
    }

    /// An account that only uses the plugins of others.
    pub fn mini_program(appid: impl Into<String>, secret: impl Into<String>) -> Account {
        Account { nickname: "门神演示小程序".to_owned(), owns_plugin: false, ..Account::plugin(appid, secret) }
    }

    /// The mini program of a default world, with [`Account::DEFAULT_SECRET`].
    pub fn default_mini_program() -> Account {
        Account::mini_program(Account::DEFAULT_MINI_PROGRAM, Account::DEFAULT_SECRET)
    }
}

impl Default for Account {
    fn default() -> Account {
        Account::plugin(Account::DEFAULT_APPID, Account::DEFAULT_SECRET)
    }
}

/// A third-party platform (第三方平台).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// `component_appid`.
    pub appid: String,
    /// `component_appsecret`.
    pub secret: String,
    /// Who authorized it at the beginning; `None` = every account.
    pub authorizers: Option<Vec<String>>,
    /// Whether each use of a refresh token makes a new one and ends the old. WeChat does not say. Default false.
    pub rotates: bool,
}

impl Platform {
    /// The platform's appid when none is given.
    pub const DEFAULT_APPID: &'static str = "wx5a4d424f5800c001";
}

impl Default for Platform {
    fn default() -> Platform {
        Platform {
            appid: Platform::DEFAULT_APPID.to_owned(),
            secret: Account::DEFAULT_SECRET.to_owned(),
            authorizers: None,
            rotates: false,
        }
    }
}

/// What moves the world's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The system's clock, plus what [`super::World::advance`] added.
    System,
    /// Only [`super::World::advance`].
    Manual,
}

/// The order of `apply_list`. WeChat documents none; a client must not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By creation, newest first.
    NewestFirst,
    /// By creation, oldest first.
    OldestFirst,
    /// Pending ones first, then by creation, newest first: entries move when they are decided.
    PendingFirst,
    /// Whatever changed last comes first: entries jump to the top when they are decided.
    ChangedFirst,
    /// No order anybody can see, but always the same.
    Scattered,
}

/// What a `dev_refuse` that names nobody does; the documentation's own example names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefuseWithoutAppid {
    /// 40097.
    Reject,
    /// Refuses the pending application that waits longest.
    Oldest,
}
