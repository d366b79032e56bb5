//! `POST /cgi-bin/stable_token` and `GET /cgi-bin/token`: who gets a token.
//!
//! Source: WeChat's pages "获取稳定版接口调用凭据" (api_getstableaccesstoken) and "获取接口调用凭据" (getAccessToken).
//! A success has no errcode.

use super::answer::{Answer, Json, number};
use super::request::Body;
use super::state::{State, Stop, Visit};
use super::tokens::Issue;
use serde_json::Value;

impl State {
    pub(super) fn stable_token(&mut self, visit: &mut Visit) -> Result<Answer, Stop> {
        let subject = &visit.subject;
        match (subject.post, &subject.body) {
            (false, _) => return Err(Stop::Errcode(43002)),
            (true, Body::Empty) => return Err(Stop::Errcode(44002)),
            (true, Body::Unreadable) => return Err(Stop::Errcode(47001)),
            (true, Body::Object(_)) => {}
        }
        let text = |name: &str| subject.field(name).and_then(Value::as_str).map(str::to_owned);
        let account = self.known(text("grant_type"), text("appid"), text("secret"))?;
        let force = match subject.field("force_refresh") {
            None => false,
            Some(value) => value.as_bool().ok_or(Stop::Errcode(47001))?,
        };
        let now_ms = self.now_ms();
        if force {
            visit.subject.action = Some("force_refresh".to_owned());
            let issue = self.tokens.forced(&account, now_ms);
            return hand(visit, issue);
        }
        let issue = self.tokens.stable(&account, now_ms);
        hand(visit, issue)
    }

    pub(super) fn classic_token(&mut self, visit: &mut Visit) -> Result<Answer, Stop> {
        let text = |name: &str| visit.subject.parameter(name).map(str::to_owned);
        let account = self.known(text("grant_type"), text("appid"), text("secret"))?;
        let now_ms = self.now_ms();
        let issue = self.tokens.classic(&account, now_ms);
        hand(visit, issue)
    }

    /// The account these credentials belong to.
    fn known(&self, grant: Option<String>, appid: Option<String>, secret: Option<String>) -> Result<String, Stop> {
        let given = |text: Option<String>, code| text.filter(|text| !text.is_empty()).ok_or(Stop::Errcode(code));
        if grant.as_deref() != Some("client_credential") {
            return Err(Stop::Errcode(40002));
        }
        let appid = given(appid, 41002)?;
        let secret = given(secret, 41004)?;
        let account = self.options.accounts.iter().find(|account| account.appid == appid);
        match account.ok_or(Stop::Errcode(40013))?.secret == secret {
            true => Ok(appid),
            false => Err(Stop::Errcode(40125)),
        }
    }
}

fn hand(visit: &mut Visit, issue: Issue) -> Result<Answer, Stop> {
    let Issue::Handed(handed) = issue else { return Err(Stop::Errcode(45009)) };
    visit.token_generation = Some(handed.generation);
    let json =
        Json::object([("access_token", Json::text(&handed.token)), ("expires_in", number(handed.expires_in_secs))]);
    Ok(Answer { errcode: None, json })
}
