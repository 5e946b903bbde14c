//! An API user as a form: what it holds, and what it sends.

use claviger_texts::console::{api_users as texts, people};
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::offer::Offer;
use super::user::{ApiUser, TWO_STEPS};
use crate::failure::Problems;
use crate::form::Form;
use crate::parts::changed::Labels;
use crate::parts::field::{Choice, Field};
use crate::parts::password;

/// What a stale edit is compared by.
pub(super) const LABELS: Labels<'_> = &[
    ("user_name", texts::USER_NAME),
    ("permission_type", texts::TYPE),
    ("contact_id", texts::CONTACT_ID),
    ("contact_email", texts::CONTACT_EMAIL),
    ("profile_user", texts::PROFILE),
    ("profile_external", texts::PROFILE_EXTERNAL),
    ("sign_in_method", texts::METHOD),
    ("language", people::LANGUAGE),
];
/// The types for which a contact is told.
const WITH_CONTACT: &str = "2 3 4 5";
/// The one for which none is.
const WITHOUT_CONTACT: &str = "1";

/// The form of a new one: it begins active, with the profile user's own rights and a password alone.
pub(super) fn empty() -> Form {
    let mut form = Form::default();
    form.set("active", "on");
    form.set("permission_type", "1");
    form.set("sign_in_method", "password");
    form
}

/// The form that holds what a user is.
pub(super) fn filled(user: &ApiUser) -> Form {
    let mut form = Form::default();
    let contact = user.contact.as_ref();
    for (name, value) in [
        ("user_name", user.user_name.as_str()),
        ("contact_id", contact.map_or("", |contact| &contact.id)),
        ("contact_email", contact.map_or("", |contact| &contact.email)),
        ("profile_user", &user.profile_user.id),
        ("profile_external", user.profile_user.external.as_deref().unwrap_or_default()),
        ("sign_in_method", &user.sign_in_method),
        ("language", &user.language),
    ] {
        form.set(name, value);
    }
    form.set("permission_type", user.permission_type.to_string());
    if user.active {
        form.set("active", "on");
    }
    form
}

/// The request that makes one; who signs in needs a password, and the API says so where there is none.
pub(super) fn creation(form: &Form, signs_in: bool) -> Value {
    let mut body = Map::new();
    body.insert("application".to_owned(), json!(form.text("server").trim()));
    body.insert("active".to_owned(), json!(form.is_on("active")));
    body.insert("permission_type".to_owned(), permission_type(form));
    body.insert("contact".to_owned(), contact(form));
    body.insert("profile_user".to_owned(), json!(form.text("profile_user").trim()));
    for name in ["user_name", "profile_external", "sign_in_method", "language"] {
        if let Some(text) = form.given(name) {
            body.insert(name.to_owned(), json!(text));
        }
    }
    // As it was typed: blanks are characters of a password.
    if signs_in {
        body.insert("password".to_owned(), json!(form.text("password")));
    }
    Value::Object(body)
}

/// The request that makes of `before` what the form says: only what differs.
pub(super) fn change(before: &Form, form: &Form) -> Value {
    let differs = |name: &str| before.text(name).trim() != form.text(name).trim();
    let mut body = Map::new();
    for name in ["user_name", "profile_user", "language"] {
        if differs(name) {
            body.insert(name.to_owned(), json!(form.text(name).trim()));
        }
    }
    if form.find("sign_in_method").is_some() && differs("sign_in_method") {
        body.insert("sign_in_method".to_owned(), json!(form.text("sign_in_method")));
    }
    if differs("profile_external") {
        body.insert("profile_external".to_owned(), form.value("profile_external"));
    }
    if differs("permission_type") {
        body.insert("permission_type".to_owned(), permission_type(form));
    }
    if contact(before) != contact(form) {
        body.insert("contact".to_owned(), contact(form));
    }
    if before.is_on("active") != form.is_on("active") {
        body.insert("active".to_owned(), json!(form.is_on("active")));
    }
    Value::Object(body)
}

fn permission_type(form: &Form) -> Value {
    let text = form.text("permission_type").trim();
    text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number))
}

/// Nothing where neither of its fields is filled in, and for the type that has none: there they are out of sight.
fn contact(form: &Form) -> Value {
    match (form.given("contact_id"), form.given("contact_email")) {
        _ if form.text("permission_type").trim() == WITHOUT_CONTACT => Value::Null,
        (None, None) => Value::Null,
        (id, email) => json!({"id": id.unwrap_or_default(), "email": email.unwrap_or_default()}),
    }
}

/// What the API says of fields, at those of the form.
pub(super) fn placed(problems: Problems) -> Problems {
    problems.map(|error| {
        let field = match &*error.field {
            "application" => "server",
            "contact" | "contact.id" => "contact_id",
            "contact.email" => "contact_email",
            _ => return error,
        };
        claviger_manage::FieldError::new(field, error.message)
    })
}

// === fields ===

/// The fields of an API user, in the order of the dialog.
pub(super) struct Fields<'a> {
    pub(super) form: &'a Form,
    pub(super) problems: &'a Problems,
    pub(super) offer: &'a Offer,
    /// Whether users of the application sign in by a password.
    pub(super) signs_in: bool,
}

// === impl Fields ===

