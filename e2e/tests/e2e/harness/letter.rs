//! Mails as programs read them.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::smtp::header;

/// Reads a mail as programs do: subject, type, and the text of each part.
const READER: &str = "
import email, email.policy, json, sys
mail = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
parts = [[part.get_content_type(), part.get_content()] for part in mail.walk() if not part.is_multipart()]
print(json.dumps({'subject': mail['Subject'], 'headers': sorted(mail.keys()), 'type': mail.get_content_type(), 'parts': parts}))
";

/// A mail as it is read.
pub struct Letter {
    /// Where it went.
    pub recipient: String,
    /// One line, decoded.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The document.
    pub html: String,
}

/// Reads a mail of text alone: its subject and its text.
pub fn read_text(mail: &str) -> (String, String) {
    let said = parse(mail);
    assert_eq!(said["type"], "text/plain", "{said}");
    let text = |value: &Value| value.as_str().expect("a text").replace("\r\n", "\n");
    (text(&said["subject"]), text(&said["parts"][0][1]))
}

fn parse(mail: &str) -> Value {
    use std::io::Write as _;
    let mut python = Command::new("/usr/bin/python3");
    let python = python.args(["-c", READER]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = python.spawn().expect("python3 is installed");
    child.stdin.take().expect("a pipe").write_all(mail.as_bytes()).expect("written");
    let said = child.wait_with_output().expect("an answer").stdout;
    serde_json::from_slice(&said).expect("JSON")
}

/// Reads a mail in two parts.
pub fn read(mail: &str) -> Letter {
    let said = parse(mail);
    let text = |value: &Value| value.as_str().expect("a text").replace("\r\n", "\n");
    assert_eq!(said["type"], "multipart/alternative", "{said}");
    assert_eq!((&said["parts"][0][0], &said["parts"][1][0]), (&json!("text/plain"), &json!("text/html")), "{said}");
    let headers = said["headers"].as_array().expect("a list");
    assert!(!headers.iter().any(|name| name == "Bcc"), "{said}");
    Letter {
        recipient: header(mail, "X-Recipient"),
        subject: text(&said["subject"]),
        text: text(&said["parts"][0][1]),
        html: text(&said["parts"][1][1]),
    }
}

// === impl Letter ===

impl Letter {
    /// What stands behind `begin` in the text; the document has the same link.
    pub fn behind(&self, begin: &str) -> String {
        let (_, rest) = self.text.split_once(begin).unwrap_or_else(|| panic!("{begin} in {}", self.text));
        let end = rest.split_whitespace().next().expect("something").to_owned();
        let link = format!("href=\"{}\"", format!("{begin}{end}").replace('&', "&amp;"));
        assert!(self.html.contains(&link), "{link} in {}", self.html);
        end
    }
}
