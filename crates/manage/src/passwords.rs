//! Hashing passwords: Argon2id on a bounded pool, so that a flood of sign-ins waits for itself and not the doors for it.
//!
//! The parameters are OWASP's (19 MiB, two passes, one lane). Beside the salt Argon2 takes a key of the ring: whoever has the
//! database alone cannot try passwords out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use claviger_domain::foreign_password::ForeignCost;
use claviger_domain::keyring::Keyring;
use claviger_domain::password::{Password, PasswordHash, PasswordProblem};
use claviger_domain::sign_in_key::PasswordKey;
use claviger_domain::{Random, Secret};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;

/// Memory of one hash, in KiB.
pub const MEMORY_KIB: u32 = 19 * 1_024;
/// Passes over the memory.
pub const PASSES: u32 = 2;
/// How many hashes are computed at once until something else is configured.
pub const AT_ONCE: usize = 1;
/// The most that may be configured.
pub const AT_ONCE_MAX: usize = 64;
/// How many more wait for their turn, for each that is computed; further ones are refused with 503.
pub const WAITING_EACH: usize = 32;

const SALT_BYTES: usize = 16;

/// What one hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

/// Hashes passwords and compares with hashes. Clones share the pool.
#[derive(Clone)]
pub struct Passwords(Arc<Inner>);

struct Inner {
    key: PasswordKey,
    params: Params,
    /// Those that are computed.
    running: Arc<Semaphore>,
    /// Those that are computed or wait.
    admitted: Arc<Semaphore>,
    computed: AtomicU64,
    /// Where there is no hash, this is what a password is held against: the same work, and never a match.
    nobody: PasswordHash,
}

/// A place in the queue.
#[derive(Debug)]
pub struct Place(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

/// How a password compares with a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// Another password, or there is none.
    No,
    /// This one.
    Yes,
    /// This one, hashed with parameters of another time: it is to be hashed anew.
    Outdated,
}

/// What somebody entered in `field`.
pub fn entered(field: &'static str, text: &Secret) -> Result<Password, Error> {
    Password::entered(text).map_err(|problem| refusal(field, problem))
}

/// The password that `field` is to give to a person with these names and addresses.
pub fn chosen(field: &'static str, text: &Secret, own: &[&str]) -> Result<Password, Error> {
    let password = entered(field, text)?;
    claviger_domain::password::check(&password, own).map_err(|problem| refusal(field, problem))?;
    Ok(password)
}

fn refusal(field: &'static str, problem: PasswordProblem) -> Error {
    Error::field(field, problem)
}

// === impl Cost ===

impl Default for Cost {
    fn default() -> Self {
        Self { memory_kib: MEMORY_KIB, passes: PASSES }
    }
}

// === impl Passwords ===

impl Passwords {
    /// Computes `at_once` hashes at once, each of this cost.
    pub fn new(keyring: &Keyring, at_once: usize, cost: Cost) -> Self {
        let at_once = at_once.clamp(1, AT_ONCE_MAX);
        let params = Params::new(cost.memory_kib, cost.passes, 1, None)
            .unwrap_or_else(|error| unreachable!("the cost is within Argon2's bounds: {error}"));
        // A hash of zeros with a salt of zeros; no password is known that has it.
        let (memory, passes) = (params.m_cost(), params.t_cost());
        let zeros = format!("$argon2id$v=19$m={memory},t={passes},p=1${}${}", "A".repeat(22), "A".repeat(43));
        Self(Arc::new(Inner {
            key: keyring.password_key(),
            params,
            running: Arc::new(Semaphore::new(at_once)),
            admitted: Arc::new(Semaphore::new(at_once * (1 + WAITING_EACH))),
            computed: AtomicU64::new(0),
            nobody: PasswordHash::new(zeros),
        }))
    }

    /// A place in the queue; 503 where it is full. Whoever has one may do what must come before the hash, and is not refused
    /// for want of room afterwards.
    pub fn admit(&self) -> Result<Place, Error> {
        let place = Arc::clone(&self.0.admitted).try_acquire_owned();
        place.map(Place).map_err(|_| Error::busy("Too many people sign in at once; try again soon."))
    }

