//! The local token: who can read the data directory may run the command line against the server that writes it.
//!
//! It is made anew at each start, kept as a digest only, and is no key: no row, no use, no expiry but the stop.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use claviger_domain::{Random, Secret};
use sha2::{Digest, Sha256};

use crate::data_dir::write_private;

/// The file of the token.
pub const TOKEN_FILE: &str = "local-token";
/// The file of the URL at which it is taken.
pub const URL_FILE: &str = "control-url";
/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;
/// The most bytes of either file.
const FILE_BYTES_MAX: u64 = 4_096;

/// The two files, removed when this is dropped.
#[derive(Debug)]
pub struct LocalToken {
    sha256: [u8; 32],
    token_file: PathBuf,
    url_file: PathBuf,
}

/// What the command line finds in a data directory.
#[derive(Debug, Clone)]
pub struct LocalAccess {
    /// Where the server answers.
    pub url: String,
    /// The token.
    pub token: Secret,
}

// === impl LocalToken ===

impl LocalToken {
    /// A new token for a server that answers at `url`.
    pub fn write(data_dir: &Path, url: &str, random: &dyn Random) -> std::io::Result<Self> {
        let mut bytes = zeroize::Zeroizing::new([0; TOKEN_BYTES]);
        random.fill(&mut bytes[..]);
        let mut token = zeroize::Zeroizing::new(String::from("claviger_local_"));
        for byte in bytes.iter() {
            token.push(char::from(HEX[usize::from(byte >> 4)]));
            token.push(char::from(HEX[usize::from(byte & 15)]));
        }
        let (token_file, url_file) = (data_dir.join(TOKEN_FILE), data_dir.join(URL_FILE));
        write_private(&token_file, &token)?;
        write_private(&url_file, url)?;
        Ok(Self { sha256: Sha256::digest(token.as_bytes()).into(), token_file, url_file })
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
        for file in [&self.token_file, &self.url_file] {
            // A file that stays is worthless: its digest dies with the process.
            let _ = std::fs::remove_file(file);
        }
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

// === impl LocalAccess ===

impl LocalAccess {
    /// What a running server left in `data_dir`; `None` where none runs.
    pub fn read(data_dir: &Path) -> std::io::Result<Option<Self>> {
        let (Some(token), Some(url)) = (read(&data_dir.join(TOKEN_FILE))?, read(&data_dir.join(URL_FILE))?) else {
            return Ok(None);
        };
        Ok(Some(Self { url, token: Secret::new(token) }))
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
    fn each_start_has_another_token() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let random = FixedRandom::new(1);
        let digests = [0, 1].map(|_| LocalToken::write(folder.path(), "", &random).expect("written").sha256());
        assert_ne!(digests[0], digests[1]);
    }
}
