//! Real documents, and every kind of bad one.

use std::fmt::Write as _;
use std::io::Read as _;

use claviger_domain::api::OPERATIONS_MAX;
use claviger_domain::name::NAME_LENGTH_MAX;
use claviger_domain::operation::Router;
use serde_json::json;

use super::*;

pub(crate) const GITHUB_EXCERPT: &[u8] = include_bytes!("../../../../../e2e/data/openapi/github-excerpt.json");
const GITHUB_GZIPPED: &[u8] = include_bytes!("../../../../../e2e/data/openapi/api.github.com.json.gz");
pub(crate) const ADYEN: &[u8] = include_bytes!("../../../../../e2e/data/openapi/adyen-CheckoutService-v71.json");

const MANAGEMENT_GZIPPED: &[u8] = include_bytes!("../../../../../e2e/data/openapi/adyen-ManagementService-v3.yaml.gz");

pub(crate) fn github() -> Vec<u8> {
    unzipped(GITHUB_GZIPPED)
}

/// Adyen's Checkout, `v70` or `v72`.
pub(crate) fn checkout(version: &str) -> Vec<u8> {
    let v70: &[u8] = include_bytes!("../../../../../e2e/data/openapi/adyen-CheckoutService-v70.json.gz");
    let v72: &[u8] = include_bytes!("../../../../../e2e/data/openapi/adyen-CheckoutService-v72.json.gz");
    unzipped(if version == "v70" { v70 } else { v72 })
}

/// Adyen's Management v3, in YAML.
pub(crate) fn management() -> Vec<u8> {
    unzipped(MANAGEMENT_GZIPPED)
}

fn parse(json: &[u8]) -> Result<ImportedDocument, DocumentError> {
    super::parse(json, Format::Json)
}

fn unzipped(gzipped: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(gzipped).read_to_end(&mut bytes).expect("whole");
    bytes
}

/// The only problem of a bad document, as `place: message`.
fn problem(document: &str) -> String {
    let error = parse(document.as_bytes()).expect_err("the document is bad");
    assert_eq!(error.problems.len(), 1, "{error}");
    error.to_string()
}

fn with_paths(paths: &serde_json::Value) -> String {
    json!({"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": paths}).to_string()
}

#[test]
fn github_is_read_whole() {
    let document = parse(&github()).expect("a good document");
    assert_eq!(document.operations.len(), 1_223);
    assert_eq!(document.title.as_ref().map(Name::as_str), Some("GitHub's official OpenAPI spec + Octokit extension"));
    assert_eq!(document.hosts.iter().map(|host| host.host.as_str()).collect::<Vec<_>>(), ["api.github.com"]);
    assert_eq!(document.base_paths, ["/"]);
    assert_eq!(document.manual_url.as_deref(), Some("https://docs.github.com/rest/"));
    assert_eq!(document.operations.iter().filter(|operation| !operation.multi_segment.is_empty()).count(), 66);
    let contents =
        document.operations.iter().find(|operation| &*operation.name == "repos/get-content").expect("listed");
    assert_eq!((&*contents.method, &*contents.template), ("GET", "/repos/{owner}/{repo}/contents/{path}"));
    assert_eq!(contents.multi_segment, ["path".into()]);
    assert_eq!(&*contents.summary, "Get repository content");
    Router::build(&document.operations).expect("every operation can be matched");
}

#[test]
fn tags_suggest_patterns_where_the_prefix_is_theirs_alone() {
    let sets =
        parse(&github()).map(|document| suggested_sets(&document, &document.operations)).expect("a good document");
    let set = |slug: &str| sets.iter().find(|set| set.slug.as_str() == slug).expect("suggested");
    assert_eq!(sets.len(), 48, "one of each tag, and one of all that reads");
    let reads = sets.last().expect("sets");
    assert!(reads.name.as_str().ends_with(": read") && reads.operations_count > 500, "{reads:?}");
    assert_eq!(sets[0].slug.as_str(), "actions", "in the document's order");
    assert_eq!((set("issues").patterns.as_slice(), set("issues").operations_count), (&["issues/*".to_owned()][..], 58));
    let orgs = &set("orgs").patterns;
    assert!(orgs[0] == "orgs/*" && orgs.contains(&"api-insights/get-summary-stats".to_owned()), "{orgs:?}");
    assert_eq!(orgs.len(), 10);

    let sets = parse(ADYEN).map(|document| suggested_sets(&document, &document.operations)).expect("a good document");
    let links = sets.iter().find(|set| set.slug.as_str() == "payment-links").expect("suggested");
    assert_eq!(links.name.as_str(), "Payment links");
    assert_eq!(links.patterns, ["post-paymentLinks", "get-paymentLinks-linkId", "patch-paymentLinks-linkId"]);
}

