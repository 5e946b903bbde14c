//! The metrics as Prometheus' own tool reads them, and that alerts, dashboard and documentation name those that there are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harness::on_both_databases;
use crate::harness::process::text;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(docs(name)).unwrap_or_else(|error| panic!("docs/{name}: {error}"))
}

/// Runs `promtool` in the folder of the rules; what it says, and whether it is content.
fn promtool(arguments: &[&str], input: Option<&Path>) -> (bool, String) {
    let input = input.map_or(Stdio::null(), |path| std::fs::File::open(path).expect("the input").into());
    let mut command = Command::new("promtool");
    let done = command.args(arguments).current_dir(docs("observability")).stdin(input).output().expect("promtool runs");
    (done.status.success(), text(&done.stdout) + &text(&done.stderr))
}

/// What only some nodes have: those that speak TLS, those on PostgreSQL, and those that send mail.
const OF_SOME_NODES: [&str; 12] = [
    "claviger_certificate_end_seconds",
    "claviger_clock_skew_seconds",
    "claviger_mail_waiting",
    "claviger_mail_oldest_waiting_seconds",
    "claviger_mail_sent_total",
    "claviger_mail_failures_total",
    "claviger_mail_given_up_total",
    "claviger_snapshot_age_seconds",
    "claviger_snapshot_bytes",
    "claviger_limit_redis_calls_total",
    "claviger_limit_redis_seconds",
    "claviger_limit_redis_up",
];

/// A page of metrics on which everything has happened that can be made to.
async fn page_of_a_busy_node(world: &World) -> String {
    let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"], "allowed_ips": ["192.0.2.1"] })).await;
    world.verdict(&key.secret, "default", "GET", "/x").await;
    world.verdict("no-key-of-any-kind-at-all", "default", "GET", "/x").await;
    Request::post("/v1/verify", &json!({})).send(world.doors).await.expect(400);
    world.authorize("default", "GET", "/x", |request| request).await.expect(401);
    world.api("PATCH", "/apis/default", Some(&json!({ "report_only": true }))).await.expect(200);
    world.authorize("default", "GET", "/x", |request| request.bearer(&key.secret)).await.expect(200);
    let answer = Request::get("/metrics").send(world.telemetry).await.expect(200);
    assert_eq!(answer.header("content-type").as_deref(), Some("text/plain; version=0.0.4"));
    answer.text()
}

/// The families of a page.
fn families(page: &str) -> BTreeSet<&str> {
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.map(|line| line.split(' ').next().expect("a name")).collect()
}

/// The metrics that an expression, or any text, names.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("claviger_") || word.starts_with("process_")).collect()
}

/// The family that a sample's name belongs to.
fn family(name: &str) -> &str {
    ["_bucket", "_count", "_sum"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

on_both_databases! {
    async fn promtool_finds_no_fault_with_the_metrics(world: &World) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("metrics");
        std::fs::write(&file, page_of_a_busy_node(world).await).expect("written");
        assert_eq!(promtool(&["check", "metrics"], Some(&file)), (true, String::new()));
    }

    async fn alerts_dashboard_and_documentation_name_the_metrics_that_there_are(world: &World) {
        let page = page_of_a_busy_node(world).await;
        let mut there = families(&page);
        there.extend(OF_SOME_NODES);
        for file in ["observability/alerts.yml", "observability/dashboard.json", "observability.md"] {
            let text = read(file);
            // Logs and traces are filtered by crates' names.
            let text = text.split("\n## Logs").next().unwrap_or_default();
            let asked: Vec<_> = named(text).into_iter().filter(|name| !there.contains(family(name))).collect();
            assert!(asked.is_empty(), "{file} names what is not there: {asked:?}\n{page}");
        }
        let documentation = read("observability.md");
        let told = named(&documentation);
        let untold: Vec<_> = there.iter().filter(|family| !told.contains(*family)).collect();
        assert!(untold.is_empty(), "docs/observability.md does not tell of {untold:?}");
        let dashboard = read("observability/dashboard.json");
        let shown = named(&dashboard);
        let ours = there.iter().filter(|family| family.starts_with("claviger_") && **family != "claviger_change_epoch");
        let unseen: Vec<_> = ours.filter(|ours| !shown.iter().any(|name| family(name) == **ours)).collect();
        assert!(unseen.is_empty(), "the dashboard does not show {unseen:?}");
    }

    async fn labels_come_from_closed_lists(world: &World) {
        let page = page_of_a_busy_node(world).await;
        let names = page.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('{'));
        let labels: BTreeSet<&str> =
            names.flat_map(|(_, rest)| rest.split(['{', ',', '}']).filter_map(|pair| pair.split_once("=\""))).map(|it| it.0).collect();
        let known = [
            "code", "commit", "door", "kind", "le", "method", "on", "part", "reason", "result", "state", "status", "version",
        ];
        assert_eq!(labels, BTreeSet::from(known));
        for secret_or_name in ["key_", "org_", "default", "192.0.2.1", "/x"] {
            assert!(!page.contains(secret_or_name), "{secret_or_name}:\n{page}");
        }
        let behind = page.lines().find_map(|line| line.strip_prefix("claviger_changes_behind "));
        assert_eq!(behind, Some("0"), "{page}");
    }
}

#[test]
fn the_alert_rules_pass_their_own_tests() {
    for arguments in [["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"]] {
        let (passed, said) = promtool(&arguments, None);
        assert!(passed, "{said}");
    }
    let (rules, tests) = (read("observability/alerts.yml"), read("observability/alerts.test.yml"));
    for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        for case in ["fires", "stays quiet"] {
            assert!(tests.contains(&format!("- name: {alert} {case}\n")), "no test in which {alert} {case}");
        }
        assert!(
            read("observability.md").contains(&format!("`{alert}`")),
            "docs/observability.md says nothing on {alert}"
        );
    }
}

#[test]
fn the_dashboard_has_what_grafana_needs() {
    let dashboard: Value = serde_json::from_str(&read("observability/dashboard.json")).expect("JSON");
    assert_eq!(dashboard["uid"], "claviger");
    assert!(dashboard["schemaVersion"].as_u64().is_some_and(|version| version >= 36), "datasources by uid");
    let panels = dashboard["panels"].as_array().expect("panels");
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().expect("an id")).collect();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
    for panel in panels {
        let title = panel["title"].as_str().expect("a title");
        let place = |side: &str| panel["gridPos"][side].as_u64().unwrap_or_else(|| panic!("{title}: gridPos.{side}"));
        assert!(place("x") + place("w") <= 24 && place("h") > 0 && place("y") < 200, "{title}");
        if panel["type"] == "row" {
            continue;
        }
        let targets = panel["targets"].as_array().expect("targets");
        assert!(!targets.is_empty() && panel["description"].is_string(), "{title}");
        for target in targets {
            assert!(target["expr"].as_str().is_some_and(|it| !it.is_empty()) && target["refId"].is_string(), "{title}");
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}: of whoever imports it");
        }
    }
}
