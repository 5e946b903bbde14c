//! Applications that another system made, with their users: what comes in, what stays out, and the first sign-in.

use argon2::{Argon2, Params, PasswordHasher as _};
use claviger_domain::foreign_password::{FOREIGN_COSTS_MAX, authenticated};
use claviger_domain::{OrganizationId, RequestId, Secret};
use claviger_engine::Presented;
use claviger_store::api_user_secrets;
use serde_json::{Map, Value, json};

use crate::api_users::{self, Credentials, NewPassword, Origin, Session, SignInRefused, SignedIn};
use crate::testing::{OPERATOR, Reply, World};

const KEY: &str = "a2B3c4D5e6F7g8H9j2K3m4N5p6Q7r8S9";
const PASSWORD: &str = "hunter2";
const MAC_KEY: &str = "WebserviceStandard and a key";
const PATH: &str = "/application-imports";

/// The hash of a password as the other system makes it, with so many passes over 64 KiB.
fn argon2id(password: &str, passes: u32) -> Value {
    let params = Params::new(64, passes, 1, None).expect("parameters");
    let text = authenticated(&Secret::new(password.into()), &Secret::new(MAC_KEY.into()));
    let hash = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
        .hash_password_with_salt(text.expose().as_bytes(), b"salt of the test");
    json!({"hash": hash.expect("a hash").to_string(), "mac_key": MAC_KEY})
}

fn bcrypt(password: &str) -> Value {
    let text = authenticated(&Secret::new(password.into()), &Secret::new(MAC_KEY.into()));
    let hash = bcrypt::hash_with_salt(text.expose(), 4, *b"salt of the test").expect("a hash");
    json!({"hash": hash.format_for_version(bcrypt::Version::TwoY), "mac_key": MAC_KEY})
}

fn user(name: &str, more: Value) -> Value {
    let mut user = json!({"user_name": name, "permission_type": 1, "profile_user": "ann@example.com"});
    if let (Value::Object(user), Value::Object(more)) = (&mut user, more) {
        user.extend(more);
    }
    user
}

fn body(users: Value) -> Value {
    let application = json!({"name": "Partners", "type": "portal", "password": "short"});
    let mut body = json!({"application": application, "key": {"value": KEY}});
    body["api_users"] = users;
    body
}

async fn world() -> (World, String) {
    let (world, admin) = World::with_organization().await;
    for (name, sign_in) in [("Portal", "session"), ("Gateway", "key_and_token"), ("Plain", "key_only")] {
        let kind = json!({"name": name, "sign_in": sign_in, "api_sets": ["full-access"]});
        assert_eq!(world.post(&admin, "/application-types", kind).await.status, 201);
    }
    (world, admin)
}

/// What came of each user: the outcome, or the fields that are wrong.
fn outcomes(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, 200, "{reply:?}");
    let row = |row: &Value| {
        let errors = row["errors"].as_array().into_iter().flatten();
        let fields: Vec<_> = errors.map(|error| error["field"].as_str().expect("a field")).collect();
        if fields.is_empty() { row["outcome"].as_str().expect("a word").to_owned() } else { fields.join(" ") }
    };
    reply.body["api_users"].as_array().expect("a list").iter().map(row).collect()
}

async fn count(world: &World, admin: &str, path: &str) -> usize {
    world.get(admin, path).await.body["data"].as_array().expect("a list").len()
}

async fn origin(world: &World, admin: &str) -> Origin {
    let presented = Presented::new().with_credential(admin);
    let organization: OrganizationId =
        world.manage.engine.whoami(&presented, None).organization().expect("the administrator's");
    let application = world.get(admin, "/applications/partners").await;
    let key = world.post(admin, "/keys/lookup", json!({"credential": KEY})).await;
    let mut number = [0; 16];
    world.manage.random.fill(&mut number);
    Origin {
        organization,
        application: application.text("id").parse().expect("an id"),
        key: key.body["key"]["id"].as_str().expect("an id").parse().expect("an id"),
        ip: None,
        agent: None,
        request_id: RequestId::from_raw(u128::from_be_bytes(number)),
        now: claviger_domain::Clock::now(&*world.clock),
    }
}

async fn sign_in(world: &World, admin: &str, name: &str, password: &str) -> Result<SignedIn, SignInRefused> {
    let credentials = Credentials {
        user_name: name.to_owned(),
        password: Secret::new(password.to_owned()),
        code: None,
        language: None,
        params: Map::new(),
    };
    api_users::sign_in(&world.manage, &origin(world, admin).await, credentials).await
}

