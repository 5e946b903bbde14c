//! What is wrong with a template, by its field.

use std::fmt;

use super::fill::{Piece, pieces};
use super::html::{Place, Places};
use super::{Placeholder, Template, TemplateKind};

/// The most characters of a subject.
pub const SUBJECT_LENGTH_MAX: usize = 200;
/// The most characters of a text.
pub const TEXT_LENGTH_MAX: usize = 10_000;
/// The most characters of a document.
pub const HTML_LENGTH_MAX: usize = 20_000;

/// Elements that do something, or change what others do. Programs that read mails take them out; so they need not go out.
const NOT_IN_MAILS: [&str; 8] = ["script", "iframe", "frame", "object", "embed", "form", "base", "link"];

/// What is wrong with a part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mistake {
    /// There is nothing.
    Empty,
    /// More characters than this.
    TooLong(usize),
    /// A control character; or a line break where there is one line.
    Control,
    /// A placeholder that this mail does not have; those that it has.
    Unknown(String, TemplateKind),
    /// It leads nowhere.
    NoLink,
    /// The link stands where it is seen in lists and logs.
    LinkInSubject,
    /// A placeholder other than the link within a tag, where a value could be more than a value.
    InTag(String),
    /// A placeholder in a style sheet.
    InStyle(String),
    /// An element that has no place in a mail.
    Element(String),
}

// === impl Template ===

impl Template {
    /// Everything that is wrong with it, as a template of this kind; each with its field.
    pub fn mistakes(&self, kind: TemplateKind) -> Vec<(&'static str, Mistake)> {
        let mut mistakes = Vec::new();
        let parts = [
            ("subject", &self.subject, SUBJECT_LENGTH_MAX),
            ("text", &self.text, TEXT_LENGTH_MAX),
            ("html", &self.html, HTML_LENGTH_MAX),
        ];
        for (field, part, length_max) in parts {
            if let Some(mistake) = unreadable(part, length_max, field != "subject") {
                mistakes.push((field, mistake));
                continue;
            }
            let named = names(part);
            let unknown = named.iter().find(|(_, name)| !kind.has(name));
            if let Some((_, name)) = unknown {
                mistakes.push((field, Mistake::Unknown((*name).to_owned(), kind)));
            }
            let has_link = named.iter().any(|(_, name)| *name == Placeholder::Link.name());
            match field {
                "subject" if has_link => mistakes.push((field, Mistake::LinkInSubject)),
                "text" | "html" if !has_link => mistakes.push((field, Mistake::NoLink)),
                _ => {}
            }
            if field == "html" {
                mistakes.extend(misplaced(part, &named).map(|mistake| (field, mistake)));
            }
        }
        mistakes
    }
}

fn unreadable(part: &str, length_max: usize, has_lines: bool) -> Option<Mistake> {
    let is_control = |c: char| c.is_control() && !(has_lines && matches!(c, '\n' | '\r' | '\t'));
    if part.trim().is_empty() {
        Some(Mistake::Empty)
    } else if part.chars().count() > length_max {
        Some(Mistake::TooLong(length_max))
    } else {
        part.contains(is_control).then_some(Mistake::Control)
    }
}

fn names(part: &str) -> Vec<(usize, &str)> {
    let name = |(at, piece)| if let Piece::Named(name) = piece { Some((at, name)) } else { None };
    pieces(part).into_iter().filter_map(name).collect()
}

/// What stands in a document where it must not.
fn misplaced(html: &str, named: &[(usize, &str)]) -> Option<Mistake> {
    let places = Places::of(html);
    let is_refused = |element: &&&str| NOT_IN_MAILS.iter().any(|refused| element.eq_ignore_ascii_case(refused));
    if let Some(element) = places.elements.iter().find(is_refused) {
        return Some(Mistake::Element(element.to_ascii_lowercase()));
    }
    named.iter().find_map(|(at, name)| match places.at(*at) {
        Place::Tag if *name != Placeholder::Link.name() => Some(Mistake::InTag((*name).to_owned())),
        Place::Style => Some(Mistake::InStyle((*name).to_owned())),
        Place::Tag | Place::Text => None,
    })
}

// === impl TemplateKind ===

impl TemplateKind {
    fn has(self, name: &str) -> bool {
        self.placeholders().iter().any(|placeholder| placeholder.name() == name)
    }
}

