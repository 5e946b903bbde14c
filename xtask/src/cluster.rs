//! A PostgreSQL of one's own: a cluster in a temporary folder on a free port of 127.0.0.1, gone when the process ends, however
//! it ends.
//!
//! The end-to-end tests use this very file (`e2e/tests/e2e/harness/`): nothing may depend on a tool, and a test that stops
//! PostgreSQL needs one that no other test has. So it knows nothing of the rest of either.
#![allow(dead_code, reason = "the tool starts clusters; the tests do everything to them that befalls one")]

use std::error::Error;
use std::ffi::OsString;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// `Ok`, or one sentence on what went wrong.
type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

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

/// Starts the server in a mount namespace of its own, where `$1` is a disk of `$2` bytes that belongs to `$3`:`$4`.
const ON_SMALL_DISK: &str = r#"
mount -t tmpfs -o "size=$2,uid=$3,gid=$4,mode=0700" none "$1"
shift 4
exec "$@"
"#;

/// A running cluster; dropping it removes it.
pub struct Cluster {
    runner: Runner,
    keeper: Child,
    folder: PathBuf,
    port: u16,
    /// The size of the disk at [`Cluster::small_disk`], where there is one.
    small_disk_bytes: Option<u64>,
}

/// How a server is stopped.
#[derive(Debug, Clone, Copy)]
pub enum Stop {
    /// Connections are ended, everything is written.
    Fast,
    /// As by a crash.
    Immediate,
}

/// Runs programs of PostgreSQL, which refuse to be root, as the user that Debian made for them.
struct Runner {
    programs: PathBuf,
    /// User and group id, if this process is root.
    user: Option<(u32, u32)>,
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
        None => on_path("initdb")?.canonicalize().ok()?.parent().map(Path::to_owned),
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file())
}

// === impl Cluster ===

impl Cluster {
    /// Makes and starts one.
    pub fn start() -> Result<Self> {
        Self::start_with("")
    }

    /// The same with lines of `postgresql.conf`.
    pub fn start_with(settings: &str) -> Result<Self> {
        let mut cluster = Self::new()?;
        cluster.initialize()?;
        cluster.configure(SETTINGS)?;
        cluster.configure(settings)?;
        cluster.launch_somewhere()?;
        Ok(cluster)
    }

    /// The same, with a disk of this size at [`Cluster::small_disk`].
    pub fn start_on_small_disk(bytes: u64) -> Result<Self> {
        let mut cluster = Self::new()?;
        cluster.small_disk_bytes = Some(bytes);
        cluster.initialize()?;
        std::fs::create_dir(cluster.small_disk())?;
        cluster.configure(SETTINGS)?;
        cluster.launch_somewhere()?;
        Ok(cluster)
    }

    /// A standby that follows this one by streaming replication. Once it is there, this one acknowledges a commit only
    /// when the standby has it too.
    pub fn add_synchronous_standby(&self) -> Result<Self> {
        let mut standby = Self::new()?;
        standby.own_folder()?;
        let mut copy = standby.runner.command("pg_basebackup", &standby.folder);
        copy.args(["--host=127.0.0.1", "--username=postgres", "--write-recovery-conf", "--wal-method=stream"]);
        copy.args(["--checkpoint=fast", "--no-sync", &format!("--port={}", self.port), "-D"]).arg(standby.data());
        output(&mut copy)?;
        standby.launch_somewhere()?;
        self.configure("synchronous_standby_names = '*'\n")?;
        self.reload()?;
        Ok(standby)
    }

    fn new() -> Result<Self> {
        let runner = Runner::find()?;
        let folder = tempfile::Builder::new().prefix("claviger-postgres-").tempdir()?.keep();
        Ok(Self { keeper: runner.keep(&folder)?, runner, folder, port: 0, small_disk_bytes: None })
    }

    fn own_folder(&self) -> Result {
        if let Some((user, group)) = self.runner.user {
            chown(&self.folder, Some(user), Some(group))?;
        }
        Ok(())
    }

