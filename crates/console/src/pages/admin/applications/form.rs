//! An application as a form: what it holds, and what it sends.

use claviger_domain::limit::Place;
use claviger_texts::console::{applications as texts, keys};
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::application::{Application, Kind, Need};
use crate::failure::Problems;
use crate::form::Form;
use crate::pages::keys::key::Range;
use crate::pages::keys::sent::address;
use crate::parts::changed::Labels;
use crate::parts::field::{Choice, Field};
use crate::parts::limits::{self, LIMITS};
use crate::parts::password;

/// What a stale edit is compared by.
pub(super) const LABELS: Labels<'_> = &[
    ("name", texts::NAME),
    ("slug", texts::SLUG),
    ("allowed_ips", texts::ALLOWED_IPS),
    ("public_url", texts::PUBLIC_URL),
    (LIMITS, claviger_texts::console::limits::LIMITS),
];

/// The form of a new one: it begins active.
pub(super) fn empty() -> Form {
    let mut form = Form::default();
    form.set("active", "on");
    form
}

/// The form that holds what an application is.
pub(super) fn filled(application: &Application) -> Form {
    let mut form = Form::default();
    form.set("name", application.name.clone());
    form.set("slug", application.slug.clone());
    form.set("allowed_ips", application.allowed_ips.iter().map(Range::line).collect::<Vec<_>>().join("\n"));
    form.set("public_url", application.public_url.clone().unwrap_or_default());
    if application.active {
        form.set("active", "on");
    }
    limits::fill(&mut form, &application.limits);
    form
}

/// The request that makes one, with the fields that its type has.
pub(super) fn creation(form: &Form, kind: &Kind) -> Value {
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    set("name", json!(form.text("name")));
    set("type", json!(kind.slug));
    set("active", json!(form.is_on("active")));
    if kind.field("allowed_ips") != Need::Hidden {
        set("allowed_ips", addresses(form));
    }
    if kind.field("public_url") != Need::Hidden {
        set("public_url", form.value("public_url"));
    }
    if let Some(password) = typed_password(form).filter(|_| kind.has_password()) {
        set("password", json!(password));
    }
    if let Some(slug) = form.given("slug") {
        set("slug", json!(slug));
    }
    if let Some(environment) = form.given("environment") {
        set("environment", json!(environment));
    }
    limits::change(&Form::default(), form, &mut body);
    Value::Object(body)
}

/// The request that makes of `before` what the form says: only what differs.
pub(super) fn change(before: &Form, form: &Form) -> Value {
    let mut body = Map::new();
    for (name, _) in LABELS.iter().filter(|(name, _)| before.text(name).trim() != form.text(name).trim()) {
        let value = match *name {
            "allowed_ips" => addresses(form),
            "public_url" => form.value(name),
            _ => json!(form.text(name)),
        };
        body.insert((*name).to_owned(), value);
    }
    if before.is_on("active") != form.is_on("active") {
        body.insert("active".to_owned(), json!(form.is_on("active")));
    }
    if let Some(password) = typed_password(form) {
        body.insert("password".to_owned(), json!(password));
    }
    limits::change(before, form, &mut body);
    Value::Object(body)
}

/// As it was typed: blanks are characters of a password.
fn typed_password(form: &Form) -> Option<&str> {
    form.find("password").filter(|password| !password.is_empty())
}

/// One a line, or several with commas between them; what stands behind `#` is one label.
fn addresses(form: &Form) -> Value {
    let parts = form.lines("allowed_ips").flat_map(|line| {
        let parts: Vec<&str> = if line.contains('#') { vec![line] } else { line.split(',').collect() };
        parts.into_iter().map(str::trim).filter(|part| !part.is_empty())
    });
    parts.map(address).collect()
}

// === fields ===

/// The fields of an application of this type, but for its type.
pub(super) struct Fields<'a> {
    pub(super) form: &'a Form,
    pub(super) problems: &'a Problems,
    pub(super) kind: &'a Kind,
}

// === impl Fields ===

