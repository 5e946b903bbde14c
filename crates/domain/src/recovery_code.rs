//! Recovery codes: what gets somebody in whose authenticator app is lost. Ten at a time, each works once.

use std::fmt;

use zeroize::Zeroizing;

use crate::clock::Random;
use crate::secret::Secret;
use crate::totp::TotpCode;

/// So many are made at a time.
pub const RECOVERY_CODES: usize = 10;
/// The most characters of what is taken for a code at all.
pub const CODE_LENGTH_MAX: usize = 64;

/// Crockford's Base32: no letter that is read as a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of a code: 80 bits.
const LENGTH: usize = 16;
/// How many of them stand together.
const GROUP: usize = 4;

/// A recovery code, in the one form in which it is digested.
#[derive(Clone)]
pub struct RecoveryCode(Zeroizing<[u8; LENGTH]>);

/// What somebody entered where a code is asked for.
#[derive(Debug, Clone)]
pub enum EnteredCode {
    /// Six digits: of an app.
    Totp(TotpCode),
    /// What has the form of a recovery code.
    Recovery(RecoveryCode),
    /// Neither; it is as wrong as a wrong code.
    Neither,
}

// === impl RecoveryCode ===

impl RecoveryCode {
    /// A new one.
    pub fn draw(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        random.fill(bytes.as_mut());
        for byte in bytes.iter_mut() {
            *byte = ALPHABET[usize::from(*byte & 31)];
        }
        Self(bytes)
    }

    /// As it is shown: `xxxx-xxxx-xxxx-xxxx`.
    pub fn to_text(&self) -> Secret {
        let mut text = String::with_capacity(LENGTH + LENGTH / GROUP - 1);
        for (at, byte) in self.0.iter().enumerate() {
            if at > 0 && at % GROUP == 0 {
                text.push('-');
            }
            text.push(char::from(*byte));
        }
        Secret::new(text)
    }

    /// What is digested.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// Reads what a person copied: in any case, with or without its hyphens, letters for the digits that look like them.
    fn parse(characters: &[u8]) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        if characters.len() != LENGTH {
            return None;
        }
        for (byte, character) in bytes.iter_mut().zip(characters) {
            let character = match character.to_ascii_lowercase() {
                b'o' => b'0',
                b'i' | b'l' => b'1',
                other => other,
            };
            *byte = *ALPHABET.iter().find(|known| **known == character)?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode")
    }
}

// === impl EnteredCode ===

impl EnteredCode {
    /// Reads what was entered; spaces and hyphens count for nothing.
    pub fn read(text: &Secret) -> Self {
        let text = text.expose();
        if text.len() > CODE_LENGTH_MAX {
            return Self::Neither;
        }
        let characters: Zeroizing<Vec<u8>> =
            Zeroizing::new(text.bytes().filter(|byte| !matches!(byte, b' ' | b'-')).collect());
        let code = std::str::from_utf8(&characters).ok().and_then(TotpCode::parse);
        match (code, RecoveryCode::parse(&characters)) {
            (Some(code), _) => Self::Totp(code),
            (None, Some(code)) => Self::Recovery(code),
            (None, None) => Self::Neither,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FixedRandom;

    fn read(text: &str) -> EnteredCode {
        EnteredCode::read(&Secret::new(text.to_owned()))
    }

    #[test]
    fn a_recovery_code_is_read_as_people_copy_it() {
        let code = RecoveryCode::draw(&FixedRandom::new(3));
        let shown = code.to_text().expose().to_owned();
        assert_eq!((shown.len(), shown.matches('-').count()), (19, 3), "{shown}");
        let with_letters = shown.replace('0', "O").replace('1', "l");
        for text in [shown.clone(), shown.replace('-', ""), shown.to_uppercase(), format!(" {shown} "), with_letters] {
            let EnteredCode::Recovery(read) = read(&text) else { panic!("{text} is a recovery code") };
            assert_eq!(read.as_bytes(), code.as_bytes(), "{text}");
        }
        assert_ne!(RecoveryCode::draw(&FixedRandom::new(4)).as_bytes(), code.as_bytes());
    }

    #[test]
    fn six_digits_are_of_an_app_and_other_things_are_neither() {
        for text in ["012345", "012 345", " 012-345 "] {
            let EnteredCode::Totp(code) = read(text) else { panic!("{text}") };
            assert_eq!(code.to_text().expose(), "012345");
        }
        let too_long = format!("012345{}", " ".repeat(CODE_LENGTH_MAX));
        for text in ["", "01234", "0123456", "0000-0000-0000-000", "uuuu-uuuu-uuuu-uuuu", "é1234", "\u{0}", &too_long]
        {
            assert!(matches!(read(text), EnteredCode::Neither), "{text:?}");
        }
    }

    #[test]
    fn none_is_printed() {
        let code = RecoveryCode::draw(&FixedRandom::new(3));
        assert_eq!(format!("{:?}", EnteredCode::Recovery(code)), "Recovery(RecoveryCode)");
    }
}
