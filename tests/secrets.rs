//! Nothing that is secret, and no applicant's word, in a log line, an error or a file where it does not belong.
//!
//! A canary of its own goes in as every secret, every token and every field of an
//! applicant; everything the program writes is then searched for all of them in
//! whatever they may be written, through success and every fault the sandbox knows.

mod support;

use menshen::sandbox::{Account, Application, Effect, Fault, Options, Platform, World};
use std::process::Command;
use support::canary::{Canaries, base64};
use support::process::{Done, Running, finish, side_by_side};
use support::{Scene, menshen};

/// Plus, slash and equals sign: escaped in URLs. The quote: escaped in JSON.
const SECRET: &str = "c4nary+S3cret/Value==\"end";
/// Of an account whose secret stands in a file, and of one that gets it from systemd.
const FILE_SECRET: &str = "f1le+C4nary/of-the-second==";
const CREDENTIAL: &str = "cr3dential+C4nary/of-the-third";
/// Of a third-party platform; of a token service: in its header, its query and the arguments of its command.
const PLATFORM: &str = "pl4tform+C4nary/of==the-platform";
const HEADER: &str = "he4der+C4nary/of==a-token-service";
const QUERY: &str = "qu3ry-C4nary-of-a-token-service";
const ARGUMENT: &str = "argum3nt+C4nary/of==a-command";
/// In the address of a proxy.
const PASSWORD: &str = "hunter2-C4nary";
const NICKNAME: &str = "金丝雀昵称";
const REASON: &str = "金丝雀申请说明，内有\"引号\"。";
const CATEGORY: &str = "金丝雀类目";
const PICTURE: &str = "http://wx.qlogo.cn/mmhead/c4nary-picture/0";
const CODE: &str = "http://mmbiz.qpic.cn/c4nary-code/0";
/// A field nobody reads.
const UNREAD: &str = "金丝雀未知字段";

/// Nowhere at all.
const SECRETS: [&str; 9] = [SECRET, FILE_SECRET, CREDENTIAL, PLATFORM, HEADER, QUERY, ARGUMENT, PASSWORD, UNREAD];

/// What must not be found, by where it must not be.
struct Nets {
    /// Nowhere at all: secrets, tokens, and what no field of ours is for.
    secret: Canaries,
    /// In no log, no error and no state file but the audit log.
    words: Canaries,
    /// In the audit log, but in its table of words alone.
    erasable: Canaries,
}

impl Nets {
    fn new(tokens: &[String]) -> Nets {
        let tokens = tokens.iter().map(String::as_str);
        Nets {
            secret: Canaries::new(SECRETS.into_iter().chain(tokens)),
            words: Canaries::new([NICKNAME, REASON, CATEGORY, PICTURE, CODE]),
            erasable: Canaries::new([NICKNAME, REASON, PICTURE, CODE]),
        }
    }

    /// Logs and errors show nothing; results may show an applicant's words.
    #[track_caller]
    fn check(&self, place: &str, done: &Done) {
        self.secret.absent(done.err.as_bytes(), &format!("{place}: stderr"));
        self.words.absent(done.err.as_bytes(), &format!("{place}: stderr"));
        self.secret.absent(done.out.as_bytes(), &format!("{place}: stdout"));
    }

    /// No secret in any file, and an applicant's words in the audit log alone.
    #[track_caller]
    fn check_files(&self, scene: &Scene) {
        self.secret.absent_below(&scene.state_dir(), None);
        self.words.absent_below(&scene.state_dir(), Some("menshen.db"));
    }

