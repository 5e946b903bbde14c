//! The acceptance rows of APIs: versions, templates, sets; and real documents beside each other.

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::gateway::{Caddy, Nginx};
use crate::harness::on_both_databases;
use crate::harness::raw_http::{Request, Response};
use crate::harness::world::World;

const CLIENT: &str = "203.0.113.7";

/// A method and a path without its version, and a version that has it.
type Route = (&'static str, &'static str);

const GENERAL: [Route; 6] = [
    ("GET", "/v1/version"),
    ("GET", "/v2/balance"),
    ("GET", "/v1/messages/email/7"),
    ("GET", "/v1/messages/email/7/viewLink"),
    ("PUT", "/v1/contact/token/activated/shop/abc"),
    ("PUT", "/v1/interactions/7/status"),
];
const EVENTS: [Route; 5] = [
    ("POST", "/v1/event"),
    ("POST", "/v2/event"),
    ("POST", "/v3/event"),
    ("POST", "/v2/past_events"),
    ("DELETE", "/v3/past_events"),
];
const CONTACT_WRITES: [Route; 7] = [
    ("POST", "/v1/contacts"),
    ("POST", "/v2/contact"),
    ("PUT", "/v1/contact/7"),
    ("DELETE", "/v1/contact/7"),
    ("POST", "/v1/contact/subscribe"),
    ("POST", "/v1/group/7/contacts/detach"),
    ("GET", "/v1/importstatus/7"),
];
const CONTACT_READS: [Route; 7] = [
    ("GET", "/v1/contacts"),
    ("GET", "/v2/contacts"),
    ("GET", "/v1/contact/7"),
    ("GET", "/v1/contact/7/subscriptions"),
    ("GET", "/v1/groups"),
    ("GET", "/v1/group/7/contacts"),
    ("GET", "/v2/contacts/activity"),
];
const MESSAGES: [Route; 6] = [
    ("POST", "/v1/message/7/send"),
    ("POST", "/v1/message/7/smartsend"),
    ("GET", "/v2/message/status"),
    ("POST", "/v1/message/viber"),
    ("POST", "/v1/broadcast"),
    ("DELETE", "/v1/broadcast/7"),
];
const OTHERS: [Route; 3] = [("POST", "/v1/orders"), ("GET", "/v1/products"), ("GET", "/v1/unlisted")];

