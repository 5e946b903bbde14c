//! The state of a thing: a word and a shape, so that it reads without colour too.

use claviger_texts::console::state;
use maud::{Markup, html};

/// A state of the API, as its word.
pub(crate) fn state(word: &str) -> Markup {
    let kind = match word {
        "active" | "live" | "on" => "good",
        "pending" | "not_yet_valid" | "invited" | "open" => "waiting",
        "expired" | "disabled" | "locked" | "deleted" | "lost" => "stopped",
        _ => "plain",
    };
    html! { span .state data-kind=(kind) { span .dot aria-hidden="true" {} (state::word(word)) } }
}

/// A word that stands out from text.
pub(crate) fn tag(text: &str) -> Markup {
    html! { span .badge data-variant="secondary" { (text) } }
}

/// The same in the type of code.
pub(crate) fn code(text: &str) -> Markup {
    html! { code { (text) } }
}
