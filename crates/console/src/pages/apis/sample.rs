//! A request by which an operation is asked for: its path as clients send it.

use super::api::Api;
use super::operations::Operation;
use crate::call::segment;

/// The operation's path under a base path, with a version where the API has some, and each parameter by its name.
pub(crate) fn path(api: &Api, operation: &Operation) -> String {
    let versions = if operation.versions.is_empty() { &api.versions } else { &operation.versions };
    let bears = |base: &&String, known: &[String]| {
        known.iter().any(|version| base.trim_end_matches('/').rsplit('/').next() == Some(version))
    };
    let of_version = api.base_paths.iter().rev().find(|base| bears(base, versions));
    let base = of_version.or(api.base_paths.first()).map_or("", |base| base.trim_end_matches('/'));
    let version = versions.last().filter(|_| of_version.is_none());
    let version = version.map(|version| format!("/{version}")).unwrap_or_default();
    format!("{base}{version}{}", filled(&operation.path))
}

/// `{owner}` → `owner`.
fn filled(template: &str) -> String {
    let mut path = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, (name, after))) =
        rest.split_once('{').and_then(|(before, from)| Some((before, from.split_once('}')?)))
    {
        path.push_str(before);
        path.push_str(&segment(name));
        rest = after;
    }
    path + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    fn asked(base_paths: &[&str], versions: &[&str], path: &str, own: &[&str]) -> String {
        let api = json!({
            "id": null, "organization": "org", "slug": "x", "name": "X", "kind": "plain", "hosts": [],
            "base_paths": base_paths, "unlisted_paths": false, "report_only": false, "manual_url": null,
            "version_pattern": null, "versions": versions, "credential_sources": [], "preflight_without_key": false,
            "shared_with": null, "shared_full_access": false, "operations_count": 1, "created_at": "", "updated_at": "",
        });
        let operation = json!({
            "name": "x:a", "method": "GET", "path": path, "multi_segment": [], "summary": "", "tags": [], "versions": own,
        });
        let api = serde_json::from_value(api).expect("an API");
        super::path(&api, &serde_json::from_value(operation).expect("an operation"))
    }

    #[test]
    fn a_path_is_as_clients_send_it() {
        assert_eq!(asked(&["/"], &[], "/repos/{owner}/{repo}", &[]), "/repos/owner/repo");
        assert_eq!(asked(&["/api/"], &[], "/", &[]), "/api/");
        assert_eq!(asked(&["/"], &["v1", "v2"], "/a/{b c}.{d", &[]), "/v2/a/b%20c.{d");
        assert_eq!(asked(&["/"], &["v1", "v2"], "/a", &["v1"]), "/v1/a");
        assert_eq!(asked(&["/x/v1", "/x/v2"], &["v1", "v2"], "/a", &[]), "/x/v2/a");
        assert_eq!(asked(&["/x/v1", "/x/v2"], &["v1", "v2"], "/a", &["v1"]), "/x/v1/a");
    }
}
