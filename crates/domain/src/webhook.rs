//! Webhooks: where an organization's events are sent, how they are signed, and when they are tried again.
//!
//! By Standard Webhooks (<https://www.standardwebhooks.com>): `webhook-id`, `webhook-timestamp` and `webhook-signature`, HMAC-SHA256
//! over `id.timestamp.body`.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::clock::{Random, Timestamp};
use crate::id::{OrganizationId, WebhookId};
use crate::key::{Actor, Disabled};
use crate::name::Name;
use crate::secret::Secret;

/// The most webhooks of an organization.
pub const WEBHOOKS_MAX: usize = 20;
/// The most bytes of what is sent.
pub const EVENT_BYTES_MAX: usize = 20_000;
/// The longest that a secret is valid beside the one that took its place, in seconds: a week.
pub const OVERLAP_SECONDS_MAX: u32 = 7 * 24 * 3_600;
/// How long that is where nothing else is asked for, in seconds: a day.
pub const OVERLAP_SECONDS: u32 = 24 * 3_600;
/// Stands for all types of events, also those of later versions; not for [`EventType::AuditEntry`], which repeats them.
pub const ALL_EVENTS: &str = "*";
/// The longest that a receiver may put an attempt off.
pub const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

/// What a secret begins with.
const SECRET_PREFIX: &str = "whsec_";
const SECRET_BYTES: usize = 32;
/// How long to wait before each attempt after the one before it; there are no more.
const PAUSES_SECONDS: [u64; 10] = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// A pause is longer by up to this part of it, so that what failed together does not come again together.
const JITTER_PART: f64 = 0.1;
/// How a receiver says that it does not want events any more.
const GONE: u16 = 410;

/// Where an organization's events are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// The tenant.
    pub organization: OrganizationId,
    /// What people call it; unique in the organization.
    pub name: Name,
    /// Where events go: a [`Target`](crate::outgoing::Target).
    pub url: String,
    /// Which types; [`ALL_EVENTS`] for all. A type that this program does not know is one of a newer one.
    pub events: Vec<String>,
    /// Nothing is sent, by whom and why.
    pub disabled: Option<Disabled>,
    /// The sealed secret.
    pub sealed: Vec<u8>,
    /// The one before it, while both sign.
    pub old: Option<OldSecret>,
    /// Entries of the audit chain up to this one are not sent.
    pub after_entry: i64,
    /// Who made it.
    pub created_by: Actor,
    /// When.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Grows with each change; its entity tag.
    pub version: i64,
}

/// The secret before the last rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldSecret {
    /// Sealed.
    pub sealed: Vec<u8>,
    /// Until when it signs.
    pub valid_until: Timestamp,
}

/// What is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// A key was made.
    KeyCreated,
    /// A key was imported.
    KeyImported,
    /// A key was changed.
    KeyEdited,
    /// A key was put back into service.
    KeyEnabled,
    /// A key was taken out of service.
    KeyDisabled,
    /// A key was deleted.
    KeyDeleted,
    /// A key's secret was shown again.
    KeyRevealed,
    /// A key has a new secret.
    KeyRotated,
    /// A key was reported as leaked.
    KeyLeaked,
    /// A key waits for approval.
    KeyPending,
    /// A key was approved.
    KeyApproved,
    /// A key was denied.
    KeyDenied,
    /// A key was used from a network for the first time.
    KeyNewAddress,
    /// A secret of a key was used that had been rotated out.
    KeyOldSecretUsed,
    /// A key ends in 30, 7 or 1 days, or today.
    KeyExpiring,
    /// A key goes idle in 14, 7 or 1 days, or has gone idle.
    KeyIdle,
    /// A user was disabled.
    UserDisabled,
    /// A user was locked.
    UserLocked,
    /// An application was disabled.
    ApplicationDisabled,
    /// Something stands in the organization's audit log, whatever it is.
    AuditEntry,
    /// Somebody tries a webhook.
    Test,
}

/// The secret that receivers check signatures with.
#[derive(Clone)]
pub struct WebhookSecret(Secret);

/// A stored secret that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the webhook's secret cannot be read")]
pub struct InvalidWebhookSecret;

/// What becomes of an event after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The receiver has it.
    Delivered,
    /// It is tried again after so long.
    Again(Duration),
    /// It is not tried any more.
    GivenUp,
    /// The receiver wants no events any more.
    Gone,
}

