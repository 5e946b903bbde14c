//! People, roles and organizations on the command line of the real binary, on both databases.

use std::path::Path;

use serde_json::Value;

use crate::harness::database::{Kind, TestDatabase};
use crate::harness::process::{Serving, command, run, text};

/// A command line on a running server.
struct Line<'d> {
    data: &'d Path,
}

impl Line<'_> {
    /// Runs a line with `input`; what it prints, with `--json`.
    fn json_with(&self, line: &[&str], input: &str) -> Value {
        let arguments: Vec<_> = line.iter().copied().chain(["--json"]).collect();
        let output = run(command(self.data, &arguments), input);
        assert!(output.status.success(), "{line:?}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }

    fn json(&self, line: &[&str]) -> Value {
        self.json_with(line, "")
    }

    /// Runs a line for people; what it prints.
    fn text(&self, line: &[&str]) -> String {
        let output = run(command(self.data, line), "");
        assert!(output.status.success(), "{line:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// The exit code of a line that is refused, which says why.
    fn refused(&self, line: &[&str], input: &str) -> Option<i32> {
        let output = run(command(self.data, line), input);
        assert!(!output.stderr.is_empty() && !output.status.success(), "{line:?}: {}", text(&output.stdout));
        output.status.code()
    }
}

async fn on(kind: Kind) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, database) = (folder.path().join("data"), TestDatabase::new(kind).await);
    let serving = Serving::start(&data, Some(&database.url)).await;
    let line = Line { data: &data };
    line.json(&["setup", "--organization", "Acme", "--email", "ada@example.com"]);
    roles(&line);
    users(&line);
    organizations(&line);
    serving.stop();
    assert_eq!(line.refused(&["user", "list"], ""), Some(3), "no server");
}

fn roles(line: &Line<'_>) {
    let create = ["role", "create", "--name", "Desk", "--authority", "users.manage", "--authority", "users.read"];
    let made = line.json(&create);
    assert_eq!(
        (&made["slug"], &made["authorities"]),
        (&"desk".into(), &serde_json::json!(["users.read", "users.manage"]))
    );
    assert_eq!(line.refused(&create, ""), Some(1), "the name is taken");
    assert_eq!(line.refused(&["role", "create", "--name", "X", "--authority", "no.such"], ""), Some(1));
    assert_eq!(line.refused(&["role", "create"], ""), Some(2), "no name");
    assert!(line.text(&["role", "list"]).contains("desk"));
    assert_eq!(line.json(&["role", "show", "desk"])["name"], "Desk");
    assert_eq!(line.json(&["role", "edit", "desk", "--name", "Front desk"])["name"], "Front desk");
    assert_eq!(line.refused(&["role", "edit", "admin", "--name", "Boss"], ""), Some(1), "predefined");
    assert_eq!(line.refused(&["role", "show", "nothing"], ""), Some(1));
}

fn users(line: &Line<'_>) {
    let made = line.json(&["user", "create", "--email", "bob@example.com", "--role", "desk"]);
    assert_eq!((&made["state"], &made["invitation"]["mailed"]), (&"invited".into(), &false.into()));
    let address_of = |made: &Value| made["link"].as_str().expect("a link").to_owned();
    let first = address_of(&made["invitation"]);
    let second = address_of(&line.json(&["user", "invite", "bob"]));
    assert!(line.text(&["user", "invitations"]).contains("bob@example.com"));
    assert_eq!(line.refused(&["user", "accept"], &first), Some(1), "a newer link took its place");
    assert_eq!(line.refused(&["user", "accept"], "https://example.com/other#x"), Some(2));
    assert_eq!(line.refused(&["user", "accept"], ""), Some(2));
    let came = line.json_with(&["user", "accept", "--name", "Bob B."], &second);
    assert_eq!((&came["email"], &came["organization_name"]), (&"bob@example.com".into(), &"Acme".into()));
    assert_eq!(line.refused(&["user", "accept"], &second), Some(1), "it was used");
    assert_eq!(line.json(&["user", "show", "bob"])["name"], "Bob B.");
    let ask = ["user", "ask-password", "--email", "bob@example.com"];
    assert_eq!(line.refused(&ask, ""), Some(1), "this installation sends no mail");
    let password = line.data.join("password");
    std::fs::write(&password, "tulip brisk canal forty").expect("written");
    let choose = ["user", "choose-password", "--password-file", password.to_str().expect("a path")];
    assert_eq!(line.refused(&choose, "0123456789abcdefghijklmnopqrstuv"), Some(1), "no such link");
    assert_eq!(line.refused(&choose, &second), Some(2), "a link to another page");
    assert_eq!(line.refused(&["role", "delete", "desk"], ""), Some(1), "somebody has it");
    assert_eq!(line.refused(&["user", "create", "--email", "BOB@Example.com"], ""), Some(1), "the address is taken");
    assert_eq!(line.refused(&["user", "create", "--email", "nobody"], ""), Some(1));
    assert_eq!(line.refused(&["user", "invite", "bob"], ""), Some(1), "he has come");
    for (verb, state) in [("disable", "disabled"), ("enable", "active"), ("lock", "locked"), ("unlock", "active")] {
        assert_eq!(line.json(&["user", verb, "bob"])["state"], state, "{verb}");
    }
    assert_eq!(line.json(&["user", "edit", "bob", "--role", "auditor"])["roles"], serde_json::json!(["auditor"]));
    assert_eq!(line.refused(&["user", "disable", "ada"], ""), Some(1), "the last Admin");
    assert!(
        line.text(&["user", "create", "--email", "eve@example.com"]).contains("/invitation#"),
        "shown to people too"
    );
    let id = line.json(&["user", "invitations"])["data"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(line.text(&["user", "revoke-invitation", &id]).trim(), "revoked");
    assert_eq!(line.refused(&["user", "revoke-invitation", &id], ""), Some(1));
    assert_eq!(line.text(&["user", "remove", "eve"]).trim(), "removed");
    assert_eq!(line.json(&["role", "delete", "desk"])["deleted"], "desk");
    assert!(line.text(&["user", "list"]).contains("bob@example.com"));
}

fn organizations(line: &Line<'_>) {
    assert_eq!(line.json(&["organization", "show"])["slug"], "acme");
    let edited = line.json(&["organization", "edit", "--time-zone", "Europe/Warsaw"]);
    assert_eq!(edited["time_zone"], "Europe/Warsaw");
    assert_eq!(line.refused(&["organization", "edit"], ""), Some(2), "nothing to change");
    let made = line.json(&["organization", "create", "--name", "Other", "--email", "dan@example.com"]);
    let id = made["organization"]["id"].as_str().expect("an id").to_owned();
    assert!(made.get("token").is_none(), "the operator gets no key");
    let again = line.json(&["organization", "invite", &id, "--email", "dan@example.com"]);
    let (first, second) = (&made["invitation"]["link"], &again["link"]);
    assert_eq!(
        line.refused(&["user", "accept"], first.as_str().expect("a link")),
        Some(1),
        "a newer one took its place"
    );
    let came = line.json_with(&["user", "accept"], second.as_str().expect("a link"));
    assert_eq!((&came["organization_name"], &came["email"]), (&"Other".into(), &"dan@example.com".into()));
    assert_eq!(
        line.refused(&["organization", "invite", &id, "--email", "dan@example.com"], ""),
        Some(1),
        "somebody has come"
    );
    assert_eq!(line.refused(&["organization", "create", "--name", "Other", "--email", "x@example.com"], ""), Some(1));
    assert_eq!(line.json(&["organization", "list"])["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(line.json(&["organization", "make-default", &id])["default"], true);
    assert_eq!(line.refused(&["organization", "show"], ""), Some(1), "the operator administers neither of two");
    assert_eq!(line.refused(&["user", "list"], ""), Some(1));
}

#[tokio::test]
async fn people_roles_and_organizations_on_sqlite() {
    on(Kind::Sqlite).await;
}

#[tokio::test]
async fn people_roles_and_organizations_on_postgres() {
    on(Kind::Postgres).await;
}
