//! Which crate may depend on which: the table of ARCHITECTURE.md, read against what cargo resolved.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::Metadata;

use crate::Result;
use crate::workspace::{Workspace, output};

/// What a crate of ours may depend on.
struct Rule {
    from: &'static str,
    ours: Ours,
    /// Crates of others that must not be reached, not even through a third one.
    never: &'static [&'static str],
}

enum Ours {
    Only(&'static [&'static str]),
    /// All but the tools.
    Any,
}

/// Package names: who depends on whom.
type Graph = BTreeMap<String, BTreeSet<String>>;

const RULES: [Rule; 14] = [
    Rule {
        from: "claviger-domain",
        ours: Ours::Only(&[]),
        never: &["tokio", "sqlx", "sqlx-core", "axum", "hyper", "getrandom"],
    },
    Rule {
        from: "claviger-engine",
        ours: Ours::Only(&["claviger-domain"]),
        never: &["sqlx", "sqlx-core", "axum", "hyper"],
    },
    Rule { from: "claviger-store", ours: Ours::Only(&["claviger-domain"]), never: &["axum", "hyper"] },
    Rule { from: "claviger-texts", ours: Ours::Only(&[]), never: &["tokio", "sqlx", "axum", "hyper"] },
    Rule {
        from: "claviger-manage",
        ours: Ours::Only(&["claviger-domain", "claviger-store", "claviger-engine", "claviger-texts"]),
        never: &[],
    },
    Rule {
        from: "claviger-doors",
        ours: Ours::Only(&["claviger-domain", "claviger-engine"]),
        never: &["sqlx", "sqlx-core"],
    },
    Rule {
        from: "claviger-webservice",
        ours: Ours::Only(&["claviger-domain", "claviger-manage", "claviger-engine"]),
        never: &[],
    },
    Rule {
        from: "claviger-console",
        ours: Ours::Only(&["claviger-domain", "claviger-manage", "claviger-texts"]),
        never: &[],
    },
    Rule { from: "claviger-mysql-dump", ours: Ours::Only(&[]), never: &["tokio", "sqlx", "axum", "hyper"] },
    // Other people's programs take it in.
    Rule { from: "claviger-client", ours: Ours::Only(&[]), never: &["sqlx", "sqlx-core", "reqwest"] },
    Rule { from: "claviger-server", ours: Ours::Any, never: &[] },
    Rule { from: "claviger-e2e", ours: Ours::Any, never: &[] },
    Rule { from: "claviger-bench", ours: Ours::Any, never: &[] },
    Rule { from: "xtask", ours: Ours::Only(&[]), never: &[] },
];

/// Ends of the graph: nothing depends on them.
const TOOLS: [&str; 3] = ["claviger-e2e", "claviger-bench", "xtask"];

/// What rustls can be built on; with two compiled in it panics where none was installed.
const CRYPTO_PROVIDERS: [&str; 6] =
    ["aws-lc-rs", "ring", "rustls-openssl", "rustls-rustcrypto", "rustls-graviola", "rustls-symcrypt"];
const CRYPTO_PROVIDER: &str = "aws-lc-rs";

/// Fails with one line for each edge that is not allowed.
pub fn run(workspace: &Workspace) -> Result {
    let mut violations = forbidden_edges(&our_edges(&workspace.metadata));
    violations.extend(forbidden_reach(&compiled_edges(workspace, "normal")?));
    violations.extend(wrong_providers(&compiled_edges(workspace, "normal,dev")?));
    if violations.is_empty() { Ok(()) } else { Err(violations.join("\n  ").into()) }
}

/// Edges between members, of every kind: tests of a crate need no other crate either.
fn our_edges(metadata: &Metadata) -> Graph {
    let members = metadata.workspace_packages();
    let names: BTreeSet<&str> = members.iter().map(|package| package.name.as_str()).collect();
    let edges = members.iter().map(|package| {
        let to = package.dependencies.iter().map(|dependency| dependency.name.clone());
        (package.name.to_string(), to.filter(|to| names.contains(to.as_str()) && package.name != *to).collect())
    });
    edges.collect()
}

/// What is compiled into what, on any platform. `cargo metadata` will not do: it also follows features that are only asked for
/// "if the dependency is there" (`ring?/std`), and so lists packages that nobody compiles.
fn compiled_edges(workspace: &Workspace, kinds: &str) -> Result<Graph> {
    let arguments =
        ["tree", "--locked", "--workspace", "--all-features", "--target=all", "--prefix=depth", "--edges", kinds];
    Ok(read_tree(&output(&mut workspace.cargo(arguments))?))
}

/// Reads lines such as `2serde v1.0.0 (*)`, the number being the depth; a package marked `(*)` has its edges elsewhere.
fn read_tree(tree: &str) -> Graph {
    let (mut graph, mut way) = (Graph::new(), Vec::new());
    for line in tree.lines() {
        let name = line.trim_start_matches(|character: char| character.is_ascii_digit());
        let Ok(depth) = line[..line.len() - name.len()].parse::<usize>() else { continue };
        let name = name.split(' ').next().unwrap_or_default();
        way.truncate(depth);
        graph.entry(name.to_owned()).or_default();
        if let Some(parent) = way.last() {
            graph.entry(String::clone(parent)).or_default().insert(name.to_owned());
        }
        way.push(name.to_owned());
    }
    graph
}

