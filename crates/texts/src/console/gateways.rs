//! Gateways and code.

/// The page.
pub const TITLE: &str = "Gateways";
/// What it is for.
pub const HINT: &str = "A request passes if Claviger says so. Let your gateway ask before it passes a request on, or ask from your own code.";
/// A field.
pub const WHAT: &str = "Gateway or language";
/// A group.
pub const GATEWAYS: &str = "Gateways";
/// A group.
pub const CODE: &str = "Code";
/// A field.
pub const API: &str = "API";
/// Its hint.
pub const API_HINT: &str = "It is fixed in the file: nothing that a client sends chooses another one.";
/// A field.
pub const DOORS: &str = "Address of the doors";
/// Its hint.
pub const DOORS_HINT: &str = "As your gateway or service reaches this server's door listener.";
/// A field.
pub const LISTEN: &str = "Where the gateway listens";
/// A field.
pub const SERVER_NAME: &str = "Name of the server";
/// Its hint.
pub const SERVER_NAME_HINT: &str = "What Claviger judges by; never the Host that a client sends.";
/// A field.
pub const UPSTREAM: &str = "The protected service";
/// The button.
pub const SHOW: &str = "Show";
/// The file.
pub const FILE: &str = "To paste";
/// Where it goes.
pub fn goes_into(what: &str) -> &'static str {
    match what {
        "nginx" => "Save it as /etc/nginx/conf.d/claviger.conf, or include it inside http { … }, and reload nginx.",
        "caddy" => "Save it as Caddyfile, and start Caddy with it.",
        "envoy-grpc" | "envoy-http" => {
            "Save it as envoy.yaml, and start Envoy with it, or take its parts into your own configuration."
        }
        "haproxy" => {
            "Save it as haproxy.cfg, and start HAProxy with it, or take its parts into your own configuration."
        }
        "traefik" => "Save it as claviger.yaml, and start Traefik with the options that it names.",
        "apache" => {
            "Save it as /etc/apache2/conf-available/claviger.conf, let Apache listen at the address (Listen), enable its modules (a2enmod oauth2 headers setenvif rewrite proxy_http) and the file (a2enconf claviger), and restart Apache."
        }
        "curl" => "Set KEY to a key, run it in a shell, and read the verdict. The request in it is one of the API.",
        "rust" => "Save it as src/main.rs, set KEY to a key, and run it.",
        "typescript" => "Save it as verify.ts, set KEY to a key, and run it.",
        "python" => "Save it as verify.py, set KEY to a key, and run it.",
        "go" => "Save it as verify.go, set KEY to a key, and run it with go run verify.go.",
        _ => "Save it as Verify.java, set KEY to a key, and run it with java Verify.java.",
    }
}
/// A file that the first one loads.
pub fn beside(name: &str) -> String {
    format!("Save this beside it as {name}.")
}
/// Doors with a token.
pub const TOKEN: &str = "These doors need a token: a key of its own that holds claviger-verify.";
/// Where it goes.
pub fn token_goes(what: &str) -> &'static str {
    match what {
        "nginx" | "envoy-grpc" | "envoy-http" | "haproxy" | "traefik" | "apache" => {
            "Put it in the place of @DOOR_TOKEN@ in the file."
        }
        _ => "Hand it over in the environment variable CLAVIGER_DOOR_TOKEN.",
    }
}
/// The way to one.
pub const MAKE_TOKEN: &str = "Make a door token";
/// Its name.
pub const TOKEN_NAME: &str = "Door token";
/// Doors with TLS.
pub const TLS: &str =
    "The doors speak TLS, and this file asks without it: let it ask a listener without TLS on the same machine.";
/// Doors on a socket.
pub fn no_socket(gateway: &str) -> String {
    format!("{gateway} asks by no Unix socket: let the doors listen on a port for it.")
}
/// A first request.
pub const TRY: &str = "Try it";
/// How.
pub const TRY_HINT: &str =
    "Set KEY to a key, and ask through the gateway. It answers 401 or 403 where the key may not pass.";
/// What a field takes.
pub const EXPECTED: &str = "expected letters, digits, and . : - _ / [ ] *";
/// No API.
pub const NO_API: &str = "There is no API yet";
/// The next step.
pub const NO_API_HINT: &str = "Make or import the API that is to be protected first.";
/// What a choice is called.
pub fn name(what: &str) -> &'static str {
    match what {
        "nginx" => "nginx 1.18 and later",
        "caddy" => "Caddy 2.6 and later",
        "envoy-grpc" => "Envoy 1.34 and later, by gRPC",
        "envoy-http" => "Envoy 1.34 and later, by HTTP",
        "haproxy" => "HAProxy 2.6 and later",
        "traefik" => "Traefik 3.7 and later",
        "apache" => "Apache 2.4 with mod_oauth2 3.3",
        "curl" => "curl",
        "rust" => "Rust",
        "typescript" => "TypeScript",
        "python" => "Python",
        "go" => "Go",
        _ => "Java",
    }
}
