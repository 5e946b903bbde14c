//! The first call of a new connection, as it is pasted into a shell.

use claviger_texts::console::connect as texts;
use maud::{Markup, html};

use super::application::Kind;
use crate::parts::copy;
use crate::viewer::Viewer;

/// What stands in the line; a placeholder where it is not known any more.
#[derive(Debug, Clone, Copy)]
pub(in crate::pages::admin) struct Connection<'a> {
    pub(in crate::pages::admin) application: &'a str,
    pub(in crate::pages::admin) password: Option<&'a str>,
    pub(in crate::pages::admin) key: Option<&'a str>,
    pub(in crate::pages::admin) user: Option<&'a str>,
}

// === impl Connection ===

impl Connection<'_> {
    /// The line for applications of a type: the sign-in where users sign in, else the doors' question who one is. None where users
    /// sign in and there is no listener that they could reach.
    pub(in crate::pages::admin) fn line(&self, viewer: &Viewer, kind: &Kind) -> Option<String> {
        let key = header("X-Api-Key", self.key.unwrap_or(texts::KEY));
        let login = quoted(&format!("{}:{}", self.application, self.password.unwrap_or(texts::PASSWORD)));
        if kind.signs_in() {
            let base = viewer.doors.public_url.as_deref()?;
            let body = serde_json::json!({"userName": self.user.unwrap_or(texts::USER_NAME), "password": texts::USER_PASSWORD});
            let (body, container) = (quoted(&body.to_string()), container(&kind.slug));
            let json = header("Content-Type", "application/json");
            let path = format!("/webservice/{container}/Users/Login");
            return Some(format!("curl -u {login} {key} {json} -d {body} {}", place(base, &path)));
        }
        let who = place(&viewer.doors.url, "/v1/whoami");
        let token = header("X-Token", texts::TOKEN);
        Some(match kind.sign_in.as_str() {
            "static_token" => format!("curl -u {login} {key} {token} {who}"),
            "key_and_token" => format!("curl {key} {token} {who}"),
            _ => format!("curl {key} {who}"),
        })
    }

    /// The same as a part of a page, where it has one.
    pub(in crate::pages::admin) fn card(&self, viewer: &Viewer, kind: &Kind) -> Markup {
        let Some(line) = self.line(viewer, kind) else { return html! {} };
        let hint = if kind.signs_in() { texts::SIGN_IN_HINT } else { texts::WHOAMI_HINT };
        html! {
            section .card {
                header { h2 { (texts::TITLE) } p { (hint) } }
                section { (copy::block("connect", texts::TITLE, &line, 4)) }
            }
        }
    }
}

/// How paths of the web service name a type: its slug without hyphens, each part with a capital.
fn container(slug: &str) -> String {
    let capital = |part: &str| {
        let mut letters = part.chars();
        letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    slug.split('-').map(capital).collect()
}

fn header(name: &str, value: &str) -> String {
    format!("-H {}", quoted(&format!("{name}: {value}")))
}

/// Where a path is: at an address, or at a socket.
fn place(base: &str, path: &str) -> String {
    match base.strip_prefix("unix:") {
        Some(socket) => format!("--unix-socket {} http://localhost{path}", quoted(socket)),
        None => format!("{}{path}", base.trim_end_matches('/')),
    }
}

/// A text as a shell takes it whole.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_type_as_clients_do() {
        assert_eq!(container("webservice-standard"), "WebserviceStandard");
        assert_eq!(container("sms"), "Sms");
    }

    #[test]
    fn a_socket_is_no_address() {
        assert_eq!(place("http://127.0.0.1:7602/", "/x"), "http://127.0.0.1:7602/x");
        assert_eq!(place("unix:/run/it's", "/x"), r"--unix-socket '/run/it'\''s' http://localhost/x");
    }
}
