//! Mails to users of applications, as a mail program reads them, and where their links lead.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::portal::{PASSWORD, Portal};
use crate::harness::database::{Kind, TestDatabase};
use crate::harness::letter::{Letter, read};
use crate::harness::raw_http::Request;
use crate::harness::smtp::{Mode, SmtpServer};
use crate::harness::world::World;

const NEW: &str = "an umbrella on the roof";
const OTHER: &str = "a bicycle in the cellar";
const TOKEN_PAGE: &str = "index.php?module=Users&view=LoginPassReset&mode=token&token=";
const GONE: &str = "The token does not exist or has expired";

/// A server that sends mail.
struct Post {
    world: World,
    server: SmtpServer,
    taken: AtomicUsize,
    _folder: tempfile::TempDir,
    _database: TestDatabase,
}

impl Post {
    async fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let server = SmtpServer::start(&folder.path().join("mails"), Mode::Plain, None);
        let database = TestDatabase::new(kind).await;
        let url = format!("smtp://localhost:{}", server.address.port()).parse().expect("a URL");
        let world = World::start_with(&database, |config| {
            config.mail.smtp_url = Some(url);
            config.mail.from = Some("Key server <keys@example.com>".into());
        })
        .await;
        let kind = json!({"name": "Webservice Standard", "sign_in": "session", "api_sets": ["full-access"]});
        world.api("POST", "/application-types", Some(&kind)).await.expect(201);
        Self { world, server, taken: AtomicUsize::new(0), _folder: folder, _database: database }
    }

    /// An application with this public URL, and a user of it.
    async fn portal(&self, name: &str, url: Option<&str>, user: Value) -> Portal<'_> {
        let body = json!({"name": name, "type": "webservice-standard", "public_url": url});
        let made = self.world.api("POST", "/applications", Some(&body)).await.expect(201).json();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut portal = Portal {
            world: &self.world,
            container: "WebserviceStandard",
            name: name.to_owned(),
            password: text(&made["password"]),
            key: text(&made["secret"]),
            id: text(&made["application"]["id"]),
            user: String::new(),
        };
        let mut body = json!({"application": portal.id, "permission_type": 1, "profile_user": "ada@example.com"});
        body.as_object_mut().expect("an object").extend(user.as_object().expect("an object").clone());
        let made = self.world.api("POST", "/api-users", Some(&body)).await.expect(201).json();
        portal.user = text(&made["api_user"]["id"]);
        portal
    }

    /// The next mail that is sent.
    async fn letter(&self) -> Letter {
        let before = self.taken.fetch_add(1, Ordering::Relaxed);
        read(&self.server.wait_for(before + 1).await[before])
    }
}

fn choose(portal: &Portal<'_>, token: &str, password: &str) -> Request {
    portal.request("PUT", "Users/ResetPassword").json(&json!({ "token": token, "password": password }))
}

async fn through_the_public_url(kind: Kind) {
    let post = Post::new(kind).await;
    for (name, url) in [("Plain", "https://portal.example.com/shop"), ("Slash", "https://portal.example.com/shop/")] {
        let user = format!("{}@example.com", name.to_lowercase());
        let body = json!({"user_name": user, "password": PASSWORD, "language": "pl-PL"});
        let portal = post.portal(name, Some(url), body).await;
        let ask = portal.request("POST", "Users/ResetPassword").json(&json!({ "userName": user }));
        portal.result(ask).await;
        let reset = post.letter().await;
        assert_eq!((&reset.recipient, &reset.subject), (&user, &format!("Wybór nowego hasła: {name}")));
        assert!(reset.text.starts_with(&format!("Dzień dobry, {user},\n")), "{}", reset.text);
        assert_eq!(reset.behind(&format!("https://portal.example.com/shop/{TOKEN_PAGE}")).len(), 32);
        let request = json!({"template": "record_link", "api_user": portal.user, "record": "Invoices/7 & 8"});
        post.world.api("POST", &format!("/applications/{}/mails", portal.id), Some(&request)).await.expect(201);
        let record = post.letter().await;
        assert_eq!(record.subject, format!("{name}: Invoices/7 & 8"));
        let page = "https://portal.example.com/shop/index.php?module=Invoices&view=DetailView&record=";
        assert_eq!(record.behind(page), "7%20%26%208");
    }
    for url in ["javascript:alert(1)", "ftp://x.example", "https://x.example/?a=b", "https://a:b@x.example", "x"] {
        let body = json!({"name": "Other", "type": "webservice-standard", "public_url": url});
        let refused = post.world.api("POST", "/applications", Some(&body)).await.expect(400).json();
        assert_eq!(refused["errors"][0]["field"], "public_url", "{url}: {refused}");
    }
    post.world.stop_serving().await;
}

