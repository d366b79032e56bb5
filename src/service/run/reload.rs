//! Reading the configuration again while the service runs: taken over as a whole, or not at all.

use super::super::account::Account;
use super::super::metering::Prepared;
use super::super::notices::{Notices, Office};
use super::super::pass::with_sources;
use super::super::schedule::{Ticks, next_tick};
use super::super::{systemd, token, warnings};
use super::Round;
use crate::config::Config;
use crate::policy::AppId;
use jiff::Timestamp;
use std::collections::HashSet;
use std::sync::Arc;

impl Round {
    pub(super) async fn reload(&mut self, reload: &dyn Fn() -> Result<Config, String>) {
        systemd::reloading();
        let taken = match reload() {
            Ok(config) => self.take_over(config).await,
            Err(error) => Err(error),
        };
        match taken {
            Ok(()) => {
                tracing::info!(accounts = self.service.accounts.len(), "the configuration was read again");
                warnings::tell(&self.service.config);
            }
            Err(error) => {
                tracing::error!("the configuration stays as it was: {error}");
                self.metering.iter().for_each(|metering| metering.reloaded(false));
            }
        }
        systemd::ready(&self.status());
    }

    /// Everything that can fail comes first: a configuration is taken over as a whole or not at all.
    async fn take_over(&mut self, config: Config) -> Result<(), String> {
        if config.service.state_dir != self.service.config.service.state_dir {
            return Err("service.state_dir cannot change while menshen runs; restart it".to_owned());
        }
        let accounts: Arc<[Account]> = Account::all(&config, &self.service.around, &self.service.accounts)
            .map_err(|error| with_sources(&error))?
            .into();
        let ticks = Ticks::start(&config.service, self.sender.clone()).await.map_err(|error| with_sources(&error))?;
        let metering = Prepared::of(&config, self.metering.as_ref()).await.map_err(|error| with_sources(&error))?;
        let untold = Notices::new(&config, None).map_err(|error| with_sources(&error))?;
        let before = match self.office.take() {
            Some(office) => office.close().await,
            None => None,
        };
        // Made of the same a moment ago, so it can be made again; if not, it has forgotten how often it told.
        let notices = Notices::new(&config, before).unwrap_or(untold);
        self.office = Some(Office::open(notices, self.service.store.clone()));
        if let Some(before) = self.ticks.replace(ticks) {
            before.stop().await;
        }
        let due = next_tick(&config.service, Timestamp::now());
        self.supervisor.expect(due);
        if let Some(account) = accounts.first() {
            account.turns.resize(&config.service);
        }
        self.service.config = config;
        let before = std::mem::replace(&mut self.service.accounts, accounts);
        self.in_force.send_replace(Arc::clone(&self.service.accounts));
        self.leave_alone_what_is_gone(&before);
        for account in self.service.accounts.iter() {
            if let Some(working) = self.busy.get_mut(&account.appid) {
                working.configured(account);
            }
        }
        self.metering = metering.take_over(self.metering.take()).await;
        if let Some(metering) = &mut self.metering {
            metering.configured(&self.service.config, &self.service.accounts, self.alarm.active());
        }
        self.keeper.take_over(&self.service.config.service, &self.service.accounts, Timestamp::now());
        self.keeper.expect(due);
        token::warn(&self.service.accounts);
        Ok(())
    }

    /// Nothing more is sent for an account that is not in the configuration any more; what is under way is settled.
    fn leave_alone_what_is_gone(&mut self, before: &[Account]) {
        let appids: HashSet<&AppId> = self.service.accounts.iter().map(|account| &account.appid).collect();
        let names: HashSet<&str> = self.service.accounts.iter().map(Account::name).collect();
        let gone = before.iter().filter(|account| !appids.contains(&account.appid));
        for account in gone {
            tracing::info!(account = %account.name, "the account is not worked any more");
            if let Some(working) = self.busy.get(&account.appid) {
                working.watch.stop.cancel();
            }
        }
        let known: HashSet<&AppId> = before.iter().map(|account| &account.appid).collect();
        for account in self.service.accounts.iter().filter(|account| !known.contains(&account.appid)) {
            tracing::info!(account = %account.name, "the account is worked from the next tick on");
        }
        self.urgent.retain(|name, _| names.contains(name.as_str()));
        self.standings.retain(|name| names.contains(name));
    }
}
