//! What WeChat's numbers mean, and what to do about each.
//!
//! Hides nothing and decides nothing: one table, sorted by number, with the
//! class the callers act on and the words a person is helped by. Only numbers
//! that the plugin and token endpoints can answer are here; others are unknown
//! to [`explain`] and treated with doubt.

use super::Class;

/// One errcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// WeChat's number.
    pub errcode: i64,
    /// What the caller does next.
    pub class: Class,
    /// What it means.
    pub meaning: &'static str,
    /// What a person (or menshen) does about it.
    pub advice: &'static str,
}

/// Looks an errcode up; `None` for 0 and for numbers that are not documented for these endpoints.
pub fn explain(errcode: i64) -> Option<&'static Meaning> {
    let place = TABLE.binary_search_by_key(&errcode, |meaning| meaning.errcode).ok()?;
    Some(&TABLE[place])
}

/// Whether WeChat, by answering this, says that it changed nothing.
///
/// A busy system may have done the work all the same, and so may one that
/// answers a number nobody has documented.
pub(crate) fn proves_nothing_done(errcode: i64) -> bool {
    explain(errcode).is_some_and(|meaning| meaning.class != Class::Retry)
}

const fn row(errcode: i64, class: Class, meaning: &'static str, advice: &'static str) -> Meaning {
    Meaning { errcode, class, meaning, advice }
}

/// Shared advice where several numbers ask for the same.
const AUTHORIZE: &str = "the owner of the mini program authorizes the third-party platform again";
const ADMIN_IP: &str =
    "the mini program's admin confirms this server's IP in the message WeChat sent him (管理员确认 IP)";
const REREAD: &str = "nothing to do: the list is read again and says where it stands";
const REPORT: &str = "this is a mistake of menshen's: please report it with the rid";
const KEYS: &str =
    "compare the keys of 开发管理 - 开发设置 - API安全 with what menshen sends, or switch API security off";
const TICKET: &str = "the next ticket comes within 10 minutes (menshen asks for it with api_start_push_ticket); see that [platform] ticket is the newest";
const PERMISSIONS: &str =
    "settle the permission sets (权限集) of the third-party platform in its console, then authorize again";