impl<'a> Fields<'a> {
    fn field(&self, name: &'a str, label: &'a str) -> Field<'a> {
        Field::new(name, label, self.problems)
    }

    pub(super) fn server(&self) -> Markup {
        let field = self.field("server", texts::SERVER).required().hint(texts::SERVER_HINT);
        self.offer.server(field, self.form.text("server"))
    }

    pub(super) fn status(&self) -> Markup {
        self.field("active", texts::ACTIVE).hint(texts::ACTIVE_HINT).tick(self.form.is_on("active"))
    }

    /// Of a new user; one that is there has its own page for it.
    pub(super) fn password(&self) -> Markup {
        let hint = if self.problems.is_empty() { texts::PASSWORD_HINT } else { texts::PASSWORD_AGAIN };
        let field = self.field("password", texts::PASSWORD).required().hint(hint);
        html! { @if self.signs_in { (password::new(field)) } @else { p .hint { (texts::TOKEN_HINT) } } }
    }

    pub(super) fn rest(&self) -> Markup {
        html! {
            (self.permission_type())
            (self.contact())
            (self.profile())
            @if self.signs_in { (self.method()) (self.second_factor()) }
            (self.user_name())
            (self.profile_external())
            (self.language())
        }
    }

    fn permission_type(&self) -> Markup {
        let choices: Vec<_> =
            (1..=5).map(|number: u8| Choice::new(number.to_string(), texts::permission_type(number))).collect();
        let field = self.field("permission_type", texts::TYPE).required().hint(texts::TYPE_HINT);
        field.choice(&choices, self.form.text("permission_type").trim())
    }

    /// There for the types that have one; without scripts it says so.
    fn contact(&self) -> Markup {
        let is_meant = WITH_CONTACT.split(' ').any(|number| number == self.form.text("permission_type").trim());
        let marked = |name, label| Field { is_marked: true, ..self.field(name, label) };
        html! {
            shown-for data-field="permission_type" data-values=(WITH_CONTACT) data-off[!is_meant] {
                fieldset .group {
                    legend { (texts::CONTACT) }
                    p .hint { (texts::CONTACT_HINT) }
                    (marked("contact_id", texts::CONTACT_ID).text(self.form.text("contact_id")))
                    (marked("contact_email", texts::CONTACT_EMAIL).text(self.form.text("contact_email")))
                }
            }
        }
    }

    fn profile(&self) -> Markup {
        let field = self.field("profile_user", texts::PROFILE).required().hint(texts::PROFILE_HINT);
        self.offer.profile(field, self.form.text("profile_user"))
    }

    fn profile_external(&self) -> Markup {
        let field = self.field("profile_external", texts::PROFILE_EXTERNAL).hint(texts::PROFILE_EXTERNAL_HINT);
        field.text(self.form.text("profile_external"))
    }

    fn method(&self) -> Markup {
        let choices = ["password", TWO_STEPS].map(|word| Choice::new(word, texts::method(word)));
        let field = self.field("sign_in_method", texts::METHOD).required();
        field.choice(&choices, self.form.text("sign_in_method"))
    }

    /// By which the second step is taken: there is one way.
    fn second_factor(&self) -> Markup {
        let is_meant = self.form.text("sign_in_method") == TWO_STEPS;
        let field = self.field("second_factor", texts::SECOND_FACTOR).hint(texts::SECOND_FACTOR_HINT);
        html! {
            shown-for data-field="sign_in_method" data-values=(TWO_STEPS) data-off[!is_meant] {
                (field.choice(&[Choice::new("totp", texts::TOTP_LONG)], "totp"))
            }
        }
    }

    fn user_name(&self) -> Markup {
        let field = self.field("user_name", texts::USER_NAME).hint(texts::USER_NAME_HINT);
        html! { suggested-name { (field.text(self.form.text("user_name"))) } }
    }

    fn language(&self) -> Markup {
        let field = self.field("language", people::LANGUAGE).hint(texts::LANGUAGE_HINT);
        field.suggested(self.form.text("language"), &["en", "pl", "de", "fr", "es"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).expect("few fields")
    }

    #[test]
    fn f_10_a_creation_has_what_was_filled_in() {
        let sent = form(
            "server=portal&active=on&password=+secret+&permission_type=2&contact_id=C-1&contact_email=a%40b.example\
                         &profile_user=usr_1&sign_in_method=password&user_name=&language=pl&second_factor=totp",
        );
        let expected = json!({
            "application": "portal", "active": true, "password": " secret ", "permission_type": 2, "profile_user": "usr_1",
            "contact": {"id": "C-1", "email": "a@b.example"}, "sign_in_method": "password", "language": "pl",
        });
        assert_eq!(creation(&sent, true), expected);
        let few = form("server=portal&permission_type=1&profile_user=ann&contact_id=&contact_email=");
        let token = creation(&few, false);
        assert_eq!((&token["contact"], &token["active"], token.get("password")), (&Value::Null, &json!(false), None));
        assert_eq!(creation(&few, true)["password"], "");
    }

    #[test]
    fn a_change_says_only_what_differs() {
        let before = form(
            "user_name=a&permission_type=2&contact_id=C-1&contact_email=a%40b.example&profile_user=usr_1\
                           &sign_in_method=password&language=en&active=on",
        );
        assert_eq!(change(&before, &before), json!({}));
        // The fields of the contact are out of sight for this type, and come along all the same.
        let after = form(
            "user_name=a&permission_type=1&contact_id=C-2&contact_email=a%40b.example&profile_user=usr_1\
                          &sign_in_method=password_2fa&language=en",
        );
        let expected =
            json!({"permission_type": 1, "contact": null, "sign_in_method": "password_2fa", "active": false});
        assert_eq!(change(&before, &after), expected);
        // A user with a token has no field for the method.
        let without = form(
            "user_name=a&permission_type=2&contact_id=C-1&contact_email=a%40b.example&profile_user=usr_1\
                            &language=en&active=on",
        );
        assert_eq!(change(&before, &without), json!({}));
    }
}
