//! *Web service - Users*: the list, the form, and a user's page.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ADA, accessible, call, nothing_serious, on, on_as};
use crate::harness::app::person;
use crate::harness::chromium::{Chromium, View};
use crate::harness::world::World;
use crate::webservice::portal::{PASSWORD, Portal, USER};

pub(super) const SAVE: &str = "main form.form button[type=submit]";

/// The pages, with something on them.
pub(super) async fn furnished(world: &World) -> Vec<String> {
    let portal = Portal::new(world).await;
    portal.sign_in().await;
    portal.refusal(portal.login(USER, "another one")).await;
    let contact = json!({"id": "C-1042", "email": "somebody.with.a.rather.long.address@engineering.example.com"});
    let long = json!({"permission_type": 3, "contact": contact, "active": false, "sign_in_method": "password_2fa"});
    let long = portal.add_user("somebody.with.a.rather.long.address@engineering.example.com", long).await;
    let fixed =
        ["/admin/api-users", "/admin/api-users/of/webservice-standard", "/admin/api-users/of/webservice-standard/new"];
    let own = ["", "/edit", "/password", "/history"].map(|end| format!("/admin/api-users/{}{end}", portal.user));
    let other = [format!("/admin/api-users/{long}"), format!("/admin/api-users/{long}/edit")];
    fixed.into_iter().map(str::to_owned).chain(own).chain(other).collect()
}

