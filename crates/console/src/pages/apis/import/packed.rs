//! A document as it waits in a page between the two steps of its import: packed, as text. Larger ones are sent again.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use claviger_manage::Error;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// The most bytes of one in a page; a document of a megabyte takes a tenth of that.
const PACKED_BYTES_MAX: usize = 256 * 1024;

/// The document as text; none where that is too long for a page.
pub(super) async fn pack(document: Bytes) -> Result<Option<String>, Error> {
    run(move || {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let packed = encoder.write_all(&document).and_then(|()| encoder.finish()).unwrap_or_default();
        Some(STANDARD.encode(packed)).filter(|text| !text.is_empty() && text.len() <= PACKED_BYTES_MAX)
    })
    .await
}

/// The document again; none where the text is none of [`pack`]'s, or the document would be longer than `max`.
pub(super) async fn unpack(text: String, max: usize) -> Result<Option<Bytes>, Error> {
    run(move || {
        let packed = STANDARD.decode(text.as_bytes()).ok()?;
        let mut document = Vec::new();
        GzDecoder::new(packed.as_slice()).take(max as u64 + 1).read_to_end(&mut document).ok()?;
        (document.len() <= max).then(|| document.into())
    })
    .await
}

/// Off the async threads.
async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::internal(format!("packing a document: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_document_comes_out_as_it_went_in() {
        let document = Bytes::from("openapi: 3.1.0\n# ł\u{1f511}\n".repeat(1_000));
        let text = pack(document.clone()).await.expect("packed").expect("short");
        assert!(text.len() < document.len() / 10);
        assert_eq!(unpack(text, document.len()).await.expect("unpacked"), Some(document));
    }

    #[tokio::test]
    async fn what_unpacks_to_more_than_the_maximum_or_is_no_pack_is_none() {
        let bomb = pack(Bytes::from(vec![b' '; 4 * 1024 * 1024])).await.expect("packed").expect("short");
        assert_eq!(unpack(bomb, 1024 * 1024).await.expect("looked at"), None);
        for text in ["", "%%%", "bm8gZ3ppcA=="] {
            assert_eq!(unpack(text.to_owned(), 1024).await.expect("looked at"), None, "{text}");
        }
    }

    #[tokio::test]
    async fn one_that_would_make_a_large_page_is_not_kept() {
        // Bytes that do not pack.
        let mut state = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(PACKED_BYTES_MAX)
        .collect();
        assert_eq!(pack(noise.into()).await.expect("packed"), None);
    }
}
