//! A WeChat, a configuration and a service for one story, all on loopback and in a directory of their own.
//!
//! The WeChat is the sandbox behind real HTTP, the client is the real one, the
//! audit log a real file. When a story ends, every fault it injected must have
//! been used, and WeChat must never have accepted two changes of one application.

#![allow(dead_code, reason = "every story uses what it needs")]

pub(crate) mod canary;
pub(crate) mod desk;
pub(crate) mod exposition;
pub(crate) mod faults_page;
pub(crate) mod page;
pub(crate) mod process;
pub(crate) mod robots;
pub(crate) mod sessions;
pub(crate) mod tunnel;
pub(crate) mod wechat;

use menshen::config::{self, Config, Need};
use menshen::sandbox::{Account, Application, Fault, FaultId, Moved, Options, Server, World};
use menshen::service::{Pace, PassReport, Service, Surroundings, Watch};
use menshen::store::{AuditRow, Filter};
use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// Rules most stories use: one that refuses, one that holds, one that agrees.
pub(crate) const RULES: &str = r#"
[[rule]]
name    = "gambling words"
action  = "refuse"
message = "申请说明含有「{keyword}」，请修改后重新申请。"
when    = { reason = { any = ["博彩", "赌博"] } }

[[rule]]
name    = "ask a person"
action  = "hold"
when    = { reason = { any = ["合作"] } }

[[rule]]
name    = "known trades"
action  = "agree"
when    = { category = { all = ["物流服务"] } }
"#;

/// The scene of one story.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) server: Option<Server>,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) base_url: String,
    /// Further keys of `[service]`, `[wechat]`, `[limits]` and so on, as TOML before the rules.
    pub(crate) settings: String,
    /// Keys of `[service]`.
    pub(crate) service: String,
    pub(crate) rules: String,
    faults: Mutex<Vec<FaultId>>,
}

impl Scene {
    /// A world without applications.
    pub(crate) async fn empty() -> Scene {
        Scene::of(World::in_memory(Options::empty())).await
    }

    pub(crate) async fn of(world: World) -> Scene {
        let server = Server::start(world.clone(), ([127, 0, 0, 1], 0).into()).await.expect("loopback");
        let base_url = format!("http://{}", server.addr());
        Scene {
            world,
            server: Some(server),
            dir: tempfile::tempdir().expect("a temporary directory"),
            base_url,
            settings: String::new(),
            service: "mode = \"live\"".to_owned(),
            rules: RULES.to_owned(),
            faults: Mutex::default(),
        }
    }

    pub(crate) fn rules(mut self, rules: &str) -> Scene {
        self.rules = rules.to_owned();
        self
    }

    pub(crate) fn settings(mut self, settings: &str) -> Scene {
        self.settings = settings.to_owned();
        self
    }

    pub(crate) fn shadow(mut self) -> Scene {
        self.service = "mode = \"shadow\"".to_owned();
        self
    }

    pub(crate) fn fault(&self, spec: &str) {
        let id = self.world.inject(Fault::parse(spec).expect("a fault"));
        self.faults.lock().expect("no panic").push(id);
    }

    /// A new application.
    pub(crate) fn arrive(&self, application: Application) {
        assert_eq!(self.world.arrive(application), Moved::Moved);
    }

    /// Ends every fault.
    pub(crate) fn calm(&self) {
        for id in self.faults.lock().expect("no panic").drain(..) {
            self.world.lift(id);
        }
    }

