//! Every form: whatever is typed into it is said to be wrong by the field and on top, is not lost, and is never taken for markup.

use std::collections::{BTreeSet, VecDeque};

use serde_json::{Value, json};

use super::{call, on};
use crate::harness::app::person;
use crate::harness::chromium::Chromium;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

/// Would show if it were taken for markup, wherever it stands; it goes on with what turns lines around and what takes four bytes.
pub(super) const CANARY: &str =
    "\"><img src=x onerror=\"window.struck=1\"></script><script>window.struck=1</script>'\u{202e}\u{1f511}";
/// The same without what turns lines around, where a name may not have it.
const PLAIN_CANARY: &str =
    "\"><img src=x onerror=\"window.struck=1\"></script><script>window.struck=1</script>'\u{1f511}";
/// As much of it as a short field takes.
const SHORT_CANARY: &str = "\"><img src=x onerror=struck=1>";
/// Pages that are looked at for a canary.
const PAGES_MAX: usize = 90;

/// Fills all fields of text of the main form, and answers them by name; whether a value goes into a field is the browser's
/// business (a number takes no words).
const FILL: &str = "
    const form = document.querySelector('main form.form[method=post]');
    form.noValidate = true;
    form.querySelectorAll('details').forEach((details) => { details.open = true; });
    const typed = {};
    for (const field of form.querySelectorAll('input, textarea')) {
      const kinds = ['text', 'search', 'url', 'email', 'tel', 'number', 'textarea'];
      if (!field.name || field.readOnly || !kinds.includes(field.type)) continue;
      field.value = arguments[0];
      typed[field.name] = field.value;
    }
    return typed;";

/// Sends the main form as its own button does, not as one that only looks something up.
const SEND: &str = "
    const form = document.querySelector('main form.form[method=post]');
    form.noValidate = true;
    window.isOld = true;
    const buttons = [...form.querySelectorAll('button[type=submit]')];
    form.requestSubmit(buttons.find((button) => !button.name) ?? buttons.find((button) => button.value === 'save') ?? buttons[0]);";

/// What stands in the fields now, what is wrong with which, and what is said on top.
const SEEN: &str = "
    const form = document.querySelector('main form.form[method=post]');
    const values = {};
    for (const field of form?.querySelectorAll('input, textarea') ?? []) if (field.name) values[field.name] = field.value;
    const wrong = [...(form?.querySelectorAll('.field-error') ?? [])].map((error) => error.id.replace(/-error$/, ''));
    const untied = wrong.filter((name) => !form.querySelector(`[aria-describedby~=\"${CSS.escape(name)}-error\"]`));
    return {values, wrong, untied, alert: document.querySelector('main [role=alert]')?.innerText ?? null,
            focused: document.activeElement?.getAttribute('role') ?? null};";

pub(super) async fn fill(browser: &Chromium, text: &str) -> Value {
    browser.script(FILL, &[json!(text)]).await
}

