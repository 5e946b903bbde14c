//! A YetiForce installation moves in: `claviger import yetiforce`, and then its clients as they are.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};

use super::dump::{
    ENCRYPTION_PASS, INSTALLATION_KEY, KEYS, ODD_PASSWORD, PASSWORD, Secrets, TOKENS, TOTP, committed, dump,
};
use super::portal::Portal;
use crate::harness::app::App;
use crate::harness::on_both_databases;
use crate::harness::process::{command, run, text};
use crate::harness::raw_http::Request;
use crate::harness::world::World;

/// Where the command finds what it needs.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let files = Self { folder };
        files.write("pass", &format!("{ENCRYPTION_PASS}\n"));
        files.write("key", &format!("{INSTALLATION_KEY}\n"));
        files
    }

    fn write(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("written");
        path.to_str().expect("a path").to_owned()
    }

    /// Runs the command on a dump, with the files and these arguments.
    fn import(&self, world: &World, dump: &Path, more: &[&str]) -> Output {
        let path = |name: &str| self.folder.path().join(name).to_str().expect("a path").to_owned();
        let (pass, key, dump) = (path("pass"), path("key"), dump.to_str().expect("a path"));
        let mut arguments = vec!["import", "yetiforce", "--dump", dump, "--installation-key-file", &key];
        if !more.contains(&"--plain") {
            arguments.extend(["--encryption-pass-file", &pass, "--profile", "7=ada@example.com"]);
        }
        arguments.extend(more.iter().filter(|argument| **argument != "--plain"));
        let mut command = command(&self.folder.path().join("data"), &arguments);
        command.env("CLAVIGER_URL", format!("http://{}", world.control)).env("CLAVIGER_TOKEN", &world.token);
        let output = run(command, "");
        let shown = format!("{}{}", text(&output.stdout), text(&output.stderr));
        for secret in KEYS[..14].iter().chain(&TOKENS).chain(&[ODD_PASSWORD, ENCRYPTION_PASS, INSTALLATION_KEY, TOTP]) {
            assert!(!shown.contains(secret), "{shown}");
        }
        output
    }

    /// The same, and what it says as JSON.
    fn report(&self, world: &World, dump: &Path, more: &[&str]) -> Value {
        let output = self.import(world, dump, &[more, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(1), "some rows are never taken: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }
}

/// The types of the web service, whose keys may do anything.
async fn types(world: &World) {
    world.api("POST", "/application-types/predefined", None).await.expect(200);
    for kind in ["webservice-standard", "webservice-premium", "manage-consents", "sms", "pbx", "token"] {
        let body = json!({ "api_sets": ["full-access"] });
        world.api("PATCH", &format!("/application-types/{kind}"), Some(&body)).await.expect(200);
    }
}

/// How many applications, API users and keys there are.
async fn counts(world: &World) -> [usize; 3] {
    let mut counts = [0; 3];
    for (count, path) in counts.iter_mut().zip(["/applications", "/api-users", "/keys"]) {
        let listed = world.api("GET", &format!("{path}?limit=100"), None).await.expect(200).json();
        *count = listed["data"].as_array().expect("a list").len();
    }
    counts
}

/// An application of the dump, as its client knows it.
fn portal<'w>(world: &'w World, container: &'static str, name: &str, password: &str, key: usize) -> Portal<'w> {
    let text = str::to_owned;
    Portal {
        world,
        container,
        name: text(name),
        password: text(password),
        key: text(KEYS[key]),
        id: String::new(),
        user: String::new(),
    }
}

fn wrong() -> (u16, String) {
    (401, "Invalid data access".to_owned())
}

/// The verdict about a request with these parts.
async fn verify(world: &World, login: Option<(&str, &str)>, key: &str, token: Option<&str>) -> Value {
    let mut body =
        json!({ "x_api_key": key, "api": "default", "method": "GET", "path": "/x", "client_ip": "127.0.0.1" });
    if let Some((name, password)) = login {
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
        body["authorization"] = json!(format!("Basic {basic}"));
    }
    if let Some(token) = token {
        body["x_token"] = json!(token);
    }
    Request::post("/v1/verify", &body).send(world.doors).await.expect(200).json()["code"].clone()
}

/// The rows that are not taken, each with the field that is wrong.
fn refused(report: &Value) -> Vec<String> {
    let errors = report["errors"].as_array().expect("a list").iter();
    let text = |error: &Value, name: &str| error[name].as_str().expect("a text").to_owned();
    let one = |error: &Value| {
        assert!(!text(error, "message").is_empty());
        format!("{} {} {}", text(error, "table"), text(error, "id"), text(error, "field"))
    };
    let mut rows: Vec<_> = errors.map(one).collect();
    rows.sort();
    rows
}

/// What is not taken of the dump, whatever is right.
const REFUSED: [&str; 24] = [
    "w_yf_api_user 10 password_hash.hash",
    "w_yf_api_user 11 password_hash.hash",
    "w_yf_api_user 12 login_method",
    "w_yf_api_user 13 server_id",
    "w_yf_api_user 14 permission_type",
    "w_yf_api_user 15 contact.email",
    "w_yf_api_user 16 auth",
    "w_yf_api_user 17 totp_secret",
    "w_yf_api_user 18 user_name",
    "w_yf_api_user 19 user_name",
    "w_yf_api_user 6 contact",
    "w_yf_api_user 7 user_id",
    "w_yf_api_user 8 server_id",
    "w_yf_api_user 9 server_id",
    "w_yf_manage_consents_user 2 static_token",
    "w_yf_servers 10 application.public_url",
    "w_yf_servers 11 application.allowed_ips",
    "w_yf_servers 12 type",
    "w_yf_servers 13 application.password",
    "w_yf_servers 14 name",
    "w_yf_servers 15 key.value",
    "w_yf_servers 16 type",
    "w_yf_servers 8 application.name",
    "w_yf_servers 9 application.allowed_ips[1]",
];

on_both_databases! {
    async fn w_05_an_installation_moves_in_and_its_clients_go_on(world: &World) {
        types(world).await;
        let (files, dump) = (Files::new(), committed());
        let before = counts(world).await;
        let tried = files.report(world, &dump, &["--dry-run"]);
        assert_eq!(counts(world).await, before, "a dry run changes nothing");
        let done = files.report(world, &dump, &[]);
        for (report, dry_run) in [(&tried, true), (&done, false)] {
            assert_eq!(refused(report), REFUSED, "{report}");
            assert_eq!(report["dry_run"], dry_run);
            assert_eq!(report["applications"], json!({ "rows": 16, "imported": 7, "present": 0 }), "{report}");
            assert_eq!(report["api_users"], json!({ "rows": 24, "imported": 9, "present": 0 }), "{report}");
            assert_eq!(report["left_behind"]["tables"], json!(["w_yf_api_session"]));
        }
        let left = done["left_behind"]["columns"].to_string();
        for column in ["portal_user.istorage", "portal_user.preferences", "api_user.login_time", "api_user.custom_params", "servers.pass", "api_user.auth"] {
            assert!(left.contains(column), "{column}: {left}");
        }
        let after = counts(world).await;
        assert_eq!([after[0] - before[0], after[1] - before[1], after[2] - before[2]], [7, 9, 7]);

        // A second run takes nothing, and says the same of the rest.
        let again = files.report(world, &dump, &[]);
        assert_eq!(again["applications"], json!({ "rows": 16, "imported": 0, "present": 7 }));
        assert_eq!(again["api_users"], json!({ "rows": 24, "imported": 0, "present": 9 }));
        assert_eq!((refused(&again), counts(world).await), (refused(&done), after));
        let entries = world.api("GET", "/audit?action=api_user.import&limit=100", None).await.expect(200).json();
        assert_eq!(entries["data"].as_array().map(Vec::len), Some(9), "each user has its entry, once");

        sign_in(world).await;
        doors(world).await;
    }

    async fn w_05_a_wrong_encryption_pass_takes_nothing_and_a_wrong_installation_key_lets_nobody_in(world: &World) {
        types(world).await;
        let (files, dump) = (Files::new(), committed());
        files.write("pass", "another one");
        let before = counts(world).await;
        let report = files.report(world, &dump, &[]);
        assert_eq!(report["applications"]["imported"], 0);
        assert_eq!(report["errors"].as_array().map(Vec::len), Some(16 + 24), "each row is named: {report}");
        assert_eq!(counts(world).await, before);

        files.write("pass", ENCRYPTION_PASS);
        files.write("key", "another key");
        assert_eq!(files.report(world, &dump, &[])["applications"]["imported"], 7);
        let portal = portal(world, "WebserviceStandard", "Customer portal", "short", 0);
        for user in ["ann@example.com", "bob@example.com"] {
            assert_eq!(portal.refusal(portal.login(user, PASSWORD)).await, wrong(), "{user}");
        }
    }

    async fn w_05_a_dump_that_is_cut_off_is_refused_with_its_line(world: &World) {
        types(world).await;
        let (files, whole) = (Files::new(), dump(Secrets::Encrypted));
        let before = counts(world).await;
        let place = whole.find("'Old portal'").expect("a row") + 5;
        let line = whole[..place].matches('\n').count() + 1;
        let cut = files.write("cut.sql", &whole[..place]);
        let output = files.import(world, Path::new(&cut), &[]);
        let told = text(&output.stderr);
        assert!(told.contains(&format!("ends at line {line} in the middle of a row of `w_yf_servers`")), "{told}");
        assert_eq!((output.status.code(), counts(world).await), (Some(2), before));
        let last = whole.rfind("-- Dump completed").expect("its end");
        let cut = files.write("cut.sql", &whole[..last]);
        let output = files.import(world, Path::new(&cut), &[]);
        assert!(text(&output.stderr).contains("does not say that it is completed"), "{output:?}");
        for (missing, told) in [("pass", "--encryption-pass-file"), ("key", "--installation-key-file")] {
            let dump = committed();
            let mut arguments = vec!["import", "yetiforce", "--dump", dump.to_str().expect("a path")];
            let file = files.folder.path().join("pass").to_str().expect("a path").to_owned();
            if missing == "key" {
                arguments.extend(["--encryption-pass-file", &file]);
            }
            let mut command = command(&files.folder.path().join("data"), &arguments);
            command.env("CLAVIGER_URL", format!("http://{}", world.control)).env("CLAVIGER_TOKEN", &world.token);
            let output = run(command, "");
            assert!(output.status.code() == Some(2) && text(&output.stderr).contains(told), "{output:?}");
        }
        assert_eq!(counts(world).await, before);
    }

    async fn w_05_an_installation_that_encrypts_nothing_moves_in_by_the_addresses_of_its_users(world: &World) {
        types(world).await;
        let files = Files::new();
        let plain = files.write("plain.sql", &dump(Secrets::Plain));
        let more = ["--plain", "--profiles-by-email", "--type", "RestApi=webservice-standard"];
        let report = files.report(world, Path::new(&plain), &more);
        assert_eq!(report["applications"], json!({ "rows": 16, "imported": 8, "present": 0 }), "{report}");
        assert_eq!(report["api_users"]["imported"], 9, "{report}");
        let portal = portal(world, "WebserviceStandard", "Customer portal", "short", 0);
        portal.result(portal.login("ann@example.com", PASSWORD)).await;
        let older = self::portal(world, "WebserviceStandard", "Older", "a password of older", 15);
        assert_eq!(older.refusal(older.login("ann@example.com", PASSWORD)).await, wrong(), "of another application");
    }
}

/// Users sign in with the passwords that they have, by hashes of both kinds and with their codes.
async fn sign_in(world: &World) {
    let standard = portal(world, "WebserviceStandard", "Customer portal", "short", 0);
    for (user, kind, language) in [("ann@example.com", 1, "pl-PL"), ("bob@example.com", 2, "en")] {
        assert_eq!(standard.refusal(standard.login(user, "another one")).await, wrong(), "{user}");
        // By the hash that was taken over, and by the one that has taken its place.
        for _ in 0..2 {
            let signed_in = standard.result(standard.login(user, PASSWORD)).await;
            assert_eq!((&signed_in["type"], &signed_in["language"]), (&json!(kind), &json!(language)), "{user}");
        }
        assert_eq!(standard.refusal(standard.login(user, "another one")).await, wrong(), "{user}");
    }
    for nobody in ["gone@example.com", "dan@example.com", "nobody@example.com"] {
        assert_eq!(standard.refusal(standard.login(nobody, PASSWORD)).await, wrong(), "{nobody}");
        assert_eq!(standard.refusal(standard.login(nobody, "")).await, wrong(), "{nobody}");
    }
    let app = App::of(TOTP.to_owned());
    let login = |code: &str| {
        let body = json!({ "userName": "carol@example.com", "password": PASSWORD, "code": code });
        standard.request("POST", "Users/Login").json(&body)
    };
    assert_eq!(standard.refusal(login("")).await, (412, "No 2FA TOTP code".to_owned()));
    world.advance(Duration::from_mins(1));
    let code = app.code(world.now(), 0);
    standard.result(login(&code)).await;
    assert_eq!(standard.refusal(login(&code)).await.0, 401, "each code works once");

    let premium = portal(world, "WebservicePremium", "Premium żółć", ODD_PASSWORD, 1);
    let eve = premium.result(premium.login("eve@example.com", PASSWORD)).await;
    assert_eq!(eve["type"], 5);
    let old = portal(world, "WebserviceStandard", "Old portal", "a password of old", 6);
    let wrong = "Web service - Applications: Wrong Credentials".to_owned();
    assert_eq!(old.refusal(old.login("codes-off@example.com", PASSWORD)).await, (401, wrong), "it was inactive");
}

/// Keys and tokens keep their value.
async fn doors(world: &World) {
    let standard = portal(world, "WebserviceStandard", "Customer portal", "short", 0);
    let token = standard.result(standard.login("ann@example.com", PASSWORD)).await["token"].clone();
    let login = Some(("Customer portal", "short"));
    assert_eq!(verify(world, login, KEYS[0], token.as_str()).await, "VALID");
    assert_eq!(verify(world, Some(("Customer portal", "shorT")), KEYS[0], token.as_str()).await, "NOT_FOUND");
    assert_eq!(verify(world, login, KEYS[1], token.as_str()).await, "NOT_FOUND");
    let consents = Some(("Consents", "a password of consents"));
    assert_eq!(verify(world, consents, KEYS[2], Some(TOKENS[0])).await, "VALID");
    assert_eq!(verify(world, consents, KEYS[2], Some(TOKENS[1])).await, "NOT_FOUND", "another application's");
    assert_eq!(verify(world, None, KEYS[3], Some(TOKENS[1])).await, "VALID");
    assert_eq!(verify(world, None, KEYS[3], None).await, "NOT_FOUND");
    for key in [KEYS[4], KEYS[5]] {
        assert_eq!(verify(world, None, key, None).await, "VALID");
    }
    assert_eq!(verify(world, None, KEYS[7], None).await, "NOT_FOUND", "its application was not taken");
}
