//! What the system knows of a process (proc(5)).

use std::fs::{read_dir, read_to_string};
use std::path::Path;
use std::time::Duration;

use crate::Result;

/// A server, by the ids of all its processes.
#[derive(Debug, Clone)]
pub struct Processes(Vec<u32>);

/// The memory of the process, in bytes (`VmRSS`).
pub fn resident_bytes(process: &str) -> Result<u64> {
    let status = read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024)
}

// === impl Processes ===

impl Processes {
    /// A process and its children.
    pub fn of(process: u32) -> Result<Self> {
        let children = read_to_string(format!("/proc/{process}/task/{process}/children"))?;
        let children: Vec<u32> = children.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?;
        Ok(Self([vec![process], children].concat()))
    }

    /// These and those.
    #[must_use]
    pub fn with(&self, others: &Self) -> Self {
        Self([&self.0[..], &others.0].concat())
    }

    /// The processor time that they have used.
    pub fn time(&self) -> Result<Duration> {
        self.0.iter().map(|process| time_in(Path::new(&format!("/proc/{process}/stat")))).sum()
    }

    /// That of the threads of this name.
    pub fn time_of_threads(&self, name: &str) -> Result<Duration> {
        let mut time = Duration::ZERO;
        for process in &self.0 {
            for thread in read_dir(format!("/proc/{process}/task"))? {
                let thread = thread?.path();
                if read_to_string(thread.join("comm")).is_ok_and(|found| found.trim() == name) {
                    time += time_in(&thread.join("stat"))?;
                }
            }
        }
        Ok(time)
    }
}

/// User and system time of a process or thread.
fn time_in(stat: &Path) -> Result<Duration> {
    let stat = read_to_string(stat)?;
    // The name, in parentheses, may hold anything; utime and stime are the 12th and 13th behind it.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    let ticks = fields.map(str::parse::<u64>).sum::<std::result::Result<u64, _>>()?;
    Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_and_uses_time() {
        let this = Processes::of(std::process::id()).expect("this process");
        let before = this.time().expect("its time");
        let begin = std::time::Instant::now();
        while begin.elapsed() < Duration::from_millis(50) {
            std::hint::spin_loop();
        }
        assert!(this.time().expect("its time") > before);
        assert!(resident_bytes("self").expect("its memory") > 100_000);
    }
}
