//! Which operations a path with a version asks for, and under which version.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::path::RequestPath;

fn operation(name: &str, template: &str, versions: &[&str]) -> Operation {
    Operation {
        name: name.into(),
        method: "POST".into(),
        template: template.into(),
        multi_segment: if template.contains("{m}") { vec!["m".into()] } else { Vec::new() },
        summary: "".into(),
        tags: Vec::new(),
        versions: versions.iter().map(|name| (*name).into()).collect(),
    }
}

/// A router with the pattern `v#` and the versions `v1`, `v2`, `v3`.
fn router(operations: &[(&str, &[&str])]) -> Router {
    let operations: Vec<_> = operations.iter().map(|(template, versions)| operation("x", template, versions)).collect();
    let pattern = DEFAULT_VERSION_PATTERN.parse().expect("a pattern");
    Router::with_versions(&operations, Versions::new(Some(&pattern), &["v1", "v2", "v3"])).expect("a router")
}

/// What a path asks for, as `<index>@<version>`.
fn asks(router: &Router, base: &str, target: &str) -> Vec<String> {
    let path = RequestPath::parse(target).expect("a path");
    let base = BasePath::parse(base).expect("a base path");
    let remainder = base.strip(&path).expect("under it").at_version(base.version(router.versions()));
    let shown = |version: Version| match version {
        Version::NONE => UNVERSIONED.to_owned(),
        Version::OTHER => "other".to_owned(),
        listed => router.versions().name(listed).expect("listed").to_owned(),
    };
    match router.matches(Method::parse("POST").expect("a method"), &remainder) {
        Matches::Operations(required) => {
            required.with_versions().map(|(index, version)| format!("{index}@{}", shown(version))).collect()
        }
        Matches::Unlisted => Vec::new(),
        other => vec![format!("{other:?}")],
    }
}

#[test]
fn the_version_stands_in_the_base_path_or_right_behind_it() {
    let router = router(&[("/event", &["v1", "v3"]), ("/status", &["none"]), ("/any", &[])]);
    for (base, target, expected) in [
        ("/", "/v1/event", &["0@v1"][..]),
        ("/", "/v3/event", &["0@v3"]),
        ("/api", "/api/v3/event", &["0@v3"]),
        ("/api/v3", "/api/v3/event", &["0@v3"]),
        ("/v3", "/v3/event", &["0@v3"]),
        // A version that does not have it.
        ("/", "/v2/event", &[]),
        ("/v2", "/v2/event", &[]),
        // A version that nobody listed may be like any.
        ("/", "/v4/event", &["0@other"]),
        ("/v4", "/v4/event", &["0@other"]),
        // Without a version.
        ("/", "/event", &[]),
        ("/", "/status", &["1@none"]),
        ("/", "/v1/status", &[]),
        ("/", "/v4/status", &[]),
        // In every version and without one.
        ("/", "/any", &["2@none"]),
        ("/", "/v2/any", &["2@v2"]),
        ("/", "/v9/any", &["2@other"]),
        // Only one segment is a version.
        ("/v1", "/v1/v3/event", &[]),
        ("/", "/v1/v3/event", &[]),
        ("/", "/x/v1/event", &[]),
    ] {
        assert_eq!(asks(&router, base, target), expected, "{base} {target}");
    }
}

#[test]
fn no_spelling_of_a_version_is_another_one() {
    let router = router(&[("/event", &["v1", "v3"])]);
    for target in
        ["/V3/event", "/v03/event", "/V003/EVENT", "/v%33/event", "/%563/event", "/v3./event", "/%EF%BD%963/event/"]
    {
        assert_eq!(asks(&router, "/", target), ["0@v3"], "{target}");
    }
    assert_eq!(asks(&router, "/v3", "/V3/event"), ["0@v3"]);
    assert_eq!(asks(&router, "/", "/v%D9%A3/event"), ["Refused(AmbiguousVersion)"]);
    assert_eq!(asks(&router, "/", "/v3%2Fevent"), ["Refused(EncodedSlash)"]);
    for target in ["/v3.0/event", "/v/event", "/v3x/event", "/3/event", "/v-3/event"] {
        assert_eq!(asks(&router, "/", target), Vec::<String>::new(), "{target}");
    }
}

