//! How far something is that takes its time: a bar on standard error, on a terminal alone and after a second.

use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is done sooner needs no bar.
const SHOWN_AFTER: Duration = Duration::from_secs(1);
/// How often a bar without news moves.
const TICK: Duration = Duration::from_millis(200);

/// A bar, which goes away when this is dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
    shown: bool,
}

/// Writes on, and counts lines or bytes.
pub(crate) struct Counted<'p, W> {
    to: W,
    progress: &'p mut Progress,
    /// The first line, until it is whole: it says how many lines there will be.
    first_line: Option<Vec<u8>>,
}

// === impl Progress ===

impl Progress {
    /// Of so many things, such as `rows`.
    pub(crate) fn of(total: u64, what: &str, things: &str) -> Self {
        let template = format!("{what} {{bar:30}} {{human_pos}}/{{human_len}} {things}, {{eta}} left");
        Self::styled(total, &template)
    }

    /// Of something that tells nothing until it is done.
    pub(crate) fn waiting(what: &str) -> Self {
        let progress = Self::styled(0, &format!("{{spinner}} {what} {{elapsed}}"));
        progress.bar.enable_steady_tick(TICK);
        // Nobody calls it while it waits.
        progress.bar.set_draw_target(ProgressDrawTarget::stderr());
        progress
    }

    fn styled(total: u64, template: &str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        // The templates are ours; the default bar would do.
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, shown: false }
    }

    /// So much is done.
    pub(crate) fn set(&mut self, done: u64) {
        if !self.shown && self.bar.elapsed() >= SHOWN_AFTER {
            self.shown = true;
            // Draws nothing where standard error is no terminal.
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_position(done);
    }

    /// Counts what is written to `to`: the rows of a backup, keys that are rotated.
    pub(crate) fn count<W: Write>(&mut self, to: W) -> Counted<'_, W> {
        Counted { to, progress: self, first_line: Some(Vec::new()) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

// === impl Counted ===

impl<W: Write> Counted<'_, W> {
    fn see(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if let Some(line) = &mut self.first_line {
            let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
            line.extend_from_slice(&rest[..end]);
            rest = &rest[end..];
            if line.last() == Some(&b'\n') {
                let header: serde_json::Value = serde_json::from_slice(line).unwrap_or_default();
                let rows = header["rows"].as_object().into_iter().flatten();
                let total = header["keys"].as_u64();
                let total = total.unwrap_or_else(|| rows.filter_map(|(_, count)| count.as_u64()).sum());
                self.progress.bar.set_length(total);
                self.first_line = None;
            }
        }
        let lines = rest.split(|byte| *byte == b'\n').count() - 1;
        let done = self.progress.bar.position() + lines as u64;
        self.progress.set(done.min(self.progress.bar.length().unwrap_or(done)));
    }
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.see(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_a_backup_are_counted_by_what_its_first_line_says() {
        let mut progress = Progress::of(0, "writing", "rows");
        let mut written = Vec::new();
        let mut counted = progress.count(&mut written);
        for part in ["{\"rows\": {\"a\"", ": 2, \"b\": 3}}\n[1]", "\n[2]\n"] {
            counted.write_all(part.as_bytes()).expect("a `Vec` takes everything");
        }
        assert_eq!((progress.bar.length(), progress.bar.position()), (Some(5), 2));
        assert_eq!(written.len(), "{\"rows\": {\"a\": 2, \"b\": 3}}\n[1]\n[2]\n".len());
    }
}
