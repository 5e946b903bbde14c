//! `Idempotency-Key`: a creating call that is repeated makes nothing twice.
//!
//! The layer notes the header and takes the body's fingerprint as it is read; [`Manage::create`] keeps the answer, without
//! any secret, in the transaction of the creation. A call under a key that has been answered is answered with that.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use claviger_domain::keyring::FingerprintKey;
use claviger_store::idempotency::{self, Kept};
use claviger_store::{Conn, Scope, Tx};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::{Object, Type};

use crate::Manage;
use crate::answer::{Answer, KeptAnswer};
use crate::ctx::Ctx;
use crate::error::{Error, ErrorCode};
use crate::write::{Changed, Work};

/// How long an answer is kept.
pub const KEPT_FOR: Duration = Duration::from_hours(24);
/// The most characters of a key.
pub const KEY_LENGTH_MAX: usize = 255;
/// The header's name.
pub const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer was given before.
pub const REPLAYED_HEADER: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What the layer works with.
#[derive(Debug)]
pub(crate) struct Layer {
    ring: FingerprintKey,
    /// The path templates whose POST makes something.
    creating: HashSet<String>,
    running: Arc<Running>,
}

/// The keys of calls that run on this node.
type Running = Mutex<HashSet<[u8; 32]>>;

/// A creating call that bears a key.
pub struct Attempt {
    ring: FingerprintKey,
    key: String,
    /// Method and target.
    line: String,
    body: Mutex<Sha256>,
    running: Arc<Running>,
    /// Who calls and the key, as one; known once the caller is.
    id: OnceLock<[u8; 32]>,
    /// What was answered before.
    found: Mutex<Option<Kept>>,
}

/// Adds the header to every operation of the document that creates.
pub(crate) fn describe(document: &mut utoipa::openapi::OpenApi) {
    let parameter = Parameter::builder()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(format!(
            "1 to {KEY_LENGTH_MAX} visible ASCII characters; within 24 hours the same request under the same key makes \
             nothing twice and is answered as the first one, without its secrets and with `Idempotent-Replayed: true`."
        )))
        .schema(Some(Object::builder().schema_type(Type::String).max_length(Some(KEY_LENGTH_MAX))))
        .build();
    let posts = document.paths.paths.values_mut().filter_map(|item| item.post.as_mut());
    for operation in posts.filter(|operation| creates(operation)) {
        operation.parameters.get_or_insert_default().push(parameter.clone().into());
    }
}

fn creates(operation: &Operation) -> bool {
    operation.responses.responses.contains_key("201")
}

/// Around every route: calls that create are noted, those that were answered before are answered so.
pub(crate) async fn layer(State(layer): State<Arc<Layer>>, request: Request, next: Next) -> Response {
    if !layer.is_creating(&request) || !request.headers().contains_key(HEADER) {
        return next.run(request).await;
    }
    let key = match key_of(request.headers()) {
        Ok(key) => key,
        Err(error) => return error.into_response(),
    };
    let attempt = Arc::new(Attempt {
        ring: layer.ring.clone(),
        key,
        line: format!("{} {}", request.method(), request.uri()),
        body: Mutex::default(),
        running: layer.running.clone(),
        id: OnceLock::new(),
        found: Mutex::default(),
    });
    let response = next.run(noted(request, attempt.clone())).await;
    let kept = attempt.found.lock().take();
    match kept {
        // Who may not do it any more is told so, not what was made.
        Some(kept) if !is_refusal(&response) => attempt.replay(&kept),
        _ => response,
    }
}

/// The request with the attempt in its extensions, and a body that adds what is read of it to the fingerprint.
fn noted(request: Request, attempt: Arc<Attempt>) -> Request {
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(attempt.clone());
    let body = body.map_frame(move |frame| {
        if let Some(data) = frame.data_ref() {
            attempt.body.lock().update(data);
        }
        frame
    });
    Request::from_parts(parts, Body::new(body))
}

fn is_refusal(response: &Response) -> bool {
    let error = response.extensions().get::<Error>();
    error.is_some_and(|error| matches!(error.code(), ErrorCode::Unauthenticated | ErrorCode::Forbidden))
}

/// The key that the header has: 1 to [`KEY_LENGTH_MAX`] visible ASCII characters; quotes around it do not count.
fn key_of(headers: &HeaderMap) -> Result<String, Error> {
    let expected = || {
        let message = format!("expected one value of 1 to {KEY_LENGTH_MAX} visible ASCII characters");
        Error::field("Idempotency-Key", message)
    };
    let mut values = headers.get_all(HEADER).iter();
    let value = values.next().and_then(|value| value.to_str().ok()).ok_or_else(expected)?;
    let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    let fits = (1..=KEY_LENGTH_MAX).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_graphic());
    if fits && values.next().is_none() { Ok(bare.to_owned()) } else { Err(expected()) }
}

// === impl Layer ===

impl Layer {
    /// Of these routes those whose POST answers 201 create.
    pub(crate) fn new(document: &utoipa::openapi::OpenApi, ring: &FingerprintKey) -> Self {
        let creating = document.paths.paths.iter().filter(|(_, item)| item.post.as_ref().is_some_and(creates));
        let creating = creating.map(|(path, _)| path.clone()).collect();
        Self { ring: ring.clone(), creating, running: Arc::default() }
    }

