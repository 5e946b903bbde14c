//! Whom people ask: an address that leads somewhere is a link, anything else text.

use maud::{Markup, html};

/// The contact of an organization's administrators.
pub(crate) fn shown(contact: &str) -> Markup {
    let is_whole = !contact.contains(char::is_whitespace);
    let is_web = is_whole && ["https://", "http://"].iter().any(|scheme| contact.starts_with(scheme));
    let is_mail =
        is_whole && contact.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    html! {
        @if is_web {
            a href=(contact) rel="noopener noreferrer" target="_blank" { (contact) }
        } @else if is_mail {
            a href={ "mailto:" (contact) } { (contact) }
        } @else {
            (contact)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_links_and_nothing_else_does() {
        for (contact, link) in [
            ("it-desk@example.com", Some("mailto:it-desk@example.com")),
            ("https://help.example.com/keys", Some("https://help.example.com/keys")),
            ("javascript:alert(1)", None),
            ("Room 4, or it-desk@example.com", None),
            ("@example.com", None),
            ("Anna \u{2014} extension 47", None),
        ] {
            let markup = shown(contact).into_string();
            let expected = link.map(|link| format!("href=\"{link}\""));
            assert_eq!(markup.contains("href"), link.is_some(), "{markup}");
            assert!(expected.is_none_or(|link| markup.contains(&link)), "{markup}");
        }
    }
}
