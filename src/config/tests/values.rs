//! Values, right and wrong, each with its place.

use super::*;

#[test]
fn an_account_overrides_what_it_names() {
    let text = format!(
        "{ACCOUNT}base_url = 'http://127.0.0.1:8080/x/'\npage_size = 10\nmax_in_flight = 16\ncalls_per_minute = 6000\ntimeout = '30s'\n\
         proxy = 'socks5h://10.0.0.1:1080'\nca_file = 'corp.pem'\nlimits = {{ agree_per_day = 0 }}\n\
         [[account]]\nname = 'b'\nappid = 'wy'\ntoken = {{ kind = 'stable', secret = {{ env = 'MENSHEN_APP_SECRET' }} }}\n\
         [wechat]\npage_size = 20\nproxy = 'http://proxy:3128'\n[limits]\nagree_per_day = 5\nrefuse_per_day = 6\nper_pass = 7\n",
    );
    let config = load_files(&[("menshen.toml", &text), ("corp.pem", PEM)], Need::Secrets).unwrap();
    let [a, b] = &config.accounts[..] else { panic!("two accounts") };
    assert_eq!(a.wechat.base_url, "http://127.0.0.1:8080/x");
    assert_eq!((a.wechat.page_size, a.wechat.max_in_flight, a.wechat.calls_per_minute), (10, 16, 6000));
    assert_eq!(a.wechat.timeout, Duration::from_secs(30));
    assert_eq!(a.wechat.proxy.as_ref().map(|proxy| proxy.expose()), Some("socks5h://10.0.0.1:1080"));
    assert_eq!(a.wechat.ca_file.as_ref().unwrap().pem[..], *PEM.as_bytes(), "relative to the file that names it");
    assert_eq!(a.limits, Limits { agree_per_day: Some(0), refuse_per_day: Some(6), per_pass: Some(7) });
    assert_eq!((b.wechat.page_size, b.wechat.max_in_flight), (20, 4));
    assert_eq!(b.wechat.proxy.as_ref().map(|proxy| proxy.expose()), Some("http://proxy:3128"));
    assert_eq!(b.limits, config.limits);
    assert_eq!(config.account_names, ["a", "b"]);
}

#[test]
fn numbers_are_served_where_it_says_and_nowhere_else() {
    assert_eq!(loaded("").metrics, None);
    let cases = [
        ("listen = '127.0.0.1:9870'", false, None),
        ("listen = '[::1]:9870'\nhealthy_within = '15m'", false, Some(Duration::from_secs(900))),
        ("listen = '0.0.0.0:9870'", true, None),
        ("listen = '192.0.2.7:0'\nhealthy_within = '1s'", true, Some(Duration::from_secs(1))),
    ];
    for (text, open, within) in cases {
        let metrics = loaded(&format!("[metrics]\n{text}")).metrics.unwrap();
        assert_eq!((metrics.is_open(), metrics.healthy_within), (open, within), "{text}");
        let account = format!("{ACCOUNT}[metrics]\n{text}\n");
        let warned = check_text(Path::new("menshen.toml"), &account, &surroundings()).unwrap().warnings;
        assert_eq!(
            warned.iter().map(|problem| problem.code).collect::<Vec<_>>(),
            if open { vec!["open-metrics"] } else { vec![] }
        );
    }
}

