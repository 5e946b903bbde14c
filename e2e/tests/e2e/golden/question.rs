//! A case of a file: what is asked, and whether an answer is the golden one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::state::State;
use super::{list, text};
use crate::harness::raw_http::{Request, Response};

/// A case and what fills its placeholders.
pub(super) struct Question<'a> {
    pub(super) state: &'a State,
    pub(super) case: &'a Value,
}

/// The request at the gateway.
pub(super) struct Described {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) host: String,
    pub(super) client_ip: String,
}

// === impl Question ===

impl Question<'_> {
    /// As `/v1/verify` takes it, if it can.
    pub(super) fn json(&self) -> Option<Value> {
        let asked = &self.case["request"];
        let mut body = Map::new();
        for (name, value) in self.credentials() {
            let value = String::from_utf8(value).ok()?;
            if !["credential", "x_api_key", "x_token", "authorization", "x_api_signature"].contains(&name) {
                return None;
            }
            if body.insert(name.into(), value.into()).is_some() {
                return None;
            }
        }
        // Nor is a signature one without what it is over.
        match self.body() {
            Some(signed) => drop(body.insert("body".into(), STANDARD.encode(signed).into())),
            None if body.contains_key("x_api_signature") => return None,
            None => {}
        }
        // A question without any credential field is no question there (400).
        let has_credential = body.keys().any(|name| name != "x_token");
        if !list(&asked["method_overrides"]).is_empty() || !has_credential || asked["preflight"] == true {
            return None;
        }
        for name in ["client_ip", "method", "path", "host", "api", "requires"] {
            if !asked[name].is_null() {
                body.insert(name.into(), asked[name].clone());
            }
        }
        Some(Value::Object(body))
    }

    /// As a form of introspection takes it, if it can: one key that stands by itself.
    pub(super) fn parameters(&self) -> Option<Vec<(&'static str, String)>> {
        let asked = &self.case["request"];
        let credentials = self.credentials();
        let [(place, value)] = &credentials[..] else { return None };
        let key = match *place {
            "credential" => value.as_slice(),
            "x_api_key" if !self.state.has_sources => value,
            "authorization" if !self.state.has_sources => value.strip_prefix(b"Bearer ")?,
            _ => return None,
        };
        if key.is_empty() || !list(&asked["method_overrides"]).is_empty() || asked["preflight"] == true {
            return None;
        }
        let mut parameters = vec![("token", String::from_utf8(key.to_vec()).ok()?)];
        for name in ["client_ip", "method", "path", "host"] {
            parameters.extend(asked[name].as_str().map(|value| (name, value.to_owned())));
        }
        parameters.push(("requires", self.requires().join(" ")));
        // A parameter without a value counts as left out.
        let is_left_out = |name| parameters.iter().any(|(known, value)| *known == name && value.is_empty());
        (!["method", "path"].into_iter().any(is_left_out)).then_some(parameters)
    }

    /// JSON field and value of each credential.
    fn credentials(&self) -> Vec<(&str, Vec<u8>)> {
        list(&self.case["request"]["credentials"])
            .iter()
            .map(|credential| {
                let value = || self.state.fill_in(text(&credential["value"]));
                match text(&credential["in"]) {
                    "credential" => ("credential", value().into_bytes()),
                    "x_api_key" => ("x_api_key", value().into_bytes()),
                    "x_token" => ("x_token", value().into_bytes()),
                    "x_api_signature" => ("x_api_signature", value().into_bytes()),
                    "authorization" => ("authorization", value().into_bytes()),
                    "header" => (text(&credential["name"]), value().into_bytes()),
                    "basic" => {
                        let (user, password) = (text(&credential["user"]), text(&credential["password"]));
                        let plain = format!("{}:{}", self.state.fill_in(user), self.state.fill_in(password));
                        ("authorization", format!("Basic {}", STANDARD.encode(plain)).into_bytes())
                    }
                    other => panic!("unknown place of a credential: {other}"),
                }
            })
            .collect()
    }

    /// What a gateway says of the request; none where the case leaves something out, or no gateway could put it into a header.
    pub(super) fn described(&self) -> Option<Described> {
        let field = |name: &str| {
            let value = self.state.fill_in(self.case["request"][name].as_str()?);
            let fits =
                !value.is_empty() && value.bytes().all(|byte| byte >= b' ' && byte != 0x7f) && value.trim() == value;
            fits.then_some(value)
        };
        let [method, target, host, client_ip] = ["method", "path", "host", "client_ip"].map(field);
        Some(Described { method: method?, target: target?, host: host?, client_ip: client_ip? })
    }

    /// The raw body, for doors that have it.
    pub(super) fn body(&self) -> Option<&str> {
        self.case["request"]["body"].as_str()
    }

    /// The API that the gateway's configuration names.
    pub(super) fn pin(&self) -> Option<&str> {
        self.case["request"]["api"].as_str()
    }

    /// The sets that it requires.
    pub(super) fn requires(&self) -> Vec<&str> {
        list(&self.case["request"]["requires"]).iter().map(text).collect()
    }

    /// The client's own header lines; none where there can be no such headers.
    pub(super) fn lines(&self) -> Option<Vec<(&str, Vec<u8>)>> {
        let asked = &self.case["request"];
        let mut lines = Vec::new();
        for (name, value) in self.credentials() {
            let header = match name {
                "x_api_key" => "X-Api-Key",
                "x_token" => "X-Token",
                "x_api_signature" => "X-Api-Signature",
                "authorization" => "Authorization",
                "credential" => return None,
                own => own,
            };
            if value.iter().any(|byte| *byte < b' ' || *byte == 0x7f) {
                return None;
            }
            lines.push((header, value));
        }
        if asked["preflight"] == true {
            lines.push(("Origin", b"https://app.example.com".to_vec()));
            lines.push(("Access-Control-Request-Method", b"PUT".to_vec()));
        }
        lines.extend(
            list(&asked["method_overrides"]).iter().map(|value| ("X-HTTP-Method-Override", text(value).into())),
        );
        Some(lines)
    }

    pub(super) fn with_token(&self, request: Request) -> Request {
        match self.token() {
            Some(token) => request.header("X-Claviger-Door", token),
            None => request,
        }
    }

    pub(super) fn token(&self) -> Option<&str> {
        let provider = self.case["request"]["provider"].as_str().unwrap_or("acme");
        // Of one organization the doors need no token, and one would end with its other keys.
        (self.state.door_tokens.len() > 1).then(|| self.state.door_tokens[provider].as_str())
    }

    pub(super) fn compare(&self, answer: &Response) -> Result<(), String> {
        let got = if answer.header("x-auth-key-id").is_some() || answer.status != 200 {
            self.at_a_gateway(answer)?
        } else {
            let mut answer = answer.json();
            match answer["active"].as_bool() {
                None => {}
                Some(true) => answer["code"] = "VALID".into(),
                // Why is not said there.
                Some(false) if self.case["verdict"]["code"] != "VALID" => return Ok(()),
                Some(false) => return Err("not active".to_owned()),
            }
            self.at_verify(&answer)
        };
        self.compare_to(&got)
    }

    pub(super) fn compare_to(&self, got: &Value) -> Result<(), String> {
        let expected = &self.case["verdict"];
        let mut wanted = json!({ "code": expected["code"] });
        for field in got.as_object().into_iter().flat_map(Map::keys) {
            wanted[field] = match (field.as_str(), &expected[field]) {
                ("operation_checked", Value::Null) => json!(true),
                ("old_secret", Value::Null) => json!(false),
                (_, value) => value.clone(),
            };
        }
        if *got == wanted { Ok(()) } else { Err(format!("expected {wanted}, got {got}")) }
    }

    pub(super) fn at_verify(&self, answer: &Value) -> Value {
        let mut got = json!({
            "code": answer["code"],
            "key": answer["key"]["name"],
            "api": answer["api"],
            "operation": answer["operation"],
            "version": answer["api_version"],
            "would_be": answer["would_be"],
            "api_user": self.state.user_name(&answer["api_user"]["id"]),
        });
        // The hint of a pair is its identifier's, whichever password was used.
        let hint = answer["key"]["hint"].as_str().filter(|hint| !hint.starts_with("ci_"));
        if let (Some(nick), Some(hint)) = (answer["key"]["name"].as_str(), hint) {
            let old = self.state.old_secrets.get(nick);
            got["old_secret"] = json!(old.is_some_and(|old| hint.ends_with(&old[old.len() - 4..])));
        }
        if ["VALID", "OPERATION_NOT_ALLOWED"].iter().any(|code| answer["code"] == *code) {
            got["operation_checked"] = answer["operation_checked"].as_bool().unwrap_or(true).into();
        }
        got
    }

    fn at_a_gateway(&self, answer: &Response) -> Result<Value, String> {
        let status = answer.header("x-auth-status").map_or(answer.status, |status| status.parse().unwrap_or(0));
        if json!(status) != self.case["verdict"]["http"] {
            return Err(format!("status {status}: {}", answer.text()));
        }
        if answer.header("x-auth-status").is_some() && answer.status != 403 && answer.status != status {
            return Err(format!("nginx understands 401 and 403 alone, not {}", answer.status));
        }
        if status != 200 {
            let mut got = json!({ "code": answer.json()["code"] });
            if !self.case["verdict"]["detail"].is_null() {
                got["detail"] = answer.json()["detail"].clone();
                let beside = answer.header("x-auth-detail");
                assert!(beside.is_none_or(|beside| got["detail"] == beside), "nginx gets the same sentence");
            }
            if !self.case["verdict"]["challenges"].is_null() {
                got["challenges"] = answer.header("www-authenticate").into();
            }
            return Ok(got);
        }
        let header = |name: &str| match answer.header(name) {
            Some(value) if !value.is_empty() => json!(value.replace("%2F", "/")),
            _ => Value::Null,
        };
        let mut got = json!({
            "code": "VALID",
            "key": header("x-auth-key-name"),
            "api": header("x-auth-api"),
            "operation": header("x-auth-operation"),
        });
        if !self.case["verdict"]["api_user"].is_null() {
            got["api_user"] = self.state.user_name(&header("x-auth-user"));
        }
        for (field, name) in [("stripped", "x-auth-credential"), ("api_sets", "x-auth-api-sets")] {
            if !self.case["verdict"][field].is_null() {
                got[field] = answer.header(name).into();
            }
        }
        Ok(got)
    }
}
