//! API users by the management API, and their sign-ins as the web service makes them.

use claviger_domain::api_user::API_SESSIONS_MAX;
use claviger_domain::totp::{Step, TotpSecret};
use claviger_domain::usage::Door;
use claviger_domain::verdict::Code;
use claviger_domain::{RequestId, Secret};
use claviger_engine::{Presented, Provider, Question, Verdict};
use serde_json::{Map, json};

use crate::api_users::{self, ChosenByLink, Credentials, NewPassword, Origin, Session, SignInRefused, SignedIn};
use crate::testing::{Reply, World};

const PASSWORD: &str = "wobbly kettle orbit nine";
const OTHER: &str = "tulip brisk canal forty";

/// An application whose users sign in, with a user.
struct Portal {
    world: World,
    admin: String,
    name_and_password: String,
    key: String,
    application: String,
    key_id: String,
    user: String,
}

fn basic(name: &str, password: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}")))
}

/// A number that no other call has.
fn number(world: &World) -> u128 {
    let mut bytes = [0; 16];
    world.manage.random.fill(&mut bytes);
    u128::from_be_bytes(bytes)
}

async fn portal_of(world: World, admin: String, method: &str) -> Portal {
    let kind = json!({"name": "Portal", "sign_in": "session", "api_sets": ["full-access"]});
    assert_eq!(world.post(&admin, "/application-types", kind).await.status, 201);
    let application = json!({"name": "Partners", "type": "portal", "public_url": "https://portal.example.org"});
    let made = world.post(&admin, "/applications", application).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = |value: &serde_json::Value| value["id"].as_str().expect("an id").to_owned();
    let body = json!({
        "application": "partners", "permission_type": 2, "profile_user": "ann@example.com", "sign_in_method": method,
        "contact": {"id": "C-7", "email": "bob@example.com"}, "password": PASSWORD, "language": "pl-PL",
    });
    let user = world.post(&admin, "/api-users", body).await;
    assert_eq!(user.status, 201, "{user:?}");
    Portal {
        name_and_password: basic("Partners", &made.text("password")),
        key: made.text("secret"),
        application: id(&made.body["application"]),
        key_id: id(&made.body["key"]),
        user: id(&user.body["api_user"]),
        world,
        admin,
    }
}

async fn portal() -> Portal {
    let (world, admin) = World::with_organization().await;
    portal_of(world, admin, "password").await
}

impl Portal {
    fn origin(&self, number: u128) -> Origin {
        Origin {
            organization: self.organization(),
            application: self.application.parse().expect("an id"),
            key: self.key_id.parse().expect("an id"),
            ip: Some("203.0.113.7".parse().expect("an address")),
            agent: Some("test".to_owned()),
            request_id: RequestId::from_raw(number),
            now: claviger_domain::Clock::now(&*self.world.clock),
        }
    }

    fn organization(&self) -> claviger_domain::OrganizationId {
        let presented = Presented::new().with_credential(&self.admin);
        self.world.manage.engine.whoami(&presented, None).organization().expect("the administrator's")
    }

    async fn sign_in(&self, password: &str, code: Option<String>) -> Result<SignedIn, SignInRefused> {
        let credentials = Credentials {
            user_name: "BOB@example.com".to_owned(),
            password: Secret::new(password.to_owned()),
            code: code.map(Secret::new),
            language: None,
            params: Map::new(),
        };
        let number = number(&self.world);
        api_users::sign_in(&self.world.manage, &self.origin(number), credentials).await
    }

    fn decide(&self, token: &str) -> Verdict {
        let presented = Presented::new()
            .with_authorization(self.name_and_password.as_bytes())
            .with_x_api_key(self.key.as_bytes())
            .with_x_token(token.as_bytes());
        self.world.manage.engine.decide(&Question {
            provider: Provider { organization: self.organization() },
            credentials: &presented,
            client_ip: None,
            request: None,
            pin: None,
            requires: &[],
            cost: 1,
            preflight: false,
            door: Door::Verify,
            agent: None,
            request_id: RequestId::from_raw(1),
        })
    }

    async fn session(&self) -> Session {
        let listed = self.get("/sessions").await;
        let id = listed.body["data"][0]["id"].as_str().expect("a session").parse().expect("an id");
        let user = self.user.parse().expect("an id");
        let origin = self.origin(number(&self.world));
        Session {
            id,
            user,
            organization: origin.organization,
            key: origin.key,
            ip: origin.ip,
            agent: origin.agent,
            request_id: origin.request_id,
            now: origin.now,
        }
    }

