//! The OpenAPI 3.1 document of the door listener: the same words as the code, from its own lists.

use std::sync::LazyLock;

use claviger_domain::verdict::CODES;
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::identity::{NAMES, Shape};
use crate::introspect;
use crate::question::{BATCH_MAX, REQUIRES_MAX};
use crate::request_id::Id;
use crate::rest;

/// The document as it is served.
static TEXT: LazyLock<String> = LazyLock::new(|| openapi().to_string());

/// The OpenAPI 3.1 document of the doors.
pub fn openapi() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Claviger: doors",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every way to ask whether a request may pass.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [
            {"name": "verify", "description": "For services that ask by themselves."},
            {"name": "authorize", "description": "For gateways that ask about every request."},
            {"name": "key", "description": "For whoever holds a key."},
        ],
        "paths": paths(),
        "components": {
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic", "description": "The key is the password; any user name."},
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "Claviger key"},
                "api_key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
                "client": {"type": "http", "scheme": "basic", "description": "A door token is the password; any user name."},
                "door_token": {
                    "type": "apiKey", "in": "header", "name": "X-Claviger-Door",
                    "description": "A key that holds claviger-verify. Needed as soon as the listener is not on loopback or \
                        there is a second organization; one that is sent is always judged.",
                },
            },
            "schemas": schemas(),
            "responses": responses(),
        },
    })
}

/// Answers `GET /v1/openapi.json`.
pub(crate) fn answer(id: &Id, answer: &mut Answer) {
    rest::json(id, answer).extend_from_slice(TEXT.as_bytes());
}

fn paths() -> Value {
    let mut paths = Map::new();
    paths.insert("/v1/verify".to_owned(), json!({"post": verify()}));
    paths.insert("/v1/verify/batch".to_owned(), json!({"post": verify_batch()}));
    for (path, name, family, is_pinned, shape) in [
        ("/v1/authorize", "authorize", &FORWARDED, false, Shape::Headers),
        ("/v1/authorize/api/{api}", "authorizeApi", &FORWARDED, true, Shape::Headers),
        ("/v1/authorize/traefik", "authorizeTraefik", &FORWARDED, false, Shape::Headers),
        ("/v1/authorize/api/{api}/traefik", "authorizeApiTraefik", &FORWARDED, true, Shape::Headers),
        ("/v1/authorize/nginx", "authorizeNginx", &ORIGINAL, false, Shape::Headers),
        ("/v1/authorize/api/{api}/nginx", "authorizeApiNginx", &ORIGINAL, true, Shape::Headers),
        ("/v1/authorize/nginx/line", "authorizeNginxLine", &ORIGINAL, false, Shape::Line),
        ("/v1/authorize/api/{api}/nginx/line", "authorizeApiNginxLine", &ORIGINAL, true, Shape::Line),
    ] {
        // Any method is answered alike; GET is what gateways send.
        paths.insert(path.to_owned(), json!({"get": authorize(name, family, is_pinned, shape)}));
    }
    for (path, name, is_pinned) in [
        ("/v1/authorize/envoy/{path}", "authorizeEnvoy", false),
        ("/v1/authorize/api/{api}/envoy/{path}", "authorizeApiEnvoy", true),
    ] {
        paths.insert(path.to_owned(), json!({"get": authorize_envoy(name, is_pinned)}));
    }
    paths.extend(introspect::paths());
    paths.insert("/v1/whoami".to_owned(), json!({"get": whoami()}));
    paths.insert(
        "/v1/openapi.json".to_owned(),
        json!({"get": {
            "operationId": "openapi", "tags": ["key"], "summary": "This document", "security": [],
            "responses": {"200": {"description": "The document.", "content": {"application/json": {}}}},
        }}),
    );
    Value::Object(paths)
}

fn verify() -> Value {
    json!({
        "operationId": "verify", "tags": ["verify"], "summary": "A verdict on one request",
        "security": [{}, {"door_token": []}],
        "requestBody": {"required": true, "content": {"application/json": {"schema": reference("Question")}}},
        "responses": {
            "200": verdict_response("The verdict, whatever it is.", &reference("Verdict")),
            "400": problem("Malformed"), "403": problem("DoorToken"), "413": problem("TooLarge"), "503": problem("Busy"),
        },
    })
}

fn verify_batch() -> Value {
    let answers = json!({"type": "array", "items": {"oneOf": [reference("Verdict"), reference("Problem")]}});
    json!({
        "operationId": "verifyBatch", "tags": ["verify"], "summary": "Verdicts on up to 100 requests",
        "security": [{}, {"door_token": []}],
        "requestBody": {"required": true, "content": {"application/json": {"schema": {
            "type": "array", "minItems": 1, "maxItems": BATCH_MAX, "items": reference("Question"),
        }}}},
        "responses": {
            "200": verdict_response("The verdicts in the order of the questions; a malformed one is a problem at its place.", &answers),
            "400": problem("Malformed"), "403": problem("DoorToken"), "413": problem("TooLarge"), "503": problem("Busy"),
        },
    })
}

