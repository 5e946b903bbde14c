//! `claviger serve`: until SIGTERM or SIGINT.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use claviger_server::clock::{OsRandom, SystemClock};
use claviger_server::{Running, Server, StartError, logging};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Global;
use super::demo::{self, Demo};
use super::failure::Failure;
use super::output::Output;

/// The exit code after a second signal.
const ENDED_AT_ONCE: i32 = 1;

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Start with a demo organization, in a temporary directory or the empty one of --data
    #[arg(long)]
    demo: bool,
}

/// The signals that a server minds.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

// === impl Serve ===

impl Serve {
    pub(super) async fn run(&self, global: &Global, output: Output) -> Result<(), Failure> {
        let mut signals = Signals::listen()?;
        let mut config = global.config()?;
        // Held until the stop: a temporary directory goes with it.
        let demo = if self.demo { Some(Demo::prepare(&mut config, global.data.as_deref())?) } else { None };
        let log = logging::start_serving(&config.log);
        let starting = Server::start(config, Arc::new(SystemClock::new()), Arc::new(OsRandom));
        let running = tokio::select! {
            running = starting => running.map_err(|error| explain(error, self.demo))?,
            () = signals.stop() => return Ok(()),
        };
        let told = match &demo {
            Some(demo) => demo.furnish(&running, output).await,
            None => tell_next_step(&running, global, output),
        };
        if told.is_ok() {
            while signals.next().await == Asked::Reload {
                self.reload(&running, global);
            }
            tracing::info!("stopping");
        }
        let stop = async {
            running.stop().await;
            // It waits for a collector: not on a thread of the runtime.
            let _ = tokio::task::spawn_blocking(move || log.end()).await;
        };
        tokio::select! {
            () = stop => told,
            () = signals.stop() => {
                tracing::warn!("told to stop a second time: ended at once, and what was not written of usage is lost");
                std::process::exit(ENDED_AT_ONCE);
            }
        }
    }

    /// Reads certificates and configuration again. Of a configuration that is wrong nothing is in force; the demo has none.
    fn reload(&self, running: &Running, global: &Global) {
        running.reload_certificates();
        if self.demo {
            return;
        }
        match global.config() {
            Ok(config) => running.reload(config),
            Err(failure) => tracing::error!("the configuration in force stays: {}", failure.message),
        }
    }
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
}

/// While there is no organization, the link at which the first one is made, and the command that does the same.
fn tell_next_step(running: &Running, global: &Global, output: Output) -> Result<(), Failure> {
    let Some(link) = running.setup_link() else { return Ok(()) };
    let option = |name: &str, path: &Option<PathBuf>| {
        path.as_ref().map_or_else(String::new, |path| format!(" --{name} {}", quoted(&path.to_string_lossy())))
    };
    let (data, config) = (option("data", &global.data), option("config", &global.config));
    let command = format!("claviger setup --organization 'My organization' --email you@example.com{data}{config}");
    if output.is_json() {
        return output.value(&json!({"setup": link.expose(), "next": command}));
    }
    output.text(format_args!(
        "First start. Make the first organization and its administrator in a browser, by this link alone:\n\n  {}\n\nor \
         here, for scripts:\n\n  {command}\n",
        link.expose()
    ))
}

/// In single quotes if a shell would read it otherwise.
fn quoted(text: &str) -> String {
    let is_plain =
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+:@".contains(&byte));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Whoever tries the demo beside another server needs the way out at hand.
fn explain(error: StartError, is_demo: bool) -> Failure {
    let is_bind = matches!(error, StartError::Bind { .. });
    let mut failure = Failure::from(error);
    if is_demo && is_bind {
        failure.message.push_str(demo::OTHER_PORTS);
    }
    failure
}

// === impl Signals ===

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|error| Failure::usage(format!("cannot listen for signals: {error}")));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.hang_up.recv() => Asked::Reload,
        }
    }

    /// Returns when the server is to stop.
    async fn stop(&mut self) {
        while self.next().await != Asked::Stop {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_can_be_pasted() {
        assert_eq!(quoted("/srv/claviger-data"), "/srv/claviger-data");
        assert_eq!(quoted("/my data"), "'/my data'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