#[test]
fn a_tag_does_not_take_a_prefix_that_others_have_too() {
    let operation = |id: &str, tag: &str| json!({"operationId": id, "tags": [tag]});
    let document = with_paths(&json!({
        "/a": {"get": operation("a/one", "a"), "put": operation("a/two", "b")},
        "/b": {"get": operation("b-one", "B!"), "put": operation("b-two", "b?")},
    }));
    let sets = parse(document.as_bytes())
        .map(|document| suggested_sets(&document, &document.operations))
        .expect("a good document");
    let sets: Vec<_> = sets.iter().map(|set| (set.slug.as_str(), set.patterns.join(" "))).collect();
    let expected = [("a", "a/one"), ("b", "a/two"), ("b-2", "b-one"), ("b-3", "b-two"), ("t-read", "a/one b-one")];
    assert_eq!(sets, expected.map(|(slug, patterns)| (slug, patterns.to_owned())));
}

#[test]
fn the_excerpt_and_adyen_are_read() {
    let document = parse(GITHUB_EXCERPT).expect("a good document");
    assert_eq!(document.operations.len(), 31);
    let document = parse(ADYEN).expect("a good document");
    assert_eq!(document.operations.len(), 28);
    assert_eq!(document.hosts[0].host, "checkout-test.adyen.com");
    assert_eq!(document.base_paths, ["/v71"]);
    assert_eq!(document.version.as_deref(), Some("71"));
}

#[test]
fn operations_come_in_document_order_with_names_of_their_own() {
    let document = with_paths(&json!({
        "/z": {"post": {"operationId": "make z"}, "get": {}, "description": "no method"},
        "/a/{b}": {"trace": {"description": "First line.\nSecond."}},
        "x-own": 7,
    }));
    let operations = parse(document.as_bytes()).expect("a good document").operations;
    let names: Vec<_> = operations.iter().map(|operation| (&*operation.name, &*operation.method)).collect();
    assert_eq!(names, [("make-z", "POST"), ("get/z", "GET"), ("trace/a/{b}", "TRACE")]);
    assert_eq!(&*operations[2].summary, "First line.");
}

#[test]
fn references_are_followed_within_the_document() {
    let document = json!({
        "openapi": "3.1.0",
        "paths": {
            "/files/{path}": {"$ref": "#/components/pathItems/files"},
            "/trees/{path}": {"get": {"parameters": [{"$ref": "#/components/parameters/path"}]}},
            "/blobs/{path}": {"parameters": [{"$ref": "#/paths/~1trees~1%7Bpath%7D/get/parameters/0"}], "get": {}},
            "/one/{path}": {
                "parameters": [{"$ref": "#/components/parameters/path"}],
                "get": {"parameters": [{"name": "path", "in": "path"}]},
            },
            "/elsewhere/{path}": {"get": {"parameters": [{"$ref": "common.json#/path"}]}},
        },
        "components": {
            "parameters": {"path": {"name": "path", "in": "path", "x-multi-segment": true}},
            "pathItems": {"files": {"$ref": "#/components/pathItems/more"}, "more": {
                "parameters": [{"$ref": "#/components/parameters/path"}], "get": {"operationId": "file"}}},
        },
    });
    let operations = parse(document.to_string().as_bytes()).expect("a good document").operations;
    let multi: Vec<_> = operations.iter().map(|one| (&*one.template, one.multi_segment.len())).collect();
    let expected = [("/files/{path}", 1), ("/trees/{path}", 1), ("/blobs/{path}", 1), ("/one/{path}", 0)];
    assert_eq!(multi[..4], expected);
    assert_eq!(multi[4], ("/elsewhere/{path}", 0), "nothing is fetched");
}