/// What a door reads of the request that it judges: names and what they mean.
type Family = [(&'static str, &'static str); 4];

const FORWARDED: Family = [
    ("X-Forwarded-Method", "The request's method."),
    ("X-Forwarded-Uri", "The request's target as it came, query included."),
    ("X-Forwarded-Host", "The gateway's own name; it tells the environment, and without a pin the API."),
    ("X-Forwarded-For", "The client, walked right to left through trusted proxies."),
];
const ORIGINAL: Family = [
    ("X-Original-Method", "The request's method."),
    ("X-Original-URI", "The request's target as it came, query included."),
    ("X-Original-Host", "The gateway's own name; it tells the environment, and without a pin the API."),
    ("X-Real-IP", "The client's address."),
];

/// Headers of answers on which limits applied (draft-ietf-httpapi-ratelimit-headers-10).
const RATE_LIMIT: (&str, &str) =
    ("RateLimit", "What is left of the limits that applied, six at most: `r`, and after how many seconds more, `t`.");
const RATE_LIMIT_POLICY: (&str, &str) = ("RateLimit-Policy", "These limits: `q` in the window of `w` seconds.");

fn authorize(name: &str, family: &Family, is_pinned: bool, shape: Shape) -> Value {
    let mut parameters: Vec<Value> = family
        .iter()
        .map(|(name, text)| {
            json!({"name": name, "in": "header", "required": true, "description": text, "schema": {"type": "string"}})
        })
        .collect();
    if is_pinned {
        parameters.push(pin());
    }
    let is_nginx = *family == ORIGINAL;
    let (summary, comes_back) = match name {
        _ if is_nginx => ("Forward authentication for nginx", ""),
        "authorizeTraefik" | "authorizeApiTraefik" => (
            "Forward authentication for Traefik",
            " The headers that a key may stand in, and in which none of ours stood, come back as they were.",
        ),
        _ => ("Forward authentication", ""),
    };
    let passes = format!("May pass. Every identity header is there, empty where nothing applies.{comes_back}");
    let mut responses = json!({
        "200": {"description": passes, "headers": identity()},
        "401": problem("Unauthenticated"),
    });
    if shape == Shape::Line {
        responses["200"] = json!({"description": "May pass.", "headers": identity_line()});
    }
    if is_nginx {
        responses["403"] = problem("NginxRefused");
    } else {
        responses["403"] = problem("Refused");
        responses["429"] = problem("TooMany");
        responses["503"] = problem("Busy");
    }
    json!({
        "operationId": name, "tags": ["authorize"],
        "summary": summary,
        "description": "Any method. Trusted peers only; each header exactly once.",
        "security": [{"basic": []}, {"bearer": []}, {"api_key": []}],
        "parameters": parameters,
        "responses": responses,
    })
}

pub(crate) fn pin() -> Value {
    json!({
        "name": "api", "in": "path", "required": true, "description": "Slug or id of the API that is asked for.",
        "schema": {"type": "string"},
    })
}

fn authorize_envoy(name: &str, is_pinned: bool) -> Value {
    let mut parameters = vec![
        json!({
            "name": "path", "in": "path", "required": true, "schema": {"type": "string"},
            "description": "The path of the request itself, of any number of segments; its query stands behind it.",
        }),
        json!({
            "name": "X-Forwarded-For", "in": "header", "required": true, "schema": {"type": "string"},
            "description": "The client, walked right to left through trusted proxies.",
        }),
    ];
    if is_pinned {
        parameters.push(pin());
    }
    let mut headers = identity();
    headers["x-envoy-auth-headers-to-remove"] = json!({
        "description": "The headers that the key stood in.", "schema": {"type": "string"},
    });
    json!({
        "operationId": name, "tags": ["authorize"], "summary": "Envoy's external authorization over HTTP",
        "description": "The method is that of the request itself. Trusted peers only. By gRPC the same listener answers \
            envoy.service.auth.v3.Authorization/Check and grpc.health.v1.Health/Check.",
        "security": [{"basic": []}, {"bearer": []}, {"api_key": []}],
        "parameters": parameters,
        "responses": {
            "200": {"description": "May pass. Every identity header is there, empty where nothing applies.", "headers": headers},
            "401": problem("Unauthenticated"), "403": problem("Refused"), "429": problem("TooMany"), "503": problem("Busy"),
        },
    })
}

