//! `/v1/introspect/api/<slug>/apache`: for Apache's `mod_oauth2`, which can ask about a token and say nothing else. So the
//! gateway makes the token of the request itself, and the answer carries, as members, what another gateway gets as headers.
//!
//! The token is fields in base64 with dots between them, so that nothing of a client's can become a field of its own: the
//! client's address, the gateway's own name, the request line as it came, then header lines (`name: value`, an empty value
//! where there was none).
//!
//! `active` is a statement about the key here. One that is right and refused for an operation, an address or a limit is active
//! with a `status` that is not 200, and the gateway lets 200 pass alone.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_domain::usage::Door;
use claviger_engine::Provider;
use http::StatusCode;
use httparse::Header;
use zeroize::Zeroizing;

use super::push_member;
use crate::answer::Answer;
use crate::client_ip::parse_address;
use crate::forward::{Asked, Gate, Judged, USUAL_TERMS, answer_judged};
use crate::headers::{Described, TOLD, text};
use crate::json::push_string;
use crate::lines::Lines;
use crate::problem::{FieldError, Problem};
use crate::request_id::Id;
use crate::rest::json;
use crate::service::Connection;
use crate::turn::Unjudged;

/// The most header lines that a gateway tells.
const LINES_MAX: usize = 32;
/// Fields before the header lines.
const DESCRIPTION: usize = 3;
/// Lines of an answer that are the answer's own and no member's.
const OWN: [&str; 3] = ["x-request-id", "cache-control", "content-type"];

/// Answers the question that stands in `token`.
pub(super) fn answer(
    connection: &Connection,
    provider: Provider,
    pin: Option<&str>,
    token: &str,
    id: &Id,
    answer: &mut Answer,
) -> Result<(), Unjudged> {
    let gate = Gate { connection, door: Door::Introspect, id };
    gate.check_peer()?;
    let fields = Fields::read(token).ok_or_else(|| no_request(connection, "expected the fields of a request"))?;
    let lines = fields.lines();
    let lines = Lines::new(&lines);
    let (method, target) =
        fields.request_line().ok_or_else(|| no_request(connection, "expected a request line as its third field"))?;
    let client_ip =
        parse_address(&fields.0[0]).map_err(|problem| no_request(connection, format!("its first field {problem}")))?;
    let described = Described { method: text(method), target: text(target), host: text(&fields.0[1]), client_ip };
    let asked = Asked { lines, found: TOLD.find(lines), described, body: None };
    let judged = gate.decide(asked, provider, pin, USUAL_TERMS, &mut answer.turn)?;
    let status = judged.verdict.http_status();
    let subject = judged.verdict.key().map(|key| key.id().to_string());
    if !tells(&judged) {
        json(id, answer).extend_from_slice(b"{\"active\":false}");
        return Ok(());
    }
    let judged = Ok(judged);
    answer_judged(&judged, id, answer);
    let members = members(status, subject.as_deref().unwrap_or("nobody"), answer);
    *json(id, answer) = members;
    Ok(())
}

/// Whether more is told than that the key is not active: it passes, or a preflight without one does, or it is right and refused.
fn tells(judged: &Judged<'_>) -> bool {
    let status = judged.verdict.http_status();
    status == StatusCode::OK.as_u16() || judged.verdict.key().is_some() && status != StatusCode::UNAUTHORIZED.as_u16()
}

/// What another gateway would have been answered, as members: the headers, and of a refusal the problem.
fn members(status: u16, subject: &str, answer: &Answer) -> Vec<u8> {
    let mut out = b"{\"active\":true".to_vec();
    push_member(&mut out, "sub", subject);
    push_member(&mut out, "status", &status.to_string());
    for (name, value) in answer.lines().filter(|(name, _)| !OWN.contains(name)) {
        push_member(&mut out, &name.replace('-', "_"), value);
    }
    if !answer.body().is_empty() {
        out.extend_from_slice(b",\"problem\":");
        push_string(&mut out, &String::from_utf8_lossy(answer.body()));
    }
    out.push(b'}');
    out
}

fn no_request(connection: &Connection, expected: impl Into<Cow<'static, str>>) -> Problem {
    super::malformed(connection, vec![FieldError::new("token", expected)])
}

/// The fields of a token, decoded. Some are secrets.
struct Fields(Vec<Zeroizing<Vec<u8>>>);

// === impl Fields ===

impl Fields {
    fn read(token: &str) -> Option<Self> {
        let fields = token.split('.').take(DESCRIPTION + LINES_MAX + 1).map(|field| STANDARD.decode(field).ok());
        let fields: Vec<_> = fields.map(|field| field.map(Zeroizing::new)).collect::<Option<_>>()?;
        (DESCRIPTION..=DESCRIPTION + LINES_MAX).contains(&fields.len()).then_some(Self(fields))
    }

    /// Method and target of `METHOD target HTTP/1.1`: what stands between the first space and the last one is the target,
    /// and one with a space in it is refused for its path.
    fn request_line(&self) -> Option<(&[u8], &[u8])> {
        let line = self.0[2].as_slice();
        let first = line.iter().position(|byte| *byte == b' ')?;
        let last = line.iter().rposition(|byte| *byte == b' ').filter(|last| *last > first)?;
        line[last + 1..].starts_with(b"HTTP/").then_some((&line[..first], &line[first + 1..last]))
    }