    async fn get(&self, behind: &str) -> Reply {
        self.world.get(&self.admin, &format!("/api-users/{}{behind}", self.user)).await
    }

    async fn history(&self) -> Vec<String> {
        let history = self.get("/history").await;
        let entries = history.body["data"].as_array().expect("a list").iter();
        entries.map(|entry| entry["status"].as_str().expect("a word").to_owned()).collect()
    }
}

#[tokio::test]
async fn f_10_an_api_user_is_made_read_changed_and_deleted() {
    let portal = portal().await;
    let (world, admin) = (&portal.world, &portal.admin);
    let read = portal.get("").await;
    assert_eq!(
        (&read.body["user_name"], &read.body["permission_type"], &read.body["contact"]["id"], &read.body["active"]),
        (&json!("bob@example.com"), &json!(2), &json!("C-7"), &json!(true)),
        "the contact's address is the name that was not given"
    );
    assert_eq!((&read.body["has_password"], &read.body["enrolled"]), (&json!(true), &json!(false)));
    assert!(!read.body.to_string().contains(PASSWORD));
    let same = json!({"application": "partners", "permission_type": 1, "profile_user": "ann@example.com", "user_name": "Bob@Example.com"});
    assert_eq!(world.post(admin, "/api-users", same).await.problem(409, "name_taken"), ["user_name"]);
    for (field, value, wrong) in [
        ("permission_type", json!(6), "permission_type"),
        ("permission_type", json!(1), "contact"),
        ("contact", json!(null), "contact"),
        ("profile_user", json!("nobody"), "profile_user"),
        ("language", json!("not a tag"), "language"),
        ("password", json!("bob@example.com!"), "password"),
        ("application", json!("nobody"), "application"),
    ] {
        let mut body = json!({
            "application": "partners", "permission_type": 2, "profile_user": "ann@example.com", "user_name": "new",
            "contact": {"id": "C-8", "email": "eve@example.com"},
        });
        body[field] = value;
        let refused = world.post(admin, "/api-users", body.clone()).await;
        assert!([400, 404].contains(&refused.status.as_u16()), "{body} {refused:?}");
        assert_eq!(refused.body["errors"][0]["field"], wrong, "{body}");
    }
    let path = format!("/api-users/{}", portal.user);
    let changed = world.patch(admin, &path, json!({"permission_type": 1, "contact": null, "user_name": "bob"})).await;
    assert_eq!((changed.status.as_u16(), changed.header("etag")), (200, "\"2\""), "{changed:?}");
    let listed = world.get(admin, "/applications/partners/api-users?text=BO&active=true").await;
    assert_eq!(listed.body["data"], json!([changed.body]));
    assert_eq!(world.get(admin, "/api-users?type=portal&sort=-user_name").await.body["data"], json!([changed.body]));
    let application = world.get(admin, "/applications/partners").await;
    assert_eq!(application.body["counts"]["api_users"], 1);
    assert_eq!(world.call("DELETE", admin, &path, None).await.status, 204);
    assert_eq!(portal.get("").await.status, 404);
}

#[tokio::test]
async fn w_13_a_sign_in_makes_a_session_that_doors_know_and_an_administrator_ends() {
    let portal = portal().await;
    assert!(matches!(portal.sign_in("another password of bob", None).await, Err(SignInRefused::Wrong)));
    portal.world.clock.advance(std::time::Duration::from_secs(1));
    let signed_in = portal.sign_in(PASSWORD, None).await.expect("a session");
    let token = signed_in.token.expose().to_owned();
    assert_eq!((token.len(), &*signed_in.language, signed_in.before.signed_in_at), (64, "pl-PL", None));
    let verdict = portal.decide(&token);
    let user = verdict.api_user().expect("who has signed in");
    assert_eq!((verdict.code, user.user_name()), (Code::Valid, "bob@example.com"));
    assert_eq!((user.permission_type().number(), user.contact()), (2, Some(("C-7", "bob@example.com"))));
    assert_eq!(portal.decide(&"0".repeat(64)).code, Code::NotFound);
    let again = portal.sign_in(PASSWORD, None).await.expect("a second session");
    assert_eq!(again.before.signed_in_at, Some(portal.origin(1).now));
    let listed = portal.get("/sessions").await;
    assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(2), "{listed:?}");
    assert!(!listed.body.to_string().contains(&token));
    for session in listed.body["data"].as_array().expect("sessions") {
        let path = format!("/api-users/{}/sessions/{}", portal.user, session["id"].as_str().expect("an id"));
        assert_eq!(portal.world.call("DELETE", &portal.admin, &path, None).await.status, 204);
    }
    assert_eq!(portal.decide(&token).code, Code::NotFound);
    assert_eq!(portal.history().await, ["signed_in", "signed_in", "wrong_password"]);
    portal.world.audited(&portal.admin, "api_user.sign_in").await;
}

