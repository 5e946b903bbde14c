//! The one form of a key: its fields, what they send, and what they hold.

use std::net::IpAddr;

use claviger_domain::name::NAME_LENGTH_MAX;
use claviger_texts::console::{form as words, keys as texts};
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::key::Key;
use super::offer::Offer;
use crate::failure::Problems;
use crate::form::Form;
use crate::parts::dual_list::dual_list;
use crate::parts::field::{Choice, Field};
use crate::parts::time;
use crate::viewer::Viewer;

/// The most manuals that are linked to.
const MANUALS_MAX: usize = 12;

/// Where the form stands: each place has its own order of fields, its own words and its own owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrangement {
    /// Settings → API: a single key of the organization.
    Organization,
    /// View profile → API Keys: a pair of one's own.
    Profile,
    /// Users → User Account Details: a single key of one's own.
    Account,
    /// Applications: a key of an application.
    Application,
}

/// The fields of the form in the order of its place.
pub(crate) fn fields(arrangement: Arrangement, offer: &Offer, form: &Form, problems: &Problems) -> Markup {
    let part = Part { offer, form, problems };
    match arrangement {
        Arrangement::Organization => html! {
            (part.purpose()) (part.right())
            details .advanced open[!problems.is_empty()] {
                summary { (words::ADVANCED) }
                (part.optional_name()) (part.sets()) (part.operations()) (part.expiry()) (part.not_before()) (part.addresses())
                (part.environment()) (part.shape()) (part.external_id()) (part.tags()) (part.idle_exempt())
            }
        },
        Arrangement::Profile => html! {
            (part.name()) (part.expiry()) (part.addresses()) (part.accessible())
            details .advanced open[!problems.is_empty()] {
                summary { (words::ADVANCED) }
                (part.description()) (part.operations()) (part.environment()) (part.tags())
            }
        },
        Arrangement::Application => html! {
            (part.name()) (part.description()) (part.dual())
            details .advanced open[!problems.is_empty()] {
                summary { (words::ADVANCED) }
                (part.operations()) (part.expiry()) (part.not_before()) (part.addresses()) (part.environment()) (part.shape())
                (part.external_id()) (part.tags()) (part.idle_exempt())
            }
        },
        Arrangement::Account => html! {
            (part.name()) (part.description()) (part.dual())
            details .advanced open[!problems.is_empty()] {
                summary { (words::ADVANCED) }
                (part.operations()) (part.expiry()) (part.addresses()) (part.environment()) (part.tags())
            }
        },
    }
}

/// The fields of a key that is there.
pub(crate) fn edit_fields(offer: &Offer, form: &Form, problems: &Problems) -> Markup {
    let part = Part { offer, form, problems };
    html! {
        (part.name()) (part.description()) (part.dual()) (part.operations()) (part.expiry()) (part.expire_now()) (part.not_before())
        (part.addresses()) (part.external_id()) (part.tags()) (part.idle_exempt())
    }
}

struct Part<'a> {
    offer: &'a Offer,
    form: &'a Form,
    problems: &'a Problems,
}

// === impl Part ===

