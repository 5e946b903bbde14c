//! Hashes of passwords that another system made. They are kept until their owner signs in, and then replaced by one of ours.
//!
//! Such a system does not hash the password itself but the hexadecimal HMAC-SHA256 of it, under a key of its own. The hash is
//! Argon2id as a PHC string (RFC 9106), or bcrypt as `crypt(3)` writes it.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::hex::hex;
use crate::password::PasswordHash;
use crate::secret::Secret;

/// The most KiB of memory that such a hash may take: twice what PHP takes unless it is told otherwise.
pub const FOREIGN_MEMORY_KIB_MAX: u32 = 128 * 1_024;
/// The fewest: what RFC 9106 (3.1) asks for one lane.
pub const FOREIGN_MEMORY_KIB_MIN: u32 = 8;
/// The most passes over the memory.
pub const FOREIGN_PASSES_MAX: u32 = 10;
/// The most lanes.
pub const FOREIGN_LANES_MAX: u32 = 8;
/// The least and the most that bcrypt may cost, as a power of two: 12 is a quarter of a second.
pub const FOREIGN_BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 4..=12;
/// How many different costs the hashes of one application's users may have: every sign-in pays all of them.
pub const FOREIGN_COSTS_MAX: usize = 4;
/// The most bytes of the key of the MAC.
pub const FOREIGN_KEY_BYTES_MAX: usize = 1_024;

/// Bytes of an Argon2id hash and its salt.
const ARGON2_BYTES: std::ops::RangeInclusive<usize> = 8..=64;
/// Characters of a bcrypt hash with its salt, behind the cost.
const BCRYPT_LENGTH: usize = 53;

/// What it costs to compute a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ForeignCost {
    /// Argon2id, version 19.
    Argon2id {
        /// Memory in KiB.
        memory_kib: u32,
        /// Passes over it.
        passes: u32,
        /// Lanes.
        lanes: u32,
    },
    /// bcrypt.
    Bcrypt {
        /// The power of two.
        cost: u32,
    },
}

/// A text that is no hash which could be taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidForeignHash {
    /// Neither of the two kinds.
    #[error("expected an Argon2id hash of version 19 or a bcrypt hash")]
    Form,
    /// It would take too long, or too much memory.
    #[error(
        "costs too much: expected at most {FOREIGN_MEMORY_KIB_MAX} KiB, {FOREIGN_PASSES_MAX} passes and \
         {FOREIGN_LANES_MAX} lanes of Argon2id, or bcrypt from 4 to 12"
    )]
    Cost,
}

// === impl ForeignCost ===

impl ForeignCost {
    /// Reads what a hash costs, and whether it is one.
    pub fn of_hash(hash: &Secret) -> Result<Self, InvalidForeignHash> {
        let parts: Vec<&str> = hash.expose().split('$').collect();
        match parts[..] {
            ["", "argon2id", "v=19", parameters, salt, digest] => {
                let is_whole = [salt, digest]
                    .iter()
                    .all(|part| STANDARD_NO_PAD.decode(part).is_ok_and(|bytes| ARGON2_BYTES.contains(&bytes.len())));
                let cost = argon2id(parameters).filter(|_| is_whole).ok_or(InvalidForeignHash::Form)?;
                cost.bounded()
            }
            ["", "2y" | "2a" | "2b", cost, rest] => {
                let is_whole = cost.len() == 2 && rest.len() == BCRYPT_LENGTH && rest.bytes().all(is_bcrypt_digit);
                let cost = cost.parse().ok().filter(|_| is_whole).ok_or(InvalidForeignHash::Form)?;
                Self::Bcrypt { cost }.bounded()
            }
            _ => Err(InvalidForeignHash::Form),
        }
    }

    /// A hash of this cost that no password has: of zeros, with a salt of zeros.
    pub fn of_nobody(self) -> PasswordHash {
        PasswordHash::new(match self {
            Self::Argon2id { memory_kib, passes, lanes } => {
                let (salt, digest) = ("A".repeat(22), "A".repeat(43));
                format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${digest}")
            }
            Self::Bcrypt { cost } => format!("$2y${cost:02}${}", ".".repeat(BCRYPT_LENGTH)),
        })
    }

    fn bounded(self) -> Result<Self, InvalidForeignHash> {
        let is_fit = match self {
            Self::Argon2id { memory_kib, passes, lanes } => {
                (1..=FOREIGN_LANES_MAX).contains(&lanes)
                    && (1..=FOREIGN_PASSES_MAX).contains(&passes)
                    && (FOREIGN_MEMORY_KIB_MIN * lanes..=FOREIGN_MEMORY_KIB_MAX).contains(&memory_kib)
            }
            Self::Bcrypt { cost } => FOREIGN_BCRYPT_COSTS.contains(&cost),
        };
        if is_fit { Ok(self) } else { Err(InvalidForeignHash::Cost) }
    }
}