    /// The header lines with a value.
    fn lines(&self) -> Vec<Header<'_>> {
        let lines = self.0[DESCRIPTION..].iter().filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = std::str::from_utf8(&line[..colon]).ok()?;
            let value = line[colon + 1..].trim_ascii();
            (!value.is_empty()).then_some(Header { name, value })
        });
        lines.collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Config;
    use crate::introspect::tests::{FORM, ask};
    use crate::limit_tests::rate;
    use crate::testing::{House, Reply};

    const PATH: &str = "/v1/introspect/api/shop/apache";
    const LIST: [&str; 3] = ["203.0.113.7", "shop.example.com", "GET /items?x=1 HTTP/1.1"];

    fn token(fields: &[&str]) -> String {
        fields.iter().map(|field| STANDARD.encode(field)).collect::<Vec<_>>().join(".")
    }

    fn asked(house: &House, token: &str) -> Reply {
        let form = form_urlencoded::Serializer::new(String::new()).append_pair("token", token).finish();
        ask(house, PATH, &[FORM], &form)
    }

    fn of(house: &House, description: [&str; 3], lines: &[&str]) -> Reply {
        asked(house, &token(&[&description[..], lines].concat()))
    }

    #[test]
    fn what_passes_gets_who_asks_as_members() {
        let house = House::new();
        let key = format!("x-api-key: {}", house.full);
        let told = of(&house, LIST, &["authorization: Bearer a.users.jwt", &key, "x-token: "]).json();
        for (member, value) in [
            ("active", json!(true)),
            ("status", json!("200")),
            ("sub", told["x_auth_key_id"].clone()),
            ("x_auth_credential", json!("x-api-key")),
            ("x_auth_key_name", json!("Za%C5%BC%C3%B3%C5%82%C4%87 %22all%22")),
            ("x_auth_api", json!("shop")),
            ("x_auth_operation", json!("shop:list")),
            ("x_auth_user", json!("")),
        ] {
            assert_eq!(told[member], value, "{member}");
        }
        assert_eq!(told.get("problem"), None);
    }

    #[test]
    fn a_right_key_that_is_refused_is_active_with_another_status() {
        let house = House::new();
        let (reader, full) = (format!("authorization: Bearer {}", house.reader), format!("x-api-key: {}", house.full));
        let elsewhere = ["203.0.113.8", LIST[1], LIST[2]];
        let line = |line: &'static str| [LIST[0], LIST[1], line];
        for (description, lines, code) in [
            (elsewhere, &[&*full][..], "IP_NOT_ALLOWED"),
            (line("DELETE /items HTTP/1.1"), &[&reader], "OPERATION_NOT_ALLOWED"),
            (line("GET //items HTTP/1.1"), &[&reader], "OPERATION_NOT_ALLOWED"),
            (line("GET /items /x HTTP/1.1"), &[&reader], "OPERATION_NOT_ALLOWED"),
            (line("GET http://h/items HTTP/1.1"), &[&reader], "OPERATION_NOT_ALLOWED"),
            (LIST, &[&reader, "x-http-method-override: DELETE"], "OPERATION_NOT_ALLOWED"),
        ] {
            let told = of(&house, description, lines).json();
            assert_eq!((&told["active"], &told["status"]), (&json!(true), &json!("403")), "{description:?}");
            let problem = told["problem"].as_str().expect("a problem");
            assert!(problem.contains(&format!(r#""code":"{code}""#)), "{problem}");
            assert_eq!(told.get("x_auth_key_id"), None);
        }
        house.limit_reader(vec![rate("minute", 1)]);
        assert_eq!(of(&house, LIST, &[&reader]).json()["ratelimit"], "\"minute\";r=0;t=60");
        let told = of(&house, LIST, &[&reader]).json();
        assert_eq!((&told["status"], &told["ratelimit_policy"]), (&json!("429"), &json!("\"minute\";q=1;w=60")));
        assert!(told["retry_after"].as_str().is_some_and(|seconds| seconds.parse::<u32>().is_ok()), "{told}");
    }

    #[test]
    fn a_key_that_is_not_right_is_not_active() {
        let house = House::new();
        let wrong = "authorization: Bearer some-other-token-of-another-system";
        let (full, reader) = (format!("x-api-key: {}", house.full), format!("authorization: Bearer {}", house.reader));
        let two = [&*full, &*reader];
        for lines in [&[][..], &["authorization: "], &[wrong], &two, &["x-forwarded-for: x"]] {
            assert_eq!(of(&house, LIST, lines).body, r#"{"active":false}"#, "{lines:?}");
        }
    }

    #[test]
    fn what_describes_no_request_is_malformed_and_a_peer_that_is_not_trusted_is_not_believed() {
        let house = House::new();
        let key = format!("x-api-key: {}", house.full);
        let many = vec!["x: y"; LINES_MAX + 1];
        for bad in [
            "x".to_owned(),
            house.full.clone(),
            token(&LIST[..2]),
            token(&["nowhere", LIST[1], LIST[2], &key]),
            token(&[LIST[0], LIST[1], "GET /items", &key]),
            token(&[LIST[0], LIST[1], "GET", &key]),
            format!("{}.!", token(&LIST)),
            token(&[&LIST[..], &many].concat()),
        ] {
            let reply = asked(&house, &bad);
            assert_eq!((reply.status, &*reply.code()), (400, "invalid_request"), "{bad}");
            assert!(!reply.body.contains(&house.full));
        }
        let untrusting = House::with(Config { trusted_proxies: Vec::new(), ..Config::default() });
        assert_eq!(of(&untrusting, LIST, &[&key]).code(), "untrusted_peer");
    }
}
