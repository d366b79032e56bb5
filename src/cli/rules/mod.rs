//! `rules …`: what the rules of a configuration say, before they are let loose.

mod backtest;
mod check;
mod decided;
mod explain;
mod junit;
mod subject;
mod test;

use super::args::Global;
use anyhow::Error;
use clap::Subcommand;

/// A command about rules.
#[derive(Debug, Subcommand)]
pub(super) enum RulesCommand {
    /// Look the configuration over: every error, and what is allowed and hardly meant
    #[command(after_help = check::EXAMPLES)]
    Check(check::CheckArgs),
    /// Run the [[case]] tables: is what must come out what comes out?
    #[command(after_help = test::EXAMPLES)]
    Test(test::TestArgs),
    /// Say condition by condition why an application is decided as it is
    #[command(after_help = explain::EXAMPLES)]
    Explain(Box<explain::ExplainArgs>),
    /// Decide every recorded application again, and compare
    #[command(after_help = backtest::EXAMPLES)]
    Backtest(backtest::BacktestArgs),
}

/// Does what was asked of the rules.
pub(super) async fn rules(global: &Global, what: RulesCommand) -> Result<u8, Error> {
    match what {
        RulesCommand::Check(args) => check::check(global, &args),
        RulesCommand::Test(args) => test::test(global, &args),
        RulesCommand::Explain(args) => explain::explain(global, &args).await,
        RulesCommand::Backtest(args) => backtest::backtest(global, &args).await,
    }
}