fn whoami() -> Value {
    json!({
        "operationId": "whoami", "tags": ["key"], "summary": "What the key that is sent is and may do",
        "description": "For the key's own organization, without a door token, limited per address; no use of the key.",
        "security": [{"basic": []}, {"bearer": []}, {"api_key": []}],
        "responses": {
            "200": verdict_response("The key.", &reference("Whoami")),
            "401": problem("Unauthenticated"), "403": problem("Refused"), "429": problem("TooMany"), "503": problem("Busy"),
        },
    })
}

/// All of it in one header.
fn identity_line() -> Value {
    let text = format!("With semicolons between them: x-auth-credential, {}.", NAMES.join(", "));
    let mut headers = Map::new();
    headers.insert("claviger-identity".to_owned(), json!({"description": text, "schema": {"type": "string"}}));
    headers.extend(rate_limits());
    Value::Object(headers)
}

fn rate_limits() -> impl Iterator<Item = (String, Value)> {
    let header =
        |(name, text): (&str, &str)| (name.to_owned(), json!({"description": text, "schema": {"type": "string"}}));
    [RATE_LIMIT, RATE_LIMIT_POLICY].into_iter().map(header)
}

fn identity() -> Value {
    let header = |name: &&str| ((*name).to_owned(), json!({"schema": {"type": "string", "maxLength": 256}}));
    let mut headers: Map<String, Value> = NAMES.iter().map(header).chain(rate_limits()).collect();
    let credential =
        "Where the key stood, for the gateway to drop: authorization, x-api-key, or a header of the API's own sources.";
    headers.insert("x-auth-credential".to_owned(), json!({"description": credential, "schema": {"type": "string"}}));
    Value::Object(headers)
}

fn schemas() -> Value {
    let codes: Vec<&str> = CODES.iter().map(|code| code.as_str()).collect();
    let text = || json!({"type": ["string", "null"]});
    json!({
        "Question": {
            "type": "object", "additionalProperties": false,
            "description": "One credential at least: credential, identifier and password, authorization, x_api_key, or \
                x_api_signature with body.",
            "properties": {
                "credential": text(), "identifier": text(), "password": text(), "authorization": text(), "x_api_key": text(),
                "x_token": {"type": ["string", "null"], "description": "The token of an API user, beside the rest of a composite \
                    credential."},
                "x_api_signature": {"type": ["string", "null"], "description": "Base64 of HMAC-SHA256 over the request's raw body \
                    with a key as its key, for keys of applications that sign."},
                "body": {"type": ["string", "null"], "description": "The raw body that x_api_signature is over, in base64; at most \
                    65,536 bytes."},
                "client_ip": text(), "method": text(), "path": text(), "host": text(), "api": text(),
                "requires": {"type": ["array", "null"], "maxItems": REQUIRES_MAX, "items": {"type": "string"}},
                "cost": {"type": ["integer", "null"], "minimum": 0},
            },
        },
        "Key": {
            "type": "object", "required": ["id", "name", "environment", "hint", "owner", "api_sets", "metadata", "expires_at"],
            "properties": {
                "id": {"type": "string"}, "name": {"type": "string"}, "environment": {"enum": ["live", "test"]},
                "hint": {"type": "string"},
                "owner": {"type": "object", "required": ["type", "id", "name"], "properties": {
                    "type": {"enum": ["organization", "user", "application"]},
                    "id": {"type": "string"}, "name": {"type": "string"},
                }},
                "api_sets": {"type": "array", "items": {"type": "string"}},
                "external_id": text(), "metadata": {"type": "object"},
                "expires_at": {"type": ["string", "null"], "format": "date-time"},
            },
        },
        "Verdict": {
            "type": "object", "required": ["valid", "code", "request_id", "api_user", "api", "operation", "limits"],
            "properties": {
                "valid": {"type": "boolean"}, "code": {"enum": codes.clone()}, "request_id": {"type": "string"},
                "detail": {"type": "string"}, "organization": {"type": "string"}, "key": reference("Key"),
                "api_user": {"oneOf": [reference("ApiUser"), {"type": "null"}]}, "api": text(), "operation": text(),
                "api_version": {"type": "string", "description": "There if the path has a version that the API lists."},
                "would_be": {"enum": codes, "description": "There if the API is in report-only mode: what it would have refused \
                    the request with."},
                "operation_checked": {"const": false, "description": "There, and false, if no right was asked about."},
                "retry_after_seconds": {"type": "integer", "minimum": 1, "description": "There where a limit refused, in how many \
                    seconds the same request passes; not there where it never does."},
                "limits": {"type": "array", "items": reference("Limit"), "description": "The limits that applied, after the \
                    request; nothing was taken of any if one refused."},
            },
        },
        "Limit": {
            "type": "object", "required": ["name", "limit", "remaining", "reset_seconds"],
            "properties": {
                "name": {"type": "string"}, "limit": {"type": "integer"}, "remaining": {"type": "integer"},
                "reset_seconds": {"type": ["integer", "null"], "description": "When it is as at the beginning or, where it \
                    refused, when the same request passes; null: never."},
            },
        },
        "ApiUser": {
            "type": "object",
            "required": ["id", "user_name", "permission_type", "language", "contact", "profile_user"],
            "description": "Who has signed in under the key's application.",
            "properties": {
                "id": {"type": "string"}, "user_name": {"type": "string"},
                "permission_type": {"type": "integer", "minimum": 1, "maximum": 5}, "language": {"type": "string"},
                "contact": {"oneOf": [{"type": "object", "required": ["id", "email"], "properties": {
                    "id": {"type": "string"}, "email": {"type": "string"},
                }}, {"type": "null"}]},
                "profile_user": {"type": "object", "required": ["id", "external"], "properties": {
                    "id": {"type": "string"}, "external": text(),
                }},
            },
        },
        "Whoami": {
            "type": "object", "required": ["request_id", "organization", "key"],
            "properties": {
                "request_id": {"type": "string"}, "organization": {"type": "string"}, "key": reference("Key"),
            },
        },
        "Problem": {
            "type": "object", "required": ["type", "title", "status", "code", "detail", "request_id"],
            "properties": {
                "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
                "code": {"type": "string"}, "detail": {"type": "string"}, "request_id": {"type": "string"},
                "error": {"type": "string", "description": "OAuth's word (RFC 6749, 5.2), at /v1/introspect."},
                "violated-policies": {"type": "array", "items": {"type": "string"}, "description": "The limits that refused, by \
                    name."},
                "errors": {"type": "array", "items": {"type": "object", "required": ["field", "message"], "properties": {
                    "field": {"type": "string"}, "message": {"type": "string"},
                }}},
            },
        },
    })
}

