//! Passwords of people: length first, no rules of composition, and none that is quickly guessed.
//!
//! NIST SP 800-63B (3.1.1.2): length counts, a list of common values is held against it, and so is what belongs to the person.
//! The lists of common passwords, names and words come with `zxcvbn`, which also knows what people make of them (`Passw0rd!`,
//! rows of the keyboard, dates, repetitions).

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::name::search_form;
use crate::secret::Secret;

/// The fewest characters of a new password.
pub const PASSWORD_LENGTH_MIN: usize = 12;
/// The most characters of a new password.
pub const PASSWORD_LENGTH_MAX: usize = 256;
/// The most bytes of what is taken for a password at all.
pub const PASSWORD_BYTES_MAX: usize = 1_024;
/// A password that is found among fewer guesses, in the order in which attackers try them, is refused.
pub const GUESSES_MIN: u64 = 100_000_000;

/// So many characters are estimated; what is hard to guess is no easier with more behind it.
const ESTIMATED_LENGTH_MAX: usize = 64;
/// Shorter words of one's own are found in too much to mean anything.
const OWN_WORD_LENGTH_MIN: usize = 3;
/// The most words of one's own that are looked for.
const OWN_WORDS_MAX: usize = 20;

/// A password as it was entered, in the one form in which it is hashed (RFC 8265, `OpaqueString`): NFC, every white space a
/// plain one.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

/// What is stored of a password: a PHC string.
#[derive(Clone)]
pub struct PasswordHash(Zeroizing<String>);

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    /// Too few characters.
    #[error("expected at least {PASSWORD_LENGTH_MIN} characters")]
    TooShort,
    /// Too many.
    #[error("expected at most {PASSWORD_LENGTH_MAX} characters")]
    TooLong,
    /// NUL, a line break, and the like: no keyboard enters them everywhere.
    #[error("must not contain control characters")]
    Control,
    /// Without one's own name and address too little is left.
    #[error("expected at least {PASSWORD_LENGTH_MIN} characters beside your own name and address")]
    OwnWords,
    /// Common, or made of what is common.
    #[error("is easily guessed: take several words that have nothing to do with each other")]
    Guessable,
}

// === impl Password ===

impl Password {
    /// What somebody entered. Whether it may become a password is [`check`]'s to say.
    ///
    /// # Errors
    /// [`PasswordProblem::TooLong`] beyond [`PASSWORD_BYTES_MAX`].
    pub fn entered(text: &Secret) -> Result<Self, PasswordProblem> {
        if text.expose().len() > PASSWORD_BYTES_MAX {
            return Err(PasswordProblem::TooLong);
        }
        let spaced = text.expose().chars().map(|c| if c.is_whitespace() && !c.is_control() { ' ' } else { c });
        Ok(Self(Zeroizing::new(spaced.nfc().collect())))
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

// === impl PasswordHash ===

impl PasswordHash {
    /// A PHC string.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The PHC string, for the database and for comparison.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// Whether `password` may become the password of a person with these names and addresses.
pub fn check(password: &Password, own: &[&str]) -> Result<(), PasswordProblem> {
    let text = password.expose();
    let length = text.chars().count();
    if text.chars().any(char::is_control) {
        return Err(PasswordProblem::Control);
    }
    if length < PASSWORD_LENGTH_MIN {
        return Err(PasswordProblem::TooShort);
    }
    if length > PASSWORD_LENGTH_MAX {
        return Err(PasswordProblem::TooLong);
    }
    let words = own_words(own);
    if length_without(text, &words) < PASSWORD_LENGTH_MIN {
        return Err(PasswordProblem::OwnWords);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if guesses(text, &words) < GUESSES_MIN { Err(PasswordProblem::Guessable) } else { Ok(()) }
}

/// How many guesses it takes to find this text, for somebody who knows the person's own words.
fn guesses(text: &str, own: &[&str]) -> u64 {
    let estimated = Zeroizing::new(text.chars().take(ESTIMATED_LENGTH_MAX).collect::<String>());
    zxcvbn::zxcvbn(&estimated, own).guesses()
}

/// The texts and their parts, folded, the longest first.
fn own_words(own: &[&str]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for text in own {
        let text = search_form(text);
        words.extend(text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned));
        words.push(text);
    }
    words.retain(|word| word.chars().count() >= OWN_WORD_LENGTH_MIN);
    words.sort_unstable_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    words.dedup();
    words.truncate(OWN_WORDS_MAX);
    words
}

/// How many characters remain once one's own words are taken out.
fn length_without(text: &str, words: &[String]) -> usize {
    let mut left = Zeroizing::new(search_form(text));
    for word in words {
        left = Zeroizing::new(left.replace(word.as_str(), "\0"));
    }
    left.chars().filter(|c| *c != '\0').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<(), PasswordProblem> {
        let password = Password::entered(&Secret::new(text.to_owned()))?;
        check(&password, &["Ann Example", "ann.example@keys.test"])
    }

    #[test]
    fn length_counts_and_composition_does_not() {
        for fine in [
            "tulip brisk canal forty",
            "wobbly-kettle-orbit-9",
            "zwölf flinke Füchse springen",
            "vier паровоза под луной",
            &"x9 lamp ".repeat(32),
        ] {
            assert_eq!(checked(fine), Ok(()), "{fine}");
        }
        assert_eq!(checked("kX9!vQ2#pL7"), Err(PasswordProblem::TooShort), "eleven characters of all kinds");
        assert_eq!(checked(&"tulip canal ".repeat(22)), Err(PasswordProblem::TooLong));
        assert_eq!(checked(&"é".repeat(600)), Err(PasswordProblem::TooLong), "too many bytes to be looked at");
    }

    #[test]
    fn what_is_common_or_made_of_it_is_refused() {
        for common in [
            "password1234",
            "passwordpassword",
            "qwertyuiop[]",
            "aaaaaaaaaaaaaaaaaaaa",
            "123456789012345",
            "Passw0rd!2024",
        ] {
            assert_eq!(checked(common), Err(PasswordProblem::Guessable), "{common}");
        }
    }

    #[test]
    fn ones_own_words_add_no_length() {
        for own in ["ann.example@keys.test", "ANN.EXAMPLE@KEYS.TEST!", "Example-Example-Example", "ann tulip ex4"] {
            assert_eq!(checked(own), Err(PasswordProblem::OwnWords), "{own}");
        }
        assert_eq!(checked("my example of a brisk canal"), Ok(()));
    }

    #[test]
    fn control_characters_are_refused_and_composition_is_evened_out() {
        assert_eq!(checked("tulip brisk\0canal"), Err(PasswordProblem::Control));
        assert_eq!(checked("tulip brisk\ncanal"), Err(PasswordProblem::Control));
        let form = |text: &str| Password::entered(&Secret::new(text.to_owned())).expect("a text").expose().to_owned();
        assert_eq!(form("fu\u{308}nf"), form("f\u{fc}nf"));
        assert_eq!(form("a\u{a0}b"), "a b");
        assert_ne!(form("Tulip"), form("tulip"), "case counts");
        assert_ne!(form("ＡＢ"), form("AB"), "width counts");
    }

    #[test]
    fn nothing_prints_a_password() {
        let password = Password::entered(&Secret::new("tulip".to_owned())).expect("a text");
        assert_eq!(format!("{password:?} {:?}", PasswordHash::new("$argon2id$x".to_owned())), "Password PasswordHash");
    }
}
