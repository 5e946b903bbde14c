//! A password that is being chosen for somebody else: typed or made, seen or hidden, and how strong it is. Whether it may be one,
//! the API says.

use claviger_texts::console::secret as texts;
use maud::{Markup, html};

use super::field::Field;

/// The field; its buttons come with scripts.
pub(crate) fn new(field: Field<'_>) -> Markup {
    let (described, is_wrong) = (field.described_by(), field.is_wrong());
    field.frame(&html! {
        new-password data-make=(texts::MAKE) data-show=(texts::SHOW) data-hide=(texts::HIDE) data-strengths=(texts::STRENGTHS.join("|")) {
            input .input .mono id=(field.name) name=(field.name) type="password" autocomplete="new-password" spellcheck="false"
                required[field.is_required] aria-invalid=[is_wrong.then_some("true")] aria-describedby=[described];
        }
    })
}
