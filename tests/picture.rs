//! The applicant's mini program code on a terminal: drawn where it can be, else the link; fetched only when asked for.

mod support;

use menshen::sandbox::Application;
use support::Scene;
use support::process::Done;

/// A create_time well within the pending window.
fn an_hour_ago() -> i64 {
    jiff::Timestamp::now().as_second() - 3_600
}

/// A picture, served once on loopback: the address, and what was asked for.
fn picture_of(bytes: &'static [u8]) -> (String, std::thread::JoinHandle<String>) {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = format!("http://{}/code.png", listener.local_addr().expect("bound"));
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody asks");
        let mut asked = Vec::new();
        let mut piece = [0; 1024];
        while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
            let read = stream.read(&mut piece).expect("a request");
            asked.extend_from_slice(&piece[..read]);
        }
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
        stream.write_all(&[head.as_bytes(), bytes].concat()).expect("an answer");
        String::from_utf8(asked).expect("a request")
    });
    (address, served)
}

/// One application that is held, with this link to its code.
async fn held_with_code(link: &str) -> Scene {
    let scene = Scene::empty().await;
    let application = Application::new("wx-code").created_at(an_hour_ago()).reason("希望合作");
    scene.arrive(application.sent_as("apply_url", serde_json::json!(link)));
    scene.pass().await;
    scene
}

/// Shows it with the code drawn, on a terminal of this kind; what the terminal got.
fn on_a_terminal(scene: &Scene, term: &str) -> Done {
    let menshen = scene.menshen(["review", "show", "wx-code", "--picture"]);
    let words = std::iter::once(menshen.get_program()).chain(menshen.get_args());
    let line: Vec<String> = words.map(|word| format!("'{}'", word.to_str().expect("UTF-8"))).collect();
    let mut script = std::process::Command::new("script");
    script.args(["-qec", &line.join(" "), "/dev/null"]).current_dir(scene.dir.path());
    for (name, value) in menshen.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    for multiplexer in ["TMUX", "STY", "ZELLIJ", "TERM_PROGRAM", "LC_TERMINAL", "KITTY_WINDOW_ID"] {
        script.env_remove(multiplexer);
    }
    support::process::finish(script.env("TERM", term))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_is_drawn_on_a_terminal_that_can() {
    if std::process::Command::new("script").arg("--version").output().is_err() {
        use std::io::Write;
        // Past the test harness, which hides what passing tests print.
        return writeln!(std::io::stderr(), "skipped: no script here").expect("standard error is open");
    }
    let (link, served) = picture_of(b"\x89PNG\r\n\x1a\nthe code");
    let scene = held_with_code(&link).await;
    // Nothing is fetched for a terminal that draws none: what is served is served once.
    let plain = on_a_terminal(&scene, "xterm-256color").exits(0);
    assert!(plain.out.contains(&link) && plain.out.contains("the code is not drawn: this terminal"), "{}", plain.out);
    let drawn = on_a_terminal(&scene, "xterm-kitty").exits(0).out;
    assert!(drawn.contains(&link), "the link stands there, too: {drawn:?}");
    assert!(drawn.contains("\x1b_Ga=T,f=100,c=40,q=2,m=0;iVBORw0KGgp0aGUgY29kZQ==\x1b\\"), "{drawn:?}");
    let asked = served.join().expect("it was asked for").to_lowercase();
    assert!(asked.starts_with("get /code.png http/1.1\r\n"), "{asked}");
    assert!(!["token", "cookie", "referer", "authorization"].iter().any(|word| asked.contains(word)), "{asked}");
    scene.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_there_is_the_link_and_nothing_is_fetched() {
    let link = "http://127.0.0.1:9/\u{1b}]0;pwned\u{7}";
    let scene = held_with_code(link).await;
    let done = scene.run("review show wx-code --picture").exits(0).complains("standard output is no terminal");
    assert!(done.out.contains("mini program code: http://127.0.0.1:9/\\u{1b}]0;pwned\\u{7}"), "{}", done.out);
    assert!(!done.out.contains('\u{1b}') && !done.err.contains("pwned"), "{done:?}");
    let json = scene.run("review show wx-code --picture --format json").exits(0);
    assert_eq!(json.json()[0]["apply_url"], link);
    assert_eq!(json.err, "", "records are for machines, which draw nothing");
    scene.end();
}