    /// Hashes a password with a new salt.
    pub async fn hash(&self, password: Password, random: &dyn Random) -> Result<PasswordHash, Error> {
        let place = self.admit()?;
        self.hash_at(&place, password, random).await
    }

    /// The same for who has a place already.
    pub async fn hash_at(&self, _: &Place, password: Password, random: &dyn Random) -> Result<PasswordHash, Error> {
        let mut salt = [0; SALT_BYTES];
        random.fill(&mut salt);
        self.computing(move |argon| {
            let hash = argon.hash_password_with_salt(password.expose().as_bytes(), &salt);
            hash.map(|hash| PasswordHash::new(hash.to_string())).map_err(|error| error.to_string())
        })
        .await
    }

    /// Holds a password against a hash. It takes one computation, whether there is a hash or not.
    pub async fn verify(&self, _: &Place, password: Password, stored: Option<PasswordHash>) -> Result<Match, Error> {
        let (known, stored) = (stored.is_some(), stored.unwrap_or_else(|| self.0.nobody.clone()));
        let params = self.0.params.clone();
        self.computing(move |argon| {
            let stored = argon2::PasswordHash::new(stored.expose()).map_err(|error| error.to_string())?;
            let same = argon.verify_password(password.expose().as_bytes(), &stored).is_ok();
            let written_with = Params::try_from(&stored).map_err(|error| error.to_string())?;
            let is_outdated = (written_with.m_cost(), written_with.t_cost(), written_with.p_cost())
                != (params.m_cost(), params.t_cost(), params.p_cost());
            Ok(match (known && same, is_outdated) {
                (false, _) => Match::No,
                (true, false) => Match::Yes,
                (true, true) => Match::Outdated,
            })
        })
        .await
    }

    /// Holds a text against a hash that another system made, which knows nothing of the ring's key. Without one it is one
    /// computation of the same cost, which never matches.
    pub async fn verify_foreign(
        &self,
        _: &Place,
        text: Secret,
        cost: ForeignCost,
        stored: Option<PasswordHash>,
    ) -> Result<bool, Error> {
        let (known, stored) = (stored.is_some(), stored.unwrap_or_else(|| cost.of_nobody()));
        let same = self.computing(move |_| match cost {
            ForeignCost::Argon2id { .. } => {
                let stored = argon2::PasswordHash::new(stored.expose()).map_err(|error| error.to_string())?;
                Ok(Argon2::default().verify_password(text.expose().as_bytes(), &stored).is_ok())
            }
            ForeignCost::Bcrypt { .. } => {
                bcrypt::verify(text.expose(), stored.expose()).map_err(|error| error.to_string())
            }
        });
        Ok(same.await? && known)
    }

    /// How many hashes were computed so far.
    pub fn computed(&self) -> u64 {
        self.0.computed.load(Ordering::Relaxed)
    }

