//! The organization's keys and one's own, as Yespo, CERRIX and Gotransverse describe their screens.

use serde_json::json;

use super::{call, on};
use crate::harness::chromium::Chromium;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

/// Whether a key passes at the door.
async fn passes(world: &World, secret: &str) -> bool {
    let question = json!({"credential": secret, "method": "GET", "path": "/orders", "api": "shop"});
    let answer = Request::post("/v1/verify", &question).send(world.doors).await.expect(200).json();
    answer["valid"] == true
}

async fn listed(world: &World) -> Vec<serde_json::Value> {
    let keys = Request::get("/api/v1/keys").bearer(&world.token).send(world.control).await.expect(200).json();
    keys["data"].as_array().expect("rows").clone()
}

/// A key of the organization by the API, and the page of the list.
async fn with_key(world: &World, browser: &Chromium) -> (String, String) {
    let made = call(world, "/keys", &json!({"name": "Shop window", "api_sets": ["orders-read"]})).await;
    browser.go("/keys").await;
    let text = |member: &serde_json::Value| member.as_str().expect("a text").to_owned();
    (text(&made["key"]["id"]), text(&made["secret"]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_07_y_08_the_profile_leads_to_settings_api_and_its_new_key_button() {
    on(async |_, browser| {
        browser.click(".bar > details.menu summary").await;
        browser.press("Settings → API").await;
        assert_eq!(browser.path().await, "/keys");
        browser.press("New key").await;
        assert_eq!(browser.path().await, "/keys/new");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_09_y_10_y_29_a_key_is_made_with_description_and_right_alone() {
    on(async |world, browser| {
        browser.go("/keys/new").await;
        let choices =
            browser.script("return [...document.querySelectorAll('#right option')].map((o) => o.text)", &[]).await;
        assert_eq!(
            choices,
            json!(["Choose…", "Full access", "Read orders"]),
            "least by default, General is not offered"
        );
        assert_eq!(browser.value("#right").await, "");
        browser.fill("#description", "Shop window").await;
        browser.choose("#right", "orders-read").await;
        browser.click("main form button[type=submit]").await;
        browser.wait_for("shown-once").await;
        let secret = browser.value("#secret").await;
        assert!(passes(world, &secret).await, "enabled by default (Y-29)");
        // A second one of the same description is called otherwise.
        browser.take().await;
        browser.go("/keys/new").await;
        browser.fill("#description", "Shop window").await;
        browser.choose("#right", "orders-read").await;
        browser.click("main form button[type=submit]").await;
        browser.wait_for("shown-once").await;
        let names: Vec<_> = listed(world).await.iter().map(|key| key["name"].clone()).collect();
        assert!(names.contains(&json!("Shop window")) && names.contains(&json!("Shop window 2")), "{names:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_20_on_this_page_a_right_must_be_chosen_and_nothing_typed_is_lost() {
    on(async |world, browser| {
        browser.go("/keys/new").await;
        browser.fill("#description", "Ünicode <b>ö</b> 🔑").await;
        browser.click("main form button[type=submit]").await;
        browser.wait_for("[role=alert]").await;
        assert!(browser.has("#right-error").await, "by the field");
        assert_eq!(browser.value("#description").await, "Ünicode <b>ö</b> 🔑");
        assert_eq!(listed(world).await.len(), 1, "only the set-up's");
        browser.fill("#description", " ").await;
        browser.choose("#right", "orders-read").await;
        browser.click("main form button[type=submit]").await;
        browser.wait_for("#description-error").await;
        assert_eq!(browser.value("#right").await, "orders-read");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_13_y_14_y_15_y_16_y_17_y_18_the_list_shows_each_key_masked_with_creator_time_right_and_description() {
    on(async |world, browser| {
        let body = json!({"name": "Shop window", "description": "The <i>shop</i>", "api_sets": ["orders-read"]});
        let made = call(world, "/keys", &body).await;
        browser.go("/keys").await;
        let id = made["key"]["id"].as_str().expect("an id");
        let row = browser.script("return document.getElementById(arguments[0]).innerText", &[json!(id)]).await;
        let row = row.as_str().expect("a row");
        let hint = made["key"]["hint"].as_str().expect("a hint");
        for part in ["Shop window", hint, "setup", "orders-read", "The <i>shop</i>", "Active", "Never"] {
            assert!(row.contains(part), "no {part} in {row}");
        }
        let secret = made["secret"].as_str().expect("a secret");
        assert!(!browser.source().await.contains(secret), "masked");
        let at = browser.script("return document.querySelector('main time').title", &[]).await;
        assert!(at.as_str().is_some_and(|at| at.ends_with('Z')), "the UTC value on hover: {at}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_13_search_and_filters_narrow_the_list() {
    on(async |world, browser| {
        for name in ["Alpha", "Beta"] {
            call(world, "/keys", &json!({"name": name, "api_sets": ["orders-read"], "disabled": name == "Beta"})).await;
        }
        browser.go("/keys").await;
        browser.fill("#text", "alph").await;
        browser.press("Search").await;
        browser.wait_for_text("Show all").await;
        assert!(!browser.text().await.contains("Beta"));
        browser.go("/keys").await;
        browser.choose("#state", "disabled").await;
        browser.wait_for_text("Show all").await;
        let text = browser.text().await;
        assert!(text.contains("Beta") && !text.contains("Alpha"), "{text}");
        browser.fill("#text", "nothing like it").await;
        browser.press("Search").await;
        browser.wait_for_text("Nothing fits").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_19_y_30_y_31_y_32_y_33_the_switch_of_a_row_disables_after_yes_and_enables_again() {
    on(async |world, browser| {
        let (id, secret) = with_key(world, browser).await;
        let switch = format!("#{id} [role=switch]");
        browser.script("window.stays = true", &[]).await;
        browser.click(&switch).await;
        browser.wait_for("dialog[open]").await;
        let asked = browser.script("return document.querySelector('dialog[open]').innerText", &[]).await;
        let asked = asked.as_str().expect("a question");
        assert!(
            asked.contains("Shop window") && asked.contains("never used"),
            "names the key and its last use: {asked}"
        );
        browser.click("dialog[open] [data-close]").await;
        assert!(passes(world, &secret).await, "Cancel changes nothing");
        browser.click(&switch).await;
        browser.click("dialog[open] button[type=submit]").await;
        browser.wait_for(&format!("{switch}[aria-checked=false]")).await;
        assert!(!passes(world, &secret).await);
        let row = browser.script("return document.getElementById(arguments[0]).innerText", &[json!(id)]).await;
        assert!(row.as_str().is_some_and(|row| row.contains("Disabled") && row.contains("by ada")), "{row}");
        let said = browser.script("return document.getElementById('said').textContent", &[]).await;
        assert_eq!(said, json!("Shop window: Disabled. Requests with this key are refused from now on."));
        browser.click(&switch).await;
        browser.wait_for(&format!("{switch}[aria-checked=true]")).await;
        assert!(passes(world, &secret).await);
        assert_eq!(browser.script("return window.stays", &[]).await, json!(true), "without a reload");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_35_y_36_options_edit_changes_description_and_rights_and_a_stale_edit_says_so() {
    on(async |world, browser| {
        let (id, secret) = with_key(world, browser).await;
        browser.click(&format!("#{id} .row-menu summary")).await;
        browser.press("Edit").await;
        browser.fill("#description", "Now described").await;
        browser.click("main form button[type=submit]").await;
        browser.wait_for_text("Saved.").await;
        assert!(browser.text().await.contains("Now described") && passes(world, &secret).await);
        browser.go(&format!("/keys/{id}/edit")).await;
        let other = json!({"description": "Meanwhile"});
        let patch = Request::new("PATCH", &format!("/api/v1/keys/{id}")).json(&other).bearer(&world.token);
        patch.send(world.control).await.expect(200);
        browser.fill("#name", "Mine").await;
        browser.click("main form button[type=submit]").await;
        browser.wait_for_text("Somebody else has changed this meanwhile").await;
        assert_eq!(browser.value("#name").await, "Mine", "nothing typed is lost");
        assert!(browser.text().await.contains("Meanwhile"), "what stands there now");
        browser.press("Cancel").await;
        assert!(browser.text().await.contains("Shop window"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_37_y_38_options_delete_asks_and_the_key_is_gone() {
    on(async |world, browser| {
        let (id, secret) = with_key(world, browser).await;
        browser.click(&format!("#{id} .row-menu summary")).await;
        browser.press("Delete").await;
        browser.wait_for("dialog[open]").await;
        let asked = browser.script("return document.querySelector('dialog[open]').innerText", &[]).await;
        assert!(asked.as_str().is_some_and(|text| text.contains("Shop window") && text.contains("cannot be undone")));
        browser.click("dialog[open] [data-close]").await;
        browser.wait_for("body:not(:has(dialog[open], details.menu[open]))").await;
        assert!(passes(world, &secret).await);
        browser.click(&format!("#{id} .row-menu summary")).await;
        browser.press("Delete").await;
        browser.click("dialog[open] button[type=submit]").await;
        // Deleting cannot be undone: who has not signed in of late proves it again.
        browser.wait_for_text("Deleted.").await;
        assert!(!browser.has(&format!("#{id}")).await && !passes(world, &secret).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keys_of_a_list_are_rotated_together_with_progress_and_one_file_of_secrets() {
    on(async |world, browser| {
        let mut olds = Vec::new();
        for number in 0..45 {
            let body = json!({"name": format!("Shop {number:02}"), "api_sets": ["orders-read"], "tags": ["shop"]});
            let made = call(world, "/keys", &body).await;
            olds.push(made["secret"].as_str().expect("a secret").to_owned());
            if number == 44 {
                let id = made["key"]["id"].as_str().expect("an id");
                let path = format!("/api/v1/keys/{id}/disable");
                Request::post(&path, &json!({})).bearer(&world.token).send(world.control).await.expect(200);
            }
        }
        let (_, other) = with_key(world, browser).await;
        browser.go("/keys?tag=shop").await;
        browser.press("Rotate these").await;
        browser.wait_for_text("45 keys fit").await;
        assert!(browser.text().await.contains("shop"), "what the list was narrowed by");
        browser.press("Rotate 45 keys").await;
        browser.wait_for_text("44 rotated. Save the file").await;
        assert!(browser.text().await.contains("1 not rotated: the file says why."));
        browser.press("Save the file").await;
        let file = browser.downloaded("rotated-keys.csv").await;
        let rows: Vec<Vec<&str>> = file.lines().map(|line| line.trim_matches('"').split("\",\"").collect()).collect();
        assert_eq!((rows.len(), rows[0][8], rows[0][11]), (46, "secret", "code"), "{}", rows[0].join(","));
        let (new, refused): (Vec<_>, Vec<_>) = rows[1..].iter().partition(|row| !row[8].is_empty());
        assert_eq!((new.len(), refused[0][1], refused[0][11]), (44, "Shop 44", "conflict"));
        for row in new {
            assert!(passes(world, row[8]).await, "{}", row[1]);
        }
        assert!(
            passes(world, &olds[0]).await && passes(world, &other).await,
            "for the overlap, and what was not listed"
        );
        browser.go("/keys?tag=nobody").await;
        assert!(!browser.text().await.contains("Rotate these"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_says_when_each_key_ends_from_now_on_and_the_day_on_hover() {
    on(async |world, browser| {
        let (id, _) = with_key(world, browser).await;
        let body = json!({"name": "Ending", "api_sets": ["orders-read"], "expires_at": "2026-01-30"});
        let ending = call(world, "/keys", &body).await;
        let ending = ending["key"]["id"].as_str().expect("an id").to_owned();
        browser.go("/keys").await;
        let column = "const column = [...document.querySelectorAll('thead th')].findIndex((head) => head.innerText === 'Expires'); \
                      const cell = document.getElementById(arguments[0]).children[column]; return [cell.innerText, cell.querySelector('time')?.title ?? null]";
        assert_eq!(browser.script(column, &[json!(id)]).await, json!(["No end", null]));
        let shown = browser.script(column, &[json!(ending)]).await;
        assert_eq!(shown, json!(["in 30 days", "30 Jan 2026 · 2026-01-31T00:00:00Z"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_menu_closes_when_its_question_does_and_when_the_focus_leaves_it_and_long_names_keep_to_the_question() {
    on(async |world, browser| {
        let name = "n".repeat(100);
        let made = call(world, "/keys", &json!({"name": name, "api_sets": ["orders-read"]})).await;
        let id = made["key"]["id"].as_str().expect("an id");
        browser.go("/keys").await;
        let summary = format!("#{id} .row-menu summary");
        browser.click(&summary).await;
        browser.press("Delete").await;
        browser.wait_for("dialog[open]").await;
        let wide = "const asked = document.querySelector('dialog[open]'); return asked.scrollWidth - asked.clientWidth";
        assert_eq!(browser.script(wide, &[]).await, json!(0), "the name wraps");
        browser.press("Keep it").await;
        browser.wait_for("body:not(:has(dialog[open], details.menu[open]))").await;
        let focused = "return document.activeElement === document.querySelector(arguments[0])";
        assert_eq!(browser.script(focused, &[json!(summary)]).await, json!(true), "back at the menu's button");
        browser.keys("\u{e007}").await;
        browser.wait_for("details.menu[open]").await;
        browser.script("document.querySelector('#text').focus()", &[]).await;
        // The focus has left it.
        browser.wait_for("body:not(:has(details.menu[open]))").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_39_a_replacement_has_the_same_settings_and_another_value() {
    on(async |world, browser| {
        let (id, secret) = with_key(world, browser).await;
        browser.go(&format!("/keys/{id}/replace")).await;
        // Which key it replaces and what the new one may do are seen without opening anything.
        let text = browser.text().await;
        for part in ["Replacement for Shop window", "the settings of Shop window", "Access rights: orders-read"] {
            assert!(text.contains(part), "no {part} in {text}");
        }
        assert_eq!(browser.value("#right").await, "orders-read");
        assert_eq!(
            browser.script("return document.querySelectorAll('details.advanced[open]').length", &[]).await,
            json!(0)
        );
        // A form that fails does not forget it.
        browser.fill("#description", " ").await;
        browser.click("main form button[type=submit]").await;
        browser.wait_for("#description-error").await;
        assert!(browser.text().await.contains("Replacement for Shop window"));
        browser.fill("#description", "Shop window, second").await;
        browser.click("main form button[type=submit]").await;
        browser.wait_for("shown-once").await;
        let second = browser.value("#secret").await;
        assert!(second != secret && passes(world, &second).await);
        assert!(browser.text().await.contains("disable the one that it replaces: Shop window"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_04_c_05_c_06_c_08_c_13_view_profile_api_keys_add_makes_a_pair_with_its_first_year() {
    on(async |world, browser| {
        browser.click(".bar > details.menu summary").await;
        browser.press("View profile").await;
        browser.press("API Keys").await;
        assert_eq!(browser.path().await, "/profile/keys");
        browser.press("Add").await;
        browser.fill("#name", "My import").await;
        browser.set("#expires_at", "2026-03-01").await;
        browser.fill("#allowed_ips", "203.0.113.7 # office\n2001:db8::/32").await;
        browser.click("input[name=api_sets][value=orders-read]").await;
        browser.click("main form button[type=submit]").await;
        browser.wait_for("shown-once").await;
        let (identifier, password) = (browser.value("#identifier").await, browser.value("#password").await);
        let ask = async |ip: &str| {
            let question = json!({"identifier": identifier, "password": password, "method": "GET", "path": "/orders", "api": "shop", "client_ip": ip});
            Request::post("/v1/verify", &question).send(world.doors).await.expect(200).json()["code"].clone()
        };
        assert_eq!(ask("203.0.113.7").await, "VALID");
        assert_eq!(ask("203.0.113.8").await, "IP_NOT_ALLOWED");
        let env = browser.value("#env").await;
        assert!(env.contains(&identifier) && env.contains(&password), "a snippet for .env");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_09_an_end_past_the_cap_is_refused_by_the_field_with_the_latest_day() {
    on(async |_, browser| {
        browser.go("/profile/keys/new").await;
        browser.fill("#name", "Too long").await;
        browser.set("#expires_at", "2027-01-02").await;
        browser.click("input[name=api_sets][value=orders-read]").await;
        browser.click("main form button[type=submit]").await;
        browser.wait_for("#expires_at-error").await;
        let said = browser.script("return document.querySelector('#expires_at-error').innerText", &[]).await;
        assert!(said.as_str().is_some_and(|said| said.contains("2026-12-31") || said.contains("2027-01-0")), "{said}");
        assert_eq!(browser.value("#name").await, "Too long");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_14_c_16_bad_addresses_are_named_by_their_line_and_one_s_own_is_offered() {
    on(async |_, browser| {
        browser.go("/profile/keys/new").await;
        browser.fill("#name", "Addresses").await;
        browser.press("Add my current IP").await;
        assert_eq!(browser.value("#allowed_ips").await, "127.0.0.1");
        assert!(browser.text().await.contains("an address of this network"), "warns where it is a local one");
        browser.fill("#allowed_ips", "203.0.113.7\n300.1.1.1").await;
        browser.click("input[name=api_sets][value=orders-read]").await;
        browser.click("main form button[type=submit]").await;
        browser.wait_for("#allowed_ips-error").await;
        let said = browser.script("return document.querySelector('#allowed_ips-error').innerText", &[]).await;
        let said = said.as_str().expect("a text");
        assert!(said.starts_with("Line 2, “300.1.1.1”: "), "{said}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_21_a_form_that_is_sent_twice_makes_one_key() {
    on(async |world, browser| {
        browser.go("/profile/keys/new").await;
        browser.fill("#name", "Once").await;
        browser.click("input[name=api_sets][value=orders-read]").await;
        let twice = "const form = document.querySelector('main form'); const body = new URLSearchParams(new FormData(form)); \
                     const send = () => fetch(form.action, {method: 'POST', body}).then((r) => r.text()); \
                     const done = arguments[arguments.length - 1]; send().then((first) => send().then((second) => done([first, second])))";
        let answers = browser.script_with_answer(twice).await;
        assert!(answers[0].as_str().is_some_and(|page| page.contains("shown-once")));
        let second = answers[1].as_str().expect("a page");
        assert!(second.contains("This key is already created") && !second.contains("shown-once"), "{second}");
        let own = listed(world).await.into_iter().filter(|key| key["name"] == "Once").count();
        assert_eq!(own, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g_04_g_05_g_06_g_11_g_14_g_15_g_16_g_17_admin_users_generate_key_with_two_lists() {
    on(async |world, browser| {
        browser.press("Users").await;
        browser.click("main th[scope=row] a").await;
        assert!(browser.text().await.contains("User Account Details"));
        browser.press("Generate key").await;
        assert!(browser.text().await.contains("New API Key"));
        let required = browser.script("return [...document.querySelectorAll('main .required')].map((e) => e.parentElement.firstChild.textContent.trim())", &[]).await;
        assert_eq!(required, json!(["Name"]), "the asterisk is on the name alone");
        browser.fill("#name", "Window").await;
        let lists = "return ['available', 'selected'].map((side) => [...document.querySelectorAll(`#api_sets-${side}-api option`)].map((o) => o.value))";
        let before = browser.script(lists, &[]).await;
        assert_eq!(before[1], json!([]), "all start in Available: {before}");
        let add = "dual-list .dual-buttons button:first-child";
        assert_eq!(browser.script("return document.querySelector(arguments[0]).disabled", &[json!(add)]).await, json!(true));
        browser.click("#api_sets-available-api option[value=orders-read]").await;
        browser.click(add).await;
        assert_eq!(browser.script(lists, &[]).await[1], json!(["orders-read"]));
        browser.click("#api_sets-selected-api option[value=orders-read]").await;
        browser.click("dual-list .dual-buttons button:nth-child(3)").await;
        assert_eq!(browser.script(lists, &[]).await, before, "and back");
        // By keyboard: to the option, Enter moves it.
        browser.click("#api_sets-available-api option[value=orders-read]").await;
        browser.keys("\u{e007}").await;
        assert_eq!(browser.script(lists, &[]).await[1], json!(["orders-read"]));
        browser.press("Finish").await;
        browser.wait_for("shown-once").await;
        assert!(browser.text().await.contains("Save generated key"));
        assert!(passes(world, &browser.value("#secret").await).await, "it exists from this moment");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g_03_on_another_person_s_page_there_is_no_button_and_its_address_leads_to_no_form() {
    on(async |world, browser| {
        let made = call(world, "/users", &json!({"email": "bob@example.com", "roles": []})).await;
        let id = made["id"].as_str().expect("an id");
        browser.go(&format!("/admin/users/{id}")).await;
        let text = browser.text().await;
        assert!(text.contains("User Account Details") && !text.contains("Generate key"), "{text}");
        browser.go(&format!("/admin/users/{id}/keys/new")).await;
        assert!(!browser.has("main form").await, "Admin included: {}", browser.text().await);
        let token = &world.token;
        let body = json!({"name": "Not mine", "api_sets": ["orders-read"]});
        let asked = world.api_as(token, "POST", &format!("/users/{id}/keys"), Some(&body)).await;
        assert!(asked.status == 403 || asked.status == 409, "{}", asked.text());
    })
    .await;
}
