//! What the form of an API user offers: applications to sign in under, with the hints of their keys, and people whose rights bound
//! the sessions.

use claviger_texts::console::form as words;
use maud::{Markup, html};
use serde::Deserialize;

use crate::call::segment;
use crate::failure::Failure;
use crate::pages::admin::applications::application::Application;
use crate::pages::keys::key::Key;
use crate::parts::field::{Choice, Field};
use crate::parts::list::{Listed, first_rows};
use crate::viewer::Viewer;

/// Applications and people that are offered; where there are more, the field is typed.
const OFFERED: usize = 100;

/// A person.
#[derive(Debug, Deserialize)]
pub(super) struct Person {
    pub(super) id: String,
    username: String,
    name: String,
    email: String,
}

/// Choices of a field, and whether they are all that there are.
#[derive(Debug, Default)]
pub(super) struct Offer {
    servers: Vec<Choice>,
    has_more_servers: bool,
    pub(super) people: Vec<Person>,
    has_more_people: bool,
}

// === impl Offer ===

impl Offer {
    /// For users of active applications of a type.
    pub(super) async fn of_type(viewer: &Viewer, slug: &str) -> Result<Self, Failure> {
        let path = format!("/applications?active=true&sort=name&type={}", segment(slug));
        let (applications, has_more_servers) = first_rows::<Application>(&viewer.api, &path, OFFERED).await?;
        let mut servers = Vec::with_capacity(applications.len());
        for application in &applications {
            servers.push(Choice::new(application.slug.clone(), with_hints(viewer, application).await?));
        }
        Ok(Self { servers, has_more_servers, ..Self::people(viewer).await? })
    }

    /// For a user whose application is settled.
    pub(super) async fn people(viewer: &Viewer) -> Result<Self, Failure> {
        let (people, has_more_people) = first_rows(&viewer.api, "/users?sort=name", OFFERED).await?;
        Ok(Self { people, has_more_people, ..Self::default() })
    }

    /// The field of the application.
    pub(super) fn server(&self, field: Field<'_>, typed: &str) -> Markup {
        if self.has_more_servers {
            let slugs: Vec<_> = self.servers.iter().map(|server| server.value.as_str()).collect();
            return field.suggested(typed, &slugs);
        }
        let first = Choice::new("", words::CHOOSE);
        let choices: Vec<_> = [first].into_iter().chain(self.servers.iter().cloned()).collect();
        // The only one is meant.
        let chosen = match &self.servers[..] {
            [only] if typed.is_empty() => only.value.as_str(),
            _ => typed,
        };
        field.choice(&choices, chosen)
    }

    /// The field of the profile user; each choice bears the person's address, which a user name may be.
    pub(super) fn profile(&self, field: Field<'_>, typed: &str) -> Markup {
        if self.has_more_people || self.people.is_empty() {
            let names: Vec<_> = self.people.iter().map(|person| person.email.as_str()).collect();
            return field.suggested(typed, &names);
        }
        let (described, is_wrong) = (field.described_by(), field.is_wrong());
        let is_known = self.people.iter().any(|person| person.is(typed));
        field.frame(&html! {
            select .select id=(field.name) name=(field.name) required[field.is_required]
                aria-invalid=[is_wrong.then_some("true")] aria-describedby=[described] {
                option value="" { (words::CHOOSE) }
                @if !typed.is_empty() && !is_known { option value=(typed) selected { (typed) } }
                @for person in &self.people {
                    option value=(person.id) data-email=(person.email) selected[person.is(typed)] {
                        (person.name) " (" (person.email) ")"
                    }
                }
            }
        })
    }
}

/// An application with the hints of its first keys, by which one knows it.
async fn with_hints(viewer: &Viewer, application: &Application) -> Result<String, Failure> {
    let path = format!("/applications/{}/keys?limit=2&sort=name", application.id);
    let keys = viewer.api.get(path).read_if_seen::<Listed<Key>>().await?.map(|page| page.data).unwrap_or_default();
    let hints: Vec<_> = keys.iter().map(|key| key.hint.as_str()).collect();
    Ok(if hints.is_empty() { application.name.clone() } else { format!("{} ({})", application.name, hints.join(", ")) })
}

// === impl Person ===

impl Person {
    fn is(&self, typed: &str) -> bool {
        [&self.id, &self.username, &self.email].contains(&&typed.to_owned())
    }
}
