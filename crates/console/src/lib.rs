//! The console: the HTML door onto the management API.
//!
//! Pages are made on the server and work as plain forms and links; scripts add to them. A page calls the API in the same
//! process as the person who looks at it (`call.rs`), so authorization, audit and every check are the API's own, and each
//! action of the console is one of its operations.

mod assets;
mod call;
mod failure;
mod form;
mod pages;
mod parts;
mod prompts;
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
}

/// What the console needs beside the API.
#[derive(Clone)]
pub struct Settings {
    /// For names of forms.
    pub random: Arc<dyn Random>,
    /// For what ends soon.
    pub clock: Arc<dyn Clock>,
    /// Where gateways and services ask.
    pub doors: Doors,
}

/// The doors, as gateways on the same machine reach them.
#[derive(Debug, Clone)]
pub struct Doors {
    /// Such as `http://127.0.0.1:7601`, or `unix:/path`.
    pub url: String,
    /// Whether a call needs a door token.
    pub token_required: bool,
}

/// The console's pages, and `api` for every path that is none of theirs.
///
/// Around it goes [`claviger_manage::framed`]: host check, request id, and the headers that every answer bears.
pub fn router(api: Router, settings: Settings) -> Router {
    let Settings { random, clock, doors } = settings;
    let console = Console { api: api.clone(), random, clock, doors: Arc::new(doors) };
    let pages = pages::router().layer(from_fn_with_state(console.clone(), prompts::layer)).with_state(console);
    let pages = pages.route("/assets/{digest}/{name}", get(assets::serve));
    pages.merge(api.reset_fallback()).fallback(unknown_path)
}

/// There is nothing at the path: a page for who asks for one, as browsers do, a problem for everybody else.
async fn unknown_path(uri: Uri, headers: HeaderMap) -> Response {
    let error = claviger_manage::unknown_path();
    let wants_page =
        headers.get_all(ACCEPT).iter().any(|value| value.to_str().is_ok_and(|text| text.contains("text/html")));
    if uri.path().starts_with("/api/") || !wants_page {
        return error.into_response();
    }
    pages::failed::page(&error, Theme::read(&headers))
}

// === impl Console ===

impl Console {
    /// A name under which a form does its work once.
    pub(crate) fn draw_once(&self) -> String {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        hex(&bytes)
    }
}