impl<'a> Fields<'a> {
    fn field(&self, name: &'a str, label: &'a str) -> Field<'a> {
        Field::new(name, label, self.problems)
    }

    pub(super) fn name(&self) -> Markup {
        self.field("name", texts::NAME).required().hint(texts::NAME_HINT).text(self.form.text("name"))
    }

    /// Where the type has one; an empty field is no change.
    pub(super) fn password(&self, hint: &'a str) -> Markup {
        let hint = if self.problems.is_empty() { hint } else { texts::PASSWORD_AGAIN };
        html! {
            @if self.kind.has_password() { (password::new(self.field("password", texts::PASSWORD).hint(hint))) }
        }
    }

    pub(super) fn status(&self) -> Markup {
        self.field("active", texts::ACTIVE).hint(texts::ACTIVE_HINT).tick(self.form.is_on("active"))
    }

    pub(super) fn addresses(&self) -> Markup {
        let field = self.field("allowed_ips", texts::ALLOWED_IPS).hint(texts::ALLOWED_IPS_HINT);
        self.needed(field, |field| field.area(self.form.text("allowed_ips"), 4))
    }

    pub(super) fn public_url(&self) -> Markup {
        let field = self.field("public_url", texts::PUBLIC_URL).hint(texts::PUBLIC_URL_HINT);
        self.needed(field, |field| field.input("url", self.form.text("public_url"), "off"))
    }

    /// Of the first key.
    pub(super) fn environment(&self) -> Markup {
        let choices = [Choice::new("live", keys::LIVE), Choice::new("test", keys::TEST)];
        self.field("environment", texts::ENVIRONMENT).choice(&choices, self.form.text("environment"))
    }

    pub(super) fn limits(&self) -> Markup {
        limits::fields(Place::Application, self.form, self.problems)
    }

    pub(super) fn slug(&self) -> Markup {
        self.field("slug", texts::SLUG).hint(texts::SLUG_HINT).text(self.form.text("slug"))
    }

    fn needed(&self, field: Field<'a>, draw: impl FnOnce(Field<'a>) -> Markup) -> Markup {
        match self.kind.field(field.name) {
            Need::Required => draw(field.required()),
            Need::Optional => draw(field),
            Need::Hidden => html! {},
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).expect("few fields")
    }

    fn kind(fields: &Value) -> Kind {
        let kind = json!({
            "id": "apt_1", "slug": "partner", "name": "Partner", "sign_in": "key_only", "api_sets": [], "fields": fields,
            "predefined": false, "counts": {"applications": 0},
        });
        serde_json::from_value(kind).expect("a type")
    }

    #[test]
    fn f_07_addresses_come_with_commas_blanks_and_lines() {
        let sent = form("allowed_ips=10.0.0.1+,+10.0.0.2,%0A203.0.113.0/24+%23+office,+hall");
        let expected =
            json!(["10.0.0.1", "10.0.0.2", {"range": "203.0.113.0/24", "label": "office, hall", "until": null}]);
        assert_eq!(addresses(&sent), expected);
        assert_eq!(addresses(&form("allowed_ips=+%0A")), json!([]));
    }

    #[test]
    fn a_creation_has_the_fields_of_its_type_alone() {
        let sent = form("name=Shop&active=on&allowed_ips=10.0.0.1&public_url=https://shop.example.com/");
        let all = creation(&sent, &kind(&json!({"allowed_ips": "optional", "public_url": "optional"})));
        assert_eq!((&all["active"], &all["allowed_ips"]), (&json!(true), &json!(["10.0.0.1"])));
        assert_eq!(all["public_url"], "https://shop.example.com/");
        let few = creation(&sent, &kind(&json!({"allowed_ips": "optional", "public_url": "hidden"})));
        assert_eq!(few.get("public_url"), None);
    }

    #[test]
    fn a_change_says_only_what_differs() {
        let before = form("name=a&slug=a&allowed_ips=10.0.0.1&public_url=https://a.example&active=on");
        assert_eq!(change(&before, &before), json!({}));
        let after = form("name=b&slug=a&allowed_ips=&public_url=");
        let expected = json!({"name": "b", "allowed_ips": [], "public_url": null, "active": false});
        assert_eq!(change(&before, &after), expected);
    }
}
