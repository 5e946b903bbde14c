//! A question before something ends: names the thing, its last use and the consequence. It is a `<details>` without scripts and a
//! dialog with them.

use claviger_texts::console::confirm::Answers;
use maud::{Markup, html};

use super::frame::csrf;
use crate::viewer::Viewer;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    /// The button that opens it, and the question's title.
    pub(crate) action: &'a str,
    /// What goes, with its last use.
    pub(crate) what: &'a Markup,
    pub(crate) consequence: &'a str,
    /// What its two buttons say, each by what it does.
    pub(crate) answers: Answers,
    /// Where it goes when it is done.
    pub(crate) path: &'a str,
    /// Further fields of its form.
    pub(crate) fields: &'a Markup,
    pub(crate) is_destructive: bool,
}

// === impl Question ===

impl Question<'_> {
    /// Opened by a button with the action's word.
    pub(crate) fn ask(&self, viewer: &Viewer) -> Markup {
        let variant = if self.is_destructive { "destructive" } else { "outline" };
        self.asked(viewer, &html! { summary .btn data-variant=(variant) { (self.action) } })
    }

    /// Opened by something else.
    pub(crate) fn ask_by(&self, viewer: &Viewer, opener: &Markup) -> Markup {
        self.asked(viewer, &html! { summary .opener { (opener) } })
    }

    fn asked(&self, viewer: &Viewer, summary: &Markup) -> Markup {
        html! {
            details .confirm data-dialog {
                (summary)
                div .confirm-body role="group" aria-label=(self.action) {
                    h2 { (self.action) }
                    div { (self.what) }
                    p { (self.consequence) }
                    form method="post" action=(self.path) {
                        (csrf(viewer))
                        (self.fields)
                        div .buttons {
                            button .btn data-variant=(if self.is_destructive { "destructive" } else { "primary" }) type="submit" { (self.answers.yes) }
                            button .btn data-variant="outline" type="button" data-close { (self.answers.no) }
                        }
                    }
                }
            }
        }
    }
}
