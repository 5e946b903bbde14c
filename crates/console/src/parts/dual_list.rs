//! Two lists side by side, *available* and *selected*; one list of several choices without scripts.

use std::collections::BTreeSet;

use claviger_texts::console::dual_list as texts;
use maud::{Markup, html};

use super::field::{Choice, Field};

/// The field as two lists. `chosen` are values. Groups stand last, and *Add all* takes nothing of them.
pub(crate) fn dual_list(
    field: Field<'_>,
    available: &str,
    selected: &str,
    choices: &[Choice],
    chosen: &[&str],
) -> Markup {
    let described = field.described_by();
    field.frame(&html! {
        dual-list data-available=(available) data-selected=(selected) data-add=(texts::ADD) data-add-all=(texts::ADD_ALL)
            data-remove=(texts::REMOVE) data-remove-all=(texts::REMOVE_ALL) data-search=(texts::SEARCH) {
            select .select multiple size="8" id=(field.name) name=(field.name) aria-invalid=[field.is_wrong().then_some("true")]
                aria-describedby=[described] {
                @for choice in choices.iter().filter(|choice| choice.group.is_empty()) { (option(choice, chosen)) }
                @for group in groups(choices) {
                    optgroup label=(group) {
                        @for choice in choices.iter().filter(|choice| choice.group == group) { (option(choice, chosen)) }
                    }
                }
            }
        }
    })
}

fn option(choice: &Choice, chosen: &[&str]) -> Markup {
    html! { option value=(choice.value) selected[chosen.contains(&choice.value.as_str())] { (choice.label) } }
}

fn groups(choices: &[Choice]) -> BTreeSet<&'static str> {
    choices.iter().map(|choice| choice.group).filter(|group| !group.is_empty()).collect()
}
