//! The control surface over HTTP: for rehearsals, and for tests of clients in other languages.
//!
//! Its requests and answers are in the parent's documentation. None of it is WeChat's.

use super::application::{Application, categories_of};
use super::fault::{Fault, FaultId};
use super::ledger::{Accepted, Call, Change, Changes};
use super::request::{Request, read_query};
use super::world::{Moved, World};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// HTTP status and JSON body.
pub(super) fn answer(world: &World, request: &Request) -> (u16, String) {
    let asked = (request.method.as_str(), request.path.strip_prefix("/sandbox").unwrap_or_default());
    let result = match asked {
        ("GET", "/world") => Ok(whole_world(world)),
        ("GET", "/ledger") => ledger(world, &read_query(&request.query)),
        ("GET", "/changes") => Ok(json!({ "applications": world.changes().iter().map(changes).collect::<Vec<_>>() })),
        ("POST", "/apply") => body(request).and_then(|body| apply(world, &body)),
        ("POST", "/person") => body(request).and_then(|body| person(world, &body)),
        ("POST", "/fault") => body(request).and_then(|body| fault(world, &body)),
        ("POST", "/advance") => body(request).and_then(|body| advance(world, &body)),
        ("GET", "/ticket") => Ok(json!({ "ticket": world.ticket() })),
        ("POST", "/ticket") => Ok(json!({ "ticket": world.push_ticket() })),
        ("GET", "/cloudbase_token") => cloudbase_token(world, &read_query(&request.query)),
        ("POST", "/authorization") => body(request).and_then(|body| authorization(world, &body)),
        (method, path) => Err(format!("no such control: {method} /sandbox{path}")),
    };
    match result {
        Ok(value) => (200, value.to_string()),
        Err(words) => (400, json!({ "error": words }).to_string()),
    }
}

type Answer = Result<Value, String>;

fn whole_world(world: &World) -> Value {
    let accounts: Vec<Value> = world
        .counts()
        .into_iter()
        .map(|(account, counts)| {
            json!({
                "appid": account, "pending": counts.pending, "approved": counts.approved,
                "refused": counts.refused, "timed_out": counts.timed_out,
            })
        })
        .collect();
    let twice: Vec<Value> = world.accepted_twice().iter().map(accepted).collect();
    json!({
        "seed": world.seed(), "start_ms": world.start_ms(), "now_ms": world.now_ms(), "accounts": accounts,
        "unused_faults": world.unused_faults(), "accepted_twice": twice,
    })
}

fn ledger(world: &World, query: &[(String, String)]) -> Answer {
    let value = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let number = |name: &str| match value(name) {
        None => Ok(None),
        Some(text) => text.parse::<u64>().map(Some).map_err(|_| format!("`{name}` must be a number")),
    };
    let after = number("after")?.unwrap_or(0);
    let limit = number("limit")?.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let calls = value("action").map_or_else(|| world.ledger(), |action| world.calls(action));
    let asked = calls.iter().filter(|call| call.seq > after).take(limit);
    Ok(json!({ "calls": asked.map(Call::to_record).collect::<Vec<_>>() }))
}

fn apply(world: &World, body: &Map<String, Value>) -> Answer {
    let text = |field: &str| match body.get(field) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or(format!("`{field}` must be a text")),
    };
    let appid = text("appid")?.map_or_else(|| world.new_appid(), str::to_owned);
    let mut application = Application::new(&appid);
    if let Some(nickname) = text("nickname")? {
        application = application.nickname(nickname);
    }
    if let Some(reason) = text("reason")? {
        application = application.reason(reason);
    }
    if let Some(categories) = body.get("categories") {
        let words = "`categories` must be a list of \"first/second\" or {\"first\", \"second\"}";
        application.categories = categories_of(categories).ok_or(words)?;
    }
    if let Some(created) = body.get("create_time") {
        application.created_secs = Some(created.as_i64().ok_or("`create_time` must be a number of seconds")?);
    }
    for (field, value) in body.get("sent_as").and_then(Value::as_object).into_iter().flatten() {
        application = application.sent_as(field, value.clone());
    }
    let moved = match text("account")? {
        Some(account) => world.arrive_at(account, application),
        None => world.arrive(application),
    };
    done(moved, "no such plugin account", json!({ "appid": appid }))
}