/// How many hashes a refused sign-in takes.
async fn cost(world: &World, admin: &str, name: &str) -> u64 {
    let before = world.manage.passwords.computed();
    let refused = sign_in(world, admin, name, "another one").await;
    assert!(matches!(refused, Err(SignInRefused::Wrong)), "{name}");
    world.manage.passwords.computed() - before
}

async fn is_foreign(world: &World, id: &Value) -> bool {
    let id = id.as_str().expect("an id").parse().expect("an id");
    let mut snapshot = world.manage.store.read().await.expect("a snapshot");
    api_user_secrets::foreign(&mut snapshot, id).await.expect("read").is_some()
}

#[tokio::test]
async fn an_application_comes_in_once_with_its_key_password_and_users() {
    let (world, admin) = world().await;
    let users = json!([
        user("ann", json!({"password_hash": argon2id(PASSWORD, 1), "totp_secret": "JBSWY3DPEHPK3PXP"})),
        user("bob", json!({"password_hash": bcrypt(PASSWORD), "active": false, "profile_external": "7"})),
    ]);
    let keys = count(&world, &admin, "/keys").await;
    let tried = world.post(&admin, &format!("{PATH}?dry_run=true"), body(users.clone())).await;
    assert_eq!(outcomes(&tried), ["imported", "imported"]);
    assert_eq!((&tried.body["outcome"], &tried.body["application"]), (&json!("imported"), &Value::Null));
    assert_eq!([count(&world, &admin, "/applications").await, count(&world, &admin, "/api-users").await], [0, 0]);
    assert_eq!(count(&world, &admin, "/keys").await, keys, "a dry run changes nothing");

    let done = world.post(&admin, PATH, body(users.clone())).await;
    assert_eq!(outcomes(&done), ["imported", "imported"]);
    assert_eq!(done.body["application"]["slug"], "partners");
    assert!(!done.body.to_string().contains(KEY) && !done.body.to_string().contains("argon2id"));
    let again = world.post(&admin, PATH, body(users)).await;
    assert_eq!(
        (outcomes(&again), &again.body["outcome"]),
        (vec!["present".into(), "present".into()], &json!("present"))
    );
    assert_eq!(again.body["api_users"][0]["id"], done.body["api_users"][0]["id"]);
    let ann =
        world.get(&admin, &format!("/api-users/{}", done.body["api_users"][0]["id"].as_str().expect("an id"))).await;
    assert_eq!((&ann.body["enrolled"], &ann.body["has_password"]), (&json!(true), &json!(true)));
    for action in ["application.import", "key.import", "api_user.import"] {
        world.audited(&admin, action).await;
    }
    // Further users of the same application.
    let more = world.post(&admin, PATH, body(json!([user("carol", json!({}))]))).await;
    assert_eq!((outcomes(&more), &more.body["outcome"]), (vec!["imported".into()], &json!("present")));
}

#[tokio::test]
async fn the_first_sign_in_puts_our_own_hash_in_the_place_of_the_other() {
    let (world, admin) = world().await;
    let users = json!([
        user("ann", json!({"password_hash": argon2id(PASSWORD, 1)})),
        user("bob", json!({"password_hash": bcrypt(PASSWORD)})),
        user("carol", json!({"password_hash": argon2id("", 1)})),
    ]);
    let done = world.post(&admin, PATH, body(users)).await;
    assert_eq!(outcomes(&done), ["imported"; 3]);
    let ids: Vec<_> = (0..3).map(|row| done.body["api_users"][row]["id"].clone()).collect();
    assert!(matches!(sign_in(&world, &admin, "carol", "").await, Err(SignInRefused::Wrong)), "an empty password");
    for (name, id) in ["ann", "bob"].iter().zip(&ids) {
        assert!(matches!(sign_in(&world, &admin, name, "hunter3").await, Err(SignInRefused::Wrong)), "{name}");
        assert!(is_foreign(&world, id).await, "{name}");
        sign_in(&world, &admin, name, PASSWORD).await.expect("a session");
        assert!(!is_foreign(&world, id).await, "{name}");
        sign_in(&world, &admin, name, PASSWORD).await.expect("a session");
        assert!(matches!(sign_in(&world, &admin, name, "hunter3").await, Err(SignInRefused::Wrong)), "{name}");
    }
    assert!(is_foreign(&world, &ids[2]).await);
}

