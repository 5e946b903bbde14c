//! The golden verdicts (`e2e/golden/*.json`) through every HTTP door of the real server; the state is made through
//! the management API. The format stands in `e2e/golden/README.md`.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_domain::credential::{Environment, KeyPrefix, generate_key};
use claviger_domain::testing::FixedRandom;
use serde_json::{Map, Value, json};

use crate::harness::on_both_databases;
use crate::harness::raw_http::{Request, Response};
use crate::harness::world::World;

/// So many cases of the first file must be expressible at each door.
const CASES_MIN: usize = 150;

// One test a file: each has a state, and so a server, of its own.
on_both_databases! {
    async fn golden_verdicts_at_every_door(world: &World) {
        let asked = judge(world, include_str!("../../golden/verdicts.json")).await;
        assert!(asked.iter().all(|&count| count >= CASES_MIN), "asked at each door: {asked:?}");
    }

    async fn golden_terms_at_every_door(world: &World) {
        let asked = judge(world, include_str!("../../golden/terms.json")).await;
        assert!(asked.iter().all(|&count| count >= 30), "asked at each door: {asked:?}");
    }

    async fn golden_sharing_at_every_door(world: &World) {
        let asked = judge(world, include_str!("../../golden/sharing.json")).await;
        assert!(asked.iter().all(|&count| count >= 60), "asked at each door: {asked:?}");
    }

    async fn golden_answers_at_every_door(world: &World) {
        let asked = judge(world, include_str!("../../golden/answers.json")).await;
        assert!(asked[1..].iter().all(|&count| count >= 40), "asked at each door: {asked:?}");
    }

    async fn golden_owners_at_every_door(world: &World) {
        let asked = judge(world, include_str!("../../golden/owners.json")).await;
        assert!(asked.iter().all(|&count| count >= 80), "asked at each door: {asked:?}");
    }

    async fn golden_people_at_every_door(world: &World) {
        let asked = judge(world, include_str!("../../golden/people.json")).await;
        assert!(asked.iter().all(|&count| count >= 30), "asked at each door: {asked:?}");
    }

    async fn golden_versions_at_every_door(world: &World) {
        let asked = judge(world, include_str!("../../golden/versions.json")).await;
        assert!(asked.iter().all(|&count| count >= 80), "asked at each door: {asked:?}");
    }
}

/// Makes the state of a file and asks every case at each door that can express it; how many each door was asked.
async fn judge(world: &World, corpus: &str) -> [usize; 3] {
    let golden = Golden::make(world, corpus).await;
    golden.ask(world).await
}

/// A file of verdicts whose state was made.
pub struct Golden {
    corpus: Value,
    state: State,
}

// === impl Golden ===

impl Golden {
    pub async fn make(world: &World, corpus: &str) -> Self {
        let corpus: Value = serde_json::from_str(corpus).expect("JSON");
        let state = State::make(world, &corpus["state"]).await;
        Self { corpus, state }
    }

