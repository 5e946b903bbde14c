//! What there is to pick from: the APIs that the organization may use, and operations that were searched for.

use claviger_manage::{Error, ErrorCode};

use crate::call::segment;
use crate::failure::Failure;
use crate::form::Form;
use crate::pages::apis::api::Api;
use crate::pages::apis::operations::Operation;
use crate::parts::field::Choice;
use crate::parts::list::{Listed, first_rows};
use crate::viewer::Viewer;

/// The most APIs that are offered of one's own, and of those that others share.
const APIS_MAX: usize = 200;
/// Operations that are offered of a search.
const FOUND: usize = 100;

/// What the form offers.
#[derive(Debug, Default)]
pub(crate) struct Offer {
    /// APIs by what sets and keys call them.
    pub(crate) apis: Vec<Choice>,
    /// Those that have operations, by their names alone.
    pub(super) with_operations: Vec<Choice>,
    /// Whose operations are searched.
    pub(super) api: String,
    pub(super) found: Vec<Operation>,
    /// Whether more were found than are offered.
    pub(super) is_more: bool,
    /// Whether there was a search.
    pub(super) has_searched: bool,
    /// One that is there.
    pub(super) example: Option<Operation>,
}

/// The APIs whose operations one may pick: one's own, then those that others share.
pub(crate) async fn apis(viewer: &Viewer) -> Result<Vec<Api>, Failure> {
    let (mut apis, _) = first_rows::<Api>(&viewer.api, "/apis", APIS_MAX).await?;
    apis.extend(first_rows::<Api>(&viewer.api, "/apis?shared=true", APIS_MAX).await?.0);
    apis.retain(|api| !api.is_built_in());
    Ok(apis)
}

/// The same to choose from.
pub(crate) fn choices(viewer: &Viewer, apis: &[Api]) -> Vec<Choice> {
    apis.iter().map(|api| Choice::new(api.label(viewer), format!("{} ({})", api.name, api.slug))).collect()
}

// === impl Offer ===

impl Offer {
    /// Reads the APIs and carries out the form's search; `only` where one API alone is meant. Where there is one alone, its
    /// operations are there without a search.
    pub(crate) async fn load(viewer: &Viewer, form: &Form, only: Option<&str>) -> Result<Self, Failure> {
        let all = apis(viewer).await?;
        let filled = all.iter().filter(|api| api.operations_count > 0);
        let with_operations: Vec<_> = filled.map(|api| Choice::new(api.label(viewer), api.name.clone())).collect();
        let mut offer = Self { apis: choices(viewer, &all), with_operations, ..Self::default() };
        let alone = match offer.with_operations.as_slice() {
            [alone] => Some(alone.value.as_str()),
            _ => None,
        };
        let first = offer.with_operations.first().map(|api| api.value.clone());
        if let Some(api) = only.or_else(|| form.given("find_api")).or(alone) {
            offer.api = api.to_owned();
            let found = find(viewer, api, form, FOUND).await?;
            (offer.found, offer.is_more) =
                found.map_or((Vec::new(), false), |page| (page.data, page.next_cursor.is_some()));
            offer.has_searched = true;
        }
        offer.example = offer.found.first().cloned();
        if let (None, Some(api)) = (&offer.example, first) {
            let some = find(viewer, &api, &Form::default(), 1).await?;
            offer.example = some.and_then(|page| page.data.into_iter().next());
        }
        Ok(offer)
    }
}

/// The operations that fit; none where there is no such API.
async fn find(viewer: &Viewer, api: &str, form: &Form, max: usize) -> Result<Option<Listed<Operation>>, Error> {
    let mut path = format!("/apis/{}/operations?limit={max}", segment(api));
    for (name, field) in [("text", "find_text"), ("method", "find_method")] {
        if let Some(value) = form.given(field) {
            path = format!("{path}&{name}={}", segment(value));
        }
    }
    match viewer.api.get(path).read_if_seen().await {
        // What can stand in no name finds nothing: the form says by its own fields what is wrong.
        Err(error) if error.code() == ErrorCode::InvalidRequest => Ok(None),
        found => found,
    }
}
