//! Questions by hand: one page of the list, the plugins in use, quota, and what became of a call. They change nothing.

use super::{ACK_MAX_BYTES, Client, PAGE_MAX_BYTES, Request};
use crate::wechat::{
    CallRecord, Entry, Error, PluginInUse, Quota, read_entries,
    wire::{self, DEVPLUGIN, LIST},
};

impl Client {
    /// The entries of one page of `dev_apply_list`, from 1, with all their words whatever their status; asked for once.
    ///
    /// # Errors
    /// As [`Client::slot`], and what WeChat answered.
    pub async fn entries(&self, page: u32, page_size: u32) -> Result<Vec<Result<Entry, String>>, Error> {
        let slot = self.slot().await?;
        let body = wire::list_request(page, page_size).into();
        let request = Request { path: DEVPLUGIN, action: LIST, body, limit: PAGE_MAX_BYTES };
        let read = |body: &[u8], secrets: &[&str]| {
            // What is no page is told as when the whole list is read.
            wire::read_page_without(body, page, secrets)?;
            read_entries(body)
        };
        self.call(slot, request, read).await.result
    }

    /// The plugins this mini program uses or asked for (`/wxa/plugin`, `list`).
    ///
    /// # Errors
    /// As [`Client::slot`], and what WeChat answered.
    pub async fn plugins_in_use(&self) -> Result<Vec<PluginInUse>, Error> {
        self.ask(wire::PLUGIN, "list", wire::plugins_request(), wire::read_plugins).await
    }

    /// What is left of the daily quota of `/wxa/devplugin`.
    ///
    /// # Errors
    /// As [`Client::slot`], and what WeChat answered.
    pub async fn quota(&self) -> Result<Quota, Error> {
        self.quota_of(DEVPLUGIN).await
    }

    /// What is left of the daily quota of an interface, named by its path: a leading slash, no host.
    ///
    /// # Errors
    /// As [`Client::slot`], and what WeChat answered: 76003 for a path it does not take.
    pub async fn quota_of(&self, cgi_path: &str) -> Result<Quota, Error> {
        self.ask(wire::QUOTA, "quota/get", wire::quota_request(cgi_path), wire::read_quota).await
    }

    /// What WeChat recorded of a call of this account, by its request id, for seven days.
    ///
    /// # Errors
    /// As [`Client::slot`], and what WeChat answered: 76001 not found, 76002 no request id, 76003 another account's.
    pub async fn call_record(&self, rid: &str) -> Result<CallRecord, Error> {
        self.ask(wire::RID, "rid/get", wire::rid_request(rid), wire::read_call_record).await
    }

    async fn ask<T>(
        &self,
        path: &'static str,
        action: &'static str,
        body: Vec<u8>,
        read: impl Fn(&[u8], &[&str]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let slot = self.slot().await?;
        // A record of a call holds a whole page of the list, in a string.
        let limit = if path == wire::RID { 2 * PAGE_MAX_BYTES } else { ACK_MAX_BYTES };
        self.call(slot, Request { path, action, body: body.into(), limit }, read).await.result
    }
}
