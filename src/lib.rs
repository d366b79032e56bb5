//! menshen (门神): selective approval of WeChat Mini Program plugin applications.
//!
//! The floors, from the ground up: [`document`] and [`policy`] are pure; [`config`],
//! [`wechat`], [`store`], [`notify`] and [`metrics`] each hide one outside thing; [`service`] is the only
//! place that acts; [`cli`] prints. [`sandbox`] stands beside and knows none of them.

#[macro_use]
mod fault_point;

pub mod cli;
pub mod config;
pub mod document;
pub mod metrics;
pub mod notify;
pub mod policy;
pub mod sandbox;
pub mod service;
pub mod store;
pub mod wechat;
