//! What documents make of an API, one after the other.

use claviger_domain::api::ApiKind;
use claviger_domain::{ApiId, OrganizationId, Timestamp};
use serde_json::{Value, json};

use super::document::{Format, parse};
use super::merge::{Existing, Merged, merge};
use super::*;
use claviger_domain::api::Api;

/// A document with these paths: `POST /event` or `POST /event createEvent`.
fn document(base: &str, paths: &[&str]) -> document::ImportedDocument {
    let mut items = serde_json::Map::new();
    for text in paths {
        let mut words = text.split(' ');
        let (method, path) = (words.next().expect("a method"), words.next().expect("a path"));
        let item = items.entry(path).or_insert_with(|| json!({}));
        item[method.to_lowercase()] = words.next().map_or_else(|| json!({}), |id| json!({"operationId": id}));
    }
    let whole = json!({"openapi": "3.1.0", "servers": [{"url": base}], "paths": items});
    parse(whole.to_string().as_bytes(), Format::Json).expect("a good document")
}

fn api(merged: &Merged) -> Api {
    Api {
        id: ApiId::from_raw(1),
        organization: OrganizationId::from_raw(1),
        slug: "a".parse().expect("a slug"),
        name: "A".parse().expect("a name"),
        hosts: Vec::new(),
        base_paths: merged.base_paths.clone(),
        unlisted_paths: false,
        manual_url: None,
        version_pattern: merged.version_pattern.clone(),
        versions: merged.versions.clone(),
        kind: ApiKind::Plain,
        sharing: claviger_domain::sharing::Sharing::default(),
        rules: claviger_domain::api::DoorRules::default(),
        created_at: Timestamp::from_micros(0),
        updated_at: Timestamp::from_micros(0),
        version: 1,
    }
}

fn first(base: &str, paths: &[&str], version: Option<&str>) -> Merged {
    merge(None, &document(base, paths), version).expect("a good document")
}

fn then(before: &Merged, base: &str, paths: &[&str], version: Option<&str>) -> Result<Merged, String> {
    let api = api(before);
    let existing = Existing { api: &api, operations: &before.operations };
    merge(Some(&existing), &document(base, paths), version)
        .map_err(|error| format!("{}: {}", error.errors()[0].field, error.errors()[0].message))
}

/// Name, method, path and versions of each operation.
fn shown(merged: &Merged) -> Vec<String> {
    let each = merged.operations.iter();
    each.map(|it| format!("{} {} {} {}", it.name, it.method, it.template, it.versions.join(",")).trim().to_owned())
        .collect()
}

fn versions(merged: &Merged) -> Value {
    json!(merged.versions)
}

#[test]
fn a_document_without_versions_has_none() {
    let plain = first("/", &["POST /event create", "GET /version/x x"], None);
    assert_eq!(
        (plain.version_pattern.as_ref(), shown(&plain)),
        (None, vec!["create POST /event".into(), "x GET /version/x".into()])
    );
    let again = then(&plain, "/", &["POST /event create"], None).expect("replaced");
    assert_eq!(shown(&again), ["create POST /event"]);
}

#[test]
fn a_base_path_names_the_version() {
    let v70 = first("/v70", &["POST /payments pay", "POST /cancels cancel"], None);
    assert_eq!(
        (v70.version_pattern.as_ref().map(ToString::to_string).as_deref(), versions(&v70)),
        (Some("v#"), json!(["v70"]))
    );
    let unclear = then(&v70, "/v71", &["POST /payments pay"], None).expect_err("v71 replaces nothing");
    assert_eq!(unclear, "version: the API has the versions v70; to add `v71`, say so with `version=v71`");
    let wrong = then(&v70, "/v71", &["POST /payments pay"], Some("v72")).expect_err("it is v71");
    assert_eq!(wrong, "version: the document's base path names v71");

    let both = then(&v70, "/v71", &["POST /payments pay", "GET /refunds refunds"], Some("v71")).expect("added");
    assert_eq!(shown(&both), ["pay POST /payments v70,v71", "cancel POST /cancels v70", "refunds GET /refunds v71"]);
    assert_eq!(
        (versions(&both), &both.base_paths),
        (json!(["v70", "v71"]), &vec!["/v70".to_owned(), "/v71".to_owned()])
    );

    let replaced = then(&both, "/V71", &["POST /payments pay"], None).expect("V71 is v71");
    assert_eq!(shown(&replaced), ["pay POST /payments v70,v71", "cancel POST /cancels v70"]);
    assert_eq!(replaced.base_paths, ["/v70", "/v71"], "what is there stays as it is");
    let older = then(&both, "/v9", &["POST /payments pay"], Some("v9")).expect("added");
    assert_eq!(versions(&older), json!(["v9", "v70", "v71"]), "by number");
    assert_eq!(
        then(&both, "/v71", &["POST /payments pay", "GET /refunds refunds"], None).expect("again"),
        Merged { named: vec!["v71".into()], ..both }
    );
}

