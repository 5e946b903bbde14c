//! The console: the HTML door onto the management API.
//!
//! Pages are made on the server and work as plain forms and links; scripts add to them. A page calls the API in the same
//! process as the person who looks at it (`call.rs`), so authorization, audit and every check are the API's own, and each
//! action of the console is one of its operations.

mod assets;
mod call;
mod failure;
mod form;
mod operations;
mod pages;
mod parts;
mod prompts;
mod rights;
#[cfg(test)]
mod tests;
mod theme;
mod viewer;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use claviger_domain::{Clock, Random, hex};
use http::header::ACCEPT;
use http::{HeaderMap, Uri};

use crate::theme::Theme;

/// What pages work with.
#[derive(Clone)]
pub(crate) struct Console {
    /// The management API.
    pub(crate) api: Router,
    random: Arc<dyn Random>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) doors: Arc<Doors>,
    pub(crate) is_set_up: IsSetUp,
    pub(crate) sends_mail: bool,
}

/// Whether there is an organization by now.
pub type IsSetUp = Arc<dyn Fn() -> bool + Send + Sync>;

/// What the console needs beside the API.
#[derive(Clone)]
pub struct Settings {
    /// For names of forms.
    pub random: Arc<dyn Random>,
    /// For what ends soon.
    pub clock: Arc<dyn Clock>,
    /// Where gateways and services ask.
    pub doors: Doors,
    /// Before it, nobody can sign in.
    pub is_set_up: IsSetUp,
    /// Whether there is a server that mails go to.
    pub sends_mail: bool,
}

/// The doors, as gateways on the same machine reach them.
#[derive(Debug, Clone)]
pub struct Doors {
    /// Such as `http://127.0.0.1:7601`, or `unix:/path`.
    pub url: String,
    /// Whether a call needs a door token.
    pub token_required: bool,
    /// Where API users sign in; `None` without a public listener.
    pub public_url: Option<String>,
}

/// The console's pages, and `api` for every path that is none of theirs.
///
/// Around it goes [`claviger_manage::framed`]: host check, request id, and the headers that every answer bears.
pub fn router(api: Router, settings: Settings) -> Router {
    let console = Console::new(api.clone(), settings);
    let pages = pages::router().layer(from_fn_with_state(console.clone(), prompts::layer)).with_state(console);
    let pages = pages.route("/assets/{digest}/{name}", get(assets::serve));
    pages.merge(api.reset_fallback()).fallback(unknown_path)
}

/// The pages of the public listener, for users of applications: those that mails lead to. The rest of the API stays out of reach
/// there.
pub fn public_pages(api: Router, settings: Settings) -> Router {
    let pages = pages::own_password::router().with_state(Console::new(api, settings));
    pages.route("/assets/{digest}/{name}", get(assets::serve))
}

/// There is nothing at the path: a page for who asks for one, as browsers do, a problem for everybody else.
async fn unknown_path(uri: Uri, headers: HeaderMap) -> Response {
    let error = claviger_manage::unknown_path();
    let wants_page =
        headers.get_all(ACCEPT).iter().any(|value| value.to_str().is_ok_and(|text| text.contains("text/html")));
    if uri.path().starts_with("/api/") || !wants_page {
        return error.into_response();
    }
    pages::failed::page(&error, false, Theme::read(&headers))
}

// === impl Console ===

impl Console {
    fn new(api: Router, settings: Settings) -> Self {
        let Settings { random, clock, doors, is_set_up, sends_mail } = settings;
        Self { api, random, clock, doors: Arc::new(doors), is_set_up, sends_mail }
    }

    /// A name under which a form does its work once.
    pub(crate) fn draw_once(&self) -> String {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        hex(&bytes)
    }
}