/// Every documented errcode of `/wxa/devplugin`, `/wxa/plugin`, the token endpoints and `/cgi-bin/openapi`, ascending.
///
/// Sources: the error tables of developers.weixin.qq.com (api_managepluginapplication,
/// api_manageplugin, pluginManager.setDevPluginApplyStatus, api_getstableaccesstoken,
/// api_signature, third-party platform FAQ); where a row came from elsewhere it says so.
pub(crate) const TABLE: &[Meaning] = {
    use Class::{Bug, Human, Pause, Refresh, Retry, State};
    &[
        // docs.cloudbase.net, "cloud-call-604101-permission-error"
        row(
            -604_101,
            Human,
            "the cloud function lacks the permission (云调用权限)",
            "add the API to config.json; it takes effect within 10 minutes",
        ),
        row(-1, Retry, "system busy (系统繁忙)", "try again shortly"),
        row(
            40001,
            Refresh,
            "the credential is invalid or not the latest; at the token endpoint: wrong AppSecret",
            "check the AppSecret, and that no other system takes tokens for this appid by cgi-bin/token",
        ),
        row(40002, Bug, "bad grant_type", REPORT),
        row(40013, Human, "invalid appid", "check the account's appid in the configuration"),
        row(40014, Refresh, "invalid access_token", "a new token is asked for"),
        row(40097, Bug, "bad argument", REPORT),
        row(40101, Bug, "a required parameter is missing", REPORT),
        row(40125, Human, "invalid AppSecret", "check the AppSecret; after a reset in the console use the new one"),
        row(
            40164,
            Human,
            "this server's IP is not on the white list (IP白名单)",
            "add the server's IP to 开发管理 - 开发设置 - IP白名单",
        ),
        row(40230, Human, "API security: no serial number", KEYS),
        row(40231, Human, "API security: no timestamp", KEYS),
        row(40232, Human, "API security: no signature", KEYS),
        row(40233, Human, "API security: no appid", KEYS),
        row(40234, Human, "API security: bad signature", KEYS),
        row(40235, Human, "API security: bad encryption", KEYS),
        row(40236, Human, "API security: bad appid", KEYS),
        row(40237, Human, "API security: appid and token belong to different accounts", KEYS),
        row(40238, Human, "API security: no symmetric key is set", KEYS),
        row(40239, Human, "API security: no public key is set", KEYS),
        row(40240, Human, "API security: the timestamp is too old", "check this server's clock"),
        row(41001, Bug, "access_token is missing", REPORT),
        row(41002, Bug, "appid is missing", "check the account's appid in the configuration"),
        row(41004, Bug, "the AppSecret is missing", "check the account's secret in the configuration"),
        row(42001, Refresh, "the access_token has expired", "a new token is asked for"),
        row(42007, Human, "the tokens ended because the owner changed his password", AUTHORIZE),
        row(43002, Bug, "the call needs POST", REPORT),
        row(44002, Bug, "the body is empty", REPORT),
        row(
            45009,
            Pause,
            "the daily quota is used up (接口调用超过限制)",
            "wait for midnight Beijing time; clear_quota restores it ten times a month",
        ),
        row(45011, Pause, "too many calls in this minute (调用太频繁)", "wait a minute; lower wechat.calls_per_minute"),
        row(45035, Human, "the IP is not registered", "register this server's IP in the console"),
        row(47001, Bug, "the body cannot be parsed", REPORT),
        row(
            48001,
            Human,
            "the API is not authorized for this account, or the token belongs to another kind of account",
            "check that the appid is the mini program that owns the plugin",
        ),
        row(48004, Human, "the API is banned for irregularities (接口被封禁)", "see the notice in the console"),
        row(48006, Human, "this month's chances to clear the quota are used up", "wait for midnight Beijing time"),
        row(50002, Human, "the account is restricted (frozen or cancelled)", "see the notice in the console"),
        row(61003, Human, "the mini program has not authorized the third-party platform", AUTHORIZE),
        row(
            61004,
            Human,
            "the third-party platform's IP is not registered",
            "register this server's IP in its console",
        ),
        row(61005, Human, "the component ticket has expired (component_verify_ticket)", TICKET),
        row(61006, Human, "the component ticket is invalid (component_verify_ticket)", TICKET),
        row(
            61007,
            Human,
            "the permission set of this API is not granted to the platform",
            "the owner grants permission set 40 (插件管理) and authorizes again",
        ),
        row(61009, Human, "the authorization code is invalid", AUTHORIZE),
        row(61010, Human, "the authorization code has expired", AUTHORIZE),
        row(61011, Human, "invalid component (third-party platform)", "check the platform's appid"),
        row(61014, Bug, "a component API was called without a component token", REPORT),
        row(61016, Human, "the platform's permission sets wait for confirmation", PERMISSIONS),
        row(61017, Human, "the platform's permission sets wait for confirmation", PERMISSIONS),
        row(61018, Human, "the platform's permission sets wait for confirmation", PERMISSIONS),
        row(61019, Human, "the platform's permission sets wait for confirmation", PERMISSIONS),
        row(61020, Human, "the platform's permission sets wait for confirmation", PERMISSIONS),
        row(61021, Human, "the platform's permission sets wait for confirmation", PERMISSIONS),
        row(61022, Human, "the platform's permission sets wait for confirmation", PERMISSIONS),
        // Seen in client libraries; the FAQ says the caller often sent null.
        row(
            61023,
            Human,
            "the refresh token is invalid",
            "take it anew from api_get_authorizer_list, else the owner authorizes again",
        ),
        row(61028, Human, "the third-party platform is not published, or its permissions wait", PERMISSIONS),
        row(61029, Human, "the third-party platform is not published, or its permissions wait", PERMISSIONS),
        row(
            76001,
            Human,
            "the rid was not found",
            "a rid is kept for 7 days, and only for the account that made the call",
        ),
        row(
            76002,
            Human,
            "the rid has a wrong format",
            "it is three groups of hexadecimal digits, as in 61725984-6126f6f9-040f19c4",
        ),
        row(
            76003,
            Human,
            "no permission for this rid or cgi_path",
            "ask with the account that made the call; a cgi_path begins with a slash and has no host",
        ),
        row(76022, Human, "calls of the sns interfaces cannot be looked up", "look up calls of other interfaces"),
        row(
            80067,
            Human,
            "the plugin in use was not found",
            "check the plugin's appid; `list` shows the plugins in use",
        ),
        row(89044, Human, "the plugin's appid does not exist", "check that this account owns a plugin"),
        row(89236, Human, "the plugin cannot be applied for", "ask the plugin's owner"),
        row(89237, State, "the plugin is already added", "nothing to do"),
        row(89238, Human, "the applicant's limit of plugins is reached", "the applicant removes a plugin first"),
        row(89239, Human, "the plugin does not exist", "check the plugin's appid"),
        row(89240, State, "the application is not pending any more", REREAD),
        row(89241, State, "only refused and timed-out applications can be deleted", REREAD),
        row(89242, State, "the appid is not in the list of applications (withdrawn?)", REREAD),
        row(89243, State, "a pending application cannot be deleted", REREAD),
        // 89244 to 89247 are seen in client libraries only.
        row(89244, Human, "the plugin's appid does not exist", "check that this account owns a plugin"),
        row(89245, Human, "this mini program is forbidden to link", "decide it in the console"),
        row(
            89246,
            Human,
            "plugins of this category are open to certain mini programs only",
            "decide it in the console",
        ),
        row(89247, Retry, "internal error at WeChat", "try again shortly"),
        row(
            89257,
            Human,
            "this version of the plugin does not support quick update",
            "choose a version that does, or update the plugin with the next release of the mini program",
        ),
        row(
            89258,
            Human,
            "a gradual release is under way, so there is no quick update",
            "finish or take back the gradual release (灰度发布) first",
        ),
        row(89259, Human, "a live-stream plugin may not be removed", "nothing to do"),
        row(89501, Human, "this server's IP waits for the admin's confirmation", ADMIN_IP),
        row(89502, Human, "this server's IP waits for the admin's confirmation", ADMIN_IP),
        row(89503, Human, "this server's IP needs the admin's confirmation", ADMIN_IP),
        row(89504, Human, "this server's IP waits for the admin's confirmation", ADMIN_IP),
        row(89505, Human, "this server's IP waits for the admin's confirmation", ADMIN_IP),
        row(
            89506,
            Pause,
            "the admin refused this server's IP twice: blocked for 24 hours",
            "talk to the admin; WeChat asks him again after 24 hours",
        ),
        row(
            89507,
            Pause,
            "the admin refused this server's IP: blocked for an hour",
            "talk to the admin; WeChat asks him again after an hour",
        ),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_says_something_everywhere() {
        assert!(TABLE.is_sorted_by(|a, b| a.errcode < b.errcode));
        for row in TABLE {
            assert!(row.errcode != 0, "0 is no error");
            assert!(!row.meaning.is_empty() && !row.advice.is_empty(), "{row:?}");
            assert_eq!(explain(row.errcode), Some(row));
        }
    }

    #[test]
    fn classes() {
        use Class::*;
        let cases: &[(&[i64], Class)] = &[
            (&[-1, 89247], Retry),
            (&[40001, 40014, 42001], Refresh),
            (&[89240, 89241, 89242, 89243], State),
            (&[45009, 45011, 89506, 89507], Pause),
            (&[40013, 40125, 40164, 40230, 40234, 40240, 42007, 45035, 48001, 48004, 50002, -604_101], Human),
            (&[61003, 61004, 61007, 61016, 61022, 61023, 61028, 61029, 89044, 89244, 89501, 89503, 89505], Human),
            (&[40002, 40097, 40101, 41001, 41002, 41004, 43002, 44002, 47001, 61014], Bug),
            (&[76001, 76002, 76003, 76022, 80067, 89257, 89258, 89259], Human),
        ];
        for (codes, class) in cases {
            for code in *codes {
                assert_eq!(explain(*code).map(|m| m.class), Some(*class), "{code}");
            }
        }
    }

    #[test]
    fn only_a_plain_no_proves_that_nothing_was_done() {
        for (code, proves) in
            [(-1, false), (89247, false), (12345, false), (0, false), (89240, true), (45009, true), (40001, true)]
        {
            assert_eq!(proves_nothing_done(code), proves, "{code}");
        }
    }

    #[test]
    fn what_is_not_documented_is_not_explained() {
        for code in [0, 1, 40000, 40241, 61008, 85001, i64::MIN, i64::MAX] {
            assert_eq!(explain(code), None, "{code}");
        }
    }
}