#[test]
fn paths_that_begin_with_versions_are_one_operation() {
    let document = &[
        "POST /v1/event createEventV1",
        "POST /v2/event createEventV2",
        "GET /v1/contacts",
        "GET /v2/contacts",
        "GET /status status",
        "POST /v2/late v2_late",
    ];
    let whole = first("/", document, None);
    assert_eq!(versions(&whole), json!(["v1", "v2"]));
    assert_eq!(
        shown(&whole),
        [
            "createEvent POST /event v1,v2",
            "get/contacts GET /contacts v1,v2",
            "status GET /status none",
            "late POST /late v2"
        ]
    );
    // A version added later: by the same document, or by one of its own.
    let more =
        then(&whole, "/", &[document.as_slice(), &["POST /v3/event createEventV3"]].concat(), None).expect("replaced");
    assert_eq!(shown(&more)[0], "createEvent POST /event v1,v2,v3");
    let beside = then(&whole, "/v3", &["POST /event addEvent"], Some("v3")).expect("added");
    assert_eq!(shown(&beside)[0], "createEvent POST /event v1,v2,v3", "known by its path");
    assert_eq!(beside.base_paths, ["/"], "reachable already");
    let unnamed = then(&whole, "/", &["POST /event createEvent"], Some("v3")).expect("added");
    assert_eq!(shown(&unnamed)[0], "createEvent POST /event v1,v2,v3");
    let other = then(&whole, "/", &["POST /v2/event e"], Some("v3")).expect_err("it is v2");
    assert_eq!(other, "version: the document's paths name v2");
}

#[test]
fn names_that_are_no_one_name_stay_apart() {
    let names =
        |paths: &[&str]| first("/", paths, None).operations.iter().map(|it| it.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(&["GET /v1/a get", "GET /v2/a fetch"]), ["get"], "the first names it");
    assert_eq!(names(&["GET /v1/a getV1", "GET /v1/b get"]), ["getV1", "get"], "the plain name is taken");
    assert_eq!(names(&["GET /v1/a xV1", "GET /v1/b V1_x"]), ["xV1", "V1_x"], "both would be `x`");
    assert_eq!(names(&["GET /v1/a/{x} a", "GET /v1/a/{y} b", "GET /v2/a/{z} a2"]), ["a", "b"]);
    assert_eq!(names(&["GET /v1/r recv1", "GET /v1/s getV10"]), ["recv1", "getV10"]);
}

#[test]
fn what_differs_between_versions_stands_once_for_each() {
    let v1 = first("/v1", &["GET /contact/search search", "GET /contact/{id} get"], None);
    let v2 =
        then(&v1, "/v2", &["POST /contact/search search", "GET /contact/{contact} get"], Some("v2")).expect("added");
    assert_eq!(
        shown(&v2),
        ["search GET /contact/search v1", "get GET /contact/{id} v1,v2", "search POST /contact/search v2"]
    );
    // Swapped names are taken as the document has them: a name is what rights go by.
    let v3 = then(&v1, "/v3", &["GET /contact/search get", "GET /contact/{id} search"], Some("v3")).expect("added");
    assert_eq!(shown(&v3)[2..], ["get GET /contact/search v3", "search GET /contact/{id} v3"]);
}

#[test]
fn an_api_that_had_no_versions_gets_some() {
    let plain = first("/", &["POST /event create"], None);
    let v2 = then(&plain, "/", &["POST /event create", "GET /event list"], Some("v2")).expect("added");
    assert_eq!(shown(&v2), ["create POST /event none,v2", "list GET /event v2"]);
    let plain_again = then(&v2, "/", &["POST /event create", "GET /ping ping"], None).expect("replaced");
    assert_eq!(shown(&plain_again), ["create POST /event none,v2", "list GET /event v2", "ping GET /ping none"]);
    let only_versions = first("/v1", &["GET /a a"], None);
    let unclear = then(&only_versions, "/", &["GET /a a"], None).expect_err("which one?");
    assert_eq!(unclear, "version: the API has the versions v1, and the document names none: say which it is");
    let added = then(&only_versions, "/api", &["GET /a a"], Some("v2")).expect("added");
    assert_eq!(added.base_paths, ["/v1", "/api/v2"]);
}

#[test]
fn absurd_versions_are_refused() {
    let plain = first("/", &["POST /event create"], None);
    for version in
        ["", "three", "v", "v3/../v2", "v3@x", "3", "v3.1", "none", "v٣", &format!("v{}", "1".repeat(10_000))]
    {
        assert!(
            then(&plain, "/", &["POST /event create"], Some(version)).expect_err("absurd").starts_with("version: "),
            "{version}"
        );
        assert!(merge(None, &document("/", &["GET /a a"]), Some(version)).is_err(), "{version}");
    }
    let mut merged = first("/v1", &["GET /a a"], None);
    for number in 2..=60 {
        merged = then(&merged, &format!("/v{number}"), &["GET /a a"], Some(&format!("v{number}"))).expect("added");
    }
    let many = then(&merged, "/v61", &["GET /a a"], Some("v61")).expect_err("too many");
    assert_eq!(many, "version: an API has at most 60 versions");
}
