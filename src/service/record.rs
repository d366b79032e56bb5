//! From a step of the plan to a row of the audit log.

use super::pass::{Pass, sort_steps};
use crate::policy::{Brake, Decision, Full, Mode, Moment, Outcome, Step, Todo, evidence, rule_name, unknown_names};
use crate::store::{NewDecision, StoreError};

/// Rows written in one transaction: enough to make the disk wait rare, few enough to hold no one up.
const ROWS_A_TRANSACTION: usize = 256;

impl Pass<'_> {
    /// Writes what is held or shadowed; gives back what is to be acted on and what contradicts the log.
    pub(super) async fn record_rest(&mut self, steps: Vec<Step>) -> Result<(Vec<Step>, Vec<Step>), StoreError> {
        let (record, acts, contradicted) = sort_steps(steps, &mut self.report);
        for chunk in record.chunks(ROWS_A_TRANSACTION) {
            let rows: Vec<NewDecision> = chunk.iter().map(|step| self.row(step)).collect();
            self.store.record(&rows).await?;
            for row in &rows {
                self.report.count_kept_back(row.verdict, row.outcome, row.brake);
            }
            self.watch.beat();
        }
        Ok((acts, contradicted))
    }

    /// The row that announces or records a step.
    pub(super) fn row(&self, step: &Step) -> NewDecision {
        match (&self.hand, step.todo) {
            (Some(hand), Todo::Act { action, .. }) => NewDecision {
                verdict: action.into(),
                // A person acts, whatever the service may do.
                mode: Mode::Live,
                actor: hand.actor().to_owned(),
                why: hand.why(action),
                ruleset: String::new(),
                ..self.row_by_rules(step)
            },
            _ => self.row_by_rules(step),
        }
    }

    fn row_by_rules(&self, step: &Step) -> NewDecision {
        let (account, decision) = (self.account, &step.decision);
        let at = self.report.started;
        NewDecision {
            at,
            day: account.day(at),
            account: account.name.clone(),
            account_appid: account.appid.clone(),
            base_url: account.site.clone(),
            application: step.application.clone(),
            verdict: decision.verdict.into(),
            rule: rule_name(&account.rules, decision).map(ToOwned::to_owned),
            message: decision.message.clone(),
            mode: account.mode,
            actor: "rules".to_owned(),
            brake: decision.brake,
            unknown: unknown_names(&account.rules, decision).map(ToOwned::to_owned).collect(),
            why: evidence(&account.rules, &self.moment(), step),
            pass: self.report.pass.clone(),
            ruleset: account.rules.hash().to_owned(),
            outcome: match step.todo {
                Todo::Record(outcome) => outcome,
                _ => Outcome::Planned,
            },
        }
    }

    /// The moment the plan was made for.
    fn moment(&self) -> Moment<'_> {
        Moment { now: self.report.started, history: &self.history }
    }

    /// The rows of steps that something found after the plan keeps back: a limit, a pause, a brake.
    pub(super) async fn record_braked(&mut self, steps: &[Step]) -> Result<(), StoreError> {
        let held = |step: &Step| NewDecision {
            outcome: Outcome::Held,
            why: evidence(&self.account.rules, &self.moment(), step),
            ..self.row(step)
        };
        let rows: Vec<NewDecision> = steps.iter().map(held).collect();
        self.store.record(&rows).await?;
        rows.iter().for_each(|row| self.report.count_kept_back(row.verdict, row.outcome, row.brake));
        Ok(())
    }
}

/// A step of the plan with what keeps it back after all.
pub(super) fn kept_back(step: &Step, brake: Brake, full: Option<Full>) -> Step {
    let decision = Decision { brake: Some(brake), ..step.decision.clone() };
    Step { application: step.application.clone(), decision, todo: step.todo, full }
}
