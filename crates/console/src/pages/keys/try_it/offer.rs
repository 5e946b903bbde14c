//! What a request can be tried at: the APIs, and the operations and hosts of the one that is chosen.

use claviger_manage::ErrorCode;
use serde::Deserialize;

use super::{Key, PICKED};
use crate::call::segment;
use crate::failure::Failure;
use crate::form::Form;
use crate::pages::apis::api::Api;
use crate::pages::apis::operations::Operation;
use crate::pages::apis::sample;
use crate::pages::picker;
use crate::parts::field::Choice;
use crate::parts::list::first_rows;
use crate::viewer::Viewer;

/// The most operations that are offered.
const OPERATIONS_MAX: usize = 200;
/// The most sets of a key that are looked at for its first API.
const SETS_MAX: usize = 5;

#[derive(Debug)]
pub(super) struct Offer {
    pub(super) apis: Vec<Choice>,
    pub(super) chosen: Option<Api>,
    pub(super) operations: Vec<Operation>,
    /// Whether the API has more of them.
    pub(super) is_more: bool,
    label: String,
}

/// What a set holds, by API.
#[derive(Debug, Deserialize)]
struct Set {
    apis: Vec<String>,
    operations: Vec<String>,
}

// === impl Offer ===

impl Offer {
    /// The API of the page's address; else the key's first; else the first that has operations.
    pub(super) async fn of_key(viewer: &Viewer, key: &Key) -> Result<Self, Failure> {
        let apis = picker::apis(viewer).await?;
        let asked = viewer.asked(&["api"]);
        let is_there = |name: &str| apis.iter().any(|api| is_called(api, viewer, name));
        let name = match Some(asked.value("api")).filter(|name| is_there(name)) {
            Some(name) => name.to_owned(),
            None => first_held(viewer, key, is_there).await?.unwrap_or_else(|| {
                let filled = apis.iter().find(|api| api.operations_count > 0);
                filled.or(apis.first()).map_or_else(String::new, |api| api.label(viewer).to_owned())
            }),
        };
        Self::among(viewer, apis, &name, None).await
    }

    /// The API of this name, none by the empty one, and those of its operations that have this in name, path or summary.
    pub(super) async fn load(viewer: &Viewer, name: &str, text: Option<&str>) -> Result<Self, Failure> {
        Self::among(viewer, picker::apis(viewer).await?, name, text).await
    }

    async fn among(viewer: &Viewer, apis: Vec<Api>, name: &str, text: Option<&str>) -> Result<Self, Failure> {
        let choices = picker::choices(viewer, &apis);
        let chosen = apis.into_iter().find(|api| is_called(api, viewer, name));
        let label = chosen.as_ref().map_or_else(String::new, |api| api.label(viewer).to_owned());
        let (operations, is_more) = match &chosen {
            Some(_) => {
                let text = text.map(|text| format!("?text={}", segment(text))).unwrap_or_default();
                let path = format!("/apis/{}/operations{text}", segment(&label));
                match first_rows(&viewer.api, &path, OPERATIONS_MAX).await {
                    // What can stand in no name finds nothing.
                    Err(error) if error.code() == ErrorCode::InvalidRequest => (Vec::new(), false),
                    found => found?,
                }
            }
            None => (Vec::new(), false),
        };
        Ok(Self { apis: choices, chosen, operations, is_more, label })
    }

    /// The chosen API as the form calls it.
    pub(super) fn chosen_name(&self) -> &str {
        &self.label
    }

    /// Whether the host says more than the API.
    pub(super) fn asks_for_host(&self) -> bool {
        self.chosen.as_ref().is_none_or(|api| api.hosts.len() > 1)
    }

    /// The only host that there is.
    pub(super) fn only_host(&self) -> Option<&str> {
        let hosts = self.hosts();
        if self.asks_for_host() { None } else { hosts.first().copied() }
    }

    /// Hosts that can be asked for as they stand.
    pub(super) fn hosts(&self) -> Vec<&str> {
        let hosts = self.chosen.iter().flat_map(|api| &api.hosts);
        hosts.map(|host| host.host.as_str()).filter(|host| !host.contains('*')).collect()
    }

    /// The first host that is for such a key.
    pub(super) fn usual_host(&self, key: &Key) -> &str {
        let hosts = self.chosen.iter().flat_map(|api| &api.hosts);
        let mut fitting = hosts.filter(|host| !host.host.contains('*') && host.environment == key.environment);
        fitting.next().map_or("", |host| host.host.as_str())
    }

    /// An operation that was picked anew fills in method and path, as scripts do at once.
    pub(super) fn fill(&self, form: &mut Form) {
        let picked = form.given("operation").filter(|name| *name != form.text(PICKED)).map(str::to_owned);
        let operation = self.operations.iter().find(|operation| picked.as_deref() == Some(operation.own_name()));
        if let (Some(api), Some(operation), Some(name)) = (&self.chosen, operation, picked) {
            form.set("method", operation.method.clone());
            form.set("path", sample::path(api, operation));
            form.set(PICKED, name);
        }
    }
}

fn is_called(api: &Api, viewer: &Viewer, name: &str) -> bool {
    api.label(viewer) == name || (api.id.as_deref() == Some(name) && api.is_of(viewer))
}

/// The first API that the key holds something of.
async fn first_held(viewer: &Viewer, key: &Key, is_there: impl Fn(&str) -> bool) -> Result<Option<String>, Failure> {
    if let Some(api) = api_of(&key.operations).find(|api| is_there(api)) {
        return Ok(Some(api.to_owned()));
    }
    for set in key.api_sets.iter().take(SETS_MAX) {
        let held = viewer.api.get(format!("/api-sets/{}", segment(set))).read_if_seen::<Set>().await?;
        let Some(Set { apis, operations }) = held else { continue };
        if let Some(api) = apis.iter().map(String::as_str).chain(api_of(&operations)).find(|api| is_there(api)) {
            return Ok(Some(api.to_owned()));
        }
    }
    Ok(None)
}

/// The APIs of patterns that give something.
fn api_of(patterns: &[String]) -> impl Iterator<Item = &str> {
    patterns.iter().filter(|pattern| !pattern.starts_with('!')).filter_map(|pattern| Some(pattern.split_once(':')?.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_out_names_no_api_that_a_key_holds() {
        let patterns = ["!a:x", "b:y", "c:*"].map(str::to_owned);
        assert_eq!(api_of(&patterns).collect::<Vec<_>>(), ["b", "c"]);
    }
}
