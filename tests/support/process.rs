//! The binary as a process: run to its end, or watched line by line while it works.
//!
//! Nothing here waits for a clock: a test waits for a line, a file or the ledger,
//! and the only durations are the bounds after which a hanging test fails.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Far beyond what anything here takes: ends a test that would hang for ever.
const PATIENCE: Duration = Duration::from_secs(90);

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Done {
    /// The exit status; `None` = ended by a signal.
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    /// Asserts the exit status; shows everything if it is another.
    #[track_caller]
    pub(crate) fn exits(self, status: i32) -> Done {
        assert_eq!(self.status, Some(status), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Asserts that standard error holds a text.
    #[track_caller]
    pub(crate) fn complains(self, of: &str) -> Done {
        assert!(self.err.contains(of), "no {of:?} in stderr:\n{}\nstdout:\n{}", self.err, self.out);
        self
    }

    /// Asserts that standard output holds a text.
    #[track_caller]
    pub(crate) fn says(self, what: &str) -> Done {
        assert!(self.out.contains(what), "no {what:?} in stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Standard output as one JSON value a line.
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
    }
}

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> Done {
    Running::start(command.stdin(Stdio::null())).wait()
}

/// A process that runs. Killed when dropped.
pub(crate) struct Running {
    child: Child,
    err: Arc<(Mutex<Vec<String>>, Condvar)>,
    readers: Option<(JoinHandle<String>, JoinHandle<()>)>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Running {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary");
        let (mut stdout, stderr) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        let err: Arc<(Mutex<Vec<String>>, Condvar)> = Arc::default();
        let lines = Arc::clone(&err);
        let out = std::thread::spawn(move || {
            let mut text = Vec::new();
            stdout.read_to_end(&mut text).expect("standard output");
            String::from_utf8(text).expect("UTF-8")
        });
        let log = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                lines.0.lock().expect("no panic").push(line.expect("UTF-8"));
                lines.1.notify_all();
            }
        });
        Running { child, err, readers: Some((out, log)) }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the n-th line of standard error (from 1) that holds a text.
    #[track_caller]
    pub(crate) fn line(&self, text: &str, nth: usize) -> String {
        let found = |lines: &Vec<String>| lines.iter().filter(|line| line.contains(text)).nth(nth - 1).cloned();
        let lines = self.err.0.lock().expect("no panic");
        let (lines, _) =
            self.err.1.wait_timeout_while(lines, PATIENCE, |lines| found(lines).is_none()).expect("no panic");
        found(&lines).unwrap_or_else(|| panic!("never said {text:?} for the {nth}. time:\n{}", lines.join("\n")))
    }

    /// How many lines of standard error hold a text by now.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.err.0.lock().expect("no panic").iter().filter(|line| line.contains(text)).count()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        kill_process(Pid::from_raw(id).expect("a process id"), signal).expect("it still runs");
    }

    /// True once it has ended.
    pub(crate) fn ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Done {
        let (over, hears) = mpsc::channel::<()>();
        let id = Pid::from_child(&self.child);
        let watchdog = std::thread::spawn(move || {
            if hears.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _ = kill_process(id, Signal::KILL);
                return true;
            }
            false
        });
        let status: ExitStatus = self.child.wait().expect("a child");
        drop(over);
        let (out, log) = self.readers.take().expect("taken once");
        let out = out.join().expect("no panic");
        log.join().expect("no panic");
        let err = self.err.0.lock().expect("no panic").join("\n");
        assert!(!watchdog.join().expect("no panic"), "it hung\nstdout:\n{out}\nstderr:\n{err}");
        Done { status: status.code(), out, err }
    }

    /// SIGKILL, and waits until it is gone.
    pub(crate) fn kill(mut self) -> Done {
        let _ = self.child.kill();
        self.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until a condition holds that nothing announces.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "never came: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Stories at the same time, some at once: they mostly wait for a service's own clock.
pub(crate) fn side_by_side<T: Send, F: Future<Output = ()>>(
    cases: impl IntoIterator<Item = T>,
    story: impl Fn(T) -> F + Sync,
) {
    let cases: Mutex<Vec<T>> = Mutex::new(cases.into_iter().collect());
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let mut runtime = tokio::runtime::Builder::new_multi_thread();
                let runtime = runtime.worker_threads(1).enable_all().build().expect("a runtime");
                loop {
                    let next = cases.lock().expect("no panic").pop();
                    let Some(case) = next else { break };
                    runtime.block_on(story(case));
                }
            });
        }
    });
}
