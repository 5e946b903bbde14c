//! Whether a back end is worth asking: after some failures nobody waits for it until it has answered again.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use tokio::sync::Notify;

/// So many failures in a row, and requests do not wait for it any more.
const FAILURES_MAX: u32 = 3;

/// Closed while it answers, open while it does not.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    failures: AtomicU32,
    is_open: AtomicBool,
    opened: Notify,
}

// === impl Circuit ===

impl Circuit {
    /// Whether it is not worth asking.
    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Relaxed)
    }

    /// Notes an answer; whether this closed it.
    pub(super) fn note_answer(&self) -> bool {
        self.failures.store(0, Relaxed);
        self.is_open.swap(false, Relaxed)
    }

    /// Notes a failure; whether this opened it.
    pub(super) fn note_failure(&self) -> bool {
        let failures = self.failures.fetch_add(1, Relaxed).saturating_add(1);
        let opens = failures >= FAILURES_MAX && !self.is_open.swap(true, Relaxed);
        if opens {
            self.opened.notify_one();
        }
        opens
    }

    /// Waits until it is open.
    pub(super) async fn opened(&self) {
        while !self.is_open() {
            self.opened.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_failures_in_a_row_open_it_and_an_answer_closes_it() {
        let circuit = Circuit::default();
        assert_eq!([circuit.note_failure(), circuit.note_failure(), circuit.note_answer()], [false; 3]);
        let failures: [bool; 4] = std::array::from_fn(|_| circuit.note_failure());
        assert_eq!(failures, [false, false, true, false]);
        assert!(circuit.is_open());
        assert!(circuit.note_answer() && !circuit.is_open());
        assert!(!circuit.note_failure(), "it counts anew");
    }
}
