//! `POST /wxa/plugin`: the side of a mini program that uses plugins.
//!
//! Source: WeChat's page "插件管理" (api_manageplugin).

use super::answer::{Answer, Json, number};
use super::application::{Application, Status};
use super::devplugin::text;
use super::ledger::{By, What};
use super::roster::EntryId;
use super::state::{State, Stop, Visit};

/// What a mini program has or hopes for.
const IN_USE: [Status; 2] = [Status::Pending, Status::Approved];
const ANY: [Status; 4] = [Status::Pending, Status::Approved, Status::Refused, Status::TimedOut];

impl State {
    /// A call whose token was good.
    pub(super) fn plugin(&mut self, visit: &mut Visit, account: &str) -> Result<Answer, Stop> {
        match visit.subject.action.as_deref() {
            Some("apply") => self.apply(visit, account),
            Some("list") => Ok(Answer::ok_with("plugin_list", self.plugins_of(account))),
            Some("unbind") => self.unbind(visit, account),
            Some("update") => self.update(visit, account),
            Some(_) => Err(Stop::Errcode(40097)),
            None => Err(Stop::Errcode(40101)),
        }
    }

    fn apply(&mut self, visit: &mut Visit, account: &str) -> Result<Answer, Stop> {
        let plugin = wanted(visit, "plugin_appid")?;
        let reason = wanted(visit, "reason")?;
        let roster = self.roster(&plugin).map_err(|_| Stop::Errcode(89239))?;
        if plugin == account {
            return Err(Stop::Errcode(89236));
        }
        if roster.newest(account, &IN_USE).is_some() {
            return Err(Stop::Errcode(89237));
        }
        let in_use = self.rosters().filter(|(_, roster)| roster.newest(account, &IN_USE).is_some()).count();
        if in_use >= self.options.plugin_limit {
            return Err(Stop::Errcode(89238));
        }
        let application = Application::new(account).nickname(self.nickname_of(account)).reason(reason);
        let application = application.categories([("工具", "信息查询")]);
        self.arrive(&plugin, application)?;
        visit.changed = true;
        Ok(Answer::ok())
    }

    /// Every plugin the mini program asked for, with where its newest application stands.
    fn plugins_of(&self, account: &str) -> Json {
        let one = |plugin: &str, id: EntryId| {
            let entry = self.roster(plugin).ok()?.entry(id)?;
            Some(Json::object([
                ("appid", Json::text(plugin)),
                ("status", number(i64::from(entry.application.status.code()))),
                ("nickname", Json::text(&self.nickname_of(plugin))),
                ("headimgurl", Json::text(&format!("http://wx.qlogo.cn/mmhead/{plugin}/0"))),
            ]))
        };
        let newest = self.rosters().filter_map(|(plugin, roster)| Some((plugin, roster.newest(account, &ANY)?)));
        Json::List(newest.filter_map(|(plugin, id)| one(plugin, id)).collect())
    }

    fn unbind(&mut self, visit: &mut Visit, account: &str) -> Result<Answer, Stop> {
        let plugin = wanted(visit, "plugin_appid")?;
        let id = self.used(&plugin, account, &ANY)?;
        self.commit(&plugin, &[id], What::Withdrawn, By::Applicant)?;
        visit.changed = true;
        Ok(Answer::ok())
    }

    fn update(&mut self, visit: &mut Visit, account: &str) -> Result<Answer, Stop> {
        let plugin = wanted(visit, "plugin_appid")?;
        wanted(visit, "user_version")?;
        self.used(&plugin, account, &[Status::Approved])?;
        match (self.options.quick_update, self.options.grey_release) {
            (false, _) => Err(Stop::Errcode(89257)),
            (true, true) => Err(Stop::Errcode(89258)),
            (true, false) => Ok(Answer::ok()),
        }
    }

    fn used(&self, plugin: &str, account: &str, among: &[Status]) -> Result<EntryId, Stop> {
        let roster = self.roster(plugin).map_err(|_| Stop::Errcode(80067))?;
        roster.newest(account, among).ok_or(Stop::Errcode(80067))
    }
}

fn wanted(visit: &Visit, field: &str) -> Result<String, Stop> {
    text(visit, field)?.ok_or(Stop::Errcode(40101))
}
