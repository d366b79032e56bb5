//! The calls of a third-party platform, cloud hosting, quota and request ids, as the documentation prints them.

use super::wire::Got;
use super::{Account, Rig, quiet, token_of};
use crate::sandbox::{Options, Platform};
use serde_json::{Value, json};

const OWNER: &str = Account::DEFAULT_APPID;
const HOURS: u64 = 3600;

impl Rig {
    async fn component(&self, call: &str, token: Option<&str>, mut body: Value) -> Got {
        body["component_appid"] = Platform::DEFAULT_APPID.into();
        let query = token.map(|token| format!("?component_access_token={token}")).unwrap_or_default();
        self.post(&format!("/cgi-bin/component/{call}{query}"), &body.to_string()).await
    }

    async fn component_token(&self, ticket: &str) -> Result<String, i64> {
        let body = json!({ "component_appsecret": Account::DEFAULT_SECRET, "component_verify_ticket": ticket });
        let got = self.component("api_component_token", None, body).await;
        let json = got.json();
        match json["component_access_token"].as_str() {
            Some(token) => {
                assert_eq!(json["expires_in"], 7200);
                Ok(token.to_owned())
            }
            None => Err(got.errcode()),
        }
    }

    async fn refresh(&self, component: &str, refresh_token: &str) -> Result<(String, String), i64> {
        let body = json!({ "authorizer_appid": OWNER, "authorizer_refresh_token": refresh_token });
        let got = self.component("api_authorizer_token", Some(component), body).await;
        let json = got.json();
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        match (text("authorizer_access_token"), text("authorizer_refresh_token")) {
            (Some(token), Some(refresh_token)) => Ok((token, refresh_token)),
            _ => Err(got.errcode()),
        }
    }

    async fn listed(&self, component: &str) -> Vec<(String, String)> {
        let got =
            self.component("api_get_authorizer_list", Some(component), json!({ "offset": 0, "count": 500 })).await;
        let json = got.json();
        let list = json["list"].as_array().unwrap().clone();
        assert_eq!(json["total_count"], list.len());
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
        list.iter().map(|entry| (text(entry, "authorizer_appid"), text(entry, "refresh_token"))).collect()
    }