#[tokio::test]
async fn f_12_an_inactive_user_and_an_inactive_application_have_no_sessions() {
    let portal = portal().await;
    let token = portal.sign_in(PASSWORD, None).await.expect("a session").token;
    let path = format!("/api-users/{}", portal.user);
    assert_eq!(portal.world.call("POST", &portal.admin, &format!("{path}/disable"), None).await.status, 200);
    assert_eq!(portal.decide(token.expose()).code, Code::NotFound);
    assert!(matches!(portal.sign_in(PASSWORD, None).await, Err(SignInRefused::Wrong)));
    assert_eq!(portal.world.call("POST", &portal.admin, &format!("{path}/enable"), None).await.status, 200);
    assert_eq!(portal.decide(token.expose()).code, Code::NotFound, "it has to sign in anew");
    let token = portal.sign_in(PASSWORD, None).await.expect("a session").token;
    assert_eq!(portal.decide(token.expose()).code, Code::Valid);
    let stop = portal.world.call("POST", &portal.admin, "/applications/partners/disable", None).await;
    assert_eq!((stop.status.as_u16(), &stop.body["counts"]["sessions"]), (200, &json!(0)));
    assert_eq!(portal.decide(token.expose()).code, Code::OwnerDisabled);
}

#[tokio::test]
async fn f_13_a_password_is_changed_by_its_user_and_reset_by_a_mailed_link() {
    let (world, admin) = World::new(true).await.set_up().await;
    let portal = portal_of(world, admin, "password").await;
    let other = portal.sign_in(PASSWORD, None).await.expect("a session").token;
    portal.world.clock.advance(std::time::Duration::from_secs(1));
    let own = portal.sign_in(PASSWORD, None).await.expect("another").token;
    let (manage, session) = (&portal.world.manage, portal.session().await);
    let change = |current: &str, password: &str| NewPassword {
        current: Secret::new(current.to_owned()),
        password: Secret::new(password.to_owned()),
    };
    let wrong = api_users::change_password(manage, &session, change("not the password", OTHER)).await;
    assert!(!wrong.expect("an answer"));
    let weak = api_users::change_password(manage, &session, change(PASSWORD, "short")).await;
    assert_eq!(weak.expect_err("refused").errors()[0].field, "newPassword");
    assert!(api_users::change_password(manage, &session, change(PASSWORD, OTHER)).await.expect("changed"));
    assert_eq!((portal.decide(own.expose()).code, portal.decide(other.expose()).code), (Code::Valid, Code::NotFound));
    let path = format!("/api-users/{}/reset-password", portal.user);
    assert_eq!(portal.world.call("POST", &portal.admin, &path, None).await.status, 204);
    let mails = portal.world.mails().await;
    let mail = mails.iter().find(|mail| mail.recipient.as_str() == "bob@example.com").expect("a mail");
    let begin = "https://portal.example.org/index.php?module=Users&view=LoginPassReset&mode=token&token=";
    let body = mail.body.expose();
    let token = body.split(begin).nth(1).expect("the link").split_whitespace().next().expect("a token");
    let choose =
        |token: &str| ChosenByLink { token: Secret::new(token.to_owned()), password: Secret::new(PASSWORD.to_owned()) };
    assert!(!api_users::choose_password(manage, &portal.origin(7), choose(&"x".repeat(32))).await.expect("an answer"));
    assert!(api_users::choose_password(manage, &portal.origin(8), choose(token)).await.expect("an answer"));
    assert!(!api_users::choose_password(manage, &portal.origin(9), choose(token)).await.expect("it works once"));
    assert_eq!(portal.decide(own.expose()).code, Code::NotFound);
    assert!(portal.sign_in(PASSWORD, None).await.is_ok());
}

