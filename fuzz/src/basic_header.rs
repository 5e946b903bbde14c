//! One `Authorization` value: accepted only where the very credential stands in it, else the documented code.

use claviger_domain::verdict::Code;
use claviger_engine::Presented;

use crate::credentials::{Bare, FOREIGN, NATIVE, bare, verdict};

/// The first byte chooses whether the rest is the header's value or what is put into base64 behind `Basic `.
pub fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    let value = match choice % 4 {
        0 => rest.to_vec(),
        1 => [b"Basic ", encoded(rest).as_bytes()].concat(),
        // Credentials that are right stand behind whatever user name.
        2 => [b"basic\t", encoded(&[rest, b":", NATIVE.as_bytes()].concat()).as_bytes()].concat(),
        _ => [b"BASIC  ", encoded(&[rest, b":", FOREIGN.as_bytes()].concat()).as_bytes(), b" "].concat(),
    };
    let expected = naive(&value);
    let found = verdict(&Presented::new().with_authorization(&value));
    assert_eq!(found, expected, "{}", value.escape_ascii());
}

fn naive(value: &[u8]) -> Code {
    let value = value.trim_ascii();
    let mut words = value.splitn(2, |byte| byte.is_ascii_whitespace());
    let scheme = words.next().unwrap_or_default().to_ascii_lowercase();
    let rest = words.next().unwrap_or_default().trim_ascii();
    match scheme.as_slice() {
        b"" => Code::Missing,
        b"bearer" => alone(bare(rest)),
        b"basic" => basic(rest),
        _ => Code::Malformed,
    }
}

fn basic(value: &[u8]) -> Code {
    if value.is_empty() {
        return Code::Missing;
    }
    if value.len() > 4 * 4096 {
        return Code::Malformed;
    }
    let Some(decoded) = decoded(value) else { return Code::Malformed };
    let Some(colon) = decoded.iter().position(|byte| *byte == b':') else { return Code::Malformed };
    match (&decoded[..colon], &decoded[colon + 1..]) {
        (b"", b"") => Code::Missing,
        (_, b"") => Code::Malformed,
        (_, password) => match bare(password) {
            // A name and password that nobody has, whatever its length.
            Bare::Unfit | Bare::Opaque => Code::NotFound,
            known => alone(known),
        },
    }
}

/// The code of a credential that stands alone.
pub(crate) fn alone(bare: Bare) -> Code {
    match bare {
        Bare::Empty => Code::Missing,
        Bare::Known => Code::Valid,
        Bare::Native | Bare::Opaque => Code::NotFound,
        Bare::BadChecksum | Bare::Unfit => Code::Malformed,
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648, 4, bit by bit.
fn encoded(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

/// With its padding, a part of it or none; the bits that stand for nothing must be zero.
fn decoded(value: &[u8]) -> Option<Vec<u8>> {
    let padding = value.iter().rev().take_while(|byte| **byte == b'=').count();
    let digits = &value[..value.len() - padding];
    if digits.len() % 4 == 1 || padding > (4 - digits.len() % 4) % 4 {
        return None;
    }
    let mut bytes = Vec::new();
    for chunk in digits.chunks(4) {
        let mut bits = 0_u32;
        for byte in chunk {
            bits = bits << 6 | ALPHABET.iter().position(|digit| digit == byte)? as u32;
        }
        let spare = [0, 0, 4, 2, 0][chunk.len()];
        if bits & ((1 << spare) - 1) != 0 {
            return None;
        }
        bits >>= spare;
        let count = chunk.len() * 6 / 8;
        bytes.extend((0..count).rev().map(|place| (bits >> (8 * place)) as u8));
    }
    Some(bytes)
}