    /// Asks every case at each door that can express it; how many each door was asked.
    pub async fn ask(&self, world: &World) -> [usize; 3] {
        let Self { corpus, state } = self;
        let (mut wrong, mut asked) = (Vec::new(), [0; 3]);
        for case in list(&corpus["cases"]).iter().filter(|case| !state.needs_impossible_key(case)) {
            world.advance_to(text(&case["now"]));
            for (door, count) in [verify, authorize, nginx].iter().zip(&mut asked) {
                let question = Question { state, case };
                if let Some(request) = door(&question) {
                    *count += 1;
                    let answer = request.send(world.doors).await;
                    if let Err(difference) = question.compare(&answer) {
                        wrong.push(format!("{}: {difference}", text(&case["name"])));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
        asked
    }
}

/// What the state's making answered.
struct State {
    secrets: BTreeMap<String, String>,
    old_secrets: BTreeMap<String, String>,
    /// Of pairs.
    identifiers: BTreeMap<String, String>,
    door_tokens: BTreeMap<String, String>,
    /// Nicks of keys that the API refuses to make: their end is before their beginning. The engine runs their cases.
    impossible: Vec<String>,
}

/// A case and what fills its placeholders.
struct Question<'a> {
    state: &'a State,
    case: &'a Value,
}

/// How a case is asked at one door; `None` where the door cannot express it.
type Door = fn(&Question<'_>) -> Option<Request>;

const _: [Door; 3] = [verify, authorize, nginx];

fn verify(question: &Question<'_>) -> Option<Request> {
    let asked = &question.case["request"];
    let mut body = Map::new();
    for (name, value) in question.credentials() {
        let value = String::from_utf8(value).ok()?;
        if !["credential", "x_api_key", "authorization"].contains(&name) {
            return None;
        }
        if body.insert(name.into(), value.into()).is_some() {
            return None;
        }
    }
    // A question without any credential field is no question there (400).
    if !list(&asked["method_overrides"]).is_empty() || body.is_empty() || asked["preflight"] == true {
        return None;
    }
    for name in ["client_ip", "method", "path", "host", "api", "requires"] {
        if !asked[name].is_null() {
            body.insert(name.into(), asked[name].clone());
        }
    }
    Some(question.with_token(Request::post("/v1/verify", &Value::Object(body))))
}

fn authorize(question: &Question<'_>) -> Option<Request> {
    question.gateway("", ["X-Forwarded-Method", "X-Forwarded-Uri", "X-Forwarded-Host", "X-Forwarded-For"])
}

fn nginx(question: &Question<'_>) -> Option<Request> {
    question.gateway("/nginx", ["X-Original-Method", "X-Original-URI", "X-Original-Host", "X-Real-IP"])
}

// === impl Question ===

impl Question<'_> {
    /// JSON field and value of each credential.
    fn credentials(&self) -> Vec<(&str, Vec<u8>)> {
        list(&self.case["request"]["credentials"])
            .iter()
            .map(|credential| {
                let value = || self.state.fill_in(text(&credential["value"]));
                match text(&credential["in"]) {
                    "credential" => ("credential", value().into_bytes()),
                    "x_api_key" => ("x_api_key", value().into_bytes()),
                    "authorization" => ("authorization", value().into_bytes()),
                    "header" => (text(&credential["name"]), value().into_bytes()),
                    "basic" => {
                        let (user, password) = (text(&credential["user"]), text(&credential["password"]));
                        let plain = format!("{}:{}", self.state.fill_in(user), self.state.fill_in(password));
                        ("authorization", format!("Basic {}", STANDARD.encode(plain)).into_bytes())
                    }
                    other => panic!("unknown place of a credential: {other}"),
                }
            })
            .collect()
    }

    fn gateway(&self, suffix: &str, headers: [&str; 4]) -> Option<Request> {
        let asked = &self.case["request"];
        if !list(&asked["requires"]).is_empty() {
            return None;
        }
        let pin = asked["api"].as_str().map(|api| format!("/api/{api}")).unwrap_or_default();
        let mut request = Request::get(&format!("/v1/authorize{pin}{suffix}"));
        for (header, field) in headers.iter().zip(["method", "path", "host", "client_ip"]) {
            let value = self.state.fill_in(asked[field].as_str()?);
            // What no gateway could put into a header.
            if value.is_empty() || value.bytes().any(|byte| byte < b' ' || byte == 0x7f) || value.trim() != value {
                return None;
            }
            request = request.header(header, &value);
        }
        for (name, value) in self.credentials() {
            let header = match name {
                "x_api_key" => "X-Api-Key",
                "authorization" => "Authorization",
                "credential" => return None,
                own => own,
            };
            if value.iter().any(|byte| *byte < b' ' || *byte == 0x7f) {
                return None;
            }
            request = request.header_bytes(header, &value);
        }
        if asked["preflight"] == true {
            request =
                request.header("Origin", "https://app.example.com").header("Access-Control-Request-Method", "PUT");
        }
        for value in list(&asked["method_overrides"]) {
            request = request.header("X-HTTP-Method-Override", text(value));
        }
        Some(self.with_token(request))
    }

    fn with_token(&self, request: Request) -> Request {
        let provider = self.case["request"]["provider"].as_str().unwrap_or("acme");
        // Of one organization the doors need no token, and one would end with its other keys.
        if self.state.door_tokens.len() == 1 {
            return request;
        }
        request.header("X-Claviger-Door", &self.state.door_tokens[provider])
    }

    fn compare(&self, answer: &Response) -> Result<(), String> {
        let expected = &self.case["verdict"];
        let got = if answer.header("x-auth-key-id").is_some() || answer.status != 200 {
            self.at_a_gateway(answer)?
        } else {
            self.at_verify(&answer.json())
        };
        let mut wanted = json!({ "code": expected["code"] });
        for field in got.as_object().into_iter().flat_map(Map::keys) {
            wanted[field] = match (field.as_str(), &expected[field]) {
                ("operation_checked", Value::Null) => json!(true),
                ("old_secret", Value::Null) => json!(false),
                (_, value) => value.clone(),
            };
        }
        if got == wanted { Ok(()) } else { Err(format!("expected {wanted}, got {got}")) }
    }

    fn at_verify(&self, answer: &Value) -> Value {
        let mut got = json!({
            "code": answer["code"],
            "key": answer["key"]["name"],
            "api": answer["api"],
            "operation": answer["operation"],
            "version": answer["api_version"],
            "would_be": answer["would_be"],
        });
        // The hint of a pair is its identifier's, whichever password was used.
        let hint = answer["key"]["hint"].as_str().filter(|hint| !hint.starts_with("ci_"));
        if let (Some(nick), Some(hint)) = (answer["key"]["name"].as_str(), hint) {
            let old = self.state.old_secrets.get(nick);
            got["old_secret"] = json!(old.is_some_and(|old| hint.ends_with(&old[old.len() - 4..])));
        }
        if ["VALID", "OPERATION_NOT_ALLOWED"].iter().any(|code| answer["code"] == *code) {
            got["operation_checked"] = answer["operation_checked"].as_bool().unwrap_or(true).into();
        }
        got
    }

    fn at_a_gateway(&self, answer: &Response) -> Result<Value, String> {
        let status = answer.header("x-auth-status").map_or(answer.status, |status| status.parse().unwrap_or(0));
        if json!(status) != self.case["verdict"]["http"] {
            return Err(format!("status {status}: {}", answer.text()));
        }
        if answer.header("x-auth-status").is_some() && answer.status != 403 && answer.status != status {
            return Err(format!("nginx understands 401 and 403 alone, not {}", answer.status));
        }
        if status != 200 {
            let mut got = json!({ "code": answer.json()["code"] });
            if !self.case["verdict"]["detail"].is_null() {
                got["detail"] = answer.json()["detail"].clone();
                let beside = answer.header("x-auth-detail");
                assert!(beside.is_none_or(|beside| got["detail"] == beside), "nginx gets the same sentence");
            }
            if !self.case["verdict"]["challenges"].is_null() {
                got["challenges"] = answer.header("www-authenticate").into();
            }
            return Ok(got);
        }
        let header = |name: &str| match answer.header(name) {
            Some(value) if !value.is_empty() => json!(value.replace("%2F", "/")),
            _ => Value::Null,
        };
        let mut got = json!({
            "code": "VALID",
            "key": header("x-auth-key-name"),
            "api": header("x-auth-api"),
            "operation": header("x-auth-operation"),
        });
        for (field, name) in [("stripped", "x-auth-credential"), ("api_sets", "x-auth-api-sets")] {
            if !self.case["verdict"][field].is_null() {
                got[field] = answer.header(name).into();
            }
        }
        Ok(got)
    }
}

// === impl State ===

impl State {
    async fn make(world: &World, state: &Value) -> Self {
        let unknown = generate_key(&KeyPrefix::default(), Environment::Live, &FixedRandom::new(404));
        let mut made = Self {
            secrets: BTreeMap::from([("unknown".to_owned(), unknown.expose().to_owned())]),
            old_secrets: BTreeMap::new(),
            identifiers: BTreeMap::new(),
            door_tokens: BTreeMap::new(),
            impossible: Vec::new(),
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
        body.retain(|field, _| !["nick", "deleted", "rotation"].contains(&field.as_str()));
        body.insert("name".into(), nick.clone().into());
        if !body.contains_key("api_sets") && !body.contains_key("operations") {
            body.insert("api_sets".into(), json!([]));
        }
        // A disabled key cannot be rotated: it is disabled last.
        let disabled = key["rotation"].is_object().then(|| body.remove("disabled")).flatten();
        let created = call("POST", "/keys", &Value::Object(body)).await;
        let id = text(&created["key"]["id"]).to_owned();
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

    fn needs_impossible_key(&self, case: &Value) -> bool {
        let credentials = case["request"]["credentials"].to_string();
        self.impossible.iter().any(|nick| credentials.contains(&format!(":{nick}}}}}")))
    }

    /// Puts real secrets in the place of `{{key:nick}}` and its like.
    fn fill_in(&self, value: &str) -> String {
        let Some((before, rest)) = value.split_once("{{") else { return value.to_owned() };
        let (mark, after) = rest.split_once("}}").expect("a placeholder ends with }}");
        let (kind, nick) = mark.split_once(':').expect("{{kind:nick}}");
        let filled = match kind {
            "key" => self.secrets[nick].clone(),
            "id" => self.identifiers[nick].clone(),
            "idupper" => format!("ci_{}", self.identifiers[nick][3..].to_uppercase()),
            "old" => self.old_secrets[nick].clone(),
            "upper" => self.secrets[nick].to_uppercase(),
            "bad" => {
                let secret = &self.secrets[nick];
                let last = if secret.ends_with('0') { '1' } else { '0' };
                format!("{}{last}", &secret[..secret.len() - 1])
            }
            "sha256" => sha256_hex(&self.secrets[nick]),
            _ => panic!("unknown placeholder {kind}"),
        };
        format!("{before}{filled}{}", self.fill_in(after))
    }
}

/// The secret that an answer shows, or the password of a pair.
fn value_of(answer: &Value) -> String {
    answer["secret"].as_str().or(answer["password"].as_str()).unwrap_or_default().to_owned()
}

/// Types of applications and applications as they are made.
async fn make_owners(world: &World, token: &str, organization: &Value) {
    for kind in list(&organization["application_types"]) {
        let mut body = kind.as_object().expect("an object").clone();
        body.remove("later");
        body.insert("sign_in".into(), "key_only".into());
        call(world, token, "POST", "/application-types", &Value::Object(body)).await;
    }
    for application in list(&organization["applications"]) {
        let mut body = application.as_object().expect("an object").clone();
        body.remove("disabled");
        call(world, token, "POST", "/applications", &Value::Object(body)).await;
    }
}

/// Roles and users as they are made, and the users' ids; who administers makes their keys.
async fn make_people(world: &World, token: &str, organization: &Value) -> BTreeMap<String, String> {
    let mut ids = BTreeMap::new();
    for role in list(&organization["roles"]) {
        call(world, token, "POST", "/roles", &role_body(role)).await;
    }
    for user in list(&organization["users"]) {
        let username = text(&user["username"]);
        let email = format!("{username}@example.com");
        let body = json!({ "username": username, "email": email, "name": user["name"], "roles": user["roles"] });
        let made = call(world, token, "POST", "/users", &body).await;
        ids.insert(username.to_owned(), text(&made["id"]).to_owned());
    }
    if !ids.is_empty() {
        call(world, token, "PATCH", "/policy", &json!({ "delegated_creation": true })).await;
    }
    ids
}

fn role_body(role: &Value) -> Value {
    let levels = json!({ "api_sets": role["api_sets"] });
    json!({ "slug": role["slug"], "name": role["name"], "authorities": role["authorities"], "levels": levels })
}

/// What becomes of them when their keys are there.
async fn change_people(world: &World, token: &str, organization: &Value) {
    for role in list(&organization["roles"]).iter().filter(|role| !role["later"].is_null()) {
        let path = format!("/roles/{}", text(&role["slug"]));
        call(world, token, "PATCH", &path, &role_body(&role["later"])).await;
    }
    for user in list(&organization["users"]) {
        let path = format!("/users/{}", text(&user["username"]));
        if !user["later_roles"].is_null() {
            call(world, token, "PATCH", &path, &json!({ "roles": user["later_roles"] })).await;
        }
        // An account that has ended already cannot be made so; the state before it is named anyway.
        let is_later = |end: &&str| end.parse().is_ok_and(|end: claviger_domain::Timestamp| end > world.now());
        if let Some(end) = user["account_expires_at"].as_str().filter(is_later) {
            call(world, token, "PATCH", &path, &json!({ "account_expires_at": end })).await;
        }
        for (field, action) in [("locked", "lock"), ("disabled", "disable")] {
            if user[field] == true {
                call(world, token, "POST", &format!("{path}/{action}"), &json!({})).await;
            }
        }
    }
}

/// What becomes of them when their keys are there.
async fn change_owners(world: &World, token: &str, organization: &Value) {
    for kind in list(&organization["application_types"]).iter().filter(|kind| !kind["later"].is_null()) {
        let path = format!("/application-types/{}", text(&kind["slug"]));
        call(world, token, "PATCH", &path, &json!({ "api_sets": kind["later"] })).await;
    }
    for application in list(&organization["applications"]).iter().filter(|it| it["disabled"] == true) {
        let path = format!("/applications/{}/disable", text(&application["slug"]));
        call(world, token, "POST", &path, &json!({})).await;
    }
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
async fn call(world: &World, token: &str, method: &str, path: &str, body: &Value) -> Value {
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

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
