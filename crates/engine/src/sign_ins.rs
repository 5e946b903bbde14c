//! API users and their sessions as the replica holds them, found by the digest of a token. A sign-in changes one entry: they
//! stand in no catalog, which is made anew with each change.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use claviger_domain::api_user::{API_SESSION_NEWS_PERIOD, ApiSession, ApiUser, PermissionType};
use claviger_domain::digest::CredentialDigest;
use claviger_domain::{ApiSessionId, ApiUserId, ApplicationId, KeyId, OrganizationId, Timestamp, UserId};
use hashbrown::HashMap;
use parking_lot::RwLock;

use crate::uses_elsewhere::HeldUsesElsewhere;

/// A use that another node tells may be this much older than the last there was: its period, and the time of its way.
const NEWS_SLACK: Duration = API_SESSION_NEWS_PERIOD.saturating_add(Duration::from_secs(10));

/// All API users of the installation, and their tokens.
#[derive(Debug, Default)]
pub(crate) struct SignIns(RwLock<Held>);

#[derive(Debug, Default)]
struct Held {
    users: HashMap<ApiUserId, Arc<HeldApiUser>>,
    sessions: HashMap<CredentialDigest, Arc<HeldSession>>,
    /// The digest under which each session stands.
    digests: HashMap<ApiSessionId, CredentialDigest>,
    static_tokens: HashMap<CredentialDigest, ApiUserId>,
}

/// An API user.
#[derive(Debug)]
pub(crate) struct HeldApiUser {
    pub(crate) id: ApiUserId,
    pub(crate) application: ApplicationId,
    pub(crate) user_name: Box<str>,
    pub(crate) is_active: bool,
    pub(crate) permission_type: PermissionType,
    /// Id and address.
    pub(crate) contact: Option<(Box<str>, Box<str>)>,
    pub(crate) profile_user: UserId,
    pub(crate) profile_external: Option<Box<str>>,
    pub(crate) language: Box<str>,
    static_token: Option<CredentialDigest>,
}

/// A session.
#[derive(Debug)]
pub(crate) struct HeldSession {
    pub(crate) id: ApiSessionId,
    pub(crate) organization: OrganizationId,
    pub(crate) application: ApplicationId,
    pub(crate) user: ApiUserId,
    pub(crate) key: KeyId,
    pub(crate) is_enrolment_only: bool,
    expires_at: Timestamp,
    idle: Duration,
    /// Microseconds; as far as this node knows.
    used_at: AtomicI64,
    /// The use that other nodes were told of last; microseconds.
    told_at: AtomicI64,
}

/// Whose a token is.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    pub(crate) user: Arc<HeldApiUser>,
    /// None: a static token.
    pub(crate) session: Option<Arc<HeldSession>>,
}

/// Why a session counts no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// Its end has come.
    Expired,
    /// It was not used for too long.
    Idle,
}

// === impl SignIns ===

impl SignIns {
    /// The session of this digest, and who signed in.
    pub(crate) fn session(&self, digest: &CredentialDigest) -> Option<SignedIn> {
        let held = self.0.read();
        let session = held.sessions.get(digest)?;
        let user = held.users.get(&session.user)?;
        Some(SignedIn { user: Arc::clone(user), session: Some(Arc::clone(session)) })
    }

    /// The user of the static token of this digest.
    pub(crate) fn static_token(&self, digest: &CredentialDigest) -> Option<SignedIn> {
        let held = self.0.read();
        let user = held.users.get(held.static_tokens.get(digest)?)?;
        Some(SignedIn { user: Arc::clone(user), session: None })
    }

    pub(crate) fn set_user(&self, user: &ApiUser) {
        let mut held = self.0.write();
        let now = Arc::new(HeldApiUser::new(user));
        if let Some(digest) = held.users.get(&user.id).and_then(|before| before.static_token) {
            held.static_tokens.remove(&digest);
        }
        if let Some(digest) = user.static_token {
            held.static_tokens.insert(digest, user.id);
        }
        held.users.insert(user.id, now);
    }

    pub(crate) fn remove_user(&self, id: ApiUserId) {
        let mut held = self.0.write();
        if let Some(digest) = held.users.remove(&id).and_then(|user| user.static_token) {
            held.static_tokens.remove(&digest);
        }
    }

    /// What a session is now; a use that this node knows of stays known.
    pub(crate) fn set_session(&self, session: &ApiSession) {
        let mut held = self.0.write();
        let before = held.digests.insert(session.id, session.digest);
        let before = before.and_then(|digest| held.sessions.remove(&digest));
        let now = HeldSession::new(session, before.as_deref());
        held.sessions.insert(session.digest, Arc::new(now));
    }

    pub(crate) fn remove_session(&self, id: ApiSessionId) {
        let mut held = self.0.write();
        if let Some(digest) = held.digests.remove(&id) {
            held.sessions.remove(&digest);
        }
    }
}