#[tokio::test]
async fn f_17_codes_are_set_up_in_a_session_asked_for_and_work_once() {
    let portal = {
        let (world, admin) = World::with_organization().await;
        portal_of(world, admin, "password_2fa").await
    };
    let first = portal.sign_in(PASSWORD, None).await.expect("nothing is set up yet");
    assert!(!first.is_enrolled && !first.enrolment_only);
    let (manage, session) = (&portal.world.manage, portal.session().await);
    let secret = api_users::draw_codes(manage, &session).await.expect("a secret");
    let totp = TotpSecret::from_base32(&secret).expect("a secret");
    let code = |portal: &Portal| {
        let step = Step::at(claviger_domain::Clock::now(&*portal.world.clock));
        Secret::new(totp.code_at(step).to_text().expose().to_owned())
    };
    let foreign = TotpSecret::draw(&*manage.random).to_base32();
    assert!(api_users::confirm_codes(manage, &session, &foreign, &code(&portal)).await.expect("an answer").is_none());
    let recovery = api_users::confirm_codes(manage, &session, &secret, &code(&portal)).await.expect("an answer");
    let recovery: Vec<_> = recovery.expect("codes").iter().map(|code| code.expose().to_owned()).collect();
    assert_eq!(recovery.len(), claviger_domain::recovery_code::RECOVERY_CODES);
    let again = api_users::confirm_codes(manage, &session, &secret, &code(&portal)).await;
    assert!(again.is_err(), "there is a secret already");
    assert!(matches!(portal.sign_in(PASSWORD, None).await, Err(SignInRefused::CodeNeeded)));
    let used = portal.sign_in(PASSWORD, Some(code(&portal).expose().to_owned())).await;
    assert!(matches!(used, Err(SignInRefused::WrongCode)), "the code that set it up was used by that");
    portal.world.clock.advance(std::time::Duration::from_mins(1));
    let fresh = code(&portal).expose().to_owned();
    assert!(portal.sign_in(PASSWORD, Some(fresh.clone())).await.expect("a session").is_enrolled);
    assert!(matches!(portal.sign_in(PASSWORD, Some(fresh)).await, Err(SignInRefused::WrongCode)), "a replay");
    let shouted = recovery[0].to_uppercase().replace('-', " ");
    assert!(portal.sign_in(PASSWORD, Some(shouted)).await.expect("a session").is_enrolled);
    let replayed = portal.sign_in(PASSWORD, Some(recovery[0].clone())).await;
    assert!(matches!(replayed, Err(SignInRefused::WrongCode)), "a recovery code works once");
    assert!(portal.history().await.contains(&"signed_in_by_recovery_code".to_owned()));
    let read = portal.get("").await;
    assert_eq!((&read.body["second_factor"], &read.body["recovery_codes_left"]), (&json!("totp"), &json!(9)));
    let path = format!("/api-users/{}/recovery-codes", portal.user);
    let fresh = portal.world.call("POST", &portal.admin, &path, None).await;
    let fresh: Vec<_> = fresh.body["recovery_codes"].as_array().expect("codes").clone();
    assert_eq!(fresh.len(), 10);
    let before = portal.sign_in(PASSWORD, Some(recovery[1].clone())).await;
    assert!(matches!(before, Err(SignInRefused::WrongCode)), "those of before work no more");
    portal.world.clock.advance(std::time::Duration::from_mins(1));
    let last = fresh[9].as_str().expect("a code").to_owned();
    assert!(portal.sign_in(PASSWORD, Some(last.clone())).await.is_ok());
    let path = format!("/api-users/{}/reset-2fa", portal.user);
    assert_eq!(portal.world.call("POST", &portal.admin, &path, None).await.status, 204);
    let read = portal.get("").await;
    assert_eq!((&read.body["second_factor"], &read.body["recovery_codes_left"]), (&json!(null), &json!(0)));
    let path = format!("/api-users/{}/recovery-codes", portal.user);
    assert_eq!(
        portal.world.call("POST", &portal.admin, &path, None).await.status,
        409,
        "there is nothing to stand in for"
    );
    assert_eq!(portal.decide(first.token.expose()).code, Code::NotFound, "its sessions end with it");
}

