//! A pair: an identifier that says which key, and a password that proves it.
//!
//! Both are drawn independently, so that nothing of the one follows from the other. The identifier is `ci_` and 20 base62
//! characters (119 bits), the password 43 base62 characters (256 bits). A pair's digest covers both at once, so a wrong
//! identifier and a wrong password take the same way: neither is found.

use crate::clock::Random;
use crate::credential::{HINT_TAIL_LENGTH, push_random_base62};
use crate::secret::Secret;

/// What every identifier begins with.
pub const IDENTIFIER_PREFIX: &str = "ci_";
/// Characters of an identifier, its prefix included.
pub const IDENTIFIER_LENGTH: usize = 3 + 20;
/// Characters of a pair's password.
pub const PASSWORD_LENGTH: usize = 43;

/// A new pair. Both parts are shown in full once; afterwards the identifier has a hint, the password nothing.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Which key.
    pub identifier: Secret,
    /// Its proof.
    pub password: Secret,
}

// === impl Pair ===

impl Pair {
    /// Makes a new pair.
    pub fn generate(random: &dyn Random) -> Self {
        let mut identifier = String::with_capacity(IDENTIFIER_LENGTH);
        identifier.push_str(IDENTIFIER_PREFIX);
        push_random_base62(&mut identifier, IDENTIFIER_LENGTH - IDENTIFIER_PREFIX.len(), random);
        Self { identifier: Secret::new(identifier), password: generate_password(random) }
    }
}

/// Makes a new password for the identifier that there is.
pub fn generate_password(random: &dyn Random) -> Secret {
    let mut password = String::with_capacity(PASSWORD_LENGTH);
    push_random_base62(&mut password, PASSWORD_LENGTH, random);
    Secret::new(password)
}

/// Whether `text` has the form of an identifier: `^ci_[0-9A-Za-z]{20}$`.
pub fn is_identifier(text: &[u8]) -> bool {
    text.len() == IDENTIFIER_LENGTH
        && text.starts_with(IDENTIFIER_PREFIX.as_bytes())
        && text[IDENTIFIER_PREFIX.len()..].iter().all(u8::is_ascii_alphanumeric)
}

/// What may be shown of an identifier afterwards: `ci_…8Kx2`.
pub fn identifier_hint(identifier: &Secret) -> String {
    let text = identifier.expose();
    let tail = text.get(text.len().saturating_sub(HINT_TAIL_LENGTH)..).unwrap_or_default();
    format!("{IDENTIFIER_PREFIX}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FixedRandom;

    #[test]
    fn a_generated_pair_has_its_form_and_a_hint_that_hides_it() {
        let pair = Pair::generate(&FixedRandom::new(3));
        let (identifier, password) = (pair.identifier.expose(), pair.password.expose());
        assert!(is_identifier(identifier.as_bytes()), "{identifier}");
        assert_eq!(password.len(), PASSWORD_LENGTH);
        assert!(password.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(identifier_hint(&pair.identifier), format!("ci_…{}", &identifier[19..]));
        assert_ne!(generate_password(&FixedRandom::new(4)).expose(), password);
    }

    #[test]
    fn nothing_else_is_an_identifier() {
        let right = "ci_0123456789abcdefghIJ";
        assert!(is_identifier(right.as_bytes()));
        for text in
            ["", "ci_", &right[..22], &format!("{right}0"), "CI_0123456789abcdefghIJ", "ci_0123456789abcdefgh-J"]
        {
            assert!(!is_identifier(text.as_bytes()), "{text}");
        }
        assert!(!is_identifier("ci_0123456789abcdefgé".as_bytes()));
    }
}
