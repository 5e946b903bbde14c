//! The files of `gateways/` with addresses filled in.

/// What can be shown: its word, and its file.
const FILES: [(&str, &str); 8] = [
    ("nginx", include_str!("../../../../../gateways/nginx.conf")),
    ("caddy", include_str!("../../../../../gateways/Caddyfile")),
    ("curl", include_str!("../../../../../gateways/code/verify.sh")),
    ("rust", include_str!("../../../../../gateways/code/verify.rs")),
    ("typescript", include_str!("../../../../../gateways/code/verify.ts")),
    ("python", include_str!("../../../../../gateways/code/verify.py")),
    ("go", include_str!("../../../../../gateways/code/verify.go")),
    ("java", include_str!("../../../../../gateways/code/Verify.java")),
];
/// What sits in front of a service.
pub(super) const GATEWAYS: [&str; 2] = ["nginx", "caddy"];
/// What asks by itself.
pub(super) const CODE: [&str; 6] = ["curl", "rust", "typescript", "python", "go", "java"];

/// What stands in the place of the files' words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addresses<'a> {
    /// `http://127.0.0.1:7601` or `unix:/path`.
    pub(super) doors_url: &'a str,
    pub(super) api: &'a str,
    pub(super) listen: &'a str,
    pub(super) server_name: &'a str,
    pub(super) upstream: &'a str,
    /// Whether a token has still to be put in.
    pub(super) needs_token: bool,
}

/// A file as it can be pasted; `None`: there is no such.
pub(super) fn filled(what: &str, addresses: &Addresses<'_>) -> Option<String> {
    let (_, file) = FILES.iter().find(|(word, _)| *word == what)?;
    Some(match what {
        "nginx" => nginx(file, addresses),
        "caddy" => caddy(file, addresses),
        _ => file.replace("@DOORS_URL@", addresses.doors_url).replace("@API@", addresses.api),
    })
}

fn nginx(file: &str, addresses: &Addresses<'_>) -> String {
    let filled = without_instructions(file)
        .replace("@LISTEN@", addresses.listen)
        .replace("@SERVER_NAME@", addresses.server_name)
        .replace("@DOORS@", addresses.doors())
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
    use super::*;

    const ADDRESSES: Addresses<'_> = Addresses {
        doors_url: "http://127.0.0.1:7601",
        api: "github",
        listen: "127.0.0.1:8080",
        server_name: "api.example.com",
        upstream: "127.0.0.1:9000",
        needs_token: false,
    };

    fn file(what: &str) -> &'static str {
        FILES.iter().find(|(word, _)| *word == what).expect("a file").1
    }

    /// The lines of a file that are no comments.
    fn lines(text: &str) -> Vec<&str> {
        text.lines().filter(|line| !line.trim_start().starts_with('#') && !line.is_empty()).collect()
    }

    #[test]
    fn the_page_shows_the_very_file_with_the_addresses_in_place() {
        let nginx = filled("nginx", &ADDRESSES).expect("a file");
        let words = [
            ("@LISTEN@", "127.0.0.1:8080"),
            ("@SERVER_NAME@", "api.example.com"),
            ("@DOORS@", "127.0.0.1:7601"),
            ("@API@", "github"),
            ("@UPSTREAM@", "127.0.0.1:9000"),
            ("@DOOR_TOKEN@", ""),
        ];
        let expected = words.iter().fold(file("nginx").to_owned(), |text, (word, value)| text.replace(word, value));
        assert_eq!(lines(&nginx), lines(&expected));
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
            let expected = file(what).replace("@DOORS_URL@", "http://127.0.0.1:7601").replace("@API@", "github");
            assert_eq!(filled(what, &ADDRESSES).expect("a file"), expected, "{what}");
        }
    }

    #[test]
    fn nothing_is_left_to_fill_in_but_a_token_that_is_needed() {
        let needing = Addresses { needs_token: true, ..ADDRESSES };
        for what in GATEWAYS.iter().chain(&CODE) {
            let shown = filled(what, &ADDRESSES).expect("a file");
            assert!(shown.contains("github") && shown.contains("127.0.0.1:7601"), "{what}");
            // An API whose keys come in a header of its own has words for it in comments.
            let left = lines(&shown)
                .into_iter()
                .find(|line| line.contains("@API@") || line.contains("@DOOR") || line.contains("{$CLAVIGER_D"));
            assert_eq!(left, None, "{what}");
        }
        assert!(filled("nginx", &needing).expect("a file").contains("\"@DOOR_TOKEN@\""));
        assert!(filled("caddy", &needing).expect("a file").contains("{$CLAVIGER_DOOR_TOKEN}"));
        assert_eq!(filled("other", &ADDRESSES), None);
    }

    #[test]
    fn instructions_that_are_done_are_left_out_and_sockets_are_written_as_each_gateway_does() {
        let nginx = filled("nginx", &ADDRESSES).expect("a file");
        assert!(
            nginx.starts_with("# Claviger in front of an API, for nginx") && !nginx.contains("Replace these words")
        );
        let socket = Addresses { doors_url: "unix:/run/claviger/doors.sock", ..ADDRESSES };
        assert!(filled("nginx", &socket).expect("a file").contains("server unix:/run/claviger/doors.sock;"));
        assert!(filled("caddy", &socket).expect("a file").contains("forward_auth unix//run/claviger/doors.sock {"));
    }
}
