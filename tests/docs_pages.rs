//! The pages for reviewers and operators, in English and Chinese: every command they show is run, and what it prints is
//! what stands there.
//!
//! A page is a story, told from its first command to its last against the simulated WeChat. Its paths are those of an
//! installed menshen, and stand below a directory of the test; `sudo` and `menshen-as-service` are stand-ins, and only
//! the latter gives credentials, so a page cannot show a command without it that needs them.
//!
//! | on the page | what happens |
//! |---|---|
//! | ```` ```console ```` | each `$` line is run; what follows it is what it prints |
//! | ```` ```sh ```` | each line is run and must succeed; what it prints does not matter here |
//! | ```` ```sh install ````, ```` ```ini ```` | changes a machine, or needs systemd: not run; each line begins as one of `NOT_RUN` does |
//! | ```` ```toml ```` after `<!-- file: PATH -->` | is written there; after `<!-- adds: PATH -->` it is added to it |
//! | ```` ```text ```` after `<!-- notice: EVENT -->` | is the last notice of that kind which reached the chat |
//! | `<!-- types: a \| b -->` | the next command is run on a terminal, where these are typed |
//! | `<!-- meanwhile: … -->` | what the page says happens meanwhile; see `meanwhile` |
//!
//! MENSHEN_BLESS writes what is printed into the English pages, and from there into the Chinese ones.

mod support;

use menshen::sandbox::{Account, Application, Fault, Moved, Options, Server, Status, World};
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::fs;
use std::sync::Mutex;
use support::process::{Running, until};
use support::robots::{Model, RobotServer, Rules};
use support::sessions::{Fence, Page, Piece, Place, all_of, in_repository, same_but_for_time};

const REVIEWERS: [&str; 2] = ["docs/reviewers.md", "docs/reviewers.zh-CN.md"];
const OPERATORS: [&str; 2] = ["docs/operators.md", "docs/operators.zh-CN.md"];

/// What an installed menshen has its files below.
const ROOTS: [&str; 3] = ["/etc/menshen", "/var/lib/menshen", "/var/backups/menshen"];
const CONFIGURATION: &str = "/etc/menshen/menshen.toml";
const WECHAT: &str = "https://api.weixin.qq.com";

const EXPRESS: &str = "wx0123456789abcdef";
const GARDEN: &str = "wx00000000000000aa";

/// How lines may begin that no test can run. None of them may be one of menshen's own commands.
const NOT_RUN: [&str; 19] = [
    "[Service]",
    "[Unit]",
    "LoadCredential=",
    "OnFailure=",
    "alice ALL=(root) ",
    "curl -fsS http://127.0.0.1:9870/",
    "journalctl ",
    "package=$(.ci/deb)",
    "sudo apt install ",
    "sudo apt purge ",
    "sudo apt remove ",
    "sudo cp -a /var/lib/menshen/",
    "sudo install -d ",
    "sudo rm -r /var/lib/menshen",
    "sudo sh -c 'umask 077; cat > /etc/menshen/credentials/",
    "sudo systemctl ",
    "sudo usermod -aG menshen ",
    "sudo visudo -f ",
    "systemctl status ",
];

/// The fences whose lines are of that list.
const NOT_RUN_AS: [&str; 2] = ["sh install", "ini"];

/// The configuration behind the reviewers' page.
const SERVICE: &str = r#"[service]
state_dir = "/var/lib/menshen"

[[account]]
name  = "express"
appid = "wx0123456789abcdef"
token = { secret = { credential = "app-secret" } }

[[notify]]
name     = "reviewers"
kind     = "wecom"
events   = ["held", "deadline", "timed_out", "brake"]
url      = { credential = "reviewers-url" }
language = "LANGUAGE"

[lists]
gambling = ["博彩", "彩票", "棋牌"]

[[rule]]
name    = "gambling"
action  = "refuse"
message = "申请说明含有「{keyword}」，本插件不对该类业务开放。"
when    = { reason = { any = ["@gambling"] } }

