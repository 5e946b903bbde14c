//! Ticks: several of a few choices, each with a word about it.

use maud::{Markup, html};

use super::field::Field;

/// A choice.
#[derive(Debug, Clone)]
pub(crate) struct Pick {
    pub(crate) value: String,
    pub(crate) label: String,
    /// Beside the label, less loud.
    pub(crate) note: String,
}

/// The field as a group of ticks. `chosen` are values.
pub(crate) fn picks(field: Field<'_>, choices: &[Pick], chosen: &[&str]) -> Markup {
    html! {
        fieldset .field .picks id=(field.name) aria-describedby=[field.described_by()] data-invalid=[field.is_wrong().then_some("true")] {
            legend { (field.label) @if field.is_required { span .required aria-hidden="true" { "*" } } }
            (field.below())
            div .pick-list {
                @for choice in choices {
                    label .pick {
                        input .input type="checkbox" name=(field.name) value=(choice.value) checked[chosen.contains(&choice.value.as_str())];
                        span { (choice.label) @if !choice.note.is_empty() { " " small .muted { (choice.note) } } }
                    }
                }
            }
        }
    }
}
