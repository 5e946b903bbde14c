//! The door in the OpenAPI document.

use serde_json::{Map, Value, json};

use crate::openapi::{pin, problem};

/// Its paths.
pub(crate) fn paths() -> Map<String, Value> {
    let each = [
        ("/v1/introspect", operation("introspect", None)),
        ("/v1/introspect/api/{api}", operation("introspectApi", Some(pin()))),
        ("/v1/introspect/apache", apache("introspectApache", None)),
        ("/v1/introspect/api/{api}/apache", apache("introspectApiApache", Some(pin()))),
    ];
    each.into_iter().map(|(path, operation)| (path.to_owned(), json!({"post": operation}))).collect()
}

/// The same door for Apache.
fn apache(name: &str, pin: Option<Value>) -> Value {
    let mut operation = operation(name, pin);
    operation["tags"] = json!(["authorize"]);
    operation["summary"] = json!("Token introspection for Apache's mod_oauth2");
    operation["description"] = json!(
        "Trusted peers only. The token is fields in base64 with dots between them: the client's address, the gateway's own \
            name, the request line, then header lines, `name: value`. A key that is right is active; whether the request may \
            pass says `status` alone."
    );
    operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"] =
        json!({"type": "object", "required": ["token"], "properties": {"token": {"type": "string"}}});
    operation["responses"]["200"]["content"]["application/json"]["schema"] = json!({"oneOf": [judged(), inactive()]});
    operation["responses"]["403"] = problem("Refused");
    operation
}

/// What Apache gets of a key that is right.
fn judged() -> Value {
    json!({
        "type": "object", "required": ["active", "sub", "status"],
        "description": "Beside these members the headers that another gateway would get, with `_` for `-`: x_auth_key_id, \
            ratelimit, retry_after …",
        "properties": {
            "active": {"const": true}, "sub": {"type": "string", "description": "The id of the key."},
            "status": {"enum": ["200", "403", "429"], "description": "What the client is to get."},
            "problem": {"type": "string", "description": "Of a refusal: the body for the client."},
        },
    })
}

fn operation(name: &str, pin: Option<Value>) -> Value {
    json!({
        "operationId": name, "tags": ["verify"], "summary": "Token introspection (RFC 7662)",
        "description": "A key is the token. The parameters beside `token` and `token_type_hint` tell the request that the key \
            came with, and mean what they mean in the question of /v1/verify. Each may stand there once; others are not looked at.",
        "security": [{}, {"client": []}, {"bearer": []}, {"door_token": []}],
        "parameters": pin.into_iter().collect::<Vec<_>>(),
        "requestBody": {"required": true, "content": {"application/x-www-form-urlencoded": {"schema": question()}}},
        "responses": {
            "200": {
                "description": "Whether the key passes; of one that does not nothing else is said. RateLimit and, where a limit \
                    refused, Retry-After stand beside it.",
                "content": {"application/json": {"schema": {"oneOf": [active(), inactive()]}}},
            },
            "400": problem("Malformed"), "401": problem("Client"), "413": problem("TooLarge"),
            "415": problem("NoForm"), "503": problem("Busy"),
        },
    })
}

fn question() -> Value {
    json!({
        "type": "object", "required": ["token"],
        "properties": {
            "token": {"type": "string", "description": "The key."},
            "token_type_hint": {"type": "string", "description": "Any; every kind of key is looked for."},
            "client_ip": {"type": "string"}, "method": {"type": "string"}, "path": {"type": "string"}, "host": {"type": "string"},
            "requires": {"type": "string", "description": "API sets that the key must hold, with spaces between them."},
            "cost": {"type": "integer", "minimum": 0},
        },
    })
}

fn inactive() -> Value {
    json!({"type": "object", "required": ["active"], "additionalProperties": false, "properties": {"active": {"const": false}}})
}

fn active() -> Value {
    let text = |meaning: &str| json!({"type": "string", "description": meaning});
    let instant = |meaning: &str| json!({"type": "integer", "description": meaning});
    json!({
        "type": "object",
        "description": "Beside these members those of a verdict: organization, key, api_user, api, operation, limits …",
        "required": ["active", "token_type", "scope", "client_id", "username", "sub", "iss", "jti", "iat"],
        "properties": {
            "active": {"const": true}, "token_type": {"const": "api_key"},
            "scope": text("The slugs of the API sets that the key holds, with spaces between them."),
            "client_id": text("The id of the key's owner."), "username": text("The API user's name, or the owner's."),
            "sub": text("The id of the API user, or of the owner."), "aud": text("The slug of the API."),
            "iss": text("The id of the key's organization."), "jti": text("The id of the key."),
            "iat": instant("When the key was made, in seconds since 1970."), "nbf": instant("When it began."),
            "exp": instant("When it ends."),
        },
    })
}