#[test]
fn wrong_values_are_told_with_their_place() {
    for (text, expected) in [
        ("zzz = 1", &["unknown-key 1:1"][..]),
        ("[servce]", &["unknown-key 1:2"]),
        ("[nowhere]", &["unknown-key 1:2"]),
        ("service = 1", &["kind 1:11"]),
        ("[service]\nmode = 'dry'", &["value 2:8"]),
        ("[service]\ntimezone = 'Asia/Shangai'", &["timezone 2:12"]),
        ("[service]\ntimezone = ''", &["empty 2:12"]),
        ("[service]\nstate_dir = ''", &["empty 2:13"]),
        ("[service]\nstate_dir = 1", &["kind 2:13"]),
        ("[wechat]\npage_size = 0", &["range 2:13"]),
        ("[wechat]\nmax_in_flight = 0", &["range 2:17"]),
        ("[wechat]\ncalls_per_minute = -1", &["range 2:20"]),
        ("[wechat]\ntimeout = 10", &["kind 2:11"]),
        ("[wechat]\ntimeout = '0s'", &["range 2:11"]),
        ("[wechat]\nproxy = 'proxy'", &["url 2:9"]),
        ("[wechat]\nproxy = 'ftp://proxy'", &["url 2:9"]),
        ("[wechat]\nlimits = {}", &["unknown-key 2:1"]),
        ("[limits]\nagree_per_day = -1", &["range 2:17"]),
        ("[limits]\nagree = 1", &["unknown-key 2:1"]),
        ("[pending]\nwindow = '0s'", &["range 2:10"]),
        ("[metrics]", &["missing 1:1"]),
        ("[metrics]\nlisten = 'localhost:9870'", &["value 2:10"]),
        ("[metrics]\nlisten = '127.0.0.1'", &["value 2:10"]),
        ("[metrics]\nlisten = 9870", &["kind 2:10"]),
        ("[metrics]\nlisten = '0.0.0.0:9870'", &[]),
        ("[metrics]\nlisten = '127.0.0.1:9870'\nhealthy_within = '0s'", &["range 3:18"]),
        ("[metrics]\nlisten = '127.0.0.1:9870'\npath = '/'", &["unknown-key 3:1"]),
        ("[pending]\nwarn_before = '24h'", &["range 2:15"]),
        ("[pending]\nwindow = '5h'", &["range 2:10"]),
        ("[pending]\nwindow = '48h'\nwarn_before = '30h'", &[]),
        ("[[rule]]\nname = 'r'\naction = 'hold'\nwhen = { always = true }\naccounts = ['b']", &["unknown-name 5:13"]),
        ("[[rule]]\nname = 'r'\naction = 'hold'\nwhen = { always = true }\naccounts = ['a']", &[]),
    ] {
        check(text, expected);
    }
}

#[test]
fn addresses() {
    for address in [
        "https://api.weixin.qq.com",
        "https://api.weixin.qq.com:443/",
        "HTTPS://Example.COM/a/b/",
        "http://127.0.0.1:9",
        "http://127.9.9.9",
        "http://[::1]:80",
        "http://localhost:8080",
    ] {
        check(&format!("[wechat]\nbase_url = '{address}'"), &[]);
    }
    for (address, code) in [
        ("http://api.weixin.qq.com", "insecure"),
        ("http://10.0.0.1", "insecure"),
        ("http://128.0.0.1", "insecure"),
        ("http://localhost.example.com", "insecure"),
        ("http://127.0.0.1.example.com", "insecure"),
        ("http://[::2]", "insecure"),
        ("http://0.0.0.0", "insecure"),
        ("ftp://127.0.0.1", "url"),
        ("api.weixin.qq.com", "url"),
        ("", "empty"),
        ("https://", "url"),
        ("https://a?b=c", "url"),
        ("https://a#b", "url"),
        ("https://u:p@a", "url"),
        ("https://u@a", "url"),
    ] {
        check(&format!("[wechat]\nbase_url = '{address}'"), &[&format!("{code} 2:12")]);
    }
}

#[test]
fn schedules() {
    for (text, pattern) in [
        ("0 */2 * * * *", "0 */2 * * * *"),
        ("*/10 * * * *", "0 */10 * * * *"),
        (" 0 30 9 * * MON-FRI ", "0 30 9 * * MON-FRI"),
        ("0 0 0 1 1 * 2099", "0 0 0 1 1 * 2099"),
        ("@hourly", "@hourly"),
    ] {
        assert_eq!(Schedule::parse(text).unwrap().pattern(), pattern);
        // The scheduler itself takes what we took.
        assert!(tokio_cron_scheduler::Job::new(pattern, |_, _| {}).is_ok(), "{pattern}");
    }
    for text in
        ["* * * *", "61 * * * * *", "x", "@every 5s", "0 0 0 31 2 *", "0 0 0 1 1 * 2020", "* * * * * * * *", "每小时"]
    {
        assert!(Schedule::parse(text).is_err(), "{text}");
        check(&format!("[service]\nschedule = '{text}'"), &["schedule 2:12"]);
    }
}

