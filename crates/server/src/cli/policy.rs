//! `claviger policy …`.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::client::{Body, Client};
use super::failure::Failure;
use super::output::{Output, cell};

/// The kinds of owners, as a policy names them.
const OWNERS: [&str; 3] = ["user", "application", "organization"];

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Show the organization's rules for its keys
    Show,
    /// Change them; what is not named stays
    Edit(Edit),
}

#[derive(Debug, Args)]
pub(super) struct Edit {
    /// How long keys may live: OWNER is user, application or organization; SPAN such as 1y, 6m, 90d or none; may be repeated
    #[arg(long, value_name = "OWNER=SPAN", value_parser = parse_lifetime)]
    max_lifetime: Vec<(String, Value)>,
    /// After how many days without use a key is out of service; 0 = never
    #[arg(long, value_name = "N")]
    idle_days: Option<u32>,
    /// Whether every key needs a list of addresses
    #[arg(long, value_name = "true|false")]
    ip_list_required: Option<bool>,
    /// What becomes of the secrets of new keys, such as organization=recoverable or application=once; may be repeated
    #[arg(long, value_name = "OWNER=MODE", value_parser = parse_reveal)]
    reveal: Vec<(String, Value)>,
    /// How many living keys one owner may have, such as user=20 or organization=none; may be repeated
    #[arg(long, value_name = "OWNER=N", value_parser = parse_count)]
    max_keys: Vec<(String, Value)>,
    /// Among which living keys a name is one key's alone: those of its owner, or all of the organization
    #[arg(long, value_name = "owner|organization")]
    unique_names: Option<String>,
    /// How gateway doors answer
    #[arg(long, value_name = "default|gotransverse")]
    status_profile: Option<String>,
    /// What becomes of a key of which a secret is used that was rotated out
    #[arg(long, value_name = "alert|disable")]
    old_secret_use: Option<String>,
    /// Whether who manages keys may make, change and rotate those of other people
    #[arg(long, value_name = "true|false")]
    delegated_creation: Option<bool>,
    /// A set, by slug or id, whose keys a second person has to approve; may be repeated, none for no set at all
    #[arg(long, value_name = "SET|none")]
    approval: Vec<String>,
    /// Say what would become of the keys that are there, and change nothing
    #[arg(long)]
    dry_run: bool,
}

// === impl PolicyCommand ===

impl PolicyCommand {
    pub(super) async fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        match self {
            Self::Show => show(&client.get(&["policy"], &[]).await?, output),
            Self::Edit(edit) => edit.run(client, output).await,
        }
    }
}

/// A line for each rule.
fn show(policy: &Value, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(policy);
    }
    let mut table = output.table(&[]);
    for owner in OWNERS {
        table.row([format!("max_lifetime {owner}"), lifetime(&policy["max_lifetime"][owner])]);
    }
    for rule in ["idle_days", "ip_list_required"] {
        table.row([rule.to_owned(), cell(&policy[rule])]);
    }
    for owner in ["application", "organization"] {
        table.row([format!("reveal {owner}"), cell(&policy["reveal"][owner])]);
    }
    for owner in OWNERS {
        table.row([format!("max_keys {owner}"), cell(&policy["max_keys"][owner])]);
    }
    for rule in ["unique_names", "status_profile", "old_secret_use", "delegated_creation"] {
        table.row([rule.to_owned(), cell(&policy[rule])]);
    }
    let sets: Vec<_> = policy["approval"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    table.row(["approval".to_owned(), if sets.is_empty() { cell(&Value::Null) } else { sets.join(", ") }]);
    output.text(table)
}

/// `{"years": 1}` as `1 year`.
fn lifetime(value: &Value) -> String {
    let unit = value.as_object().and_then(|members| members.iter().next());
    let Some((unit, count)) = unit else { return cell(&Value::Null) };
    let unit = if *count == json!(1) { unit.trim_end_matches('s') } else { unit };
    format!("{count} {unit}")
}

// === impl Edit ===

