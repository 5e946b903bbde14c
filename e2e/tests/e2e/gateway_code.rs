//! The code of `gateways/code`, as the console shows it to be pasted: it lets who may pass and nobody else.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use crate::harness::on_both_databases;
use crate::harness::process::free_address;
use crate::harness::world::World;

/// A file, and the program that runs it.
const RUN: [(&str, &[&str]); 5] = [
    ("verify.sh", &["sh"]),
    ("verify.py", &["python3"]),
    ("verify.ts", &["node"]),
    ("verify.go", &["go", "run"]),
    ("Verify.java", &["java"]),
];

on_both_databases! {
    async fn code_that_asks_lets_a_right_key_pass_and_nobody_else(world: &World) {
        world.import_github().await;
        let key = world.create_key(json!({ "name": "code", "api_sets": ["full-access"] })).await;
        let nobody = free_address().to_string();
        for (file, program) in RUN {
            let said = run(file, program, &world.doors.to_string(), &key.secret).await;
            assert!(said.starts_with("true") || said.starts_with("{\"valid\":true,"), "{file}: {said}");
            let said = run(file, program, &world.doors.to_string(), "no-key-of-anybody").await;
            assert!(said.starts_with("false") || said.starts_with("{\"valid\":false,"), "{file}: {said}");
            let said = run(file, program, &nobody, &key.secret).await;
            assert!(said.starts_with("false") || said.is_empty(), "without an answer nobody passes: {file}: {said}");
        }
    }
}

/// What the file prints, in small letters, with the addresses in place.
async fn run(file: &'static str, program: &'static [&'static str], doors: &str, key: &str) -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateways/code").join(file);
    let text = std::fs::read_to_string(&source).expect("a file of gateways/code");
    let doors = format!("http://{doors}");
    let words = [
        ("DOORS_URL", doors.as_str()),
        ("API", "github"),
        ("METHOD", "GET"),
        ("PATH", "/user"),
        ("CLIENT_IP", "192.0.2.1"),
    ];
    let text = words.iter().fold(text, |text, (word, value)| text.replace(&format!("@{word}@"), value));
    assert!(
        !text.contains("@DOORS") && !text.contains("@API") && !text.contains("@PATH"),
        "{file}: a word that is not filled in"
    );
    let key = key.to_owned();
    let run = move || {
        let folder = TempDir::new().expect("a temporary folder");
        let (name, text) = if program == ["node"] { ("verify.mjs", without_types(&text)) } else { (file, text) };
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("the file");
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).arg(&path).env("KEY", key).env_remove("CLAVIGER_DOOR_TOKEN");
        let output = command.output().unwrap_or_else(|error| panic!("{}: {error}", program[0]));
        String::from_utf8_lossy(&output.stdout).to_lowercase()
    };
    tokio::task::spawn_blocking(run).await.expect("a run")
}

/// The types that the file names, taken out: so every Node runs it.
fn without_types(text: &str) -> String {
    text.replace(": string", "").replace(": Promise<boolean>", "")
}
