//! Applications, the policy, APIs, gateways and the search box: the rest of the console's places.

use serde_json::json;

use super::{accessible, call, on, on_as};
use crate::harness::chromium::View;
use crate::harness::patience::wait_until;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

/// An API whose document has parameters and payloads.
async fn stock(world: &World) {
    let article = json!({"type": "object", "required": ["sku"], "properties": {
        "sku": {"type": "string", "description": "The number on the shelf", "maxLength": 20},
        "state": {"type": "string", "enum": ["new", "used"]},
        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}},
        "a_member_with_a_name_that_is_rather_long_and_goes_on": {"oneOf": [{"type": "string"}, {"$ref": "#/components/schemas/Part"}]},
    }});
    let part = json!({"type": "object", "properties": {"name": {"type": "string"}, "size": {"type": "object", "properties": {"width": {"type": "number"}}}}});
    let content = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Article"}, "example": {"sku": "A-1", "state": "new"}}});
    let add = json!({
        "operationId": "addArticle", "summary": "Adds an article", "description": "Adds it to the stock.\n\nIt is counted at once.",
        "parameters": [{"name": "place", "in": "path", "required": true, "schema": {"type": "string"}}, {"name": "dry_run", "in": "query", "description": "Only says what it would do", "schema": {"type": "boolean", "default": false}}],
        "requestBody": {"required": true, "description": "The article", "content": content},
        "responses": {"201": {"description": "Added", "content": content}, "400": {"description": "Something is wrong with it"}},
    });
    let document = json!({
        "openapi": "3.1.0", "info": {"title": "Stock", "version": "1"}, "paths": {"/places/{place}/articles": {"post": add}},
        "components": {"schemas": {"Article": article, "Part": part}},
    });
    call(world, "/apis/import?slug=stock", &document).await;
}

