//! Notices with a real SMTP server: when people are told of keys, and that they are told once, whatever dies.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::app::PASSWORD;
use crate::harness::database::{Kind, TestDatabase};
use crate::harness::letter::read_text;
use crate::harness::patience::wait_until;
use crate::harness::process::Serving;
use crate::harness::raw_http::Request;
use crate::harness::smtp::{Mode, SmtpServer, header};
use crate::harness::world::World;
use crate::mail::{FROM, set_up};

/// Longer than the first mail of a day waits for further notices.
const GATHERED: Duration = Duration::from_secs(61);
/// How many keys end on one day.
const KEYS: usize = 2_000;

/// A server with mail, and what it mails.
struct Told<'a> {
    world: &'a World,
    database: &'a TestDatabase,
    server: SmtpServer,
    seen: usize,
}

impl Told<'_> {
    /// The mails that are waited for now: recipient, subject and text, in the order of recipients.
    async fn next(&mut self, count: usize) -> Vec<(String, String, String)> {
        let waiting = "SELECT COUNT(*) FROM outbox WHERE state = 'waiting'".to_owned();
        let is_there = async || self.database.number(waiting.clone()).await == count as i64;
        wait_until(is_there, || format!("{count} mails, and those before: {:?}", self.server.mails())).await;
        self.world.advance(GATHERED);
        let mails = self.server.wait_for(self.seen + count).await.split_off(self.seen);
        self.seen += count;
        let read = |mail: &String| {
            let (subject, text) = read_text(mail);
            (header(mail, "X-Recipient"), subject, text)
        };
        let mut mails: Vec<_> = mails.iter().map(read).collect();
        mails.sort();
        mails
    }

    /// Nothing waits after the server has certainly looked.
    async fn nothing(&self) {
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        assert_eq!(self.database.number("SELECT COUNT(*) FROM outbox WHERE state = 'waiting'".to_owned()).await, 0);
    }
}

