//! The files of `gateways/` with addresses filled in.

use super::sample::Sample;

/// What can be shown: its word, and its file.
const FILES: [(&str, &str); 13] = [
    ("nginx", include_str!("../../../../../gateways/nginx.conf")),
    ("caddy", include_str!("../../../../../gateways/Caddyfile")),
    ("envoy-grpc", include_str!("../../../../../gateways/envoy-grpc.yaml")),
    ("envoy-http", include_str!("../../../../../gateways/envoy-http.yaml")),
    ("haproxy", include_str!("../../../../../gateways/haproxy.cfg")),
    ("traefik", include_str!("../../../../../gateways/traefik.yaml")),
    ("apache", include_str!("../../../../../gateways/apache.conf")),
    ("curl", include_str!("../../../../../gateways/code/verify.sh")),
    ("rust", include_str!("../../../../../gateways/code/verify.rs")),
    ("typescript", include_str!("../../../../../gateways/code/verify.ts")),
    ("python", include_str!("../../../../../gateways/code/verify.py")),
    ("go", include_str!("../../../../../gateways/code/verify.go")),
    ("java", include_str!("../../../../../gateways/code/Verify.java")),
];
/// Files that another one loads from beside it, with their names; nothing in them is filled in.
const BESIDE: [(&str, &str, &str); 1] =
    [("haproxy", "claviger.lua", include_str!("../../../../../gateways/claviger.lua"))];
/// What sits in front of a service.
pub(super) const GATEWAYS: [&str; 7] = ["nginx", "caddy", "envoy-grpc", "envoy-http", "haproxy", "traefik", "apache"];
/// What asks by itself.
pub(super) const CODE: [&str; 6] = ["curl", "rust", "typescript", "python", "go", "java"];

/// Whether a gateway reaches doors on no Unix socket.
pub(super) fn asks_by_tcp_alone(what: &str) -> bool {
    matches!(what, "traefik" | "apache")
}

/// What stands in the place of the files' words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addresses<'a> {
    /// `http://127.0.0.1:7601` or `unix:/path`.
    pub(super) doors_url: &'a str,
    pub(super) api: &'a str,
    pub(super) listen: &'a str,
    pub(super) server_name: &'a str,
    pub(super) upstream: &'a str,
    /// The request that code asks about, until it is put to use.
    pub(super) sample: &'a Sample,
    /// Whether a token has still to be put in.
    pub(super) needs_token: bool,
}

/// A file as it can be pasted; `None`: there is no such.
pub(super) fn filled(what: &str, addresses: &Addresses<'_>) -> Option<String> {
    let (_, file) = FILES.iter().find(|(word, _)| *word == what)?;
    Some(match what {
        "nginx" => words(file, addresses.doors(), addresses),
        "traefik" | "apache" => words(file, addresses.doors(), addresses).replace("@KEY_HEADER@", "x-api-key"),
        "haproxy" => words(file, &addresses.doors().replace("unix:", "unix@"), addresses),
        "caddy" => caddy(file, addresses),
        "envoy-grpc" | "envoy-http" => envoy(file, addresses),
        _ => code(file, addresses),
    })
}

fn code(file: &str, addresses: &Addresses<'_>) -> String {
    let Sample { method, path, client_ip } = addresses.sample;
    // curl takes a socket in a word of its own; the other files ask by TCP.
    let file = match addresses.doors_url.strip_prefix("unix:") {
        Some(socket) => file.replace("'@DOORS_URL@/", &format!("--unix-socket '{socket}' 'http://localhost/")),
        None => file.replace("@DOORS_URL@", addresses.doors_url),
    };
    [("API", addresses.api), ("METHOD", method), ("PATH", path), ("CLIENT_IP", client_ip)]
        .into_iter()
        .fold(file, |file, (word, value)| file.replace(&format!("@{word}@"), value))
}

/// The name and the text of the file that stands beside this one, if there is one.
pub(super) fn beside(what: &str) -> Option<(&'static str, &'static str)> {
    BESIDE.iter().find(|(word, _, _)| *word == what).map(|(_, name, text)| (*name, *text))
}

