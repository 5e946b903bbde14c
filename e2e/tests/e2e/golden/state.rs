//! The state of a file, made through the management API.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_domain::Secret;
use claviger_domain::credential::{Environment, KeyPrefix, generate_key};
use claviger_domain::signature::Signer;
use claviger_domain::testing::FixedRandom;
use serde_json::{Map, Value, json};

use super::people::{change_owners, change_people, make_api_users, make_owners, make_people};
use super::{list, text};
use crate::harness::world::World;

/// What the state's making answered.
pub(super) struct State {
    secrets: BTreeMap<String, String>,
    pub(super) old_secrets: BTreeMap<String, String>,
    /// Of pairs.
    identifiers: BTreeMap<String, String>,
    pub(super) door_tokens: BTreeMap<String, String>,
    /// Records of keys.
    pub(super) keys: BTreeMap<String, Value>,
    /// Of sessions, and static ones of API users.
    pub(super) tokens: BTreeMap<String, String>,
    /// Of API users, by id.
    pub(super) user_names: BTreeMap<String, String>,
    /// Nicks of keys that the API refuses to make: their end is before their beginning. The engine runs their cases.
    impossible: Vec<String>,
    /// Whether keys of some API stand elsewhere than they usually do.
    pub(super) has_sources: bool,
}

// === impl State ===

impl State {
    pub(super) async fn make(world: &World, state: &Value) -> Self {
        let unknown = generate_key(&KeyPrefix::default(), Environment::Live, &FixedRandom::new(404));
        let mut made = Self {
            secrets: BTreeMap::from([("unknown".to_owned(), unknown.expose().to_owned())]),
            old_secrets: BTreeMap::new(),
            identifiers: BTreeMap::new(),
            door_tokens: BTreeMap::new(),
            keys: BTreeMap::new(),
            tokens: BTreeMap::new(),
            user_names: BTreeMap::new(),
            impossible: Vec::new(),
            has_sources: state.to_string().contains("credential_sources"),
        };
        let mut tokens = Vec::new();
        for (number, organization) in list(&state["organizations"]).iter().enumerate() {
            let slug = text(&organization["slug"]);
            let token = if number == 0 { world.token.clone() } else { world.second_organization(slug).await };
            let call = async |method: &str, path: &str, body: &Value| call(world, &token, method, path, body).await;
            match &organization["default_api"] {
                Value::Null => {}
                Value::String(_) => drop(call("DELETE", "/apis/default", &Value::Null).await),
                narrowed => drop(call("PATCH", "/apis/default", narrowed).await),
            }
            for api in list(&organization["apis"]) {
                // One is older than the other: ids and times go by the clock.
                world.clock.advance(Duration::from_millis(1));
                let slug = text(&api["slug"]);
                call("POST", &format!("/apis/import?slug={slug}&name={slug}"), &document(api)).await;
                let mut edit = Map::new();
                for field in API_FIELDS {
                    edit.insert(field.into(), api[field].clone());
                }
                // What an import finds out by itself about versions gives way to what the state says.
                edit.insert("operations".into(), list(&api["operations"]).iter().map(operation_input).collect());
                edit.retain(|field, value| field == "version_pattern" || !value.is_null());
                edit.entry("versions").or_insert_with(|| json!([]));
                call("PATCH", &format!("/apis/{slug}"), &Value::Object(edit)).await;
            }
            for (api, operations) in organization["general"].as_object().into_iter().flatten() {
                call("PATCH", &format!("/api-sets/{api}-general"), &json!({ "operations": operations })).await;
            }
            tokens.push((token, organization));
        }
        let named = Named::share(world, &tokens).await;
        for (token, organization) in &tokens {
            for set in list(&organization["api_sets"]) {
                call(world, token, "POST", "/api-sets", &named.filled_in(world, set).await).await;
            }
        }
        // Keys last, at the state's very instant: what begins or ends goes by it.
        world.advance_to(text(&state["now"]));
        for (token, organization) in tokens {
            make_owners(world, &token, organization).await;
            let users = make_people(world, &token, organization).await;
            for key in list(&organization["keys"]) {
                let mut key = named.filled_in(world, key).await;
                if key["owner"]["type"] == "user" {
                    key["owner"]["id"] = json!(users[text(&key["owner"]["id"])]);
                }
                made.make_key(world, &token, &key).await;
            }
            make_api_users(world, &token, organization, &mut made).await;
            change_owners(world, &token, organization).await;
            change_people(world, &token, organization).await;
            if !organization["allowed_ips"].is_null() {
                let list = json!({ "allowed_ips": organization["allowed_ips"] });
                call(world, &token, "PATCH", "/organization", &list).await;
            }
            let door = json!({ "name": "golden door token", "api_sets": ["claviger-verify"] });
            let door = call(world, &token, "POST", "/keys", &door).await;
            made.door_tokens.insert(text(&organization["slug"]).to_owned(), text(&door["secret"]).to_owned());
            if !organization["policy"].is_null() {
                call(world, &token, "PATCH", "/policy", &organization["policy"]).await;
            }
        }
        made
    }