    async fn list_with(&self, query: &str) -> i64 {
        self.post(&format!("/wxa/devplugin?{query}"), r#"{"action":"dev_apply_list"}"#).await.errcode()
    }

    fn refresh_token_of(list: &[(String, String)]) -> String {
        list.iter().find(|(appid, _)| appid == OWNER).unwrap().1.clone()
    }
}

#[tokio::test]
async fn a_platform_calls_for_an_account() {
    let rig = Rig::start(quiet()).await;
    let component = rig.component_token(&rig.world.ticket()).await.unwrap();
    let listed = rig.listed(&component).await;
    let refresh_token = Rig::refresh_token_of(&listed);
    let (token, again) = rig.refresh(&component, &refresh_token).await.unwrap();
    assert_eq!(again, refresh_token, "stays the same unless told to rotate");
    assert_eq!(rig.list_with(&format!("access_token={token}")).await, 0);
    let (next, _) = rig.refresh(&component, &refresh_token).await.unwrap();
    rig.wait_secs(299);
    assert_eq!(rig.list_with(&format!("access_token={token}")).await, 0);
    rig.wait_secs(1);
    assert_eq!(rig.list_with(&format!("access_token={token}")).await, 40001);
    assert_eq!(rig.list_with(&format!("access_token={next}")).await, 0);
    assert!(rig.world.set_granted(OWNER, false));
    assert_eq!(rig.list_with(&format!("access_token={next}")).await, 61007);
    assert!(rig.world.withdraw_authorization(OWNER));
    assert_eq!(rig.list_with(&format!("access_token={next}")).await, 61003);
    assert_eq!(rig.refresh(&component, &refresh_token).await, Err(61003));
    rig.world.authorize(OWNER);
    assert_eq!(rig.refresh(&component, &refresh_token).await, Err(61023));
}

#[tokio::test]
async fn tickets_end_and_prove_the_platform() {
    let rig = Rig::start(quiet()).await;
    let ticket = rig.world.ticket();
    rig.wait_secs(12 * HOURS - 1);
    assert!(rig.component_token(&ticket).await.is_ok());
    rig.wait_secs(1);
    assert_eq!(rig.component_token(&ticket).await, Err(61005));
    assert_eq!(rig.component_token("ticket@@@unknown").await, Err(61006));
    assert_eq!(rig.component_token("").await, Err(40101));
    let newer = rig.world.push_ticket();
    assert!(rig.component_token(&newer).await.is_ok());
    let push = json!({ "component_secret": Account::DEFAULT_SECRET });
    assert_eq!(rig.component("api_start_push_ticket", None, push).await.errcode(), 0);
    assert_eq!(rig.component("api_start_push_ticket", None, json!({ "component_secret": "x" })).await.errcode(), 40125);
    assert_eq!(rig.world.ticket_pushes(), 1);
    let other = json!({ "component_appid": "wxother", "component_secret": Account::DEFAULT_SECRET }).to_string();
    assert_eq!(rig.post("/cgi-bin/component/api_start_push_ticket", &other).await.errcode(), 61011);
}

#[tokio::test]
async fn refresh_tokens_may_change_with_each_use() {
    let platform = Some(Platform { rotates: true, ..Platform::default() });
    let rig = Rig::start(Options { platform, ..quiet() }).await;
    let component = rig.component_token(&rig.world.ticket()).await.unwrap();
    let first = Rig::refresh_token_of(&rig.listed(&component).await);
    let (_, second) = rig.refresh(&component, &first).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(rig.refresh(&component, &first).await, Err(61023));
    assert!(rig.refresh(&component, &second).await.is_ok());
    assert!(rig.world.issued_refresh_token(&first) && !rig.world.issued_refresh_token("refreshtoken@@@x"));
}

#[tokio::test]
async fn every_kind_has_its_name_and_its_place() {
    let rig = Rig::start(quiet()).await;
    let component = rig.component_token(&rig.world.ticket()).await.unwrap();
    let (cloudbase, stable) = (rig.world.cloudbase_token(OWNER), rig.world.stable_token(OWNER));
    let cases = [
        (format!("access_token={stable}"), 0),
        (format!("cloudbase_access_token={cloudbase}"), 0),
        (format!("access_token={cloudbase}"), 40001),
        (format!("cloudbase_access_token={stable}"), 40001),
        (format!("access_token={component}"), 48001),
        (String::new(), 41001),
    ];
    for (query, code) in cases {
        assert_eq!(rig.list_with(&query).await, code, "{query}");
    }
    let body = json!({ "offset": 0, "count": 1 });
    assert_eq!(rig.component("api_get_authorizer_list", Some(&stable), body.clone()).await.errcode(), 61014);
    assert_eq!(rig.component("api_get_authorizer_list", None, body).await.errcode(), 41001);
    rig.wait_secs(600);
    let next = rig.world.cloudbase_token(OWNER);
    assert_ne!(next, cloudbase);
    rig.wait_secs(1199);
    assert_eq!(rig.list_with(&format!("cloudbase_access_token={cloudbase}")).await, 0);
    rig.wait_secs(1);
    assert_eq!(rig.list_with(&format!("cloudbase_access_token={cloudbase}")).await, 42001);
    let rig = Rig::start(Options { sidecar: Some(OWNER.to_owned()), ..quiet() }).await;
    assert_eq!(rig.list_with("").await, 0, "the side-car adds it");
}

#[tokio::test]
async fn a_quota_is_told() {
    let rig = Rig::start(Options { daily_limit: 5, ..quiet() }).await;
    for _ in 0..3 {
        rig.list(1, 10).await;
    }
    let ask = async |path: &str| {
        let body = json!({ "cgi_path": path }).to_string();
        rig.post(&format!("/cgi-bin/openapi/quota/get?access_token={}", rig.token), &body).await
    };
    let got = ask("/wxa/devplugin").await.json();
    assert_eq!(got["quota"], json!({ "daily_limit": 5, "used": 3, "remain": 2 }));
    assert_eq!(ask("/wxa/plugin").await.json()["quota"]["used"], 0);
    for wrong in ["wxa/devplugin", "https://api.weixin.qq.com/wxa/devplugin", "/wxa/nothing"] {
        assert_eq!(ask(wrong).await.errcode(), 76003, "{wrong}");
    }
}

#[tokio::test]
async fn a_call_that_failed_can_be_looked_up() {
    let rig = Rig::start(quiet().account(Account::plugin("wxsecond", Account::DEFAULT_SECRET))).await;
    let errmsg = rig.agree("wxnobody").await.json()["errmsg"].as_str().unwrap().to_owned();
    let rid = errmsg.rsplit(' ').next().unwrap();
    let ask = async |rid: &str, token: &str| {
        rig.post(&format!("/cgi-bin/openapi/rid/get?access_token={token}"), &json!({ "rid": rid }).to_string()).await
    };
    let request = ask(rid, &rig.token).await.json()["request"].clone();
    assert_eq!(request["request_url"], format!("access_token={}", rig.token));
    assert!(request["request_body"].as_str().unwrap().contains("wxnobody"));
    assert!(request["response_body"].as_str().unwrap().contains("89242"));
    let second = token_of(&rig.server, "wxsecond").await;
    assert_eq!(ask(rid, &second).await.errcode(), 76003);
    assert_eq!(ask("1-2-3", &rig.token).await.errcode(), 76001);
    assert_eq!(ask("nonsense", &rig.token).await.errcode(), 76002);
}

/// The control surface hands out what its receivers would have.
#[tokio::test]
async fn the_control_surface_knows_tickets_and_authorizations() {
    let rig = Rig::start(quiet()).await;
    let mut wire = super::Wire::to(&rig.server).await;
    let ticket = wire.get("/sandbox/ticket").await.json()["ticket"].as_str().unwrap().to_owned();
    assert_eq!(ticket, rig.world.ticket());
    assert_ne!(rig.post("/sandbox/ticket", "{}").await.json()["ticket"], ticket.as_str());
    let token = super::Wire::to(&rig.server).await.get(&format!("/sandbox/cloudbase_token?account={OWNER}")).await;
    assert_eq!(token.json()["token"], rig.world.cloudbase_token(OWNER).as_str());
    let says = async |does: &str| {
        rig.post("/sandbox/authorization", &json!({ "appid": OWNER, "does": does }).to_string()).await.status()
    };
    assert_eq!([says("denies").await, says("withdraws").await, says("grants").await], [200, 200, 400]);
    assert_eq!([says("authorizes").await, says("dances").await], [200, 400]);
}

impl Rig {
    fn wait_secs(&self, secs: u64) {
        self.world.advance(std::time::Duration::from_secs(secs));
    }
}