fn words(file: &str, doors: &str, addresses: &Addresses<'_>) -> String {
    let filled = without_instructions(file)
        .replace("@LISTEN@", addresses.listen)
        .replace("@SERVER_NAME@", addresses.server_name)
        .replace("@DOORS@", doors)
        .replace("@API@", addresses.api)
        .replace("@UPSTREAM@", addresses.upstream);
    if addresses.needs_token { filled } else { filled.replace("@DOOR_TOKEN@", "") }
}

fn caddy(file: &str, addresses: &Addresses<'_>) -> String {
    let doors = addresses.doors().replace("unix:/", "unix//");
    let filled = without_instructions(file)
        .replace("{$CLAVIGER_SITE}", &format!("http://{}", addresses.listen))
        .replace("{$CLAVIGER_SERVER_NAME}", addresses.server_name)
        .replace("{$CLAVIGER_DOORS}", &doors)
        .replace("{$CLAVIGER_API}", addresses.api)
        .replace("{$CLAVIGER_UPSTREAM}", addresses.upstream);
    if addresses.needs_token { filled } else { filled.replace("{$CLAVIGER_DOOR_TOKEN}", "") }
}

/// A header of the API's own for keys stays at the usual one, which is there anyway.
fn envoy(file: &str, addresses: &Addresses<'_>) -> String {
    let mut filled = without_instructions(file)
        .replace("@SERVER_NAME@", addresses.server_name)
        .replace("@API@", addresses.api)
        .replace("@KEY_HEADER@", "x-api-key");
    for (word, address) in
        [("LISTEN", addresses.listen), ("DOORS", addresses.doors()), ("UPSTREAM", addresses.upstream)]
    {
        filled = envoy_address(&filled, word, address);
    }
    if addresses.needs_token { filled } else { filled.replace("@DOOR_TOKEN@", "") }
}

/// Envoy takes host and port apart, and a socket's path in a word of its own.
fn envoy_address(text: &str, word: &str, address: &str) -> String {
    if let Some(path) = address.strip_prefix("unix:") {
        let tcp = format!("socket_address: {{ address: \"@{word}_HOST@\", port_value: @{word}_PORT@ }}");
        return text.replace(&tcp, &format!("pipe: {{ path: \"{path}\" }}"));
    }
    let (host, port) = address.rsplit_once(':').unwrap_or((address, "80"));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    text.replace(&format!("@{word}_HOST@"), host).replace(&format!("@{word}_PORT@"), port)
}

/// Without what the head of the file says about filling it in: its first line stays.
fn without_instructions(file: &str) -> String {
    let first = file.lines().next().unwrap_or_default();
    let rest = file.split_once("\n\n").map_or("", |(_, rest)| rest);
    format!("{first}\n\n{rest}")
}

// === impl Addresses ===

