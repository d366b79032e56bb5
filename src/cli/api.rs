//! `api`: one WeChat call by hand, named as WeChat names it.

use super::args::Global;
use super::hand::{Asked, decide_by_hand};
use crate::policy::Action;
use crate::service::Words;
use anyhow::Error;
use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Examples:
  menshen api dev_agree wx0123456789abcdef
  menshen api dev_refuse wx0123456789abcdef --reason \"类目与插件用途不符，请修改后重新申请。\"
  menshen api dev_delete wx0123456789abcdef --account express --yes";

/// One call.
#[expect(clippy::enum_variant_names, reason = "named as WeChat names them")]
#[derive(Debug, Subcommand)]
pub(super) enum ApiCommand {
    /// Let a pending application in
    #[command(name = "dev_agree", after_help = EXAMPLES)]
    DevAgree(Target),
    /// Turn a pending application away
    #[command(name = "dev_refuse", after_help = EXAMPLES)]
    DevRefuse {
        #[command(flatten)]
        target: Target,
        /// What the applicant is told
        #[arg(long)]
        reason: String,
    },
    /// Take an application that was refused or timed out off the list
    #[command(name = "dev_delete", after_help = EXAMPLES)]
    DevDelete(Target),
}

/// Whose application, and at which account.
#[derive(Debug, Args)]
pub(super) struct Target {
    /// Appid of the applicant
    appid: String,
    /// Name of the account; needed where there are several
    #[arg(long)]
    account: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Makes the call.
pub(super) async fn api(global: &Global, what: ApiCommand) -> Result<u8, Error> {
    let (action, target, words) = match what {
        ApiCommand::DevAgree(target) => (Action::Agree, target, Words::None),
        ApiCommand::DevRefuse { target, reason } => (Action::Refuse, target, Words::Text(reason)),
        ApiCommand::DevDelete(target) => (Action::Delete, target, Words::None),
    };
    let asked = Asked { account: target.account.as_deref(), action, appids: &[target.appid], words, yes: target.yes };
    decide_by_hand(global, asked).await
}
