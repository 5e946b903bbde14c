//! What the documents show works: the Postman collection, the lines of curl, and every link.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::on_both_databases;
use crate::harness::raw_http::{Request, Response};
use crate::harness::world::World;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The text with `{{name}}` filled in; every name must be known.
fn filled(text: &str, variables: &BTreeMap<&str, String>) -> String {
    let mut text = text.to_owned();
    for (name, value) in variables {
        text = text.replace(&format!("{{{{{name}}}}}"), value);
    }
    assert!(!text.contains("{{"), "a variable that the collection does not declare: {text}");
    text
}

/// The items below `item`, each with the authentication that it inherits.
fn requests<'c>(item: &'c Value, inherited: &'c Value, found: &mut Vec<(&'c Value, &'c Value)>) {
    let auth = item.get("auth").unwrap_or(inherited);
    match item.get("item").and_then(Value::as_array) {
        Some(items) => items.iter().for_each(|item| requests(item, auth, found)),
        None => found.push((item, item["request"].get("auth").unwrap_or(auth))),
    }
}

fn parameter<'a>(auth: &'a Value, kind: &str, name: &str) -> &'a str {
    let parameters = auth[kind].as_array().expect("the parameters of the authentication");
    let found = parameters.iter().find(|parameter| parameter["key"] == name).expect("the parameter");
    found["value"].as_str().expect("a text")
}

/// Sends the request as Postman would.
async fn replay(world: &World, item: &Value, auth: &Value, variables: &BTreeMap<&str, String>) -> Response {
    let (name, request) = (&item["name"], &item["request"]);
    let url = filled(request["url"]["raw"].as_str().expect("a URL"), variables);
    let at = url.strip_prefix("http://").expect("http");
    let (address, target) = at.split_at(at.find('/').expect("a path"));
    let mut sent = Request::new(request["method"].as_str().expect("a method"), target);
    for header in request["header"].as_array().expect("headers") {
        let value = filled(header["value"].as_str().expect("a value"), variables);
        sent = sent.header(header["key"].as_str().expect("a name"), &value);
    }
    let text = |kind, name| filled(parameter(auth, kind, name), variables);
    sent = match auth["type"].as_str() {
        Some("basic") => sent.basic(&text("basic", "username"), &text("basic", "password")),
        Some("bearer") => sent.bearer(&text("bearer", "token")),
        Some("noauth") => sent,
        other => panic!("{name}: no such authentication: {other:?}"),
    };
    if let Some(body) = request["body"]["raw"].as_str() {
        sent = sent.body(filled(body, variables).into_bytes());
    }
    let address = address.parse().unwrap_or_else(|_| panic!("{name}: {url}"));
    assert!([world.control, world.doors].contains(&address), "{name}: one of the two listeners");
    sent.send(address).await
}

/// The words of a line of shell with both kinds of quotes, variables filled in.
fn shell_words(line: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let mut filled = line.to_owned();
    for (name, value) in variables {
        filled = filled.replace(&format!("${name}"), value);
    }
    let (mut words, mut quote) = (vec![String::new()], None);
    for c in filled.chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, ' ') => words.push(String::new()),
            (_, c) => words.last_mut().expect("there is always one").push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A line of curl as a request: `-s`, `-u`, `-H`, `-d` and `-X` are all that the documents use.
fn curl(words: &[String]) -> (Request, String) {
    let (mut method, mut url, mut body) = (None, None, None);
    let (mut headers, mut user) = (Vec::new(), None);
    let mut rest = words.iter().skip(1);
    while let Some(word) = rest.next() {
        let mut value = || rest.next().expect("a value").clone();
        match word.as_str() {
            "-s" => {}
            "-u" => user = Some(value()),
            "-H" => headers.push(value()),
            "-d" => body = Some(value()),
            "-X" => method = Some(value()),
            other => {
                assert!(!other.starts_with('-') && url.is_none(), "curl {other} is not understood");
                url = Some(other.to_owned());
            }
        }
    }
    let url = url.expect("a URL");
    let at = url.strip_prefix("http://").expect("http");
    let (address, target) = at.split_at(at.find('/').expect("a path"));
    let method = method.unwrap_or_else(|| if body.is_some() { "POST" } else { "GET" }.to_owned());
    let mut request = Request::new(&method, target);
    for header in headers {
        let (name, value) = header.split_once(": ").expect("a header");
        request = request.header(name, value);
    }
    if let Some((user, password)) = user.as_deref().and_then(|user| user.split_once(':')) {
        request = request.basic(user, password);
    }
    (
        match body {
            Some(body) => request.body(body.into_bytes()),
            None => request,
        },
        address.to_owned(),
    )
}

