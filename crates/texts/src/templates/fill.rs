//! Puts values in the places of placeholders.

use std::borrow::Cow;

use super::{Placeholder, Template, Values};
use crate::Letter;

/// A part of a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// What stands there.
    Text(&'a str),
    /// What stands between braces, if it could be a name.
    Named(&'a str),
}

/// Where a text goes, which says what it must not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Into {
    Subject,
    Text,
    Html,
}

/// The parts of a template, each with its place. Braces around what is no name are text: those of style sheets, say.
pub(super) fn pieces(template: &str) -> Vec<(usize, Piece<'_>)> {
    let (mut pieces, mut text_from, mut at) = (Vec::new(), 0, 0);
    while let Some(open) = template[at..].find('{').map(|found| at + found) {
        let inner = &template[open + 1..];
        let name = inner.split('}').next().filter(|name| name.len() < inner.len() && is_name(name.trim()));
        at = open + 1;
        if let Some(name) = name {
            pieces.push((text_from, Piece::Text(&template[text_from..open])));
            pieces.push((open, Piece::Named(name.trim())));
            at = open + name.len() + 2;
            text_from = at;
        }
    }
    pieces.push((text_from, Piece::Text(&template[text_from..])));
    pieces
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

// === impl Into ===

impl Into {
    /// A value as it stands there.
    fn fit(self, value: &str) -> Cow<'_, str> {
        match self {
            Self::Html => escape(value).into(),
            // A line that ends would begin another header.
            Self::Subject if value.contains(char::is_control) => value.replace(char::is_control, " ").into(),
            Self::Subject | Self::Text => value.into(),
        }
    }
}

// === impl Template ===

impl Template {
    /// The mail that these values make of it.
    pub fn fill(&self, values: &Values, link: &str) -> Letter {
        let of = |template: &str, place: Into| {
            let mut filled = String::with_capacity(template.len() + link.len());
            for (_, piece) in pieces(template) {
                match piece {
                    Piece::Text(text) => filled.push_str(text),
                    // One that is unknown was refused when the template was saved.
                    Piece::Named(name) => {
                        let value = Placeholder::named(name).map_or("", |placeholder| values.of(placeholder, link));
                        filled.push_str(&place.fit(value));
                    }
                }
            }
            filled
        };
        Letter {
            subject: of(&self.subject, Into::Subject),
            body: of(&self.text, Into::Text),
            html: Some(of(&self.html, Into::Html)),
        }
    }
}

// === impl Values ===

impl Values {
    fn of<'a>(&'a self, placeholder: Placeholder, link: &'a str) -> &'a str {
        match placeholder {
            Placeholder::Link => link,
            Placeholder::UserName => &self.user_name,
            Placeholder::Application => &self.application,
            Placeholder::Organization => &self.organization,
            Placeholder::ExpiresAt => &self.expires_at,
            Placeholder::Record => &self.record,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(template: &str) -> Vec<&str> {
        let named = |piece| if let Piece::Named(name) = piece { Some(name) } else { None };
        pieces(template).into_iter().filter_map(|(_, piece)| named(piece)).collect()
    }

    #[test]
    fn a_name_between_braces_is_a_placeholder_and_other_braces_are_text() {
        assert_eq!(named("{link} { user_name }{Link}"), ["link", "user_name", "Link"]);
        assert_eq!(named("p { color: red } {} { } {a-b} {link {{record}} }"), ["record"]);
        assert_eq!(named("{łink} {link\n} {link"), ["link"]);
        for template in ["", "x", "{", "}", "{}", "{{{link}}}", "ą{link}ę", "{ą}{link}"] {
            let whole: String = pieces(template)
                .into_iter()
                .map(|(_, piece)| match piece {
                    Piece::Text(text) => text.to_owned(),
                    Piece::Named(name) => format!("{{{name}}}"),
                })
                .collect();
            assert_eq!(whole, template);
        }
    }

    #[test]
    fn values_are_no_markup_no_headers_and_no_placeholders() {
        let template = Template {
            subject: "For {user_name}".to_owned(),
            text: "{user_name} {link}".to_owned(),
            html: "<p title=\"x\">{user_name}</p><a href=\"{link}\">{ link }</a>".to_owned(),
        };
        let user_name = "<b onclick='x'>&\"{link}\r\nBcc: eve@example.com".to_owned();
        let values = Values { user_name: user_name.clone(), ..Values::default() };
        let letter = template.fill(&values, "https://x.example/?a=1&b='2'");
        assert_eq!(letter.subject, "For <b onclick='x'>&\"{link}  Bcc: eve@example.com");
        assert_eq!(letter.body, format!("{user_name} https://x.example/?a=1&b='2'"));
        let link = "https://x.example/?a=1&amp;b=&#39;2&#39;";
        assert_eq!(
            letter.html.expect("HTML"),
            format!(
                "<p title=\"x\">&lt;b onclick=&#39;x&#39;&gt;&amp;&quot;{{link}}\r\nBcc: eve@example.com</p>\
                 <a href=\"{link}\">{link}</a>"
            )
        );
    }
}
