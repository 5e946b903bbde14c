//! The process, by the names that Prometheus' client libraries agree on; read from `/proc` (proc(5)), so on Linux alone.

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

use super::page::Page;

/// What `/proc/self/stat` says.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    /// Processor time in ticks, user and system.
    cpu_ticks: u64,
    threads: u64,
    /// Ticks after the machine's start.
    started_ticks: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

pub(super) fn write(page: &mut Page) {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let ticks_per_second = clock_ticks_per_second() as f64;
    if let Some(stat) = Stat::parse(&read("/proc/self/stat")) {
        let cpu = stat.cpu_ticks as f64 / ticks_per_second;
        page.counter_of_seconds("process_cpu_seconds_total", "Processor time, user and system.", cpu);
        page.gauge("process_threads", "Threads.", stat.threads as f64);
        page.gauge("process_virtual_memory_bytes", "Virtual memory.", stat.virtual_bytes as f64);
        let resident = stat.resident_pages as f64 * page_size() as f64;
        page.gauge("process_resident_memory_bytes", "Resident memory.", resident);
        if let Some(booted) = boot_time(&read("/proc/stat")) {
            let started = booted as f64 + stat.started_ticks as f64 / ticks_per_second;
            page.gauge("process_start_time_seconds", "Start, in seconds since 1970.", started);
        }
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        page.gauge("process_open_fds", "Open file descriptors.", files.count() as f64);
    }
    if let Some(max) = getrlimit(Resource::Nofile).current {
        page.gauge("process_max_fds", "File descriptors that may be open.", max as f64);
    }
}

/// Seconds since 1970 at which the machine started.
fn boot_time(stat: &str) -> Option<u64> {
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

// === impl Stat ===

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The program's name stands in brackets and may hold anything, brackets too.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // proc(5) counts from 1, and the first two fields are cut off.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            cpu_ticks: field(14)? + field(15)?,
            threads: field(20)?,
            started_ticks: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_behind_any_name() {
        let text =
            "7 (a) b) (c)) S 1 7 7 0 -1 4194560 9 0 0 0 250 50 0 0 20 0 12 0 8800 104857600 2048 1844674407370955";
        let expected = Stat {
            cpu_ticks: 300,
            threads: 12,
            started_ticks: 8_800,
            virtual_bytes: 104_857_600,
            resident_pages: 2_048,
        };
        assert_eq!(Stat::parse(text), Some(expected));
        assert_eq!(Stat::parse("7 (a) S 1"), None);
        assert_eq!(boot_time("cpu 1 2\nbtime 1700000000\nx 1\n"), Some(1_700_000_000));
    }
}
