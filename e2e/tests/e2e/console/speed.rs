//! How little a page is, and that nothing in it moves once it is shown.

use serde_json::{Value, json};

use super::{ADA, PASSWORD, furnish, on_as};
use crate::harness::chromium::{Chromium, View};
use crate::harness::database::{Kind, TestDatabase};
use crate::harness::world::World;

/// The most bytes that cross the wire for the first page and its assets: headers, and bodies as they are packed.
const FIRST_PAGE_MAX: u64 = 100_000;
const PAGES: [&str; 19] = [
    "/overview",
    "/keys",
    "/keys/new",
    "/search?q=orders",
    "/apis",
    "/apis/shop",
    "/api-sets",
    "/gateways",
    "/admin/applications",
    "/admin/users",
    "/admin/roles",
    "/admin/policy",
    "/admin/notices",
    "/admin/webhooks",
    "/admin/mail",
    "/admin/mail/record_link/pl",
    "/admin/audit",
    "/admin/organization",
    "/profile",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_first_page_and_the_overview_after_it_take_at_most_100_kilobytes_of_the_wire() {
    let database = TestDatabase::new(Kind::Sqlite).await;
    let world = World::start_with_password(&database, PASSWORD).await;
    furnish(&world).await;
    let browser = Chromium::open(world.control).await;
    browser.go("/sign-in").await;
    let first = on_the_wire(&browser).await;
    let names: Vec<_> = first.iter().map(|(name, _)| name.as_str()).collect();
    for asset in ["basecoat.css", "console.css", "console.js"] {
        assert!(names.iter().any(|name| name.ends_with(asset)), "{asset} is loaded: {names:?}");
    }
    // Sizes that the browser does not tell would be zero.
    assert!(first.iter().all(|(_, bytes)| *bytes > 0), "nothing was there before: {first:?}");
    browser.sign_in(ADA, PASSWORD).await;
    browser.go("/overview").await;
    let overview = on_the_wire(&browser).await;
    let total: u64 = first.iter().chain(&overview).map(|(_, bytes)| bytes).sum();
    assert!(total <= FIRST_PAGE_MAX, "{total} bytes: {first:#?} {overview:#?}");
    drop(browser);
    world.stop_serving().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_moves_while_a_page_loads_at_a_desk() {
    on_as(View::DESK, nothing_moves).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_moves_while_a_page_loads_on_a_telephone() {
    on_as(View::NARROW, nothing_moves).await;
}

/// On a busy machine a script may come after the first frame and write a relative time in the place of a date: what moves with
/// each of three loads moves.
async fn stands_still(browser: &Chromium, path: &str) {
    let mut moved = json!([]);
    for _ in 0..3 {
        browser.go(path).await;
        moved = shifts(browser).await;
        if moved == json!([]) {
            return;
        }
    }
    panic!("{path} moves: {moved}");
}

async fn nothing_moves(_: &World, browser: &Chromium) {
    for path in PAGES {
        stands_still(browser, path).await;
    }
    browser.forget().await;
    stands_still(browser, "/sign-in").await;
    // The browser would tell.
    let push =
        "const block = document.createElement('div'); block.style.height = '300px'; document.body.prepend(block);";
    browser.script(push, &[]).await;
    assert_ne!(shifts(browser).await, json!([]), "a page that was pushed down has moved");
}

/// The layout shifts of the page until it has been at rest for a while.
async fn shifts(browser: &Chromium) -> Value {
    let script = "const done = arguments[arguments.length - 1]; const seen = []; \
        new PerformanceObserver((list) => list.getEntries().forEach((entry) => seen.push(entry.value))) \
            .observe({type: 'layout-shift', buffered: true}); \
        document.fonts.ready.then(() => setTimeout(() => done(seen), 300));";
    browser.script_with_answer(script).await
}

/// What was loaded for the page, and how many bytes of each came over the wire: none of what the browser had.
async fn on_the_wire(browser: &Chromium) -> Vec<(String, u64)> {
    let script = "return [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')] \
                  .map((entry) => [entry.name, entry.transferSize]);";
    let entries = browser.script(script, &[]).await;
    let entries = entries.as_array().expect("entries").iter();
    entries
        .map(|entry| (entry[0].as_str().unwrap_or_default().to_owned(), entry[1].as_u64().unwrap_or_default()))
        .collect()
}