fn responses() -> Value {
    let challenge = json!({"description": "One challenge for Basic and one for Bearer.", "schema": {"type": "string"}});
    let retry = json!({"description": "Seconds.", "schema": {"type": "integer"}});
    let response = |text: &str, headers: Value| {
        let content = json!({"application/problem+json": {"schema": reference("Problem")}});
        json!({"description": text, "headers": headers, "content": content})
    };
    json!({
        "Malformed": response("The question is malformed; `errors` names the fields.", json!({})),
        "DoorToken": response("The door token is missing or wrong (`door_token`).", json!({})),
        "Client": response("The door token is missing or wrong (`door_token`); `error` is `invalid_client`.", json!({
            "WWW-Authenticate": challenge,
        })),
        "NoForm": response("The body is no form.", json!({})),
        "TooLarge": response("The body is over the limit.", json!({})),
        "Unauthenticated": response("No key, or none that may pass.", json!({"WWW-Authenticate": challenge})),
        "Refused": response("The key may not do this, or not from this address; or the gateway may not ask.", json!({})),
        "NginxRefused": response("Any other refusal: X-Auth-Status is the status that the client is to get.", json!({
            "X-Auth-Status": {"schema": {"enum": ["403", "429", "503"]}},
            "X-Auth-Code": {"schema": {"type": "string"}},
            "X-Auth-Detail": {"schema": {"type": "string"}},
            "Claviger-Refusal": {
                "description": "All of it in one line: status, code, seconds after which to try again or `-`, a sentence.",
                "schema": {"type": "string"},
            },
        })),
        "TooMany": response("Too many requests, or too much of a quota; `violated-policies` names the limits.", json!({
            "Retry-After": retry,
            "RateLimit": {"description": RATE_LIMIT.1, "schema": {"type": "string"}},
            "RateLimit-Policy": {"description": RATE_LIMIT_POLICY.1, "schema": {"type": "string"}},
        })),
        "Busy": response("No verdict can be given now (`busy`).", json!({"Retry-After": retry})),
    })
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

pub(crate) fn problem(response: &str) -> Value {
    json!({"$ref": format!("#/components/responses/{response}")})
}

fn verdict_response(text: &str, schema: &Value) -> Value {
    json!({"description": text, "content": {"application/json": {"schema": schema}}})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Call;

    #[test]
    fn every_path_of_the_document_is_a_door_and_every_reference_leads_somewhere() {
        let document = openapi();
        for path in document["paths"].as_object().expect("paths").keys() {
            let path = path.replace("{api}", "github").replace("{path}", "a/b");
            assert_ne!(Call::of_path(&path), Call::Unknown, "{path}");
        }
        let text = document.to_string();
        let references = text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap_or_default());
        for reference in references {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }
}
