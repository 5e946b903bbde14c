//! Picking operations, for keys and sets alike: from two lists, of which the left one holds what the server found (an API may
//! have thousands) and what stands for many at once, and by writing them.

use std::collections::BTreeSet;

use claviger_texts::console::{form as words, picker as texts};
use maud::{Markup, html};

use super::keys::try_it::METHODS;
use crate::failure::Problems;
use crate::form::Form;
use crate::parts::dual_list::dual_list;
use crate::parts::field::{Choice, Field};

mod offer;
mod said;

pub(crate) use offer::{Offer, apis, choices};
pub(crate) use said::{named, understood};

/// The field of the button that searches.
pub(crate) const DO: &str = "find-operations";
/// Stands before `<api>:*` for what reads alone.
const READING: &str = "GET ";

/// What is picked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    Key,
    /// Whole APIs are chosen beside it.
    Set,
    /// A set of one API alone.
    OneApi,
}

/// The fields of a form that goes to `action`.
pub(crate) fn picker(purpose: For, action: &str, offer: &Offer, form: &Form, problems: &Problems) -> Markup {
    let hint = match &offer.example {
        None => texts::PATTERNS_HINT.to_owned(),
        Some(example) => {
            let (api, name) = example.name.split_once(':').unwrap_or_default();
            texts::patterns_hint(api, name, &example.method, &example.path)
        }
    };
    html! {
        (search(purpose, action, offer, form))
        (operations(purpose, offer, form, problems))
        (Field::new("patterns", texts::PATTERNS, problems).hint(&hint).area(form.text("patterns"), 3))
    }
}

fn search(purpose: For, action: &str, offer: &Offer, form: &Form) -> Markup {
    let none = Problems::default();
    let apis: Vec<_> =
        std::iter::once(Choice::new("", words::CHOOSE)).chain(offer.with_operations.iter().cloned()).collect();
    let any = std::iter::once(Choice::new("", claviger_texts::console::apis::operations::ANY_METHOD));
    let methods: Vec<_> = any.chain(METHODS.map(|method| Choice::new(method, method))).collect();
    html! {
        fieldset #find .find-operations {
            legend { (texts::FIND_TITLE) }
            @if purpose != For::OneApi {
                (Field::new("find_api", texts::FIND_API, &none).choice(&apis, &offer.api))
            }
            (Field::new("find_text", texts::FIND_TEXT, &none).input("search", form.text("find_text"), "off"))
            (Field::new("find_method", texts::FIND_METHOD, &none).choice(&methods, form.text("find_method")))
            input .btn data-variant="outline" type="submit" name=(DO) value=(texts::FIND) formnovalidate formaction={ (action) "#find" };
            @if offer.with_operations.is_empty() {
                p .hint { (texts::NO_OPERATIONS) }
            } @else if offer.has_searched {
                p .hint role="status" { (texts::found(offer.found.len(), offer.is_more)) }
            }
        }
    }
}

/// The button that Enter presses in any field of the form: the search must not be it.
pub(crate) fn enter() -> Markup {
    html! { input .sr-only type="submit" value=(words::SAVE) tabindex="-1" aria-hidden="true"; }
}

/// What is held and what was found, the latter with method and path, and what stands for many at once.
fn operations(purpose: For, offer: &Offer, form: &Form, problems: &Problems) -> Markup {
    let chosen: Vec<&str> = form.all("operations").collect();
    let many = many(purpose, offer);
    let is_offered = |name: &str| {
        offer.found.iter().any(|operation| operation.name == name) || many.iter().any(|choice| choice.value == name)
    };
    let mut choices: Vec<_> =
        chosen.iter().filter(|name| !is_offered(name)).map(|name| Choice::new(*name, *name)).collect();
    choices.extend(offer.found.iter().map(|operation| {
        Choice::new(operation.name.clone(), format!("{} · {} {}", operation.name, operation.method, operation.path))
    }));
    choices.extend(many);
    let field = Field::new("operations", texts::OPERATIONS, problems);
    html! { div .tall { (dual_list(field, texts::AVAILABLE, texts::SELECTED, &choices, &chosen)) } }
}

/// All of an API, and all of it that reads.
fn many(purpose: For, offer: &Offer) -> Vec<Choice> {
    if purpose == For::OneApi {
        return Vec::new();
    }
    let of = |api: &Choice| {
        let reading = Choice::new(reading(&api.value), texts::reading(&api.label));
        let whole = (purpose == For::Key).then(|| Choice::new(whole(&api.value), texts::whole(&api.label)));
        std::iter::once(reading).chain(whole)
    };
    offer.with_operations.iter().flat_map(of).map(|choice| choice.apart(texts::AT_ONCE)).collect()
}

fn whole(api: &str) -> String {
    format!("{api}:*")
}

fn reading(api: &str) -> String {
    format!("{READING}{api}:*")
}

/// Those that were chosen and those that were written, each once.
pub(crate) fn wanted(form: &Form) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    form.all("operations").chain(form.lines("patterns")).filter(|name| seen.insert(*name)).collect()
}

/// Puts what a key or a set holds into the form: what can be chosen, and what is written.
pub(crate) fn fill(form: &mut Form, held: &[String]) {
    let (patterns, names): (Vec<_>, Vec<_>) = held.iter().partition(|text| is_pattern(text));
    for name in names {
        form.push("operations", name.clone());
    }
    form.set("patterns", patterns.iter().map(|text| text.as_str()).collect::<Vec<_>>().join("\n"));
}

/// Whether it is more than an operation's name or a whole API.
fn is_pattern(text: &str) -> bool {
    let is_whole = text.split_once(':').is_some_and(|(api, rest)| rest == "*" && !api.starts_with('!'));
    !is_whole && (text.starts_with('!') || text.contains(['*', '@']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_and_what_is_written_stand_in_fields_of_their_own() {
        let mut form = Form::default();
        let held = ["x:a", "x:b/*", "!x:b/c", "x:d@v2", "x:e", "y:*", "!y:*"].map(str::to_owned);
        fill(&mut form, &held);
        assert_eq!(form.all("operations").collect::<Vec<_>>(), ["x:a", "x:e", "y:*"]);
        assert_eq!(form.lines("patterns").collect::<Vec<_>>(), ["x:b/*", "!x:b/c", "x:d@v2", "!y:*"]);
    }
}