#[test]
fn wrong_accounts_are_told_with_their_place() {
    check_whole("", &["missing 1:1"]);
    check_whole("account = []", &["missing 1:1"]);
    check_whole("[account]\nname = 'a'", &["kind 1:1"]);
    let token = "token = { secret = { env = 'MENSHEN_APP_SECRET' } }";
    for (text, expected) in [
        ("", &["missing 1:1", "missing 1:1", "missing 1:1"][..]),
        ("name = ''\nappid = 'wx'\nTOKEN", &["empty 2:8"]),
        ("name = 'a'\nappid = ' wx'\nTOKEN", &["value 3:9"]),
        ("name = 'a'\nappid = 5\nTOKEN", &["kind 3:9"]),
        ("name = 'a'\nappid = 'wx'\nTOKEN\nappsecret = 'x'", &["unknown-key 5:1"]),
        ("name = 'a'\nappid = 'wx'\nTOKEN\nbase_url = 'http://example.com'", &["insecure 5:12"]),
        ("name = 'a'\nappid = 'wx'\nTOKEN\nlimits = { agree_per_dya = 1 }", &["unknown-key 5:12"]),
        ("name = 'a'\nappid = 'wx'\nTOKEN\nlimits = 5", &["kind 5:10"]),
        ("name = 'a'\nappid = 'wx'\nTOKEN\n[[account]]\nname = 'a'\nappid = 'wy'\nTOKEN", &["duplicate 6:8"]),
        ("name = 'a'\nappid = 'wx'\nTOKEN\n[[account]]\nname = 'b'\nappid = 'wx'\nTOKEN", &["duplicate 7:9"]),
        ("name = 'a'\nappid = 'wx'\ntoken = 'x'", &["kind 4:9"]),
        ("name = 'a'\nappid = 'wx'\ntoken = {}", &["missing 4:9"]),
        ("name = 'a'\nappid = 'wx'\ntoken = { kind = 'stabel', secret.env = 'MENSHEN_APP_SECRET' }", &["value 4:18"]),
        ("name = 'a'\nappid = 'wx'\ntoken = { kind = 'nonne' }", &["value 4:18"]),
    ] {
        check_whole(&format!("[[account]]\n{}", text.replace("TOKEN", token)), expected);
    }
}

#[test]
fn time_zones() {
    for (written, name) in
        [("UTC", "UTC"), ("asia/shanghai", "Asia/Shanghai"), ("Europe/Berlin", "Europe/Berlin"), ("PRC", "PRC")]
    {
        assert_eq!(loaded(&format!("[service]\ntimezone = '{written}'")).service.timezone_name, name);
    }
    for wrong in ["Local", "+08:00", "Etc/Unknown", "../etc/passwd", "北京"] {
        check(&format!("[service]\ntimezone = '{wrong}'"), &["timezone 2:12"]);
    }
}

#[test]
fn a_schedule_is_told_which_part_is_wrong() {
    for (text, expected) in [
        ("* * * *", "it has 4 fields"),
        ("0 */2 * * 8", "weekday `8`: number out of bounds"),
        ("0 61 * * * *", "minute `61`: number out of bounds"),
        ("0 0 0 31 2 *", "no such moment comes any more"),
        ("@every 5s", "the short forms are @yearly, @monthly, @weekly, @daily and @hourly"),
    ] {
        assert_eq!(Schedule::parse(text).unwrap_err(), expected, "{text}");
    }
}