on_both_databases! {
    async fn y_11_rules_apply_to_all_versions_unless_specified(world: &World) {
        import(world, "events-api", "Events", "", &file("yespo-like.yaml")).await;
        let set = json!({ "name": "Events", "slug": "events", "operations": ["events-api:createEvent"] });
        world.api("POST", "/api-sets", Some(&set)).await.expect(201);
        let key = world.create_key(json!({ "name": "k", "api_sets": ["events"] })).await;
        let nginx = Nginx::start(world.doors, "events-api").await;
        let caddy = Caddy::start(world.doors, "events-api").await;
        for version in ["v1", "v2", "v3"] {
            ask(nginx.address, &key.secret, ("POST", &format!("/{version}/event"))).await.expect(200);
        }
        for version in ["v1", "v2"] {
            ask(nginx.address, &key.secret, ("GET", &format!("/{version}/contacts"))).await.expect(403);
        }
        let verdict = world.verdict(&key.secret, "events-api", "POST", "/v2/event").await;
        assert_eq!((&verdict["operation"], &verdict["api_version"]), (&json!("events-api:createEvent"), &json!("v2")));

        // An exception for v3, of the set: only v3 changes, in whatever spelling.
        let exception = json!({ "operations": ["events-api:createEvent", "!events-api:createEvent@v3"] });
        world.api("PATCH", "/api-sets/events", Some(&exception)).await.expect(200);
        only_v3_is_refused(nginx.address, &key.secret).await;
        only_v3_is_refused(caddy.address, &key.secret).await;
        world.api("PATCH", "/api-sets/events", Some(&json!({ "operations": ["events-api:createEvent"] }))).await.expect(200);
        ask(nginx.address, &key.secret, ("POST", "/v3/event")).await.expect(200);
        // The same of the key, against its set.
        let exception = json!({ "operations": ["!events-api:createEvent@v3"] });
        world.api("PATCH", &format!("/keys/{}", key.id), Some(&exception)).await.expect(200);
        only_v3_is_refused(nginx.address, &key.secret).await;
        let check = json!({ "api": "events-api", "method": "POST", "path": "/v3/event", "client_ip": CLIENT });
        let explained = world.api("POST", &format!("/keys/{}/check", key.id), Some(&check)).await.expect(200).json();
        assert_eq!((&explained["valid"], &explained["version"]), (&json!(false), &json!("v3")), "{explained}");

        // A version added later is covered without editing keys: before its document comes, and with it.
        ask(nginx.address, &key.secret, ("POST", "/v4/event")).await.expect(200);
        let later = json!({
            "openapi": "3.1.0", "info": { "title": "Mail", "version": "4" }, "servers": [{ "url": "/v4" }],
            "paths": { "/event": { "post": { "operationId": "recordEvent" } }, "/contacts": { "get": { "operationId": "searchContacts" } } },
        });
        let preview = import_with(world, "?slug=events-api&version=v4&dry_run=true", &later).await.expect(200).json();
        assert_eq!(preview["gaining_sets"][0]["slug"], "events");
        assert_eq!(preview["gaining_sets"][0]["names"], json!(["createEvent@v4"]), "known by its method and path");
        let added = import_with(world, "?slug=events-api&version=v4", &later).await.expect(200).json();
        assert_eq!(added["api"]["versions"], json!(["v1", "v2", "v3", "v4"]));
        ask(nginx.address, &key.secret, ("POST", "/v4/event")).await.expect(200);
        ask(nginx.address, &key.secret, ("GET", "/v4/contacts")).await.expect(403);
        ask(nginx.address, &key.secret, ("POST", "/v3/event")).await.expect(403);
        let verdict = world.verdict(&key.secret, "events-api", "POST", "/v4/event").await;
        assert_eq!(verdict["api_version"], "v4");
    }

    async fn y_17_an_access_right_has_a_name_and_changes_after_an_edit(world: &World) {
        import(world, "mail", "Mail", "", &file("yespo-like.yaml")).await;
        let set = json!({ "name": "Dostęp do zdarzeń", "slug": "right", "operations": ["mail:createEvent"] });
        world.api("POST", "/api-sets", Some(&set)).await.expect(201);
        let key = world.create_key(json!({ "name": "k", "api_sets": ["right"] })).await;
        assert_eq!(key.record["api_sets"], json!(["right"]));
        passes_and_refuses(world, &key.secret, &EVENTS[..3], &CONTACT_READS).await;
        let edit = json!({ "name": "Contacts", "operations": ["mail:searchContacts"] });
        let edited = world.api("PATCH", "/api-sets/right", Some(&edit)).await.expect(200).json();
        assert_eq!((&edited["name"], &edited["operations"]), (&json!("Contacts"), &json!(["mail:searchContacts"])));
        passes_and_refuses(world, &key.secret, &CONTACT_READS[..2], &EVENTS).await;
        let list = world.api("GET", "/api-sets?text=contacts", None).await.expect(200).json();
        assert_eq!(list["data"][0]["slug"], "right", "found by its new name");
    }

    async fn y_22_access_to_events(world: &World) {
        let key = key_of_right(world, "events").await;
        passes_and_refuses(world, &key, &EVENTS, &CONTACT_WRITES).await;
        passes_and_refuses(world, &key, &GENERAL, &CONTACT_READS).await;
        passes_and_refuses(world, &key, &[], &MESSAGES).await;
        passes_and_refuses(world, &key, &[], &OTHERS).await;
    }

    async fn y_23_access_to_events_and_contacts(world: &World) {
        let key = key_of_right(world, "events-and-contacts").await;
        passes_and_refuses(world, &key, &EVENTS, &MESSAGES).await;
        passes_and_refuses(world, &key, &CONTACT_WRITES, &OTHERS).await;
        passes_and_refuses(world, &key, &CONTACT_READS, &[]).await;
        passes_and_refuses(world, &key, &GENERAL, &[]).await;
    }

    async fn y_24_access_to_events_and_contacts_adding_and_updating(world: &World) {
        let key = key_of_right(world, "events-and-contacts-update").await;
        passes_and_refuses(world, &key, &CONTACT_WRITES, &CONTACT_READS).await;
        passes_and_refuses(world, &key, &EVENTS, &MESSAGES).await;
        passes_and_refuses(world, &key, &GENERAL, &OTHERS).await;
    }

    async fn y_25_access_to_messages(world: &World) {
        let key = key_of_right(world, "messages").await;
        passes_and_refuses(world, &key, &MESSAGES, &EVENTS).await;
        passes_and_refuses(world, &key, &GENERAL, &CONTACT_READS).await;
        passes_and_refuses(world, &key, &[], &CONTACT_WRITES).await;
        passes_and_refuses(world, &key, &[], &OTHERS).await;
    }

    async fn y_26_general_is_open_to_every_enabled_key_that_holds_anything_of_the_api(world: &World) {
        let key = key_of_right(world, "messages").await;
        passes_and_refuses(world, &key, &GENERAL, &[]).await;
        let nothing = world.create_key(json!({ "name": "nothing", "api_sets": [] })).await;
        let elsewhere = world.create_key(json!({ "name": "elsewhere", "api_sets": ["claviger-keys-read"] })).await;
        for key in [&nothing, &elsewhere] {
            passes_and_refuses(world, &key.secret, &[], &GENERAL).await;
        }
        let listed = world.api("GET", "/api-sets/mail-general", None).await.expect(200).json();
        assert_eq!((&listed["kind"], &listed["apis"]), (&json!("general"), &json!(["mail"])));
        // An administrator edits it; every key has it at once.
        let edit = json!({ "operations": ["mail:getProducts", "mail:getVersion"] });
        world.api("PATCH", "/api-sets/mail-general", Some(&edit)).await.expect(200);
        passes_and_refuses(world, &key, &[("GET", "/v1/products"), ("GET", "/v3/version")], &GENERAL[1..]).await;
        // A disabled key may not, and may again once it is enabled.
        let id = key_named(world, "by right").await;
        world.api("POST", &format!("/keys/{id}/disable"), Some(&json!({}))).await.expect(200);
        let refused = world.verdict(&key, "mail", "GET", "/v1/version").await;
        assert_eq!(refused["code"], "DISABLED");
        world.api("POST", &format!("/keys/{id}/enable"), Some(&json!({}))).await.expect(200);
        passes_and_refuses(world, &key, &GENERAL[..1], &[]).await;
    }

    async fn g_02_a_key_accesses_one_or_more_api_sets(world: &World) {
        let services = ["billing", "dunning", "currex"];
        let paths: serde_json::Map<_, _> = services
            .iter()
            .flat_map(|service| ["v1", "v2"].map(|version| (service, version)))
            .map(|(service, version)| {
                let get = json!({ "operationId": format!("{service}{}", version.to_uppercase()) });
                (format!("/{version}/{service}/items"), json!({ "get": get }))
            })
            .collect();
        let document = json!({ "openapi": "3.1.0", "info": { "title": "Gotransverse", "version": "1" }, "paths": paths });
        import_with(world, "?slug=gt", &document).await.expect(201);
        let applied = world.api("POST", "/api-sets/templates/gotransverse", Some(&json!({ "api": "gt" }))).await;
        assert_eq!(applied.expect(200).json()["sets"].as_array().map(Vec::len), Some(9));
        let key = world.create_key(json!({ "name": "k", "api_sets": ["gt-billing", "gt-dunning"] })).await;
        let caddy = Caddy::start(world.doors, "gt").await;
        for version in ["v1", "v2"] {
            for (service, status) in services.iter().zip([200, 200, 403]) {
                let path = format!("/{version}/{service}/items");
                let answer = ask(caddy.address, &key.secret, ("GET", &path)).await;
                assert_eq!(answer.status, status, "{path}: {}", answer.text());
            }
        }
        // A set covers a version that comes later, and is an administrator's to edit.
        ask(caddy.address, &key.secret, ("GET", "/v3/billing/items")).await.expect(200);
        let edit = json!({ "operations": ["gt:currex", "!gt:currex@v1"] });
        world.api("PATCH", "/api-sets/gt-billing", Some(&edit)).await.expect(200);
        ask(caddy.address, &key.secret, ("GET", "/v2/currex/items")).await.expect(200);
        ask(caddy.address, &key.secret, ("GET", "/v1/currex/items")).await.expect(403);
        ask(caddy.address, &key.secret, ("GET", "/v1/billing/items")).await.expect(403);
    }

    async fn each_group_of_cerrix_is_a_set_of_its_own(world: &World) {
        // The groups of templates.md, half of them told by a tag and half by their place in the path.
        let groups = [
            "API usage", "Power BI usage", "Risk", "Control", "Event", "Finding report", "Business improvement management",
            "Key risk indicators", "Forms", "External connections", "Task", "Direct data",
        ];
        let slug = |group: &str| group.to_lowercase().replace(' ', "-");
        let place = |number: usize, group: &str| if number.is_multiple_of(2) { format!("/part-{number}/results") } else { format!("/{}/results", slug(group)) };
        let paths: serde_json::Map<_, _> = groups.iter().enumerate().map(|(number, group)| {
            let tags = if number.is_multiple_of(2) { json!([group]) } else { json!([]) };
            let operation = |verb: &str| json!({ "operationId": format!("{verb}{number}"), "tags": tags });
            (place(number, group), json!({ "get": operation("list"), "post": operation("create") }))
        }).collect();
        let document = json!({ "openapi": "3.1.0", "info": { "title": "CERRIX", "version": "1" }, "paths": paths });
        import_with(world, "?slug=cx", &document).await.expect(201);
        let applied = world.api("POST", "/api-sets/templates/cerrix", Some(&json!({ "api": "cx" }))).await.expect(200).json();
        let sets = applied["sets"].as_array().expect("sets");
        assert_eq!(sets.len(), groups.len());
        assert!(sets.iter().all(|set| set["unmatched"] == json!([])), "{applied}");
        for (number, group) in groups.iter().enumerate() {
            let set = format!("cx-{}", slug(group));
            let key = world.create_key(json!({ "name": group, "api_sets": [set] })).await;
            for (other, of) in groups.iter().enumerate() {
                let verdict = world.verdict(&key.secret, "cx", "POST", &place(other, of)).await;
                let expected = if other == number { "VALID" } else { "OPERATION_NOT_ALLOWED" };
                assert_eq!(verdict["code"], expected, "{group} at {of}");
            }
        }
        // And a single operation of a group.
        let key = world.create_key(json!({ "name": "one", "operations": ["cx:create8"] })).await;
        let forms = place(8, "Forms");
        assert_eq!(world.verdict(&key.secret, "cx", "POST", &forms).await["code"], "VALID");
        assert_eq!(world.verdict(&key.secret, "cx", "GET", &forms).await["code"], "OPERATION_NOT_ALLOWED");
    }

    async fn each_type_of_yetiforce_has_its_actions(world: &World) {
        const BOTH: [&str; 18] = [
            "{module}/CustomView", "{module}/Fields", "{module}/Privileges", "{module}/Record/{id}", "{module}/RecordHistory/{id}",
            "{module}/RecordRelatedList/{id}/{related}", "{module}/RecordsList", "{module}/RelatedModules", "Files/{action}", "Modules",
            "Users/AccessActivityHistory", "Users/ChangePassword", "Users/Login", "Users/Logout", "Users/Record/{id}", "Users/RecordsList",
            "Users/ResetPassword", "Users/TwoFactorAuth",
        ];
        const PREMIUM: [&str; 12] = [
            "Install", "Menu", "{module}/Dashboard", "{module}/Hierarchy", "{module}/Pdf/{id}", "{module}/PdfTemplates", "{module}/SaveInventory",
            "{module}/SourceBasedData", "{module}/Widgets/{id}", "Products/RecordsTree", "SSingleOrders/Delivery", "Users/Preferences",
        ];
        const CONSENTS: [&str; 4] =
            ["Approvals/RecordsList", "ApprovalsRegister/Record/{id}", "{module}/GetConsentsForEntry", "{module}/SendEmail"];
        let types: Vec<(&str, String)> = [
            ("standard", "WebserviceStandard", BOTH.as_slice()), ("premium", "WebservicePremium", &BOTH), ("premium", "WebservicePremium", &PREMIUM),
            ("consents", "ManageConsents", &CONSENTS), ("sms", "SMS", &["Reception"]), ("pbx", "PBX", &["Call/{id}"]), ("token", "Token", &["{token}"]),
        ].into_iter().flat_map(|(set, part, actions)| actions.iter().map(move |action| (set, format!("/{part}/{action}")))).collect();
        let paths: serde_json::Map<_, _> = types.iter().enumerate().map(|(number, (_, template))| {
            (template.clone(), json!({ "post": { "operationId": format!("action{number}") } }))
        }).collect();
        let document = json!({ "openapi": "3.1.0", "info": { "title": "Web service", "version": "1" }, "servers": [{ "url": "/webservice" }], "paths": paths });
        import_with(world, "?slug=ws", &document).await.expect(201);
        let applied = world.api("POST", "/api-sets/templates/yetiforce", Some(&json!({ "api": "ws" }))).await.expect(200).json();
        assert!(applied["sets"].as_array().expect("sets").iter().all(|set| set["unmatched"] == json!([])), "{applied}");
        let concrete = |template: &str| {
            let path = template.replace("{module}", "Accounts").replace("{id}", "7").replace("{related}", "Contacts");
            format!("/webservice{}", path.replace("{action}", "Get").replace("{token}", "t1"))
        };
        for set in ["standard", "premium", "consents", "sms", "pbx", "token"] {
            let key = world.create_key(json!({ "name": set, "api_sets": [format!("ws-{set}")] })).await;
            for (of, template) in &types {
                let verdict = world.verdict(&key.secret, "ws", "POST", &concrete(template)).await;
                let expected = if *of == set { "VALID" } else { "OPERATION_NOT_ALLOWED" };
                assert_eq!(verdict["code"], expected, "{set} at {template}");
            }
        }
    }

    async fn g_11_a_name_is_required_and_the_error_says_so(world: &World) {
        for (path, body) in [
            ("/keys", json!({ "api_sets": [] })),
            ("/keys", json!({ "api_sets": [], "name": "" })),
            ("/keys", json!({ "api_sets": [], "name": "  " })),
            ("/keys", json!({ "api_sets": [], "name": null })),
            ("/apis", json!({ "slug": "a" })),
            ("/api-sets", json!({ "slug": "a" })),
            ("/api-sets", json!({ "slug": "a", "name": "\t" })),
        ] {
            let refused = world.api("POST", path, Some(&body)).await.expect(400).json();
            assert_eq!((&refused["code"], &refused["errors"][0]["field"]), (&json!("invalid_request"), &json!("name")), "{path} {body}");
            assert_eq!(refused["errors"].as_array().map(Vec::len), Some(1), "nothing else is required: {refused}");
        }
    }

    async fn g_13_a_description_is_optional(world: &World) {
        for body in [json!({ "name": "none" }), json!({ "name": "empty", "description": "" })] {
            let mut body = body;
            body["api_sets"] = json!([]);
            let key = world.create_key(body).await;
            assert_eq!(world.get_key(&key.id).await["description"], "");
        }
        let key = world.create_key(json!({ "name": "some", "api_sets": [], "description": "x" })).await;
        let emptied = world.api("PATCH", &format!("/keys/{}", key.id), Some(&json!({ "description": "" }))).await;
        assert_eq!(emptied.expect(200).json()["description"], "");
    }

    async fn real_documents_live_beside_each_other(world: &World) {
        world.import_github().await;
        for (version, name) in [("v70", "adyen-CheckoutService-v70.json.gz"), ("v71", "adyen-CheckoutService-v71.json"), ("v72", "adyen-CheckoutService-v72.json.gz")] {
            import(world, "checkout", "Checkout", version, &file(name)).await;
        }
        import(world, "payment", "Payment", "", &file("adyen-PaymentService-v68.json.gz")).await;
        import(world, "legal-entity", "Legal entity", "", &file("adyen-LegalEntityService-v4.json.gz")).await;
        import(world, "management", "Management", "", &file("adyen-ManagementService-v3.yaml.gz")).await;
        let checkout = world.api("GET", "/apis/checkout", None).await.expect(200).json();
        assert_eq!((&checkout["versions"], &checkout["base_paths"]), (&json!(["v70", "v71", "v72"]), &json!(["/v70", "/v71", "/v72"])));
        let key = |name: &str, operations: Value| world.create_key(json!({ "name": name, "operations": operations }));
        let payer = key("payer", json!(["checkout:post-payments", "checkout:get-*", "payment:*"])).await;
        let only_72 = key("only v72", json!(["checkout:*@v72", "legal-entity:get-legalEntities-id"])).await;
        let not_70 = key("not v70", json!(["checkout:*", "!checkout:*@v70", "management:get-merchants*"])).await;

        // Each operation that a document lists is judged as that operation, in its version.
        for api in ["checkout", "payment", "legal-entity", "management"] {
            every_operation_is_itself(world, api, &world.create_key(json!({ "name": format!("all of {api}"), "operations": [format!("{api}:*")] })).await.secret).await;
        }
        // Through nginx and Caddy, each with its API pinned.
        let nginx = Nginx::start(world.doors, "checkout").await;
        for (key, path, status) in [
            (&payer, "/v70/payments", 200),
            (&payer, "/v72/payments", 200),
            (&payer, "/v72/payments/details", 403),
            (&only_72, "/v72/payments", 200),
            (&only_72, "/v71/payments", 403),
            (&only_72, "/V71/payments", 403),
            (&not_70, "/v71/payments", 200),
            (&not_70, "/v70/payments", 403),
            (&not_70, "/v070/payments", 403),
            (&not_70, "/v69/payments", 403),
        ] {
            let answer = ask(nginx.address, &key.secret, ("POST", path)).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.text());
        }
        let echoed = ask(nginx.address, &only_72.secret, ("POST", "/v72/payments")).await.expect(200).json();
        assert!(echoed.to_string().contains("checkout:post-payments"), "the upstream learns the operation: {echoed}");
        let legal = Caddy::start(world.doors, "legal-entity").await;
        ask(legal.address, &only_72.secret, ("GET", "/lem/v4/legalEntities/LE1")).await.expect(200);
        ask(legal.address, &only_72.secret, ("PATCH", "/lem/v4/legalEntities/LE1")).await.expect(403);
        ask(legal.address, &payer.secret, ("GET", "/lem/v4/legalEntities/LE1")).await.expect(403);
        let management = Caddy::start(world.doors, "management").await;
        ask(management.address, &not_70.secret, ("GET", "/v3/merchants")).await.expect(200);
        ask(management.address, &not_70.secret, ("GET", "/v3/companies")).await.expect(403);
        let github = Nginx::start(world.doors, "github").await;
        ask(github.address, &not_70.secret, ("GET", "/repos/o/r")).await.expect(403);
        // Without a pin the host tells GitHub from Adyen, and the base path Adyen's services from each other.
        let unpinned = json!({ "credential": only_72.secret, "method": "POST", "path": "/v72/payments", "host": "checkout-test.adyen.com" });
        let verdict = Request::post("/v1/verify", &unpinned).send(world.doors).await.expect(200).json();
        assert_eq!((&verdict["operation"], &verdict["api_version"]), (&json!("checkout:post-payments"), &json!("v72")));
    }

    async fn hosts_are_live_or_test_and_a_key_of_the_other_is_refused(world: &World) {
        import(world, "mail", "Mail", "", &file("yespo-like.yaml")).await;
        let hosts = json!({ "hosts": ["api.example.com", { "host": "TEST.example.com:8443", "environment": "test" }] });
        let edited = world.api("PATCH", "/apis/mail", Some(&hosts)).await.expect(200).json();
        assert_eq!(edited["hosts"], json!([{ "host": "api.example.com", "environment": "live" }, { "host": "test.example.com", "environment": "test" }]));
        let bad = json!({ "hosts": ["a.example.com", { "host": "b.example.com", "environment": "staging" }, "A.example.com", "x y"] });
        let refused = world.api("PATCH", "/apis/mail", Some(&bad)).await.expect(400).json();
        assert!(refused["errors"].to_string().contains("hosts"), "{refused}");
        let bad = json!({ "hosts": ["a.example.com", "A.example.com", "x y"] });
        let refused = world.api("PATCH", "/apis/mail", Some(&bad)).await.expect(400).json();
        let fields: Vec<_> = refused["errors"].as_array().expect("a list").iter().map(|error| error["field"].clone()).collect();
        assert_eq!(fields, ["hosts[1].host", "hosts[2].host"]);
        for environment in ["live", "test"] {
            let body = json!({ "name": environment, "environment": environment, "operations": ["mail:createEvent"] });
            let key = world.create_key(body).await;
            for (host, of) in [("api.example.com", "live"), ("test.example.com", "test"), ("TEST.example.com:443", "test"), ("other.example.com", "live")] {
                let question = json!({ "credential": key.secret, "api": "mail", "method": "POST", "path": "/v1/event", "host": host });
                let verdict = Request::post("/v1/verify", &question).send(world.doors).await.expect(200).json();
                let expected = if of == environment { "VALID" } else { "OPERATION_NOT_ALLOWED" };
                assert_eq!(verdict["code"], expected, "{environment} key at {host}");
            }
        }
    }
}

