//! Three real servers whose database is set back, loses its end, or goes on without one of them for long: each notices, loads
//! everything anew, and is right afterwards.

use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::harness::fleet::{Fleet, Node};
use crate::harness::patience::wait_until;
use crate::harness::telemetry::figure;

/// What a node says when it drops what it holds.
const ANOTHER_FEED: &str = "the change feed is another one";

/// A key of a fleet.
struct Made {
    id: String,
    secret: String,
}

async fn make(node: &Node, name: &str) -> Made {
    let body = json!({ "name": name, "api_sets": ["full-access"] });
    let made = node.api("POST", "/keys", Some(&body)).await.expect(201).json();
    let of = |value: &Value| value.as_str().expect("a text").to_owned();
    Made { id: of(&made["key"]["id"]), secret: of(&made["secret"]) }
}

async fn disable(node: &Node, key: &Made) {
    let answer = node.api("POST", &format!("/keys/{}/disable?wait=all&wait_ms=5000", key.id), None).await;
    assert!([200, 202].contains(&answer.status), "{}", answer.text());
}

/// Waits until these nodes give this verdict.
async fn all_say(nodes: &[Node], key: &Made, code: &str) {
    for node in nodes {
        let is_so = async || node.code(&key.secret).await == code;
        wait_until(is_so, || format!("never {code} at {}:\n{}", node.id, node.serving.log())).await;
    }
}

async fn loads(node: &Node) -> Option<f64> {
    figure(node.serving.telemetry, "claviger_loads_total").await
}

fn cut(nodes: &[Node]) {
    for node in nodes {
        node.line.cut();
    }
}

/// Until each of them reaches the database again.
async fn mend(nodes: &[Node]) {
    for node in nodes {
        node.line.mend();
    }
    for node in nodes {
        let is_back = async || node.api("GET", "/nodes", None).await.status == 200;
        wait_until(is_back, || format!("{} never comes back", node.id)).await;
    }
}

/// The name of the fleet's database, and a connection to another one of its server.
async fn administrator(fleet: &Fleet) -> (String, PgConnection) {
    let (server, name) = fleet.database.url.rsplit_once('/').expect("a URL with a database");
    let connection = PgConnection::connect(&format!("{server}/postgres")).await.expect("PostgreSQL answers");
    (name.to_owned(), connection)
}

async fn execute(connection: &mut PgConnection, statement: String) {
    let done = connection.execute(sqlx::AssertSqlSafe(statement.clone())).await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// Copies the database as it stands; nobody may be connected to it.
async fn keep_copy(fleet: &Fleet) {
    let (name, mut administrator) = administrator(fleet).await;
    let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '";
    execute(&mut administrator, format!("{ended}{name}'")).await;
    execute(&mut administrator, format!("CREATE DATABASE {name}_kept TEMPLATE {name}")).await;
}

/// Puts the copy in the place of the database.
async fn set_back(fleet: &Fleet) {
    let (name, mut administrator) = administrator(fleet).await;
    execute(&mut administrator, format!("DROP DATABASE {name} WITH (FORCE)")).await;
    execute(&mut administrator, format!("ALTER DATABASE {name}_kept RENAME TO {name}")).await;
}

/// A fleet of three, its database copied when `before` was there; afterwards `before` was disabled and `after` made, which
/// all three know.
async fn fleet_with_a_past() -> (Fleet, Made, Made) {
    let fleet = Fleet::start(3).await;
    let before = make(&fleet.nodes[0], "before").await;
    all_say(&fleet.nodes, &before, "VALID").await;
    cut(&fleet.nodes);
    keep_copy(&fleet).await;
    mend(&fleet.nodes).await;
    for node in &fleet.nodes {
        fleet.becomes(&node.id, Some("live")).await;
    }
    disable(&fleet.nodes[0], &before).await;
    let after = make(&fleet.nodes[1], "after").await;
    all_say(&fleet.nodes, &before, "DISABLED").await;
    all_say(&fleet.nodes, &after, "VALID").await;
    (fleet, before, after)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_set_back_makes_every_node_load_anew() {
    let (fleet, before, after) = fleet_with_a_past().await;
    cut(&fleet.nodes);
    set_back(&fleet).await;
    mend(&fleet.nodes).await;
    all_say(&fleet.nodes, &before, "VALID").await;
    all_say(&fleet.nodes, &after, "NOT_FOUND").await;
    for node in &fleet.nodes {
        assert_eq!(node.serving.log().matches(ANOTHER_FEED).count(), 1, "{}", node.serving.log());
        assert_eq!(loads(node).await, Some(2.0));
    }
    // From here on they follow it like any other.
    disable(&fleet.nodes[2], &before).await;
    all_say(&fleet.nodes, &before, "DISABLED").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_lost_its_end_and_grew_again_is_not_gone_on_with() {
    let (fleet, before, after) = fleet_with_a_past().await;
    cut(&fleet.nodes);
    set_back(&fleet).await;
    // One of them makes changes, more than there were, before the others see the database again: what they applied last has a
    // successor now, which is another one's.
    let (first, others) = fleet.nodes.split_at(1);
    mend(first).await;
    all_say(first, &after, "NOT_FOUND").await;
    let mut grown = Vec::new();
    for number in 0..12 {
        grown.push(make(&first[0], &format!("grown {number}")).await);
    }
    mend(others).await;
    for node in others {
        node.serving.wait_for_log(ANOTHER_FEED).await;
    }
    all_say(&fleet.nodes, &before, "VALID").await;
    all_say(&fleet.nodes, &after, "NOT_FOUND").await;
    for key in &grown {
        all_say(&fleet.nodes, key, "VALID").await;
    }
    disable(&fleet.nodes[1], &before).await;
    all_say(&fleet.nodes, &before, "DISABLED").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_away_for_longer_than_the_feed_is_kept_loads_anew() {
    let fleet = Fleet::start(3).await;
    let ended = make(&fleet.nodes[0], "ended").await;
    let moved = make(&fleet.nodes[0], "moved").await;
    all_say(&fleet.nodes, &moved, "VALID").await;
    let (others, away) = fleet.nodes.split_at(2);
    cut(away);
    disable(&others[0], &ended).await;
    all_say(others, &ended, "DISABLED").await;
    assert_eq!(away[0].code(&ended.secret).await, "VALID", "it goes by what it knew");

    // As after a hundred thousand changes of others: the feed's end is far away, and the next thousandth change trims it.
    fleet.database.execute("INSERT INTO changes SELECT epoch, 149995, 0, organization_id, 'none', '', nonce FROM changes WHERE seq = (SELECT seq FROM feed_head) AND n = 0").await;
    fleet.database.execute("UPDATE feed_head SET seq = 149995").await;
    let mut later = Vec::new();
    for number in 0..10 {
        later.push(make(&others[0], &format!("later {number}")).await);
    }
    let rest = async || fleet.database.number("SELECT COUNT(*) FROM changes WHERE seq < 50000".to_owned()).await == 0;
    wait_until(rest, || "the feed is never trimmed".to_owned()).await;

    mend(away).await;
    all_say(&fleet.nodes, &ended, "DISABLED").await;
    for key in later.iter().chain([&moved]) {
        all_say(&fleet.nodes, key, "VALID").await;
    }
    assert_eq!(loads(&away[0]).await, Some(2.0));
    disable(&away[0], &moved).await;
    all_say(&fleet.nodes, &moved, "DISABLED").await;
}