impl Edit {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let query: &[(&str, String)] = if self.dry_run { &[("dry_run", "true".to_owned())] } else { &[] };
        let answer = client.send(Method::PATCH, &["policy"], query, Body::Json(&self.body()?)).await?;
        if !self.dry_run || output.is_json() {
            return show(&answer, output);
        }
        let affected = &answer["affected"];
        let mut table = output.table(&["ID", "ENDS AT", "REASON"]);
        for key in affected["first"].as_array().into_iter().flatten() {
            table.row(["id", "ends_at", "reason"].map(|field| cell(&key[field])));
        }
        let (shown, keys) = (table.len(), cell(&affected["keys"]));
        if shown > 0 {
            output.text(table)?;
        }
        eprintln!("{keys} keys would go out of service sooner; the first {shown} of them are shown.");
        let lacking = &affected["without_ip_list"]["keys"];
        if *lacking != json!(0) {
            eprintln!("{} keys have no list of addresses; they stay in service.", cell(lacking));
        }
        for line in consequences(affected) {
            eprintln!("{line}");
        }
        Ok(())
    }

    fn body(&self) -> Result<Value, Failure> {
        let mut body = Map::new();
        for (name, values) in
            [("max_lifetime", &self.max_lifetime), ("reveal", &self.reveal), ("max_keys", &self.max_keys)]
        {
            if !values.is_empty() {
                body.insert(name.to_owned(), Value::Object(values.iter().cloned().collect()));
            }
        }
        if let Some(days) = self.idle_days {
            body.insert("idle_days".to_owned(), json!(days));
        }
        if let Some(required) = self.ip_list_required {
            body.insert("ip_list_required".to_owned(), json!(required));
        }
        if let Some(among) = &self.unique_names {
            body.insert("unique_names".to_owned(), json!(among));
        }
        if let Some(mode) = &self.old_secret_use {
            body.insert("old_secret_use".to_owned(), json!(mode));
        }
        if let Some(profile) = &self.status_profile {
            body.insert("status_profile".to_owned(), json!(profile));
        }
        if let Some(delegated) = self.delegated_creation {
            body.insert("delegated_creation".to_owned(), json!(delegated));
        }
        if !self.approval.is_empty() {
            let named = self.approval.iter().filter(|set| *set != "none");
            body.insert("approval".to_owned(), named.map(String::as_str).collect());
        }
        if body.is_empty() {
            return Err(Failure::usage("nothing to change: `claviger policy edit --help` lists the rules"));
        }
        Ok(Value::Object(body))
    }
}

/// What a change does beside taking keys out of service, a line each.
fn consequences(affected: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let copies = &affected["copies_destroyed"];
    if *copies != json!(0) {
        lines.push(format!(
            "{} sealed copies of secrets would be destroyed for good; these keys could not be shown again.",
            cell(copies)
        ));
    }
    let above = &affected["above_max_keys"];
    if above["owners"] != json!(0) {
        lines.push(format!(
            "{} owners have more keys than that; they keep them and get no new ones:",
            cell(&above["owners"])
        ));
    }
    for owner in above["first"].as_array().into_iter().flatten() {
        let [kind, id, keys, more] = ["type", "id", "keys", "above"].map(|field| cell(&owner[field]));
        lines.push(format!("  {kind} {id}: {keys} keys, {more} too many"));
    }
    let namesakes = &affected["namesakes"]["keys"];
    if *namesakes != json!(0) {
        lines.push(format!("{} keys have a name with others in common; they keep it.", cell(namesakes)));
    }
    lines
}

/// `organization=1y`.
fn parse_lifetime(text: &str) -> Result<(String, Value), String> {
    let (owner, span) = of_owner(text, &OWNERS)?;
    let expected = || "expected a span such as 1y, 6m, 90d or none".to_owned();
    if span == "none" {
        return Ok((owner, Value::Null));
    }
    let (at, unit) = span.char_indices().next_back().ok_or_else(expected)?;
    let unit = match unit {
        'y' => "years",
        'm' => "months",
        'd' => "days",
        _ => return Err(expected()),
    };
    let count: u32 = span[..at].parse().map_err(|_| expected())?;
    Ok((owner, json!({unit: count})))
}

