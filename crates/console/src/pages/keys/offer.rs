//! What the form of a key offers: sets, and manuals of APIs.

use serde::Deserialize;

use crate::call::segment;
use crate::failure::Failure;
use crate::pages::apis::api::Api;
use crate::parts::field::Choice;
use crate::parts::list::Listed;
use crate::viewer::Viewer;

/// The set that stands for all others.
const FULL_ACCESS: &str = "full-access";
/// The most sets that are offered.
const SETS_OFFERED_MAX: usize = 500;
/// Rows of one call.
const PAGE: usize = 100;

/// What the form offers.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) sets: Vec<Choice>,
    /// APIs with their manuals: the provider's own, else this console's page of their operations.
    pub(super) manuals: Vec<(String, String)>,
}

#[derive(Debug, Deserialize)]
struct ApiSet {
    slug: String,
    name: String,
}

// === impl Offer ===

impl Offer {
    /// Reads what the viewer may see.
    pub(crate) async fn load(viewer: &Viewer) -> Result<Self, Failure> {
        let mut sets = Vec::new();
        let mut cursor = String::new();
        while sets.len() < SETS_OFFERED_MAX {
            let path = format!("/api-sets?limit={PAGE}{cursor}");
            let Some(page) = viewer.api.get(path).read_if_seen::<Listed<ApiSet>>().await? else { break };
            sets.extend(
                page.data
                    .into_iter()
                    .map(|set| Choice { label: format!("{} ({})", set.name, set.slug), value: set.slug }),
            );
            let Some(next) = page.next_cursor else { break };
            cursor = format!("&cursor={}", segment(&next));
        }
        let apis = viewer.api.get(format!("/apis?limit={PAGE}")).read_if_seen::<Listed<Api>>().await?;
        let apis = apis.map(|page| page.data).unwrap_or_default();
        let own_page = |api: &Api| format!("{}/manual", api.path(viewer));
        let manual = |api: Api| (api.name.clone(), api.manual_url.clone().unwrap_or_else(|| own_page(&api)));
        let manuals = apis.into_iter().filter(|api| !api.is_built_in()).map(manual).collect();
        Ok(Self { sets, manuals })
    }

    /// Leaves the sets that are within these; those of other organizations are among them by their ids.
    pub(crate) fn narrow(&mut self, within: &[String]) {
        if within.iter().any(|set| set == FULL_ACCESS) {
            return;
        }
        self.sets.retain(|set| within.contains(&set.value));
        let others =
            within.iter().filter(|set| set.starts_with("set_")).map(|set| Choice::new(set.as_str(), set.as_str()));
        let others: Vec<_> = others.filter(|set| !self.sets.contains(set)).collect();
        self.sets.extend(others);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_is_offered_what_its_type_allows() {
        let sets = ["issues", "pulls-read", FULL_ACCESS].map(|set| Choice::new(set, set)).to_vec();
        let offered = |within: &[&str]| {
            let mut offer = Offer { sets: sets.clone(), manuals: Vec::new() };
            offer.narrow(&within.iter().map(|set| (*set).to_owned()).collect::<Vec<_>>());
            offer.sets.into_iter().map(|set| set.value).collect::<Vec<_>>()
        };
        assert_eq!(offered(&["issues", "set_0"]), ["issues", "set_0"]);
        assert_eq!(offered(&[FULL_ACCESS]), ["issues", "pulls-read", FULL_ACCESS]);
        assert_eq!(offered(&[]), [""; 0]);
    }
}
