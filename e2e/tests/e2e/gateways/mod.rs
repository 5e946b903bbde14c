//! The doors behind real gateways, with the snippets that users paste: each gateway goes through the same cases.

mod cases;
mod limits;
mod replayed_traefik;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub use self::cases::spellings_are_judged;
use crate::harness::gateway::{Caddy, Kind};
use crate::harness::on_both_databases;
use crate::harness::patience::wait_until;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

/// A module for each gateway, in it a test for each case.
macro_rules! gateways {
    ($($(#[$attribute:meta])* $name:ident: $kind:expr;)*) => {
        $($(#[$attribute])* mod $name {
            use super::*;

            on_both_databases! {
                async fn lets_pass_and_refuses_for_the_right_reason(world: &World) {
                    cases::passes_and_refuses($kind, world).await;
                }

                async fn lets_no_spelling_of_a_path_slip_past(world: &World) {
                    cases::judges_spellings($kind, world).await;
                }

                async fn asks_for_the_api_that_it_protects_whatever_the_host_would_choose(world: &World) {
                    cases::asks_for_its_own_api($kind, world).await;
                }

                async fn passes_no_forged_header_on(world: &World) {
                    cases::overwrites_forged($kind, world).await;
                }

                async fn sends_its_own_door_token_and_keeps_it(world: &World) {
                    cases::keeps_its_door_token($kind, world).await;
                }

                async fn tells_the_environment_by_its_own_name_and_never_by_the_client_s_host(world: &World) {
                    cases::says_its_own_name($kind, world).await;
                }

                async fn behind_a_balancer_tells_whom_the_balancer_names(world: &World) {
                    cases::sees_through_a_balancer($kind, world).await;
                }

                async fn passes_the_longest_identity_on(world: &World) {
                    cases::passes_the_longest_identity($kind, world).await;
                }

                async fn takes_keys_in_a_header_of_the_api_s_own(world: &World) {
                    cases::takes_keys_in_a_header_of_its_own($kind, world).await;
                }

                async fn answers_429_with_retry_after(world: &World) {
                    limits::answers_429($kind, world).await;
                }

                async fn counts_a_question_as_often_as_it_is_asked(world: &World) {
                    limits::counts_each_question($kind, world).await;
                }

                async fn passes_the_session_of_an_api_user_on(world: &World) {
                    cases::passes_a_session_on($kind, world).await;
                }

                async fn passes_nobody_while_claviger_is_down(world: &World) {
                    cases::passes_nobody_without_claviger($kind, world).await;
                }
            }

            #[tokio::test]
            async fn passes_nobody_while_claviger_says_nothing() {
                cases::passes_nobody_without_an_answer($kind).await;
            }
        })*
    };
}

gateways! {
    nginx: Kind::Nginx;
    caddy: Kind::Caddy;
    new_caddy: Kind::NewCaddy;
    envoy_http: Kind::EnvoyHttp;
    envoy_grpc: Kind::EnvoyGrpc;
    apache: Kind::Apache;
    haproxy: Kind::HaProxy;
    #[cfg(feature = "traefik")]
    traefik: Kind::Traefik;
}

on_both_databases! {
    async fn a_credential_that_nobody_knows_stands_in_the_organization_s_log(world: &World) {
        world.import_github().await;
        let caddy = Caddy::start(world.doors, "github").await;
        let unknown = Request::get("/repos/o/r?token=1").header("User-Agent", "probe/1").bearer("some-other-token-of-another-system");
        let refused = unknown.send(caddy.address).await.expect(401).json();
        let log = async || world.api("GET", "/organization/requests", None).await.expect(200).json()["data"].clone();
        wait_until(async || log().await != json!([]), || "the log stays empty".to_owned()).await;
        let mut log = log().await;
        let entry = log[0].as_object_mut().expect("an entry");
        assert!(entry.remove("at").is_some());
        assert_eq!(log, json!([{
            "key": null, "door": "authorize", "code": "NOT_FOUND", "check": "unknown", "ip": "127.0.0.1", "agent": "probe/1",
            "method": "GET", "path": "/repos/o/r", "api": null, "operation": null,
            "request_id": refused["request_id"], "report_only": false,
        }]));
    }
}

/// The headers that the upstream saw.
pub fn headers_of(echoed: &Value) -> BTreeMap<String, String> {
    let pairs = echoed["headers"].as_array().into_iter().flatten();
    pairs.filter_map(|pair| Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned()))).collect()
}