    async fn computing<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'_>) -> Result<T, String> + Send + 'static,
    ) -> Result<T, Error> {
        let turn = Arc::clone(&self.0.running).acquire_owned().await;
        let turn = turn.map_err(|_| Error::internal("the pool of password hashes is closed"))?;
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || {
            // Ends with the work: a caller that hung up gives no room before its hash is done.
            let _turn = turn;
            inner.computed.fetch_add(1, Ordering::Relaxed);
            let key = inner.key.expose();
            let argon = Argon2::new_with_secret(key, Algorithm::Argon2id, Version::V0x13, inner.params.clone());
            work(&argon.map_err(|error| error.to_string())?)
        });
        let done = done.await.map_err(|error| Error::internal(format!("a password hash: {error}")))?;
        done.map_err(|error| Error::internal(format!("a password hash: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use claviger_domain::testing::FixedRandom;

    use super::*;

    /// Made by `crypt(3)` of libxcrypt, and by the reference implementation of Argon2.
    const FOREIGN: [&str; 2] = [
        "$2y$04$abcdefghijklmnopqrstuuy0TsSuJwtQeIBKhqrivRvT5X2XNp9yu",
        "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$v1BF8yY2sa3RnkP2nuadIDx4t6jgptQdhvnrert4CiE",
    ];
    const CHEAP: Cost = Cost { memory_kib: 64, passes: 1 };

    fn password(text: &str) -> Password {
        Password::entered(&Secret::new(text.to_owned())).expect("a text")
    }

    #[tokio::test]
    async fn a_hash_is_of_its_password_and_salt_under_the_rings_key() {
        let random = FixedRandom::new(7);
        let ring = Keyring::generate(&random);
        let passwords = Passwords::new(&ring, 1, CHEAP);
        let hash = passwords.hash(password("tulip brisk canal"), &random).await.expect("a hash");
        assert!(hash.expose().starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "a PHC string");
        let again = passwords.hash(password("tulip brisk canal"), &random).await.expect("a hash");
        assert_ne!(hash.expose(), again.expose(), "each has its salt");
        let compared = async |passwords: &Passwords, text: &str| {
            let place = passwords.admit().expect("room");
            passwords.verify(&place, password(text), Some(hash.clone())).await.expect("compared")
        };
        assert_eq!(compared(&passwords, "tulip brisk canal").await, Match::Yes);
        assert_eq!(compared(&passwords, "tulip brisk canaL").await, Match::No);
        let other = Passwords::new(&Keyring::generate(&random), 1, CHEAP);
        assert_eq!(compared(&other, "tulip brisk canal").await, Match::No, "the database alone tries nothing out");
        let dearer = Passwords::new(&ring, 1, Cost { memory_kib: 128, passes: 1 });
        assert_eq!(compared(&dearer, "tulip brisk canal").await, Match::Outdated);
        assert_eq!(compared(&dearer, "another one").await, Match::No);
    }

    #[tokio::test]
    async fn nobody_costs_as_much_as_somebody_and_never_matches() {
        let random = FixedRandom::new(7);
        let passwords = Passwords::new(&Keyring::generate(&random), 1, CHEAP);
        let hash = passwords.hash(password("tulip brisk canal"), &random).await.expect("a hash");
        for stored in [None, Some(hash)] {
            let before = passwords.computed();
            let place = passwords.admit().expect("room");
            assert_eq!(passwords.verify(&place, password("wrong"), stored).await.expect("compared"), Match::No);
            assert_eq!(passwords.computed() - before, 1);
        }
    }

    #[tokio::test]
    async fn a_hash_of_another_system_is_computed_as_that_system_does() {
        let passwords = Passwords::new(&Keyring::generate(&FixedRandom::new(7)), 1, CHEAP);
        for hash in FOREIGN {
            let cost = ForeignCost::of_hash(&Secret::new(hash.to_owned())).expect("a hash");
            let place = passwords.admit().expect("room");
            let compared = async |text: &str, stored: Option<&str>| {
                let stored = stored.map(|hash| PasswordHash::new(hash.to_owned()));
                passwords.verify_foreign(&place, Secret::new(text.to_owned()), cost, stored).await.expect("compared")
            };
            let before = passwords.computed();
            assert!(compared("tulip brisk canal", Some(hash)).await, "{hash}");
            assert!(!compared("tulip brisk canaL", Some(hash)).await, "{hash}");
            assert!(!compared("tulip brisk canal", None).await, "nobody");
            assert_eq!(passwords.computed() - before, 3);
        }
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_a_place_that_is_given_back_is_free() {
        let passwords = Passwords::new(&Keyring::generate(&FixedRandom::new(7)), 1, CHEAP);
        let mut places: Vec<_> = (0..=WAITING_EACH).map(|_| passwords.admit().expect("room")).collect();
        assert_eq!(passwords.admit().expect_err("full").code(), crate::ErrorCode::Busy);
        let before = passwords.computed();
        assert!(passwords.hash(password("tulip brisk canal"), &FixedRandom::new(8)).await.is_err());
        assert_eq!(passwords.computed(), before, "nothing is computed for who is refused");
        places.pop();
        assert!(passwords.admit().is_ok());
    }
}
