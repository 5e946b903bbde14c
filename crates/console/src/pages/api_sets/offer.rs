//! What a set can be made of: the APIs that the organization may use, and operations that were searched for.

use claviger_manage::Error;

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
pub(super) struct Offer {
    /// APIs by what sets call them.
    pub(super) apis: Vec<Choice>,
    pub(super) found: Vec<Operation>,
    /// Whether more were found than are offered.
    pub(super) is_more: bool,
    /// Whether there was a search.
    pub(super) has_searched: bool,
}

/// The APIs whose operations a set may hold: one's own, then those that others share.
pub(super) async fn apis(viewer: &Viewer) -> Result<Vec<Api>, Failure> {
    let (mut apis, _) = first_rows::<Api>(&viewer.api, "/apis", APIS_MAX).await?;
    apis.extend(first_rows::<Api>(&viewer.api, "/apis?shared=true", APIS_MAX).await?.0);
    apis.retain(|api| !api.is_built_in());
    Ok(apis)
}

/// The same to choose from.
pub(super) fn choices(viewer: &Viewer, apis: &[Api]) -> Vec<Choice> {
    apis.iter().map(|api| Choice::new(api.label(viewer), format!("{} ({})", api.name, api.slug))).collect()
}

// === impl Offer ===

impl Offer {
    /// Reads the APIs and carries out the form's search; `only` where the set is of one API alone.
    pub(super) async fn load(viewer: &Viewer, form: &Form, only: Option<&str>) -> Result<Self, Failure> {
        let apis = choices(viewer, &apis(viewer).await?);
        let Some(api) = only.or_else(|| form.given("find_api")) else { return Ok(Self { apis, ..Self::default() }) };
        let found = find(viewer, api, form).await?;
        let (found, is_more) = found.map_or((Vec::new(), false), |page| (page.data, page.next_cursor.is_some()));
        Ok(Self { apis, found, is_more, has_searched: true })
    }
}

/// The operations that fit; none where there is no such API.
async fn find(viewer: &Viewer, api: &str, form: &Form) -> Result<Option<Listed<Operation>>, Error> {
    let mut path = format!("/apis/{}/operations?limit={FOUND}", segment(api));
    for (name, field) in [("text", "find_text"), ("method", "find_method")] {
        if let Some(value) = form.given(field) {
            path = format!("{path}&{name}={}", segment(value));
        }
    }
    viewer.api.get(path).read_if_seen().await
}
