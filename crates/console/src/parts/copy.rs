//! Values to be taken away: a secret, shown once, copied or downloaded, and emptied when the page is left.

use claviger_texts::console::apis::copy as names;
use claviger_texts::console::secret as texts;
use maud::{Markup, html};

/// Secrets that are shown this once, one a line.
pub(crate) fn lines(id: &str, label: &str, values: &[String]) -> Markup {
    html! {
        div .field {
            label .sr-only for=(id) { (label) }
            copy-once .copy .lines data-copied=(texts::COPIED) {
                textarea .textarea .mono id=(id) rows=(values.len()) readonly autocomplete="off" spellcheck="false" data-secret {
                    (values.join("\n"))
                }
                button .btn data-variant="outline" type="button" data-copy=(id) hidden { (texts::COPY) }
                span .sr-only aria-live="polite" {}
            }
        }
    }
}

/// A secret that is shown this once: taking it along is what the page is for.
pub(crate) fn once(id: &str, label: &str, value: &str) -> Markup {
    line(id, label, value, "primary")
}

/// The same beside something that matters more.
pub(crate) fn aside(id: &str, label: &str, value: &str) -> Markup {
    line(id, label, value, "outline")
}

fn line(id: &str, label: &str, value: &str, variant: &str) -> Markup {
    html! {
        div .field {
            label for=(id) { (label) }
            copy-once .copy data-copied=(texts::COPIED) {
                input .input .mono id=(id) type="text" readonly value=(value) autocomplete="off" spellcheck="false" data-secret;
                button .btn data-variant=(variant) type="button" data-copy=(id) hidden { (texts::COPY) }
                span .sr-only aria-live="polite" {}
            }
        }
    }
}

/// A name that one takes along: text, and with scripts a button that copies it.
pub(crate) fn name(value: &str) -> Markup {
    html! { copy-text data-label=(names::COPY) data-copied=(names::COPIED) { code { (value) } } }
}

/// A text of many lines that is copied whole; `rows` of them are seen at once.
pub(crate) fn block(id: &str, label: &str, text: &str, rows: usize) -> Markup {
    html! {
        copy-once .copy .copy-block data-copied=(texts::COPIED) {
            textarea #(id) .textarea .mono rows=(rows) readonly aria-label=(label) autocomplete="off" spellcheck="false" wrap="off" { (text) }
            button .btn data-variant="outline" type="button" data-copy=(id) hidden { (texts::COPY) }
            span .sr-only aria-live="polite" {}
        }
    }
}
