//! The console's pages of APIs and API sets as forms, without scripts, on both databases.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::harness::app::{PASSWORD, person};
use crate::harness::browser::Browser;
use crate::harness::on_both_databases;
use crate::harness::raw_http::{Request, Response};
use crate::harness::world::{World, github_document};

const MAIL: &[u8] = include_bytes!("../../data/openapi/yespo-like.yaml");
/// The most bytes of a page, whatever the API's size.
const PAGE_BYTES_MAX: usize = 130_000;

/// A person at the pages.
struct Person<'a> {
    world: &'a World,
    session: String,
    csrf: String,
}

impl<'a> Person<'a> {
    async fn signed_in(world: &'a World, name: &str, role: &str) -> Self {
        person(world.control, &world.token, name, &[role]).await;
        let browser = Browser::signed_in(world.control, &format!("{name}@example.com"), PASSWORD).await;
        Self { world, session: browser.session(), csrf: browser.csrf.clone() }
    }

    async fn send(&self, request: Request) -> Response {
        request.header("Cookie", &format!("claviger={}", self.session)).send(self.world.control).await
    }

    async fn page(&self, path: &str) -> String {
        self.send(Request::get(path)).await.expect(200).text()
    }

    /// Sends a plain form.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let encode = |text: &str| {
            text.bytes().fold(String::new(), |mut encoded, byte| {
                let _ = write!(encoded, "%{byte:02X}");
                encoded
            })
        };
        let all = std::iter::once(("csrf", self.csrf.as_str())).chain(fields.iter().copied());
        let body: Vec<_> = all.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let request = Request::new("POST", path).header("Content-Type", "application/x-www-form-urlencoded");
        self.send(request.body(body.join("&").into_bytes())).await
    }

    /// Sends the form of an import.
    async fn import(&self, fields: &[(&str, &str)], file: &[u8]) -> Response {
        self.send(upload(&self.csrf, fields, file)).await
    }
}

