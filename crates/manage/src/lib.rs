//! The control plane: use cases with authorization and audit, and their HTTP doors at `/api/v1`.
//!
//! One folder a noun, in it one file a use case and `http.rs` with its doors. Authorization and audit live in the use
//! case, in the transaction of its change, so no door can forget them.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use claviger_domain::keyring::Keyring;
use claviger_domain::{Clock, Random};
use claviger_engine::Engine;
use claviger_store::Store;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub mod account;
pub mod answer;
pub mod api_sets;
pub mod api_users;
pub mod apis;
pub mod application_types;
pub mod applications;
pub mod audit;
mod authenticate;
pub mod backup;
pub mod body;
pub mod calls;
pub mod changes;
mod checks;
pub mod ctx;
mod docs;
pub mod error;
pub mod export;
pub mod idempotency;
pub mod instant;
pub mod invitations;
pub mod ip_list;
pub mod keys;
mod layers;
pub mod leaks;
pub mod limits;
pub mod mail;
pub mod mail_templates;
mod mandate;
pub mod master_secret;
pub mod me;
pub mod metrics;
pub mod nodes;
pub mod notices;
pub mod organizations;
pub mod page;
pub mod password_resets;
pub mod passwords;
pub mod path;
pub mod policy;
pub mod preview_query;
pub mod public;
mod request_log;
pub mod rights;
pub mod roles;
pub mod second_factor;
pub mod setup;
mod shared;
pub mod sightings;
pub mod sign_in;
pub mod sort;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod usage;
pub mod users;
pub mod visitor;
pub mod webhooks;
pub mod write;

pub use calls::Calls;
pub use ctx::Ctx;
pub use error::{Error, ErrorCode, FieldError};
pub use nodes::Nodes;
pub use passwords::Passwords;
pub use write::Changed;

/// Everything that the use cases work with; shared as `Arc<Manage>`.
pub struct Manage {
    /// The database.
    pub store: Store,
    /// This node among the others.
    pub nodes: Arc<Nodes>,
    /// This node's engine: authenticates management keys, explains, and applies changes before a call returns.
    pub engine: Arc<Engine>,
    /// The keys that do the work.
    pub keyring: Keyring,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for ids and secrets.
    pub random: Arc<dyn Random>,
    /// Settings.
    pub config: Config,
    /// The calls that run.
    pub calls: Calls,
    /// Hashes passwords.
    pub passwords: Passwords,
    /// The calls of whoever needs no authentication.
    pub visits: visitor::Visits,
    /// The resets of passwords that are on the way.
    pub resets: password_resets::Queue,
    /// What operators see of it.
    pub counters: Arc<metrics::Counters>,
    /// SHA-256 of the operator's local token; no operator without it.
    pub operator_token_sha256: Option<[u8; 32]>,
    /// SHA-256 of the set-up link's token; none where there was an organization at the start.
    pub setup_token_sha256: Option<[u8; 32]>,
}

/// Settings of the control plane.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Host names, beside the loopback names, under which the control listener is reached.
    pub host_names: Vec<String>,
    /// Whether keys may be imported while there are several organizations.
    pub imports_with_several_organizations: bool,
    /// Whether people reach the control side by https: cookies are for https alone then.
    pub secure_cookies: bool,
    /// How long sessions last.
    pub sessions: claviger_domain::session::SessionLimits,
    /// Sign-ins under applications.
    pub api_users: api_users::Config,
    /// How people reach the control side, without a slash at its end: what links are made of.
    pub control_url: String,
    /// How outside clients reach the public listener, without a slash at its end; none where there is no such listener.
    pub public_url: Option<String>,
    /// The file of the keys that GitHub signs its reports of leaks with; without it there are no such reports.
    pub github_keys_file: Option<std::path::PathBuf>,
    /// Whether there is a server that mails go to; without it links are shown to whoever has them made.
    pub sends_mail: bool,
    /// Where webhooks may lead.
    pub outgoing: claviger_domain::outgoing::Guard,
}