async fn tokens_that_are_over(kind: Kind) {
    let post = Post::new(kind).await;
    let body = json!({"user_name": "carol@example.com", "password": PASSWORD});
    let begin = format!("https://portal.example.com/{TOKEN_PAGE}");
    let portal = post.portal("Portal", Some("https://portal.example.com"), body).await;
    let reset = format!("/api-users/{}/reset-password", portal.user);
    let mut tokens = Vec::new();
    for _ in 0..2 {
        post.world.api("POST", &reset, None).await.expect(204);
        let letter = post.letter().await;
        assert_eq!(letter.subject, "Choose another password for Portal");
        tokens.push(letter.behind(&begin));
        post.world.advance(Duration::from_mins(1));
    }
    let gone = (405, GONE.to_owned());
    assert_eq!(portal.refusal(choose(&portal, &tokens[0], NEW)).await, gone, "a later link is in its place");
    assert_eq!(portal.result(choose(&portal, &tokens[1], NEW)).await, true);
    assert_eq!(portal.refusal(choose(&portal, &tokens[1], OTHER)).await, gone, "once");
    portal.result(portal.login("carol@example.com", NEW)).await;
    post.world.advance(Duration::from_mins(5));
    post.world.api("POST", &reset, None).await.expect(204);
    let late = post.letter().await.behind(&begin);
    post.world.advance(Duration::from_hours(1));
    assert_eq!(portal.refusal(choose(&portal, &late, OTHER)).await, gone, "an hour later");
    portal.result(portal.login("carol@example.com", NEW)).await;
    post.world.stop_serving().await;
}

/// Sends the form of Claviger's own page.
async fn send(world: &World, path: &str, token: &str, password: &str) -> (u16, String) {
    let form = format!("token={token}&password={}", password.replace(' ', "+"));
    let request = Request::new("POST", path).header("Content-Type", "application/x-www-form-urlencoded");
    let answer = request.body(form.into_bytes()).send(world.public).await;
    (answer.status, answer.text())
}

async fn at_our_own_page(kind: Kind) {
    let post = Post::new(kind).await;
    let body = json!({"user_name": "dora@example.com", "language": "pl"});
    let portal = post.portal("Bez adresu", None, body).await;
    let reset = format!("/api-users/{}/reset-password", portal.user);
    let letter = post.letter().await;
    assert_eq!((letter.recipient.as_str(), letter.subject.as_str()), ("dora@example.com", "Nowe konto: Bez adresu"));
    let path = "/password?language=pl";
    let token = letter.behind(&format!("http://{}{path}#", post.world.public));
    let page = Request::get(path).send(post.world.public).await.expect(200);
    assert_eq!(
        (page.header("cache-control").as_deref(), page.header("x-frame-options").as_deref()),
        (Some("no-store"), Some("DENY"))
    );
    let text = page.text();
    assert!(text.contains("<html lang=\"pl\"") && text.contains("Nowe hasło") && !text.contains(&token), "{text}");
    let script = text.split("src=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a script");
    Request::get(script).send(post.world.public).await.expect(200);
    for path in ["/", "/sign-in", "/api/v1/me", "/api/v1/api-users/choose-password", "/api/docs"] {
        Request::get(path).send(post.world.public).await.expect(404);
    }
    let (status, text) = send(&post.world, path, &token, "short").await;
    assert!(status == 400 && text.contains("password-error") && text.contains(&token), "{status} {text}");
    let (status, text) = send(&post.world, path, &token, NEW).await;
    assert!(status == 200 && text.contains("Hasło zostało wybrane"), "{status} {text}");
    let (status, text) = send(&post.world, path, &token, OTHER).await;
    assert!(status == 400 && text.contains("Ten odnośnik został już użyty"), "{status} {text}");
    portal.result(portal.login("dora@example.com", NEW)).await;
    assert_eq!(portal.refusal(portal.login("dora@example.com", OTHER)).await.0, 401);
    // A client of the application may use such a link too.
    post.world.advance(Duration::from_mins(1));
    post.world.api("POST", &reset, None).await.expect(204);
    let again = post.letter().await;
    assert_eq!(again.subject, "Wybór nowego hasła: Bez adresu");
    let token = again.behind(&format!("http://{}{path}#", post.world.public));
    assert_eq!(portal.result(choose(&portal, &token, OTHER)).await, true);
    let record = json!({"template": "record_link", "api_user": portal.user, "record": "1"});
    let path = format!("/applications/{}/mails", portal.id);
    portal.world.api("POST", &path, Some(&record)).await.expect(409);
    assert!(!post.world.dump().await.windows(token.len()).any(|part| part == token.as_bytes()), "in the clear");
    post.world.stop_serving().await;
}