/// What becomes of an event of which `tries` attempts were made, the last of which was answered so (`None`: not at all). `jitter` is
/// from 0 to 1.
pub fn after(status: Option<u16>, tries: i64, retry_after: Option<Duration>, jitter: f64) -> Next {
    match status {
        Some(200..=299) => return Next::Delivered,
        Some(GONE) => return Next::Gone,
        _ => {}
    }
    let place = usize::try_from(tries).unwrap_or_default();
    let Some(seconds) = PAUSES_SECONDS.get(place.max(1)) else { return Next::GivenUp };
    let pause = Duration::from_secs(*seconds).mul_f64(1.0 + JITTER_PART * jitter.clamp(0.0, 1.0));
    Next::Again(pause.max(retry_after.unwrap_or_default().min(RETRY_AFTER_MAX)))
}

// === impl Webhook ===

impl Webhook {
    /// Whether events of this type are sent.
    pub fn wants(&self, event: EventType) -> bool {
        let stands_for_it = |name: &str| name == event.as_str() || name == ALL_EVENTS && event != EventType::AuditEntry;
        self.disabled.is_none() && self.events.iter().any(|name| stands_for_it(name))
    }

    /// The sealed secrets that sign at `now`, the current one first.
    pub fn signing(&self, now: Timestamp) -> impl Iterator<Item = &[u8]> {
        let old = self.old.as_ref().filter(move |old| now < old.valid_until);
        std::iter::once(self.sealed.as_slice()).chain(old.map(|old| old.sealed.as_slice()))
    }
}

// === impl EventType ===

impl EventType {
    /// Those that can be chosen.
    pub const ALL: [Self; 20] = [
        Self::KeyCreated,
        Self::KeyImported,
        Self::KeyEdited,
        Self::KeyEnabled,
        Self::KeyDisabled,
        Self::KeyDeleted,
        Self::KeyRevealed,
        Self::KeyRotated,
        Self::KeyLeaked,
        Self::KeyPending,
        Self::KeyApproved,
        Self::KeyDenied,
        Self::KeyNewAddress,
        Self::KeyOldSecretUsed,
        Self::KeyExpiring,
        Self::KeyIdle,
        Self::UserDisabled,
        Self::UserLocked,
        Self::ApplicationDisabled,
        Self::AuditEntry,
    ];

    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyCreated => "key.created",
            Self::KeyImported => "key.imported",
            Self::KeyEdited => "key.edited",
            Self::KeyEnabled => "key.enabled",
            Self::KeyDisabled => "key.disabled",
            Self::KeyDeleted => "key.deleted",
            Self::KeyRevealed => "key.revealed",
            Self::KeyRotated => "key.rotated",
            Self::KeyLeaked => "key.leaked",
            Self::KeyPending => "key.pending",
            Self::KeyApproved => "key.approved",
            Self::KeyDenied => "key.denied",
            Self::KeyNewAddress => "key.new_address",
            Self::KeyOldSecretUsed => "key.old_secret_used",
            Self::KeyExpiring => "key.expiring",
            Self::KeyIdle => "key.idle",
            Self::UserDisabled => "user.disabled",
            Self::UserLocked => "user.locked",
            Self::ApplicationDisabled => "application.disabled",
            Self::AuditEntry => "audit.entry",
            Self::Test => "webhook.test",
        }
    }

    /// The type that an entry of the audit chain tells of, by its action. `is_idle`: the server has written down that a key is idle.
    pub fn of_action(action: &str, is_idle: bool) -> Option<Self> {
        Some(match action {
            "key.create" => Self::KeyCreated,
            "key.import" => Self::KeyImported,
            "key.edit" | "key.move" | "key.end_overlap" => Self::KeyEdited,
            "key.enable" | "key.resume" => Self::KeyEnabled,
            "key.disable" if is_idle => Self::KeyIdle,
            "key.disable" | "key.revoke" => Self::KeyDisabled,
            "key.delete" => Self::KeyDeleted,
            "key.reveal" => Self::KeyRevealed,
            "key.rotate" => Self::KeyRotated,
            "key.leak" => Self::KeyLeaked,
            "key.approve" => Self::KeyApproved,
            "key.deny" => Self::KeyDenied,
            "key.old_secret_used" => Self::KeyOldSecretUsed,
            "user.disable" => Self::UserDisabled,
            "user.lock" => Self::UserLocked,
            "application.disable" => Self::ApplicationDisabled,
            _ => return None,
        })
    }

    /// Whether an entry with this action is told of as [`AuditEntry`](Self::AuditEntry). That an event was given up is not: telling
    /// of it to a webhook that takes none would never end.
    pub fn is_told_as_entry(action: &str) -> bool {
        action != "webhook.give_up"
    }

    /// The actions of the audit chain that are told of by types of their own.
    pub const ACTIONS: [&'static str; 19] = [
        "key.create",
        "key.import",
        "key.edit",
        "key.move",
        "key.end_overlap",
        "key.enable",
        "key.resume",
        "key.disable",
        "key.revoke",
        "key.delete",
        "key.reveal",
        "key.rotate",
        "key.leak",
        "key.approve",
        "key.deny",
        "key.old_secret_used",
        "user.disable",
        "user.lock",
        "application.disable",
    ];
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl WebhookSecret ===

