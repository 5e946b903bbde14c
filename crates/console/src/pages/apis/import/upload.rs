//! A form with a document in it: `multipart/form-data`, as browsers send files; and the plain form that comes back after
//! somebody had to sign in again.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use claviger_manage::{Error, ErrorCode};
use claviger_texts::console::apis::import as texts;
use http::header::CONTENT_TYPE;
use multer::{Constraints, Multipart, SizeLimit};

use super::packed::{pack, unpack};
use crate::Console;
use crate::failure::Failure;
use crate::form::{CSRF, FIELDS_MAX, FORM_BYTES_MAX, Form};
use crate::prompts::Kept;
use crate::viewer::{Posted, Viewer};

/// The largest document, as the API has it.
pub(super) const DOCUMENT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The field of the file.
pub(super) const FILE: &str = "document";
/// The field in which a document is pasted.
pub(super) const TEXT: &str = "text";
/// The field in which it waits.
pub(super) const PACKED: &str = "packed";

/// The form of an import.
#[derive(Debug)]
pub(super) struct Uploaded {
    pub(super) viewer: Viewer,
    /// All fields but the file.
    pub(super) form: Form,
    file: Option<Bytes>,
    /// Whether all of it has arrived.
    pub(super) is_whole: bool,
}

/// What was read of a form.
struct Read {
    form: Form,
    file: Option<Bytes>,
    is_whole: bool,
}

// === impl Uploaded ===

impl Uploaded {
    /// Whether a file was chosen.
    pub(super) fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// The document: the file, else what was pasted, else what has waited in the page.
    pub(super) async fn document(&self) -> Result<Option<Bytes>, Error> {
        if let Some(file) = &self.file {
            return Ok(Some(file.clone()));
        }
        if self.form.given(TEXT).is_some() {
            return Ok(Some(Bytes::copy_from_slice(self.form.text(TEXT).as_bytes())));
        }
        match self.form.given(PACKED) {
            Some(text) => unpack(text.to_owned(), DOCUMENT_BYTES_MAX).await,
            None => Ok(None),
        }
    }
}

impl FromRequest<Console> for Uploaded {
    type Rejection = Response;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Response> {
        let Some(boundary) = boundary(&request) else {
            let posted = Posted::from_request(request, console).await;
            let Posted { viewer, form } = posted.map_err(Failure::into_response)?;
            return Ok(Self { viewer, form, file: None, is_whole: true });
        };
        let (mut parts, body) = request.into_parts();
        let mut viewer = match Viewer::from_request_parts(&mut parts, console).await {
            Ok(viewer) => viewer,
            Err(failure) => return Err(signed_out(failure, body, &boundary).await),
        };
        if !viewer.may("apis.manage") {
            // Before 32 MiB are read for somebody who may not.
            return Err(Failure(Error::forbidden(texts::FORBIDDEN)).into_response());
        }
        let Read { form, file, is_whole } = read(body, &boundary, DOCUMENT_BYTES_MAX + FORM_BYTES_MAX).await;
        viewer.api = viewer.api.with_csrf(form.text(CSRF));
        Ok(Self { viewer, form, file, is_whole })
    }
}

fn boundary(request: &Request) -> Option<String> {
    multer::parse_boundary(request.headers().get(CONTENT_TYPE)?.to_str().ok()?).ok()
}

/// The session is over: what was sent is kept for whoever signs in again, as far as a plain form holds it.
async fn signed_out(failure: Failure, body: Body, boundary: &str) -> Response {
    let is_over = failure.0.code() == ErrorCode::Unauthenticated;
    let mut response = failure.into_response();
    if is_over {
        let Read { mut form, file, .. } = read(body, boundary, FORM_BYTES_MAX).await;
        let packed = match file {
            Some(file) => pack(file).await.ok().flatten(),
            None => None,
        };
        if let Some(packed) = packed {
            form.set(PACKED, packed);
        }
        response.extensions_mut().insert(Kept(form));
    }
    response
}

/// Reads fields until the end, or until there are more bytes than `max`: what came before is kept.
async fn read(body: Body, boundary: &str, max: usize) -> Read {
    let limits = Constraints::new().size_limit(SizeLimit::new().whole_stream(max as u64));
    let mut parts = Multipart::with_constraints(body.into_data_stream(), boundary, limits);
    let (mut form, mut file, mut is_whole) = (Form::default(), None, false);
    for _ in 0..FIELDS_MAX {
        let Ok(next) = parts.next_field().await else { break };
        let Some(part) = next else {
            is_whole = true;
            break;
        };
        let name = part.name().unwrap_or_default().to_owned();
        let Ok(bytes) = part.bytes().await else { break };
        if name == FILE {
            file = Some(bytes).filter(|bytes| !bytes.is_empty());
        } else {
            form.push(&name, String::from_utf8_lossy(&bytes).replace("\r\n", "\n"));
        }
    }
    Read { form, file, is_whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nt\r\n\
                        --x\r\nContent-Disposition: form-data; name=\"set\"\r\n\r\na\r\n\
                        --x\r\nContent-Disposition: form-data; name=\"set\"\r\n\r\nb\r\n\
                        --x\r\nContent-Disposition: form-data; name=\"document\"; filename=\"a.yaml\"\r\n\
                        Content-Type: application/octet-stream\r\n\r\nopenapi: 3.1.0\r\n\r\n--x--\r\n";

    #[tokio::test]
    async fn fields_and_the_file_are_read_and_the_file_stays_as_it_is() {
        let Read { form, file, is_whole } = read(Body::from(BODY), "x", 10_000).await;
        assert!(is_whole);
        assert_eq!((form.text("csrf"), form.all("set").collect::<Vec<_>>()), ("t", vec!["a", "b"]));
        assert_eq!(file.as_deref(), Some(&b"openapi: 3.1.0\r\n"[..]));
    }

    #[tokio::test]
    async fn what_is_longer_than_the_maximum_is_not_whole_and_an_empty_file_is_none() {
        let cut = read(Body::from(BODY), "x", BODY.len() - 1).await;
        assert_eq!((cut.file, cut.is_whole), (None, false));
        assert!(read(Body::from(BODY), "x", BODY.len()).await.is_whole);
        let empty = read(Body::from(BODY.replace("openapi: 3.1.0\r\n", "")), "x", 10_000).await;
        assert_eq!((empty.file, empty.is_whole), (None, true));
        let nonsense = read(Body::from("nonsense"), "x", 10_000).await;
        assert_eq!((nonsense.form.fields().count(), nonsense.is_whole), (0, false));
    }
}
