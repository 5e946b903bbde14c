//! Fields of forms: a label that says whether it is required, a hint, and what was wrong with it, tied together for whoever
//! listens instead of looking.

use claviger_manage::FieldError;
use claviger_texts::console::form;
use maud::{Markup, html};

use crate::failure::{Problems, told};

/// As the API says that another record has the name; its id follows.
const TAKEN_BY: &str = "already used by ";

/// A field's frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    /// As the API calls it.
    pub(crate) name: &'a str,
    pub(crate) label: &'a str,
    pub(crate) hint: &'a str,
    pub(crate) is_required: bool,
    /// Whether it bears the mark of required ones, though others may stand for it.
    pub(crate) is_marked: bool,
    pub(crate) problems: &'a Problems,
}

/// A choice of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    /// The group in which it stands apart from the others; *all* never means it.
    pub(crate) group: &'static str,
}

/// What was wrong on the whole, on top of a form.
pub(crate) fn summary(problems: &Problems) -> Markup {
    summary_called(form::NOT_DONE, problems)
}

/// The same by another title, where nothing was to be saved.
pub(crate) fn summary_called(title: &str, problems: &Problems) -> Markup {
    html! {
        @if !problems.is_empty() {
            div .alert data-variant="destructive" role="alert" tabindex="-1" autofocus {
                h2 { (title) }
                section {
                    @if let Some(whole) = problems.whole() { p { (whole) } }
                    ul { @for error in problems.fields() { li { (pointed(error)) } } }
                }
            }
        }
    }
}

/// What is wrong with a field, as the way to it.
fn pointed(error: &FieldError) -> Markup {
    let field = error.field.split(['[', '.']).next().unwrap_or_default();
    let is_taken = error.message.contains(TAKEN_BY);
    let said = if is_taken { told(&FieldError::new(field, form::TAKEN)) } else { told(error) };
    html! { a href={ "#" (field) } { (said) } }
}

/// Why somebody does not get on, where there was nothing to save.
pub(crate) fn refusal(problems: &Problems) -> Markup {
    html! {
        @if let Some(summary) = &problems.summary {
            div .alert data-variant="destructive" role="alert" { section { p { (summary) } } }
        }
    }
}

/// What is wrong with a field; where another record has the same name, the way to it.
fn said(message: &str) -> Markup {
    let Some((place, id)) = message.split_once(TAKEN_BY) else { return html! { (message) } };
    html! {
        (place) (form::TAKEN)
        @if let Some(path) = page_of(id) { " " a href=(path) { (form::TAKEN_BY) } }
    }
}

/// The page of a record by its id.
fn page_of(id: &str) -> Option<String> {
    let is_id = id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let place = match id.split_once('_').filter(|_| is_id)?.0 {
        "key" => "/keys",
        "usr" => "/admin/users",
        "rol" => "/admin/roles",
        "api" => "/apis",
        "set" => "/api-sets",
        "app" => "/admin/applications",
        "apu" => "/admin/api-users",
        "apt" => "/admin/applications/types",
        _ => return None,
    };
    Some(format!("{place}/{id}"))
}

// === impl Field ===

impl<'a> Field<'a> {
    pub(crate) fn new(name: &'a str, label: &'a str, problems: &'a Problems) -> Self {
        Self { name, label, hint: "", is_required: false, is_marked: false, problems }
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

    /// One line, for which there are suggestions.
    pub(crate) fn suggested(self, value: &str, suggestions: &[&str]) -> Markup {
        let list = format!("{}-list", self.name);
        let (described, is_wrong) = (self.described_by(), self.is_wrong());
        self.frame(&html! {
            input .input id=(self.name) name=(self.name) type="text" value=(value) autocomplete="off" list=(list)
                aria-invalid=[is_wrong.then_some("true")] aria-describedby=[described];
            datalist id=(list) { @for suggestion in suggestions { option value=(suggestion) {} } }
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
                    @if self.is_required || self.is_marked { span .required aria-hidden="true" { "*" } }
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
                div id={ (self.name) "-error" } .field-error { @for message in &wrong { p { (said(message)) } } }
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
        Self { value: value.into(), label: label.into(), group: "" }
    }

    /// The same in a group of its own.
    #[must_use]
    pub(crate) fn apart(self, group: &'static str) -> Self {
        Self { group, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_leads_to_who_has_it() {
        let shown = said("already used by key_01abc").into_string();
        assert!(shown.contains("href=\"/keys/key_01abc\"") && !shown.contains(">key_01abc<"), "{shown}");
        let shown = said("3: already used by <b>").into_string();
        assert!(shown.starts_with("3: ") && !shown.contains("<a") && !shown.contains("<b>"), "{shown}");
        assert_eq!(said("expected a day").into_string(), "expected a day");
    }
}