// === impl HeldApiUser ===

impl HeldApiUser {
    fn new(user: &ApiUser) -> Self {
        let contact = user.contact.as_ref().map(|contact| (contact.id.as_str().into(), contact.email.as_str().into()));
        Self {
            id: user.id,
            application: user.application,
            user_name: user.user_name.as_str().into(),
            is_active: user.disabled.is_none(),
            permission_type: user.permission_type,
            contact,
            profile_user: user.profile_user,
            profile_external: user.profile_external.as_deref().map(Box::from),
            language: user.language.as_str().into(),
            static_token: user.static_token,
        }
    }
}

// === impl HeldSession ===

impl HeldSession {
    fn new(session: &ApiSession, before: Option<&Self>) -> Self {
        let (told, known) = (session.used_at.as_micros(), before.map_or(i64::MIN, Self::used_at));
        Self {
            id: session.id,
            organization: session.organization,
            application: session.application,
            user: session.user,
            key: session.key,
            is_enrolment_only: session.enrolment_only,
            expires_at: session.expires_at,
            idle: session.idle,
            used_at: AtomicI64::new(told.max(known)),
            told_at: AtomicI64::new(told),
        }
    }

    fn used_at(&self) -> i64 {
        self.used_at.load(Ordering::Relaxed)
    }

    /// Whether it counts at `now`. Where other nodes may have seen it in use of late, it is not called idle before word of that
    /// would have come.
    pub(crate) fn check(&self, uses_elsewhere: &HeldUsesElsewhere, now: Timestamp) -> Result<(), Over> {
        if now >= self.expires_at {
            return Err(Over::Expired);
        }
        let used_at = Timestamp::from_micros(self.used_at());
        let idle_at = used_at.saturating_add(self.idle);
        if now < idle_at {
            return Ok(());
        }
        let may_be_in_use = uses_elsewhere.get().possible_until > used_at;
        if may_be_in_use && now < idle_at.saturating_add(NEWS_SLACK) { Ok(()) } else { Err(Over::Idle) }
    }

    /// Notes a use at `now`, and says whether the other nodes are to know of it.
    pub(crate) fn note_use(&self, now: Timestamp) -> bool {
        let now = now.as_micros();
        self.used_at.fetch_max(now, Ordering::Relaxed);
        let told = self.told_at.load(Ordering::Relaxed);
        let period = i64::try_from(API_SESSION_NEWS_PERIOD.as_micros()).unwrap_or(i64::MAX);
        let is_news = now.saturating_sub(told) >= period;
        // Of two uses at once one is news.
        is_news && self.told_at.compare_exchange(told, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use claviger_domain::uses_elsewhere::UsesElsewhere;

    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_micros(minutes * 60_000_000)
    }

    fn session(used_at: Timestamp) -> ApiSession {
        ApiSession {
            id: ApiSessionId::from_raw(1),
            digest: CredentialDigest::from_bytes([1; 32]),
            organization: OrganizationId::from_raw(1),
            application: ApplicationId::from_raw(1),
            user: ApiUserId::from_raw(1),
            key: KeyId::from_raw(1),
            created_at: at(0),
            expires_at: at(1_440),
            idle: Duration::from_hours(4),
            used_at,
            enrolment_only: false,
        }
    }

    #[test]
    fn w_13_a_session_idles_and_word_of_a_use_elsewhere_keeps_it() {
        let alone = HeldUsesElsewhere::none();
        let held = HeldSession::new(&session(at(0)), None);
        assert_eq!((held.check(&alone, at(239)), held.check(&alone, at(240))), (Ok(()), Err(Over::Idle)));
        let others = HeldUsesElsewhere::none();
        others.set(UsesElsewhere { possible_until: at(10_000), known_to: at(0) });
        assert_eq!((held.check(&others, at(245)), held.check(&others, at(246))), (Ok(()), Err(Over::Idle)));
        let told = HeldSession::new(&session(at(200)), Some(&held));
        assert_eq!((told.check(&alone, at(439)), told.check(&alone, at(440))), (Ok(()), Err(Over::Idle)));
        let late = HeldSession::new(&session(at(1_439)), None);
        assert_eq!((late.check(&alone, at(1_439)), late.check(&alone, at(1_440))), (Ok(()), Err(Over::Expired)));
    }

    #[test]
    fn a_use_is_told_once_in_five_minutes_and_stays_known() {
        let held = HeldSession::new(&session(at(0)), None);
        let told: Vec<bool> = [1, 4, 5, 6, 9, 10].into_iter().map(|minute| held.note_use(at(minute))).collect();
        assert_eq!(told, [false, false, true, false, false, true]);
        let again = HeldSession::new(&session(at(5)), Some(&held));
        assert_eq!(again.used_at(), at(10).as_micros(), "what is told is older than what is known");
    }
}