/// The document's frame; the operations come from the handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Claviger management API",
        description = "Issue, limit, explain and end API keys. Errors are RFC 9457 problems.",
        license(name = "Apache-2.0")
    ),
    security(("bearer" = []), ("session" = [])),
    modifiers(&Bearer)
)]
struct Document;

struct Bearer;

/// The whole control side of the API as it is served: [`api`], [`framed`].
///
/// Serve it with `into_make_service_with_connect_info::<SocketAddr>()`: allowed addresses of keys and the audit log
/// need the peer.
pub fn router(manage: Arc<Manage>) -> Router {
    framed(api(manage.clone()), manage)
}

/// What stands around everything that the control listener serves: request id, host check, log, the headers of every
/// answer, one net for panics.
pub fn framed(routes: Router, manage: Arc<Manage>) -> Router {
    let host_names = manage.config.host_names.clone().into();
    layers::around(routes, manage, host_names)
}

/// `/api/v1/…`, `/api/v1/openapi.json` and `/api/docs`, without the frame: who calls it in the same process finds an
/// [`Error`] among an answer's extensions.
pub fn api(manage: Arc<Manage>) -> Router {
    let (routes, document) = routes().split_for_parts();
    let repeats = Arc::new(idempotency::Layer::new(&document, manage.keyring.fingerprint()));
    routes
        .route("/api/v1/openapi.json", get(async move || axum::Json(document)))
        .merge(docs::router())
        .fallback(async || unknown_path())
        .method_not_allowed_fallback(layers::unknown_method)
        .layer(from_fn_with_state(repeats, idempotency::layer))
        .with_state(manage)
}

/// There is nothing at a path.
pub fn unknown_path() -> Error {
    Error::new(ErrorCode::NotFound, "There is nothing at this path; the reference is at /api/docs.")
}

/// The OpenAPI 3.1 document of the management API.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}

fn routes() -> OpenApiRouter<Arc<Manage>> {
    let api = OpenApiRouter::new()
        .merge(apis::http::router())
        .merge(api_sets::http::router())
        .merge(application_types::http::router())
        .merge(applications::http::router())
        .merge(api_users::http::router())
        .merge(mail_templates::http::router())
        .merge(keys::http::router())
        .merge(organizations::http::router())
        .merge(audit::http::router())
        .merge(usage::http::router())
        .merge(backup::http::router())
        .merge(policy::http::router())
        .merge(notices::http::router())
        .merge(webhooks::http::router())
        .merge(roles::http::router())
        .merge(users::http::router())
        .merge(invitations::http::router())
        .merge(account::http::router())
        .merge(password_resets::http::router())
        .merge(leaks::http::router())
        .merge(nodes::http::router())
        .merge(setup::router())
        .merge(sign_in::http::router())
        .merge(second_factor::http::router())
        .merge(me::router());
    let mut all = OpenApiRouter::with_openapi(Document::openapi()).nest("/api/v1", api);
    describe_answers(all.get_openapi_mut());
    idempotency::describe(all.get_openapi_mut());
    nodes::describe::describe(all.get_openapi_mut());
    all
}

/// OpenAPI asks for a description of every answer; where the handler gives none, the status says it.
fn describe_answers(document: &mut utoipa::openapi::OpenApi) {
    use utoipa::openapi::RefOr;
    let items = document.paths.paths.values_mut();
    let operations = items.flat_map(|item| {
        [&mut item.get, &mut item.post, &mut item.patch, &mut item.put, &mut item.delete].into_iter().flatten()
    });
    for (status, answer) in operations.flat_map(|operation| &mut operation.responses.responses) {
        if let RefOr::T(answer) = answer
            && answer.description.is_empty()
        {
            let text = match status.as_str() {
                "201" => "Made",
                "204" => "Done; there is no body",
                _ => "Done",
            };
            text.clone_into(&mut answer.description);
        }
    }
}

// === impl Bearer ===

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", scheme);
        let about = "The cookie of `POST /sign-in`; `__Host-claviger` where `control.url` is https. Everything but GET bears \
                     the session's `csrf_token` as `X-Claviger-CSRF`.";
        let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description("claviger", about)));
        components.add_security_scheme("session", cookie);
    }
}