impl WebhookSecret {
    /// A new one: 32 bytes.
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        random.fill(bytes.as_mut());
        Self(Secret::new(format!("{SECRET_PREFIX}{}", *Zeroizing::new(STANDARD.encode(bytes.as_ref())))))
    }

    /// One that was stored.
    pub fn of_stored(text: Secret) -> Self {
        Self(text)
    }

    /// The text that its receiver is given: `whsec_` and base64.
    pub fn text(&self) -> &Secret {
        &self.0
    }

    /// The signature of a message: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`, the timestamp in whole seconds.
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> Result<String, InvalidWebhookSecret> {
        let encoded = self.0.expose().strip_prefix(SECRET_PREFIX).ok_or(InvalidWebhookSecret)?;
        let key = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| InvalidWebhookSecret)?);
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| InvalidWebhookSecret)?;
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FixedRandom;

    #[test]
    fn a_message_is_signed_as_the_standard_has_it() {
        // The example of the specification's reference libraries.
        let secret = WebhookSecret::of_stored(Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()));
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature.as_deref(), Ok("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[test]
    fn a_new_secret_has_32_bytes_and_does_not_print() {
        let secret = WebhookSecret::generate(&FixedRandom::new(1));
        let encoded = secret.text().expose().strip_prefix("whsec_").expect("the prefix");
        assert_eq!(STANDARD.decode(encoded).map(|bytes| bytes.len()), Ok(32));
        assert_eq!(format!("{secret:?}"), "WebhookSecret");
        let other = WebhookSecret::of_stored(Secret::new("whsec_%".to_owned()));
        assert_eq!(other.sign("a", 1, "b"), Err(InvalidWebhookSecret));
    }

    #[test]
    fn ten_attempts_are_made_over_three_days_and_a_part_of_each_pause_is_chance() {
        let mut total = Duration::ZERO;
        let mut pauses = Vec::new();
        for tries in 1.. {
            match after(Some(500), tries, None, 0.0) {
                Next::Again(pause) => {
                    total += pause;
                    pauses.push(pause.as_secs());
                }
                Next::GivenUp => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(pauses, [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]);
        assert!(total > Duration::from_hours(75) && total < Duration::from_hours(76), "{total:?}");
        assert_eq!(after(None, 2, None, 1.0), Next::Again(Duration::from_secs(330)));
        assert_eq!(after(None, 2, None, 9.0), Next::Again(Duration::from_secs(330)));
    }

    #[test]
    fn only_2xx_is_received_and_410_ends_it() {
        for status in [200, 201, 204, 299] {
            assert_eq!(after(Some(status), 1, None, 0.5), Next::Delivered, "{status}");
        }
        for status in [100, 199, 300, 301, 302, 307, 400, 404, 429, 500, 503] {
            assert_eq!(after(Some(status), 1, None, 0.0), Next::Again(Duration::from_secs(5)), "{status}");
        }
        assert_eq!((after(Some(410), 1, None, 0.5), after(Some(410), 10, None, 0.5)), (Next::Gone, Next::Gone));
        assert_eq!(after(None, 10, None, 0.0), Next::GivenUp);
        assert_eq!(after(Some(200), 11, None, 0.0), Next::Delivered);
    }

    #[test]
    fn a_receiver_may_put_an_attempt_off_for_a_day_at_most_and_never_has_it_sooner() {
        let minutes = |minutes| Some(Duration::from_mins(minutes));
        assert_eq!(after(Some(429), 1, minutes(10), 0.0), Next::Again(Duration::from_mins(10)));
        assert_eq!(after(Some(429), 3, minutes(10), 0.0), Next::Again(Duration::from_mins(30)));
        assert_eq!(after(Some(503), 1, Some(Duration::MAX), 0.0), Next::Again(RETRY_AFTER_MAX));
    }

    #[test]
    fn every_action_that_is_read_has_a_type_and_every_type_a_word_of_its_own() {
        for action in EventType::ACTIONS {
            assert!(EventType::of_action(action, false).is_some(), "{action}");
        }
        assert_eq!(EventType::of_action("key.disable", true), Some(EventType::KeyIdle));
        assert_eq!(EventType::of_action("webhook.create", false), None);
        let mut words: Vec<_> = EventType::ALL.iter().map(|event| event.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), EventType::ALL.len());
    }
}
