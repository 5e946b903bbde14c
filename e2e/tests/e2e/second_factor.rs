//! Second factors with real servers: each code works once, also at two of them, and what is moved in the database opens nothing.

use std::time::Duration;

use claviger_domain::Clock as _;
use claviger_server::clock::SystemClock;
use serde_json::{Value, json};

use crate::harness::app::{App, PASSWORD, challenge, enter, person};
use crate::harness::browser::Browser;
use crate::harness::database::{Kind, TestDatabase};
use crate::harness::on_both_databases;
use crate::harness::process::{Serving, command, run, text};
use crate::harness::world::World;

const EVE: &str = "eve@example.com";

/// What whoever writes the database may try: the secret and the recovery codes of one person as another's, and a secret that was
/// not confirmed as one in force.
const MOVE_SECRET: &str = "UPDATE user_totp SET last_step = 0, sealed = (SELECT sealed FROM user_totp WHERE user_id = \
     (SELECT id FROM users WHERE email = 'mallory@example.com')) \
     WHERE user_id = (SELECT id FROM users WHERE email = 'eve@example.com')";
const MOVE_CODES: &str = "UPDATE recovery_codes SET user_id = (SELECT id FROM users WHERE email = 'eve@example.com') \
     WHERE user_id = (SELECT id FROM users WHERE email = 'mallory@example.com')";
const TAKE_UNCONFIRMED: &str = "UPDATE user_totp SET last_step = 0, sealed = (SELECT sealed FROM new_totp WHERE user_id = \
     (SELECT id FROM users WHERE email = 'mallory@example.com')) \
     WHERE user_id = (SELECT id FROM users WHERE email = 'mallory@example.com')";

/// What a sign-in in a new browser comes to.
async fn outcome(world: &World, login: &str, code: &str) -> u16 {
    let mut browser = Browser::at(world.control);
    let waits = challenge(&mut browser, login).await;
    enter(&mut browser, &waits, code).await.status
}

/// Somebody with a second factor, in the browser in which they set it up.
async fn with_app(world: &World, name: &str) -> (Browser, App) {
    person(world.control, &world.token, name, &["admin"]).await;
    let mut browser = Browser::signed_in(world.control, &format!("{name}@example.com"), PASSWORD).await;
    let app = App::set_up(&mut browser, world.now()).await;
    world.clock.advance(Duration::from_mins(1));
    (browser, app)
}

on_both_databases! {
    async fn a_person_signs_in_by_password_and_code_and_each_code_works_once(world: &World) {
        let (mut browser, app) = with_app(world, "eve").await;
        let code = app.code(world.now(), 0);
        assert_eq!(outcome(world, EVE, &app.code(world.now(), -2)).await, 401, "two steps ago");
        assert_eq!(outcome(world, EVE, &code).await, 200);
        assert_eq!(outcome(world, EVE, &code).await, 401, "again");
        assert_eq!(outcome(world, EVE, &app.recovery_codes[0]).await, 200);
        assert_eq!(outcome(world, EVE, &app.recovery_codes[0]).await, 401, "again");
        let state = browser.call("GET", "/me/2fa", None).await.expect(200).json();
        assert_eq!((&state["second_factor"], &state["recovery_codes_left"]), (&json!("totp"), &json!(9)));

        world.clock.advance(Duration::from_mins(10));
        browser.call("DELETE", "/me/2fa", None).await.expect(401);
        let by_code = json!({ "code": app.code(world.now(), 0) });
        browser.call("POST", "/session/step-up", Some(&by_code)).await.expect(200);
        browser.call("POST", "/session/step-up", Some(&by_code)).await.expect(403);
        browser.call("DELETE", "/me/2fa", None).await.expect(204);
        Browser::signed_in(world.control, EVE, PASSWORD).await;
        let verified = world.api("GET", "/audit/verify", None).await.expect(200).json();
        assert_eq!(verified["intact"], true, "{verified}");
    }

    async fn codes_are_not_found_by_trying_over_many_challenges(world: &World) {
        let (_, app) = with_app(world, "eve").await;
        let mut refused = 0;
        for _ in 0..20 {
            let mut thief = Browser::at(world.control);
            let first = thief.sign_in(EVE, PASSWORD).await;
            let status = match first.status {
                202 => enter(&mut thief, first.json()["challenge"].as_str().expect("a challenge"), "000000").await.status,
                other => other,
            };
            refused += usize::from(status == 429);
        }
        assert_eq!(refused, 17, "three are free");
        let locked = Browser::at(world.control).sign_in(EVE, PASSWORD).await.expect(429);
        assert!(locked.header("retry-after").is_some());
        world.clock.advance(Duration::from_mins(15));
        assert_eq!(outcome(world, EVE, &app.code(world.now(), 0)).await, 200);
    }
}

