//! A request that has to wait for what others say of its limits is answered again: in turns, of which the last one answers.
//!
//! Nothing is taken and nothing recorded by a turn that waits, so the next one begins where it began.

use claviger_domain::verdict::Code;
use claviger_engine::{Question, Settled, Verdict, Wait};

use crate::problem::Problem;
use crate::service::Connection;

/// What goes from one turn of a request to the next.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// What this turn knows of the last one's wait.
    settled: Option<Settled>,
    /// What has to be waited for before the next one.
    wait: Option<Wait>,
    /// Nothing more is waited for: of a batch, all together wait no longer than one.
    is_over: bool,
    /// Of a batch: how many of its questions are answered, and with what.
    pub(crate) answered: Option<(usize, Vec<u8>)>,
}

/// Why there is no verdict.
#[derive(Debug)]
pub(crate) enum Unjudged {
    /// There will be none.
    Refused(Problem),
    /// There will be one with the next turn.
    Waits,
}

// === impl Turn ===

impl Turn {
    /// What is to be waited for, if this turn did not answer.
    pub(crate) fn take_wait(&mut self) -> Option<Wait> {
        self.wait.take()
    }

    /// Whether this turn did not answer.
    pub(crate) fn waits(&self) -> bool {
        self.wait.is_some()
    }

    /// The next turn knows this.
    pub(crate) fn settle(&mut self, settled: Settled) {
        self.is_over |= settled.is_over();
        self.settled = Some(settled);
    }
}

// === impl Connection (deciding) ===

impl Connection {
    /// The verdict, if it can be given in this turn.
    pub(crate) fn decide(&self, question: &Question<'_>, turn: &mut Turn) -> Result<Verdict, Unjudged> {
        let is_over = turn.is_over;
        let settled = turn.settled.take().unwrap_or_else(|| if is_over { Settled::now() } else { Settled::default() });
        self.engine().decide_or_wait(question, settled).map_err(|wait| {
            turn.wait = Some(wait);
            Unjudged::Waits
        })
    }
}

impl From<Problem> for Unjudged {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

/// Whether a code is a limit's.
pub(crate) const fn is_of_limit(code: Code) -> bool {
    matches!(code, Code::RateLimited | Code::QuotaExceeded)
}
