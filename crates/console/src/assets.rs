//! Style and scripts: compiled in, packed once, addressed by what they hold, so that browsers keep them for good.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use claviger_domain::hex;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};

/// How many bytes of its digest an asset's address bears.
const ADDRESS_BYTES: usize = 8;

/// A file that pages refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asset {
    /// Basecoat.
    Basecoat,
    /// What the console adds to it.
    Style,
    /// Light or dark before the first paint.
    Theme,
    /// The console's behaviours.
    Script,
}

/// An asset as it is served.
struct Served {
    asset: Asset,
    path: String,
    packed: Bytes,
}

static ALL: LazyLock<Vec<Served>> =
    LazyLock::new(|| [Asset::Basecoat, Asset::Style, Asset::Theme, Asset::Script].map(Served::new).into());

/// Answers `/assets/{digest}/{name}`.
pub(crate) async fn serve(Path((digest, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let path = format!("/assets/{digest}/{name}");
    let Some(found) = ALL.iter().find(|served| served.path == path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let takes_gzip =
        headers.get_all(ACCEPT_ENCODING).iter().any(|value| value.to_str().is_ok_and(|v| v.contains("gzip")));
    let mut response =
        if takes_gzip { found.packed.clone().into_response() } else { found.asset.content().into_response() };
    let headers = response.headers_mut();
    if takes_gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(found.asset.content_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    response
}

// === impl Asset ===

impl Asset {
    /// Where it stands.
    pub(crate) fn path(self) -> &'static str {
        ALL.iter().find(|served| served.asset == self).map_or("", |served| served.path.as_str())
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Basecoat => "basecoat.css",
            Self::Style => "console.css",
            Self::Theme => "theme.js",
            Self::Script => "console.js",
        }
    }

    const fn content(self) -> &'static [u8] {
        match self {
            Self::Basecoat => include_bytes!("../assets/basecoat.min.css"),
            Self::Style => include_bytes!("../assets/console.css"),
            Self::Theme => include_bytes!("../assets/theme.js"),
            Self::Script => include_bytes!("../assets/console.js"),
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Basecoat | Self::Style => "text/css; charset=utf-8",
            Self::Theme | Self::Script => "text/javascript; charset=utf-8",
        }
    }
}

// === impl Served ===

impl Served {
    fn new(asset: Asset) -> Self {
        let digest = Sha256::digest(asset.content());
        let address = hex(&digest[..ADDRESS_BYTES]);
        Self { asset, path: format!("/assets/{address}/{}", asset.name()), packed: pack(asset.content()) }
    }
}

/// As gzip; writing to memory cannot fail.
fn pack(content: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let packed = encoder.write_all(content).and_then(|()| encoder.finish());
    packed.unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_others_assets_has_the_digests_of_the_files() {
        let table = include_str!("../assets/README.md");
        let digest = hex(&Sha256::digest(Asset::Basecoat.content()));
        assert!(table.contains(&digest), "{digest}");
    }

    /// `console.md`: the first page, all its files packed.
    #[test]
    fn all_assets_together_take_at_most_60_kilobytes_packed() {
        let bytes: usize = ALL.iter().map(|served| served.packed.len()).sum();
        assert!(bytes <= 60 * 1024, "{bytes}");
    }

    #[test]
    fn our_own_script_has_at_most_600_lines() {
        let lines: usize =
            [Asset::Theme, Asset::Script].map(|asset| asset.content().split(|b| *b == b'\n').count()).iter().sum();
        assert!(lines <= 600, "{lines}");
    }
}