    async fn make_key(&mut self, world: &World, token: &str, key: &Value) {
        let call = async |method: &str, path: &str, body: &Value| call(world, token, method, path, body).await;
        let nick = text(&key["nick"]).to_owned();
        if let (Some(begin), Some(end)) = (key["not_before"].as_str(), key["expires_at"].as_str())
            && end < begin
        {
            self.impossible.push(nick);
            return;
        }
        let mut body = key.as_object().expect("an object").clone();
        body.retain(|field, _| !["nick", "awaits_approval", "deleted", "rotation"].contains(&field.as_str()));
        body.insert("name".into(), nick.clone().into());
        if !body.contains_key("api_sets") && !body.contains_key("operations") {
            body.insert("api_sets".into(), json!([]));
        }
        // A disabled key cannot be rotated: it is disabled last.
        let disabled = key["rotation"].is_object().then(|| body.remove("disabled")).flatten();
        let waits = key["awaits_approval"] == true;
        if waits {
            call("PATCH", "/policy", &json!({ "approval": key["api_sets"] })).await;
        }
        let created = call("POST", "/keys", &Value::Object(body)).await;
        if waits {
            call("PATCH", "/policy", &json!({ "approval": [] })).await;
        }
        let id = text(&created["key"]["id"]).to_owned();
        self.keys.insert(nick.clone(), created["key"].clone());
        let mut secret = value_of(&created);
        if let Some(value) = key["import"]["value"].as_str() {
            value.clone_into(&mut secret);
        }
        if let Some(identifier) = created["identifier"].as_str() {
            self.identifiers.insert(nick.clone(), identifier.to_owned());
        }
        let rotation = &key["rotation"];
        if rotation.is_object() {
            let overlap = json!({ "overlap_seconds": rotation["overlap_seconds"] });
            let rotated = call("POST", &format!("/keys/{id}/rotate"), &overlap).await;
            self.old_secrets.insert(nick.clone(), std::mem::replace(&mut secret, value_of(&rotated)));
            if rotation["ended"] == true {
                call("POST", &format!("/keys/{id}/end-overlap"), &json!({})).await;
            }
        }
        if disabled == Some(json!(true)) {
            call("POST", &format!("/keys/{id}/disable"), &json!({})).await;
        }
        if key["deleted"] == true {
            call("DELETE", &format!("/keys/{id}"), &Value::Null).await;
        }
        self.secrets.insert(nick, secret);
    }

    pub(super) fn needs_impossible_key(&self, case: &Value) -> bool {
        let credentials = case["request"]["credentials"].to_string();
        self.impossible.iter().any(|nick| credentials.contains(&format!(":{nick}}}}}")))
    }

    /// The user name of the API user of this id.
    pub(super) fn user_name(&self, id: &Value) -> Value {
        id.as_str().map_or(Value::Null, |id| json!(self.user_names[id]))
    }

    /// Puts real secrets in the place of `{{key:nick}}` and its like.
    pub(super) fn fill_in(&self, value: &str) -> String {
        let Some((before, rest)) = value.split_once("{{") else { return value.to_owned() };
        let (mark, after) = rest.split_once("}}").expect("a placeholder ends with }}");
        let (kind, nick) = mark.split_once(':').expect("{{kind:nick}}");
        let filled = match kind {
            "key" => self.secrets[nick].clone(),
            "id" => self.identifiers[nick].clone(),
            "idupper" => format!("ci_{}", self.identifiers[nick][3..].to_uppercase()),
            "old" => self.old_secrets[nick].clone(),
            "token" => self.tokens[nick].clone(),
            "upper" => self.secrets[nick].to_uppercase(),
            "bad" => {
                let secret = &self.secrets[nick];
                let last = if secret.ends_with('0') { '1' } else { '0' };
                format!("{}{last}", &secret[..secret.len() - 1])
            }
            "signature" => signed(nick, &self.secrets),
            "old_signature" => signed(nick, &self.old_secrets),
            "sha256" => sha256_hex(&self.secrets[nick]),
            _ => panic!("unknown placeholder {kind}"),
        };
        format!("{before}{filled}{}", self.fill_in(after))
    }
}