#[tokio::test]
async fn who_does_not_exist_costs_what_everybody_costs_while_such_hashes_are_there() {
    let (world, admin) = world().await;
    let users = json!([
        user("ann", json!({"password_hash": argon2id(PASSWORD, 1)})),
        user("bob", json!({"password_hash": bcrypt(PASSWORD)})),
        user("carol", json!({"password_hash": bcrypt(PASSWORD)})),
        user("dan", json!({})),
    ]);
    assert_eq!(outcomes(&world.post(&admin, PATH, body(users)).await), ["imported"; 4]);
    sign_in(&world, &admin, "carol", PASSWORD).await.expect("a session");
    for name in ["ann", "bob", "carol", "dan", "nobody"] {
        assert_eq!(cost(&world, &admin, name).await, 3, "{name}: ours, and one of each kind");
    }
    for name in ["ann", "bob"] {
        sign_in(&world, &admin, name, PASSWORD).await.expect("a session");
    }
    for name in ["ann", "nobody"] {
        assert_eq!(cost(&world, &admin, name).await, 1, "{name}: the last one is replaced");
    }
}

#[tokio::test]
async fn a_password_that_is_chosen_ends_the_hash_that_was_taken_over() {
    let (world, admin) = world().await;
    let done = world.post(&admin, PATH, body(json!([user("ann", json!({"password_hash": bcrypt(PASSWORD)}))]))).await;
    let id = done.body["api_users"][0]["id"].clone();
    let origin = origin(&world, &admin).await;
    sign_in(&world, &admin, "ann", PASSWORD).await.expect("a session");
    let listed = world.get(&admin, &format!("/api-users/{}/sessions", id.as_str().expect("an id"))).await;
    let session = Session {
        id: listed.body["data"][0]["id"].as_str().expect("an id").parse().expect("an id"),
        user: id.as_str().expect("an id").parse().expect("an id"),
        organization: origin.organization,
        key: origin.key,
        ip: None,
        agent: None,
        request_id: origin.request_id,
        now: origin.now,
    };
    let new = NewPassword {
        current: Secret::new(PASSWORD.to_owned()),
        password: Secret::new("wobbly kettle orbit nine".to_owned()),
    };
    assert!(api_users::change_password(&world.manage, &session, new).await.expect("an answer"));
    sign_in(&world, &admin, "ann", "wobbly kettle orbit nine").await.expect("a session");
    assert!(matches!(sign_in(&world, &admin, "ann", PASSWORD).await, Err(SignInRefused::Wrong)));
}

#[tokio::test]
async fn users_who_cannot_come_in_are_named_and_hold_nothing_up() {
    let (world, admin) = world().await;
    let absurd = json!({"hash": format!("$2y$31${}", "a".repeat(53)), "mac_key": "k"});
    let token = "0".repeat(64);
    let rows = [
        (user("good", json!({})), "imported"),
        (json!([1]), "body"),
        (json!({"user_name": "x", "permission_type": 1}), "profile_user"),
        (user("x", json!({"profile_user": "nobody"})), "profile_user"),
        (user("x", json!({"permission_type": 2})), "contact"),
        (user("x", json!({"permission_type": 6})), "permission_type"),
        (user("x", json!({"password_hash": absurd})), "password_hash.hash"),
        (
            user("x", json!({"password_hash": {"hash": "md5", "mac_key": ""}})),
            "password_hash.mac_key password_hash.hash",
        ),
        (user("x", json!({"totp_secret": "short"})), "totp_secret"),
        (user("x", json!({"static_token": token})), "static_token"),
        (user("x", json!({"colour": "red"})), "colour"),
        (user("GOOD", json!({})), "present"),
        (user("last", json!({})), "imported"),
    ];
    let (users, expected): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    assert_eq!(outcomes(&world.post(&admin, PATH, body(json!(users))).await), expected);
    let costs = 1..=FOREIGN_COSTS_MAX as u32 + 1;
    let users: Vec<_> =
        costs.map(|passes| user(&format!("u{passes}"), json!({"password_hash": argon2id(PASSWORD, passes)}))).collect();
    let kinds = outcomes(&world.post(&admin, PATH, body(json!(users))).await);
    assert_eq!(kinds, ["imported", "imported", "imported", "imported", "password_hash.hash"]);
    let many = vec![user("x", json!({})); crate::applications::USERS_MAX + 1];
    world.post(&admin, PATH, body(json!(many))).await.problem(400, "invalid_request");
}

