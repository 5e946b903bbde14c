//! Reports of GitHub's secret scanning are known by its signature. The operator keeps GitHub's public keys in a file: the server
//! itself asks nobody.

use claviger_domain::github_signature::is_signed;
use http::HeaderMap;

use crate::Manage;
use crate::error::Error;

/// Names the key.
pub const KEY_HEADER: &str = "github-public-key-identifier";
/// The signature of the body: base64 of its DER form.
pub const SIGNATURE_HEADER: &str = "github-public-key-signature";

/// The most bytes of the file.
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// Whether GitHub signed this body. The file is read each time, so that one that was renewed counts at once.
///
/// # Errors
/// 401: by nobody whose keys are in the file, or there is no such file; 500 with the reason in the log where it cannot be read.
pub async fn check_signature(manage: &Manage, headers: &HeaderMap, body: &[u8]) -> Result<(), Error> {
    let refused = || Error::unauthenticated("The signature is not one of GitHub's secret scanning.");
    let Some(file) = &manage.config.github_keys_file else { return Err(refused()) };
    let length = tokio::fs::metadata(file).await.map(|metadata| metadata.len());
    let text = match length {
        Ok(..=FILE_BYTES_MAX) => tokio::fs::read_to_string(file).await.map_err(|error| error.to_string()),
        Ok(_) => Err(format!("more than {FILE_BYTES_MAX} bytes")),
        Err(error) => Err(error.to_string()),
    };
    let text = text.map_err(|error| Error::internal(format!("{}: {error}", file.display())))?;
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (id, signature) = value(KEY_HEADER).zip(value(SIGNATURE_HEADER)).ok_or_else(refused)?;
    let is_signed = is_signed(&text, id, signature, body);
    let is_signed = is_signed.map_err(|error| Error::internal(format!("{}: {error}", file.display())))?;
    if is_signed { Ok(()) } else { Err(refused()) }
}
