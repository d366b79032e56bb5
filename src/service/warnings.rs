//! A service says how many warnings its rules earn; `menshen rules check` tells each.
//!
//! The count comes beside the first pass, never before it: looking long rules over
//! takes longer than compiling them. No word of a rule is logged.

use crate::config::Config;

/// Counts the warnings of these rules in the background and logs how many there are, if there are any.
pub(super) fn tell(config: &Config) {
    let (path, policy) = (config.path.clone(), config.policy.clone());
    tokio::task::spawn_blocking(move || {
        let warnings = policy.lint().len();
        if warnings > 0 {
            tracing::warn!(
                warnings,
                "the rules earn warnings; see them with `menshen -c {} rules check`",
                path.display()
            );
        }
    });
}