/// Runs a scenario with a server that mails.
async fn told(kind: Kind, scenario: impl AsyncFnOnce(&mut Told<'_>)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = SmtpServer::start(&folder.path().join("mails"), Mode::Plain, None);
    let url = format!("smtp://{}", server.address);
    let database = TestDatabase::new(kind).await;
    let world = World::start_with_password_and(&database, PASSWORD, |config| {
        config.mail.smtp_url = Some(url.parse().expect("a URL"));
        config.mail.from = Some(FROM.to_owned());
    })
    .await;
    scenario(&mut Told { world: &world, database: &database, server, seen: 0 }).await;
    world.stop_serving().await;
}

async fn call(world: &World, method: &str, path: &str, body: Value) -> Value {
    let answer = world.api_as(&world.local_token(), method, path, Some(&body)).await;
    assert!(answer.status < 300, "{method} {path}: {}", answer.text());
    answer.json()
}

async fn code(world: &World, secret: &str) -> Value {
    world.verdict(secret, "default", "GET", "/x").await["code"].clone()
}

async fn c_29_the_end_is_told_of_30_7_and_1_days_before_and_on_the_day(told: &mut Told<'_>) {
    let world = told.world;
    call(world, "PATCH", "/organization", json!({"time_zone": "Europe/Warsaw"})).await;
    call(world, "PATCH", "/notices", json!({"addresses": ["ops@example.com"]})).await;
    let body = json!({"name": "Import", "api_sets": ["full-access"], "expires_at": "2026-06-30", "idle_exempt": true});
    let made = call(world, "POST", "/keys", body).await;
    let (id, secret) = (made["key"]["id"].as_str().expect("an id"), made["secret"].as_str().expect("a secret"));
    for day in ["2026-05-30", "2026-06-22", "2026-06-28", "2026-06-29"] {
        // The day in Warsaw begins two hours before that of UTC.
        world.advance_to(&format!("{day}T21:57:00Z"));
        told.nothing().await;
        world.advance_to(&format!("{day}T22:30:00Z"));
        let mails = told.next(2).await;
        let to: Vec<_> = mails.iter().map(|(to, _, _)| to.as_str()).collect();
        assert_eq!(to, ["ada@example.com", "ops@example.com"], "{day}");
        for (_, subject, text) in &mails {
            assert_eq!(subject, "Acme: key “Import” ends on 2026-06-30", "{day}");
            assert!(text.contains(&format!("http://{}/keys/{id}\n", world.control)), "{text}");
            assert!(!text.contains(secret) && !text.contains(&secret[9..20]), "{text}");
        }
    }
    assert_eq!(code(world, secret).await, "VALID");
    world.advance_to("2026-06-30T22:00:00Z");
    assert_eq!(code(world, secret).await, "EXPIRED");
    told.nothing().await;
    let list = world.api_as(&world.local_token(), "GET", "/keys?state=expired", None).await.expect(200).json();
    assert_eq!(list["data"][0]["id"], id, "it is listed still");
}

#[tokio::test(flavor = "multi_thread")]
async fn c_29_the_end_of_a_key_is_told_of_on_sqlite() {
    told(Kind::Sqlite, c_29_the_end_is_told_of_30_7_and_1_days_before_and_on_the_day).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c_29_the_end_of_a_key_is_told_of_on_postgres() {
    told(Kind::Postgres, c_29_the_end_is_told_of_30_7_and_1_days_before_and_on_the_day).await;
}

async fn y_34_going_idle_is_told_of_14_7_and_1_days_before_and_when_it_is_disabled(told: &mut Told<'_>) {
    let world = told.world;
    world.advance_to("2026-01-01T12:00:00Z");
    let body = json!({"name": "Unused", "api_sets": ["full-access"]});
    let secret = call(world, "POST", "/keys", body).await["secret"].as_str().expect("a secret").to_owned();
    let used = json!({"name": "Used", "api_sets": ["full-access"]});
    let used = call(world, "POST", "/keys", used).await["secret"].as_str().expect("a secret").to_owned();
    world.advance_to("2026-03-15T12:00:00Z");
    assert_eq!(code(world, &used).await, "VALID");
    told.nothing().await;
    for day in ["2026-03-18", "2026-03-25", "2026-03-31"] {
        world.advance_to(&format!("{day}T00:30:00Z"));
        let mails = told.next(1).await;
        let (to, subject, _) = &mails[0];
        assert_eq!(to, "ada@example.com", "{day}");
        let expected = "Acme: key “Unused” goes out of service on 2026-04-01 12:00 UTC unless it is used";
        assert_eq!(subject, expected, "{day}");
    }
    world.advance_to("2026-04-01T12:20:00Z");
    assert_eq!(code(world, &secret).await, "DISABLED");
    // Whatever changes rules writes down what they have made of keys.
    call(world, "PATCH", "/policy", json!({"idle_days": 91})).await;
    let (_, subject, text) = told.next(1).await.remove(0);
    assert_eq!(subject, "Acme: key “Unused” is out of service because nobody uses it");
    assert!(text.contains("since 2026-04-01 12:00 UTC"), "{text}");
    told.nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn y_34_going_idle_is_told_of_on_sqlite() {
    told(Kind::Sqlite, y_34_going_idle_is_told_of_14_7_and_1_days_before_and_when_it_is_disabled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn y_34_going_idle_is_told_of_on_postgres() {
    told(Kind::Postgres, y_34_going_idle_is_told_of_14_7_and_1_days_before_and_when_it_is_disabled).await;
}

/// A key with every kind of news, and no mail that tells of one has any part of a secret.
async fn y_43_no_notice_holds_a_secret(told: &mut Told<'_>) {
    let world = told.world;
    let all = json!({"holder": true, "administrators": true, "addresses": true});
    let kinds = [
        "expiry",
        "idle",
        "created",
        "revealed",
        "rotated",
        "new_address",
        "old_secret_used",
        "leaked",
        "owner_disabled",
    ];
    let kinds: serde_json::Map<_, _> = kinds.iter().map(|kind| ((*kind).to_owned(), all.clone())).collect();
    call(world, "PATCH", "/policy", json!({"reveal": {"organization": "recoverable"}})).await;
    call(world, "PATCH", "/notices", json!({"kinds": kinds, "addresses": ["ops@example.com"]})).await;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut secrets = Vec::new();
    let made = call(world, "POST", "/keys", json!({"name": "Single", "api_sets": ["full-access"]})).await;
    let id = text(&made["key"]["id"]);
    secrets.push(text(&made["secret"]));
    let pair = call(world, "POST", "/keys", json!({"name": "Pair", "shape": "pair", "api_sets": []})).await;
    secrets.extend([text(&pair["identifier"]), text(&pair["password"])]);
    let import = json!({"name": "Foreign", "api_sets": [], "import": {"value": "a-value-that-others-have-made"}});
    call(world, "POST", "/keys", import).await;
    secrets.push("a-value-that-others-have-made".to_owned());
    secrets.push(text(
        &call(world, "POST", &format!("/keys/{id}/rotate"), json!({"overlap_seconds": 60})).await["secret"],
    ));
    call(world, "POST", &format!("/keys/{id}/reveal"), json!({})).await;
    call(world, "PATCH", &format!("/keys/{id}"), json!({"expires_at": "2026-06-30"})).await;
    let kind = json!({"name": "Partner", "slug": "partner", "sign_in": "key_only", "api_sets": ["full-access"]});
    call(world, "POST", "/application-types", kind).await;
    let portal =
        call(world, "POST", "/applications", json!({"name": "Portal", "slug": "portal", "type": "partner"})).await;
    secrets.push(text(&portal["secret"]));
    call(world, "POST", "/applications/portal/disable", json!({})).await;
    // Urgent news in one mail, all others in another, to each of two.
    let mut mails = told.next(4).await;
    world.advance_to("2026-03-28T00:30:00Z");
    mails.extend(told.next(2).await);
    world.advance_to("2026-05-31T00:30:00Z");
    let all: Vec<_> = mails.iter().flat_map(|(_, subject, text)| [subject.as_str(), text.as_str()]).collect();
    let all = all.join("\n");
    for told in
        ["made the key “Single”", "shown on", "a new secret", "goes out of service on", "took Portal out of service"]
    {
        assert!(all.contains(told), "no {told:?} in {all}");
    }
    for mail in told.server.mails().iter().chain([&all]) {
        let mail = mail.replace("=\r\n", "");
        for secret in &secrets {
            let body = &secret[secret.len().saturating_sub(38)..secret.len() - 6];
            assert!(!mail.contains(secret) && !mail.contains(body), "a secret in {mail}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn y_43_no_notice_holds_a_secret_on_sqlite() {
    told(Kind::Sqlite, y_43_no_notice_holds_a_secret).await;
}

async fn y_41_what_may_be_a_thief_is_told_of(told: &mut Told<'_>) {
    let world = told.world;
    let set = json!({"kinds": {"new_address": {"addresses": true}}, "addresses": ["ops@example.com"]});
    call(world, "PATCH", "/notices", set).await;
    let made = call(world, "POST", "/keys", json!({"name": "Import", "api_sets": ["full-access"]})).await;
    let (id, secret) = (made["key"]["id"].as_str().expect("an id"), made["secret"].as_str().expect("a secret"));
    let from = async |ip: &str, secret: &str| {
        let question = json!({"credential": secret, "api": "default", "method": "GET", "path": "/x", "client_ip": ip});
        let answer = Request::post("/v1/verify", &question).send(world.doors).await.expect(200).json();
        answer["code"].as_str().expect("a code").to_owned()
    };
    assert_eq!(from("203.0.113.7", secret).await, "VALID");
    told.nothing().await;
    assert_eq!(
        (from("203.0.113.8", secret).await, from("203.0.113.7", secret).await),
        ("VALID".into(), "VALID".into())
    );
    let mails = told.next(1).await;
    let (to, subject, text) = &mails[0];
    assert_eq!((to.as_str(), subject.as_str()), ("ops@example.com", "Acme: key “Import” was used from a new address"));
    assert!(text.contains("203.0.113.8") && text.contains(&format!("/keys/{id}\n")), "{text}");
    for ip in ["203.0.113.8", "203.0.113.7", "::ffff:203.0.113.8"] {
        from(ip, secret).await;
    }
    told.nothing().await;

    let rotated = call(world, "POST", &format!("/keys/{id}/rotate"), json!({"overlap_seconds": 0})).await;
    let new = rotated["secret"].as_str().expect("a secret");
    // At most one such mail an hour.
    world.advance(Duration::from_hours(2));
    assert_eq!(
        (from("203.0.113.9", secret).await, from("203.0.113.7", new).await),
        ("NOT_FOUND".into(), "VALID".into())
    );
    let mails = told.next(2).await;
    for ((to, subject, text), expected) in mails.iter().zip(["ada@example.com", "ops@example.com"]) {
        assert_eq!((to.as_str(), subject.as_str()), (expected, "Acme: an old secret of key “Import” was used"));
        assert!(text.contains("203.0.113.9") && !text.contains(&secret[9..20]), "{text}");
    }
    let entry = call_get(world, "/audit?action=key.old_secret_used").await["data"][0].clone();
    assert_eq!((&entry["after"]["seen"]["ip"], &entry["actor"]["type"]), (&json!("203.0.113.9"), &json!("system")));
    from("203.0.113.9", secret).await;
    told.nothing().await;
    assert_eq!(from("203.0.113.7", new).await, "VALID", "the policy says that it is told of, and no more");

    call(world, "PATCH", "/policy", json!({"old_secret_use": "disable"})).await;
    world.advance(Duration::from_hours(25));
    from("203.0.113.9", secret).await;
    wait_until(async || from("203.0.113.7", new).await == "DISABLED", || "it is disabled".to_owned()).await;
    let key = call_get(world, &format!("/keys/{id}")).await;
    assert_eq!(key["state_reason"], "an old secret was used after its rotation");
    assert_eq!(key["state_by"]["type"], "system", "{key}");
}

async fn call_get(world: &World, path: &str) -> Value {
    world.api_as(&world.local_token(), "GET", path, None).await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn y_41_what_may_be_a_thief_is_told_of_on_sqlite() {
    told(Kind::Sqlite, y_41_what_may_be_a_thief_is_told_of).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn y_41_what_may_be_a_thief_is_told_of_on_postgres() {
    told(Kind::Postgres, y_41_what_may_be_a_thief_is_told_of).await;
}

/// How the server under test is started.
async fn start(folder: &Path, name: &str, database: &TestDatabase, smtp: &str) -> Serving {
    let data = folder.join(name);
    std::fs::create_dir_all(&data).expect("a data directory");
    let secret = folder.join("one/master-secret");
    let variables = [
        ("CLAVIGER_SMTP_URL", smtp),
        ("CLAVIGER_MAIL_FROM", FROM),
        ("CLAVIGER_DATABASE_URL", database.url.as_str()),
        ("CLAVIGER_MASTER_SECRET_FILE", secret.to_str().expect("a path")),
    ];
    Serving::start_with(&data, &variables).await
}

/// Very many keys that end in 20 days and are 40 days old, which nobody was told of.
async fn furnish(serving: &Serving, admin: &str, database: &TestDatabase) {
    let today = claviger_domain::Clock::now(&claviger_server::clock::SystemClock::new());
    let end = today.saturating_add(Duration::from_hours(20 * 24)).to_string();
    let row = |number: usize| {
        let value = format!("a-value-of-another-system-{number}");
        json!({"name": format!("key {number}"), "api_sets": [], "expires_at": end, "import": {"value": value}})
    };
    let rows: Value = (0..KEYS).map(row).collect();
    let imported = Request::post("/api/v1/keys/import", &rows).bearer(admin).send(serving.control).await.expect(200);
    assert_eq!(imported.json()["imported"], KEYS, "{}", imported.text().get(..500).unwrap_or_default());
    database
        .execute(
            "UPDATE keys SET created_at = created_at - 3456000000000, record = REPLACE(record, \
             '\"created_at\":' || CAST(created_at AS TEXT), '\"created_at\":' || CAST(created_at - 3456000000000 AS TEXT)) \
             WHERE expires_at IS NOT NULL",
        )
        .await;
}

const DEALT_WITH: &str = "SELECT COUNT(*) FROM notices WHERE recipient = ''";

/// Every key stands in the mails to each recipient, and once.
async fn assert_each_is_told_once(database: &TestDatabase, recipients: usize) {
    assert_eq!(database.number(DEALT_WITH.to_owned()).await, KEYS as i64);
    let told = "SELECT COUNT(*) FROM notices WHERE recipient <> '' AND mail_id IN (SELECT id FROM outbox)".to_owned();
    assert_eq!(database.number(told).await, (KEYS * recipients) as i64);
    let mut count = 0;
    for mail in database.texts("SELECT mail FROM outbox WHERE unique_key LIKE 'notices %'").await {
        let mail: Value = serde_json::from_str(&mail).expect("JSON");
        count += mail["told"].as_array().expect("a list").len() + mail["more"].as_u64().expect("a number") as usize;
    }
    assert_eq!(count, KEYS * recipients, "nothing is lost, and nothing told twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_telling_loses_nothing_and_tells_nothing_twice() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = TestDatabase::new(Kind::Sqlite).await;
    let server = SmtpServer::start(&folder.path().join("mails"), Mode::Plain, None);
    let url = format!("smtp://{}", server.address);
    let serving = start(folder.path(), "one", &database, &url).await;
    let admin = set_up(&folder.path().join("one"));
    let kinds = json!({"kinds": {"expiry": {"addresses": true}}, "addresses": ["ops@example.com"]});
    let set = Request::new("PATCH", "/api/v1/notices").json(&kinds).bearer(&admin).send(serving.control).await;
    set.expect(200);
    furnish(&serving, &admin, &database).await;
    serving.kill();
    let (mut before, mut kills) = (0, 0);
    loop {
        let serving = start(folder.path(), "one", &database, &url).await;
        let now = async || database.number(DEALT_WITH.to_owned()).await;
        wait_until(async || now().await > before, || serving.log()).await;
        serving.kill();
        before = now().await;
        kills += 1;
        if before == KEYS as i64 || kills == 5 {
            break;
        }
    }
    assert!(kills > 1, "it was killed in the middle: {before} of {KEYS}");
    let serving = start(folder.path(), "one", &database, &url).await;
    wait_until(async || database.number(DEALT_WITH.to_owned()).await == KEYS as i64, || serving.log()).await;
    assert_each_is_told_once(&database, 2).await;
    serving.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_at_once_each_tells_what_the_other_has_not_and_one_may_die() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = TestDatabase::new(Kind::Postgres).await;
    let server = SmtpServer::start(&folder.path().join("mails"), Mode::Plain, None);
    let url = format!("smtp://{}", server.address);
    let one = start(folder.path(), "one", &database, &url).await;
    let admin = set_up(&folder.path().join("one"));
    furnish(&one, &admin, &database).await;
    one.stop();
    let (one, two) =
        tokio::join!(start(folder.path(), "one", &database, &url), start(folder.path(), "two", &database, &url));
    wait_until(async || database.number(DEALT_WITH.to_owned()).await > 0, || two.log()).await;
    one.kill();
    wait_until(async || database.number(DEALT_WITH.to_owned()).await == KEYS as i64, || two.log()).await;
    assert_each_is_told_once(&database, 1).await;
    // The mail goes out once the minute is over in which it gathers.
    database.execute("UPDATE outbox SET next_at = 0 WHERE state = 'waiting'").await;
    let mails = server.wait_for(1).await;
    let (subject, text) = read_text(&mails[0]);
    assert_eq!(subject, format!("Acme: {KEYS} notices about keys"));
    assert!(text.contains(&format!("And {} more", KEYS - 200)), "{}", text.get(..500).unwrap_or_default());
    two.stop();
}
