//! Roles: what people may do, and up to which bounds.

use axum::Router;
use maud::{Markup, html};
use serde::Deserialize;

use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::parts::badge;
use crate::parts::list::Listed;
use crate::viewer::Viewer;

mod edit;
mod form;
mod list;
mod show;

pub(crate) use show::{authorities_of, levels_of};

/// The most roles that are offered.
const OFFERED_MAX: usize = 500;
/// Rows of one call.
const PAGE: usize = 100;

/// A role as pages show it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Role {
    id: String,
    pub(crate) slug: String,
    pub(crate) name: String,
    predefined: bool,
    authorities: Vec<String>,
    pub(crate) levels: Levels,
    counts: Counts,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Levels {
    max_lifetime_days: Option<u32>,
    max_keys: Option<u32>,
    max_rate: Option<u32>,
    api_sets: Option<Vec<String>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Counts {
    users: i64,
}

/// An authority and what people call it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Authority {
    name: String,
    label: String,
}

pub(super) fn router() -> Router<Console> {
    Router::new().merge(list::router()).merge(show::router()).merge(edit::router())
}

/// The organization's roles; none for who may not see them.
pub(crate) async fn all(viewer: &Viewer) -> Result<Vec<Role>, Failure> {
    let (mut roles, mut cursor) = (Vec::new(), String::new());
    while roles.len() < OFFERED_MAX {
        let path = format!("/roles?limit={PAGE}&sort=name{cursor}");
        let Some(page) = viewer.api.get(path).read_if_seen::<Listed<Role>>().await? else { break };
        roles.extend(page.data);
        let Some(next) = page.next_cursor else { break };
        cursor = format!("&cursor={}", segment(&next));
    }
    Ok(roles)
}

/// All that roles can give.
pub(crate) async fn authorities(viewer: &Viewer) -> Result<Vec<Authority>, Failure> {
    Ok(viewer.api.get("/authorities").read::<Listed<Authority>>().await?.data)
}

/// What people call the authority of this name.
fn label<'a>(known: &'a [Authority], name: &'a str) -> &'a str {
    known.iter().find(|authority| authority.name == name).map_or(name, |found| found.label.as_str())
}

/// What people call the role of this slug.
pub(crate) fn name_of<'a>(roles: &'a [Role], slug: &'a str) -> &'a str {
    roles.iter().find(|role| role.slug == slug).map_or(slug, |role| role.name.as_str())
}

/// Roles by their names; links for who may see them.
pub(crate) fn tags(viewer: &Viewer, roles: &[Role], slugs: &[String]) -> Markup {
    html! {
        @if slugs.is_empty() { span .muted { (claviger_texts::console::roles::NO_AUTHORITIES) } }
        @for slug in slugs {
            @match roles.iter().find(|role| role.slug == *slug) {
                Some(role) if sees(viewer) => { a .tag href=(role.path()) { (badge::tag(&role.name)) } },
                _ => (badge::tag(name_of(roles, slug))),
            }
            " "
        }
    }
}

/// Whether the viewer may look at roles.
pub(crate) fn sees(viewer: &Viewer) -> bool {
    ["users.read", "users.manage", "roles.manage"].iter().any(|held| viewer.may(held))
}

// === impl Role ===

impl Role {
    fn path(&self) -> String {
        format!("/admin/roles/{}", self.slug)
    }

    fn is_changed_by(&self, viewer: &Viewer) -> bool {
        !self.predefined && viewer.may("roles.manage")
    }
}