#[tokio::test]
async fn tokens_keep_their_value_and_belong_to_one_user() {
    let (world, admin) = world().await;
    let body = |name: &str, key: &str, users: Value| json!({"application": {"name": name, "type": "gateway"}, "key": {"value": key}, "api_users": users});
    let token = "0123456789abcdef".repeat(4);
    let users = json!([
        user("one", json!({"static_token": token})),
        user("two", json!({"static_token": "short"})),
        user("three", json!({})),
        user("four", json!({"static_token": "1".repeat(64), "password_hash": bcrypt(PASSWORD)})),
        user("other name", json!({"static_token": token})),
        user("one", json!({"static_token": "2".repeat(64)})),
    ]);
    let done = world.post(&admin, PATH, body("One", KEY, users)).await;
    let expected = ["imported", "static_token", "static_token", "password_hash", "present", "user_name"];
    assert_eq!(outcomes(&done), expected);
    let other = "z2B3c4D5e6F7g8H9j2K3m4N5p6Q7r8S9";
    let done = world.post(&admin, PATH, body("Two", other, json!([user("x", json!({"static_token": token}))]))).await;
    assert_eq!(outcomes(&done), ["static_token"], "another application's");
}

#[tokio::test]
async fn an_application_that_cannot_come_in_is_refused_with_its_fields() {
    let (world, admin) = world().await;
    let with = |member: &str, value: Value| {
        let mut body = body(json!([]));
        body["application"][member] = value;
        body
    };
    for (body, status, code, field) in [
        (with("name", json!("a:b")), 400, "invalid_request", "application.name"),
        (with("type", json!("nowhere")), 404, "not_found", "application.type"),
        (with("password", json!("")), 400, "invalid_request", "application.password"),
        (with("password", Value::Null), 400, "invalid_request", "application.password"),
        (with("allowed_ips", json!(["host"])), 400, "invalid_request", "application.allowed_ips[0]"),
        (with("public_url", json!("portal.example.com")), 400, "invalid_request", "application.public_url"),
        (
            json!({"application": {"name": "x", "type": "portal", "password": "p"}, "key": {"value": "short"}}),
            400,
            "invalid_request",
            "key.value",
        ),
    ] {
        assert_eq!(world.post(&admin, PATH, body.clone()).await.problem(status, code), [field], "{body}");
    }
    assert_eq!(outcomes(&world.post(&admin, PATH, body(json!([]))).await), [""; 0]);
    let mut other = body(json!([]));
    other["key"]["value"] = json!("z2B3c4D5e6F7g8H9j2K3m4N5p6Q7r8S9");
    assert_eq!(world.post(&admin, PATH, other).await.problem(409, "name_taken"), ["application.name"]);
    // The key of something else reads like one that cannot be imported.
    let plain = json!({"name": "x", "api_sets": [], "import": {"value": "q2B3c4D5e6F7g8H9j2K3m4N5p6Q7r8S9"}});
    assert_eq!(world.post(&admin, "/keys", plain).await.status, 201);
    let mut taken = with("name", json!("Second"));
    taken["key"]["value"] = json!("q2B3c4D5e6F7g8H9j2K3m4N5p6Q7r8S9");
    assert_eq!(world.post(&admin, PATH, taken).await.problem(400, "invalid_request"), ["key.value"]);
    assert_eq!(count(&world, &admin, "/applications").await, 1, "nothing of it stays");
    let keyed = json!({
        "application": {"name": "Plain", "type": "plain"}, "key": {"value": "p2B3c4D5e6F7g8H9j2K3m4N5p6Q7r8S9"},
        "api_users": [user("x", json!({}))],
    });
    assert_eq!(outcomes(&world.post(&admin, PATH, keyed).await), ["application"]);

    let (_, reader) = world.key(&admin, "reader", &["claviger-keys-write"]).await;
    world.post(&reader, PATH, body(json!([]))).await.problem(403, "forbidden");
    let second = json!({"slug": "other", "name": "Other", "email": "eve@example.com"});
    assert_eq!(world.post(OPERATOR, "/organizations", second).await.status, 201);
    let refused = world.post(&admin, PATH, body(json!([]))).await;
    refused.problem(403, "forbidden");
    assert!(refused.text("detail").contains("imports_with_several_organizations"), "{refused:?}");
}
