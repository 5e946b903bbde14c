//! What an app reads: the URI of a secret, and the same as a picture.

use claviger_domain::Secret;
use claviger_domain::totp::{CODE_DIGITS, STEP_SECONDS, TotpSecret};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

use crate::error::Error;

/// Under this name apps show the codes.
const ISSUER: &str = "Claviger";
/// Pixels of the picture's sides, where nothing scales it.
const SIDE: u32 = 240;
/// RFC 3986, 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The URI of an account's secret (Google's Key Uri Format, which all apps read).
pub(super) fn uri(secret: &TotpSecret, account: &str) -> Secret {
    let account = utf8_percent_encode(account, RESERVED);
    Secret::new(format!(
        "otpauth://totp/{ISSUER}:{account}?secret={}&issuer={ISSUER}&algorithm=SHA1&digits={CODE_DIGITS}&period={STEP_SECONDS}",
        secret.to_base32().expose()
    ))
}

/// An SVG image of the URI as a QR code.
pub(super) fn picture(uri: &Secret) -> Result<Secret, Error> {
    let code = QrCode::with_error_correction_level(uri.expose(), EcLevel::M);
    let code = code.map_err(|error| Error::internal(format!("a QR code: {error}")))?;
    Ok(Secret::new(code.render::<svg::Color<'_>>().min_dimensions(SIDE, SIDE).build()))
}

#[cfg(test)]
mod tests {
    use claviger_domain::testing::FixedRandom;

    use super::*;

    #[test]
    fn an_address_cannot_add_to_the_uri() {
        let secret = TotpSecret::draw(&FixedRandom::new(1));
        let base32 = secret.to_base32().expose().to_owned();
        let uri = uri(&secret, "a&secret=x?b:c@example.com");
        assert_eq!(
            uri.expose(),
            format!(
                "otpauth://totp/Claviger:a%26secret%3Dx%3Fb%3Ac%40example.com?secret={base32}&issuer=Claviger&algorithm=SHA1&digits=6&period=30"
            )
        );
    }

    #[test]
    fn the_longest_address_has_a_picture() {
        let secret = TotpSecret::draw(&FixedRandom::new(1));
        let account = "\u{e9}".repeat(claviger_domain::email::EMAIL_LENGTH_MAX);
        let picture = picture(&uri(&secret, &account)).expect("a picture");
        assert!(picture.expose().contains("<svg") && picture.expose().ends_with("</svg>"), "an SVG image");
    }
}