    /// Of the audit log, all tables but `words`, as SQLite reads them.
    async fn check_tables(&self, scene: &Scene) {
        use sqlx::{Connection as _, Row as _};
        let mut connection = scene.connect().await;
        let tables =
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('words', '_sqlx_migrations')";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.expect("tables");
        assert!(tables.iter().any(|table| table == "decisions"));
        for table in tables {
            let query = format!("SELECT * FROM \"{table}\"");
            let rows = sqlx::query(sqlx::AssertSqlSafe(query)).fetch_all(&mut connection).await.expect("rows");
            for (row, column) in rows.iter().flat_map(|row| (0..row.len()).map(move |column| (row, column))) {
                let bytes: Option<Vec<u8>> = row.try_get_unchecked(column).expect("any value is bytes");
                self.erasable.absent(&bytes.unwrap_or_default(), &table);
            }
        }
        connection.close().await.expect("closed");
    }
}

fn options() -> Options {
    let more = [("wx2222222222222222", FILE_SECRET), ("wx3333333333333333", CREDENTIAL)];
    let more = more.map(|(appid, secret)| Account::plugin(appid, secret));
    let accounts = [Account::plugin(Account::DEFAULT_APPID, SECRET)].into_iter().chain(more).collect();
    Options { accounts, ..Options::empty() }
}

fn applicant(number: usize, more: &str) -> Application {
    let at = jiff::Timestamp::now().as_second() - 3_600;
    let application = Application::new(format!("wx-{number}")).created_at(at + number as i64);
    application
        .nickname(NICKNAME)
        .reason(format!("{REASON}{more}"))
        .categories([(CATEGORY, CATEGORY), ("物流服务", "查件")])
        .sent_as("headimgurl", PICTURE.into())
        .sent_as("apply_url", CODE.into())
        .sent_as("apply_desc", UNREAD.into())
}

/// Three accounts, each with its secret from elsewhere; one has applicants, some to be agreed, refused and held.
async fn scene() -> Scene {
    let scene = Scene::of(World::in_memory(options())).await;
    let refuse = "[[rule]]\nname = \"gambling\"\naction = \"refuse\"\nmessage = \"「{keyword}」{nickname}{category}\"\nwhen = { reason = { any = [\"赌博\"] } }\n";
    let agree = "[[rule]]\nname = \"anything\"\naction = \"agree\"\nwhen = { reason = { regex = [\"金.雀\"] }, category = { any = [\"物流服务\"] } }\n";
    let scene = scene.rules(&format!("{refuse}{agree}{}", support::RULES));
    for (number, more) in ["", "", "赌博", "合作", "赌博"].into_iter().enumerate() {
        scene.arrive(applicant(number, more));
    }
    for (file, secret) in [("second", FILE_SECRET), ("third", CREDENTIAL)] {
        std::fs::write(scene.dir.path().join(file), secret).expect("a secret's file");
    }
    let account = |name: &str, appid: &str, secret: &str| {
        format!(
            "[[account]]\nname = \"{name}\"\nappid = \"{appid}\"\nbase_url = \"{}\"\ntimeout = \"2s\"\ntoken = {{ secret = {secret} }}\n",
            scene.base_url
        )
    };
    let second = account("second", "wx2222222222222222", "{ file = \"second\" }");
    let third = account("third", "wx3333333333333333", "{ credential = \"third\" }");
    // The proxy is not used for loopback.
    let settings = format!("max_in_flight = 2\nproxy = \"http://someone:{PASSWORD}@127.0.0.1:9\"\n{second}{third}");
    scene.settings(&settings)
}

/// The tokens WeChat hands out now; the same ones the program gets, while they live.
fn tokens(world: &World) -> Vec<String> {
    let token = |account: Account| {
        let asked = serde_json::json!({
            "grant_type": "client_credential", "appid": account.appid, "secret": account.secret,
        });
        let (_, answer) = world.ask("POST", "/cgi-bin/stable_token", asked.to_string().as_bytes());
        let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
        answer["access_token"].as_str().expect("a token").to_owned()
    };
    options().accounts.into_iter().map(token).collect()
}

fn loud<'c>(scene: &Scene, command: &'c mut Command) -> &'c mut Command {
    let command = command.env("SECRET", SECRET).env("CREDENTIALS_DIRECTORY", scene.dir.path());
    command.env("RUST_LOG", "trace,menshen=trace,hyper=trace,reqwest=trace,sqlx=trace").env("RUST_BACKTRACE", "full")
}

