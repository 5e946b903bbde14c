//! The server under test: the real program on the fixture, with one door thread, on one core.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Result;
use crate::fixture::Fixture;
use crate::load::once;
use crate::nginx::free_address;
use crate::process::{Processes, resident_bytes};
use crate::workloads::Workload;

/// Loading ten million keys takes this long at most.
const START_TIME_MAX: Duration = Duration::from_mins(5);

/// Between two looks whether a server is ready.
const PAUSE: Duration = Duration::from_millis(10);

/// How a server is started.
pub struct Place<'p> {
    /// Its data directory.
    pub data_dir: &'p Path,
    /// The fixture whose records and master secret it uses.
    pub fixture: &'p Fixture,
    /// The database's URL in the place of the fixture's.
    pub url: Option<String>,
    /// The cores that it may use, as taskset(1) takes them.
    pub cores: &'p str,
    /// The Unix socket of its doors, in the place of an address.
    pub socket: Option<&'p Path>,
}

/// A running server, stopped when it goes.
pub struct Server {
    /// Where its doors are, unless they are at a Unix socket.
    pub doors: SocketAddr,
    /// Where its management API is.
    pub control: SocketAddr,
    log: PathBuf,
    child: Child,
}

/// Builds the program, and says where it is.
pub fn build() -> Result<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    // Named together, so that both are built with the same features of what they share, once.
    cargo.args(["build", "--release", "--package", "claviger-server", "--package", "claviger-bench"]);
    let status = cargo.stdout(Stdio::null()).status()?;
    let program = std::env::current_exe()?.with_file_name("claviger");
    if status.success() && program.exists() { Ok(program) } else { Err("the server could not be built".into()) }
}

/// The version with its commit.
pub fn version(program: &Path) -> Result<String> {
    let output = Command::new(program).arg("version").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

// === impl Server ===

impl Server {
    /// Starts it on the fixture, on the core `cpu`. Its log stands beside the fixture.
    pub fn start(program: &Path, fixture: &Fixture, cpu: usize) -> Result<Self> {
        Self::start_at(
            program,
            &Place { data_dir: fixture.data_dir(), fixture, url: None, cores: &cpu.to_string(), socket: None },
        )
    }

    /// Starts it at a place. Its log stands beside its data directory.
    pub fn start_at(program: &Path, place: &Place<'_>) -> Result<Self> {
        let (doors, control) = (free_address()?, free_address()?);
        let log = place.data_dir.with_extension("log");
        let mut command = Command::new("taskset");
        command.args(["-c", place.cores]).arg(program).arg("serve").arg("--data").arg(place.data_dir);
        command.env("CLAVIGER_CONTROL_LISTEN", control.to_string()).env("CLAVIGER_TELEMETRY_LISTEN", "127.0.0.1:0");
        let listen = place.socket.map_or_else(|| doors.to_string(), |socket| format!("unix:{}", socket.display()));
        command.env("CLAVIGER_DOORS_LISTEN", listen).env("CLAVIGER_DOORS_THREADS", "1");
        // nginx's workers may be of another user.
        command.env("CLAVIGER_DOORS_SOCKET_MODE", "0666");
        command.env("CLAVIGER_MASTER_SECRET_FILE", place.fixture.data_dir().join("master-secret"));
        if let Some(url) = place.url.clone().or_else(|| place.fixture.postgres_url()) {
            command.env("CLAVIGER_DATABASE_URL", url);
        }
        // What unknown keys cost is measured, and all come from one address.
        for variable in ["CLAVIGER_DOORS_WRONG_KEYS_PER_SECOND", "CLAVIGER_DOORS_WRONG_KEYS_PER_SECOND_OF_ADDRESS"] {
            command.env(variable, "0");
        }
        let file = File::create(&log)?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file).spawn()?;
        Ok(Self { doors, control, log, child })
    }

    /// Waits until it answers `workload` as it should: everything is loaded then.
    pub fn wait_until_ready(&mut self, workload: &Workload) -> Result {
        let begin = Instant::now();
        while let Err(error) = once(workload) {
            if self.child.try_wait()?.is_some() || begin.elapsed() > START_TIME_MAX {
                return Err(format!("the server does not answer: {error}; see {}", self.log.display()).into());
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// What it has logged so far.
    pub fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(&self.log)?)
    }

    /// Its processes.
    pub fn processes(&self) -> Result<Processes> {
        Processes::of(self.child.id())
    }

    /// The memory it has, in bytes.
    pub fn resident_bytes(&self) -> Result<u64> {
        resident_bytes(&self.child.id().to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGTERM, so that usage is written; already ended is as good.
        let _ =
            rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}
