//! The fields of a person, what they send, and what they hold.

use claviger_texts::console::people as texts;
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::User;
use crate::failure::Problems;
use crate::form::Form;
use crate::pages::admin::roles::Role;
use crate::parts::dual_list::dual_list;
use crate::parts::field::{Choice, Field};
use crate::parts::picks::{Pick, picks};
use crate::parts::time;
use crate::parts::zone::zone;
use crate::viewer::Viewer;

/// More roles than these are shown as two lists.
const TICKS_MAX: usize = 12;

/// A form of a person.
pub(super) struct Fields<'a> {
    pub(super) form: &'a Form,
    pub(super) problems: &'a Problems,
}

// === impl Fields ===

impl<'a> Fields<'a> {
    fn field(&self, name: &'a str, label: &'a str) -> Field<'a> {
        Field::new(name, label, self.problems)
    }

    pub(super) fn email(&self) -> Markup {
        self.field("email", texts::EMAIL).required().input("email", self.form.text("email"), "off")
    }

    pub(super) fn name(&self, hint: &'a str) -> Markup {
        self.field("name", texts::NAME).hint(hint).text(self.form.text("name"))
    }

    pub(super) fn username(&self, hint: &'a str) -> Markup {
        self.field("username", texts::USERNAME).hint(hint).text(self.form.text("username"))
    }

    pub(super) fn account_expires(&self) -> Markup {
        let field = self.field("account_expires_at", texts::ACCOUNT_EXPIRES).hint(texts::ACCOUNT_EXPIRES_HINT);
        field.input("date", self.form.text("account_expires_at"), "off")
    }

    pub(super) fn language(&self) -> Markup {
        self.field("language", texts::LANGUAGE).hint(texts::LANGUAGE_HINT).text(self.form.text("language"))
    }

    pub(super) fn time_zone(&self, hint: &'a str) -> Markup {
        zone(self.field("time_zone", texts::TIME_ZONE).hint(hint), self.form.text("time_zone"))
    }

    pub(super) fn roles(&self, roles: &[Role]) -> Markup {
        let field = self.field("roles", texts::ROLES).hint(texts::ROLES_HINT);
        let chosen: Vec<&str> = self.form.all("roles").collect();
        if roles.len() > TICKS_MAX {
            let choices: Vec<_> = roles.iter().map(|role| Choice::new(&role.slug, &role.name)).collect();
            return dual_list(field, texts::ROLES_AVAILABLE, texts::ROLES_SELECTED, &choices, &chosen);
        }
        let choices: Vec<_> = roles.iter().map(pick).collect();
        html! {
            (picks(field, &choices, &chosen))
            p .hint { a href="/admin/roles" target="_blank" { (texts::WHAT_ROLES_DO) } }
        }
    }
}

fn pick(role: &Role) -> Pick {
    Pick { value: role.slug.clone(), label: role.name.clone(), note: role.slug.clone() }
}

/// The request that invites: what is empty is left to the API.
pub(super) fn invitation(form: &Form) -> Value {
    let fields = ["email", "name", "username", "account_expires_at", "language", "time_zone"];
    let given = fields.into_iter().filter_map(|name| Some((name.to_owned(), json!(form.given(name)?))));
    let mut body: Map<String, Value> = given.collect();
    body.entry("email").or_insert_with(|| json!(""));
    body.insert("roles".to_owned(), json!(form.all("roles").collect::<Vec<_>>()));
    Value::Object(body)
}

/// The request that makes what `before` was what the form says: only what differs, as some of it may be another's to change.
pub(super) fn change(before: &Form, form: &Form) -> Value {
    let mut body = Map::new();
    for name in ["username", "name", "email", "language", "time_zone"] {
        if before.text(name) != form.text(name) {
            body.insert(name.to_owned(), json!(form.text(name).trim()));
        }
    }
    if before.given("account_expires_at") != form.given("account_expires_at") {
        body.insert("account_expires_at".to_owned(), form.value("account_expires_at"));
    }
    let sorted = |form: &Form| {
        let mut roles: Vec<String> = form.all("roles").map(str::to_owned).collect();
        roles.sort();
        roles
    };
    if sorted(before) != sorted(form) {
        body.insert("roles".to_owned(), json!(form.all("roles").collect::<Vec<_>>()));
    }
    Value::Object(body)
}

/// The form that holds what a person is.
pub(super) fn filled(user: &User, viewer: &Viewer) -> Form {
    let mut form = Form::default();
    let end = user.account_expires_at.as_deref().map(|at| time::end_day_value(at, &viewer.home_zone));
    for (name, value) in [
        ("username", user.username.clone()),
        ("name", user.name.clone()),
        ("email", user.email.clone()),
        ("language", user.language.clone()),
        ("time_zone", user.time_zone.clone()),
        ("account_expires_at", end.unwrap_or_default()),
    ] {
        form.set(name, value);
    }
    for role in &user.roles {
        form.push("roles", role.clone());
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
    fn an_invitation_leaves_out_what_is_empty() {
        let sent = form("email=bob%40example.com&name=&roles=developer&roles=auditor&account_expires_at=2030-01-31");
        assert_eq!(
            invitation(&sent),
            json!({"email": "bob@example.com", "account_expires_at": "2030-01-31", "roles": ["developer", "auditor"]})
        );
    }

    #[test]
    fn a_change_says_only_what_differs_and_the_order_of_roles_is_no_difference() {
        let before = form("username=bob&name=Bob&account_expires_at=2030-01-31&roles=a&roles=b");
        let after = form("username=bob&name=Rob&account_expires_at=&roles=b&roles=a");
        assert_eq!(change(&before, &after), json!({"name": "Rob", "account_expires_at": null}));
        let fewer = form("username=bob&name=Bob&account_expires_at=2030-01-31&roles=b");
        assert_eq!(change(&before, &fewer), json!({"roles": ["b"]}));
    }
}
