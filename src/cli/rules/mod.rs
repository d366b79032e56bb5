//! `rules …`: what the rules of a configuration say, before they are let loose.

mod check;

use super::args::Global;
use anyhow::Error;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum RulesCommand {
    /// Look the configuration over: every error, and what is allowed and hardly meant
    #[command(after_help = check::EXAMPLES)]
    Check(check::CheckArgs),
}

/// Does what was asked of the rules.
pub(super) async fn rules(global: &Global, what: RulesCommand) -> Result<u8, Error> {
    match what {
        RulesCommand::Check(args) => check::check(global, &args),
    }
}