impl<'a> Part<'a> {
    fn field(&self, name: &'a str, label: &'a str) -> Field<'a> {
        Field::new(name, label, self.problems)
    }

    fn chosen(&self) -> Vec<&'a str> {
        self.form.all("api_sets").collect()
    }

    fn name(&self) -> Markup {
        self.field("name", texts::NAME).required().hint(texts::NAME_HINT).text(self.form.text("name"))
    }

    fn description(&self) -> Markup {
        self.field("description", texts::DESCRIPTION).text(self.form.text("description"))
    }

    /// What the key is for; its name follows from it.
    fn purpose(&self) -> Markup {
        let field = self.field("description", texts::DESCRIPTION).required().hint(texts::DESCRIPTION_HINT);
        field.text(self.form.text("description"))
    }

    fn optional_name(&self) -> Markup {
        self.field("name", texts::NAME).hint(texts::NAME_OPTIONAL_HINT).text(self.form.text("name"))
    }

    /// One set of a dropdown; further ones are under *Advanced*.
    fn right(&self) -> Markup {
        let none = std::iter::once(Choice::new("", words::CHOOSE));
        let choices: Vec<_> = none.chain(self.offer.rights.iter().cloned()).collect();
        html! {
            (self.field("right", texts::RIGHT).hint(texts::RIGHT_HINT).choice(&choices, self.form.text("right")))
            (self.manuals())
        }
    }

    fn sets(&self) -> Markup {
        let (chosen, field) = (self.chosen(), self.field("api_sets", texts::API_SETS));
        dual_list(field, texts::AVAILABLE, texts::SELECTED, &self.offer.sets, &chosen)
    }

    fn dual(&self) -> Markup {
        html! { (self.sets()) (self.manuals()) }
    }

    /// What the rights are: the sets, and each API's manual.
    fn manuals(&self) -> Markup {
        html! {
            @if !self.offer.manuals.is_empty() {
                p .hint .links {
                    a href="/api-sets" target="_blank" { (texts::WHAT_SETS_HOLD) }
                    @for (name, url) in self.offer.manuals.iter().take(MANUALS_MAX) {
                        a href=(url) rel="noopener noreferrer" target="_blank" { (name) " – " (texts::MANUAL) }
                    }
                    @if self.offer.manuals.len() > MANUALS_MAX { a href="/apis" target="_blank" { (texts::MORE_MANUALS) } }
                }
            }
        }
    }

    /// A pick list with the manuals beside it.
    fn accessible(&self) -> Markup {
        let chosen = self.chosen();
        let wrong = self.problems.at("api_sets");
        html! {
            fieldset .field .picks {
                legend { (texts::ACCESSIBLE) }
                @for choice in &self.offer.sets {
                    label .pick {
                        input .input type="checkbox" name="api_sets" value=(choice.value) checked[chosen.contains(&choice.value.as_str())];
                        span { (choice.label) }
                    }
                }
                (self.manuals())
                @if !wrong.is_empty() { div .field-error { @for message in &wrong { p { (message) } } } }
            }
        }
    }

    fn operations(&self) -> Markup {
        self.field("operations", texts::OPERATIONS).hint(texts::OPERATIONS_HINT).area(self.form.text("operations"), 3)
    }

    fn expiry(&self) -> Markup {
        let field = self.field("expires_at", texts::EXPIRES_AT).hint(texts::EXPIRES_AT_HINT);
        field.input("date", self.form.text("expires_at"), "off")
    }

    fn expire_now(&self) -> Markup {
        self.field("expire_now", texts::EXPIRE_NOW).tick(self.form.is_on("expire_now"))
    }

    fn not_before(&self) -> Markup {
        self.field("not_before", texts::NOT_BEFORE).input("date", self.form.text("not_before"), "off")
    }

    fn addresses(&self) -> Markup {
        let field = self.field("allowed_ips", texts::ALLOWED_IPS).hint(texts::ALLOWED_IPS_HINT);
        html! {
            (field.area(self.form.text("allowed_ips"), 4))
            @if let Some(ip) = self.offer.ip {
                p .hint .own-ip {
                    (texts::my_ip(&ip.to_string()))
                    @if is_local(ip) { " " (texts::MY_IP_IS_LOCAL) }
                    " " button .btn data-variant="outline" data-size="sm" type="button" data-append=(ip) data-to="allowed_ips" hidden {
                        (texts::ADD_MY_IP)
                    }
                }
            }
        }
    }

    fn environment(&self) -> Markup {
        let choices = [Choice::new("live", texts::LIVE), Choice::new("test", texts::TEST)];
        self.field("environment", texts::ENVIRONMENT).choice(&choices, self.form.text("environment"))
    }

    fn shape(&self) -> Markup {
        let choices = [Choice::new("single", texts::SINGLE), Choice::new("pair", texts::PAIR)];
        self.field("shape", texts::SHAPE).choice(&choices, self.form.text("shape"))
    }

    fn external_id(&self) -> Markup {
        self.field("external_id", texts::EXTERNAL_ID).hint(texts::EXTERNAL_ID_HINT).text(self.form.text("external_id"))
    }

    fn tags(&self) -> Markup {
        self.field("tags", texts::TAGS).hint(texts::TAGS_HINT).text(self.form.text("tags"))
    }

    fn idle_exempt(&self) -> Markup {
        self.field("idle_exempt", texts::IDLE_EXEMPT).tick(self.form.is_on("idle_exempt"))
    }
}

