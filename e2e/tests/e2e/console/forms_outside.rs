//! The forms before one has signed in: nothing typed is lost but passwords, and nothing is taken for markup.

use std::time::Duration;

use serde_json::json;

use super::forms::{CANARY, fill, harmless, send};
use super::{PASSWORD, furnish};
use crate::harness::chromium::{Chromium, View};
use crate::harness::database::{Kind, TestDatabase};
use crate::harness::world::World;

/// Sends texts of every kind by the form at `path`.
async fn loses_nothing(world: &World, browser: &Chromium, path: &str) {
    let long = "x".repeat(20_000);
    for text in ["", &long, CANARY, "\u{202e}مفتاح \u{1f511} ñ"] {
        // An address may try so often a minute.
        world.clock.advance(Duration::from_mins(2));
        browser.go(path).await;
        let typed = fill(browser, text).await;
        let password = "for (const field of document.querySelectorAll('input[type=password]')) field.value = 'a password that is not kept'";
        browser.script(password, &[]).await;
        let seen = send(browser).await;
        harmless(browser, path).await;
        let shown: String = text.chars().take(20).collect();
        assert!(seen["alert"].is_string(), "{path}: nothing is said of {shown:?}: {}", browser.text().await);
        for (name, value) in typed.as_object().expect("fields") {
            assert_eq!(&seen["values"][name], value, "{path}: {name} is lost with {shown:?}: {}", seen["alert"]);
        }
        assert_eq!(seen["untied"], json!([]), "{path}: an error that no field is described by, with {shown:?}");
        assert!(!browser.source().await.contains("a password that is not kept"), "{path}: a password is typed again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_form_before_the_sign_in_loses_what_was_typed() {
    let database = TestDatabase::new(Kind::Sqlite).await;
    let world = World::start_with_password(&database, PASSWORD).await;
    furnish(&world).await;
    let browser = Chromium::open_as(world.control, View::DESK).await;
    // Where no mail is sent, nobody is asked for an address to send a link to.
    for path in ["/sign-in", "/password-reset", "/invitation", "/new-address", "/password"] {
        loses_nothing(&world, &browser, path).await;
    }
    drop(browser);
    world.stop_serving().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_set_up_loses_nothing_that_was_typed() {
    let database = TestDatabase::new(Kind::Sqlite).await;
    let world = World::start_empty(&database).await;
    let link = world.setup_link().await;
    let path = link.split_once("/setup").map(|(_, token)| format!("/setup{token}")).expect("a link");
    let browser = Chromium::open_as(world.control, View::DESK).await;
    loses_nothing(&world, &browser, &path).await;
    drop(browser);
    world.stop_serving().await;
}
