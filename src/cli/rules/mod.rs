//! `rules …`: what rules do, before they do it.

mod backtest;

use super::args::Global;
use anyhow::Error;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum RulesCommand {
    /// Decide every recorded application again, and compare
    #[command(after_help = backtest::EXAMPLES)]
    Backtest(backtest::BacktestArgs),
}

/// Does what was asked of the rules.
pub(super) async fn rules(global: &Global, what: RulesCommand) -> Result<u8, Error> {
    match what {
        RulesCommand::Backtest(args) => backtest::backtest(global, &args).await,
    }
}
