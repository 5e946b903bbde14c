//! Records that the API names by their ids, as links with their names.

use maud::{Markup, html};
use serde::Deserialize;

use crate::call::segment;
use crate::failure::Failure;
use crate::viewer::Viewer;

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
    #[serde(default)]
    hint: String,
}

/// A key; its id alone for who may not see it.
pub(crate) async fn key(viewer: &Viewer, id: &str) -> Result<Markup, Failure> {
    link(viewer, "/keys", "/keys", id).await
}

/// An owner of keys.
pub(crate) async fn owner(viewer: &Viewer, kind: &str, id: &str) -> Result<Markup, Failure> {
    match kind {
        "user" => link(viewer, "/users", "/admin/users", id).await,
        "application" => link(viewer, "/applications", "/admin/applications", id).await,
        _ => Ok(html! { (viewer.organization.name) }),
    }
}

/// `api`: where the API has the record; `pages`: where its page is.
async fn link(viewer: &Viewer, api: &str, pages: &str, id: &str) -> Result<Markup, Failure> {
    let id = segment(id);
    let found = viewer.api.get(format!("{api}/{id}")).read_if_seen::<Named>().await?;
    Ok(html! {
        @match found {
            Some(Named { name, hint }) => { a href={ (pages) "/" (id) } { (name) } @if !hint.is_empty() { " " code { (hint) } } }
            None => code { (id) }
        }
    })
}
