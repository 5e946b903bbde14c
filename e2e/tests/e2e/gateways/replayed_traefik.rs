//! What Traefik asks, as it was recorded of Traefik 3.7.6, which takes too long to be built in every run: here its question is sent to the
//! door without it. `cargo xtask traefik` sends all cases through the program itself, and holds the recording against it.

use serde_json::json;

use super::cases::{SPELLINGS, assert_understood_as_listed};
use crate::harness::on_both_databases;
use crate::harness::raw_http::{Request, Response};
use crate::harness::world::World;

/// The question about [`asked`], with words where addresses and names were.
const RECORDED: &str = include_str!("../../../data/traefik-question.txt");
/// Of the service's own users; the key stands in another header.
const USERS_TOKEN: &str = "of-the-service-s-own-users";

/// The request that Traefik would have asked about. Everything else of the question is as it was recorded.
#[derive(Clone, Copy)]
struct Replay<'r> {
    method: &'r str,
    target: &'r str,
    secret: &'r str,
}

on_both_databases! {
    async fn passes_and_refuses_as_traefik_is_to_hear_it(world: &World) {
        world.import_github().await;
        let right = json!(["github:repos/get"]);
        let minute = json!([{ "name": "minute", "kind": "rate", "limit": 1, "window_seconds": 60 }]);
        let key = world.create_key(json!({ "name": "k", "operations": right, "limits": minute })).await;
        let there = json!({ "name": "elsewhere", "operations": right, "allowed_ips": ["203.0.113.0/24"] });
        let elsewhere = world.create_key(there).await;
        let get = Replay { method: "GET", target: "/repos/o/r?x=1", secret: &key.secret };
        let passed = get.send(world).await.expect(200);
        assert_eq!(passed.header("x-auth-key-id").as_deref(), Some(&*key.id));
        assert_eq!(passed.header("x-auth-user").as_deref(), Some(""), "what does not apply is there, so a forged one goes");
        assert_eq!(passed.header("x-api-key").as_deref(), Some(USERS_TOKEN), "it goes on to the service");
        assert_eq!(passed.header("authorization"), None, "the key does not");
        let limited = get.send(world).await.expect(429);
        assert_eq!((limited.header("retry-after").as_deref(), &limited.json()["code"]), (Some("60"), &json!("RATE_LIMITED")));
        for (replay, status, code) in [
            (Replay { method: "DELETE", ..get }, 403, "OPERATION_NOT_ALLOWED"),
            (Replay { target: "/repos/o/r/pulls", ..get }, 403, "OPERATION_NOT_ALLOWED"),
            (Replay { secret: &elsewhere.secret, ..get }, 403, "IP_NOT_ALLOWED"),
            (Replay { secret: "some-other-token-of-another-system", ..get }, 401, "NOT_FOUND"),
        ] {
            let refused = replay.send(world).await.expect(status);
            assert_eq!(refused.json()["code"], code);
            assert_eq!(refused.header("content-type").as_deref(), Some("application/problem+json"));
            assert!(status != 401 || refused.header("www-authenticate").is_some(), "a challenge");
        }
    }

    async fn lets_no_spelling_of_a_path_slip_past(world: &World) {
        world.import_github().await;
        let key = world.create_key(json!({ "name": "list", "operations": ["github:issues/list-for-repo"] })).await;
        let (mut passed, mut refused) = (0, 0);
        for line in SPELLINGS.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (method, target) = line.trim_start_matches("ok ").split_once(' ').expect("METHOD target");
            let answer = Replay { method, target, secret: &key.secret }.send(world).await;
            if answer.status == 200 {
                passed += 1;
                assert_understood_as_listed(line, method, target);
            } else {
                refused += 1;
                assert!((400..500).contains(&answer.status) && !line.starts_with("ok "), "{line}: {}", answer.text());
            }
        }
        assert!(passed >= 5 && refused >= 45, "{passed} passed, {refused} refused");
    }
}

// === impl Replay ===

impl Replay<'_> {
    async fn send(self, world: &World) -> Response {
        let text = RECORDED
            .replace("@DOORS@", &world.doors.to_string())
            .replace("@KEY@", self.secret)
            .replace("X-Forwarded-Method: GET", &format!("X-Forwarded-Method: {}", self.method))
            .replace("X-Forwarded-Uri: /repos/o/r?x=1", &format!("X-Forwarded-Uri: {}", self.target));
        let mut lines = text.lines();
        let path = lines.next().and_then(|line| line.split(' ').nth(1)).expect("GET path HTTP/1.1");
        let headers = lines.filter_map(|line| line.split_once(": "));
        headers.fold(Request::get(path), |request, (name, value)| request.header(name, value)).send(world.doors).await
    }
}

/// The program itself.
#[cfg(feature = "traefik")]
mod recording {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::super::cases::forged;
    use super::*;
    use crate::harness::gateway::{Front, Kind};

    #[tokio::test]
    async fn is_what_traefik_asks() {
        let doors = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = doors.local_addr().expect("a bound address");
        let traefik = Kind::Traefik.start(Front::of(address, "github")).await;
        let asked = forged(Request::get("/repos/o/r?x=1")).bearer("@KEY@").header("X-Api-Key", USERS_TOKEN);
        let question = async {
            let (mut stream, _) = doors.accept().await.expect("Traefik");
            let mut bytes = Vec::new();
            while !bytes.ends_with(b"\r\n\r\n") {
                assert_ne!(stream.read_buf(&mut bytes).await.expect("a question"), 0);
            }
            stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await.expect("answered");
            String::from_utf8(bytes).expect("ASCII")
        };
        let (answer, question) = tokio::join!(traefik.send(asked), question);
        answer.expect(403);
        // The name of the machine that Traefik runs on says nothing.
        let lines =
            question.lines().map(|line| line.split_once("Server: ").map_or(line, |(_, _)| "X-Forwarded-Server: here"));
        let question = lines.collect::<Vec<_>>().join("\n").replace(&address.to_string(), "@DOORS@");
        assert_eq!(question.trim_end(), RECORDED.trim_end(), "e2e/data/traefik-question.txt");
    }
}