/// The signature of `nick/body`.
fn signed(what: &str, secrets: &BTreeMap<String, String>) -> String {
    let (nick, body) = what.split_once('/').expect("nick/body");
    STANDARD.encode(Signer::new(&Secret::new(secrets[nick].clone())).sign(body.as_bytes()))
}

/// The secret that an answer shows, or the password of a pair.
fn value_of(answer: &Value) -> String {
    answer["secret"].as_str().or(answer["password"].as_str()).unwrap_or_default().to_owned()
}

/// What an import does not say of an API.
const API_FIELDS: [&str; 9] = [
    "hosts",
    "base_paths",
    "unlisted_paths",
    "version_pattern",
    "versions",
    "shared_full_access",
    "report_only",
    "credential_sources",
    "preflight_without_key",
];

/// Organizations by slug, each with its token: what one names of another, `<organization>/<slug>`, goes by id.
struct Named {
    organizations: BTreeMap<String, (String, String)>,
}

// === impl Named ===

impl Named {
    /// Shares the APIs that say so.
    async fn share(world: &World, tokens: &[(String, &Value)]) -> Self {
        let mut organizations = BTreeMap::new();
        for (token, organization) in tokens {
            let id = call(world, token, "GET", "/organization", &Value::Null).await["id"].clone();
            organizations.insert(text(&organization["slug"]).to_owned(), (text(&id).to_owned(), token.clone()));
        }
        for (token, organization) in tokens {
            for api in list(&organization["apis"]).iter().filter(|api| !api["shared_with"].is_null()) {
                let ids = || list(&api["shared_with"]).iter().map(|slug| organizations[text(slug)].0.clone());
                let with = if api["shared_with"] == "all" { json!("all") } else { json!(ids().collect::<Vec<_>>()) };
                let path = format!("/apis/{}", text(&api["slug"]));
                call(world, token, "PATCH", &path, &json!({ "shared_with": with })).await;
            }
        }
        Self { organizations }
    }

    /// A body with ids in the place of other organizations' slugs.
    async fn filled_in(&self, world: &World, body: &Value) -> Value {
        let mut filled = body.clone();
        for (field, noun) in [("api_sets", "api-sets"), ("apis", "apis"), ("operations", "apis")] {
            for item in filled.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten() {
                *item = self.id(world, noun, text(item)).await.into();
            }
        }
        filled
    }

    async fn id(&self, world: &World, noun: &str, name: &str) -> String {
        let (sign, rest) = name.strip_prefix('!').map_or(("", name), |rest| ("!", rest));
        let (thing, pattern) = rest.split_once(':').map_or((rest, String::new()), |(api, it)| (api, format!(":{it}")));
        let Some((organization, slug)) = thing.split_once('/') else { return name.to_owned() };
        let path = format!("/{noun}/{slug}");
        let found = call(world, &self.organizations[organization].1, "GET", &path, &Value::Null);
        format!("{sign}{}{pattern}", text(&found.await["id"]))
    }
}

/// A call that must succeed; its answer.
pub(super) async fn call(world: &World, token: &str, method: &str, path: &str, body: &Value) -> Value {
    let answer = world.api_as(token, method, path, (!body.is_null()).then_some(body)).await;
    assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.text());
    if answer.body.is_empty() { Value::Null } else { answer.json() }
}

/// An operation as `PATCH /apis/{api}` takes it.
fn operation_input(operation: &Value) -> Value {
    let mut input = operation.clone();
    if let Some(fields) = input.as_object_mut() {
        let template = fields.remove("template");
        fields.insert("path".into(), template.unwrap_or_default());
    }
    input
}

/// An OpenAPI document with the operations of `api` in their order.
fn document(api: &Value) -> Value {
    let mut paths = Map::new();
    for operation in list(&api["operations"]) {
        let multi_segment = list(&operation["multi_segment"]);
        let parameters: Vec<_> = multi_segment
            .iter()
            .map(|name| json!({ "name": name, "in": "path", "required": true, "x-multi-segment": true, "schema": { "type": "string" } }))
            .collect();
        let item = paths.entry(text(&operation["template"])).or_insert_with(|| json!({}));
        item[text(&operation["method"]).to_lowercase()] =
            json!({ "operationId": operation["name"], "parameters": parameters, "responses": {} });
    }
    json!({ "openapi": "3.0.3", "info": { "title": api["name"], "version": "1" }, "paths": paths })
}

fn sha256_hex(value: &str) -> String {
    use sha2::{Digest as _, Sha256};
    use std::fmt::Write as _;
    Sha256::digest(value).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all");
        text
    })
}
