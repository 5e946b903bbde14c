//! Fields of forms: a label that says whether it is required, a hint, and what was wrong with it, tied together for whoever
//! listens instead of looking.

use claviger_texts::console::form;
use maud::{Markup, html};

use crate::failure::Problems;

/// A field's frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    /// As the API calls it.
    pub(crate) name: &'a str,
    pub(crate) label: &'a str,
    pub(crate) hint: &'a str,
    pub(crate) is_required: bool,
    pub(crate) problems: &'a Problems,
}

/// A choice of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
}

/// What was wrong on the whole, on top of a form.
pub(crate) fn summary(problems: &Problems) -> Markup {
    html! {
        @if let Some(summary) = &problems.summary {
            div .alert data-variant="destructive" role="alert" tabindex="-1" autofocus {
                h2 { (form::NOT_DONE) }
                section {
                    p { (summary) }
                    @if problems.fields().len() > 1 {
                        ul { @for error in problems.fields() { li { code { (error.field) } ": " (error.message) } } }
                    }
                }
            }
        }
    }
}

/// Why somebody does not get on, where there was nothing to save.
pub(crate) fn refusal(problems: &Problems) -> Markup {
    html! {
        @if let Some(summary) = &problems.summary {
            div .alert data-variant="destructive" role="alert" { section { p { (summary) } } }
        }
    }
}

// === impl Field ===

impl<'a> Field<'a> {
    pub(crate) fn new(name: &'a str, label: &'a str, problems: &'a Problems) -> Self {
        Self { name, label, hint: "", is_required: false, problems }
    }

    #[must_use]
    pub(crate) fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    #[must_use]
    pub(crate) fn hint(self, hint: &'a str) -> Self {
        Self { hint, ..self }
    }

    /// One line.
    pub(crate) fn text(self, value: &str) -> Markup {
        self.input("text", value, "off")
    }

    /// One line of a kind that browsers know.
    pub(crate) fn input(self, kind: &str, value: &str, autocomplete: &str) -> Markup {
        let described = self.described_by();
        let is_wrong = self.is_wrong();
        self.frame(&html! {
            input .input id=(self.name) name=(self.name) type=(kind) value=(value) autocomplete=(autocomplete)
                required[self.is_required] aria-invalid=[is_wrong.then_some("true")] aria-describedby=[described];
        })
    }

    /// Several lines.
    pub(crate) fn area(self, value: &str, rows: u8) -> Markup {
        let described = self.described_by();
        let is_wrong = self.is_wrong();
        self.frame(&html! {
            textarea .textarea id=(self.name) name=(self.name) rows=(rows) spellcheck="false" required[self.is_required]
                aria-invalid=[is_wrong.then_some("true")] aria-describedby=[described] { (value) }
        })
    }

    /// One of several.
    pub(crate) fn choice(self, choices: &[Choice], chosen: &str) -> Markup {
        let described = self.described_by();
        let is_wrong = self.is_wrong();
        self.frame(&html! {
            select .select id=(self.name) name=(self.name) required[self.is_required]
                aria-invalid=[is_wrong.then_some("true")] aria-describedby=[described] {
                @for choice in choices {
                    option value=(choice.value) selected[choice.value == chosen] { (choice.label) }
                }
            }
        })
    }

    /// Yes or no.
    pub(crate) fn tick(self, is_on: bool) -> Markup {
        let described = self.described_by();
        html! {
            div .field data-orientation="horizontal" {
                input .input type="checkbox" id=(self.name) name=(self.name) value="on" checked[is_on] aria-describedby=[described];
                section { label for=(self.name) { (self.label) } (self.below()) }
            }
        }
    }

    /// Any control that has the field's name as its id.
    pub(crate) fn frame(self, control: &Markup) -> Markup {
        html! {
            div .field data-invalid=[self.is_wrong().then_some("true")] {
                label for=(self.name) {
                    (self.label)
                    @if self.is_required { span .required aria-hidden="true" { "*" } }
                }
                (control)
                (self.below())
            }
        }
    }

    /// What is said about it: the hint, and what is wrong.
    pub(crate) fn below(&self) -> Markup {
        let wrong = self.problems.at(self.name);
        html! {
            @if !self.hint.is_empty() { p id={ (self.name) "-hint" } .hint { (self.hint) } }
            @if !wrong.is_empty() {
                div id={ (self.name) "-error" } .field-error { @for message in &wrong { p { (message) } } }
            }
        }
    }

    /// Whether something is wrong with it.
    pub(crate) fn is_wrong(&self) -> bool {
        !self.problems.at(self.name).is_empty()
    }

    /// The ids of what is said about it.
    pub(crate) fn described_by(&self) -> Option<String> {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.name));
        let error = self.is_wrong().then(|| format!("{}-error", self.name));
        let all: Vec<_> = hint.into_iter().chain(error).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }
}

// === impl Choice ===

impl Choice {
    pub(crate) fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}
