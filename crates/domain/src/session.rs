//! Sessions: a person who has signed in, in one browser.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{OrganizationId, SessionId, UserId};

/// How long a session lasts without a request, in hours, until something else is configured.
pub const IDLE_HOURS: u32 = 12;
/// How long a session lasts at the most, in hours, until something else is configured.
pub const ABSOLUTE_HOURS: u32 = 7 * 24;
/// For how long nobody is asked for a password or a code again.
pub const STEP_UP_FOR: Duration = Duration::from_mins(10);
/// The most sessions of a person; the one that was seen longest ago ends when there is one more.
pub const SESSIONS_MAX: usize = 20;
/// How often a session notes that it was seen.
pub const SEEN_EVERY: Duration = Duration::from_mins(1);
/// The most characters of a user agent that are kept.
pub const AGENT_LENGTH_MAX: usize = 200;

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without a request.
    pub idle: Duration,
    /// At the most.
    pub absolute: Duration,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Who signed in.
    pub user: UserId,
    /// The organization whose things are meant.
    pub organization: OrganizationId,
    /// When they signed in.
    pub created_at: Timestamp,
    /// When a request was last noted.
    pub seen_at: Timestamp,
    /// When they last proved who they are.
    pub proved_at: Timestamp,
    /// The address of the last request that was noted.
    pub ip: Option<String>,
    /// The browser, as it called itself when they signed in.
    pub agent: Option<String>,
}

// === impl SessionLimits ===

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            idle: Duration::from_hours(u64::from(IDLE_HOURS)),
            absolute: Duration::from_hours(u64::from(ABSOLUTE_HOURS)),
        }
    }
}

// === impl Session ===

impl Session {
    /// From when on it counts no more.
    pub fn ends_at(&self, limits: &SessionLimits) -> Timestamp {
        self.seen_at.saturating_add(limits.idle).min(self.created_at.saturating_add(limits.absolute))
    }

    /// Whether it counts at `now`.
    pub fn is_alive(&self, now: Timestamp, limits: &SessionLimits) -> bool {
        now < self.ends_at(limits)
    }

    /// Whether the person has proved of late who they are.
    pub fn is_proved(&self, now: Timestamp) -> bool {
        now < self.proved_at.saturating_add(STEP_UP_FOR)
    }

    /// Whether a request at `now` is to be noted.
    pub fn is_to_be_noted(&self, now: Timestamp) -> bool {
        now.saturating_since(self.seen_at) >= SEEN_EVERY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_micros(minutes * 60_000_000)
    }

    #[test]
    fn a_session_ends_when_it_idles_and_at_its_absolute_end() {
        let limits = SessionLimits { idle: Duration::from_mins(30), absolute: Duration::from_mins(100) };
        let mut session = Session {
            id: SessionId::from_raw(1),
            user: UserId::from_raw(1),
            organization: OrganizationId::from_raw(1),
            created_at: at(0),
            seen_at: at(0),
            proved_at: at(0),
            ip: None,
            agent: None,
        };
        assert!(session.is_alive(at(29), &limits) && !session.is_alive(at(30), &limits));
        session.seen_at = at(80);
        assert!(session.is_alive(at(99), &limits));
        assert!(!session.is_alive(at(100), &limits), "however busy it is");
        assert!(session.is_proved(at(9)) && !session.is_proved(at(10)));
        assert!(!session.is_to_be_noted(at(80)) && session.is_to_be_noted(at(81)));
    }
}