impl Addresses<'_> {
    /// Without its scheme, as gateways take it.
    fn doors(&self) -> &str {
        let schemes = ["http://", "https://"];
        schemes.iter().find_map(|scheme| self.doors_url.strip_prefix(scheme)).unwrap_or(self.doors_url)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    static SAMPLE: LazyLock<Sample> = LazyLock::new(|| Sample {
        method: "GET".to_owned(),
        path: "/repos/owner/repo/issues".to_owned(),
        client_ip: "198.51.100.7".to_owned(),
    });
    static ADDRESSES: LazyLock<Addresses<'static>> = LazyLock::new(|| Addresses {
        doors_url: "http://127.0.0.1:7601",
        api: "github",
        listen: "127.0.0.1:8080",
        server_name: "api.example.com",
        upstream: "127.0.0.1:9000",
        sample: &SAMPLE,
        needs_token: false,
    });

    fn file(what: &str) -> &'static str {
        FILES.iter().find(|(word, _)| *word == what).expect("a file").1
    }

    /// The lines of a file that are no comments.
    fn lines(text: &str) -> Vec<&str> {
        text.lines().filter(|line| !line.trim_start().starts_with('#') && !line.is_empty()).collect()
    }

    #[test]
    fn the_page_shows_the_very_file_with_the_addresses_in_place() {
        let words = [
            ("@LISTEN@", "127.0.0.1:8080"),
            ("@SERVER_NAME@", "api.example.com"),
            ("@DOORS@", "127.0.0.1:7601"),
            ("@API@", "github"),
            ("@UPSTREAM@", "127.0.0.1:9000"),
            ("@DOOR_TOKEN@", ""),
            ("@KEY_HEADER@", "x-api-key"),
        ];
        for what in ["nginx", "haproxy", "traefik", "apache"] {
            let expected = words.iter().fold(file(what).to_owned(), |text, (word, value)| text.replace(word, value));
            assert_eq!(lines(&filled(what, &ADDRESSES).expect("a file")), lines(&expected), "{what}");
        }
        let caddy = filled("caddy", &ADDRESSES).expect("a file");
        let variables = [
            ("SITE", "http://127.0.0.1:8080"),
            ("SERVER_NAME", "api.example.com"),
            ("DOORS", "127.0.0.1:7601"),
            ("API", "github"),
            ("UPSTREAM", "127.0.0.1:9000"),
            ("DOOR_TOKEN", ""),
        ];
        let set = |text: String, (name, value): &(&str, &str)| text.replace(&format!("{{$CLAVIGER_{name}}}"), value);
        assert_eq!(lines(&caddy), lines(&variables.iter().fold(file("caddy").to_owned(), set)));
        for what in CODE {
            let words = [
                ("DOORS_URL", "http://127.0.0.1:7601"),
                ("API", "github"),
                ("METHOD", "GET"),
                ("PATH", "/repos/owner/repo/issues"),
                ("CLIENT_IP", "198.51.100.7"),
            ];
            let set = |text: String, (word, value): &(&str, &str)| text.replace(&format!("@{word}@"), value);
            let expected = words.iter().fold(file(what).to_owned(), set);
            assert_eq!(filled(what, &ADDRESSES).expect("a file"), expected, "{what}");
        }
    }

    #[test]
    fn nothing_is_left_to_fill_in_but_a_token_that_is_needed() {
        let needing = Addresses { needs_token: true, ..*ADDRESSES };
        for what in GATEWAYS.iter().chain(&CODE) {
            let shown = filled(what, &ADDRESSES).expect("a file");
            assert!(shown.contains("github") && shown.contains("7601"), "{what}");
            assert!(!CODE.contains(what) || shown.contains("/repos/owner/repo/issues"), "{what}");
            // An API whose keys come in a header of its own has words for it in comments.
            let left = lines(&shown).into_iter().find(|line| {
                line.contains("@API@")
                    || line.contains("@PATH@")
                    || line.contains("_HOST@")
                    || line.contains("_PORT@")
                    || line.contains("{$CLAVIGER_D")
            });
            assert_eq!(left, None, "{what}");
        }
        assert!(filled("caddy", &needing).expect("a file").contains("{$CLAVIGER_DOOR_TOKEN}"));
        for what in ["nginx", "envoy-grpc", "envoy-http", "haproxy", "traefik"] {
            assert!(filled(what, &needing).expect("a file").contains("\"@DOOR_TOKEN@\""));
            assert!(!filled(what, &ADDRESSES).expect("a file").contains("@DOOR_TOKEN@"));
        }
        assert!(filled("apache", &needing).expect("a file").contains("client_secret=@DOOR_TOKEN@&"));
        assert!(filled("apache", &ADDRESSES).expect("a file").contains("client_secret=&"));
        assert_eq!(filled("other", &ADDRESSES), None);
    }

    #[test]
    fn instructions_that_are_done_are_left_out_and_sockets_are_written_as_each_gateway_does() {
        let nginx = filled("nginx", &ADDRESSES).expect("a file");
        assert!(
            nginx.starts_with("# Claviger in front of an API, for nginx") && !nginx.contains("Replace these words")
        );
        let socket = Addresses { doors_url: "unix:/run/claviger/doors.sock", ..*ADDRESSES };
        assert!(filled("nginx", &socket).expect("a file").contains("server unix:/run/claviger/doors.sock;"));
        assert!(filled("haproxy", &socket).expect("a file").contains("server doors unix@/run/claviger/doors.sock"));
        assert!(filled("caddy", &socket).expect("a file").contains("forward_auth unix//run/claviger/doors.sock {"));
        let pipe = "address: { pipe: { path: \"/run/claviger/doors.sock\" } }";
        assert!(filled("envoy-grpc", &socket).expect("a file").contains(pipe));
        let curl = "--unix-socket '/run/claviger/doors.sock' 'http://localhost/v1/verify'";
        assert!(filled("curl", &socket).expect("a file").contains(curl));
    }
}