[[rule]]
name   = "medicine"
action = "hold"
note   = "先看有没有《互联网药品信息服务资格证书》"
when   = { category = { any = ["医疗"] } }

[[rule]]
name   = "contact details"
action = "hold"
note   = "多半是想绕开微信谈价钱"
when   = { reason = { any = ["微信", "QQ", "电话"] } }

[[rule]]
name   = "known trades"
action = "agree"
when   = { category = { all = ["物流服务", "商家自营/*", "餐饮服务"] }, reason = { min_chars = 5 } }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_reviewers_page_is_what_happens() {
    for (page, language) in REVIEWERS.into_iter().zip(["en", "zh"]) {
        let story = Story::begin().await;
        story.place.write(&CONFIGURATION[1..], &story.configuration(&SERVICE.replace("LANGUAGE", language)));
        story.tell(&Page::read(page), (page == REVIEWERS[1]).then(|| Page::read(REVIEWERS[0])));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_page_is_what_happens() {
    for page in OPERATORS {
        let story = Story::begin().await;
        story.tell(&Page::read(page), (page == OPERATORS[1]).then(|| Page::read(OPERATORS[0])));
    }
}

/// A WeChat, a machine with menshen on it, and a chat.
struct Story {
    world: World,
    server: Server,
    robot: RobotServer,
    place: Place,
    service: Mutex<Option<Running>>,
}

impl Story {
    async fn begin() -> Story {
        let options = Options { accounts: vec![Account::plugin(EXPRESS, Account::DEFAULT_SECRET)], ..Options::empty() };
        let world = World::in_memory(options.account(Account::plugin(GARDEN, Account::DEFAULT_SECRET)));
        let server = Server::start(world.clone(), ([127, 0, 0, 1], 0).into()).await.expect("loopback");
        let robot = RobotServer::start(Model::Wecom, Rules::default()).await;
        let mut place = Place::new();
        let home = place.path().display().to_string();
        place.program("sudo", "[ \"$1\" = -u ] && shift 2\nexec env SUDO_USER=\"$USER\" \"$@\"");
        place.program(
            "menshen-as-service",
            &format!("CREDENTIALS_DIRECTORY={home}/etc/menshen/credentials exec menshen \"$@\""),
        );
        place.write("etc/menshen/credentials/app-secret", Account::DEFAULT_SECRET);
        place.write("etc/menshen/credentials/garden-secret", Account::DEFAULT_SECRET);
        place.write("etc/menshen/credentials/reviewers-url", &robot.url());
        place.write("var/backups/menshen/README", "");
        place.set("MENSHEN_CONFIG", format!("{home}{CONFIGURATION}"));
        place.set("USER", "alice");
        place.set("NO_COLOR", "1");
        Story { world, server, robot, place, service: Mutex::default() }
    }

    fn tell(&self, page: &Page, original: Option<Page>) {
        let originals: Vec<Fence> = original.iter().flat_map(Page::fences).collect();
        let (mut now, mut commands, mut fence_at) = (Vec::new(), 0, 0);
        let (mut file, mut types, mut notice) = (None, None, None);
        for piece in page.pieces() {
            let fence = match piece {
                Piece::Comment { key, value } => {
                    match key.as_str() {
                        "meanwhile" => self.meanwhile(&value),
                        "types" => types = Some(value),
                        "notice" => notice = Some(value),
                        "file" | "adds" => file = Some((key, value)),
                        _ => panic!("{}: what is <!-- {key}: … -->?", page.name),
                    }
                    continue;
                }
                Piece::Fence(fence) => fence,
            };
            let place = page.place(&fence);
            let printed = match fence.info.as_str() {
                "console" => {
                    commands += fence.typed().len();
                    self.session(&fence, types.take().as_deref())
                }
                "sh" => {
                    for command in fence.commands() {
                        let done = self.place.run(&self.inside(&command));
                        assert!(done.status.success(), "{place}: {command}\n{}", all_of(&done));
                        commands += 1;
                    }
                    None
                }
                info if NOT_RUN_AS.contains(&info) => {
                    not_run(&fence, &place);
                    None
                }
                "toml" => {
                    self.settings(&fence, file.take().unwrap_or_else(|| panic!("{place}: which file is it?")));
                    None
                }
                "text" => {
                    let event = notice.take().unwrap_or_else(|| panic!("{place}: what is it that is shown?"));
                    Some(self.notice(&event))
                }
                other => panic!("{place}: what is ```{other}?"),
            };
            if let Some(printed) = printed {
                let copied = originals.get(fence_at).filter(|_| fence.info == "console");
                now.push((fence, printed, copied.map(|original| original.lines.clone())));
            }
            fence_at += 1;
        }
        assert!(commands > 10, "{} was read", page.name);
        assert!(self.world.accepted_twice().is_empty());
        page.settle(now, same_but_for_time);
    }

    /// A session as it goes now; `None` where it cannot be held.
    fn session(&self, fence: &Fence, types: Option<&str>) -> Option<Vec<String>> {
        let answers: Vec<&str> = types.into_iter().flat_map(|types| types.split(" | ")).collect();
        let mut session = Vec::new();
        for command in fence.typed() {
            session.push(format!("$ {command}"));
            let real = self.inside(command);
            let printed =
                if answers.is_empty() { self.place.printed(&real) } else { self.place.typed(&real, &answers)? };
            session.extend(printed.iter().map(|line| self.outside(line)));
        }
        Some(session)
    }

    fn notice(&self, event: &str) -> Vec<String> {
        let texts = self.robot.texts();
        let found = texts.iter().rev().find(|text| text.contains(event));
        let text = found.unwrap_or_else(|| panic!("no notice of {event:?} in {texts:#?}"));
        text.lines().map(|line| self.outside(line.trim_end())).collect()
    }

    fn settings(&self, fence: &Fence, (how, path): (String, String)) {
        let file = self.place.path().join(&path[1..]);
        let before = match how.as_str() {
            "adds" => fs::read_to_string(&file).expect("it was written before").replace(&self.connection(), "") + "\n",
            _ => String::new(),
        };
        let text = before + &self.inside(&fence.text()) + "\n";
        // Nobody waits two minutes for a pass.
        let text = if how == "file" {
            text.replace("[service]\n", "[service]\nschedule = \"*/15 * * * * *\"\n")
        } else {
            text
        };
        let text = if path == CONFIGURATION { self.configuration(&text) } else { text };
        self.place.write(&path[1..], &text);
    }

    /// A configuration whose WeChat is the simulated one.
    fn configuration(&self, text: &str) -> String {
        self.inside(text) + &self.connection()
    }

    fn connection(&self) -> String {
        format!("\n[wechat]\nbase_url = \"http://{}\"\ncalls_per_minute = 100000\n", self.server.addr())
    }

    /// With the paths of the test.
    fn inside(&self, text: &str) -> String {
        let home = self.place.path().display().to_string();
        // Another menshen may have that port.
        let outside = text.replace(&home, "").replace("127.0.0.1:9870", "127.0.0.1:0");
        ROOTS.iter().fold(outside, |text, root| text.replace(root, &format!("{home}{root}")))
    }

    /// With the paths of an installed menshen.
    fn outside(&self, text: &str) -> String {
        let home = self.place.path().display().to_string();
        text.replace(&home, "").replace(&format!("http://{}", self.server.addr()), WECHAT)
    }

    /// What a page says happens while nobody types.
    fn meanwhile(&self, what: &str) {
        match what {
            "applications arrive" => self.arrivals(),
            "the service works" => drop(self.place.run("menshen-as-service run --once")),
            "the service runs" => {
                let service = Running::start(&mut self.place.shell("exec menshen-as-service run"));
                service.line(" pending of ", 1);
                until("it has told how it stands", || self.has_told());
                *self.service.lock().expect("no panic") = Some(service);
            }
            "the service stops" => {
                let service = self.service.lock().expect("no panic").take().expect("it runs");
                service.signal(Signal::TERM);
                service.wait().exits(0);
            }
            "another applies" => {
                self.arrive("wx60b4e9d2173cfa85", 1, "飞燕速运", "在小程序里查询运单进度", &[("物流服务", "查件")]);
            }
            "the second account gets an application" => {
                let application = Application::new("wx3ad86f20b9c74e15").nickname("绿野花坊");
                let application = application.reason("给顾客查询鲜花的配送进度").categories([("商家自营", "花卉")]);
                assert_eq!(self.world.arrive_at(GARDEN, application), Moved::Moved);
            }
            "wx7d41f08ab2c65e39 applies again" => {
                self.arrive(
                    "wx7d41f08ab2c65e39",
                    0,
                    "四季车品",
                    "已改类目，想显示订单的物流进度",
                    &[("商家自营", "汽车用品")],
                );
            }
            "somebody refuses wx1f6a93d20c5b4e81 in the console" => {
                assert_eq!(self.world.person_refuses("wx1f6a93d20c5b4e81"), Moved::Moved);
            }
            "WeChat says ok and does nothing" => {
                let _ = self.world.inject(Fault::parse("dev_agree:hits=none:always").expect("a fault"));
                self.arrive("wx8e05d3b7f1264ac9", 1, "云帆物流", "在小程序里查询运单进度", &[("物流服务", "查件")]);
            }
            other => panic!("what happens when {other:?}?"),
        }
    }

    /// Whether what the running service says of itself is of a pass of its own.
    fn has_told(&self) -> bool {
        let told = self.place.run("menshen status --account express --format json").stdout;
        let told: serde_json::Value = serde_json::from_slice(&told).unwrap_or_default();
        let at = |value: &serde_json::Value| value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
        at(&told["last_complete_pass"]) > at(&told["service"]["started_at"])
    }

    fn arrivals(&self) {
        self.arrive(
            "wx1f6a93d20c5b4e81",
            21,
            "好又多优选",
            "急用，请加微信 hyd-8866 详谈",
            &[("商家自营", "食品饮料")],
        );
        self.arrive("wx5b2c7e90a14d3f68", 9, "康民大药房", "药品订单的物流查询", &[("医疗", "药品信息展示")]);
        self.arrive("wx7d41f08ab2c65e39", 3, "四季车品", "想在订单页显示配件的物流进度", &[("汽车服务", "汽车用品")]);
        self.arrive("wxc3908e1d47fa52b6", 2, "小橙便利", "给顾客看快递到哪里了", &[]);
        self.arrive("wx2e7fb51c80d9364a", 2, "顺路快递", "在小程序里查询快递进度", &[("物流服务", "查件")]);
        self.arrive("wx94a6c02f7be8d135", 2, "稳赢天下", "博 彩 平台引流", &[("商家自营", "食品饮料")]);
        self.arrive("wxa08d5c3e62f7491b", 1, "福彩老王", "给买彩票的顾客寄快递后查询进度", &[("物流服务", "查件")]);
    }

    fn arrive(&self, appid: &str, hours: i64, nickname: &str, reason: &str, categories: &[(&str, &str)]) {
        // Half a minute off, so that what is left does not go past a minute while the page is run.
        let created = jiff::Timestamp::now().as_second() - hours * 3_600 - 630;
        let application = Application::new(appid).created_at(created).nickname(nickname).reason(reason);
        let application = application.status(Status::Pending).categories(categories.iter().copied());
        assert_eq!(self.world.arrive_at(EXPRESS, application), Moved::Moved);
    }
}

/// None that could be run slips in, and none that is unknown.
fn not_run(fence: &Fence, place: &str) {
    for line in fence.commands() {
        assert!(NOT_RUN.iter().any(|known| line.starts_with(known)), "{place}: nobody runs `{line}`");
    }
}

/// Every link names a file, and every part of one a heading there.
fn lead_somewhere(page: &Page) {
    for link in page.links().iter().filter(|link| !link.contains("://")) {
        let (file, part) = link.split_once('#').unwrap_or((link, ""));
        let path =
            in_repository("docs").join(if file.is_empty() { page.name.trim_start_matches("docs/") } else { file });
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {link}: {error}", page.name));
        let mut headings = text.lines().filter(|line| line.starts_with('#'));
        assert!(part.is_empty() || headings.any(|line| anchor(line) == part), "{}: {link}", page.name);
    }
}

/// As GitHub makes it of a heading.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// A line that no page needs is taken out of the list.
#[test]
fn every_line_that_is_not_run_is_somewhere() {
    let fences: Vec<Fence> =
        REVIEWERS.into_iter().chain(OPERATORS).flat_map(|page| Page::read(page).fences()).collect();
    let lines: Vec<String> =
        fences.iter().filter(|fence| NOT_RUN_AS.contains(&fence.info.as_str())).flat_map(Fence::commands).collect();
    let unused: Vec<_> = NOT_RUN.iter().filter(|known| !lines.iter().any(|line| line.starts_with(*known))).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn what_differs_from_run_to_run_is_no_difference() {
    let check = |shown: &str, printed: &str, alike: bool| {
        assert_eq!(same_but_for_time(shown, printed), alike, "{shown} / {printed}")
    };
    check(" 2 h 49 min   express", "12 h 05 min  express", true);
    check("left (WeChat times it out about 11-23 07:24:29)", "left (WeChat times it out about 11-24 08:00:00)", true);
    check("2026-11-22 16:34:59.307  held", "2026-11-23 01:02:03.004  held", true);
    check("pass 20261122T083459Z-20745-1", "pass 20261122T083459Z-7-12", true);
    check("applied (1795303469)", "applied (1795303470)", true);
    check("  8   康民大药房", "  9   康民大药房", false);
    check("4 waiting", "5 waiting", false);
    check("after 2 ms: HTTP 200", "after 31 ms: HTTP 200", true);
    check("after 2 ms: HTTP 200", "after 2 ms: HTTP 500", false);
    check("express", "garden", false);
}

/// The mirror says the same: the same headings by level, the same blocks, links to the same pages.
#[test]
fn the_mirrors_show_the_same() {
    for [english, chinese] in [REVIEWERS, OPERATORS] {
        let (english, chinese) = (Page::read(english), Page::read(chinese));
        assert_eq!(english.headings(), chinese.headings(), "{}", english.name);
        let shown = |page: &Page| -> Vec<Piece> {
            let notice = |fence: &Fence| fence.info == "text";
            page.pieces().into_iter().filter(|piece| !matches!(piece, Piece::Fence(fence) if notice(fence))).collect()
        };
        for (one, other) in shown(&english).iter().zip(&shown(&chinese)) {
            match (one, other) {
                (Piece::Fence(one), Piece::Fence(other)) => {
                    assert_eq!((&one.info, &one.lines), (&other.info, &other.lines), "{}", english.place(one));
                }
                (Piece::Comment { key, .. }, Piece::Comment { key: other, .. }) if key == "notice" => {
                    assert_eq!(key, other, "{}", english.name);
                }
                _ => assert_eq!(one, other, "{}", english.name),
            }
        }
        assert_eq!(shown(&english).len(), shown(&chinese).len(), "{}", english.name);
        let links = |page: &Page| -> BTreeSet<String> {
            let file = |link: &String| link.split('#').next().unwrap_or_default().replace(".zh-CN.md", ".md");
            page.links().iter().map(file).filter(|file| !file.is_empty()).collect()
        };
        assert_eq!(links(&english), links(&chinese), "{}", english.name);
        lead_somewhere(&english);
        lead_somewhere(&chinese);
    }
}