/// As it is stored.
impl fmt::Display for ForeignCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argon2id { memory_kib, passes, lanes } => write!(f, "argon2id:m={memory_kib},t={passes},p={lanes}"),
            Self::Bcrypt { cost } => write!(f, "bcrypt:{cost}"),
        }
    }
}

impl FromStr for ForeignCost {
    type Err = InvalidForeignHash;

    fn from_str(text: &str) -> Result<Self, InvalidForeignHash> {
        let cost = match text.split_once(':') {
            Some(("argon2id", parameters)) => argon2id(parameters),
            Some(("bcrypt", cost)) => cost.parse().ok().map(|cost| Self::Bcrypt { cost }),
            _ => None,
        };
        cost.ok_or(InvalidForeignHash::Form)?.bounded()
    }
}

/// `m=65536,t=4,p=1`
fn argon2id(parameters: &str) -> Option<ForeignCost> {
    let mut parts = parameters.split(',');
    let mut next = |name: &str| parts.next()?.strip_prefix(name)?.parse().ok();
    let cost = ForeignCost::Argon2id { memory_kib: next("m=")?, passes: next("t=")?, lanes: next("p=")? };
    parts.next().is_none().then_some(cost)
}

fn is_bcrypt_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/')
}

/// What is hashed in the place of a password: its HMAC-SHA256 in hexadecimal.
pub fn authenticated(password: &Secret, key: &Secret) -> Secret {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes());
    Secret::new(hex(hmac::sign(&key, password.expose().as_bytes()).as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARGON2ID: &str =
        "$argon2id$v=19$m=65536,t=4,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn cost(text: &str) -> Result<ForeignCost, InvalidForeignHash> {
        ForeignCost::of_hash(&Secret::new(text.to_owned()))
    }

    #[test]
    fn the_cost_of_a_hash_is_read_and_stored_as_a_word() {
        let argon2id = ForeignCost::Argon2id { memory_kib: 65_536, passes: 4, lanes: 1 };
        let bcrypt = ForeignCost::Bcrypt { cost: 10 };
        assert_eq!(cost(ARGON2ID), Ok(argon2id));
        for kind in ["2y", "2a", "2b"] {
            assert_eq!(cost(&format!("${kind}$10${}", "a".repeat(53))), Ok(bcrypt));
        }
        for (cost, word) in [(argon2id, "argon2id:m=65536,t=4,p=1"), (bcrypt, "bcrypt:10")] {
            assert_eq!((cost.to_string().as_str(), word.parse()), (word, Ok(cost)));
            assert_eq!(super::tests::cost(cost.of_nobody().expose()), Ok(cost), "nobody's hash costs the same");
        }
    }

    #[test]
    fn other_hashes_and_absurd_costs_are_refused() {
        let argon2id = |old: &str, new: &str| cost(&ARGON2ID.replace(old, new));
        for wrong in [
            argon2id("argon2id", "argon2i"),
            argon2id("v=19", "v=16"),
            argon2id("m=65536,t=4,p=1", "t=4,m=65536,p=1"),
            argon2id("p=1", "p=1,keyid=x"),
            argon2id("c29tZXNhbHRzb21lc2FsdA", "c29t"),
            argon2id("c29tZXNhbHRzb21lc2FsdA", "*"),
            cost("5f4dcc3b5aa765d61d8327deb882cf99"),
            cost("$1$salt$digest"),
            cost(""),
            cost(&format!("$2y$10${}", "a".repeat(52))),
            cost(&format!("$2y$10${}", "ä".repeat(26) + "a")),
            cost(&format!("$2y$+9${}", "a".repeat(54))),
        ] {
            assert_eq!(wrong, Err(InvalidForeignHash::Form));
        }
        for dear in [
            argon2id("m=65536", "m=131073"),
            argon2id("m=65536", "m=7"),
            argon2id("t=4", "t=11"),
            argon2id("t=4", "t=0"),
            argon2id("p=1", "p=9"),
            argon2id("m=65536,t=4,p=1", "m=15,t=4,p=2"),
            cost(&format!("$2y$13${}", "a".repeat(53))),
            cost(&format!("$2y$03${}", "a".repeat(53))),
        ] {
            assert_eq!(dear, Err(InvalidForeignHash::Cost));
        }
        assert!("bcrypt:31".parse::<ForeignCost>().is_err() && "scrypt:1".parse::<ForeignCost>().is_err());
    }

    #[test]
    fn what_is_hashed_is_the_mac_of_rfc_4231() {
        // Its second case.
        let mac = authenticated(&Secret::new("what do ya want for nothing?".into()), &Secret::new("Jefe".into()));
        assert_eq!(mac.expose(), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
