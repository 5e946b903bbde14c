//! Several real servers on one PostgreSQL: who waits for whom, and who is lost.

use serde_json::{Value, json};

use crate::harness::fleet::{Fleet, Node};
use crate::harness::patience::wait_until;
use crate::harness::process::{command, run, text};
use crate::harness::raw_http::Request;
use crate::harness::telemetry::figure;

fn names(answer: &Value, list: &str) -> Vec<String> {
    let ids = answer[list].as_array().unwrap_or_else(|| panic!("{list} in {answer}"));
    ids.iter().map(|id| id.as_str().expect("an id").to_owned()).collect()
}

fn sorted(nodes: &[&Node]) -> Vec<String> {
    let mut ids: Vec<_> = nodes.iter().map(|node| node.id.clone()).collect();
    ids.sort();
    ids
}

fn position(text: &str) -> (i64, i64) {
    let (epoch, seq) = text.split_once('.').expect("<epoch>.<seq>");
    (epoch.parse().expect("an epoch"), seq.parse().expect("a seq"))
}

/// An operator's command on a node's data directory.
fn cli(node: &Node, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = run(command(&node.data, arguments), "");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_good_at_every_live_node_when_its_call_returns() {
    let fleet = Fleet::start(3).await;
    let [one, two, three] = fleet.nodes.as_slice() else { panic!("three nodes") };
    for number in 0..10 {
        let made = fleet.create_key(&format!("key {number}")).await;
        let secret = made["secret"].as_str().expect("a secret");
        let mut applied = names(&made, "applied");
        applied.sort();
        let pending = names(&made, "pending");
        // 300 ms may be over on a machine that does something else; whoever is not named has it.
        for node in [one, two, three].into_iter().filter(|node| !pending.contains(&node.id)) {
            assert!(applied.contains(&node.id), "{made}");
            assert_eq!(node.code(secret).await, "VALID", "at {} after {made}", node.id);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_idempotency_key_at_two_servers_at_once_makes_one_key() {
    let fleet = Fleet::start(2).await;
    let [one, two] = fleet.nodes.as_slice() else { panic!("two nodes") };
    for number in 0..10 {
        let body = json!({ "name": format!("key {number}"), "api_sets": ["full-access"] });
        let post = async |node: &Node| {
            let request = Request::post("/api/v1/keys", &body).bearer(&node.token);
            request.header("Idempotency-Key", &format!("once-{number}")).send(node.serving.control).await.expect(201)
        };
        let (first, second) = tokio::join!(post(one), post(two));
        let replayed = [&first, &second].map(|answer| answer.header("idempotent-replayed").is_some());
        assert!(replayed[0] != replayed[1], "one is the replay of the other: {replayed:?}");
        let (first, second) = (first.json(), second.json());
        assert_eq!(first["key"]["id"], second["key"]["id"]);
        let secrets = [&first, &second].map(|answer| answer["secret"].is_string());
        assert_eq!(secrets, replayed.map(|replayed| !replayed), "the secret is shown once");
        for node in [one, two] {
            let found = node.api("GET", &format!("/keys?text=key%20{number}"), None).await.expect(200).json();
            assert_eq!(found["data"].as_array().map(Vec::len), Some(1), "at {}", node.id);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_writers_at_two_servers_with_the_same_tag_one_is_told() {
    let fleet = Fleet::start(2).await;
    let [one, two] = fleet.nodes.as_slice() else { panic!("two nodes") };
    let id = fleet.create_key("k").await["key"]["id"].as_str().expect("an id").to_owned();
    let path = format!("/keys/{id}");
    for round in 1..=10 {
        let tag = one.api("GET", &path, None).await.expect(200).header("etag").expect("a tag");
        let edit = async |node: &Node, text: &str| {
            let request = Request::new("PATCH", &format!("/api/v1{path}")).bearer(&node.token).header("If-Match", &tag);
            request.json(&json!({ "description": format!("{text} {round}") })).send(node.serving.control).await
        };
        let (first, second) = tokio::join!(edit(one, "one"), edit(two, "two"));
        let statuses = [first.status, second.status];
        let winner = if statuses == [200, 412] { "one" } else { "two" };
        assert!(statuses == [200, 412] || statuses == [412, 200], "{statuses:?}");
        let told = if winner == "one" { &second } else { &first };
        assert_eq!(told.json()["code"], "stale");
        for node in [one, two] {
            let kept = node.api("GET", &path, None).await.expect(200).json();
            assert_eq!(kept["description"], format!("{winner} {round}"), "at {}", node.id);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wait_all_names_every_node_and_what_it_says_is_in_force() {
    let fleet = Fleet::start(3).await;
    let [one, two, three] = fleet.nodes.as_slice() else { panic!("three nodes") };
    let made = fleet.create_key("k").await;
    let (id, secret) = (made["key"]["id"].as_str().expect("an id"), made["secret"].as_str().expect("a secret"));
    let disabled = two.api("POST", &format!("/keys/{id}/disable?wait=all&wait_ms=5000"), None).await.expect(200);
    let change = disabled.header("x-claviger-change").expect("a change");
    for node in [one, two, three] {
        assert_eq!(node.code(secret).await, "DISABLED", "at {}", node.id);
    }
    let disabled = disabled.json();
    let mut applied = names(&disabled, "applied");
    assert_eq!(applied.first(), Some(&two.id), "the node that answers first");
    applied.sort();
    assert_eq!(applied, sorted(&[one, two, three]));
    assert_eq!((names(&disabled, "pending"), names(&disabled, "lost")), (vec![], vec![]));
    assert_eq!(disabled["state"], "disabled", "beside the record's own members");

    let listed = three.api("GET", "/nodes", None).await.expect(200).json();
    let listed = listed["data"].as_array().expect("a list");
    let ids: Vec<_> = listed.iter().map(|node| node["id"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(ids, sorted(&[one, two, three]));
    for node in listed {
        assert_eq!((&node["state"], &node["staleness_limit_seconds"]), (&json!("live"), &Value::Null));
        assert_eq!(node["answers"], node["id"] == three.id.as_str());
    }
    // The node that answered was not waited for: its row may come a moment later.
    let told = async || {
        let listed = three.api("GET", "/nodes", None).await.expect(200).json();
        let mut listed = listed["data"].as_array().expect("a list").iter();
        listed.all(|node| node["applied"].as_str().is_some_and(|applied| position(applied) >= position(&change)))
    };
    wait_until(told, || format!("{change} is not in all rows")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_cut_off_keeps_wait_all_at_202_until_it_is_forgotten_or_returns() {
    let fleet = Fleet::start(3).await;
    let [one, _, three] = fleet.nodes.as_slice() else { panic!("three nodes") };
    let made = fleet.create_key("k").await;
    let (id, secret) = (made["key"]["id"].as_str().expect("an id"), made["secret"].as_str().expect("a secret"));
    let change = async |verb: &str, status: u16| {
        let path = format!("/keys/{id}/{verb}?wait=all&wait_ms=5000");
        one.api("POST", &path, None).await.expect(status).json()
    };
    three.line.cut();
    // Cut off and alive: at first it is waited for, then it is lost; 202 all the time.
    let disabled = change("disable", 202).await;
    let unconfirmed = [names(&disabled, "pending"), names(&disabled, "lost")].concat();
    assert_eq!(unconfirmed, [three.id.as_str()], "{disabled}");
    assert_eq!(three.code(secret).await, "VALID", "it goes by what it knew");
    fleet.becomes(&three.id, Some("lost")).await;
    let enabled = change("enable", 202).await;
    assert_eq!((names(&enabled, "pending"), names(&enabled, "lost")), (Vec::new(), vec![three.id.clone()]));
    // A repeat changes nothing, and asks the same of the state that is there.
    let repeated = change("enable", 202).await;
    assert_eq!(names(&repeated, "lost"), [three.id.as_str()]);

    let (code, out, err) = cli(one, &["node", "list"]);
    assert!(
        code == Some(0) && out.contains(&three.id) && out.contains("lost") && err.contains("node forget"),
        "{out}{err}"
    );
    let (code, _, err) = cli(one, &["node", "forget", &one.id]);
    assert!(code == Some(1) && err.contains("live"), "{err}");
    let (code, out, err) = cli(one, &["node", "forget", &three.id]);
    assert!(code == Some(0) && out.contains("forgotten"), "{out}{err}");
    let (code, _, _) = cli(one, &["node", "forget", &three.id]);
    assert_eq!(code, Some(1), "it is not there any more");
    let disabled = change("disable", 200).await;
    assert_eq!(names(&disabled, "lost"), [""; 0]);

    // It comes back by itself, and counts again.
    three.line.mend();
    fleet.becomes(&three.id, Some("live")).await;
    let enabled = change("enable", 200).await;
    assert!(names(&enabled, "applied").contains(&three.id), "{enabled}");
    assert_eq!(three.code(secret).await, "VALID");
    assert_eq!(three.serving.log().matches("joins them again").count(), 1, "{}", three.serving.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_in_order_is_not_lost_and_one_that_is_killed_is() {
    let mut fleet = Fleet::start(3).await;
    let three = fleet.nodes.pop().expect("a third");
    three.serving.stop();
    assert_eq!(fleet.state_of(&three.id).await.as_deref(), Some("signed_off"));
    let made = fleet.create_key("k").await;
    assert!(!made.to_string().contains(&three.id), "nobody waits for it: {made}");

    let two = fleet.nodes.pop().expect("a second");
    let (id, data) = (two.id.clone(), two.data.clone());
    two.serving.kill();
    fleet.becomes(&id, Some("lost")).await;
    let path = format!("/keys/{}/disable?wait=all", made["key"]["id"].as_str().expect("an id"));
    let disabled = fleet.nodes[0].api("POST", &path, None).await.expect(202).json();
    assert_eq!(names(&disabled, "lost"), [id.as_str()]);
    // The same directory is the same node, whose list it leaves by coming back.
    fleet.add().await;
    assert_eq!(fleet.nodes[1].data, data);
    assert_eq!(fleet.nodes[1].id, id);
    let path = path.replace("disable", "enable");
    let is_all = async || fleet.nodes[0].api("POST", &path, None).await.status == 200;
    wait_until(is_all, || "the node that came back was never confirmed".to_owned()).await;
}

/// How many nodes one sees live, and how many lost.
async fn counts(node: &Node) -> [Option<f64>; 2] {
    let [live, lost] = ["live", "lost"].map(|state| format!("claviger_nodes{{state=\"{state}\"}}"));
    [figure(node.serving.telemetry, &live).await, figure(node.serving.telemetry, &lost).await]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_count_live_and_lost_nodes_while_the_database_can_be_asked() {
    let mut fleet = Fleet::start(2).await;
    let count = async |node: &Node, expected: [Option<f64>; 2]| {
        let is_so = async || counts(node).await == expected;
        wait_until(is_so, || format!("{} never counted {expected:?}", node.id)).await;
    };
    for node in &fleet.nodes {
        count(node, [Some(2.0), Some(0.0)]).await;
    }
    fleet.nodes.pop().expect("a second").serving.kill();
    let one = &fleet.nodes[0];
    count(one, [Some(1.0), Some(1.0)]).await;
    // What is not known is not said.
    one.line.cut();
    count(one, [None, None]).await;
    one.line.mend();
    count(one, [Some(1.0), Some(1.0)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_copies_of_a_data_directory_become_two_nodes() {
    let mut fleet = Fleet::start(2).await;
    let [one, two] = fleet.nodes.as_slice() else { panic!("two nodes") };
    let (one, old) = (one.id.clone(), two.id.clone());
    let copy = fleet.folder.path().join("node-2");
    std::fs::create_dir(&copy).expect("a folder");
    std::fs::copy(two.data.join("node-id"), copy.join("node-id")).expect("a copy");
    fleet.add().await;
    let listed = async || {
        let list = fleet.nodes[0].api("GET", "/nodes", None).await.expect(200).json();
        let list = list["data"].as_array().expect("a list").clone();
        list.into_iter().filter(|node| node["state"] == "live").collect::<Vec<_>>()
    };
    wait_until(async || listed().await.len() == 3, || "never three nodes".to_owned()).await;
    let ids: Vec<_> = listed().await.iter().map(|node| node["id"].as_str().expect("an id").to_owned()).collect();
    assert!(ids.contains(&one) && ids.contains(&old), "one of them keeps the id: {ids:?}");
    let written = |at: usize| std::fs::read_to_string(fleet.nodes[at].data.join("node-id")).expect("its id");
    assert_ne!(written(1), written(2), "and the other has written a new one");
}
