//! From an answer to what travels: the last place where a fault can strike.

use super::answer::{Answer, Delivery, Json, Reply};
use super::fault::{Effect, Fault};
use super::state::{State, Visit};
use std::time::Duration;

const HTML: &str =
    "<!DOCTYPE html><html><head><title>系统维护</title></head><body><h1>系统维护中，请稍后再试</h1></body></html>";

impl State {
    /// An answer with this HTTP status and body, and the world's latency for everything.
    pub(super) fn reply(&self, status: u16, body: Vec<u8>) -> Reply {
        let content_type = self.options.content_type.clone();
        Reply { status, content_type, body, delay: self.options.latency, ahead_secs: None, delivery: Delivery::Whole }
    }

    /// Puts an answer on its way, or what comes instead of it. Also says which errcode goes out.
    pub(super) fn deliver(
        &self,
        visit: &Visit,
        mut answer: Answer,
        instead: Option<Effect>,
        dress: &[Fault],
    ) -> (Option<i64>, Reply) {
        for fault in dress {
            if let Effect::ExpiresIn(life) = &fault.effect {
                answer.set("expires_in", Json::Raw(life.clone()));
            }
        }
        let camel = dress.iter().any(|fault| fault.effect == Effect::CamelCase);
        let json = if camel { answer.json.in_camel_case() } else { answer.json };
        let mut text = String::new();
        json.write(&mut text);
        let mut reply = self.reply(200, text.into_bytes());
        reply.delay = self.latency_for(visit);
        let errcode = if arrives(instead.as_ref()) { answer.errcode } else { None };
        if let Some(effect) = instead {
            replace(&mut reply, effect);
        }
        for fault in dress {
            match &fault.effect {
                Effect::Slow(time) => reply.delay = *time,
                Effect::Date(secs) => reply.ahead_secs = Some(*secs),
                Effect::ContentType(kind) => reply.content_type.clone_from(kind),
                _ => {}
            }
        }
        (errcode, reply)
    }

    fn latency_for(&self, visit: &Visit) -> Duration {
        let of = &self.options.latency_of;
        let by_action = visit.subject.action.as_ref().and_then(|action| of.get(action));
        *by_action.or_else(|| of.get(visit.subject.endpoint.name())).unwrap_or(&self.options.latency)
    }
}

/// Whether the client can learn the errcode.
fn arrives(instead: Option<&Effect>) -> bool {
    matches!(instead, None | Some(Effect::Errcode(..)))
}

fn replace(reply: &mut Reply, effect: Effect) {
    match effect {
        Effect::Http(status, _) => {
            reply.status = status;
            html(reply);
        }
        Effect::Html(_) => html(reply),
        Effect::Empty(_) => reply.body.clear(),
        Effect::Huge(bytes, _) => reply.delivery = Delivery::Huge(bytes),
        Effect::Truncated => reply.delivery = Delivery::Truncated,
        Effect::Reset(_) => reply.delivery = Delivery::Reset,
        Effect::Lost(_) => reply.delivery = Delivery::Lost,
        Effect::Hang(_) => reply.delivery = Delivery::Hang,
        _ => {}
    }
}

fn html(reply: &mut Reply) {
    reply.body = HTML.as_bytes().to_vec();
    reply.content_type = "text/html; charset=utf-8".to_owned();
}