/// The form of an import as browsers send it.
fn upload(csrf: &str, fields: &[(&str, &str)], file: &[u8]) -> Request {
    let mut body = Vec::new();
    for (name, value) in std::iter::once(("csrf", csrf)).chain(fields.iter().copied()) {
        body.extend(format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    body.extend(b"--edge\r\nContent-Disposition: form-data; name=\"document\"; filename=\"d\"\r\n\r\n");
    body.extend(file);
    body.extend(b"\r\n--edge--\r\n");
    Request::new("POST", "/apis/import").header("Content-Type", "multipart/form-data; boundary=edge").body(body)
}

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> String {
    let at = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{name}: {page}")).1;
    at.split('"').next().unwrap_or_default().replace("&quot;", "\"")
}

fn location(answer: Response) -> String {
    answer.expect(303).header("location").expect("an address")
}

async fn count(world: &World, path: &str) -> usize {
    let found = world.api("GET", path, None).await.expect(200).json();
    found["data"].as_array().expect("a list").len()
}

async fn shop(world: &World) -> Value {
    let operations = json!([
        {"method": "GET", "path": "/orders", "name": "listOrders", "summary": "<i>Lists</i> orders", "tags": ["<i>tag</i>"]},
        {"method": "POST", "path": "/orders", "name": "createOrder"},
    ]);
    let api = json!({"name": "<i>Shop</i>", "slug": "shop", "base_paths": ["/shop"], "operations": operations});
    world.api("POST", "/apis", Some(&api)).await.expect(201).json()
}

on_both_databases! {
    async fn an_import_is_a_preview_first_and_takes_one_press_more(world: &World) {
        let admin = Person::signed_in(world, "eve", "admin").await;
        let fields = [("slug", "mail"), ("name", "Mail"), ("do", "preview")];
        let preview = admin.import(&fields, MAIL).await.expect(200).text();
        assert!(preview.contains("Makes the API Mail (mail).") && preview.contains("Nothing is changed yet."), "{preview}");
        world.api("GET", "/apis/mail", None).await.expect(404);

        // The document is not sent again.
        let packed = hidden(&preview, "packed");
        let fields = [("slug", "mail"), ("name", "Mail"), ("packed", packed.as_str()), ("all_sets", "on"), ("do", "import")];
        assert_eq!(location(admin.import(&fields, b"").await), "/apis/mail?told=imported");
        let made = world.api("GET", "/apis/mail", None).await.expect(200).json();
        assert!(made["operations_count"].as_u64() > Some(30), "{made}");
        let sets = preview.matches("name=\"set\"").count();
        assert!(sets > 0, "tags suggest sets");
        assert_eq!(count(world, "/api-sets?api=mail&kind=plain&limit=100").await, sets);

        // What is lost is said with who loses it, and what is there already is not offered again.
        let less = String::from_utf8_lossy(MAIL).replace("post: {operationId: createEventV", "put: {operationId: putEventV");
        world.api("POST", "/keys", Some(&json!({"name": "k <i>", "operations": ["mail:createEvent"]}))).await.expect(201);
        let preview = admin.import(&[("slug", "mail"), ("do", "preview")], less.as_bytes()).await.expect(200).text();
        assert!(preview.contains("Replaces operations of the API Mail (mail)"), "{preview}");
        assert!(preview.contains("Operations removed: 1") && preview.contains("<code>createEvent</code>"), "{preview}");
        // With its method and path, and whom it concerns.
        let row = preview.split("<tr>").find(|row| row.contains("<code>createEvent</code>")).expect("a row");
        assert!(row.contains("<del><code>POST /event") && row.contains(">k &lt;i&gt;</a>"), "{row}");
        let row = preview.split("<tr>").find(|row| row.contains("<code>putEvent</code>")).expect("a row");
        assert!(row.contains("<ins><code>PUT /event") && row.contains("href=\"/api-sets/full-access\""), "{row}");
        assert!(preview.contains(">k &lt;i&gt;</a>") && preview.contains("href=\"/api-sets/full-access\""), "{preview}");
        assert!(!preview.contains("name=\"set\""), "{preview}");
    }

    async fn a_document_that_is_none_is_told_at_the_field_that_it_came_by(world: &World) {
        let admin = Person::signed_in(world, "eve", "admin").await;
        for (field, text, file) in [("text", "nonsense", ""), ("document", "", "nonsense")] {
            let page = admin.import(&[("slug", "x"), ("text", text), ("do", "preview")], file.as_bytes()).await;
            let page = page.expect(400).text();
            let at = |name: &str| page.contains(&format!("id=\"{name}-error\""));
            let other = if field == "text" { "document" } else { "text" };
            assert!(at(field) && !at(other), "{field}: {page}");
            assert!(page.contains("There is no preview yet") && !page.contains("Nothing was"), "{page}");
        }
    }

    async fn the_search_finds_apis_sets_and_operations(world: &World) {
        shop(world).await;
        let set = json!({"name": "Shop desk", "slug": "desk", "operations": ["shop:listOrders"]});
        world.api("POST", "/api-sets", Some(&set)).await.expect(201);
        let admin = Person::signed_in(world, "eve", "admin").await;
        let page = admin.page("/search?q=shop").await;
        assert!(page.contains(">&lt;i&gt;Shop&lt;/i&gt;</a>") && page.contains(">Shop desk</a>"), "{page}");
        let page = admin.page("/search?q=createorder").await;
        assert!(page.contains("href=\"/apis/shop?text=createorder#operations\"") && page.contains("POST /orders"), "{page}");
    }

    async fn a_deleted_key_leads_to_what_was_done_to_it_and_one_that_never_was_to_nothing(world: &World) {
        let key = world.create_key(json!({"name": "Gone", "api_sets": []})).await;
        world.api("DELETE", &format!("/keys/{}", key.id), None).await.expect(204);
        let admin = Person::signed_in(world, "eve", "admin").await;
        let page = admin.send(Request::get(&format!("/keys/{}", key.id))).await.expect(404).text();
        assert!(page.contains("This key is deleted") && page.contains("Key: delete") && page.contains("nav"), "{page}");
        let page = admin.send(Request::get("/keys/key_01jd2v3w4x5y6z7a8b9c0d1e2f")).await.expect(404).text();
        assert!(!page.contains("This key is deleted"), "{page}");
        // What was done is told by kind.
        let page = admin.page("/admin/audit?action=key.*").await;
        assert!(page.contains("Key: create") && !page.contains("User: "), "{page}");
    }

    async fn pages_of_an_api_with_more_than_a_thousand_operations_stay_small(world: &World) {
        let admin = Person::signed_in(world, "eve", "admin").await;
        let document = github_document();
        let preview = admin.import(&[("slug", "gh"), ("do", "preview")], &document).await.expect(200).text();
        assert!(preview.contains("Operations added: 1223") && !preview.contains("name=\"packed\""));
        assert!(preview.len() < PAGE_BYTES_MAX, "{}", preview.len());
        let fields = [("slug", "gh"), ("set", "issues"), ("do", "import")];
        assert_eq!(location(admin.import(&fields, &document).await), "/apis/gh?told=imported");
        let set = world.api("GET", "/api-sets/issues", None).await.expect(200).json();
        assert!(set["operations"].as_array().is_some_and(|all| all.contains(&json!("gh:issues/*"))), "{set}");
        let key = world.create_key(json!({"name": "gh", "operations": ["gh:issues/*"]})).await;
        let panel = format!("/keys/{}", key.id);
        for path in [panel.as_str(), "/apis/gh", "/apis/gh/edit", "/apis/gh/manual", "/api-sets/new?find_api=gh", "/api-sets/gh-general/edit"] {
            let page = admin.page(path).await;
            assert!(page.len() < PAGE_BYTES_MAX, "{path}: {}", page.len());
        }
        let found = admin.page("/apis/gh?text=issues%2Flock&method=PUT").await;
        assert!(found.contains("gh:issues/lock<") && !found.contains("gh:meta/root<"), "{found}");
    }

    async fn a_document_that_is_wrong_is_shown_with_the_place_and_what_was_typed(world: &World) {
        let admin = Person::signed_in(world, "eve", "admin").await;
        let text = "openapi: 3.1.0\npaths:\n  b: {get: {}}\n";
        let fields = [("slug", "bad"), ("version", "v<1>"), ("text", text), ("do", "preview")];
        let page = admin.import(&fields, b"").await.expect(400).text();
        assert!(page.contains("paths.b: ") && page.contains("  b: {get: {}}") && page.contains("v&lt;1&gt;"), "{page}");
        let page = admin.import(&[("do", "preview")], b"").await.expect(400).text();
        assert!(page.contains("Choose a file, or paste the document."), "{page}");
        assert_eq!(count(world, "/apis?text=bad").await, 0);
    }

    async fn a_document_outlives_the_session_in_which_it_was_chosen(world: &World) {
        let admin = Person::signed_in(world, "eve", "admin").await;
        let request = upload(&admin.csrf, &[("slug", "mail"), ("do", "preview")], MAIL);
        let page = request.send(world.control).await.expect(401).text();
        let (packed, slug) = (hidden(&page, "packed"), hidden(&page, "slug"));
        assert_eq!(slug, "mail");
        // The prompt goes back to the same address, as a plain form.
        let proof = [("prompt-login", "eve@example.com"), ("prompt-password", PASSWORD)];
        let kept = [("packed", packed.as_str()), ("slug", "mail"), ("do", "preview")];
        let page = admin.post("/apis/import", &[proof.as_slice(), &kept].concat()).await.expect(200).text();
        assert!(page.contains("Makes the API"), "{page}");
    }

    async fn who_may_not_manage_apis_sees_them_and_has_no_way_to_change_them(world: &World) {
        shop(world).await;
        let auditor = Person::signed_in(world, "bob", "auditor").await;
        for path in ["/apis", "/apis/shop", "/apis/shop/manual", "/api-sets", "/api-sets/shop-general", "/api-sets/templates"] {
            let page = auditor.page(path).await;
            for way in ["/apis/import", "/apis/new", "/edit\"", "/delete\"", "/api-sets/new"] {
                assert!(!page.contains(way), "{path} has {way}");
            }
        }
        auditor.import(&[("slug", "x"), ("do", "import")], MAIL).await.expect(403);
        let tried = auditor.post("/apis/shop/edit", &[("name", "Mine"), ("slug", "shop"), ("base_paths", "/")]).await;
        assert_ne!(tried.status, 303);
        assert_eq!(world.api("GET", "/apis/shop", None).await.json()["name"], "<i>Shop</i>");
    }

    async fn c_02_the_key_form_leads_to_the_manual_of_each_api(world: &World) {
        shop(world).await;
        let other = json!({"name": "Other", "slug": "other", "manual_url": "https://other.example/manual"});
        world.api("POST", "/apis", Some(&other)).await.expect(201);
        let admin = Person::signed_in(world, "eve", "admin").await;
        for form in ["/keys/new", "/profile/keys/new"] {
            let page = admin.page(form).await;
            assert!(page.contains("href=\"/apis/shop/manual\""), "{form}: {page}");
            assert!(page.contains("href=\"https://other.example/manual\""), "{form}: {page}");
        }
        let manual = admin.page("/apis/shop/manual").await;
        for part in ["<h2>&lt;i&gt;tag&lt;/i&gt;</h2>", "<code>shop:listOrders</code>", "&lt;i&gt;Lists&lt;/i&gt; orders", "/shop"] {
            assert!(manual.contains(part), "{part}: {manual}");
        }
        assert!(!manual.contains("<i>"), "{manual}");
    }

    async fn c_02_the_manual_shows_what_the_document_says_as_text_and_within_limits(world: &World) {
        let hostile = "<img src=x onerror=alert(1)> [x](javascript:alert(1))";
        let node = json!({"type": "object", "description": hostile, "properties": {
            "next": {"$ref": "#/components/schemas/Node"}, (hostile): {"type": "string", "enum": [hostile]},
            "large": {"type": "object", "description": "x".repeat(10_000_000)},
        }});
        let content = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Node"}, "example": {"next": hostile}}});
        let operation = json!({
            "operationId": "make", "description": hostile, "deprecated": true,
            "parameters": [{"name": "depth", "in": "query", "required": true, "description": hostile, "schema": {"type": "integer", "maximum": 9}}],
            "requestBody": {"required": true, "content": content},
            "responses": {"201": {"description": "Made", "content": content}, "404": {"description": "None"}},
        });
        let document = json!({
            "openapi": "3.1.0", "info": {"title": "Trees", "version": "1"}, "paths": {"/trees": {"post": operation}},
            "components": {"schemas": {"Node": node}},
        });
        let admin = Person::signed_in(world, "eve", "admin").await;
        let imported = admin.import(&[("slug", "trees"), ("do", "import")], document.to_string().as_bytes()).await;
        assert_eq!(location(imported), "/apis/trees?told=imported");
        let list = admin.page("/apis/trees/manual").await;
        assert!(list.contains("href=\"/apis/trees/manual/operation?name=make\""), "{list}");
        let page = admin.page("/apis/trees/manual/operation?name=make").await;
        for part in [
            "<code>depth</code>", "maximum: 9", "Request body", "application/json", "<code class=\"method\">next</code>",
            "The same again as Node above.", "should not be used any more", "&lt;img src=x", "<code class=\"method\">201</code> Made",
            "<code class=\"method\">404</code> None", "&quot;next&quot;: ",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("<img") && !page.contains("href=\"javascript"), "{page}");
        assert!(page.len() < 30_000, "{}", page.len());
        // The API gives what the page shows.
        let manual = world.api("GET", "/apis/trees/manual?operation=make", None).await.expect(200).json();
        assert_eq!(manual["manual"]["parameters"][0]["rules"], json!(["maximum: 9"]));
        let unknown = admin.send(Request::get("/apis/trees/manual/operation?name=none")).await;
        assert_eq!(unknown.status, 404);
        // What is made by hand has no manual, and the page says where one comes from.
        shop(world).await;
        let page = admin.page("/apis/shop/manual/operation?name=listOrders").await;
        assert!(page.contains("No parameters or payloads are known") && page.contains("&lt;i&gt;Lists&lt;/i&gt;"), "{page}");
    }

    async fn y_26_an_administrator_edits_the_general_set_on_its_page(world: &World) {
        shop(world).await;
        let admin = Person::signed_in(world, "eve", "admin").await;
        let page = admin.page("/api-sets/shop-general/edit").await;
        assert!(page.contains("<option value=\"shop:listOrders\">") && !page.contains("name=\"slug\""), "{page}");
        let version = hidden(&page, "version");
        let fields = [("version", version.as_str()), ("operations", "shop:listOrders"), ("patterns", "!shop:createOrder")];
        assert_eq!(location(admin.post("/api-sets/shop-general/edit", &fields).await), "/api-sets/shop-general?told=saved");
        let set = world.api("GET", "/api-sets/shop-general", None).await.json();
        assert_eq!(set["operations"], json!(["shop:listOrders", "!shop:createOrder"]));
        // Two tabs: the second one is told what stands there, and saves on purpose.
        let fields = [("version", version.as_str()), ("operations", "shop:createOrder")];
        let stale = admin.post("/api-sets/shop-general/edit", &fields).await.expect(400).text();
        assert!(stale.contains("Somebody else has changed this") && stale.contains("<code>shop:listOrders</code>"), "{stale}");
        let fields = [("version", &*hidden(&stale, "version")), ("operations", "shop:createOrder")];
        admin.post("/api-sets/shop-general/edit", &fields).await.expect(303);
    }

    async fn a_set_is_made_from_what_a_search_found_and_goes_where_nobody_holds_it(world: &World) {
        shop(world).await;
        let admin = Person::signed_in(world, "eve", "admin").await;
        let typed = [("name", "Orders"), ("operations", "shop:listOrders"), ("patterns", "shop:create*")];
        let search = [("find_api", "shop"), ("find_text", "create"), ("find-operations", "Find")];
        let page = admin.post("/api-sets/new", &[typed.as_slice(), &search].concat()).await.expect(200).text();
        assert!(page.contains("<option value=\"shop:createOrder\">") && page.contains("1 operation found."), "{page}");
        assert!(page.contains("<option value=\"shop:listOrders\" selected>") && page.contains(">shop:create*<"), "{page}");
        let wrong = [("name", "Orders"), ("patterns", "none:x")];
        let page = admin.post("/api-sets/new", &wrong).await.expect(400).text();
        assert!(page.contains("“none:x”: "), "what is wrong names it: {page}");

        assert_eq!(location(admin.post("/api-sets/new", &typed).await), "/api-sets/orders?told=created");
        world.api("POST", "/keys", Some(&json!({"name": "k", "api_sets": ["orders"]}))).await.expect(201);
        let held = admin.post("/api-sets/orders/delete", &[]).await.expect(409).text();
        assert!(held.contains("1 key holds this set"), "{held}");
    }

    async fn y_22_a_template_shows_what_it_makes_before_it_is_applied(world: &World) {
        let admin = Person::signed_in(world, "eve", "admin").await;
        admin.import(&[("slug", "mail"), ("do", "import")], MAIL).await.expect(303);
        let before = count(world, "/api-sets?limit=100").await;
        let preview = admin.post("/api-sets/templates/yespo", &[("api", "mail"), ("do", "preview")]).await.expect(200).text();
        assert!(preview.contains("Access to events and contacts (adding/updating)") && preview.contains("mail-events"), "{preview}");
        assert_eq!(count(world, "/api-sets?limit=100").await, before);
        let applied = admin.post("/api-sets/templates/yespo", &[("api", "mail"), ("do", "apply")]).await;
        assert_eq!(location(applied), "/api-sets?api=mail&told=applied");
        assert_eq!(count(world, "/api-sets?limit=100").await, before + 4);
    }

    async fn an_api_is_edited_after_a_look_at_who_loses_and_deleted_by_its_name(world: &World) {
        shop(world).await;
        world.api("POST", "/keys", Some(&json!({"name": "Till", "operations": ["shop:createOrder"]}))).await.expect(201);
        let admin = Person::signed_in(world, "eve", "admin").await;
        let version = hidden(&admin.page("/apis/shop/edit").await, "version");
        let fields = [
            ("version", version.as_str()),
            ("name", "<i>Shop</i>"),
            ("slug", "shop"),
            ("base_paths", "/shop"),
            ("hosts", "shop.example.com\ntest.example.com test"),
            ("operations", "GET /orders listOrders # All"),
        ];
        let look = admin.post("/apis/shop/edit", &[fields.as_slice(), &[("do", "preview")]].concat()).await.expect(200).text();
        assert!(look.contains("Operations removed: 1") && look.contains(">Till</a>"), "{look}");
        assert_eq!(world.api("GET", "/apis/shop", None).await.json()["operations_count"], 2);
        admin.post("/apis/shop/edit", &fields).await.expect(303);
        let api = world.api("GET", "/apis/shop", None).await.json();
        assert_eq!((&api["operations_count"], &api["hosts"][1]["environment"]), (&json!(1), &json!("test")));
        assert_eq!(world.operations("shop").await[0]["tags"], json!(["<i>tag</i>"]), "a line does not say them");

        let page = admin.page("/apis/shop/delete").await;
        assert!(page.contains("href=\"/api-sets/full-access\""), "{page}");
        let version = hidden(&page, "version");
        let wrong = admin.post("/apis/shop/delete", &[("version", &version), ("name", "shop")]).await.expect(400).text();
        assert!(wrong.contains("This is not its name.") && wrong.contains("Nothing was deleted"), "{wrong}");
        let fields = [("version", version.as_str()), ("name", "<i>Shop</i>")];
        assert_eq!(location(admin.post("/apis/shop/delete", &fields).await), "/apis?told=deleted");
        world.api("GET", "/apis/shop", None).await.expect(404);
    }
}
