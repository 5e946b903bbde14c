//! A time zone: typed, with all that are known offered.

use maud::{Markup, html};

use super::field::Field;

/// The field; what is offered works as suggestions of the browser.
pub(crate) fn zone(field: Field<'_>, value: &str) -> Markup {
    let list = format!("{}-known", field.name);
    field.frame(&html! {
        input .input id=(field.name) name=(field.name) type="text" list=(list) value=(value) autocomplete="off" spellcheck="false"
            required[field.is_required] aria-invalid=[field.is_wrong().then_some("true")] aria-describedby=[field.described_by()];
        datalist id=(list) { @for name in jiff::tz::db().available() { option value=(name) {} } }
    })
}