#[tokio::test]
async fn who_guesses_is_locked_out_and_the_oldest_of_too_many_sessions_ends() {
    let portal = portal().await;
    let first = portal.sign_in(PASSWORD, None).await.expect("a session").token;
    for _ in 0..API_SESSIONS_MAX {
        portal.world.clock.advance(std::time::Duration::from_secs(1));
        portal.sign_in(PASSWORD, None).await.expect("a session");
    }
    assert_eq!(portal.decide(first.expose()).code, Code::NotFound);
    assert_eq!(portal.get("/sessions").await.body["data"].as_array().map(Vec::len), Some(API_SESSIONS_MAX));
    let mut last = None;
    for _ in 0..claviger_domain::attempts::LOCKING_FAILURES {
        last = Some(portal.sign_in("another password of bob", None).await);
    }
    assert!(
        matches!(last, Some(Err(SignInRefused::Other(error))) if error.code() == crate::ErrorCode::TooManyAttempts)
    );
    let locked = portal.sign_in(PASSWORD, None).await;
    assert!(matches!(locked, Err(SignInRefused::Other(_))), "the right one waits too");
    let path = format!("/api-users/{}/unlock", portal.user);
    assert_eq!(portal.world.call("POST", &portal.admin, &path, None).await.status, 204);
    assert!(portal.sign_in(PASSWORD, None).await.is_ok(), "at once");
    portal.world.audited(&portal.admin, "api_user.unlock").await;
}

#[tokio::test]
async fn f_13_an_administrator_sets_a_password_which_ends_sessions_and_the_wait_after_wrong_ones() {
    let portal = portal().await;
    let token = portal.sign_in(PASSWORD, None).await.expect("a session").token;
    for _ in 0..claviger_domain::attempts::LOCKING_FAILURES {
        drop(portal.sign_in("another password of bob", None).await);
    }
    let path = format!("/api-users/{}/password", portal.user);
    let set = |password: &str| json!({ "password": password });
    for weak in ["short", "bob@example.com!", "aaaaaaaaaaaaaa"] {
        let refused = portal.world.call("PUT", &portal.admin, &path, Some(set(weak))).await;
        assert_eq!(refused.problem(400, "invalid_request"), ["password"], "{weak}");
    }
    assert_eq!(portal.decide(token.expose()).code, Code::Valid, "nothing has ended yet");
    assert_eq!(portal.world.call("PUT", &portal.admin, &path, Some(set(OTHER))).await.status, 204);
    assert_eq!(portal.decide(token.expose()).code, Code::NotFound);
    assert!(matches!(portal.sign_in(PASSWORD, None).await, Err(SignInRefused::Wrong)));
    let token = portal.sign_in(OTHER, None).await.expect("a session").token;
    portal.world.audited(&portal.admin, "api_user.set_password").await;
    let path = format!("/api-users/{}/sessions", portal.user);
    assert_eq!(portal.world.call("DELETE", &portal.admin, &path, None).await.status, 204);
    assert_eq!(portal.decide(token.expose()).code, Code::NotFound, "all sessions have ended");
    assert_eq!(portal.get("/sessions").await.body["data"], json!([]));
}

#[tokio::test]
async fn a_user_of_a_type_with_static_tokens_gets_one_once() {
    let (world, admin) = World::with_organization().await;
    let kind = json!({"name": "SMS", "sign_in": "key_and_token", "api_sets": []});
    assert_eq!(world.post(&admin, "/application-types", kind).await.status, 201);
    assert_eq!(world.post(&admin, "/applications", json!({"name": "Gateway", "type": "sms"})).await.status, 201);
    let body = json!({"application": "gateway", "permission_type": 1, "profile_user": "ann@example.com"});
    let made = world.post(&admin, "/api-users", body).await;
    assert_eq!((made.status.as_u16(), made.text("token").len(), made.header("cache-control")), (201, 64, "no-store"));
    let path = format!("/api-users/{}", made.body["api_user"]["id"].as_str().expect("an id"));
    let read = world.get(&admin, &path).await;
    assert_eq!(read.body["has_static_token"], true);
    assert!(!read.body.to_string().contains(&made.text("token")));
    let rotated = world.call("POST", &admin, &format!("{path}/rotate-token"), None).await;
    assert_eq!((rotated.status.as_u16(), rotated.text("token").len()), (200, 64), "{rotated:?}");
    assert_ne!(rotated.text("token"), made.text("token"));
    let set = json!({ "password": PASSWORD });
    assert_eq!(world.call("PUT", &admin, &format!("{path}/password"), Some(set)).await.status, 409);
    let password = json!({
        "application": "gateway", "permission_type": 1, "profile_user": "ann@example.com", "user_name": "x",
        "password": PASSWORD,
    });
    assert_eq!(world.post(&admin, "/api-users", password).await.problem(400, "invalid_request"), ["password"]);
}