fn run(scene: &Scene, args: &str) -> Done {
    finish(loud(scene, &mut scene.menshen(args.split_whitespace())))
}

/// Every effect the sandbox has, as its own complaint about an unknown one lists them, each with a value.
fn effects() -> Vec<String> {
    let listed = Fault::parse("*:none-of-these").expect_err("no such effect").to_string();
    let (_, listed) = listed.split_once("expected one of ").expect("a list");
    let (staged, rest) = listed.split_once(" (each").expect("those that have a stage");
    let (_, rest) = rest.split_once("), ").expect("those that have none");
    let (once, kinds) = rest.split_once(", malformed=KIND or malformed=KIND/EVERY with KIND one of ").expect("kinds");
    let words = |list: &str| list.split(", ").map(|word| word.trim().to_owned()).collect::<Vec<_>>();
    let staged = words(staged).into_iter().flat_map(|word| valued(&word));
    let staged = staged.flat_map(|effect| {
        let (name, value) =
            effect.split_once('=').map_or((effect.as_str(), String::new()), |(n, v)| (n, format!("={v}")));
        [format!("{name}{value}"), format!("{name}-after{value}")]
    });
    let once = words(once).into_iter().flat_map(|word| valued(&word));
    staged.chain(once).chain(words(kinds).into_iter().map(|kind| format!("malformed={kind}"))).collect()
}

/// An effect as the list shows it, with values in the place of the capitals.
fn valued(word: &str) -> Vec<String> {
    let (name, value) = word.split_once('=').unwrap_or((word, ""));
    let values: &[&str] = match value {
        "" => return vec![word.to_owned()],
        "N" if name == "errcode" => &["40001", "40125", "45009", "89240", "4711"],
        // A page behind the second is asked for in vain, or not at all.
        "N" if name == "repeat-page" => &["1"],
        "N" => &["2"],
        "STATUS" => &["502", "302"],
        "BYTES" => &["30000000"],
        "TYPE" => &["text/html"],
        "MS" => &["5"],
        "JSON" => &["0", "\"soon\"", "-1"],
        "READINGS|lag=NNNms" => &["2", "5ms"],
        choices if choices.contains('|') => return choices.split('|').map(|one| format!("{name}={one}")).collect(),
        _ => panic!("a new kind of fault: {word}; say here which values are tried"),
    };
    values.iter().map(|value| format!("{name}={value}")).collect()
}

#[test]
fn the_faults_tried_are_all_there_are() {
    let effects = effects();
    assert!(effects.len() > 50, "{effects:?}");
    let parsed = |effect: &String| Fault::parse(&format!("*:{effect}")).unwrap_or_else(|error| panic!("{error}"));
    assert!(effects.iter().any(|effect| parsed(effect).effect == Effect::Truncated));
}

#[test]
fn no_canary_through_any_fault() {
    // The malformed ones together, each at an applicant of its own.
    let (malformed, others): (Vec<_>, Vec<_>) =
        effects().into_iter().partition(|effect| effect.starts_with("malformed="));
    let calls = ["stable_token", "dev_apply_list", "dev_agree", "dev_refuse"];
    let stories = others.into_iter().map(|effect| calls.map(|call| format!("{call}:{effect}:1")).to_vec());
    let malformed = malformed.iter().enumerate();
    let malformed =
        malformed.map(|(number, effect)| format!("dev_apply_list@appid=wx-{}:{effect}:always", 10 + number));
    let dying = ["dev_agree:token-dies:1", "stable_token:errcode=40125:2", "devplugin:errcode=42001:always"];
    let more = [malformed.collect(), dying.map(str::to_owned).to_vec(), Vec::new()];
    side_by_side(stories.chain(more), async |faults: Vec<String>| {
        let scene = scene().await;
        (10..30).for_each(|number| scene.arrive(applicant(number, "")));
        let mut seen = tokens(&scene.world);
        let possible: Vec<&String> = faults.iter().filter(|fault| Fault::parse(fault).is_ok()).collect();
        possible.iter().for_each(|fault| scene.fault(fault));
        let done = ["run --once --log json", "--dry-run", "run --once"].map(|args| run(&scene, args));
        let unused = scene.world.unused_faults();
        assert!(possible.is_empty() || unused.len() < possible.len(), "nothing of it came about: {unused:?}");
        scene.calm();
        seen.extend(tokens(&scene.world));
        let nets = Nets::new(&seen);
        done.iter().for_each(|done| nets.check(&format!("{faults:?}"), done));
        assert!(done[0].err.contains("\"level\"") && done[2].err.contains("INFO"), "{}", done[0].err);
        nets.check_files(&scene);
        if scene.database().exists() {
            nets.check_tables(&scene).await;
        }
    });
}