#[test]
fn a_segment_that_may_be_a_version_or_a_parameter_is_read_both_ways() {
    let plain = router(&[("/event", &["v1"]), ("/{tenant}/event", &["none"])]);
    assert_eq!(asks(&plain, "/", "/v1/event"), ["0@v1", "1@none"]);
    assert_eq!(asks(&plain, "/", "/acme/event"), ["1@none"]);
    // An upstream that decodes first reads a version where others read one segment.
    let wide = router(&[("/event", &["v3"]), ("/{m}", &["none"])]);
    assert_eq!(asks(&wide, "/", "/v3%2Fevent"), ["0@v3", "1@none"]);
    assert_eq!(asks(&wide, "/", "/V3%2Fevent"), ["0@v3", "1@none"]);
}

#[test]
fn each_version_has_its_own_templates() {
    // `search` came with v2; in v1 it was an id.
    let router = router(&[("/contacts/{id}", &["v1", "v2"]), ("/contacts/search", &["v2"])]);
    assert_eq!(asks(&router, "/", "/v1/contacts/search"), ["0@v1"]);
    assert_eq!(asks(&router, "/", "/v2/contacts/search"), ["1@v2"]);
    assert_eq!(asks(&router, "/", "/v02/contacts/search"), ["0@v2", "1@v2"], "a variant beats nothing");
    assert_eq!(asks(&router, "/", "/v9/contacts/search"), ["0@other", "1@other"], "it may be like v1");
    assert_eq!(asks(&router, "/", "/v9/contacts/7"), ["0@other"]);
}

#[test]
fn what_is_in_every_version_beats_in_every_version() {
    let router = router(&[("/contacts/{id}", &[]), ("/contacts/search", &[])]);
    for (target, expected) in [("/v1/contacts/search", "1@v1"), ("/v9/contacts/search", "1@other")] {
        assert_eq!(asks(&router, "/", target), [expected], "{target}");
    }
    assert_eq!(asks(&router, "/", "/contacts/search"), ["1@none"]);
}

/// What a path asks for of the operations that `keep` keeps, by a router that knows nothing of versions; the indices are those
/// of the whole list.
fn plain_asks(operations: &[Operation], keep: impl Fn(&Operation) -> bool, path: &Remainder<'_>) -> BTreeSet<u32> {
    let (places, kept): (Vec<u32>, Vec<Operation>) = operations
        .iter()
        .zip(0..)
        .filter(|(it, _)| keep(it))
        .map(|(it, at)| (at, Operation { versions: Vec::new(), ..it.clone() }))
        .unzip();
    let router = Router::build(&kept).expect("a router");
    match router.matches(Method::parse("POST").expect("a method"), path) {
        Matches::Operations(found) => found.iter().map(|at| places[at as usize]).collect(),
        _ => BTreeSet::new(),
    }
}

proptest! {
    /// A version at a time, each with a router of its own, is the slow way to the same answer.
    #[test]
    fn versions_agree_with_a_router_for_each(
        operations in proptest::collection::vec(
            ("(/[ab]|/\\{x\\}){1,3}", proptest::sample::subsequence(vec!["none", "v1", "v2"], 0..=3)), 1..6),
        version in proptest::sample::select(vec!["", "/v1", "/v2", "/V2", "/v02", "/v9"]),
        rest in "(/[abAB]){1,3}",
    ) {
        let operations: Vec<_> =
            operations.iter().map(|(template, versions)| operation("x", template, versions)).collect();
        let listed = ["v1", "v2"];
        let pattern = DEFAULT_VERSION_PATTERN.parse().expect("a pattern");
        let router = Router::with_versions(&operations, Versions::new(Some(&pattern), &listed)).expect("a router");
        let target = format!("{version}{rest}");
        let path = RequestPath::parse(&target).expect("a path");
        let whole = Remainder::whole(&path);
        let is_in = |operation: &Operation, name: &str| {
            operation.versions.is_empty() || operation.versions.iter().any(|own| **own == *name)
        };
        // Without a version, and behind it; of one that is not listed in the way of each that is.
        let mut expected = plain_asks(&operations, |it| is_in(it, UNVERSIONED), &whole);
        let behind = Remainder { from: 1, kind: if version.starts_with("/v0") || version.starts_with("/V") { MatchKind::Folded } else { MatchKind::Exact }, ..whole };
        let names: &[&str] = match version {
            "" => &[],
            "/v1" => &["v1"],
            "/v9" => &["v1", "v2", "any other"],
            _ => &["v2"],
        };
        for name in names {
            expected.extend(plain_asks(&operations, |it| is_in(it, name), &behind));
        }
        let found: BTreeSet<u32> = match router.matches(Method::parse("POST").expect("a method"), &whole) {
            Matches::Operations(found) => found.iter().collect(),
            _ => BTreeSet::new(),
        };
        prop_assert_eq!(found, expected, "{}", target);
    }
}
