//! The simulated WeChat: a [`World`] (state, time, faults, ledger) and a thin HTTP face over it, [`Server`].
//!
//! Hides how a plugin's list of applications behaves at WeChat: states, tokens, paging, errors, and
//! everything that can go wrong between it and a client. Promises the requests, answers and errcodes of
//! WeChat's documentation for `/cgi-bin/stable_token`, `/cgi-bin/token`, `/wxa/devplugin`, `/wxa/plugin`, the calls of a
//! third-party platform that lead to a token (`/cgi-bin/component/`), `/cgi-bin/openapi/quota/get` and `rid/get`,
//! that one seed always makes the same applications, and a ledger of every call that tests can question.
//! Imports nothing of ours, so that it cannot share a mistake with the client it tests. Listens on loopback
//! only; it is no server for the world.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use menshen::sandbox::{Fault, Options, Server, World};
//! let world = World::in_memory(Options { applications: Some(60), pending: Some(20), ..Options::default() });
//! world.inject(Fault::parse("dev_agree:lost-after:2")?);
//! let server = Server::start(world.clone(), ([127, 0, 0, 1], 0).into()).await?;
//! println!("base_url = http://{}", server.addr());
//! // ... let a client work ...
//! assert!(world.unused_faults().is_empty());
//! server.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Where WeChat is silent, this world chooses
//!
//! | question | here |
//! |---|---|
//! | order of the list | newest first ([`Options::order`]) |
//! | largest `num` | 50 ([`Options::num_cap`]); absent is 10 |
//! | `page` below 1 or absent | page 1 |
//! | `num` below 1 | 40097 |
//! | refuse without `appid` | 40097, or hits the oldest pending one ([`Options::refuse_without_appid`]) |
//! | delete without `appid`, agree without `appid`, refuse without `reason` | 40101 |
//! | several applications of one appid | agree and refuse mean the newest pending one, delete the newest refused or timed-out one |
//! | wrong AppSecret | 40125 |
//! | a token of unknown shape, replaced or revoked, expired | 40014, 40001, 42001 |
//! | a token of cloud hosting as `access_token`, or another as `cloudbase_access_token` | 40001 |
//! | a component token at an account's call, an account's token at a component's | 48001, 61014 |
//! | a second component or authorizer token | the first works five minutes more |
//! | refresh tokens | stay the same, or change with each use ([`Platform::rotates`]) |
//! | a component ticket older than 12 h, an unknown one | 61005, 61006 |
//! | a path that does not exist | 40066 |
//! | tokens, tickets and refresh tokens after a restart | forgotten: a client is told 40001 and asks again |
//!
//! # Control over HTTP
//!
//! Beside WeChat's paths there is a small control surface, for rehearsals and for clients in other languages.
//! All bodies are JSON. A mistake is answered with HTTP 400 and `{"error": "..."}`.
//!
//! | request | does |
//! |---|---|
//! | `GET /sandbox/world` | the clock, the seed, counts per account, unused faults, applications accepted twice |
//! | `GET /sandbox/ledger?action=dev_agree&after=SEQ&limit=N` | `{"calls": [...]}`, oldest first; every filter is optional |
//! | `GET /sandbox/changes` | `{"applications": [...]}`: every application that changed, and by whom |
//! | `POST /sandbox/apply` | `{"appid", "nickname", "reason", "categories": ["first/second"], "create_time", "account", "sent_as": {...}}`, all optional: a new pending application; `sent_as` replaces fields of the wire |
//! | `POST /sandbox/person` | `{"appid", "does": "agrees"\|"refuses"\|"withdraws"}` |
//! | `POST /sandbox/fault` | `{"spec": "dev_agree:lost-after:2"}` answers `{"id": 1}`; `{"lift": 1}` ends it |
//! | `GET /sandbox/ticket` | `{"ticket"}`: the newest `component_verify_ticket`, as its receiver would have it |
//! | `POST /sandbox/ticket` | the same, after a new one was made |
//! | `GET /sandbox/cloudbase_token?account=APPID` | `{"token"}`: what stands in the token file of cloud hosting now |
//! | `POST /sandbox/authorization` | `{"appid", "does": "withdraws"\|"authorizes"\|"denies"\|"grants"}`: the owner and the platform; deny and grant are about permission set 40 |
//! | `POST /sandbox/advance` | `{"seconds": 3600}` moves the world's clock on |
//!
//! # Faults as text
//!
//! See [`Fault::parse`].

mod answer;
mod application;
mod component;
mod control;
mod corpus;
mod credentials;
mod deliver;
mod devplugin;
mod fault;
mod fault_text;
mod generate;
mod journal;
mod ledger;
mod list;
mod open;
mod openapi;
mod options;
mod plugin;
mod request;
mod roster;
mod server;
mod state;
#[cfg(test)]
mod tests;
mod tokens;
mod world;

pub use application::{Application, Status};
pub use fault::{Calls, Effect, Fault, FaultId, Lag, Malformation, Stage, Target, When};
pub use fault_text::FaultTextError;
pub use generate::{Mix, generate};
pub use ledger::{Accepted, By, Call, Change, Changes, What};
pub use open::OpenError;
pub use options::{Account, Clock, Options, Order, Platform, RefuseWithoutAppid};
pub use server::Server;
pub use world::{Moved, World};