pub(super) async fn send(browser: &Chromium) -> Value {
    browser.script(SEND, &[]).await;
    for _ in 0..500 {
        let is_new = "return window.isOld === undefined && document.readyState === 'complete' && document.querySelector('main') !== null";
        if browser.script(is_new, &[]).await == json!(true) {
            return browser.script(SEEN, &[]).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the form leads nowhere at {}", browser.path().await);
}

/// Something of every kind, and the pages with a form: those that make something, then those that change it.
async fn furnished(world: &World) -> (Vec<String>, Vec<String>) {
    person(world.control, &world.token, "bob", &["developer"]).await;
    call(world, "/roles", &json!({"name": "Desk", "authorities": ["keys.manage_own"]})).await;
    let kind = json!({"name": "Handhelds", "slug": "handhelds", "sign_in": "key_only", "api_sets": ["orders-read"]});
    call(world, "/application-types", &kind).await;
    let made = call(world, "/applications", &json!({"name": "Scanner", "type": "handhelds"})).await;
    let application = made["application"]["id"].as_str().expect("an id").to_owned();
    let made = call(world, "/keys", &json!({"name": "Edited", "api_sets": ["orders-read"]})).await;
    let key = made["key"]["id"].as_str().expect("an id").to_owned();
    let kind = Request::get("/api/v1/application-types/handhelds").bearer(&world.token).send(world.control).await;
    let kind = kind.expect(200).json()["id"].as_str().expect("an id").to_owned();
    let portals = json!({"name": "Portals", "slug": "portals", "sign_in": "session", "api_sets": ["orders-read"]});
    call(world, "/application-types", &portals).await;
    call(world, "/applications", &json!({"name": "Portal", "type": "portals"})).await;
    let contact = json!({"id": "C-1", "email": "carol@example.com"});
    let made = json!({"application": "portal", "permission_type": 2, "contact": contact, "profile_user": "ada"});
    let user = call(world, "/api-users", &made).await["api_user"]["id"].as_str().expect("an id").to_owned();
    let made = call(world, "/webhooks", &json!({"name": "Tickets", "url": "https://hooks.example.com/"})).await;
    let hook = made["webhook"]["id"].as_str().expect("an id").to_owned();
    let making = [
        "/keys/new".to_owned(),
        "/profile/keys/new".to_owned(),
        "/admin/users/ada/keys/new".to_owned(),
        format!("/admin/applications/{application}/keys/new"),
        "/admin/users/new".to_owned(),
        "/admin/roles/new".to_owned(),
        "/apis/new".to_owned(),
        "/api-sets/new".to_owned(),
        "/admin/webhooks/new".to_owned(),
        "/admin/applications/new".to_owned(),
        "/admin/applications/types/new".to_owned(),
        "/admin/api-users/of/portals/new".to_owned(),
    ];
    let changing = [
        format!("/keys/{key}/edit"),
        "/admin/users/bob/edit".to_owned(),
        "/admin/roles/desk/edit".to_owned(),
        "/api-sets/orders-read/edit".to_owned(),
        "/apis/shop/edit".to_owned(),
        format!("/admin/applications/{application}/edit"),
        format!("/admin/applications/types/{kind}"),
        format!("/admin/api-users/{user}/edit"),
        "/profile/edit".to_owned(),
        "/admin/policy".to_owned(),
        "/admin/notices".to_owned(),
        format!("/admin/webhooks/{hook}/edit"),
        "/admin/mail/new_account/pl".to_owned(),
        "/admin/organization".to_owned(),
    ];
    (making.into(), changing.into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_form_loses_what_was_typed_and_each_says_what_is_wrong_by_the_field_and_on_top() {
    on(async |world, browser| {
        let (making, changing) = furnished(world).await;
        // In all fields at once it is less than a form may be.
        let long = "x".repeat(20_000);
        let texts = ["", &long, CANARY, "\u{202e}مفتاح \u{1f511}\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} ñ"];
        let key = changing[0].trim_end_matches("/edit").to_owned();
        let asking = ["/apis/import".to_owned(), key];
        for path in making.iter().chain(&changing).chain(&asking) {
            for text in texts {
                browser.go(path).await;
                let typed = fill(browser, text).await;
                let seen = send(browser).await;
                let shown: String = text.chars().take(20).collect();
                if seen["alert"].is_null() {
                    let took = typed.as_object().expect("fields").values().any(|value| *value == json!(long));
                    assert!(!took, "{path}: took a text of {} characters", long.len());
                    continue;
                }
                for (name, value) in typed.as_object().expect("fields") {
                    assert_eq!(
                        &seen["values"][name], value,
                        "{path}: {name} is lost with {shown:?}: {}",
                        seen["alert"]
                    );
                }
                assert_eq!(seen["untied"], json!([]), "{path}: an error that no field is described by, with {shown:?}");
                assert_ne!(seen["wrong"], json!([]), "{path}: nothing by a field with {shown:?}: {}", seen["alert"]);
                assert_eq!(seen["focused"], json!("alert"), "{path}: the summary has the focus");
                let struck = browser.script("return window.struck ?? null", &[]).await;
                assert_eq!(struck, json!(null), "{path}");
            }
        }
    })
    .await;
}

/// What a field takes that does not take every text; the canary within it where that is possible.
fn fitting(name: &str, count: usize) -> String {
    match name {
        "email" | "contact_email" => format!("eve{count}@example.com"),
        "password" => super::PASSWORD.to_owned(),
        "slug" | "username" => format!("canary-{count}"),
        "hosts" => format!("canary-{count}.example.com"),
        "base_paths" => format!("/canary-{count}"),
        "allowed_ips" => format!("203.0.113.7 # {SHORT_CANARY}"),
        "manual_url" | "public_url" | "url" => format!("https://canary-{count}.example.com/"),
        "time_zone" => "UTC".to_owned(),
        "text" | "html" => format!("{{link}} {SHORT_CANARY}"),
        "language" => "en".to_owned(),
        "key_prefix" => "clv".to_owned(),
        _ => String::new(),
    }
}

/// Sends the canary in every field, and in fewer until the form takes it.
async fn plant(browser: &Chromium, path: &str, count: usize) {
    browser.go(path).await;
    fill(browser, CANARY).await;
    let mut tries: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for _ in 0..24 {
        let seen = send(browser).await;
        harmless(browser, path).await;
        if seen["alert"].is_null() {
            return;
        }
        let wrong: BTreeSet<String> = seen["wrong"]
            .as_array()
            .expect("names")
            .iter()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        assert!(!wrong.is_empty(), "{path}: {}", seen["alert"]);
        for name in wrong {
            let count_of = tries.entry(name.clone()).or_default();
            let other = match *count_of {
                0 => PLAIN_CANARY.to_owned(),
                1 => SHORT_CANARY.to_owned(),
                2 if name == "slug" && path == "/apis/shop/edit" => "shop".to_owned(),
                2 if name == "operations" && path.starts_with("/apis") => {
                    format!("GET /canary canary # {SHORT_CANARY}")
                }
                2 if name == "email" && path == "/profile/edit" => super::ADA.to_owned(),
                2 => fitting(&name, count),
                _ => String::new(),
            };
            *count_of += 1;
            // What a choice lacks is chosen.
            let mend = "const field = document.querySelector(`main form.form [name=\"${CSS.escape(arguments[0])}\"]`); \
                        const patterns = document.querySelector('main form.form [name=patterns]'); \
                        if (patterns && arguments[0] === 'operations') patterns.value = 'shop:*'; \
                        if (!field) return; \
                        if (field.type === 'checkbox') field.checked = true; \
                        else if (field.tagName === 'SELECT') [...field.options].find((o) => o.value && !o.selected)?.setAttribute('selected', ''); \
                        else field.value = arguments[1];";
            browser.script(mend, &[json!(name), json!(other)]).await;
        }
    }
    panic!("{path} takes nothing: {}", browser.script(SEEN, &[]).await);
}

/// Nothing of the canary became an element, and nothing ran.
pub(super) async fn harmless(browser: &Chromium, path: &str) {
    let found = "return [window.struck ?? null, document.querySelectorAll('img, [onerror], body script').length]";
    assert_eq!(browser.script(found, &[]).await, json!([null, 0]), "{path}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_in_every_field_is_text_on_every_page() {
    on(async |world, browser| {
        let (making, changing) = furnished(world).await;
        for (count, path) in making.iter().chain(&changing).enumerate() {
            plant(browser, path, count).await;
        }
        for text in [CANARY, PLAIN_CANARY] {
            browser.go("/keys").await;
            browser.set("#search", text).await;
            browser.script("document.querySelector('form.search').requestSubmit()", &[]).await;
            browser.wait_for_text("Search").await;
            harmless(browser, "/search").await;
        }
        // Every page that links lead to.
        let (mut asked, mut todo) = (BTreeSet::new(), VecDeque::from(["/keys".to_owned()]));
        let mut with_canary = 0;
        while let Some(path) = todo.pop_front().filter(|_| asked.len() < PAGES_MAX) {
            if !asked.insert(path.clone()) {
                continue;
            }
            browser.go(&path).await;
            harmless(browser, &path).await;
            let text = browser.text().await;
            let fields = "return [...document.querySelectorAll('main input, main textarea')].map((field) => field.value).join('\\n')";
            let fields = browser.script(fields, &[]).await;
            let has_canary = |text: &str| text.contains("<img src=x");
            with_canary += usize::from(has_canary(&text) || fields.as_str().is_some_and(has_canary));
            let links = "return [...document.querySelectorAll('a[href^=\"/\"]:not([download])')].map((a) => a.getAttribute('href').split('#')[0])";
            let links = browser.script(links, &[]).await;
            let kind = |path: &str| path.split('?').next().unwrap_or_default().to_owned();
            for link in links.as_array().expect("links").iter().filter_map(Value::as_str) {
                // A list is looked at once, however it is sorted.
                let is_known = asked.iter().chain(&todo).any(|known| kind(known) == kind(link));
                if !is_known && !link.starts_with("/api/") && !link.contains("export") {
                    todo.push_back(link.to_owned());
                }
            }
        }
        // The browser says so where something inline wanted to run.
        let complaints = browser.complaints().await;
        let wanted: Vec<_> = complaints.iter().filter(|line| line.contains("Content Security Policy")).collect();
        assert!(wanted.is_empty(), "{wanted:?}");
        assert!(asked.len() > 40 && with_canary > 20, "{with_canary} of {} pages", asked.len());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_is_sent_twice_makes_one_record_of_whatever_kind() {
    on(async |world, browser| {
        let (making, _) = furnished(world).await;
        let count = async |path: &str| {
            let found = Request::get(&format!("/api/v1{path}?limit=100")).bearer(&world.token).send(world.control).await;
            found.expect(200).json()["data"].as_array().expect("rows").len()
        };
        for (page, list, fields) in [
            ("/admin/users/new", "/users", json!({"email": "once@example.com"})),
            ("/admin/roles/new", "/roles", json!({"name": "Once"})),
            ("/apis/new", "/apis", json!({"name": "Once"})),
            ("/api-sets/new", "/api-sets", json!({"name": "Once", "patterns": "shop:*"})),
            ("/admin/applications/types/new", "/application-types", json!({"name": "Once"})),
            ("/admin/applications/new", "/applications", json!({"name": "Once"})),
        ] {
            assert!(making.contains(&page.to_owned()));
            let before = count(list).await;
            browser.go(page).await;
            let twice = "const form = document.querySelector('main form.form[method=post]'); const body = new URLSearchParams(new FormData(form)); \
                         for (const [name, value] of Object.entries(FIELDS)) body.set(name, value); \
                         const send = () => fetch(form.action, {method: 'POST', body}).then((r) => r.status); \
                         const done = arguments[arguments.length - 1]; Promise.all([send(), send()]).then(() => send()).then(done, (error) => done(String(error)))";
            let twice = twice.replace("FIELDS", &fields.to_string());
            browser.script_with_answer(&twice).await;
            // An API brings its General set along.
            assert_eq!(count(list).await, before + 1, "{page}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_edit_of_whatever_kind_keeps_what_was_typed_and_shows_what_stands_there_now() {
    on(async |world, browser| {
        let (_, changing) = furnished(world).await;
        let application =
            changing.iter().find(|path| path.starts_with("/admin/applications/app_")).expect("a page").clone();
        let id = application.split('/').nth(3).expect("an id").to_owned();
        for (page, record) in [
            ("/apis/shop/edit", "/apis/shop".to_owned()),
            (application.as_str(), format!("/applications/{id}")),
            ("/admin/roles/desk/edit", "/roles/desk".to_owned()),
            ("/api-sets/orders-read/edit", "/api-sets/orders-read".to_owned()),
            ("/admin/users/bob/edit", "/users/bob".to_owned()),
            ("/admin/organization", "/organization".to_owned()),
        ] {
            browser.go(page).await;
            let other = json!({"name": "Meanwhile"});
            let patch = Request::new("PATCH", &format!("/api/v1{record}")).json(&other).bearer(&world.token);
            patch.send(world.control).await.expect(200);
            browser.set("#name", "Mine").await;
            let seen = send(browser).await;
            assert_eq!(seen["values"]["name"], "Mine", "{page}: nothing typed is lost");
            let text = browser.text().await;
            assert!(
                text.contains("Somebody else has changed this meanwhile") && text.contains("Meanwhile"),
                "{page}: {text}"
            );
            let seen = send(browser).await;
            assert!(seen["alert"].is_null(), "{page}: then mine takes its place: {}", seen["alert"]);
            let now = Request::get(&format!("/api/v1{record}"))
                .bearer(&world.token)
                .send(world.control)
                .await
                .expect(200)
                .json();
            assert_eq!(now["name"], "Mine", "{page}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_do_not_get_in_each_other_s_way() {
    on(async |world, browser| {
        let made = call(world, "/keys", &json!({"name": "Gone", "api_sets": ["orders-read"]})).await;
        let id = made["key"]["id"].as_str().expect("an id").to_owned();
        browser.go("/apis/new").await;
        browser.fill("#name", "Typed in the first tab").await;
        let first = browser.tab().await;
        browser.open_tab().await;
        // Another session in the second tab: the first one's form bears the token of before.
        browser.go("/keys").await;
        browser.click(".bar > details.menu summary").await;
        browser.press("Sign out").await;
        browser.sign_in(super::ADA, super::PASSWORD).await;
        let second = browser.tab().await;
        browser.go("/keys").await;
        browser.go_to_tab(&first).await;
        let seen = send(browser).await;
        assert_eq!(seen["values"]["name"], "Typed in the first tab", "nothing typed is lost: {}", browser.text().await);
        send(browser).await;
        browser.wait_for_text("Typed in the first tab").await;
        let found =
            Request::get("/api/v1/apis?text=Typed").bearer(&world.token).send(world.control).await.expect(200).json();
        assert_eq!(found["data"].as_array().map(Vec::len), Some(1));
        // What goes in one tab is gone in the other.
        browser.go(&format!("/keys/{id}")).await;
        browser.press("Delete").await;
        browser.click("dialog[open] button[type=submit]").await;
        browser.wait_for_text("Deleted.").await;
        browser.go_to_tab(&second).await;
        browser.click(&format!("#{id} [role=switch]")).await;
        browser.click("dialog[open] button[type=submit]").await;
        browser.wait_for_text("There is nothing here").await;
    })
    .await;
}
