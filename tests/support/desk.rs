//! A service whose notices are worked step by step, at instants a story chooses.

use super::Scene;
use super::robots::{Model, RobotServer, Rules};
use jiff::{SignedDuration, Timestamp};
use menshen::sandbox::Application;
use menshen::service::{Notices, PassReport, Service, Watch};

pub(crate) fn hours_ago(hours: i64) -> i64 {
    Timestamp::now().as_second() - hours * 3_600
}

/// `[[notify]]` with this address, which stands in a file of its own.
pub(crate) fn told(scene: &Scene, name: &str, kind: &str, url: &str, more: &str) -> String {
    std::fs::write(scene.dir.path().join(format!("{name}.url")), url).expect("a file");
    format!("[[notify]]\nname = \"{name}\"\nkind = \"{kind}\"\nurl = {{ file = \"{name}.url\" }}\n{more}\n")
}

pub(crate) async fn wecom(more: &str) -> (Scene, RobotServer) {
    let robot = RobotServer::start(Model::Wecom, Rules::default()).await;
    let mut scene = Scene::empty().await;
    scene.settings = told(&scene, "reviewers", "wecom", &robot.url(), more);
    (scene, robot)
}

pub(crate) fn held(number: i64) -> Application {
    Application::new(format!("wx-{number:02}"))
        .nickname(format!("店铺{number}"))
        .reason("想谈合作，请联系")
        .categories([("物流服务", "查件")])
        .created_at(hours_ago(1) + number)
}

/// A service whose notices are worked step by step.
pub(crate) struct Desk {
    pub(crate) service: Service,
    pub(crate) notices: Notices,
}

impl Desk {
    pub(crate) async fn open(scene: &Scene) -> Desk {
        let config = scene.config();
        Desk { notices: Notices::new(&config, None).expect("notices"), service: scene.service().await }
    }

    pub(crate) async fn pass(&mut self) -> PassReport {
        let account = &self.service.accounts()[0];
        self.notices.tick([account.name()]);
        let report = account.pass(self.service.store(), &Watch::default(), &|_| ()).await;
        self.notices.hear(&report);
        report
    }

    /// Gives how many letters were written, and what could not be delivered.
    pub(crate) async fn tell(&mut self, now: Timestamp) -> (usize, Vec<String>) {
        let kept = self.notices.collect(self.service.store(), now).await.expect("a log");
        let done = self.notices.deliver(self.service.store(), &move || now).await.expect("a log");
        (kept, done.into_iter().filter_map(|one| Some(one.failed?.to_string())).collect())
    }

    /// The configuration is read again.
    pub(crate) async fn reload(mut self, scene: &Scene) -> Desk {
        self.notices = Notices::new(&scene.config(), Some(self.notices)).expect("notices");
        self.notices.tidy(self.service.store(), Timestamp::now()).await.expect("a log");
        self
    }

    pub(crate) async fn close(self) {
        self.service.close().await;
    }
}

pub(crate) fn later(minutes: i64) -> Timestamp {
    // Past what Feishu is spared.
    let now = Timestamp::now() + SignedDuration::from_mins(minutes);
    let second = now.as_second() % 1_800;
    if second < 20 { now + SignedDuration::from_secs(20 - second) } else { now }
}
