//! The binary itself, as a person starts it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::patience::wait_until;
use super::raw_http::Request;

/// What the log says once verdicts can be given.
const READY: &str = "ready: management API on";

/// A running `claviger serve`; killed when it goes.
pub struct Serving {
    /// The management API.
    pub control: SocketAddr,
    /// The doors.
    pub doors: SocketAddr,
    /// `/healthz`, `/readyz`, `/metrics`.
    pub telemetry: SocketAddr,
    child: Child,
    log: PathBuf,
}

/// The binary under test; built by the same profile as the tests if it is not there.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            // The words of `cargo xtask test`, which has built it by then: others would choose other features.
            .args(["build", "--quiet", "--locked", "--workspace", "--bins"])
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the binary builds");
        // <target>/debug/deps/e2e-… → <target>/debug/claviger
        let own = std::env::current_exe().expect("the test's own path");
        own.ancestors().nth(2).expect("the profile's folder").join("claviger")
    })
}

/// A command of the binary on `data`, with nothing of the caller's environment that configures it.
pub fn command(data: &Path, arguments: &[&str]) -> Command {
    command_of(binary(), data, arguments)
}

/// The same of another program.
pub fn command_of(program: &Path, data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("CLAVIGER_DATA_DIR", data);
    command
}

/// Runs a command to its end with `input` on stdin.
pub fn run(mut command: Command, input: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A command that reads no input closes the pipe: no matter.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("the command ends")
}

/// An address on which nothing listens. Never the same one twice, and outside the range from which the system takes the
/// ports of outgoing connections (from 32,768 on): nobody else takes it before the program under test does.
pub fn free_address() -> SocketAddr {
    const PORTS: std::ops::Range<u32> = 10_240..32_000;
    static ASKED: AtomicU32 = AtomicU32::new(0);
    // Two runs at once begin at different places.
    let begin = std::process::id().wrapping_mul(131);
    loop {
        let asked = ASKED.fetch_add(1, Ordering::Relaxed);
        assert!(asked < PORTS.len() as u32, "no free port is left");
        let port = PORTS.start + begin.wrapping_add(asked) % PORTS.len() as u32;
        let address = SocketAddr::from(([127, 0, 0, 1], port as u16));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// Text of an output stream.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

// === impl Serving ===

impl Serving {
    /// Starts `serve` on `data` and waits until it is ready.
    pub async fn start(data: &Path, database: Option<&str>) -> Self {
        let mut command = command(data, &["serve"]);
        if let Some(url) = database {
            command.env("CLAVIGER_DATABASE_URL", url);
        }
        Self::spawn(command, data).await
    }

    /// The same on the embedded database, with these variables.
    pub async fn start_with(data: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = command(data, &["serve"]);
        command.envs(variables.iter().copied());
        Self::spawn(command, data).await
    }

    /// The same with a configuration file.
    pub async fn start_configured(data: &Path, file: &Path) -> Self {
        Self::spawn(command(data, &["serve", "--config", file.to_str().expect("a path")]), data).await
    }

    /// Another program that speaks as this one does.
    pub async fn start_program(program: &Path, data: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = command_of(program, data, &["serve"]);
        command.envs(variables.iter().copied());
        Self::spawn(command, data).await
    }

    /// The same, where its listeners are not to be asked in plain HTTP: waits for its own word.
    pub async fn start_until_it_says_so(data: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = command(data, &["serve"]);
        let (control, doors, telemetry) = (free_address(), free_address(), free_address());
        let addresses = [("CONTROL", control), ("DOORS", doors), ("TELEMETRY", telemetry)];
        command.envs(addresses.map(|(name, address)| (format!("CLAVIGER_{name}_LISTEN"), address.to_string())));
        command.envs(variables.iter().copied());
        let mut serving = Self::run(command, data, [control, doors, telemetry]);
        let before = serving.log().matches(READY).count();
        let log = serving.log.clone();
        let printed = || std::fs::read_to_string(&log).unwrap_or_default();
        let has_said_so = async || {
            serving.assert_running();
            printed().matches(READY).count() > before
        };
        wait_until(has_said_so, || format!("not ready in time:\n{}", printed())).await;
        serving
    }

    /// Sends a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("it is running");
    }

    /// Waits until the log holds a text.
    pub async fn wait_for_log(&self, text: &str) {
        wait_until(async || self.log().contains(text), || format!("no {text:?} in:\n{}", self.log())).await;
    }

    /// What anybody on the machine sees of how it was started.
    pub fn arguments(&self) -> String {
        let arguments = std::fs::read(format!("/proc/{}/cmdline", self.child.id())).expect("a running process");
        text(&arguments)
    }

    async fn spawn(mut command: Command, data: &Path) -> Self {
        let (control, doors, telemetry) = (free_address(), free_address(), free_address());
        command
            .env("CLAVIGER_CONTROL_LISTEN", control.to_string())
            .env("CLAVIGER_DOORS_LISTEN", doors.to_string())
            .env("CLAVIGER_TELEMETRY_LISTEN", telemetry.to_string());
        let mut serving = Self::run(command, data, [control, doors, telemetry]);
        serving.wait_until_ready().await;
        serving
    }

    fn run(mut command: Command, data: &Path, [control, doors, telemetry]: [SocketAddr; 3]) -> Self {
        std::fs::create_dir_all(data).expect("a folder for the log");
        let log = data.with_extension("log");
        let output = std::fs::OpenOptions::new().create(true).append(true).open(&log).expect("a log file");
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a second handle"))
            .stderr(output)
            .spawn()
            .expect("the binary starts");
        Self { control, doors, telemetry, child, log }
    }

    /// Panics with its log if it has ended.
    fn assert_running(&mut self) {
        if let Some(status) = self.child.try_wait().expect("its state") {
            panic!("serve ended with {status}:\n{}", self.log());
        }
    }

    /// Where it prints, for who reads it after the end.
    pub fn log_file(&self) -> PathBuf {
        self.log.clone()
    }

    /// Everything it has printed.
    pub fn log(&self) -> String {
        let mut text = String::new();
        std::fs::File::open(&self.log).and_then(|mut file| file.read_to_string(&mut text)).expect("its log");
        text
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("it was running");
        self.child.wait().expect("it ends");
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> std::process::ExitStatus {
        let log = self.log.clone();
        let mut status = None;
        let has_ended = async || {
            status = self.child.try_wait().expect("its state");
            status.is_some()
        };
        wait_until(has_ended, || std::fs::read_to_string(&log).unwrap_or_default()).await;
        status.expect("it has ended")
    }

    /// `SIGTERM`, and waits for the clean end.
    pub fn stop(mut self) {
        self.signal(rustix::process::Signal::TERM);
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "a clean stop: {status}\n{}", self.log());
    }

    async fn wait_until_ready(&mut self) {
        let (telemetry, control, log) = (self.telemetry, self.control, self.log.clone());
        let printed = || std::fs::read_to_string(&log).unwrap_or_default();
        let is_ready = async || {
            self.assert_running();
            answers("/readyz", telemetry).await && answers("/api/v1/openapi.json", control).await
        };
        wait_until(is_ready, || format!("not ready in time:\n{}", printed())).await;
    }
}

async fn answers(path: &str, address: SocketAddr) -> bool {
    Request::get(path).try_send(address).await.is_ok_and(|answer| answer.status == 200)
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Already ended by `kill` or `stop`: nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
