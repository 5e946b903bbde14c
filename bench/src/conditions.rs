//! Under which conditions was measured.

use std::fmt;
use std::path::Path;

use rustix::thread::{CpuSet, sched_setaffinity};

use crate::{Arguments, Result, nginx, server};

/// What a reader needs to judge the figures.
pub struct Conditions {
    cpu: String,
    cores: usize,
    kernel: String,
    nginx: String,
    claviger: String,
    keys: u64,
    ip_entries: u16,
    rounds: u16,
    seconds: u16,
    server_core: usize,
    generator_core: usize,
}

/// Pins the calling thread to a core.
pub fn pin(core: usize) -> Result {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).map_err(|error| format!("cannot pin to core {core}: {error}").into())
}

// === impl Conditions ===

impl Conditions {
    /// Of this machine and this run.
    pub fn read(arguments: &Arguments, program: &Path) -> Result<Self> {
        let cpu = std::fs::read_to_string("/proc/cpuinfo")?;
        let field = |name: &str| {
            let line = cpu.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let sha = field("flags").is_some_and(|flags| flags.split(' ').any(|flag| flag == "sha_ni"));
        let model = field("model name").unwrap_or_else(|| "unknown processor".to_owned());
        Ok(Self {
            cpu: format!("{model}{}", if sha { " with SHA-NI" } else { " without SHA-NI" }),
            cores: std::thread::available_parallelism()?.get(),
            kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            nginx: nginx::version()?,
            claviger: server::version(program)?,
            keys: arguments.keys,
            ip_entries: arguments.ip_entries,
            rounds: arguments.rounds,
            seconds: arguments.seconds,
            server_core: arguments.server_core,
            generator_core: arguments.generator_core,
        })
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## Conditions")?;
        writeln!(f, "{}, {} cores, Linux {}; {}; {}.", self.cpu, self.cores, self.kernel, self.nginx, self.claviger)?;
        writeln!(
            f,
            "{} keys, each with two API sets and a list of {} addresses; {} interleaved rounds of {} s, 64 keep-alive \
             connections, servers on core {}, generator on core {}, random keys of the whole set, every answer checked.",
            self.keys, self.ip_entries, self.rounds, self.seconds, self.server_core, self.generator_core
        )
    }
}
