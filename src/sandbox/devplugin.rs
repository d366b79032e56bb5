//! `POST /wxa/devplugin`: the side of the plugin's owner.
//!
//! Source of actions, fields and errcodes: WeChat's pages "管理插件使用申请" (api_managepluginapplication) and
//! the older `pluginManager.setDevPluginApplyStatus`. What they leave open is chosen in the parent's table.

use super::answer::Answer;
use super::application::Status;
use super::fault::{Effect, Lag, Moment, Target};
use super::ledger::{By, What};
use super::options::RefuseWithoutAppid;
use super::roster::{EntryId, Stale};
use super::state::{State, Stop, Visit};
use serde_json::Value;

impl State {
    /// A call whose token was good.
    pub(super) fn devplugin(&mut self, visit: &mut Visit, account: &str) -> Result<Answer, Stop> {
        match visit.subject.action.as_deref() {
            Some("dev_apply_list") => self.dev_apply_list(visit, account),
            Some("dev_agree") => self.decide(visit, account, What::Agreed),
            Some("dev_refuse") => self.decide(visit, account, What::Refused),
            Some("dev_delete") => self.dev_delete(visit, account),
            Some(_) => Err(Stop::Errcode(40097)),
            None => Err(Stop::Errcode(40101)),
        }
    }

    fn decide(&mut self, visit: &mut Visit, account: &str, what: What) -> Result<Answer, Stop> {
        let asked = self.target(visit, account, what)?;
        let old = Status::Pending;
        let by = By::Call(visit.seq);
        let hit = self.really_hit(visit, account, asked)?;
        self.commit(account, &hit, what, by)?;
        visit.changed = visit.changed || !hit.is_empty();
        for fault in self.strike(Moment::Acted, visit) {
            if let Effect::Lag(lag) = fault.effect {
                self.show_as(account, &hit, old, lag);
            }
        }
        Ok(Answer::ok())
    }

    /// The pending application a call names.
    fn target(&self, visit: &Visit, account: &str, what: What) -> Result<EntryId, Stop> {
        let appid = text(visit, "appid")?;
        if what == What::Refused && text(visit, "reason")?.is_none() {
            return Err(Stop::Errcode(40101));
        }
        let roster = self.roster(account)?;
        let Some(appid) = appid else {
            return match (what, self.options.refuse_without_appid) {
                (What::Refused, RefuseWithoutAppid::Oldest) => roster.pending().next().ok_or(Stop::Errcode(89240)),
                (What::Refused, RefuseWithoutAppid::Reject) => Err(Stop::Errcode(40097)),
                _ => Err(Stop::Errcode(40101)),
            };
        };
        match roster.newest(&appid, &[Status::Pending]) {
            Some(id) => Ok(id),
            None if roster.of(&appid).is_empty() => Err(Stop::Errcode(89242)),
            None => Err(Stop::Errcode(89240)),
        }
    }

    /// What the call hits once the faults had their say.
    fn really_hit(&mut self, visit: &mut Visit, account: &str, asked: EntryId) -> Result<Vec<EntryId>, Stop> {
        let mut hit = vec![asked];
        for fault in self.strike(Moment::Act, visit) {
            match fault.effect {
                Effect::Overtaken => {
                    self.commit(account, &[asked], What::Agreed, By::Person)?;
                    return Err(Stop::Errcode(89240));
                }
                Effect::Withdrawn => {
                    self.commit(account, &[asked], What::Withdrawn, By::Applicant)?;
                    return Err(Stop::Errcode(89242));
                }
                Effect::Hits(target) => hit = self.others(account, asked, target)?,
                _ => {}
            }
        }
        Ok(hit)
    }

    fn others(&self, account: &str, asked: EntryId, target: Target) -> Result<Vec<EntryId>, Stop> {
        let roster = self.roster(account)?;
        Ok(match target {
            Target::Oldest => roster.pending().take(1).collect(),
            Target::All => roster.pending().collect(),
            Target::None => Vec::new(),
            Target::Other => roster.pending().rev().find(|id| *id != asked).into_iter().collect(),
            Target::Both => roster.pending().rev().find(|id| *id != asked).into_iter().chain([asked]).collect(),
        })
    }

    fn show_as(&mut self, account: &str, ids: &[EntryId], status: Status, lag: Lag) {
        let (readings_left, until_ms) = match lag {
            Lag::Readings(count) => (count, i64::MIN),
            Lag::Time(time) => (0, self.now_ms() + super::state::millis(time)),
        };
        let Ok(roster) = self.roster_mut(account) else { return };
        for id in ids {
            if let Some(entry) = roster.entry_mut(*id) {
                entry.stale = Some(Stale { status, readings_left, until_ms });
            }
        }
    }

    fn dev_delete(&mut self, visit: &mut Visit, account: &str) -> Result<Answer, Stop> {
        let appid = text(visit, "appid")?.ok_or(Stop::Errcode(40101))?;
        let roster = self.roster(account)?;
        let ended = roster.newest(&appid, &[Status::Refused, Status::TimedOut]);
        let code = match (roster.newest(&appid, &[Status::Pending]), roster.of(&appid).is_empty()) {
            (Some(_), _) => 89243,
            (None, true) => 89242,
            (None, false) => 89241,
        };
        let id = ended.ok_or(Stop::Errcode(code))?;
        self.commit(account, &[id], What::Deleted, By::Call(visit.seq))?;
        visit.changed = true;
        Ok(Answer::ok())
    }
}

/// A field of the body: absent, or text; anything else is 47001.
pub(super) fn text(visit: &Visit, field: &str) -> Result<Option<String>, Stop> {
    match visit.subject.field(field) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Stop::Errcode(47001)),
    }
}
