//! `servers`: the hosts an API answers on and the paths it stands under.

use std::collections::HashMap;

use claviger_domain::api::{BASE_PATHS_MAX, HOSTS_MAX, Host};
use claviger_domain::credential::Environment;
use claviger_domain::operation::BasePath;
use serde_json::value::RawValue;

use super::problem::Problems;
use super::source::decode;
use crate::apis::host;

#[derive(serde::Deserialize)]
struct Server {
    url: String,
    #[serde(default)]
    variables: HashMap<String, Variable>,
}

#[derive(serde::Deserialize)]
struct Variable {
    default: String,
}

/// Hosts and base paths of the document's servers. Servers of single paths and operations are not looked at: hosts and
/// base paths belong to a whole API.
///
/// Variables stand for their defaults. A relative address has a base path alone. No server at all is `/`
/// (OpenAPI 3.1, 4.8.1).
pub(super) fn read(servers: Option<&RawValue>, problems: &mut Problems) -> (Vec<Host>, Vec<String>) {
    let servers: Vec<Server> = decode(servers, "servers", problems);
    let (mut hosts, mut base_paths) = (Vec::new(), Vec::new());
    for (index, server) in servers.iter().enumerate() {
        match read_one(server) {
            Ok((name, base_path)) => {
                let host = name.map(|host| Host { host, environment: Environment::Live });
                hosts.extend(host.filter(|host| !hosts.contains(host)));
                if !base_paths.contains(&base_path) {
                    base_paths.push(base_path);
                }
            }
            Err(message) => problems.note(format!("servers[{index}].url"), message),
        }
        if hosts.len() > HOSTS_MAX || base_paths.len() > BASE_PATHS_MAX {
            problems
                .note("servers", format!("an API may have at most {HOSTS_MAX} hosts and {BASE_PATHS_MAX} base paths"));
            break;
        }
    }
    if base_paths.is_empty() {
        base_paths.push("/".to_owned());
    }
    (hosts, base_paths)
}

fn read_one(server: &Server) -> Result<(Option<String>, String), String> {
    let url = with_defaults(server)?;
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = match url.split_once("://").map(|(_, rest)| rest).or_else(|| url.strip_prefix("//")) {
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            (Some(authority), path)
        }
        None => (None, url),
    };
    let host = authority.map(host::parse).transpose().map_err(|problem| problem.to_string())?;
    // `./v1` and `v1` are relative to where the document stands, which nobody knows here: taken from the root.
    let path = path.trim_start_matches("./").trim_matches('/');
    let base_path = BasePath::parse(&format!("/{path}")).map_err(|problem| problem.to_string())?;
    Ok((host, base_path.to_string()))
}

fn with_defaults(server: &Server) -> Result<String, String> {
    let mut url = String::with_capacity(server.url.len());
    let mut rest = server.url.trim();
    while let Some((before, tail)) = rest.split_once('{') {
        let (name, after) = tail.split_once('}').ok_or("the braces do not pair")?;
        let variable = server.variables.get(name).ok_or_else(|| format!("the variable `{name}` has no default"))?;
        url.push_str(before);
        url.push_str(&variable.default);
        rest = after;
        if url.len() > super::MANUAL_URL_BYTES_MAX {
            return Err("expected at most 2048 bytes".to_owned());
        }
    }
    Ok(url + rest)
}