#[test]
fn references_that_lead_nowhere_are_named() {
    let item = |reference: &str| with_paths(&json!({"/a": {"$ref": reference}}));
    let parameter = |reference: &str| with_paths(&json!({"/a": {"get": {"parameters": [{"$ref": reference}]}}}));
    for (document, expected) in [
        (item("#/paths/~1a"), "paths./a: its reference leads back to itself"),
        (item("other.json"), "paths./a: `other.json` points out of the document"),
        (item("#/components/pathItems/none"), "points at nothing in this document"),
        (item("#/info"), "points at nothing in this document"),
        (item("#/paths/~1%zz"), "points at nothing in this document"),
        (parameter("#/paths/~1a/get/parameters/0"), "paths./a.get.parameters: its reference leads back to itself"),
        (parameter("#/components/parameters/none"), "points at nothing in this document"),
    ] {
        let found = problem(&document);
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn references_cannot_multiply_a_document() {
    let filler = "x".repeat(1024 * 1024);
    let mut document =
        format!(r#"{{"openapi":"3.1.0","components":{{"pathItems":{{"p":{{"description":"{filler}"}}}}}},"paths":{{"#);
    for index in 0..100 {
        let _ = write!(document, r##""/{index}":{{"$ref":"#/components/pathItems/p"}},"##);
    }
    document.push_str(r#""/last":{}}}"#);
    let error = parse(document.as_bytes()).expect_err("100 MiB to read");
    assert!(error.problems[0].message.contains("more than 64 MiB"), "{error}");
}

#[test]
fn servers_give_hosts_and_base_paths() {
    let document = json!({"openapi": "3.0.0", "paths": {}, "servers": [
        {"url": "https://{region}.example.com:8443/{version}/", "variables": {"region": {"default": "EU"}, "version": {"default": "v3"}}},
        {"url": "https://eu.example.com/v3?x=1"},
        {"url": "//b.example.com"},
        {"url": "/relative/base/"},
        {"url": "./there"},
    ]});
    let document = parse(document.to_string().as_bytes()).expect("a good document");
    assert_eq!(
        document.hosts.iter().map(|host| host.host.as_str()).collect::<Vec<_>>(),
        ["eu.example.com", "b.example.com"]
    );
    assert_eq!(document.base_paths, ["/v3", "/", "/relative/base", "/there"]);
    let none = parse(br#"{"openapi": "3.0.0", "paths": {}}"#).expect("a good document");
    assert_eq!((none.hosts.len(), none.base_paths), (0, vec!["/".to_owned()]));
    for (url, expected) in [
        ("https://exa mple.com", "expected a host name"),
        ("https://x.com/{y}", "the variable `y` has no default"),
        ("https://x.com/a//b", "servers[0].url"),
        ("{", "the braces do not pair"),
    ] {
        let found = problem(&json!({"openapi": "3.0.0", "paths": {}, "servers": [{"url": url}]}).to_string());
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn what_is_no_openapi_says_what_it_is() {
    for (document, expected) in [
        ("", "document: expected an OpenAPI document, found nothing"),
        (" \n", "document: expected an OpenAPI document, found nothing"),
        ("[1, 2]", "document: expected an OpenAPI document: a JSON object"),
        ("openapi: 3.0.0\npaths: {}\n", "document: not JSON: expected value, at line 1, column 1"),
        (
            "{\"openapi\": \"3.0.0\",\n  \"paths\": {,}}",
            "document: not JSON: key must be a string, at line 2, column 13",
        ),
        ("{}", "openapi: expected the version \"3.0.x\" or \"3.1.x\", found none"),
        (r#"{"openapi": "4.0.0", "paths": {}}"#, "found \"4.0.0\""),
        (r#"{"openapi": 3, "paths": {}}"#, "found 3"),
        (r#"{"swagger": "2.0", "paths": {}}"#, "swagger: this is a Swagger 2 document"),
        (r#"{"openapi": "3.0.0"}"#, "paths: expected an object with the paths of the API, found none"),
        (r#"{"openapi": "3.0.0", "paths": []}"#, "paths: invalid type: sequence, expected an object"),
        (r#"{"openapi": "3.0.0", "paths": {}, "paths": {}}"#, "document: duplicate field `paths`"),
        (r#"{"openapi": "3.0.0", "paths": {"/a": {}, "/a": {}}}"#, "paths./a: the path stands here twice"),
        (r#"{"openapi": "3.0.0", "paths": {"/a": {"get": {}, "get": {}}}}"#, "paths./a: `get` stands here twice"),
        (r#"{"openapi": "3.0.0", "paths": {"/a": {"get": {"tags": "x"}}}}"#, "paths./a: invalid type: string"),
        (r#"{"openapi": "3.0.0", "paths": {"a": {"get": {}}}}"#, "paths.a: a path template begins with `/`"),
        (r#"{"openapi": "3.0.0", "paths": {"/a/{b": {"get": {}}}}"#, "the braces of `{b` do not pair"),
        (r#"{"openapi": "3.0.0", "paths": {"/a?b=c": {"get": {}}}}"#, "paths./a?b=c: no request can match"),
    ] {
        let found = problem(document);
        assert!(found.contains(expected), "{document}: {found}");
    }
    assert!(problem_of_bytes(b"{\"openapi\": \"3.0\xff\"}").contains("byte 16 is no UTF-8"));
}

fn problem_of_bytes(bytes: &[u8]) -> String {
    parse(bytes).expect_err("the document is bad").to_string()
}

#[test]
fn a_byte_order_mark_is_stepped_over() {
    parse("\u{feff}{\"openapi\": \"3.0.0\", \"paths\": {}}".as_bytes()).expect("a good document");
}

#[test]
fn a_truncated_document_is_called_cut_off() {
    let whole = github();
    for length in [1, 1_000, whole.len() / 2, whole.trim_ascii_end().len() - 1] {
        let found = problem_of_bytes(&whole[..length]);
        assert!(found.contains("it is cut off"), "{length}: {found}");
    }
}

#[test]
fn names_that_clash_are_reported_with_both_places() {
    let document = with_paths(&json!({"/a": {"get": {"operationId": "x"}}, "/b": {"put": {"operationId": "x"}}}));
    assert_eq!(problem(&document), "paths./b.put.operationId: the operation's name `x` is taken by paths./a.get");
}

#[test]
fn all_problems_are_reported_up_to_a_limit() {
    let paths: serde_json::Map<String, serde_json::Value> =
        (0..100).map(|index| (format!("bad{index}"), json!({"get": {}}))).collect();
    let error = parse(with_paths(&paths.into()).as_bytes()).expect_err("all bad");
    assert_eq!(error.problems.len(), problem::PROBLEMS_MAX);
    assert_eq!(error.problems[19].place, "paths.bad19");
}

#[test]
fn a_hundred_thousand_paths_are_too_many() {
    let mut document = String::from(r#"{"openapi": "3.0.0", "paths": {"#);
    for index in 0..100_000 {
        let _ = write!(document, r#""/things{index}/{{id}}": {{"get": {{}}}},"#);
    }
    document.push_str(r#""/last": {}}}"#);
    let found = problem(&document);
    assert_eq!(found, format!("paths: an API may have at most {OPERATIONS_MAX} operations; this document has more"));
}

#[test]
fn deep_nesting_is_stepped_over_or_refused_but_never_overflows() {
    let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    let beside = format!(r#"{{"openapi": "3.0.0", "paths": {{}}, "x-deep": {deep}}}"#);
    parse(beside.as_bytes()).expect("nobody looks at extensions");
    let within = format!(r#"{{"openapi": "3.0.0", "paths": {{"/a": {deep}}}}}"#);
    assert!(problem(&within).contains("expected a path item"), "{}", problem(&within));
    let tags = format!(r#"{{"openapi": "3.0.0", "paths": {{"/a": {{"get": {{"tags": {deep}}}}}}}}}"#);
    assert!(problem(&tags).contains("expected a string"));
    assert!(problem(&"{\"a\":".repeat(1_000_000)).contains("cut off"));
}

#[test]
fn a_document_over_the_limit_is_refused_unread() {
    let found = problem_of_bytes(&vec![b' '; DOCUMENT_BYTES_MAX + 1]);
    assert_eq!(found, "document: expected at most 32 MiB");
}

#[test]
fn an_operation_with_absurdly_many_parameters_is_refused() {
    let parameters = vec![json!({"name": "a", "in": "path"}); 1_001];
    let found = problem(&with_paths(&json!({"/{a}": {"get": {"parameters": parameters}}})));
    assert_eq!(found, "paths./{a}.get.parameters: expected at most 1000");
}

#[test]
fn long_titles_are_cut_and_bad_links_dropped() {
    let document = json!({"openapi": "3.0.0", "paths": {}, "info": {"title": format!(" a\u{7}{}", "x".repeat(300))},
        "externalDocs": {"url": "javascript:alert(1)"}});
    let document = parse(document.to_string().as_bytes()).expect("a good document");
    assert_eq!(document.title.map(|title| title.as_str().chars().count()), Some(NAME_LENGTH_MAX));
    assert_eq!(document.manual_url, None);
}

#[test]
fn titles_and_tags_become_names_that_are_seen_whole() {
    let get = json!({"operationId": "a", "tags": ["Or\u{200d}ders"], "responses": {}});
    let document = json!({"openapi": "3.0.0", "info": {"title": "Shop\u{202e} API", "version": "1"},
        "paths": {"/a": {"get": get}}});
    let document = parse(document.to_string().as_bytes()).expect("a good document");
    assert_eq!(document.title.as_ref().map(Name::as_str), Some("Shop API"));
    let sets = suggested_sets(&document, &document.operations);
    assert_eq!(sets.iter().map(|set| set.name.as_str()).collect::<Vec<_>>(), ["Orders"]);
}

#[test]
fn yaml_is_read_whole() {
    let document = super::parse(&management(), Format::Yaml).expect("a good document");
    assert_eq!(document.title.as_ref().map(Name::as_str), Some("Management API"));
    assert_eq!((document.version.as_deref(), document.base_paths.as_slice()), (Some("3"), &["/v3".to_owned()][..]));
    let text = String::from_utf8(management()).expect("UTF-8");
    let listed = text.lines().filter(|line| line.starts_with("      operationId: ")).count();
    assert_eq!(document.operations.len(), listed);
    assert!(listed > 100, "{listed}");
    Router::build(&document.operations).expect("every operation can be matched");
}

#[test]
fn the_same_document_in_yaml_is_the_same() {
    // JSON is YAML.
    for json in [GITHUB_EXCERPT, ADYEN] {
        assert_eq!(super::parse(json, Format::Yaml).expect("a good document"), parse(json).expect("a good document"));
    }
}

#[test]
fn a_yaml_document_that_is_cut_off_never_gets_more_than_it_says() {
    let whole = management();
    let all = super::parse(&whole, Format::Yaml).expect("a good document").operations;
    let mut refused = 0;
    for cut in (1..40).map(|part| whole.len() * part / 40) {
        match super::parse(&whole[..cut], Format::Yaml) {
            Ok(document) => assert!(document.operations.len() <= all.len()),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 0);
    let quoted = super::parse(b"openapi: 3.0.0\npaths:\n  /a:\n    get: {summary: 'cut", Format::Yaml);
    assert_eq!(quoted.expect_err("cut off").problems[0].place, "document");
}

#[test]
fn references_in_yaml_stay_within_it_and_end() {
    let paths = |yaml: &str| {
        let whole = format!("openapi: 3.1.0\ninfo: {{title: t, version: 1}}\npaths:\n{yaml}");
        super::parse(whole.as_bytes(), Format::Yaml)
    };
    let cyclic = paths("  /a: {$ref: '#/paths/~1b'}\n  /b: {$ref: '#/paths/~1a'}\n").expect_err("cyclic");
    assert_eq!(cyclic.problems[0].place, "paths./a");
    let cyclic = paths("  /a: &a\n    get: {operationId: a}\n    x-self: *a\n").expect_err("cyclic");
    assert!(cyclic.problems[0].message.contains("would go on without end"), "{cyclic}");
    let twice = paths("  /a: &a\n    get: {summary: A}\n  /b: *a\n").expect("an alias is what it names");
    assert_eq!(twice.operations.iter().map(|it| &*it.name).collect::<Vec<_>>(), ["get/a", "get/b"]);
    let same = paths("  /a:\n    get: {operationId: a}\n    get: {operationId: b}\n").expect_err("twice");
    assert!(same.problems[0].message.contains("`get` stands here twice"), "{same}");
}

#[test]
fn what_is_new_in_3_1_is_read_and_3_0_is_too() {
    let of = |version: &str, rest: &str| {
        super::parse(format!("openapi: {version}\n{rest}").as_bytes(), Format::Yaml)
            .map(|document| document.operations.len())
    };
    // A path item by reference into `components.pathItems`, and beside it webhooks, which are no operations of the API.
    let new = "paths:\n  /a: {$ref: '#/components/pathItems/A'}\ncomponents: {pathItems: {A: {get: {}}}}\nwebhooks: {w: {post: {}}}\n";
    assert_eq!(of("3.1.1", new).expect("a good document"), 1);
    let old = "paths:\n  /a:\n    parameters: [{name: id, in: query, nullable: true}]\n    get: {}\n";
    assert_eq!(of("3.0.3", old).expect("a good document"), 1);
    assert_eq!(of("3.1", old).expect("a number is a text"), 1);
    for version in ["2.0", "3.2.0", "4", "''", "{}"] {
        assert_eq!(of(version, old).expect_err("another version").problems[0].place, "openapi", "{version}");
    }
}