on_both_databases! {
    async fn y_06_the_postman_collection_and_the_lines_of_curl_work_as_they_stand(world: &World) {
        let key = world.create_key(json!({ "name": "holder", "api_sets": ["full-access"] })).await;
        let collection: Value = serde_json::from_str(&read("docs/claviger.postman_collection.json")).expect("JSON");
        assert_eq!(collection["auth"]["type"], "basic", "the key is the password of Basic");
        let declared: Vec<&str> =
            collection["variable"].as_array().expect("variables").iter().filter_map(|v| v["key"].as_str()).collect();
        assert_eq!(declared, ["doors", "control", "key", "management_token"]);
        let variables = BTreeMap::from([
            ("doors", format!("http://{}", world.doors)), ("control", format!("http://{}", world.control)),
            ("key", key.secret.clone()), ("management_token", world.token.clone()),
        ]);
        let mut all = Vec::new();
        requests(&collection, &Value::Null, &mut all);
        assert!(all.len() >= 12);
        for (item, auth) in all {
            let answer = replay(world, item, auth, &variables).await;
            let name = item["name"].as_str().expect("a name");
            assert_eq!(json!(answer.status), item["response"][0]["code"], "{name}: {}", answer.text());
            if name == "Who am I (Basic)" {
                let (own, answer) = (&key.record, answer.json());
                assert_eq!(answer["organization"], own["organization"]);
                assert_eq!((&answer["key"]["id"], &answer["key"]["api_sets"]), (&own["id"], &own["api_sets"]));
            } else if name.starts_with("Make it again") {
                assert_eq!(answer.header("idempotent-replayed").as_deref(), Some("true"));
                assert_eq!(answer.json()["secret"], Value::Null);
            }
        }

        let (doors, control) = (format!("http://{}", world.doors), format!("http://{}", world.control));
        let shell = [("DOORS", &*doors), ("CONTROL", &*control), ("KEY", &*key.secret), ("TOKEN", &*world.token)];
        let mut run = 0;
        for line in read("docs/api-guide.md").lines().filter(|line| line.starts_with("curl ")) {
            let (command, comment) = line.split_once(" # ").expect("each line says what it answers");
            let (request, address) = curl(&shell_words(command, &shell));
            let answer = request.send(address.parse().expect("an address")).await;
            assert!(comment.starts_with(&answer.status.to_string()), "{line}: {} {}", answer.status, answer.text());
            run += 1;
        }
        assert!(run >= 12, "only {run} lines of curl were found");
    }
}

/// What a heading is linked as: lower case, hyphens for spaces, nothing but letters, digits and hyphens.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    let mut documents = vec![PathBuf::from("README.md"), "ARCHITECTURE.md".into()];
    for folder in ["docs", "gateways", "fuzz", "e2e/golden"] {
        for entry in std::fs::read_dir(root().join(folder)).expect("the folder").flatten() {
            if entry.path().extension().is_some_and(|ending| ending == "md") {
                documents.push(Path::new(folder).join(entry.file_name()));
            }
        }
    }
    let mut links = 0;
    for document in documents {
        let name = document.display().to_string();
        let text = read(&name);
        for rest in text.split("](").skip(1) {
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            if target.starts_with("http://") || target.starts_with("https://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { document.clone() } else { document.parent().expect("a folder").join(file) };
            let found = root().join(&path);
            assert!(found.exists(), "{name}: {target} leads nowhere");
            if !fragment.is_empty() {
                let text = std::fs::read_to_string(&found).expect("a document");
                let known = text.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == fragment);
                assert!(known, "{name}: {target}: there is no such heading");
            }
            links += 1;
        }
    }
    assert!(links >= 15, "only {links} links were found");
}