/// Only `POST /v3/event` is refused, however it is spelled.
async fn only_v3_is_refused(gateway: SocketAddr, secret: &str) {
    for path in ["/v1/event", "/v2/event"] {
        ask(gateway, secret, ("POST", path)).await.expect(200);
    }
    for path in
        ["/v3/event", "/V3/event", "/v03/event", "/v%33/event", "/v3/event/", "/v3/EVENT", "/v3%2Fevent", "//v3/event"]
    {
        let answer = ask(gateway, secret, ("POST", path)).await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.text());
    }
}

/// A request through a gateway.
async fn ask(gateway: SocketAddr, secret: &str, (method, path): (&str, &str)) -> Response {
    Request::new(method, path).bearer(secret).send(gateway).await
}

/// Each of `passing` gets through to `mail`, each of `refused` gets 403.
async fn passes_and_refuses(world: &World, secret: &str, passing: &[Route], refused: &[Route]) {
    let all = passing.iter().map(|route| (route, 200)).chain(refused.iter().map(|route| (route, 403)));
    for ((method, path), status) in all {
        let answer = world.authorize("mail", method, path, |request| request.bearer(secret)).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
    }
}

/// The secret of a key with one right of Yespo's template over the API `mail`.
async fn key_of_right(world: &World, right: &str) -> String {
    import(world, "mail", "Mail", "", &file("yespo-like.yaml")).await;
    let applied = world.api("POST", "/api-sets/templates/yespo", Some(&json!({ "api": "mail" }))).await;
    let applied = applied.expect(200).json();
    assert!(applied["sets"].as_array().expect("a list").iter().all(|set| set["unmatched"] == json!([])), "{applied}");
    world.create_key(json!({ "name": "by right", "api_sets": [format!("mail-{right}")] })).await.secret
}