    pub(crate) fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.dir.path().join("menshen.toml")
    }

    /// Writes the configuration file and gives its path.
    pub(crate) fn write_config(&self) -> PathBuf {
        let text = format!(
            "[service]\nstate_dir = \"state\"\n{}\n[[account]]\nname = \"express\"\nappid = \"{}\"\n\
             token = {{ secret = {{ env = \"SECRET\" }} }}\nbase_url = \"{}\"\ncalls_per_minute = 100000\ntimeout = \"2s\"\n{}\n{}\n",
            self.service,
            Account::DEFAULT_APPID,
            self.base_url,
            self.settings,
            self.rules
        );
        std::fs::write(self.config_path(), text).expect("a configuration");
        self.config_path()
    }

    pub(crate) fn config(&self) -> Config {
        let path = self.write_config();
        let mut surroundings = config::Surroundings::of_process();
        surroundings.env = Box::new(|name| (name == "SECRET").then(|| OsString::from(Account::DEFAULT_SECRET)));
        surroundings.root = false;
        config::load(&path, &surroundings, Need::Secrets).unwrap_or_else(|error| panic!("{error}"))
    }

    /// A service on this scene, with readings spaced by milliseconds.
    pub(crate) async fn service(&self) -> Service {
        let config = self.config();
        let lock = menshen::service::StateLock::take(&config.service.state_dir).expect("nobody else");
        Service::open(config, quick(), lock).await.expect("a service")
    }

    /// One pass of the one account.
    pub(crate) async fn pass(&self) -> PassReport {
        let service = self.service().await;
        let watch = Watch::default();
        service.accounts()[0].pass(service.store(), &watch, &|_| ()).await
    }

    /// Every row of the audit log.
    pub(crate) async fn rows(&self) -> Vec<AuditRow> {
        let log = menshen::store::Reader::open(&self.state_dir().join("menshen.db")).await.expect("a log");
        let mut rows = Vec::new();
        let Some(log) = log else { return rows };
        log.list(&Filter::default(), |row| {
            rows.push(row);
            ControlFlow::Continue(())
        })
        .await
        .expect("rows");
        rows
    }

    /// `appid verdict outcome` of every row, in order.
    pub(crate) async fn story(&self) -> Vec<String> {
        let brake = |row: &AuditRow| row.brake.map(|brake| format!(" ({brake})")).unwrap_or_default();
        self.rows().await.iter().map(|r| format!("{} {}{} {}", r.appid, r.verdict, brake(r), r.outcome)).collect()
    }

    /// What must hold at the end of every story.
    pub(crate) fn end(&self) {
        assert!(self.world.unused_faults().is_empty(), "never used: {:?}", self.world.unused_faults());
        assert!(
            self.world.accepted_twice().is_empty(),
            "WeChat accepted two changes: {:?}",
            self.world.accepted_twice()
        );
    }
}

impl Scene {
    /// The binary with this scene's configuration.
    pub(crate) fn menshen<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> std::process::Command {
        let mut command = menshen(self.dir.path());
        command.arg("-c").arg(self.write_config()).args(args);
        command
    }

    /// Runs the binary with this scene's configuration to its end.
    pub(crate) fn run(&self, args: &str) -> process::Done {
        process::finish(&mut self.menshen(args.split_whitespace()))
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.state_dir().join("menshen.db")
    }

    /// A connection of our own to the audit log.
    pub(crate) async fn connect(&self) -> sqlx::SqliteConnection {
        use sqlx::ConnectOptions as _;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.database());
        options.connect().await.expect("the audit log")
    }

    /// The first column of what a query finds, as text.
    pub(crate) async fn sql(&self, query: &'static str) -> Vec<String> {
        use sqlx::Connection as _;
        let mut connection = self.connect().await;
        let found = sqlx::query_scalar(query).fetch_all(&mut connection).await.expect(query);
        // Dropped instead, it would fold its log back into the file at some later moment.
        connection.close().await.expect(query);
        found
    }
}

/// Readings spaced by milliseconds: stories wait for no clock.
pub(crate) fn quick() -> Surroundings {
    let pace = Pace { readings: vec![Duration::from_millis(5); 4], readings_after_loss: 2 };
    Surroundings { pace, ..Surroundings::default() }
}

/// The binary under test, without the environment of whoever runs the tests.
pub(crate) fn menshen(dir: &Path) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_menshen"));
    command.current_dir(dir).env_clear().env("SECRET", Account::DEFAULT_SECRET).env("USER", "tester");
    command
}