fn person(world: &World, body: &Map<String, Value>) -> Answer {
    let appid = body.get("appid").and_then(Value::as_str).ok_or("`appid` must be a text")?;
    let moved = match body.get("does").and_then(Value::as_str) {
        Some("agrees") => world.person_agrees(appid),
        Some("refuses") => world.person_refuses(appid),
        Some("withdraws") => world.withdraw(appid),
        _ => return Err("`does` must be agrees, refuses or withdraws".to_owned()),
    };
    done(moved, "no pending application of that appid", json!({}))
}

fn fault(world: &World, body: &Map<String, Value>) -> Answer {
    if let Some(id) = body.get("lift") {
        let id = FaultId(id.as_u64().ok_or("`lift` must be the number of a fault")?);
        return if world.lift(id) { Ok(json!({})) } else { Err(format!("there is no fault {id} to lift")) };
    }
    let spec = body.get("spec").and_then(Value::as_str).ok_or("`spec` must be a text like dev_agree:lost-after:2")?;
    let fault = Fault::parse(spec).map_err(|err| err.to_string())?;
    Ok(json!({ "id": world.inject(fault).0 }))
}

fn cloudbase_token(world: &World, query: &[(String, String)]) -> Answer {
    let account = query.iter().find(|(name, _)| name == "account").ok_or("`account` must be an appid")?;
    Ok(json!({ "token": world.cloudbase_token(&account.1) }))
}

fn authorization(world: &World, body: &Map<String, Value>) -> Answer {
    let appid = body.get("appid").and_then(Value::as_str).ok_or("`appid` must be a text")?;
    let done = match body.get("does").and_then(Value::as_str) {
        Some("authorizes") => {
            world.authorize(appid);
            true
        }
        Some("withdraws") => world.withdraw_authorization(appid),
        Some("grants") => world.set_granted(appid, true),
        Some("denies") => world.set_granted(appid, false),
        _ => return Err("`does` must be authorizes, withdraws, grants or denies".to_owned()),
    };
    if done { Ok(json!({})) } else { Err("the account has not authorized the platform".to_owned()) }
}

fn advance(world: &World, body: &Map<String, Value>) -> Answer {
    let secs = body.get("seconds").and_then(Value::as_f64);
    let by = secs.and_then(|secs| Duration::try_from_secs_f64(secs).ok());
    world.advance(by.ok_or("`seconds` must be a number, not negative")?);
    Ok(json!({ "now_ms": world.now_ms() }))
}

fn done(moved: Moved, nothing: &str, value: Value) -> Answer {
    match moved {
        Moved::Moved => Ok(value),
        Moved::NothingToMove => Err(nothing.to_owned()),
        Moved::NotRecorded => Err("the change could not be written to the world's directory".to_owned()),
    }
}

fn body(request: &Request) -> Result<Map<String, Value>, String> {
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) | Err(_) => Err("the body must be a JSON object".to_owned()),
    }
}

fn changes(changes: &Changes) -> Value {
    let Changes { account, appid, created_secs, changes } = changes;
    let one =
        |change: &Change| json!({ "at_ms": change.at_ms, "what": change.what.name(), "by": change.by.to_record() });
    let list: Vec<Value> = changes.iter().map(one).collect();
    json!({ "account": account, "appid": appid, "create_time": created_secs, "changes": list })
}

fn accepted(twice: &Accepted) -> Value {
    let Accepted { account, appid, created_secs, calls } = twice;
    json!({ "account": account, "appid": appid, "create_time": created_secs, "calls": calls })
}