/// An address that the internet does not know.
fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

// === what the form sends ===

/// The request that makes the key.
pub(crate) fn creation(arrangement: Arrangement, form: &Form) -> Value {
    let mut body = shared(form);
    let mut set = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    let right = form.given("right").into_iter();
    let mut sets: Vec<&str> = right.chain(form.all("api_sets")).collect();
    sets.dedup();
    // Without either of the two the API asks for a choice.
    if !sets.is_empty() || form.lines("operations").next().is_some() {
        set("api_sets", json!(sets));
    }
    set("environment", json!(form.given("environment").unwrap_or("live")));
    let shape = match arrangement {
        Arrangement::Profile => "pair",
        Arrangement::Account => "single",
        Arrangement::Organization | Arrangement::Application => form.given("shape").unwrap_or("single"),
    };
    set("shape", json!(shape));
    if let Some(day) = form.given("expires_at") {
        set("expires_at", json!(day));
    }
    if let Some(day) = form.given("not_before") {
        set("not_before", json!(day));
    }
    if let Some(id) = form.given("external_id") {
        set("external_id", json!(id));
    }
    if body.get("operations") == Some(&json!([])) {
        body.remove("operations");
    }
    if arrangement == Arrangement::Organization && form.given("name").is_none() {
        body.insert("name".to_owned(), json!(name_from(form.text("description"))));
    }
    Value::Object(body)
}

/// The name of a key that was only described: the description's beginning.
fn name_from(description: &str) -> String {
    description.trim().chars().take(NAME_LENGTH_MAX).collect::<String>().trim_end().to_owned()
}

/// The same with a number at its end.
pub(super) fn numbered(name: &str, count: u32) -> String {
    let end = format!(" {count}");
    let kept: String = name.chars().take(NAME_LENGTH_MAX - end.len()).collect();
    format!("{}{end}", kept.trim_end())
}

/// The request that changes what `before` was into what the form says: only what differs, so that an end that is shown as
/// a day does not move by being looked at.
pub(crate) fn change(before: &Form, form: &Form) -> Value {
    let mut body = shared(form);
    body.insert("api_sets".to_owned(), json!(form.all("api_sets").collect::<Vec<_>>()));
    for name in ["expires_at", "not_before", "external_id"] {
        body.insert(name.to_owned(), form.value(name));
    }
    body.insert("expire_now".to_owned(), json!(form.is_on("expire_now")));
    let fields: Vec<&str> = body.keys().map(String::as_str).collect();
    let same: Vec<String> =
        fields.into_iter().filter(|name| before.all(name).eq(form.all(name))).map(str::to_owned).collect();
    body.retain(|name, _| !same.contains(name));
    Value::Object(body)
}

