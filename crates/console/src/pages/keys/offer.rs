//! What the form of a key offers: sets, and manuals of APIs.

use std::net::IpAddr;

use claviger_texts::console::keys as texts;
use serde::Deserialize;

use crate::call::segment;
use crate::failure::Failure;
use crate::form::Form;
use crate::pages::apis::api::Api;
use crate::pages::picker::apis;
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
    /// All sets that a key can hold.
    pub(crate) sets: Vec<Choice>,
    /// Those of the dropdown: one's own and Full access, neither General, which every key has that holds anything of the
    /// API, nor those of the management API.
    pub(super) rights: Vec<Choice>,
    /// The address at which the server sees the viewer.
    pub(super) ip: Option<IpAddr>,
    /// Whom the viewer asks about it.
    pub(super) contact: Option<String>,
    /// APIs with their manuals: the provider's own, else this console's page of their operations.
    pub(super) manuals: Vec<(String, String)>,
}

#[derive(Debug, Deserialize)]
struct ApiSet {
    slug: String,
    name: String,
    kind: String,
}

// === impl Offer ===

impl Offer {
    /// Reads what the viewer may see.
    pub(crate) async fn load(viewer: &Viewer) -> Result<Self, Failure> {
        let mut sets: Vec<ApiSet> = Vec::new();
        let mut cursor = String::new();
        while sets.len() < SETS_OFFERED_MAX {
            let path = format!("/api-sets?limit={PAGE}{cursor}");
            let Some(page) = viewer.api.get(path).read_if_seen::<Listed<ApiSet>>().await? else { break };
            sets.extend(page.data);
            let Some(next) = page.next_cursor else { break };
            cursor = format!("&cursor={}", segment(&next));
        }
        let apis = apis(viewer).await?;
        let own_page = |api: &Api| format!("{}/manual", api.path(viewer));
        let manual = |api: Api| (api.name.clone(), api.manual_url.clone().unwrap_or_else(|| own_page(&api)));
        let described = |api: &Api| api.operations_count > 0 || api.manual_url.is_some();
        let manuals = apis.into_iter().filter(described).map(manual).collect();
        let own = |set: &&ApiSet| ["plain", "full"].contains(&set.kind.as_str());
        let rights = sets.iter().filter(own).map(|set| Choice::new(set.slug.clone(), set.name.clone())).collect();
        let sets = sets.iter().filter(|set| set.kind != "general").map(ApiSet::choice).collect();
        Ok(Self { sets, rights, manuals, ip: viewer.ip, contact: viewer.organization.admin_contact.clone() })
    }

    /// The same with sets that a key holds already, whatever they are: none is lost by being left out of a list.
    #[must_use]
    pub(crate) fn with_held(mut self, held: &[String]) -> Self {
        for set in held {
            if !self.sets.iter().any(|choice| choice.value == *set) {
                self.sets.push(Choice::new(set.clone(), set.clone()));
            }
        }
        self
    }

    /// A form whose first set stands in the dropdown, where that offers it.
    pub(super) fn with_right(&self, form: &Form) -> Form {
        let mut form = form.clone();
        let is_offered = |set: &&str| self.rights.iter().any(|choice| choice.value == **set);
        let first = form.all("api_sets").find(is_offered).map(str::to_owned);
        if let Some(set) = first.filter(|_| form.given("right").is_none()) {
            form.take_value("api_sets", &set);
            form.set("right", set);
        }
        form
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

// === impl ApiSet ===

impl ApiSet {
    fn choice(&self) -> Choice {
        let choice = Choice::new(self.slug.clone(), format!("{} ({})", self.name, self.slug));
        if self.kind == "built_in" { choice.apart(texts::ADMINISTRATION) } else { choice }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_is_offered_what_its_type_allows() {
        let sets = ["issues", "pulls-read", FULL_ACCESS].map(|set| Choice::new(set, set)).to_vec();
        let offered = |within: &[&str]| {
            let mut offer =
                Offer { sets: sets.clone(), rights: Vec::new(), ip: None, contact: None, manuals: Vec::new() };
            offer.narrow(&within.iter().map(|set| (*set).to_owned()).collect::<Vec<_>>());
            offer.sets.into_iter().map(|set| set.value).collect::<Vec<_>>()
        };
        assert_eq!(offered(&["issues", "set_0"]), ["issues", "set_0"]);
        assert_eq!(offered(&[FULL_ACCESS]), ["issues", "pulls-read", FULL_ACCESS]);
        assert_eq!(offered(&[]), [""; 0]);
    }
}
