//! A PostgreSQL of one's own: a cluster in a temporary folder on a free port of 127.0.0.1, gone when the run ends, however it ends.

use std::ffi::OsString;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Result;
use crate::packages::{find, is_root};
use crate::workspace::{output, succeed};

/// The variable by which tests find the cluster: a superuser's URL; each test makes a database of its own.
pub const URL_VARIABLE: &str = "CLAVIGER_TEST_POSTGRES_URL";

/// The oldest version that the product supports.
const OLDEST_VERSION: u32 = 15;
/// Where Debian keeps the programs of each version.
const DEBIAN_FOLDER: &str = "/usr/lib/postgresql";
/// Another process can take a free port between its choice and the server's start.
const START_TRIES: u32 = 5;

/// Many tests at once, each with pools of its own. `fsync` stays on: the tests of `kill -9` rely on it.
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 400
fsync = on
";

/// Waits until the tool is gone (its end of the pipe closes, whatever ended it), then removes the cluster.
const KEEPER: &str = r#"
trap '' INT TERM HUP
read -r _ || true
folder=$1; shift
"$@" >/dev/null 2>&1
rm -rf "$folder"
"#;

/// A running cluster; dropping it removes it.
pub struct Cluster {
    keeper: Child,
    folder: PathBuf,
    port: u16,
}

/// Runs programs of PostgreSQL, which refuse to be root, as the user that Debian made for them.
struct Runner {
    programs: PathBuf,
    /// User and group id, if this process is root.
    user: Option<(u32, u32)>,
}

/// Runs a command with a cluster of its own.
pub fn run(command: &[OsString]) -> Result {
    let (program, arguments) = command.split_first().ok_or("no command")?;
    let cluster = Cluster::start()?;
    succeed(Command::new(program).args(arguments).env(URL_VARIABLE, cluster.url()))
}

/// The folder with the newest supported `initdb`.
pub fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir(DEBIAN_FOLDER).into_iter().flatten().flatten();
    let versions = versions.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let newest = versions
        .filter(|version| *version >= OLDEST_VERSION)
        .filter(|version| Path::new(DEBIAN_FOLDER).join(format!("{version}/bin/initdb")).exists())
        .max();
    match newest {
        Some(version) => Some(Path::new(DEBIAN_FOLDER).join(format!("{version}/bin"))),
        None => find("initdb")?.canonicalize().ok()?.parent().map(Path::to_owned),
    }
}

// === impl Cluster ===

impl Cluster {
    /// Makes and starts one.
    pub fn start() -> Result<Self> {
        let runner = Runner::find()?;
        let folder = tempfile::Builder::new().prefix("claviger-postgres-").tempdir()?.keep();
        let mut cluster = Self { keeper: runner.keep(&folder)?, folder, port: 0 };
        cluster.initialize(&runner)?;
        for _ in 1..START_TRIES {
            if cluster.launch(&runner).is_ok() {
                return Ok(cluster);
            }
        }
        cluster.launch(&runner).map(|()| cluster)
    }

    fn initialize(&self, runner: &Runner) -> Result {
        if let Some((user, group)) = runner.user {
            chown(&self.folder, Some(user), Some(group))?;
        }
        let mut initialize = runner.command("initdb", &self.folder);
        initialize.args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "-D",
        ]);
        output(initialize.arg(self.data()))?;
        let mut settings = std::fs::OpenOptions::new().append(true).open(self.data().join("postgresql.conf"))?;
        Ok(settings.write_all(SETTINGS.as_bytes())?)
    }

    /// Starts the server on a port that was free a moment ago, and waits until it answers.
    fn launch(&mut self, runner: &Runner) -> Result {
        self.port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let log = self.folder.join("server.log");
        let mut start = runner.command("pg_ctl", &self.folder);
        start.args(["start", "--wait", "--silent", "-o", &format!("-p {}", self.port), "-D"]).arg(self.data());
        succeed(start.arg("-l").arg(&log).stdout(Stdio::null()).stderr(Stdio::null())).map_err(|error| {
            let log = std::fs::read_to_string(log).unwrap_or_default();
            format!("PostgreSQL does not start: {error}\n{log}").into()
        })
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The superuser's URL.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        if let Err(error) = self.keeper.wait() {
            eprintln!("xtask: PostgreSQL may still be running: {error}");
        }
    }
}

// === impl Runner ===

impl Runner {
    fn find() -> Result<Self> {
        let programs = programs().ok_or("PostgreSQL is not installed (Debian's package is called postgresql)")?;
        let id = |option: &str| -> Result<u32> {
            Ok(output(Command::new("id").args([option, "postgres"]))?.trim().parse()?)
        };
        let user = if is_root()? { Some((id("-u")?, id("-g")?)) } else { None };
        Ok(Self { programs, user })
    }

    /// A program of PostgreSQL in a folder that its user may enter, without settings from outside.
    fn command(&self, program: &str, folder: &Path) -> Command {
        let words = self.words(program);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(folder).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("PG")) {
                command.env_remove(name);
            }
        }
        command
    }

    fn words(&self, program: &str) -> Vec<OsString> {
        let program = self.programs.join(program).into_os_string();
        let Some((user, group)) = self.user else { return vec![program] };
        let identity = [format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()];
        std::iter::once("setpriv".into()).chain(identity.map(OsString::from)).chain([program]).collect()
    }

    /// Starts the process that removes the cluster. It is in a process group of its own, so that Ctrl-C does not reach it.
    fn keep(&self, folder: &Path) -> Result<Child> {
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(folder).args(self.words("pg_ctl"));
        keeper.args(["stop", "--wait", "--mode=immediate", "-D"]).arg(folder.join("data"));
        Ok(keeper.current_dir("/").process_group(0).stdin(Stdio::piped()).spawn()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_answers_and_leaves_nothing_behind() {
        let cluster = Cluster::start().expect("PostgreSQL is installed");
        let (port, folder) = (cluster.port, cluster.folder.clone());
        assert!(folder.exists());
        assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
        drop(cluster);
        assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
        assert!(!folder.exists());
    }
}