// === impl Mistake ===

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("must not be empty"),
            Self::TooLong(most) => write!(f, "expected at most {most} characters"),
            Self::Control => f.write_str("must not contain control characters"),
            Self::Unknown(name, kind) => {
                let known = kind.placeholders().iter().map(|placeholder| format!("{{{}}}", placeholder.name()));
                let known: Vec<_> = known.collect();
                write!(f, "unknown placeholder {{{name}}}, expected {}", known.join(", "))
            }
            Self::NoLink => f.write_str("must hold {link}: the mail is there for it"),
            Self::LinkInSubject => f.write_str("must not hold {link}: subjects are seen in lists and logs"),
            Self::InTag(name) => write!(f, "must not hold {{{name}}} within a tag: only {{link}} may stand there"),
            Self::InStyle(name) => write!(f, "must not hold {{{name}}} in a style sheet"),
            Self::Element(name) => write!(f, "must not hold the element {name}: it has no place in a mail"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(subject: &str, text: &str, html: &str) -> Template {
        Template { subject: subject.to_owned(), text: text.to_owned(), html: html.to_owned() }
    }

    fn mistakes(subject: &str, text: &str, html: &str) -> Vec<(&'static str, String)> {
        let mistakes = template(subject, text, html).mistakes(TemplateKind::PasswordReset);
        mistakes.into_iter().map(|(field, mistake)| (field, mistake.to_string())).collect()
    }

    fn of_html(html: &str) -> Vec<Mistake> {
        let mistakes = template("x", "{link}", html).mistakes(TemplateKind::RecordLink);
        mistakes.into_iter().map(|(_, mistake)| mistake).collect()
    }

    #[test]
    fn each_mistake_is_named_by_its_field() {
        assert_eq!(mistakes("For {user_name}", "{link}\r\n\t{expires_at}", "<p>{link}</p>"), []);
        let empty = "must not be empty".to_owned();
        assert_eq!(mistakes("", " \n", ""), [("subject", empty.clone()), ("text", empty.clone()), ("html", empty)]);
        let found = mistakes("{link}{Link}", "no way {record}", "<p>no way</p>");
        let fields: Vec<_> = found.iter().map(|(field, _)| *field).collect();
        assert_eq!(fields, ["subject", "subject", "text", "text", "html"]);
        assert_eq!(
            found[2].1,
            "unknown placeholder {record}, expected {link}, {user_name}, {application}, {organization}, {expires_at}"
        );
        for (subject, text) in
            [("a\nBcc: b", "{link}"), ("a", "{link}\0"), ("a\u{85}", "{link}"), ("a", "{link}\u{1b}")]
        {
            let found = mistakes(subject, text, "{link}");
            assert_eq!(found.len(), 1, "{subject:?} {text:?}");
            assert_eq!(found[0].1, "must not contain control characters");
        }
        let found = mistakes(&"x".repeat(201), &"ą".repeat(10_001), &"x".repeat(20_001));
        let said: Vec<_> = found.iter().map(|(_, said)| said.as_str()).collect();
        assert_eq!(said, [200, 10_000, 20_000].map(|most| format!("expected at most {most} characters")));
        assert_eq!(mistakes(&"ą".repeat(200), "{link}", "{link}"), []);
    }

    #[test]
    fn a_value_stands_in_html_only_where_it_is_one() {
        assert_eq!(of_html("<style>p { color: red }</style><a href='{link}'>{record}</a>"), []);
        for html in [
            "{link}<a title={user_name}>",
            "{link}<a title=\"{user_name}\">",
            "{link}<{user_name}>x{link}</{user_name}>",
        ] {
            let expected: &[Mistake] = &[Mistake::InTag("user_name".to_owned())];
            // A brace behind `<` begins no tag.
            assert!(of_html(html) == expected || html.contains("<{"), "{html}: {:?}", of_html(html));
        }
        assert_eq!(of_html("{link}<style>{record}</style>"), [Mistake::InStyle("record".to_owned())]);
        for element in ["script", "SCRIPT", "iframe", "form", "object", "base", "link"] {
            let found = of_html(&format!("{{link}}<{element} x=y>"));
            assert_eq!(found, [Mistake::Element(element.to_ascii_lowercase())], "{element}");
        }
        assert_eq!(of_html("{link} a < script"), []);
    }
}
