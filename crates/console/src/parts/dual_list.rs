//! Two lists side by side, *available* and *selected*; one list of several choices without scripts.

use claviger_texts::console::dual_list as texts;
use maud::{Markup, html};

use super::field::{Choice, Field};

/// The field as two lists. `chosen` are values.
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
                @for choice in choices {
                    option value=(choice.value) selected[chosen.contains(&choice.value.as_str())] { (choice.label) }
                }
            }
        }
    })
}
