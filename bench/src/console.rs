//! The pages of the console in an organization with very many keys: how long each takes, and how many bytes it has.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::client::{Answer, Client};
use crate::crowd::{self, APPLICATIONS, PEOPLE};
use crate::fixture::{ADMINISTRATOR, PASSWORD, manager_token};
use crate::report::median;
use crate::server::{Place, Server};
use crate::{Arguments, Result};

/// Keys of the organization.
const KEYS: u64 = 100_000;
/// Calls of each page that count, after the first one.
const CALLS: usize = 100;
/// What a page should take at most.
const MARK_MILLIS: f64 = 50.0;
const START_TIME_MAX: Duration = Duration::from_mins(2);

/// Measures, and returns the part of the report.
pub fn run(arguments: &Arguments, program: &Path) -> Result<String> {
    let fixture = crowd::prepare(&arguments.data()?, KEYS)?;
    let cores = format!("0-{}", available_parallelism()?.get() - 1);
    let place = Place { data_dir: fixture.data_dir(), fixture: &fixture, url: None, cores: &cores, socket: None };
    let server = Server::start_at(program, &place)?;
    let mut browser = signed_in(&server)?;
    let mut text = format!(
        "## Console, {KEYS} keys in SQLite\n\nServer and caller on all cores; {CALLS} calls of each page after a first one, one after \
         the other on one connection; {PEOPLE} people, {APPLICATIONS} applications, an audit entry a key. The mark is {MARK_MILLIS} ms.\n\n\
         | page | median ms | p99 ms | median ≤ {MARK_MILLIS} ms | bytes | gzipped |\n|---|---|---|---|---|---|\n"
    );
    for path in pages(&server)? {
        let first = page(&mut browser, &path)?;
        let mut millis = Vec::with_capacity(CALLS);
        for _ in 0..CALLS {
            let begin = Instant::now();
            page(&mut browser, &path)?;
            millis.push(begin.elapsed().as_secs_f64() * 1e3);
        }
        millis.sort_by(f64::total_cmp);
        let p99 = millis[(millis.len() * 99).div_ceil(100) - 1];
        let middle = median(millis);
        let word = if middle <= MARK_MILLIS { "met" } else { "**MISSED**" };
        // Writing to a `String` never fails.
        let _ = writeln!(
            text,
            "| `{}` | {middle:.1} | {p99:.1} | {word} | {} | {} |",
            shown(&path),
            first.body.len(),
            packed(&first.body)?
        );
    }
    Ok(text)
}

/// Waits until the server is there, and signs in.
fn signed_in(server: &Server) -> Result<Client> {
    let begin = Instant::now();
    let body = serde_json::json!({"login": ADMINISTRATOR, "password": PASSWORD}).to_string();
    loop {
        let answer = Client::connect(server.control, None).and_then(|mut client| {
            let answer = client.call("POST", "/api/v1/sign-in", &body)?;
            client.keep_cookies(&answer);
            if answer.status == 200 { Ok(client) } else { Err(format!("signing in: {}", answer.status).into()) }
        });
        match answer {
            Ok(client) => return Ok(client),
            Err(error) if begin.elapsed() > START_TIME_MAX => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// The pages, some of them of one record: one in the middle.
fn pages(server: &Server) -> Result<Vec<String>> {
    let mut client = Client::connect(server.control, Some(manager_token().expose()))?;
    let mut id = |path: &str| -> Result<String> {
        let found = client.done("GET", path)?;
        Ok(found["data"][0]["id"].as_str().ok_or_else(|| format!("nothing at {path}"))?.to_owned())
    };
    let key = id("/keys?owner=system-100&limit=1")?;
    let application = id("/applications?text=system-100&limit=1")?;
    let user = id("/users?text=person0500&limit=1")?;
    let fixed = [
        "/overview",
        "/keys",
        "/keys?sort=name",
        "/keys?text=00099",
        "/keys?text=nothing+has+this",
        "/keys?state=active",
        "/keys?state=disabled",
        "/keys?state=expired",
        "/keys?environment=test",
        "/keys?owner=system-100",
        "/keys/new",
        "/search?q=system+1",
        "/search?q=nothing+has+this",
        "/apis",
        "/apis/github",
        "/api-sets",
        "/gateways",
        "/admin/applications",
        "/admin/users",
        "/admin/users?sort=name",
        "/admin/roles",
        "/admin/policy",
        "/admin/organization",
        "/admin/organization/requests",
        "/admin/audit",
        "/admin/audit?action=key.*",
        "/admin/audit?object=api_set",
        "/admin/audit?text=nothing+has+this",
        "/profile",
        "/profile/keys",
    ];
    let mut pages: Vec<String> = fixed.map(str::to_owned).into();
    pages.push(format!("/keys/{key}"));
    pages.push(format!("/admin/applications/{application}"));
    pages.push(format!("/admin/applications/{application}/requests"));
    pages.push(format!("/admin/users/{user}"));
    pages.push(format!("/admin/audit?object={key}"));
    Ok(pages)
}

fn page(browser: &mut Client, path: &str) -> Result<Answer> {
    let answer = browser.call("GET", path, "")?;
    if answer.status == 200 { Ok(answer) } else { Err(format!("{path} was answered with {}", answer.status).into()) }
}

fn packed(body: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body)?;
    Ok(encoder.finish()?.len())
}

/// A page's path, with the prefix alone of an id.
fn shown(path: &str) -> String {
    let short = |part: &str| match part.split_once('_') {
        Some((kind, rest)) if kind.len() == 3 && rest.len() == 26 => format!("{kind}_…"),
        _ => part.to_owned(),
    };
    let parts = |text: &str, mark: char| text.split(mark).map(short).collect::<Vec<_>>().join(&mark.to_string());
    parts(&parts(path, '/'), '=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_a_record_is_shown_without_its_id() {
        let id = "key_01m8cah09cfncsqz6wrjaggp7e";
        assert_eq!(shown(&format!("/keys/{id}")), "/keys/key_…");
        assert_eq!(shown(&format!("/admin/audit?object={id}")), "/admin/audit?object=key_…");
        assert_eq!(shown("/admin/audit?object=api_set"), "/admin/audit?object=api_set");
    }
}
