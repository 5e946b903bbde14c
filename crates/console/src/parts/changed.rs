//! What differs between a record and a form: beside what was typed after a stale edit, and before a change is saved.

use claviger_texts::console::form as words;
use maud::{Markup, html};

use crate::form::Form;

/// The fields of a form that are compared, with their labels.
pub(crate) type Labels<'a> = &'a [(&'a str, &'a str)];

/// What stands there now where it is not what was typed.
pub(crate) fn now(labels: Labels<'_>, stored: &Form, typed: &Form) -> Markup {
    html! {
        dl .facts .now {
            @for (name, label) in differing(labels, stored, typed) {
                dt { (label) } dd { (words::NOW) " " code { (shown(stored, name)) } }
            }
        }
    }
}

/// What stands there, and what takes its place.
pub(crate) fn before_and_after(labels: Labels<'_>, stored: &Form, typed: &Form) -> Markup {
    html! {
        dl .changes {
            @for (name, label) in differing(labels, stored, typed) {
                dt { (label) }
                dd { del { (shown(stored, name)) } " → " ins { (shown(typed, name)) } }
            }
        }
    }
}

/// Every field of a form, to be sent again by a button.
pub(crate) fn carried(form: &Form, but: &[&str]) -> Markup {
    html! {
        @for (name, value) in form.fields().filter(|(name, _)| !but.contains(name)) {
            input type="hidden" name=(name) value=(value);
        }
    }
}

fn differing<'a>(labels: Labels<'a>, stored: &Form, typed: &Form) -> Vec<(&'a str, &'a str)> {
    labels.iter().filter(|(name, _)| !stored.all(name).eq(typed.all(name))).copied().collect()
}

fn shown(form: &Form, name: &str) -> String {
    let text = form.all(name).collect::<Vec<_>>().join(", ");
    if text.is_empty() { words::NOTHING.to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_shown_with_what_was_there_first() {
        let form = |text: &str| Form::parse(text.as_bytes()).expect("few fields");
        let (stored, typed) = (form("name=a&tags=x&days=90"), form("name=b&tags=x&days="));
        let labels = [("name", "Name"), ("tags", "Tags"), ("days", "Days")];
        let shown = before_and_after(&labels, &stored, &typed).into_string();
        assert!(shown.contains("<dt>Name</dt><dd><del>a</del> → <ins>b</ins></dd>"), "{shown}");
        assert!(shown.contains("<del>90</del> → <ins>–</ins>") && !shown.contains("Tags"), "{shown}");
        assert!(now(&labels, &stored, &typed).into_string().contains("<code>a</code>"));
    }
}