    fn initialize(&self) -> Result {
        self.own_folder()?;
        let mut initialize = self.runner.command("initdb", &self.folder);
        initialize.args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "-D",
        ]);
        output(initialize.arg(self.data())).map(drop)
    }

    /// Appends lines to `postgresql.conf`; [`Cluster::reload`] or the next start makes them count.
    pub fn configure(&self, settings: &str) -> Result {
        let mut file = std::fs::OpenOptions::new().append(true).open(self.data().join("postgresql.conf"))?;
        Ok(file.write_all(settings.as_bytes())?)
    }

    /// Makes changed settings count.
    pub fn reload(&self) -> Result {
        self.control("reload", &[])
    }

    fn launch_somewhere(&mut self) -> Result {
        for _ in 1..START_TRIES {
            self.port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
            if self.launch().is_ok() {
                return Ok(());
            }
        }
        self.launch()
    }

    /// Starts the server on its port, and waits until it answers.
    pub fn launch(&self) -> Result {
        let log = self.folder.join("server.log");
        let mut start = self.control_command("start");
        start.args(["--wait", "--silent", "-o", &format!("-p {}", self.port), "-l"]).arg(&log);
        let status = start.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        if status.success() {
            return Ok(());
        }
        let log = std::fs::read_to_string(log).unwrap_or_default();
        Err(format!("PostgreSQL does not start ({status}):\n{log}").into())
    }

    /// Stops the server; [`Cluster::launch`] starts it again on the same port.
    pub fn stop(&self, how: Stop) -> Result {
        let mode = match how {
            Stop::Fast => "--mode=fast",
            Stop::Immediate => "--mode=immediate",
        };
        self.control("stop", &["--wait", mode])
    }

    /// Makes a standby a primary.
    pub fn promote(&self) -> Result {
        self.control("promote", &["--wait"])
    }

    /// Lets every process of the server stand still (SIGSTOP): connections stay open, and nothing answers.
    pub fn pause(&self) -> Result {
        self.signal("-STOP")
    }

    /// Undoes [`Cluster::pause`].
    pub fn resume(&self) -> Result {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> Result {
        let file = std::fs::read_to_string(self.data().join("postmaster.pid"))?;
        let first: u32 = file.lines().next().ok_or("an empty pid file")?.trim().parse()?;
        // The first process first: it starts the others.
        output(Command::new("kill").args([signal, &first.to_string()]))?;
        for child in children_of(first)? {
            // One that has ended meanwhile is no matter.
            let _ = output(Command::new("kill").args([signal, &child.to_string()]));
        }
        Ok(())
    }

    fn control(&self, action: &str, options: &[&str]) -> Result {
        let mut command = self.control_command(action);
        output(command.args(options)).map(drop)
    }

    /// `pg_ctl ACTION -D data`.
    fn control_command(&self, action: &str) -> Command {
        let mut words = self.runner.words("pg_ctl");
        if let (Some(bytes), "start") = (self.small_disk_bytes, action) {
            let (user, group) = self.runner.user.unwrap_or_else(own_ids);
            let disk = [self.small_disk().into_os_string(), bytes.to_string().into(), user.to_string().into()];
            let own: &[&str] = if self.runner.user.is_some() { &["-m"] } else { &["-U", "-r", "-m"] };
            let mut before: Vec<OsString> = vec!["unshare".into()];
            before.extend(own.iter().map(OsString::from));
            before.extend(["sh", "-ec", ON_SMALL_DISK, "sh"].map(OsString::from));
            before.extend(disk);
            before.push(group.to_string().into());
            if self.runner.user.is_none() {
                // Back from the namespace's root to the user: PostgreSQL refuses to be root.
                let map = [format!("--map-user={user}"), format!("--map-group={group}")];
                before.extend(["unshare".into(), "-U".into()]);
                before.extend(map.map(OsString::from));
            }
            words.splice(0..0, before);
        }
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg(action).arg("-D").arg(self.data()).current_dir(&self.folder).stdin(Stdio::null());
        without_settings(&mut command);
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Where the disk of [`Cluster::start_on_small_disk`] is, for the server.
    pub fn small_disk(&self) -> PathBuf {
        self.folder.join("small")
    }

    /// The superuser's URL.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// The statements that make the superuser's database anew elsewhere.
    pub fn dump(&self) -> Result<String> {
        let mut dump = self.runner.command("pg_dump", &self.folder);
        dump.args([
            "--host=127.0.0.1",
            "--username=postgres",
            "--inserts",
            &format!("--port={}", self.port),
            "postgres",
        ]);
        let statements = output(&mut dump)?;
        // Words for psql, which no server understands.
        Ok(statements.lines().filter(|line| !line.starts_with('\\')).collect::<Vec<_>>().join("\n"))
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A server that stands still would not stop either; one that has ended is no matter.
        let _ = self.resume();
        drop(self.keeper.stdin.take());
        if let Err(error) = self.keeper.wait() {
            eprintln!("PostgreSQL may still be running: {error}");
        }
    }
}

/// This process's user and group.
fn own_ids() -> (u32, u32) {
    let id = |option: &str| output(Command::new("id").arg(option)).ok().and_then(|text| text.trim().parse().ok());
    (id("-u").unwrap_or_default(), id("-g").unwrap_or_default())
}

fn children_of(parent: u32) -> Result<Vec<u32>> {
    let processes = std::fs::read_dir("/proc")?.flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    Ok(pids.filter(|pid| parent_of(*pid) == Some(parent)).collect())
}

/// `/proc/PID/stat`: the parent is the second field behind the name, which stands in parentheses (`proc_pid_stat(5)`).
fn parent_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

// === impl Runner ===

impl Runner {
    fn find() -> Result<Self> {
        let programs = programs().ok_or("PostgreSQL is not installed (Debian's package is called postgresql)")?;
        let id = |option: &str| -> Result<u32> {
            Ok(output(Command::new("id").args([option, "postgres"]))?.trim().parse()?)
        };
        let user = if own_ids().0 == 0 { Some((id("-u")?, id("-g")?)) } else { None };
        Ok(Self { programs, user })
    }

    /// A program of PostgreSQL in a folder that its user may enter, without settings from outside.
    fn command(&self, program: &str, folder: &Path) -> Command {
        let words = self.words(program);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(folder).stdin(Stdio::null());
        without_settings(&mut command);
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

/// Variables such as `PGHOST` are whoever's that runs this.
fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("PG")) {
            command.env_remove(name);
        }
    }
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} failed ({}): {}", command.get_program().display(), output.status, said.trim()).into())
}