fn shared(form: &Form) -> Map<String, Value> {
    let tags = form.text("tags").split(',').map(str::trim).filter(|tag| !tag.is_empty());
    let members = [
        ("name", json!(form.text("name"))),
        ("description", json!(form.text("description"))),
        ("operations", json!(form.lines("operations").collect::<Vec<_>>())),
        ("allowed_ips", form.lines("allowed_ips").map(address).collect()),
        ("tags", json!(tags.collect::<Vec<_>>())),
        ("idle_exempt", json!(form.is_on("idle_exempt"))),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A line of addresses: `RANGE [until INSTANT] [# label]`.
pub(crate) fn address(line: &str) -> Value {
    let (rest, label) = line.split_once('#').map_or((line, None), |(rest, label)| (rest, Some(label.trim())));
    let (range, until) = rest.split_once(" until ").map_or((rest, None), |(range, until)| (range, Some(until.trim())));
    if label.is_none() && until.is_none() {
        return json!(range.trim());
    }
    json!({"range": range.trim(), "label": label.filter(|label| !label.is_empty()), "until": until})
}

/// The form that holds what a key is.
pub(crate) fn filled(key: &Key, viewer: &Viewer) -> Form {
    let mut form = Form::default();
    form.set("name", key.name.clone());
    form.set("description", key.description.clone());
    form.set("operations", key.operations.join("\n"));
    form.set("allowed_ips", key.allowed_ips.iter().map(super::key::Range::line).collect::<Vec<_>>().join("\n"));
    form.set("tags", key.tags.join(", "));
    form.set("external_id", key.external_id.clone().unwrap_or_default());
    form.set("environment", key.environment.clone());
    form.set("shape", key.shape.clone());
    form.set(
        "expires_at",
        key.expires_at.as_deref().map(|at| time::end_day_value(at, &viewer.home_zone)).unwrap_or_default(),
    );
    form.set(
        "not_before",
        key.not_before.as_deref().map(|at| time::day_value(at, &viewer.home_zone)).unwrap_or_default(),
    );
    if key.idle_exempt {
        form.set("idle_exempt", "on");
    }
    for set in &key.api_sets {
        form.push("api_sets", set.clone());
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).expect("few fields")
    }

    #[test]
    fn a_line_of_addresses_may_bear_a_label_and_an_end() {
        assert_eq!(address("10.0.0.0/8"), json!("10.0.0.0/8"));
        assert_eq!(address("10.0.0.1 # office"), json!({"range": "10.0.0.1", "label": "office", "until": null}));
        assert_eq!(
            address("10.0.0.1 until 2027-01-01 # a # b"),
            json!({"range": "10.0.0.1", "label": "a # b", "until": "2027-01-01"})
        );
    }

    #[test]
    fn a_change_says_only_what_differs() {
        let before = form("name=a&description=&tags=x,+y&api_sets=one&expires_at=2027-01-31&idle_exempt=on");
        let after = form("name=b&description=&tags=x,+y&api_sets=one&api_sets=two&expires_at=&idle_exempt=on");
        assert_eq!(change(&before, &after), json!({"name": "b", "api_sets": ["one", "two"], "expires_at": null}));
        assert_eq!(change(&before, &before), json!({}));
    }

    #[test]
    fn a_name_that_follows_from_a_description_keeps_to_the_length_of_names() {
        let sent = form(&format!("description={}&right=orders", "d".repeat(300)));
        let name = creation(Arrangement::Organization, &sent)["name"].as_str().expect("a name").to_owned();
        assert_eq!(name.len(), NAME_LENGTH_MAX);
        let second = numbered(&name, 2);
        assert!(second.len() == NAME_LENGTH_MAX && second.ends_with("d 2"), "{second}");
    }

    #[test]
    fn a_form_in_which_nothing_was_chosen_asks_for_no_rights_by_itself() {
        let body = creation(Arrangement::Organization, &form("description=a&right="));
        assert!(body.get("api_sets").is_none() && body.get("operations").is_none(), "{body}");
    }

    #[test]
    fn each_place_makes_its_own_kind_of_key() {
        let sent = form("name=a&right=full-access&shape=pair&api_sets=issues");
        assert_eq!(creation(Arrangement::Profile, &sent)["shape"], "pair");
        assert_eq!(creation(Arrangement::Account, &sent)["shape"], "single");
        let organization = creation(Arrangement::Organization, &sent);
        assert_eq!(organization["api_sets"], json!(["full-access", "issues"]));
        assert_eq!(organization["shape"], "pair");
    }
}