async fn own_words(kind: Kind) {
    let post = Post::new(kind).await;
    let words = json!({
        "subject": "{application} / {user_name}", "text": "{user_name}\n{link}\n",
        "html": "<p>{application} {organization}</p><p>{user_name}: <a href=\"{link}\">{record}</a></p>",
    });
    let path = "/mail/templates/record_link/en";
    post.world.api("PUT", path, Some(&words)).await.expect(200);
    let name = "<img src=x onerror=alert(1)>";
    let user = "</p><script>alert('{link}')</script>";
    let body = json!({
        "user_name": user, "password": PASSWORD, "permission_type": 2, "contact": {"id": "C-1", "email": "eve@example.com"},
    });
    let portal = post.portal(name, Some("https://portal.example.com"), body).await;
    let request = json!({"template": "record_link", "api_user": portal.user, "record": "\"><b>1</b>"});
    post.world.api("POST", &format!("/applications/{}/mails", portal.id), Some(&request)).await.expect(201);
    let letter = post.letter().await;
    assert_eq!(letter.subject, format!("{name} / {user}"));
    assert_eq!(
        letter.behind("https://portal.example.com/index.php?view=DetailView&record="),
        "%22%3E%3Cb%3E1%3C%2Fb%3E"
    );
    assert!(letter.text.starts_with(&format!("{user}\n")), "{}", letter.text);
    for markup in ["<img", "<script", "<b>"] {
        assert!(!letter.html.contains(markup), "{markup} in {}", letter.html);
    }
    assert!(
        letter.html.contains("&lt;/p&gt;&lt;script&gt;alert(&#39;{link}&#39;)&lt;/script&gt;: <a"),
        "{}",
        letter.html
    );
    post.world.stop_serving().await;
}

macro_rules! on_both {
    ($($scenario:ident => $sqlite:ident, $postgres:ident;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $sqlite() {
                $scenario(Kind::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn $postgres() {
                $scenario(Kind::Postgres).await;
            }
        )*
    };
}

on_both! {
    through_the_public_url => f_08_links_lead_through_the_public_url_with_and_without_a_slash_on_sqlite,
        f_08_links_lead_through_the_public_url_with_and_without_a_slash_on_postgres;
    tokens_that_are_over => w_09_a_token_that_was_used_replaced_or_has_expired_is_none_on_sqlite,
        w_09_a_token_that_was_used_replaced_or_has_expired_is_none_on_postgres;
    at_our_own_page => f_08_without_a_public_url_a_password_is_chosen_at_our_own_page_on_sqlite,
        f_08_without_a_public_url_a_password_is_chosen_at_our_own_page_on_postgres;
    own_words => f_08_names_are_no_markup_in_an_organizations_own_words_on_sqlite,
        f_08_names_are_no_markup_in_an_organizations_own_words_on_postgres;
}
