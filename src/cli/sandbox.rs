//! `menshen sandbox`: the simulated WeChat on its own.

use super::args::{Global, SandboxArgs};
use super::print;
use super::{DONE, Wrong};
use crate::sandbox::{Account, Fault, Options, RefuseWithoutAppid, Server, World};
use anyhow::{Context, Error};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Serves a world on loopback until SIGTERM or SIGINT.
pub(super) async fn serve(global: &Global, args: &SandboxArgs) -> Result<u8, Error> {
    if !args.listen.ip().is_loopback() {
        let problem =
            format!("menshen: the sandbox listens on loopback only, not on {}; write 127.0.0.1:PORT", args.listen);
        return Err(Error::new(Wrong(problem)));
    }
    let options = Options { fresh: global.fresh, ..options(args)? };
    let world = match args.world_dir.as_ref().or(global.state_dir.as_ref()) {
        Some(dir) => World::open(dir, options).with_context(|| format!("the world in {}", dir.display()))?,
        None => World::in_memory(options),
    };
    let server =
        Server::start(world, args.listen).await.with_context(|| format!("cannot listen on {}", args.listen))?;
    // Before the address is told: whoever reads it may already want an end.
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    // Who started it may have closed the pipe; it serves all the same.
    let _ = print::line(&format!(
        "base_url = \"http://{}\"\nappid    = \"{}\"\nsecret   = {} (of the simulation; not a secret)\nEnd with Ctrl-C.",
        server.addr(),
        Account::DEFAULT_APPID,
        Account::DEFAULT_SECRET,
    ));
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    server.stop().await;
    Ok(DONE)
}

fn options(args: &SandboxArgs) -> Result<Options, Error> {
    let faults = args.fault.iter().map(|text| Fault::parse(text)).collect::<Result<Vec<_>, _>>();
    Ok(Options {
        seed: args.seed,
        applications: args.applications,
        pending: args.pending,
        latency: Duration::from_millis(args.latency_ms),
        num_cap: args.num_cap,
        sidecar: args.sidecar.then(|| Account::DEFAULT_APPID.to_owned()),
        refuse_without_appid: match args.refuse_without_appid.as_str() {
            "oldest" => RefuseWithoutAppid::Oldest,
            _ => RefuseWithoutAppid::Reject,
        },
        faults: faults.map_err(|error| Error::new(Wrong(format!("menshen: --fault: {error}"))))?,
        ..Options::default()
    })
}
