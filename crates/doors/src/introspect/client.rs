//! Who asks: the door token, in whichever way a client of OAuth says who it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::headers::door_token;
use crate::lines::Lines;

/// What no door token is.
const WRONG: &[u8] = b"wrong";

/// The door token: the password of Basic (RFC 6749, 2.3.1), what stands in Bearer (RFC 7662, 2.1), or `X-Claviger-Door` as at
/// the other doors. Nothing, and an empty password, is none; several that differ are one wrong token.
pub(super) fn token(lines: Lines<'_>) -> Option<Zeroizing<Vec<u8>>> {
    let header = door_token(lines).map(<[u8]>::to_vec);
    let presented = header.into_iter().chain(lines.all("authorization").map(of_authorization));
    let mut tokens = presented.map(Zeroizing::new).filter(|token| !token.is_empty());
    let token = tokens.next()?;
    let differs = tokens.any(|other| other != token);
    Some(if differs { Zeroizing::new(WRONG.to_vec()) } else { token })
}

/// What a value of `Authorization` holds.
fn of_authorization(value: &[u8]) -> Vec<u8> {
    let value = value.trim_ascii();
    if value.is_empty() {
        return Vec::new();
    }
    let (scheme, rest) = value.split_at(value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len()));
    let rest = rest.trim_ascii();
    if scheme.eq_ignore_ascii_case(b"bearer") {
        return rest.to_vec();
    }
    let login = STANDARD.decode(rest).ok().filter(|_| scheme.eq_ignore_ascii_case(b"basic")).map(Zeroizing::new);
    let password = login.as_ref().and_then(|login| login.splitn(2, |byte| *byte == b':').nth(1));
    password.unwrap_or(WRONG).to_vec()
}

#[cfg(test)]
mod tests {
    use httparse::Header;

    use super::*;

    fn found(lines: &[(&str, &str)]) -> Option<String> {
        let lines: Vec<_> = lines.iter().map(|(name, value)| Header { name, value: value.as_bytes() }).collect();
        token(Lines::new(&lines)).map(|token| String::from_utf8_lossy(&token).into_owned())
    }

    fn basic(login: &str) -> String {
        format!("Basic {}", STANDARD.encode(login))
    }

    #[test]
    fn a_token_stands_in_basic_bearer_or_the_doors_own_header() {
        for line in [
            ("authorization", &*basic("any:t")),
            ("authorization", &*basic(":t")),
            ("authorization", "bearer  t "),
            ("x-claviger-door", "t"),
        ] {
            assert_eq!(found(&[line]).as_deref(), Some("t"), "{line:?}");
        }
        assert_eq!(found(&[("authorization", &basic("user:a:b"))]).as_deref(), Some("a:b"));
        let both = [("authorization", &*basic("x:t")), ("x-claviger-door", "t")];
        assert_eq!(found(&both).as_deref(), Some("t"), "the same twice is one");
    }

    #[test]
    fn nothing_is_none_and_what_cannot_be_read_is_wrong() {
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[("x-claviger-door", ""), ("authorization", &basic("x:")), ("authorization", " ")]), None);
        for value in ["Basic", "Basic !!!", "Basic eA==", "Digest x", "token"] {
            assert_eq!(found(&[("authorization", value)]).as_deref(), Some("wrong"), "{value:?}");
        }
        let two = [("authorization", &*basic("x:t")), ("x-claviger-door", "u")];
        assert_eq!(found(&two).as_deref(), Some("wrong"));
    }
}