async fn key_named(world: &World, name: &str) -> String {
    let keys = world.api("GET", "/keys?limit=100", None).await.expect(200).json();
    let found = keys["data"].as_array().expect("a list").iter().find(|key| key["name"] == name).expect("the key");
    found["id"].as_str().expect("an id").to_owned()
}

/// Asks for each operation in each of its versions; the verdict names it.
async fn every_operation_is_itself(world: &World, api: &str, secret: &str) {
    let record = world.api("GET", &format!("/apis/{api}"), None).await.expect(200).json();
    let base_paths: Vec<_> =
        record["base_paths"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let operations = world.operations(api).await;
    assert!(operations.len() >= 5, "{api}");
    for operation in operations {
        for version in operation["versions"].as_array().expect("a list") {
            let version = version.as_str().expect("a name");
            let base = base_paths.iter().find(|path| path.ends_with(&format!("/{version}"))).expect("its base path");
            let path = format!("{base}{}", filled(operation["path"].as_str().expect("a path")));
            let verdict = world.verdict(secret, api, operation["method"].as_str().expect("a method"), &path).await;
            assert_eq!((&verdict["code"], &verdict["operation"]), (&json!("VALID"), &operation["name"]), "{path}");
            assert_eq!(verdict["api_version"], version, "{path}");
        }
    }
}

/// A path of a template: each parameter is `x7`.
fn filled(template: &str) -> String {
    let parts = template.split('{').enumerate();
    parts
        .map(
            |(at, part)| {
                if at == 0 { part.to_owned() } else { format!("x7{}", part.split_once('}').expect("a brace").1) }
            },
        )
        .collect()
}

/// A document of `data/openapi`, unzipped.
pub fn file(name: &str) -> (String, Vec<u8>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/openapi").join(name);
    let bytes = std::fs::read(path).expect("the document");
    let Some(plain) = name.strip_suffix(".gz") else { return (name.to_owned(), bytes) };
    let mut whole = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut whole).expect("gzip");
    (plain.to_owned(), whole)
}

/// Imports a document as an API, or as a version of it.
pub async fn import(
    world: &World,
    slug: &str,
    name: &str,
    version: &str,
    (file, document): &(String, Vec<u8>),
) -> Value {
    let version = if version.is_empty() { String::new() } else { format!("&version={version}") };
    let media_type = if Path::new(file).extension().is_some_and(|extension| extension == "yaml") {
        "application/yaml"
    } else {
        "application/json"
    };
    let path = format!("/api/v1/apis/import?slug={slug}&name={}{version}", name.replace(' ', "%20"));
    let request = Request::new("POST", &path).bearer(&world.token).header("Content-Type", media_type);
    let answer = request.body(document.clone()).send(world.control).await;
    assert!(answer.status < 300, "{file}: {}", answer.text());
    answer.json()
}

async fn import_with(world: &World, query: &str, document: &Value) -> Response {
    world.api("POST", &format!("/apis/import{query}"), Some(document)).await
}
