//! Mail templates, and the mails that are made of them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::api_users::FIRST_LINK_LIFETIME;
use crate::mail::Ready;
use crate::testing::{Reply, World};

const PASSWORD: &str = "wobbly kettle orbit nine";
const TOKEN_PAGE: &str = "index.php?module=Users&view=LoginPassReset&mode=token&token=";

/// An installation that sends mail, with a type whose users sign in.
async fn world() -> (World, String) {
    let (world, admin) = World::new(true).await.set_up().await;
    let kind = json!({"name": "Portal", "sign_in": "session", "api_sets": ["full-access"]});
    assert_eq!(world.post(&admin, "/application-types", kind).await.status, 201);
    (world, admin)
}

async fn application(world: &World, admin: &str, name: &str, public_url: Option<&str>) -> String {
    let body = json!({"name": name, "type": "portal", "public_url": public_url});
    let made = world.post(admin, "/applications", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.body["application"]["id"].as_str().expect("an id").to_owned()
}

async fn user(world: &World, admin: &str, application: &str, name: &str, more: Value) -> Reply {
    let mut body = json!({
        "application": application, "user_name": name, "permission_type": 1, "profile_user": "ann@example.com", "language": "pl-PL",
    });
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let made = world.post(admin, "/api-users", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made
}

async fn mail(world: &World) -> Ready {
    let mails = world.mails().await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    mails.into_iter().next().expect("a mail")
}

fn html(mail: &Ready) -> &str {
    mail.html.as_ref().expect("HTML").expose()
}

/// What stands behind `begin` in the text of a mail.
fn behind(mail: &Ready, begin: &str) -> String {
    let body = mail.body.expose();
    let (_, rest) = body.split_once(begin).unwrap_or_else(|| panic!("{begin} in {body}"));
    rest.split_whitespace().next().expect("something").to_owned()
}

async fn set(world: &World, admin: &str, which: &str, words: Value) -> Reply {
    world.call("PUT", admin, &format!("/mail/templates/{which}"), Some(words)).await
}

#[tokio::test]
async fn f_08_templates_are_listed_changed_under_their_version_and_restored() {
    let (world, admin) = world().await;
    let listed = world.get(&admin, "/mail/templates").await;
    let rows = listed.body["data"].as_array().expect("rows");
    let named: Vec<_> =
        rows.iter().map(|row| format!("{}/{}", row["template"], row["language"]).replace('"', "")).collect();
    assert_eq!(
        named,
        [
            "password_reset/en",
            "password_reset/pl",
            "new_account/en",
            "new_account/pl",
            "record_link/en",
            "record_link/pl"
        ]
    );
    assert!(rows.iter().all(|row| row["is_default"] == true && row.get("html").is_none()), "{rows:?}");
    let path = "/mail/templates/record_link/pl";
    let before = world.get(&admin, path).await;
    assert_eq!(before.header("etag"), "\"1\"");
    assert_eq!(before.body["placeholders"][0], json!({"name": "link", "required": true}));
    let words = json!({"subject": " Nowość: {record} ", "text": "{link}\r\n", "html": "<p>{link}</p>"});
    let changed = set(&world, &admin, "record_link/pl", words.clone()).await;
    assert_eq!((changed.status.as_u16(), &changed.body["is_default"]), (200, &json!(false)), "{changed:?}");
    assert_eq!((&changed.body["subject"], &changed.body["text"]), (&json!("Nowość: {record}"), &json!("{link}\n")));
    let entry = world.audited(&admin, "mail_template.edit").await;
    assert_eq!((&entry["object"]["id"], &entry["after"]["html"]), (&json!("record_link/pl"), &json!("<p>{link}</p>")));
    let again = set(&world, &admin, "record_link/pl", words.clone()).await;
    assert_eq!(again.header("x-claviger-change"), "", "nothing changed");
    let request = http::Request::builder().method("PUT").uri(format!("/api/v1{path}"));
    let request = request.header("authorization", format!("Bearer {admin}")).header("if-match", "\"1\"");
    let request = request.header("content-type", "application/json").body(words.to_string().into()).expect("a request");
    world.send(request).await.problem(412, "stale");
    assert_eq!(
        world.get(&admin, "/mail/templates/record_link/en").await.body["is_default"],
        true,
        "the other language"
    );
    assert_eq!(world.call("DELETE", &admin, path, None).await.status, 204);
    let restored = world.get(&admin, path).await;
    assert_eq!((restored.header("etag"), &restored.body), ("\"1\"", &before.body));
    assert_eq!(world.audited(&admin, "mail_template.restore").await["before"]["html"], "<p>{link}</p>");
    // The catalogue's words are none of one's own.
    let same = json!({"subject": before.text("subject"), "text": before.text("text"), "html": before.text("html")});
    assert_eq!(set(&world, &admin, "record_link/pl", same).await.body["is_default"], true);
    for path in ["/mail/templates/invoice/en", "/mail/templates/record_link/de", "/mail/templates/record_link/PL"] {
        world.get(&admin, path).await.problem(404, "not_found");
    }
    let (_, reader) = world.key(&admin, "reader", &["claviger-audit-read"]).await;
    assert_eq!(world.get(&reader, path).await.status, 200);
    set(&world, &reader, "record_link/pl", words).await.problem(403, "forbidden");
}

#[tokio::test]
async fn f_08_a_template_is_refused_by_the_field_that_is_wrong() {
    let (world, admin) = world().await;
    let words = |subject: &str, text: &str, html: &str| json!({"subject": subject, "text": text, "html": html});
    for (body, fields) in [
        (words("", "", ""), vec!["subject", "text", "html"]),
        (words("{record}", "{link}", "{link}"), vec!["subject"]),
        (words("{link}", "{link}", "{link}"), vec!["subject"]),
        (words("a\nBcc: eve@example.com", "{link}", "{link}"), vec!["subject"]),
        (words("a", "no way", "{link}\u{7}"), vec!["text", "html"]),
        (words("a", "{link}", "{link}<a title={user_name}>"), vec!["html"]),
        (words("a", "{link}", "{link}<script>x</script>"), vec!["html"]),
        (words(&"a".repeat(201), &"a".repeat(10_001), &"a".repeat(20_001)), vec!["subject", "text", "html"]),
        (json!({"subject": "a", "text": "{link}", "html": "{link}", "cc": "x"}), vec!["cc"]),
        (json!({"subject": "a", "text": ["{link}"], "html": "{link}"}), vec!["text"]),
    ] {
        let refused = set(&world, &admin, "new_account/en", body.clone()).await;
        assert_eq!(refused.problem(400, "invalid_request"), fields, "{body}");
    }
    let refused = world.post(&admin, "/mail/templates/new_account/en/preview", json!({"text": "{record}"})).await;
    assert_eq!(refused.problem(400, "invalid_request"), ["text", "text"]);
    assert_eq!(world.get(&admin, "/mail/templates/new_account/en").await.body["is_default"], true);
}

#[tokio::test]
async fn f_08_a_draft_is_previewed_and_mailed_to_whoever_works_on_it_at_a_bounded_pace() {
    let (world, admin) = world().await;
    let draft = json!({"subject": "For {user_name} of {organization}", "html": "<b>{application}</b> {link}"});
    let path = "/mail/templates/new_account/en";
    let preview = world.post(&admin, &format!("{path}/preview"), draft.clone()).await;
    assert_eq!(preview.body["subject"], "For ann@example.com of Example");
    assert_eq!(preview.body["html"], "<b>Partner portal</b> https://portal.example.com/example");
    assert!(preview.text("text").contains("https://portal.example.com/example"), "{preview:?}");
    let test = format!("{path}/test");
    world.post(&admin, &test, draft.clone()).await.problem(403, "forbidden");
    world.give_password(&admin, PASSWORD).await;
    for number in 0..20 {
        let sent = world.call_in_session(PASSWORD, "POST", &test, Some(draft.clone())).await;
        assert_eq!(
            (sent.status.as_u16(), &sent.body["recipient"]),
            (200, &json!("ann@example.com")),
            "{number}: {sent:?}"
        );
        let sent = mail(&world).await;
        assert_eq!((sent.recipient.as_str(), &*sent.subject), ("ann@example.com", "For ann@example.com of Example"));
        assert_eq!(html(&sent), "<b>Partner portal</b> https://portal.example.com/example");
        if number == 0 {
            let early = world.call_in_session(PASSWORD, "POST", &test, None).await;
            early.problem(429, "too_many_attempts");
            assert_eq!(early.header("retry-after"), "5");
        }
        world.clock.advance(Duration::from_secs(5));
    }
    world.call_in_session(PASSWORD, "POST", &test, None).await.problem(429, "too_many_attempts");
    assert_eq!(world.audited(&admin, "mail_template.test").await["after"]["recipient"], "ann@example.com");
    assert_eq!(world.get(&admin, path).await.body["is_default"], true, "nothing was saved");
}

#[tokio::test]
async fn f_08_links_begin_with_the_public_url_with_and_without_a_slash_and_lead_to_our_own_page_without_one() {
    let (world, admin) = world().await;
    for (name, url, begin) in [
        ("plain", Some("https://portal.example.org"), format!("https://portal.example.org/{TOKEN_PAGE}")),
        ("slash", Some("https://portal.example.org/shop/"), format!("https://portal.example.org/shop/{TOKEN_PAGE}")),
        ("own", None, "https://public.example.com/password?language=pl#".to_owned()),
    ] {
        let application = application(&world, &admin, name, url).await;
        let made =
            user(&world, &admin, &application, &format!("{name}@example.org"), json!({"password": PASSWORD})).await;
        assert_eq!(made.body["mailed"], false, "it has a password");
        let id = made.body["api_user"]["id"].as_str().expect("an id");
        assert_eq!(world.call("POST", &admin, &format!("/api-users/{id}/reset-password"), None).await.status, 204);
        let reset = mail(&world).await;
        assert_eq!(reset.recipient.as_str(), format!("{name}@example.org"));
        assert_eq!(reset.subject, format!("Wybór nowego hasła: {name}"));
        assert_eq!(behind(&reset, &begin).len(), 32);
        assert!(html(&reset).contains(&format!("<a href=\"{}", begin.replace('&', "&amp;"))), "{}", html(&reset));
        let record = json!({"template": "record_link", "api_user": id, "record": "Invoices/ł 1"});
        let sent = world.post(&admin, &format!("/applications/{application}/mails"), record).await;
        if url.is_none() {
            sent.problem(409, "conflict");
            continue;
        }
        assert_eq!(sent.status, 201, "{sent:?}");
        assert_eq!(
            (&sent.body["language"], &sent.body["recipient"]),
            (&json!("pl"), &json!(format!("{name}@example.org")))
        );
        let sent = mail(&world).await;
        assert_eq!(sent.subject, format!("{name}: Invoices/ł 1"));
        let page = begin.replace(TOKEN_PAGE, "index.php?module=Invoices&view=DetailView&record=");
        assert_eq!(behind(&sent, &page), "%C5%82%201");
        let entry = world.audited(&admin, "api_user.send_mail").await;
        assert_eq!(entry["after"], json!({"template": "record_link", "record": "Invoices/ł 1"}));
    }
}

#[tokio::test]
async fn f_08_a_record_link_is_sent_once_for_each_key_and_to_active_users_of_the_application_alone() {
    let (world, admin) = world().await;
    let application_id = application(&world, &admin, "Partners", Some("https://portal.example.org")).await;
    application(&world, &admin, "Other", Some("https://other.example.org")).await;
    let made = user(&world, &admin, &application_id, "bob@example.org", json!({"password": PASSWORD})).await;
    let id = made.body["api_user"]["id"].as_str().expect("an id").to_owned();
    let request = |record: &str| json!({"template": "record_link", "api_user": "BOB@example.org", "record": record});
    let path = "/applications/partners/mails";
    let once = async |body: Value| {
        let request =
            http::Request::builder().method("POST").uri(format!("/api/v1{path}")).header("idempotency-key", "one");
        let request =
            request.header("authorization", format!("Bearer {admin}")).header("content-type", "application/json");
        world.send(request.body(body.to_string().into()).expect("a request")).await
    };
    assert_eq!(once(request("1")).await.status, 201);
    let again = once(request("1")).await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (201, "true"), "{again:?}");
    once(request("2")).await.problem(422, "idempotency_mismatch");
    assert_eq!(behind(&mail(&world).await, "record="), "1");
    for (body, status, code, field) in [
        (json!({"template": "record_link", "api_user": id}), 400, "invalid_request", "record"),
        (json!({"template": "record_link", "api_user": id, "record": " "}), 400, "invalid_request", "record"),
        (json!({"template": "record_link", "api_user": id, "record": "a\r\nb"}), 400, "invalid_request", "record"),
        (
            json!({"template": "record_link", "api_user": id, "record": "x".repeat(201)}),
            400,
            "invalid_request",
            "record",
        ),
        (json!({"template": "password_reset", "api_user": id, "record": "1"}), 400, "invalid_request", "record"),
        (json!({"template": "invoice", "api_user": id}), 400, "invalid_request", "template"),
        (json!({"template": "record_link", "api_user": "nobody", "record": "1"}), 404, "not_found", "api_user"),
    ] {
        assert_eq!(world.post(&admin, path, body.clone()).await.problem(status, code), [field], "{body}");
    }
    let elsewhere = world.post(&admin, "/applications/other/mails", request("1")).await;
    assert_eq!(elsewhere.problem(404, "not_found"), ["api_user"], "another application's");
    for _ in 1..50 {
        assert_eq!(world.post(&admin, path, request("1")).await.status, 201);
    }
    world.post(&admin, path, request("1")).await.problem(429, "too_many_attempts");
    world.call("POST", &admin, &format!("/api-users/{id}/disable"), None).await;
    world.post(&admin, path, request("1")).await.problem(409, "conflict");
    let reset = world.call("POST", &admin, &format!("/api-users/{id}/reset-password"), None).await;
    reset.problem(409, "conflict");
}

#[tokio::test]
async fn f_13_a_user_without_a_password_is_mailed_a_link_that_works_once_for_a_week_at_our_own_page() {
    let (world, admin) = world().await;
    let application = application(&world, &admin, "Partners", None).await;
    let made = user(&world, &admin, &application, "bob@example.org", json!({})).await;
    assert_eq!(made.body["mailed"], true, "{made:?}");
    let id = made.body["api_user"]["id"].as_str().expect("an id").to_owned();
    let first = mail(&world).await;
    assert_eq!(first.subject, "Nowe konto: Partners");
    assert!(!first.body.expose().contains(PASSWORD));
    let token = behind(&first, "https://public.example.com/password?language=pl#");
    let choose = async |token: &str, password: &str| {
        world.post("", "/api-users/choose-password", json!({"token": token, "password": password})).await
    };
    choose("x", PASSWORD).await.problem(404, "not_found");
    choose(&"x".repeat(32), PASSWORD).await.problem(404, "not_found");
    assert_eq!(choose(&token, "short").await.problem(400, "invalid_request"), ["password"]);
    world.clock.advance(FIRST_LINK_LIFETIME.checked_sub(Duration::from_secs(1)).expect("longer than a second"));
    assert_eq!(choose(&token, PASSWORD).await.status, 204);
    choose(&token, PASSWORD).await.problem(404, "not_found");
    let read = world.get(&admin, &format!("/api-users/{id}")).await;
    assert_eq!(read.body["has_password"], true);
    let entry = world.audited(&admin, "api_user.reset_password").await;
    assert_eq!((&entry["actor"]["type"], &entry["ip"]), (&json!("system"), &json!("203.0.113.7")));
    // From now on it is another password, for an hour.
    let path = format!("/api-users/{id}/reset-password");
    assert_eq!(world.call("POST", &admin, &path, None).await.status, 204);
    let second = mail(&world).await;
    assert_eq!(second.subject, "Wybór nowego hasła: Partners");
    let token = behind(&second, "https://public.example.com/password?language=pl#");
    world.clock.advance(Duration::from_hours(1));
    choose(&token, PASSWORD).await.problem(404, "not_found");
    // Nobody is mailed who is inactive, or where there is a password.
    let inactive = user(&world, &admin, &application, "eve@example.org", json!({"active": false})).await;
    assert_eq!(inactive.body["mailed"], false);
    assert!(world.mails().await.is_empty());
    let explicit = json!({"template": "new_account", "api_user": "bob@example.org"});
    assert_eq!(world.post(&admin, &format!("/applications/{application}/mails"), explicit).await.status, 201);
    assert_eq!(mail(&world).await.subject, "Nowe konto: Partners");
}

#[tokio::test]
async fn f_08_names_are_no_markup_and_the_organizations_own_words_count() {
    let (world, admin) = world().await;
    let name = "<img src=x onerror=alert(1)> & \"Co\" {link}";
    let application = application(&world, &admin, name, Some("https://portal.example.org")).await;
    let english = json!({"password": PASSWORD, "language": "de-AT", "contact": {"id": "1", "email": "bob@example.org"}, "permission_type": 2});
    let user_name = "<script>'{record}'";
    let made = user(&world, &admin, &application, user_name, english).await;
    let id = made.body["api_user"]["id"].as_str().expect("an id").to_owned();
    let send = async |record: &str| {
        let request = json!({"template": "record_link", "api_user": id, "record": record});
        let sent = world.post(&admin, &format!("/applications/{application}/mails"), request).await;
        assert_eq!((sent.status.as_u16(), &sent.body["language"]), (201, &json!("en")), "{sent:?}");
        mail(&world).await
    };
    let by_catalogue = send("</p><b>1").await;
    assert_eq!(by_catalogue.subject, format!("{name}: </p><b>1"));
    let shown = html(&by_catalogue);
    assert!(!shown.contains("<img") && !shown.contains("<script") && !shown.contains("<b>"), "{shown}");
    assert!(
        shown.contains("&lt;img src=x onerror=alert(1)&gt; &amp; &quot;Co&quot; {link}: &lt;/p&gt;&lt;b&gt;1."),
        "{shown}"
    );
    assert!(shown.contains("Hello &lt;script&gt;&#39;{record}&#39;,"), "{shown}");
    assert!(by_catalogue.body.expose().contains(&format!("Hello {user_name},")));
    let words = json!({"subject": "{user_name}: {record}", "text": "own: {link}", "html": "<i>own</i> <a href=\"{link}\">{record}</a>"});
    assert_eq!(set(&world, &admin, "record_link/en", words).await.status, 200);
    let own = send("7").await;
    assert_eq!(
        (&*own.subject, own.body.expose()),
        (&*format!("{user_name}: 7"), "own: https://portal.example.org/index.php?view=DetailView&record=7")
    );
    assert_eq!(
        html(&own),
        "<i>own</i> <a href=\"https://portal.example.org/index.php?view=DetailView&amp;record=7\">7</a>"
    );
    // Those of another organization are its own.
    let other = world.another_organization("other", "dan@example.com").await;
    assert_eq!(world.get(&other, "/mail/templates/record_link/en").await.body["is_default"], true);
}