/// An account of a third-party platform, and two whose tokens somebody else hands out.
async fn delegated() -> Scene {
    let platform = Platform { secret: PLATFORM.to_owned(), ..Platform::default() };
    let mut scene = Scene::of(World::in_memory(Options { platform: Some(platform), ..options() })).await;
    scene.arrive(applicant(1, ""));
    let file = |name: &str, text: &str| std::fs::write(scene.dir.path().join(name), text).expect("a file");
    file("ticket", &scene.world.ticket());
    file("platform", PLATFORM);
    file("header", HEADER);
    let account = |name: &str, appid: &str, token: &str| {
        let base_url = &scene.base_url;
        format!(
            "[[account]]\nname = \"{name}\"\nappid = \"{appid}\"\nbase_url = \"{base_url}\"\ntoken = {{ {token} }}\n"
        )
    };
    let url = format!("{}/sandbox/none?key={QUERY}", scene.base_url);
    let url = format!(
        "kind = \"external\", url = \"{url}\", header = {{ name = \"X-Key\", secret = {{ file = \"header\" }} }}"
    );
    let settings = [
        format!("proxy = \"http://someone:{PASSWORD}@127.0.0.1:9\"\n"),
        account("third", "wx3333333333333333", "kind = \"authorizer\""),
        account("url", "wx-url", &url),
        account("command", "wx-command", &format!("kind = \"external\", command = [\"cat\", \"{ARGUMENT}\"]")),
        format!("[platform]\nappid = \"{}\"\n", Platform::DEFAULT_APPID),
        "secret = { file = \"platform\" }\nticket = { file = \"ticket\" }\n".to_owned(),
    ];
    scene.settings = settings.concat();
    scene
}

