//! A request of the API, for the first try.

use std::net::{IpAddr, Ipv4Addr};

use crate::call::segment;
use crate::failure::Failure;
use crate::pages::apis::api::Api;
use crate::pages::apis::operations::Operation;
use crate::pages::apis::sample::path;
use crate::parts::list::Listed;
use crate::viewer::Viewer;

/// Operations among which one is chosen.
const OPERATIONS: usize = 100;

/// A request of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) method: String,
    /// As clients send it: nothing in it that a shell or a string of code could take for more.
    pub(super) path: String,
    /// The viewer's own.
    pub(super) client_ip: String,
}

/// A request that reads, with as few parameters as there are; the first base path where no operation will do.
pub(super) async fn of(viewer: &Viewer, api: &Api) -> Result<Sample, Failure> {
    let list = format!("/apis/{}/operations?method=GET&limit={OPERATIONS}", segment(api.label(viewer)));
    let found = viewer.api.get(list).read_if_seen::<Listed<Operation>>().await?;
    let found = found.map(|page| page.data).unwrap_or_default();
    let ip = viewer.ip.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    Ok(Sample { method: "GET".to_owned(), path: simplest(api, &found), client_ip: ip.to_string() })
}

fn simplest(api: &Api, operations: &[Operation]) -> String {
    let mut ordered: Vec<_> = operations.iter().collect();
    ordered.sort_by_key(|operation| operation.path.matches('{').count());
    let bases = api.base_paths.iter().cloned();
    let mut paths = ordered.into_iter().map(|operation| path(api, operation)).chain(bases);
    paths.find(|path| is_plain(path)).unwrap_or_else(|| "/".to_owned())
}

fn is_plain(path: &str) -> bool {
    path.chars().all(|c| c.is_ascii_alphanumeric() || "/-_.~%".contains(c))
}

// === impl Sample ===

impl Sample {
    /// The command that makes the request through a gateway that listens there, with the key where the API takes it.
    pub(super) fn through(&self, listen: &str, sources: &[String]) -> String {
        let listen = listen.strip_prefix('*').map_or_else(|| listen.to_owned(), |rest| format!("127.0.0.1{rest}"));
        let url = format!("http://{listen}{}", self.path);
        match sources.first().map_or("bearer", String::as_str) {
            "bearer" => format!("curl -i -H \"Authorization: Bearer $KEY\" '{url}'"),
            "basic" => format!("curl -i -u \"key:$KEY\" '{url}'"),
            source => match source.strip_prefix("query:") {
                Some(name) => format!("curl -i \"{url}?{name}=$KEY\""),
                None => format!("curl -i -H \"{source}: $KEY\" '{url}'"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stands_where_the_api_takes_it() {
        let sample = Sample { method: "GET".to_owned(), path: "/a".to_owned(), client_ip: String::new() };
        let through = |source: &str| sample.through("*:8080", &[source.to_owned()]);
        assert_eq!(sample.through("x:1", &[]), "curl -i -H \"Authorization: Bearer $KEY\" 'http://x:1/a'");
        assert_eq!(through("basic"), "curl -i -u \"key:$KEY\" 'http://127.0.0.1:8080/a'");
        assert_eq!(through("x-token"), "curl -i -H \"x-token: $KEY\" 'http://127.0.0.1:8080/a'");
        assert_eq!(through("query:key"), "curl -i \"http://127.0.0.1:8080/a?key=$KEY\"");
    }

    #[test]
    fn a_path_that_a_shell_would_read_stands_in_no_command() {
        for odd in ["/$(id)", "/`id`", "/a'b", "/a\"b", "/a;b", "/a b", "/é"] {
            assert!(!is_plain(odd), "{odd}");
        }
        assert!(is_plain("/v2/repos/owner/a_b-c.d~%20"));
    }
}