    fn is_creating(&self, request: &Request) -> bool {
        let path = request.extensions().get::<MatchedPath>();
        request.method() == Method::POST && path.is_some_and(|path| self.creating.contains(path.as_str()))
    }
}

// === impl Attempt ===

impl Attempt {
    /// Begins it for a caller who is known now: looks for an answer, and refuses while another call under the key runs.
    pub(crate) async fn begin(&self, manage: &Manage, ctx: &Ctx) -> Result<(), Error> {
        let caller = match (ctx.credential, &ctx.session) {
            (Some((key, _)), _) => key.to_string(),
            // In whichever session, it is the person's, in this organization.
            (None, Some(session)) => format!("{} {}", session.record.user, session.record.organization),
            (None, None) => "operator".to_owned(),
        };
        let id = self.ring.mac(&[b"idempotency key", caller.as_bytes(), self.key.as_bytes()]);
        if !self.running.lock().insert(id) {
            return Err(Error::conflict("The first call with this Idempotency-Key is still running."));
        }
        // From here on the end of this attempt takes it out again.
        if self.id.set(id).is_err() {
            return Err(Error::internal("an attempt was begun twice"));
        }
        self.look(&mut *manage.store.read().await?, ctx).await
    }

    /// Refuses if there is an answer; the layer puts it in the refusal's place.
    async fn look(&self, conn: &mut Conn, ctx: &Ctx) -> Result<(), Error> {
        let kept = match self.id.get() {
            Some(id) => idempotency::get(conn, id, ctx.now).await?,
            None => None,
        };
        *self.found.lock() = kept;
        Ok(())
    }

    fn refuse_answered(&self) -> Result<(), Error> {
        let answered = self.found.lock().is_some();
        if answered { Err(Error::conflict("It was answered before.")) } else { Ok(()) }
    }

    async fn keep(&self, tx: &mut Tx, ctx: &Ctx, scope: Scope, answer: &KeptAnswer) -> Result<(), Error> {
        let Some(id) = self.id.get() else { return Ok(()) };
        let organization = match scope {
            Scope::Organization(id) => Some(id),
            Scope::Installation => None,
        };
        let answer = serde_json::to_string(answer).map_err(|error| Error::internal(format!("an answer: {error}")))?;
        let kept = Kept { fingerprint: self.fingerprint().to_vec(), answer };
        Ok(idempotency::keep(tx, organization, id, &kept, ctx.now.saturating_add(KEPT_FOR)).await?)
    }

    fn fingerprint(&self) -> [u8; 32] {
        let body = self.body.lock().clone().finalize();
        self.ring.mac(&[b"idempotency body", self.line.as_bytes(), &body[..]])
    }

    fn replay(&self, kept: &Kept) -> Response {
        let same: bool = self.fingerprint().ct_eq(&kept.fingerprint).into();
        if !same {
            let detail = "Another request was made with this Idempotency-Key.";
            return Error::new(ErrorCode::IdempotencyMismatch, detail).into_response();
        }
        match serde_json::from_str::<KeptAnswer>(&kept.answer) {
            Ok(answer) => {
                let mut response = answer.into_response();
                response.headers_mut().insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
                response
            }
            Err(error) => Error::internal(format!("a kept answer: {error}")).into_response(),
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(id) = self.id.get() {
            self.running.lock().remove(id);
        }
    }
}

impl std::fmt::Debug for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Attempt")
    }
}

// === in the transaction ===

/// Refuses a call that was answered meanwhile, in the transaction that would do it again.
pub(crate) async fn look(tx: &mut Tx, ctx: &Ctx) -> Result<(), Error> {
    let Some(attempt) = &ctx.attempt else { return Ok(()) };
    attempt.look(tx, ctx).await?;
    attempt.refuse_answered()
}

/// Keeps the answer of a call that bears a key. It must hold no secret.
pub(crate) async fn keep(tx: &mut Tx, ctx: &Ctx, scope: Scope, answer: Answer<Value>) -> Result<(), Error> {
    match &ctx.attempt {
        Some(attempt) => attempt.keep(tx, ctx, scope, &answer.into_kept()).await,
        None => Ok(()),
    }
}

// === impl Manage ===

impl Manage {
    /// [`Manage::write`] for what makes something: `answer` is the whole answer without its secrets, kept for calls
    /// that repeat this one.
    pub async fn create<T, F, A>(&self, ctx: &Ctx, scope: Scope, work: F, answer: A) -> Result<Changed<T>, Error>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut Tx) -> Work<'t, T> + Send + Sync + 'static,
        A: Fn(&T) -> Answer<Value> + Send + Sync + 'static,
    {
        if let Some(attempt) = &ctx.attempt {
            attempt.refuse_answered()?;
        }
        let shared = Arc::new((ctx.clone(), work, answer));
        self.write(ctx, scope, move |tx| {
            let shared = shared.clone();
            Box::pin(async move {
                let (ctx, work, answer) = &*shared;
                look(tx, ctx).await?;
                let made = work(tx).await?;
                let answer = answer(&made);
                keep(tx, ctx, scope, answer).await?;
                Ok(made)
            })
        })
        .await
    }
}

// === impl KeptAnswer ===

impl IntoResponse for KeptAnswer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::CREATED);
        let mut response = (status, Json(self.body)).into_response();
        crate::answer::put_headers(response.headers_mut(), None, self.version, self.location);
        response
    }
}