#[test]
fn no_canary_of_those_who_hand_out_tokens() {
    let calls = ["component_token", "authorizer_token"];
    let stories = effects().into_iter().filter(|effect| !effect.starts_with("malformed="));
    let stories = stories.map(|effect| calls.map(|call| format!("{call}:{effect}:1")));
    side_by_side(stories, async |faults: [String; 2]| {
        let scene = delegated().await;
        faults.iter().filter(|fault| Fault::parse(fault).is_ok()).for_each(|fault| scene.fault(fault));
        let mut command = scene.menshen(["run", "--once"]);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let done = finish(loud(&scene, &mut command));
        scene.calm();
        let mut seen = tokens(&scene.world);
        seen.push(scene.world.ticket());
        let nets = Nets::new(&seen);
        nets.check(&format!("{faults:?}"), &done);
        for account in ["third", "url", "command"] {
            assert!(done.err.contains(account), "it was worked: {}", done.err);
        }
        nets.check_files(&scene);
        // A refresh token stands in its own file and nowhere else.
        let kept = scene.state_dir().join("refresh_tokens");
        let kept = kept.join(format!("{}-wx3333333333333333", Platform::DEFAULT_APPID));
        if let Ok(refresh_token) = std::fs::read_to_string(kept) {
            let net = Canaries::new([refresh_token.as_str()]);
            net.absent(done.err.as_bytes(), "stderr");
            net.absent_below(&scene.state_dir(), Some("refresh_tokens"));
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_where_nobody_answers() {
    // A port nobody listens on, a proxy that refuses, a name that does not resolve.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback").local_addr().expect("bound").port();
    let nets = Nets::new(&[]);
    let proxy = |scheme: &str| format!("proxy = \"{scheme}://someone:{PASSWORD}@127.0.0.1:{free}\"");
    for (base_url, more) in [
        (format!("http://127.0.0.1:{free}"), String::new()),
        (format!("https://127.0.0.1:{free}"), String::new()),
        ("https://api.menshen.invalid".to_owned(), proxy("http")),
        ("https://api.menshen.invalid".to_owned(), proxy("socks5")),
    ] {
        let mut scene = scene().await.settings(&more);
        scene.base_url.clone_from(&base_url);
        for args in ["--dry-run", "run --once", "doctor", "doctor --format json --yes"] {
            let done = run(&scene, args);
            assert_eq!(done.status, Some(1), "{base_url} {more}\n{}\n{}", done.out, done.err);
            nets.check(&base_url, &done);
        }
        nets.check_files(&scene);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_in_the_log_of_the_service() {
    let mut scene = scene().await;
    scene.service = "mode = \"live\"\nschedule = \"* * * * * *\"".to_owned();
    let mut seen = tokens(&scene.world);
    scene.fault("dev_agree:hang-after:1");
    scene.fault("dev_apply_list:html:#3");
    let service = Running::start(loud(&scene, &mut scene.menshen(["run"])));
    service.line("pending of 5", 1);
    options().accounts.iter().for_each(|account| scene.world.revoke_tokens(&account.appid));
    scene.arrive(applicant(9, ""));
    service.line("1 agreed", 1);
    let text = std::fs::read_to_string(scene.config_path()).expect("a file");
    let inline = format!("secret = {}", serde_json::Value::from(SECRET));
    std::fs::write(scene.config_path(), text.replace("secret = { env = \"SECRET\" }", &inline)).expect("a file");
    service.signal(rustix::process::Signal::HUP);
    service.line("the configuration stays as it was", 1);
    seen.extend(tokens(&scene.world));
    service.signal(rustix::process::Signal::TERM);
    let done = service.wait().exits(0);
    let nets = Nets::new(&seen);
    nets.check("service", &done);
    nets.check_files(&scene);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_in_what_only_looks() {
    let scene = scene().await;
    let nets = Nets::new(&tokens(&scene.world));
    run(&scene, "run --once").exits(0);
    for args in [
        "audit list",
        "audit list --format json",
        "audit list --format csv",
        "audit show 1",
        "audit show 1 --format json",
        "audit stats",
        "rules check",
        "rules test",
        "rules backtest",
        "rules explain wx-1",
        "rules explain wx-1 --format json",
        "rules explain wx-nobody",
        "pause --why because",
        "run --once",
        "resume",
        "--version",
        "completions bash",
        "man",
        "nonsense",
        "api dev_apply_list --account express",
        "api dev_apply_list --all --status pending --format json --account express",
        "api list --account express",
        "api quota --account express",
        "api rid 61725984-6126f6f9-040f19c4 --account express",
        "api token --account express",
        "api token --format json --account express",
        "api unbind wx-plugin --yes --account express",
        "api apply wx-plugin --reason because --yes --format json --account express",
        "audit uses",
        "--dry-run --format json",
        "--dry-run --format csv",
    ] {
        nets.check(args, &run(&scene, args));
    }
    for args in ["doctor", "doctor --format json --yes", "doctor --format csv --offline"] {
        let done = run(&scene, args);
        nets.check(args, &done);
        nets.words.absent(done.out.as_bytes(), args);
    }
    for mut args in helps(&scene, "") {
        args.push_str(" --help");
        nets.check(&args, &run(&scene, &args).exits(0));
    }
    nets.check_files(&scene);
    nets.check_tables(&scene).await;
    let found = run(&scene, "audit list --format json");
    assert!(nets.words.find(found.out.as_bytes()).is_some(), "results may show who applied: {}", found.out);
}

#[test]
fn no_canary_from_the_doctor_through_any_fault() {
    let calls = ["token", "stable_token", "dev_apply_list", "quota_get", "component_token"];
    side_by_side(effects(), async |effect: String| {
        for scene in [scene().await, delegated().await] {
            let specs = calls.map(|call| format!("{call}:{effect}:always"));
            specs.iter().filter(|spec| Fault::parse(spec).is_ok()).for_each(|spec| scene.fault(spec));
            let done = run(&scene, "doctor --format json --yes");
            scene.calm();
            let mut seen = tokens(&scene.world);
            seen.push(scene.world.ticket());
            let nets = Nets::new(&seen);
            nets.check(&effect, &done);
            nets.words.absent(done.out.as_bytes(), &effect);
            assert!(done.out.contains("\"id\":\"list\""), "{effect}: {}\n{}", done.out, done.err);
        }
    });
}

/// Every command and what is below it, as `--help` lists them.
fn helps(scene: &Scene, command: &str) -> Vec<String> {
    let help = run(scene, &format!("{command} --help")).out;
    let listed = help.split_once("\nCommands:\n").map_or("", |(_, rest)| rest.split("\n\n").next().unwrap_or(""));
    let names = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    let below = names.flat_map(|name| helps(scene, &format!("{command} {name}"))).collect::<Vec<_>>();
    [vec![command.to_owned()], below].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_in_a_configuration_error() {
    let scene = scene().await;
    let good = std::fs::read_to_string(scene.write_config()).expect("just written");
    let nets = Nets::new(&[]);
    let literal = serde_json::Value::from(SECRET).to_string();
    let wrong = |inside: &str| good.replace("token = { secret = { env = \"SECRET\" } }", inside);
    for text in [
        wrong(&format!("token = {{ secret = {literal} }}")),
        wrong(&format!("token = {{ secret = [{literal}] }}")),
        wrong(&format!("token = {{ secret = {{ value = {literal} }} }}")),
        wrong(&format!("token = {{ secrets = {literal} }}")),
        wrong(&format!("secret = {literal}")),
        wrong(&format!("token = {literal}")),
        wrong(&format!("token = {{ secret = {literal}")),
        wrong(&format!("token = {{ secret = {} }}", literal.trim_end_matches('"'))),
        good.replace("proxy = \"http://", "proxy = \"ftp://"),
        good.replace("proxy = ", "proxies = "),
        good.replace("@127.0.0.1:9\"", "@127.0.0.1:9"),
    ] {
        std::fs::write(scene.config_path(), &text).expect("a configuration");
        for args in [&["--dry-run"][..], &["run", "--once"], &["run"], &["audit", "list"]] {
            let done = finish(loud(&scene, &mut menshen(scene.dir.path())).args(args)).exits(2);
            nets.check(&text, &done);
        }
        nets.check(&text, &finish(loud(&scene, &mut menshen(scene.dir.path())).args(["doctor"])).exits(2));
    }
    // A secret that cannot go into a header or a line is not repeated either.
    std::fs::write(scene.config_path(), &good).expect("a configuration");
    for value in ["c4nary+S3cret/Value==\"end\nmore", "", " "] {
        let mut command = menshen(scene.dir.path());
        let done = finish(loud(&scene, &mut command).env("SECRET", value).arg("--dry-run"));
        assert_eq!(done.status, Some(2), "{value:?}: {}", done.err);
        nets.check("a secret of several lines", &done);
    }
}

/// What a panic would show: the values themselves, as `{:?}` writes them.
#[tokio::test]
async fn no_canary_in_what_a_panic_would_show() {
    for scene in [scene().await, delegated().await] {
        let path = scene.write_config();
        let mut around = menshen::config::Surroundings::of_process();
        around.env = Box::new(|name| std::env::var_os(name).filter(|_| name == "PATH").or_else(|| Some(SECRET.into())));
        (around.credentials_dir, around.root) = (Some(scene.dir.path().to_owned()), false);
        let config = menshen::config::load(&path, &around, menshen::config::Need::Secrets);
        let config = config.unwrap_or_else(|error| panic!("{error}"));
        let nets = Nets::new(&[scene.world.ticket()]);
        nets.secret.absent(format!("{config:?} {config:#?}").as_bytes(), "the configuration");
        let lock = menshen::service::StateLock::take(&config.service.state_dir).expect("nobody else");
        let service = menshen::service::Service::open(config, support::quick(), lock).await.expect("a service");
        nets.secret.absent(format!("{:?}", service.accounts()).as_bytes(), "the accounts");
        service.close().await;
    }
}

/// No core file, and nobody else of the same user looks into the process.
#[tokio::test(flavor = "multi_thread")]
async fn a_running_service_keeps_its_memory_to_itself() {
    use std::os::unix::{fs::MetadataExt, process::CommandExt};
    let mut scene = scene().await;
    scene.service = "mode = \"live\"\nschedule = \"* * * * * *\"".to_owned();
    let mut command = scene.menshen(["run"]);
    if rustix::process::geteuid().is_root() {
        // As somebody else: what belongs to root then does so because it cannot be dumped.
        const NOBODY: u32 = 65_534;
        command.uid(NOBODY).gid(NOBODY);
        for path in [scene.dir.path().to_owned(), scene.state_dir()] {
            std::fs::create_dir_all(&path).expect("a directory");
            std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).expect("root may");
        }
    }
    let service = Running::start(loud(&scene, &mut command));
    service.line("pending of 5", 1);
    let process = std::path::PathBuf::from(format!("/proc/{}", service.id()));
    for file in ["environ", "mem", "maps"] {
        assert_eq!(std::fs::metadata(process.join(file)).expect("it runs").uid(), 0, "{file}");
    }
    let limits = std::fs::read_to_string(process.join("limits")).expect("it runs");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
    service.signal(rustix::process::Signal::TERM);
    service.wait().exits(0);
}

/// The search itself must find what it looks for.
#[test]
fn a_canary_would_be_found() {
    let nets = Nets::new(&["93_token".to_owned()]);
    let hidden = |secret: &str| {
        let query: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let every: String = secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let json = serde_json::Value::from(secret).to_string();
        let units: String = secret.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
        let mut leaks = vec![
            format!("a{secret}b"),
            format!("POST http://x/?access_token={query}&a=b"),
            query.replace("%2B", "%2b").replace("%2F", "%2f").replace("%3D", "%3d").replace("%E9", "%e9"),
            every.clone(),
            every.to_uppercase(),
            json.clone(),
            serde_json::Value::from(json.clone()).to_string(),
            serde_json::Value::from(query).to_string(),
            units,
            format!("{json:?}"),
            secret.escape_unicode().to_string(),
            format!("{:?}", secret.as_bytes()),
            secret.bytes().map(|byte| format!("{byte:02X}")).collect(),
        ];
        for before in ["", "u", "us"] {
            let encoded = base64(format!("{before}{secret}:after").as_bytes());
            leaks.push(format!("Basic {encoded}"));
            leaks.push(encoded.replace('+', "-").replace('/', "_"));
        }
        leaks
    };
    for secret in SECRETS.into_iter().chain(["93_token"]) {
        for leak in hidden(secret) {
            assert!(nets.secret.find(leak.as_bytes()).is_some(), "{secret} in {leak}");
            assert!(nets.words.find(leak.as_bytes()).is_none(), "{leak}");
        }
    }
    for word in [NICKNAME, REASON, CATEGORY, PICTURE, CODE] {
        hidden(word).iter().for_each(|leak| assert!(nets.words.find(leak.as_bytes()).is_some(), "{word} in {leak}"));
    }
    assert_eq!(nets.secret.find(b"c4nary S3cret, nothing here \\u{} %4 \\u12"), None);
}
