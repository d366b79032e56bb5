//! What must hold of any bytes: shared by the fuzz targets and by the ordinary test over the corpus.
#![allow(dead_code, unused_imports, reason = "each target uses one of them")]

mod beside;
mod console;
mod rules;
mod wechat;

pub(crate) use beside::{mark, robot, shown};
pub(crate) use console::{command, control, fault, secret, settings};
pub(crate) use rules::{case, configuration, folding, list, recorded, template};
pub(crate) use wechat::{answer, entries, handed, page};

use menshen::policy::{AppId, Application, Category, CreateTime};

fn application(text: &str) -> Application {
    Application {
        appid: AppId::new("wx0123456789abcdef"),
        create_time: CreateTime::received(text),
        nickname: text.to_owned(),
        reason: text.to_owned(),
        categories: vec![Category::from_text(text)],
        headimgurl: None,
        apply_url: None,
        malformed: Vec::new(),
    }
}
