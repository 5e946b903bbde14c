//! One-time codes by the time (RFC 6238): SHA-1, six digits, steps of 30 seconds, as every authenticator app has them.
//!
//! A code counts in its step and in the one before and behind it, and once: whoever accepts one writes its [`Step`] down, and
//! only later steps count from then on.

use std::fmt;

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::clock::{Random, Timestamp};
use crate::secret::Secret;

/// Seconds of a step.
pub const STEP_SECONDS: i64 = 30;
/// Digits of a code.
pub const CODE_DIGITS: usize = 6;
/// How many steps a clock may be off, in both directions.
pub const STEPS_OFF: i64 = 1;
/// Bytes of a secret: 160 bits, as RFC 4226 (4, R6) recommends.
pub const TOTP_SECRET_BYTES: usize = 20;

/// The fewest and the most bytes of a secret that another system made: 80 bits are what many of them draw.
pub const TOTP_SECRET_LENGTHS: std::ops::RangeInclusive<usize> = 10..=40;

/// RFC 4648: what apps take a secret in.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Bytes, and the digits that they are written with.
const GROUP: (usize, usize) = (5, 8);

/// What an app and this installation share.
#[derive(Clone)]
pub struct TotpSecret(Zeroizing<Vec<u8>>);

/// So many steps since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step(i64);

/// Six digits that somebody entered.
#[derive(Clone)]
pub struct TotpCode(Zeroizing<[u8; CODE_DIGITS]>);

/// A text that is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 16 to 64 characters of Base32, in groups of eight")]
pub struct InvalidTotpSecret;

// === impl TotpSecret ===

impl TotpSecret {
    /// A new one.
    pub fn draw(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new(vec![0; TOTP_SECRET_BYTES]);
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// As a person types it in, and as it is sealed.
    pub fn to_base32(&self) -> Secret {
        let mut text = String::with_capacity(self.0.len() / GROUP.0 * GROUP.1);
        for five in self.0.chunks_exact(GROUP.0) {
            let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            text.extend((0..8).rev().map(|at| char::from(BASE32[(bits >> (5 * at) & 31) as usize])));
        }
        Secret::new(text)
    }

    /// Reads what [`Self::to_base32`] wrote, or another system: whole groups of eight digits.
    pub fn from_base32(text: &Secret) -> Result<Self, InvalidTotpSecret> {
        let text = text.expose().as_bytes();
        let length = text.len() / GROUP.1 * GROUP.0;
        if !text.len().is_multiple_of(GROUP.1) || !TOTP_SECRET_LENGTHS.contains(&length) {
            return Err(InvalidTotpSecret);
        }
        let mut bytes = Zeroizing::new(vec![0; length]);
        for (five, eight) in bytes.chunks_exact_mut(GROUP.0).zip(text.chunks_exact(GROUP.1)) {
            let mut bits = 0_u64;
            for digit in eight {
                let value = BASE32.iter().position(|known| known == digit).ok_or(InvalidTotpSecret)?;
                bits = bits << 5 | value as u64;
            }
            five.copy_from_slice(&bits.to_be_bytes()[3..]);
        }
        Ok(Self(bytes))
    }

    /// The code of a step: HOTP (RFC 4226) of its number.
    pub fn code_at(&self, step: Step) -> TotpCode {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.0.to_be_bytes());
        let tag = tag.as_ref();
        let at = usize::from(tag[tag.len() - 1] & 0x0f);
        let number = tag[at..at + 4].iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) & 0x7fff_ffff;
        let mut digits = Zeroizing::new([b'0'; CODE_DIGITS]);
        let mut rest = number % 1_000_000;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        TotpCode(digits)
    }

    /// The step whose code this is, among those that count at `now` and come after `last_used`. All of them are computed,
    /// whichever it is.
    pub fn step_of(&self, code: &TotpCode, now: Timestamp, last_used: Step) -> Option<Step> {
        let Step(middle) = Step::at(now);
        (middle - STEPS_OFF..=middle + STEPS_OFF).map(Step).fold(None, |found, step| {
            let is_it = bool::from(self.code_at(step).0.ct_eq(code.0.as_ref()));
            if is_it && step > last_used { Some(step) } else { found }
        })
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret")
    }
}