/// The pages, with something on them.
pub(super) async fn furnished(world: &World) -> Vec<String> {
    stock(world).await;
    let kind = json!({"name": "Handhelds", "slug": "handhelds", "sign_in": "key_only", "api_sets": ["orders-read"]});
    call(world, "/application-types", &kind).await;
    let made =
        json!({"name": "An application with a rather long name", "type": "handhelds", "allowed_ips": ["203.0.113.7"]});
    let made = call(world, "/applications", &made).await;
    let application = made["application"]["id"].as_str().expect("an id").to_owned();
    let own =
        ["", "/edit", "/requests", "/keys/new", "/mail"].map(|end| format!("/admin/applications/{application}{end}"));
    let hook = json!({"name": "Tickets", "url": "https://hooks.example.com/claviger", "events": ["key.created"]});
    let hook = call(world, "/webhooks", &hook).await;
    let hook = hook["webhook"]["id"].as_str().expect("an id").to_owned();
    call(world, "/keys", &json!({"name": "Told of", "api_sets": []})).await;
    let own = own.into_iter().chain(["", "/edit"].map(|end| format!("/admin/webhooks/{hook}{end}")));
    // Other keys are not to wait.
    for sets in [&["orders-read"][..], &[]] {
        let policy = Request::new("PATCH", "/api/v1/policy").json(&json!({"approval": sets})).bearer(&world.token);
        policy.send(world.control).await.expect(200);
        let name = if sets.is_empty() { "A key that waits for nobody" } else { "A key that waits for somebody" };
        call(world, "/keys", &json!({"name": name, "api_sets": ["orders-read"]})).await;
    }
    let fixed = [
        "/overview",
        "/approvals",
        "/apis",
        "/apis/new",
        "/apis/import",
        "/apis/shop",
        "/apis/shop/edit",
        "/apis/shop/manual",
        "/apis/shop/manual/operation?name=listOrders",
        "/apis/stock/manual",
        "/apis/stock/manual/operation?name=addArticle",
        "/api-sets",
        "/api-sets/new",
        "/api-sets/orders-read",
        "/api-sets/orders-read/edit",
        "/api-sets/templates",
        "/admin/policy",
        "/admin/notices",
        "/admin/webhooks",
        "/admin/webhooks/new",
        "/admin/mail",
        "/admin/mail/record_link/pl",
        "/admin/organization",
        "/admin/organization/requests",
        "/admin/applications",
        "/admin/applications/new",
        "/admin/applications/types",
        "/admin/applications/types/new",
        "/gateways",
        "/search?q=shop",
    ];
    fixed.map(str::to_owned).into_iter().chain(own).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_serious_on_the_other_pages_in_light() {
    on(async |world, browser| accessible(browser, &furnished(world).await).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_serious_on_the_other_pages_in_the_dark() {
    on_as(View::DARK, async |world, browser| accessible(browser, &furnished(world).await).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_serious_on_the_other_pages_on_a_telephone() {
    on_as(View::NARROW, async |world, browser| accessible(browser, &furnished(world).await).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_01_f_07_applications_stand_under_integration_and_take_addresses_with_commas_and_blanks() {
    on(async |world, browser| {
        let kind =
            json!({"name": "Handhelds", "slug": "handhelds", "sign_in": "key_only", "api_sets": ["orders-read"]});
        call(world, "/application-types", &kind).await;
        assert!(browser.text().await.contains("Integration"));
        browser.press("Web service - Applications").await;
        assert_eq!(browser.path().await, "/admin/applications");
        browser.go("/admin/applications/new").await;
        browser.fill("#name", "Scanner").await;
        browser.choose("#type", "handhelds").await;
        browser.fill("#public_url", "https://scanner.example.com").await;
        browser.fill("#allowed_ips", "203.0.113.7 , 300.1.1.1").await;
        browser.click("main form button.btn[type=submit]:not([name])").await;
        browser.wait_for("#allowed_ips-error").await;
        let said = browser.script("return document.querySelector('#allowed_ips-error').innerText", &[]).await;
        assert!(said.as_str().is_some_and(|said| said.starts_with("No. 2: ")), "its position: {said}");
        assert_eq!(browser.value("#name").await, "Scanner");
        browser.fill("#allowed_ips", "203.0.113.7 , 203.0.113.9").await;
        browser.click("main form button.btn[type=submit]:not([name])").await;
        browser.wait_for("shown-once").await;
        let secret = browser.value("#secret").await;
        let code = async |ip: &str| {
            let question =
                json!({"credential": secret, "method": "GET", "path": "/orders", "api": "shop", "client_ip": ip});
            Request::post("/v1/verify", &question).send(world.doors).await.expect(200).json()["code"].clone()
        };
        assert_eq!((code("203.0.113.9").await, code("203.0.113.8").await), (json!("VALID"), json!("IP_NOT_ALLOWED")));
        browser.take().await;
        browser.go("/admin/applications").await;
        let text = browser.text().await;
        let hint = secret.get(secret.len() - 4..).expect("its end");
        for part in ["Scanner", "Active", "Handhelds", "203.0.113.7", "https://scanner.example.com", hint] {
            assert!(text.contains(part), "no {part} in {text}");
        }
        let head = "return [...document.querySelectorAll('main thead th')].map((th) => th.innerText.trim())";
        let columns =
            json!(["Name", "Status", "Type", "Allowed IPs", "Public URL address", "Key", "Created", "Options"]);
        assert_eq!(browser.script(head, &[]).await, columns);
        assert!(!browser.source().await.contains(&secret), "the key is masked");
        browser.go("/admin/applications?text=nothing").await;
        assert!(browser.text().await.contains("Nothing fits"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_44_a_pasted_key_is_found_and_ended_with_two_clicks_and_stands_in_no_address() {
    on(async |world, browser| {
        let made = call(world, "/keys", &json!({"name": "Leaked", "api_sets": ["orders-read"]})).await;
        let secret = made["secret"].as_str().expect("a secret");
        browser.keys("/").await;
        assert_eq!(
            browser.script("return document.activeElement.id", &[]).await,
            json!("search"),
            "/ goes to the search box"
        );
        browser.fill("#search", secret).await;
        browser.keys("\u{e007}").await;
        browser.wait_for_text("Leaked").await;
        assert!(!browser.path().await.contains(secret) && !browser.source().await.contains(secret));
        browser.press("Disable").await;
        browser.click("dialog[open] button[type=submit]").await;
        browser.wait_for_text("refused from now on").await;
        let question = json!({"credential": secret, "method": "GET", "path": "/orders", "api": "shop"});
        let answer = Request::post("/v1/verify", &question).send(world.doors).await.expect(200).json();
        assert_eq!(answer["code"], "DISABLED");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_told_of_what_is_set_in_the_console_and_stands_in_the_history() {
    on(async |world, browser| {
        browser.go("/admin/notices").await;
        browser.click("[name='revealed.administrators']").await;
        browser.click("[name='idle.holder']").await;
        browser.fill("#addresses", "ops@example.com\nnobody").await;
        browser.click("main form button.btn[type=submit]").await;
        browser.wait_for("#addresses-error").await;
        assert_eq!(browser.value("#addresses").await, "ops@example.com\nnobody", "nothing typed is lost");
        browser.fill("#addresses", "ops@example.com").await;
        browser.click("main form button.btn[type=submit]").await;
        browser.wait_for(".told").await;
        let set = Request::get("/api/v1/notices").bearer(&world.token).send(world.control).await.expect(200).json();
        assert_eq!(set["addresses"], json!(["ops@example.com"]));
        assert_eq!(set["kinds"]["revealed"], json!({"holder": false, "administrators": true, "addresses": false}));
        assert_eq!(set["kinds"]["idle"], json!({"holder": false, "administrators": true, "addresses": true}));
        assert!(browser.text().await.contains("Notices: edit"), "{}", browser.text().await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_the_policy_is_seen_before_it_is_saved() {
    on(async |world, browser| {
        call(world, "/keys", &json!({"name": "Long-lived", "api_sets": ["orders-read"]})).await;
        browser.go("/admin/policy").await;
        browser.fill("#idle_days", "7").await;
        browser.press("Preview").await;
        browser.wait_for_text("What this would change").await;
        let policy = async || {
            let read = Request::get("/api/v1/policy").bearer(&world.token).send(world.control).await.expect(200).json();
            read["idle_days"].clone()
        };
        assert_eq!(policy().await, json!(90), "nothing is saved by a preview");
        assert_eq!(browser.value("#idle_days").await, "7");
        browser.press("Save").await;
        browser.wait_for_text("Saved.").await;
        assert_eq!(policy().await, json!(7));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_02_the_form_of_a_key_leads_to_each_api_s_manual() {
    on(async |world, browser| {
        call(world, "/apis", &json!({"name": "Plain", "slug": "plain", "operations": [{"method": "GET", "path": "/things", "name": "listThings", "summary": "Lists things"}]})).await;
        browser.go("/profile/keys/new").await;
        let links = browser.script("return [...document.querySelectorAll('main .links a')].map((a) => a.getAttribute('href'))", &[]).await;
        let links = links.as_array().expect("links").clone();
        assert!(links.contains(&json!("https://shop.example.com/manual")), "its own: {links:?}");
        assert!(links.contains(&json!("/apis/plain/manual")), "else ours: {links:?}");
        browser.go("/apis/plain/manual").await;
        let text = browser.text().await;
        assert!(text.contains("/things") && text.contains("Lists things") && text.contains("plain:listThings"), "{text}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_gateway_page_shows_asks_for_a_path_of_the_api_at_this_servers_own_addresses() {
    on(async |world, browser| {
        for what in ["curl", "rust", "typescript", "python", "go", "java"] {
            browser.go(&format!("/gateways?what={what}")).await;
            let file = browser.value("#file").await;
            for part in ["/orders", &world.doors.to_string(), "127.0.0.1", "shop"] {
                assert!(file.contains(part), "{what}: no {part} in {file}");
            }
            let words = ["192.0.2.1", "@PATH", "@METHOD", "@CLIENT_IP"];
            assert!(words.iter().all(|word| !file.contains(word)), "{what}: {file}");
        }
        browser.go("/gateways?what=nginx").await;
        let through = browser.value("#through").await;
        assert!(through.contains("'http://127.0.0.1:8080/orders'"), "{through}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_saves_nothing_does_not_say_that_nothing_was_saved() {
    on(async |_, browser| {
        browser.go("/admin/policy").await;
        browser.fill("#idle_days", "-1").await;
        browser.script("document.querySelector('main form.form').noValidate = true", &[]).await;
        browser.press("Preview").await;
        browser.wait_for_text("There is no preview yet").await;
        assert!(!browser.text().await.contains("Nothing was saved"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_02_the_manual_of_an_operation_shows_payloads_and_opens_by_keyboard() {
    on(async |world, browser| {
        stock(world).await;
        browser.go("/profile/keys/new").await;
        assert!(browser.has("main .links a[href='/apis/stock/manual']").await);
        browser.go("/apis/stock/manual").await;
        browser.press("/places/{place}/articles").await;
        browser.wait_for_text("Request body").await;
        let text = browser.text().await;
        for part in [
            "POST",
            "stock:addArticle",
            "dry_run",
            "Only says what it would do",
            "sku",
            "The number on the shelf",
            "object[]",
            "one of these",
            "Something is wrong",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("width") && !text.contains("A-1"), "what is deeper, and the example, are shut: {text}");
        let open = async |summary: &str| {
            let focus = "const all = [...document.querySelectorAll('main details:not([open]) > summary')]; \
                         all.find((one) => one.checkVisibility() && one.innerText.includes(arguments[0])).focus()";
            browser.script(focus, &[json!(summary)]).await;
            browser.keys("\u{e007}").await;
            browser.drawn().await;
        };
        open("size").await;
        browser.wait_for_text("width").await;
        open("Example").await;
        browser.wait_for_text("\"sku\": \"A-1\"").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_made_tried_rotated_and_deleted_in_the_console() {
    on(async |world, browser| {
        browser.press("Webhooks").await;
        browser.press("New webhook").await;
        browser.fill("#name", "Tickets").await;
        browser.fill("#url", "https://10.0.0.1/events").await;
        browser.click("[name=events][value='*']").await;
        browser.click("[name=events][value='key.created']").await;
        browser.click("main form button.btn[type=submit]").await;
        browser.wait_for("#url-error").await;
        assert_eq!(browser.value("#name").await, "Tickets", "nothing typed is lost");
        browser.fill("#url", "https://hooks.invalid/events").await;
        browser.click("main form button.btn[type=submit]").await;
        browser.wait_for("shown-once").await;
        let secret = browser.value("#secret").await;
        assert!(secret.starts_with("whsec_"), "{secret}");
        browser.take().await;
        browser.press("Close").await;
        browser.wait_for_text("Nothing was sent").await;
        let page = browser.path().await;
        browser.press("Send test").await;
        browser.wait_for(".told").await;
        let is_tried = async || {
            browser.go(&page).await;
            browser.text().await.contains("the name cannot be resolved")
        };
        wait_until(is_tried, || "the test is tried".to_owned()).await;
        assert!(browser.text().await.contains("webhook.test"));
        browser.press("Replay").await;
        browser.wait_for_text("Sent again").await;
        browser.press("New secret").await;
        browser.click("dialog[open] button[type=submit]").await;
        browser.wait_for("shown-once").await;
        let other = browser.value("#secret").await;
        assert!(other.starts_with("whsec_") && other != secret, "{other}");
        browser.take().await;
        browser.press("Close").await;
        browser.wait_for_text("The old secret signs until").await;
        let source = browser.source().await;
        assert!(!source.contains(&secret) && !source.contains(&other), "it is never shown again");
        browser.press("Edit").await;
        browser.click("[name=events][value='key.idle']").await;
        browser.click("main form button.btn[type=submit]").await;
        browser.wait_for(".told").await;
        let all = Request::get("/api/v1/webhooks").bearer(&world.token).send(world.control).await.expect(200).json();
        assert_eq!(all["data"][0]["events"], json!(["key.created", "key.idle"]));
        browser.press("Disable").await;
        browser.click("dialog[open] button[type=submit]").await;
        browser.wait_for_text("Nothing is sent from now on").await;
        browser.press("Enable").await;
        browser.click("dialog[open] button[type=submit]").await;
        browser.wait_for_text("told of what happens from now on").await;
        browser.press("Delete").await;
        browser.click("dialog[open] button[type=submit]").await;
        browser.wait_for_text("No webhooks yet").await;
    })
    .await;
}