/// `organization=100`.
fn parse_count(text: &str) -> Result<(String, Value), String> {
    let (owner, count) = of_owner(text, &OWNERS)?;
    if count == "none" {
        return Ok((owner, Value::Null));
    }
    let count: u32 = count.parse().map_err(|_| "expected a number of keys or none".to_owned())?;
    Ok((owner, json!(count)))
}

/// `organization=recoverable`.
fn parse_reveal(text: &str) -> Result<(String, Value), String> {
    let (owner, mode) = of_owner(text, &["application", "organization"])?;
    Ok((owner, json!(mode)))
}

fn of_owner<'t>(text: &'t str, owners: &[&str]) -> Result<(String, &'t str), String> {
    let found = text.split_once('=').filter(|(owner, _)| owners.contains(owner));
    let (owner, value) = found.ok_or_else(|| format!("expected OWNER=…, OWNER being one of {}", owners.join(", ")))?;
    Ok((owner.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        policy: PolicyCommand,
    }

    fn parse(line: &str) -> Result<PolicyCommand, clap::Error> {
        Line::try_parse_from(std::iter::once("policy").chain(line.split(' '))).map(|line| line.policy)
    }

    fn body(line: &str) -> Result<Value, Failure> {
        match parse(line).expect(line) {
            PolicyCommand::Edit(edit) => edit.body(),
            PolicyCommand::Show => panic!("an edit"),
        }
    }

    #[test]
    fn an_edit_sends_what_was_given_and_nothing_else() {
        let line = "edit --max-lifetime organization=1y --max-lifetime user=none --max-lifetime application=18m \
                    --idle-days 0 --ip-list-required true --reveal application=recoverable --max-keys user=20 \
                    --max-keys organization=none --unique-names organization --status-profile gotransverse --old-secret-use disable \
                    --delegated-creation true --approval refunds --approval full-access";
        let expected = json!({
            "max_lifetime": {"organization": {"years": 1}, "user": null, "application": {"months": 18}},
            "reveal": {"application": "recoverable"},
            "max_keys": {"user": 20, "organization": null},
            "idle_days": 0,
            "ip_list_required": true,
            "unique_names": "organization",
            "status_profile": "gotransverse",
            "old_secret_use": "disable",
            "delegated_creation": true,
            "approval": ["refunds", "full-access"],
        });
        assert_eq!(body("edit --approval none").expect("a change"), json!({"approval": []}));
        assert_eq!(body(line).expect("a change"), expected);
        assert_eq!(body("edit --dry-run").expect_err("nothing").code, 2);
    }

    #[test]
    fn what_cannot_be_undone_and_who_has_too_many_is_told() {
        let none = json!({"keys": 0, "first": []});
        let nothing = json!({"copies_destroyed": 0, "above_max_keys": {"owners": 0, "first": []}, "namesakes": none});
        assert!(consequences(&nothing).is_empty());
        let owner = json!({"type": "user", "id": "usr_1", "keys": 7, "above": 2});
        let above = json!({"owners": 1, "first": [owner]});
        let told = consequences(&json!({"copies_destroyed": 3, "above_max_keys": above, "namesakes": {"keys": 4}}));
        assert!(told[0].starts_with("3 sealed copies"), "{told:?}");
        assert_eq!((told.len(), &*told[2]), (4, "  user usr_1: 7 keys, 2 too many"), "{told:?}");
        assert!(told[3].starts_with("4 keys have a name"), "{told:?}");
    }

    #[test]
    fn what_is_no_rule_is_refused_before_anything_is_sent() {
        for line in [
            "edit --max-lifetime 1y",
            "edit --max-lifetime organization=",
            "edit --max-lifetime organization=y",
            "edit --max-lifetime organization=1w",
            "edit --max-lifetime organization=1ö",
            "edit --max-lifetime robot=1y",
            "edit --max-lifetime organization=99999999999y",
            "edit --reveal user=once",
            "edit --max-keys organization=many",
            "edit --idle-days -1",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_lifetime_is_shown_with_its_unit() {
        assert_eq!(lifetime(&json!({"days": 90})), "90 days");
        assert_eq!(lifetime(&json!({"years": 1})), "1 year");
        assert_eq!(lifetime(&Value::Null), "–");
    }
}