fn forbidden_edges(ours: &Graph) -> Vec<String> {
    let mut violations = Vec::new();
    for (from, edges) in ours {
        let Some(rule) = RULES.iter().find(|rule| rule.from == from) else {
            violations.push(format!("{from} has no rule: decide in ARCHITECTURE.md, then in xtask/src/edges.rs"));
            continue;
        };
        let refused = edges.iter().filter(|to| TOOLS.contains(&to.as_str()) || !rule.ours.allows(to));
        violations.extend(refused.map(|to| format!("{from} must not depend on {to}")));
    }
    violations
}

fn forbidden_reach(all: &Graph) -> Vec<String> {
    let mut violations = Vec::new();
    for rule in &RULES {
        for target in rule.never {
            if let Some(path) = path_between(all, rule.from, target) {
                violations.push(format!("{} must not reach {target}: {}", rule.from, path.join(" → ")));
            }
        }
    }
    violations
}

fn wrong_providers(all: &Graph) -> Vec<String> {
    let found =
        CRYPTO_PROVIDERS.iter().filter(|provider| all.contains_key(**provider) && **provider != CRYPTO_PROVIDER);
    found.map(|other| format!("{other} is compiled in beside {CRYPTO_PROVIDER}: see `cargo tree -i {other}`")).collect()
}

/// One shortest way from one package to another.
fn path_between<'a>(graph: &'a Graph, from: &'a str, to: &str) -> Option<Vec<&'a str>> {
    let mut came_from = BTreeMap::from([(from, None)]);
    let mut queue = std::collections::VecDeque::from([from]);
    while let Some(at) = queue.pop_front() {
        if at == to && at != from {
            let mut path: Vec<_> = std::iter::successors(Some(at), |at| came_from.get(at).copied().flatten()).collect();
            path.reverse();
            return Some(path);
        }
        for next in graph.get(at).into_iter().flatten() {
            if !came_from.contains_key(next.as_str()) {
                came_from.insert(next, Some(at));
                queue.push_back(next);
            }
        }
    }
    None
}

// === impl Ours ===

impl Ours {
    fn allows(&self, to: &str) -> bool {
        match self {
            Self::Only(names) => names.contains(&to),
            Self::Any => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::new();
        for (from, to) in edges {
            graph.entry((*from).to_owned()).or_default().insert((*to).to_owned());
            graph.entry((*to).to_owned()).or_default();
        }
        graph
    }

    #[test]
    fn a_tree_of_cargo_is_read_as_its_edges() {
        let tree = "0server v0.1.0 (/x)\n1engine v0.1.0\n2serde v1.0.0\n1serde v1.0.0 (*)\n\n0xtask v0.1.0\n";
        let mut expected = graph(&[("server", "engine"), ("server", "serde"), ("engine", "serde")]);
        expected.insert("xtask".to_owned(), BTreeSet::new());
        assert_eq!(read_tree(tree), expected);
    }

    #[test]
    fn the_edges_of_the_table_are_allowed() {
        let allowed = [
            ("claviger-engine", "claviger-domain"),
            ("claviger-store", "claviger-domain"),
            ("claviger-manage", "claviger-store"),
            ("claviger-manage", "claviger-engine"),
            ("claviger-manage", "claviger-texts"),
            ("claviger-doors", "claviger-engine"),
            ("claviger-server", "claviger-manage"),
            ("claviger-server", "claviger-mysql-dump"),
            ("claviger-e2e", "claviger-server"),
            ("claviger-bench", "claviger-doors"),
        ];
        assert_eq!(forbidden_edges(&graph(&allowed)), Vec::<String>::new());
    }

    #[test]
    fn each_other_edge_is_named() {
        let forbidden = [
            ("claviger-domain", "claviger-engine"),
            ("claviger-engine", "claviger-store"),
            ("claviger-doors", "claviger-store"),
            ("claviger-doors", "claviger-manage"),
            ("claviger-store", "claviger-engine"),
            ("claviger-console", "claviger-store"),
            ("claviger-server", "claviger-e2e"),
            ("claviger-e2e", "xtask"),
        ];
        for (from, to) in forbidden {
            assert_eq!(forbidden_edges(&graph(&[(from, to)])), [format!("{from} must not depend on {to}")]);
        }
    }

    #[test]
    fn a_crate_without_a_rule_is_refused() {
        let violations = forbidden_edges(&graph(&[("claviger-new", "claviger-domain")]));
        assert!(violations[0].starts_with("claviger-new has no rule"), "{violations:?}");
    }

    #[test]
    fn what_a_third_crate_brings_in_counts() {
        let violations = forbidden_reach(&graph(&[("claviger-engine", "innocent"), ("innocent", "sqlx")]));
        assert_eq!(violations, ["claviger-engine must not reach sqlx: claviger-engine → innocent → sqlx"]);
        assert!(forbidden_reach(&graph(&[("claviger-store", "sqlx"), ("claviger-engine", "serde")])).is_empty());
    }

    #[test]
    fn a_second_crypto_provider_is_refused() {
        assert!(wrong_providers(&graph(&[("rustls", "aws-lc-rs")])).is_empty());
        let violations = wrong_providers(&graph(&[("rustls", "aws-lc-rs"), ("rustls-webpki", "ring")]));
        assert_eq!(violations.len(), 1);
        assert!(violations[0].starts_with("ring is compiled in"), "{violations:?}");
    }
}