/// Each way to a second factor of eve's by what belongs to mallory, written into the database by who may.
async fn moved(kind: Kind) {
    let database = TestDatabase::new(kind).await;
    let world = World::start_on(&database).await;
    let (_, eves) = with_app(&world, "eve").await;
    let (mut mallory, mallorys) = with_app(&world, "mallory").await;
    database.execute(MOVE_SECRET).await;
    database.execute(MOVE_CODES).await;
    let codes = [mallorys.code(world.now(), 0), eves.code(world.now(), 0), mallorys.recovery_codes[0].clone()];
    // A secret that waits for its person is none in force, though it is their own.
    let begun = mallory.call("POST", "/me/2fa", None).await.expect(200).json();
    let waiting = begun["secret"].as_str().expect("a secret").to_owned();
    database.execute(TAKE_UNCONFIRMED).await;
    let own = App::of(waiting).code(world.now(), 0);
    assert_eq!(outcome(&world, "mallory@example.com", &own).await, 401, "never confirmed");
    for code in codes {
        assert_eq!(outcome(&world, EVE, &code).await, 401);
        world.clock.advance(Duration::from_mins(2));
    }
    world.stop_serving().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_moved_in_the_database_opens_nothing_on_sqlite() {
    moved(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_moved_in_the_database_opens_nothing_on_postgres() {
    moved(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_sign_ins_at_once_with_one_code_at_two_servers_one_passes() {
    let database = TestDatabase::new(Kind::Postgres).await;
    let one = World::start_on(&database).await;
    let two = one.second_node(&database).await;
    let (_, app) = with_app(&one, "eve").await;
    let mut browsers = Vec::new();
    for world in [&one, &two] {
        // Each has signed in before, and its own counter of tries since.
        let mut browser = Browser::at(world.control);
        let waits = challenge(&mut browser, EVE).await;
        enter(&mut browser, &waits, &app.code(one.now(), 0)).await.expect(200);
        one.clock.advance(Duration::from_mins(1));
        browsers.push(browser);
    }
    let [first, second] = browsers.as_mut_slice() else { panic!("two browsers") };
    for round in 0..10 {
        let code = if round % 2 == 0 { app.code(one.now(), 0) } else { app.recovery_codes[round / 2].clone() };
        let waits = [challenge(first, EVE).await, challenge(second, EVE).await];
        let (a, b) = tokio::join!(enter(first, &waits[0], &code), enter(second, &waits[1], &code));
        let statuses = [a.status, b.status];
        assert!(statuses == [200, 401] || statuses == [401, 200], "round {round}: {statuses:?}");
        // Whoever was refused comes in by the next code, so that its tries are forgotten.
        one.clock.advance(Duration::from_mins(1));
        let (loser, waits) = if statuses[0] == 401 { (&mut *first, &waits[0]) } else { (&mut *second, &waits[1]) };
        enter(loser, waits, &app.code(one.now(), 0)).await.expect(200);
        one.clock.advance(Duration::from_mins(1));
    }
    for world in [&two, &one] {
        world.stop_serving().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_factor_goes_with_a_backup() {
    let (database, other) = (TestDatabase::new(Kind::Sqlite).await, TestDatabase::new(Kind::Postgres).await);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("claviger.backup");
    let world = World::start_on(&database).await;
    let (_, app) = with_app(&world, "eve").await;
    let mut backup = command(folder.path(), &["backup", file.to_str().expect("a path")]);
    backup.env("CLAVIGER_URL", format!("http://{}", world.control)).env("CLAVIGER_TOKEN", world.local_token());
    assert!(run(backup, "").status.success());
    let mut restore = command(&folder.path().join("data"), &["restore", file.to_str().expect("a path")]);
    restore.env("CLAVIGER_DATABASE_URL", &other.url).env("CLAVIGER_MASTER_SECRET_FILE", world.master_secret());
    let restored = run(restore, "");
    assert!(restored.status.success(), "{}", text(&restored.stderr));
    let moved = world.restored_on(&other).await;
    moved.clock.advance(Duration::from_mins(5));
    assert_eq!(outcome(&moved, EVE, &app.code(moved.now(), 0)).await, 200);
    assert_eq!(outcome(&moved, EVE, &app.recovery_codes[0]).await, 200);
    for world in [&moved, &world] {
        world.stop_serving().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_resets_at_the_command_line_and_no_log_has_a_secret() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let serving = Serving::start_with(&data, &[("CLAVIGER_LOG", "debug")]).await;
    let line = |arguments: &[&str]| run(command(&data, arguments), "");
    let done = line(&["setup", "--organization", "Acme", "--email", "ada@example.com", "--json"]);
    let done: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    person(serving.control, done["token"].as_str().expect("a token"), "eve", &["admin"]).await;
    let mut browser = Browser::signed_in(serving.control, EVE, PASSWORD).await;
    let app = App::set_up(&mut browser, SystemClock::new().now()).await;
    let mut other = Browser::at(serving.control);
    let waits = challenge(&mut other, EVE).await;
    enter(&mut other, &waits, "000000").await.expect(401);
    enter(&mut other, &waits, &app.recovery_codes[0]).await.expect(200);

    assert_eq!(line(&["user", "reset-2fa", "nobody@example.com"]).status.code(), Some(1));
    let reset = line(&["user", "reset-2fa", EVE]);
    assert_eq!((reset.status.code(), text(&reset.stdout).trim()), (Some(0), "reset"), "{}", text(&reset.stderr));
    other.call("GET", "/me", None).await.expect(401);
    Browser::signed_in(serving.control, EVE, PASSWORD).await;
    let (log, arguments) = (serving.log(), serving.arguments());
    serving.stop();
    assert!(log.contains("/api/v1/sign-in/code"), "the log has the calls: {log}");
    for secret in app.recovery_codes.iter().chain([&app.base32, &waits, &other.session()]) {
        for form in [secret.clone(), secret.replace('-', "")] {
            assert!(!log.contains(&form) && !arguments.contains(&form));
        }
    }
}
