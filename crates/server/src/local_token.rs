//! The local token: who can read the data directory may run the command line against the server that writes it.
//!
//! It is made anew at each start, kept as a digest only, and is no key: no row, no use, no expiry but the stop.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use claviger_domain::{Random, Secret};
use claviger_doors::Tls;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::data_dir::write_private;

/// The file of the token.
pub const TOKEN_FILE: &str = "local-token";
/// The file of the URL at which it is taken.
pub const URL_FILE: &str = "control-url";
/// The file of the SHA-256 of the certificate that the server at that URL has, where it speaks TLS: whatever name the
/// certificate is for, the command line knows it again.
pub const CERTIFICATE_FILE: &str = "control-certificate-sha256";
/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;
/// The most bytes of either file.
const FILE_BYTES_MAX: u64 = 4_096;

/// The files, removed when this is dropped.
#[derive(Debug)]
pub struct LocalToken {
    sha256: [u8; 32],
    data_dir: PathBuf,
    token_file: PathBuf,
}

/// What the command line finds in a data directory.
#[derive(Debug, Clone)]
pub struct LocalAccess {
    /// Where the server answers.
    pub url: String,
    /// The token.
    pub token: Secret,
    /// The SHA-256 of the server's certificate, where it speaks TLS.
    pub certificate_sha256: Option<[u8; 32]>,
}

// === impl LocalToken ===

impl LocalToken {
    /// A new token for a server that answers at `url`.
    pub fn write(data_dir: &Path, url: &str, random: &dyn Random) -> std::io::Result<Self> {
        let token = draw("claviger_local_", random);
        let token_file = data_dir.join(TOKEN_FILE);
        write_private(&token_file, &token)?;
        write_private(&data_dir.join(URL_FILE), url)?;
        Ok(Self { sha256: Sha256::digest(token.as_bytes()).into(), data_dir: data_dir.to_owned(), token_file })
    }

    /// A token of the same strength for the set-up link, and all that the server keeps of it.
    pub(crate) fn for_setup(random: &dyn Random) -> (Secret, [u8; 32]) {
        let token = draw("claviger_setup_", random);
        let sha256 = Sha256::digest(token.as_bytes()).into();
        (Secret::new(token.to_string()), sha256)
    }

    /// All that the server keeps of it.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// The file of the token.
    pub fn path(&self) -> &Path {
        &self.token_file
    }
}

impl Drop for LocalToken {
    fn drop(&mut self) {
        for file in [TOKEN_FILE, URL_FILE, CERTIFICATE_FILE] {
            // A file that stays is worthless: its digest dies with the process.
            let _ = std::fs::remove_file(self.data_dir.join(file));
        }
    }
}

/// Tells the command line which certificate the control listener has now.
pub(crate) fn write_certificate(data_dir: &Path, tls: &Tls) -> std::io::Result<()> {
    let Some(certificate) = tls.certificate() else { return Ok(()) };
    let mut text = String::new();
    push_hex(&mut text, &Sha256::digest(&certificate));
    write_private(&data_dir.join(CERTIFICATE_FILE), &text)
}

fn draw(prefix: &str, random: &dyn Random) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
    random.fill(&mut bytes[..]);
    let mut token = Zeroizing::new(prefix.to_owned());
    push_hex(&mut token, &bytes[..]);
    token
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
}

fn parse_sha256(text: &str) -> Option<[u8; 32]> {
    let mut sha256 = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in sha256.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(sha256)
}

// === impl LocalAccess ===

impl LocalAccess {
    /// What a running server left in `data_dir`; `None` where none runs.
    pub fn read(data_dir: &Path) -> std::io::Result<Option<Self>> {
        let (Some(token), Some(url)) = (read(&data_dir.join(TOKEN_FILE))?, read(&data_dir.join(URL_FILE))?) else {
            return Ok(None);
        };
        let certificate_sha256 = match read(&data_dir.join(CERTIFICATE_FILE))? {
            Some(text) => Some(parse_sha256(&text).ok_or(ErrorKind::InvalidData)?),
            None => None,
        };
        Ok(Some(Self { url, token: Secret::new(token), certificate_sha256 }))
    }
}

fn read(path: &Path) -> std::io::Result<Option<String>> {
    let facts = match path.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        facts => facts?,
    };
    if facts.len() > FILE_BYTES_MAX {
        return Err(ErrorKind::FileTooLarge.into());
    }
    std::fs::read_to_string(path).map(|text| Some(text.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use claviger_domain::testing::FixedRandom;

    use super::*;

    #[test]
    fn the_command_line_finds_what_the_server_wrote_until_it_stops() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let local = LocalToken::write(folder.path(), "http://127.0.0.1:7600", &FixedRandom::new(1)).expect("written");
        let access = LocalAccess::read(folder.path()).expect("readable").expect("there");
        assert_eq!(access.url, "http://127.0.0.1:7600");
        assert_eq!(<[u8; 32]>::from(Sha256::digest(access.token.expose())), local.sha256());
        drop(local);
        assert!(LocalAccess::read(folder.path()).expect("readable").is_none());
    }

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        let (sha256, mut text) = ([0xa5; 32], String::new());
        push_hex(&mut text, &sha256);
        assert_eq!(parse_sha256(&text), Some(sha256));
        for text in ["", "a5", &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(parse_sha256(text), None, "{text}");
        }
    }

    #[test]
    fn each_start_has_another_token() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let random = FixedRandom::new(1);
        let digests = [0, 1].map(|_| LocalToken::write(folder.path(), "", &random).expect("written").sha256());
        assert_ne!(digests[0], digests[1]);
    }
}
