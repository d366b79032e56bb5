//! The permission to change something at WeChat.
//!
//! An [`Intent`] exists only because a durable row says what is about to be
//! done. `store` makes it, after the commit; `wechat` consumes it; nothing else
//! can. So a dry run, which never opens the log for writing, has nothing it
//! could call `agree` or `refuse` with.

use super::AppId;

/// A change WeChat can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// `dev_agree`
    Agree,
    /// `dev_refuse`
    Refuse,
    /// `dev_delete`
    Delete,
}

impl Action {
    /// Every action, in the order they are proven and shown.
    pub const ALL: [Action; 3] = [Action::Agree, Action::Refuse, Action::Delete];

    /// The word used in configuration, preview and audit.
    pub fn word(self) -> &'static str {
        match self {
            Action::Agree => "agree",
            Action::Refuse => "refuse",
            Action::Delete => "delete",
        }
    }
}

/// A change a mini program can ask for on the side that uses plugins (`/wxa/plugin`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginUse {
    /// `apply`
    Apply {
        /// Our words to the plugin's owner.
        reason: String,
    },
    /// `unbind`
    Unbind,
    /// `update`
    Update {
        /// The version asked for, as `2.2.46`.
        user_version: String,
    },
}

impl PluginUse {
    /// WeChat's word for it, which is also that of the command line.
    pub fn word(&self) -> &'static str {
        match self {
            PluginUse::Apply { .. } => "apply",
            PluginUse::Unbind => "unbind",
            PluginUse::Update { .. } => "update",
        }
    }
}

/// One recorded, not yet sent change on the using side. Not `Clone`: one intent, one call.
#[derive(Debug)]
pub struct UseIntent {
    record: i64,
    what: PluginUse,
    plugin: AppId,
}

impl UseIntent {
    /// Only for `store`, and only after the row is committed (held by a test).
    #[cfg_attr(not(test), expect(dead_code, reason = "the record of the using side comes next"))]
    pub(crate) fn recorded(record: i64, what: PluginUse, plugin: AppId) -> UseIntent {
        UseIntent { record, what, plugin }
    }

    /// The row that announces it.
    pub fn record(&self) -> i64 {
        self.record
    }

    /// What is asked for.
    pub fn what(&self) -> &PluginUse {
        &self.what
    }

    /// The plugin it is about.
    pub fn plugin(&self) -> &AppId {
        &self.plugin
    }
}

/// One recorded, not yet sent change. Not `Clone`: one intent, one call.
#[derive(Debug)]
pub struct Intent {
    decision: i64,
    attempt: u32,
    action: Action,
    appid: AppId,
    reason: Option<String>,
}

impl Intent {
    /// Only for `store`, and only after the row is committed (held by a test).
    pub(crate) fn recorded(
        decision: i64,
        attempt: u32,
        action: Action,
        appid: AppId,
        reason: Option<String>,
    ) -> Intent {
        Intent { decision, attempt, action, appid, reason }
    }

    /// The row of the audit log that announces it.
    pub fn decision(&self) -> i64 {
        self.decision
    }

    /// Counts the calls made for that row, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// What is asked for.
    pub fn action(&self) -> Action {
        self.action
    }

    /// Whose application it is.
    pub fn appid(&self) -> &AppId {
        &self.appid
    }

    /// The reason that goes with a refusal.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}