async fn nothing_serious_on(view: View) {
    on_as(view, async |world, browser| {
        browser.go("/admin/api-users").await;
        nothing_serious(browser, "no types").await;
        accessible(browser, &furnished(world).await).await;
        browser.go("/admin/api-users/of/webservice-standard/new").await;
        browser.choose("#permission_type", "2").await;
        browser.press("Generate").await;
        browser.click(SAVE).await;
        nothing_serious(browser, "a form that is filled in").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_serious_on_the_pages_of_api_users_in_light() {
    nothing_serious_on(View::DESK).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_serious_on_the_pages_of_api_users_in_the_dark() {
    nothing_serious_on(View::DARK).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_serious_on_the_pages_of_api_users_on_a_telephone() {
    nothing_serious_on(View::NARROW).await;
}

/// The texts of what fits and is in sight.
async fn texts(browser: &Chromium, css: &str) -> Vec<String> {
    let script = "return [...document.querySelectorAll(arguments[0])].filter((e) => e.checkVisibility()).map((e) => e.innerText.trim().replace(/\\s+\\*$/, '*'))";
    let found = browser.script(script, &[json!(css)]).await;
    found.as_array().expect("texts").iter().map(|text| text.as_str().expect("a text").to_owned()).collect()
}

/// What a list offers.
async fn options(browser: &Chromium, css: &str) -> Vec<String> {
    let script = "return [...document.querySelector(arguments[0]).options].map((option) => option.text)";
    let found = browser.script(script, &[json!(css)]).await;
    found.as_array().expect("options").iter().map(|text| text.as_str().expect("a text").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_09_each_type_with_users_has_a_tab_even_when_empty_that_lists_searches_and_pages() {
    on(async |world, browser| {
        world.api("POST", "/application-types/predefined", None).await.expect(200);
        browser.press("Web service - Users").await;
        assert_eq!(browser.path().await, "/admin/api-users");
        let tabs = ["Manage consents", "SMS", "Webservice Premium", "Webservice Standard"];
        assert_eq!(texts(browser, "main .subplaces a").await, tabs, "no tab for types whose calls bear a key alone");
        browser.press("Webservice Standard").await;
        browser.wait_for_text("No users of Webservice Standard yet").await;
        assert!(browser.text().await.contains("Add the application first"), "it explains what is missing");

        let portal = Portal::add(world, "Shop", "webservice-standard", "WebserviceStandard").await;
        let contact = json!({"permission_type": 2, "contact": {"id": "C-7", "email": "bob@partner.example"}, "sign_in_method": "password_2fa"});
        portal.add_user("bob", contact).await;
        for number in 0..26 {
            let body = json!({"application": portal.id, "user_name": format!("user{number:02}"), "permission_type": 1, "profile_user": ADA});
            call(world, "/api-users", &body).await;
        }
        browser.go("/admin/api-users/of/webservice-standard").await;
        let columns = ["User name", "Server", "Type", "Permission profile", "Status", "Authentication method", "Last sign-in"];
        assert_eq!(texts(browser, "main thead th").await, columns);
        let row = texts(browser, "main tbody tr:first-child > *").await;
        assert_eq!(row[..3], ["bob", "Shop", "2 – Account"]);
        assert_eq!((row[4].as_str(), row[5].as_str(), row[6].as_str()), ("Active", "Password + 2FA", "Never"));
        assert!(row[3].contains("ada"), "the profile user's name: {row:?}");
        assert_eq!(texts(browser, "main tbody tr").await.len(), 25);
        browser.press("Next page").await;
        browser.wait_for_text("First page").await;
        assert_eq!(texts(browser, "main tbody th").await, ["user24", "user25"]);
        browser.fill("#text", "partner.example").await;
        browser.press("Search").await;
        browser.wait_for_text("Show all").await;
        assert_eq!(texts(browser, "main tbody th").await, ["bob"]);

        portal.result(portal.login("bob", PASSWORD)).await;
        browser.go("/admin/api-users/of/webservice-standard?text=bob").await;
        assert!(texts(browser, "main tbody tr > *").await[6].contains("2025") || texts(browser, "main tbody tr > *").await[6].contains("2026"));
        browser.press("SMS").await;
        browser.wait_for_text("No users of SMS yet").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_10_f_11_f_14_f_15_a_record_is_added_in_the_order_of_the_dialog_and_nothing_typed_is_lost() {
    on(async |world, browser| {
        let portal = Portal::new(world).await;
        let second = Portal::add(world, "Second", "webservice-standard", "WebserviceStandard").await;
        let off = Portal::add(world, "Off", "webservice-standard", "WebserviceStandard").await;
        world.api("POST", &format!("/applications/{}/disable", off.id), None).await.expect(200);
        browser.go("/admin/api-users/of/webservice-standard").await;
        browser.press("Add record").await;
        browser.wait_for("#server").await;
        let servers = options(browser, "#server").await;
        assert!(servers.len() == 3 && !servers.iter().any(|server| server.contains("Off")), "active ones: {servers:?}");
        let hint = second.key.get(second.key.len() - 4..).expect("its end");
        assert!(servers.iter().any(|server| server.starts_with("Second (") && server.contains(hint)), "{servers:?}");
        assert!(!browser.source().await.contains(&second.key));
        let types = options(browser, "#permission_type").await;
        assert_eq!(types.iter().map(|text| &text[..1]).collect::<Vec<_>>(), ["1", "2", "3", "4", "5"]);

        let of_type_1 =
            ["Server*", "Active", "Password*", "Type*", "Permission profile*", "Authentication method*", "User name"];
        assert_eq!(texts(browser, "main form.form label").await[..7], of_type_1, "no contact, and no second step");
        browser.choose("#permission_type", "4").await;
        browser.choose("#sign_in_method", "password_2fa").await;
        let in_order = [
            "Server*",
            "Active",
            "Password*",
            "Type*",
            "Contact ID*",
            "Contact e-mail*",
            "Permission profile*",
            "Authentication method*",
            "2FA authentication method",
        ];
        assert_eq!(texts(browser, "main form.form label").await[..9], in_order);

        // The name is that of whom it stands for.
        let ada = world.api("GET", "/users/ada@example.com", None).await.expect(200).json();
        browser.choose("#permission_type", "1").await;
        browser.choose("#profile_user", ada["id"].as_str().expect("an id")).await;
        assert_eq!(browser.value("#user_name").await, ADA);
        browser.choose("#permission_type", "4").await;
        browser.fill("#contact_email", "eve@partner.example").await;
        assert_eq!(browser.value("#user_name").await, "eve@partner.example");

        // Everything is checked by the server, and stands there again.
        browser.choose("#server", "second").await;
        browser.fill("#password", "short").await;
        browser.fill("#language", "pl-PL").await;
        browser.script("document.querySelector('main form.form').noValidate = true", &[]).await;
        browser.click(SAVE).await;
        browser.wait_for("#contact_id-error").await;
        assert_eq!(browser.value("#contact_email").await, "eve@partner.example");
        assert_eq!(
            (browser.value("#server").await, browser.value("#permission_type").await),
            ("second".to_owned(), "4".to_owned())
        );
        assert_eq!(
            (browser.value("#user_name").await, browser.value("#language").await),
            ("eve@partner.example".to_owned(), "pl-PL".to_owned())
        );
        assert_eq!(browser.value("#sign_in_method").await, "password_2fa");
        browser.fill("#contact_id", "C-9").await;
        browser.fill("#password", "eve@partner.example").await;
        browser.click(SAVE).await;
        browser.wait_for("#password-error").await;
        assert_eq!(browser.value("#contact_id").await, "C-9");
        browser.fill("#password", PASSWORD).await;
        browser.click(SAVE).await;
        browser.wait_for_text("Created.").await;
        let listed = world.api("GET", "/api-users?text=eve", None).await.expect(200).json();
        let made = &listed["data"][0];
        assert_eq!((&made["application"]["name"], &made["permission_type"]), (&json!("Second"), &json!(4)));
        assert_eq!(
            (&made["contact"], &made["language"]),
            (&json!({"id": "C-9", "email": "eve@partner.example"}), &json!("pl-PL"))
        );
        assert_eq!((&made["sign_in_method"], &made["active"]), (&json!("password_2fa"), &json!(true)));
        second.result(second.login("eve@partner.example", PASSWORD)).await;

        // The same name again.
        browser.go("/admin/api-users/of/webservice-standard/new").await;
        browser.choose("#server", "customer-portal").await;
        browser.fill("#password", PASSWORD).await;
        browser.choose("#profile_user", ada["id"].as_str().expect("an id")).await;
        browser.fill("#user_name", &USER.to_uppercase()).await;
        browser.click(SAVE).await;
        browser.wait_for("#user_name-error").await;
        assert!(
            browser.has(&format!("#user_name-error a[href='/admin/api-users/{}']", portal.user)).await,
            "the way to it"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_10_f_15_without_scripts_a_record_with_a_contact_is_added_and_changed() {
    on_as(View::PLAIN, async |world, browser| {
        Portal::new(world).await;
        browser.go("/admin/api-users/of/webservice-standard/new").await;
        browser.choose("#server", "customer-portal").await;
        browser.fill("#password", PASSWORD).await;
        browser.choose("#permission_type", "5").await;
        browser.click("#profile_user option:last-child").await;
        browser.click(SAVE).await;
        browser.wait_for("#contact_id-error").await;
        browser.fill("#contact_id", "C-5").await;
        browser.fill("#contact_email", "fay@partner.example").await;
        browser.fill("#password", PASSWORD).await;
        browser.click(SAVE).await;
        browser.wait_for_text("Created.").await;
        assert!(browser.text().await.contains("fay@partner.example") && browser.text().await.contains("C-5"));
        browser.press("Edit").await;
        browser.choose("#permission_type", "1").await;
        browser.click(SAVE).await;
        browser.wait_for_text("Saved.").await;
        assert!(!browser.text().await.contains("C-5"), "this type has no contact");
        browser.press("Deactivate").await;
        browser.press("Yes, deactivate the user").await;
        browser.wait_for_text("Deactivated.").await;
        browser.press("Delete").await;
        browser.press("Yes, delete the user").await;
        browser.wait_for_text("Deleted.").await;
        assert_eq!(browser.path().await, "/admin/api-users/of/webservice-standard?told=deleted");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_12_a_user_who_is_switched_off_signs_in_no_more_and_its_sessions_end() {
    on(async |world, browser| {
        let portal = Portal::new(world).await;
        let token = portal.sign_in().await;
        browser.go("/admin/api-users").await;
        browser.click("main tbody [role=switch]").await;
        browser.wait_for("main tbody [role=switch][aria-checked=false]").await;
        assert_eq!(portal.refusal(portal.with_token("GET", "Modules", &token)).await.0, 401);
        assert_eq!(portal.refusal(portal.login(USER, PASSWORD)).await.0, 401);
        browser.press(USER).await;
        browser.wait_for_text("Tried while it was inactive").await;
        browser.press("Activate").await;
        browser.press("Yes, activate the user").await;
        browser.wait_for_text("Activated.").await;
        assert_eq!(portal.refusal(portal.with_token("GET", "Modules", &token)).await.0, 401, "it stays ended");
        portal.sign_in().await;
        browser.press("Edit").await;
        browser.click("#active").await;
        browser.click(SAVE).await;
        browser.wait_for_text("Saved.").await;
        assert_eq!(portal.refusal(portal.login(USER, PASSWORD)).await.0, 401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_16_the_permission_profile_is_chosen_shown_and_bounds_the_sessions() {
    on(async |world, browser| {
        let portal = Portal::new(world).await;
        person(world.control, &world.token, "bob", &["developer"]).await;
        browser.go(&format!("/admin/api-users/{}/edit", portal.user)).await;
        let bob = world.api("GET", "/users/bob", None).await.expect(200).json();
        browser.choose("#profile_user", bob["id"].as_str().expect("an id")).await;
        browser.fill("#profile_external", "42").await;
        browser.click(SAVE).await;
        browser.wait_for_text("Saved.").await;
        assert!(browser.has("main dd a[href^='/admin/users/usr_']").await, "the way to the profile user");
        let token = portal.sign_in().await;
        portal.result(portal.with_token("GET", "Modules", &token)).await;
        world.api("POST", "/users/bob/disable", None).await.expect(200);
        assert_eq!(portal.refusal(portal.with_token("GET", "Modules", &token)).await.0, 401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w_13_each_session_is_seen_and_ended_in_the_console_and_so_are_all() {
    on(async |world, browser| {
        let portal = Portal::new(world).await;
        let sign_in = async |agent: &str, language: &str| {
            let body = json!({"userName": USER, "password": PASSWORD, "params": {"language": language}});
            let login = portal.request("POST", "Users/Login").json(&body).header("User-Agent", agent);
            let signed_in = portal.result(login).await;
            world.clock.advance(Duration::from_mins(1));
            signed_in["token"].as_str().expect("a token").to_owned()
        };
        let (one, two, three) =
            (sign_in("Portal 1.0", "en").await, sign_in("Phone", "pl-PL").await, sign_in("Desk", "de").await);
        let page = format!("/admin/api-users/{}", portal.user);
        browser.go(&page).await;
        let sessions = "section:has(> header > h2) table[class] tbody";
        assert!(browser.has(sessions).await);
        let text = browser.text().await;
        for part in ["Portal 1.0", "Phone", "Desk", "pl-PL", "127.0.0.1", "Last used", "Ends without use"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(browser.has("td a[href^='/keys/key_']").await, "the way to the key");
        for token in [&one, &two, &three] {
            assert!(!browser.source().await.contains(token.as_str()));
        }
        // The newest stands first.
        browser.click("form[action$='/end']:not([action$='/sessions/end']) button").await;
        browser.wait_for_text("The session has ended.").await;
        let answer = async |token: &str| portal.send(portal.with_token("GET", "Modules", token)).await.status;
        assert_eq!((answer(&one).await, answer(&two).await, answer(&three).await), (200, 200, 401));
        browser.press("End all sessions").await;
        browser.press("Yes, end all sessions").await;
        browser.wait_for_text("All sessions have ended.").await;
        assert_eq!((answer(&one).await, answer(&two).await), (401, 401));
        assert!(browser.text().await.contains("Nobody is signed in."));
        assert!(browser.text().await.contains("API user: end sessions"), "the history of changes");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_of_an_api_user_that_somebody_else_changed_meanwhile_says_so() {
    on(async |world, browser| {
        let portal = Portal::new(world).await;
        browser.go(&format!("/admin/api-users/{}/edit", portal.user)).await;
        browser.fill("#user_name", "carol").await;
        let other: Value = json!({"language": "pl"});
        world.api("PATCH", &format!("/api-users/{}", portal.user), Some(&other)).await.expect(200);
        browser.click(SAVE).await;
        browser.wait_for_text("Somebody else has changed this meanwhile").await;
        assert_eq!(browser.value("#user_name").await, "carol");
        browser.click(SAVE).await;
        browser.wait_for_text("Saved.").await;
    })
    .await;
}
