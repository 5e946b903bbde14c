//! Which operations a path with a version asks for, and under which version.

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
