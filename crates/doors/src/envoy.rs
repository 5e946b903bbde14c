//! `/v1/authorize/envoy/…`: Envoy's external authorization over HTTP. Envoy sends the request itself, without its body and
//! under a prefix; 200 and nothing else lets it pass, any other status below 500 goes to the client, and 5xx is an error of
//! ours, for which Envoy answers 403.

use claviger_domain::usage::Door;

use crate::answer::Answer;
use crate::forward::{Asked, Gate, Judged, USUAL_TERMS, answer_judged};
use crate::headers::{Described, ENVOY};
use crate::request_id::Id;
use crate::route::asked_by_envoy;
use crate::service::{Connection, Head};
use crate::turn::{Turn, Unjudged};

/// Which headers of the request Envoy takes out before it passes it on.
const HEADERS_TO_REMOVE: &str = "x-envoy-auth-headers-to-remove";
/// How a place in the query is named, which Envoy cannot take out here.
const QUERY: &str = "query:";

/// Answers one call.
pub(crate) fn answer(connection: &Connection, head: &Head<'_>, pin: Option<&str>, id: &Id, answer: &mut Answer) {
    let judged = judge(connection, head, pin, id, &mut answer.turn);
    answer_judged(&judged, id, answer);
    if let Ok(judged) = judged
        && answer.status().is_success()
    {
        answer.header(HEADERS_TO_REMOVE, &headers_of(&judged.places()));
    }
}

/// The verdict on the request that the question is.
fn judge<'h>(
    connection: &Connection,
    head: &Head<'h>,
    pin: Option<&str>,
    id: &Id,
    turn: &mut Turn,
) -> Result<Judged<'h>, Unjudged> {
    let gate = Gate { connection, door: Door::Envoy, id };
    gate.check_peer()?;
    let found = ENVOY.find(head.lines);
    let client_ip = gate.noted(ENVOY.client_ip(&found, &connection.trusted()))?;
    // HTTP/2 has the host elsewhere.
    let host = match head.authority {
        Some(authority) => authority.into(),
        None => gate.noted(ENVOY.own_host(&found))?,
    };
    let described =
        Described { method: head.method.into(), target: asked_by_envoy(head.target, pin).into(), host, client_ip };
    let provider = connection.provider(found.door_token(head.lines), id)?;
    gate.decide(Asked { lines: head.lines, found, described, body: None }, provider, pin, USUAL_TERMS, turn)
}

/// Those of the places that are headers.
fn headers_of(places: &str) -> String {
    places.split(", ").filter(|place| !place.starts_with(QUERY)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use crate::testing::House;
    use crate::wire_tests::{api_key, with};

    const CLIENT: [&str; 1] = ["X-Forwarded-For: 203.0.113.7"];

    #[test]
    fn only_headers_are_taken_out() {
        assert_eq!(headers_of("authorization, x-api-key"), "authorization, x-api-key");
        assert_eq!(headers_of("query:key, token"), "token");
        assert_eq!(headers_of(""), "");
    }

    #[test]
    fn the_request_itself_is_judged_under_the_prefix() {
        let house = House::new();
        let key = api_key(&house.reader);
        let passed = house.ask("GET /v1/authorize/api/shop/envoy/items?x=1", &with(&CLIENT, &[&key]));
        assert_eq!((passed.status, &*passed.body), (200, ""), "{passed:?}");
        assert_eq!(passed.header("x-auth-operation"), "shop:list");
        assert_eq!(passed.header("x-envoy-auth-headers-to-remove"), "x-api-key");
        for (line, code) in [
            ("DELETE /v1/authorize/api/shop/envoy/items", "OPERATION_NOT_ALLOWED"),
            ("GET /v1/authorize/api/shop/envoy//items", "OPERATION_NOT_ALLOWED"),
            ("GET /v1/authorize/api/shop/envoy/items/..", "OPERATION_NOT_ALLOWED"),
            ("GET /v1/authorize/api/shop/envoy", "OPERATION_NOT_ALLOWED"),
            ("GET /v1/authorize/api/shop/envoy/items?_method=DELETE", "OPERATION_NOT_ALLOWED"),
            ("GET /v1/authorize/api/other/envoy/items", "OPERATION_NOT_ALLOWED"),
        ] {
            let refused = house.ask(line, &with(&CLIENT, &[&key]));
            assert_eq!((refused.status, &*refused.code()), (403, code), "{line}");
        }
        assert_eq!(house.ask("GET /v1/authorize/envoy/items", &CLIENT).code(), "MISSING");
    }

    #[test]
    fn forwarded_headers_of_both_families_are_not_looked_at_and_the_client_stands_there_once() {
        let house = House::new();
        let key = api_key(&house.full);
        let other = [
            "X-Forwarded-Method: DELETE",
            "X-Forwarded-Uri: /x",
            "X-Forwarded-Host: h",
            "X-Original-URI: /x",
            "X-Original-Method: PUT",
            "X-Real-IP: 6.6.6.6",
        ];
        let line = "GET /v1/authorize/api/shop/envoy/items";
        assert_eq!(house.ask(line, &with(&with(&CLIENT, &other), &[&key])).status, 200);
        for lines in [vec![&*key], vec![&*key, CLIENT[0], CLIENT[0]], vec![&*key, "X-Forwarded-For: unknown"]] {
            let refused = house.ask(line, &lines);
            assert_eq!((refused.status, &*refused.code()), (403, "gateway_headers"), "{lines:?}");
        }
        let untrusting = House::with(Config { trusted_proxies: Vec::new(), ..Config::default() });
        assert_eq!(untrusting.ask(line, &with(&CLIENT, &[&key])).code(), "untrusted_peer");
    }
}