// === impl Step ===

impl Step {
    /// Before all that count: no code was used yet.
    pub const NONE: Self = Self(-1);

    /// The step of an instant.
    pub fn at(now: Timestamp) -> Self {
        Self(now.as_micros().div_euclid(STEP_SECONDS * 1_000_000))
    }

    /// The step of this number.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> i64 {
        self.0
    }
}

// === impl TotpCode ===

impl TotpCode {
    /// Six ASCII digits; `None`: something else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; CODE_DIGITS] = text.as_bytes().try_into().ok()?;
        digits.iter().all(u8::is_ascii_digit).then(|| Self(Zeroizing::new(digits)))
    }

    /// Its digits.
    pub fn to_text(&self) -> Secret {
        Secret::new(self.0.iter().map(|digit| char::from(*digit)).collect())
    }
}

impl fmt::Debug for TotpCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpCode")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FixedRandom;

    /// Of RFC 6238, appendix B.
    fn rfc() -> TotpSecret {
        TotpSecret(Zeroizing::new(b"12345678901234567890".to_vec()))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn code(secret: &TotpSecret, seconds: i64) -> TotpCode {
        secret.code_at(Step::at(at(seconds)))
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Its table has eight digits; the last six are the code of six.
        for (seconds, digits) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(&rfc(), seconds).to_text().expose(), digits, "{seconds}");
        }
    }

    #[test]
    fn base32_is_that_of_rfc_4648_and_is_read_back() {
        assert_eq!(rfc().to_base32().expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let drawn = TotpSecret::draw(&FixedRandom::new(1));
        let read = TotpSecret::from_base32(&drawn.to_base32()).expect("a secret");
        assert_eq!(read.0, drawn.0);
        let short = TotpSecret::from_base32(&Secret::new("GEZDGNBVGY3TQOJQ".to_owned())).expect("of another system");
        assert_eq!(short.to_base32().expose(), "GEZDGNBVGY3TQOJQ");
        for wrong in [
            "",
            "GEZDGNBV",
            "GEZDGNBVGY3TQOJQGE",
            "gezdgnbvgy3tqojqgezdgnbvgy3tqojq",
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1",
            &"GEZDGNBV".repeat(9),
        ] {
            assert!(TotpSecret::from_base32(&Secret::new(wrong.to_owned())).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_code_counts_one_step_early_and_late_and_no_further() {
        let secret = rfc();
        let now = 1_111_111_111;
        for (off, counts) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
            let found = secret.step_of(&code(&secret, now + off), at(now), Step::NONE);
            assert_eq!(found, counts.then(|| Step::at(at(now + off))), "{off} s");
        }
        let other = TotpSecret::draw(&FixedRandom::new(1));
        assert_eq!(other.step_of(&code(&secret, now), at(now), Step::NONE), None, "another's");
    }

    #[test]
    fn a_code_counts_once_and_none_before_the_one_used_last() {
        let secret = rfc();
        let now = 1_111_111_111;
        let used = secret.step_of(&code(&secret, now), at(now), Step::NONE).expect("it counts");
        for off in [-30, 0] {
            assert_eq!(secret.step_of(&code(&secret, now + off), at(now), used), None, "{off} s");
        }
        assert!(secret.step_of(&code(&secret, now + 30), at(now), used).is_some());
    }

    #[test]
    fn only_six_digits_are_a_code() {
        assert_eq!(TotpCode::parse("012345").expect("a code").to_text().expose(), "012345");
        for text in ["", "12345", "1234567", "12345a", " 12345", "１２３４５６", "+12345", "-12345"] {
            assert!(TotpCode::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn neither_is_printed() {
        assert_eq!(format!("{:?} {:?}", rfc(), code(&rfc(), 59)), "TotpSecret TotpCode");
    }
}
