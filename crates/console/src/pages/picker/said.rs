//! What people call operations, as the API calls them: `GET /orders`, `listOrders`, all that reads of an API.

use std::collections::BTreeMap;

use claviger_manage::FieldError;
use claviger_texts::console::picker as texts;

use super::{READING, apis, wanted};
use crate::call::segment;
use crate::failure::{Failure, Problems};
use crate::form::Form;
use crate::pages::apis::operations::Operation;
use crate::parts::list::first_rows;
use crate::viewer::Viewer;

/// The most operations of an API that are looked through, and the most APIs.
const OPERATIONS_MAX: usize = 2_000;
const APIS_MAX: usize = 20;
/// The most names that a sentence offers.
const OFFERED_MAX: usize = 3;
/// Changed letters within which a name was meant.
const SLIPS_MAX: usize = 3;

/// The operations that a form asks for.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// As the API calls them.
    pub(crate) operations: Vec<String>,
    /// Those of them that were written, and not chosen.
    written: Vec<String>,
    /// Why some mean nothing.
    why: BTreeMap<String, String>,
}

/// An API that is looked through.
struct Known {
    /// As sets and keys call it.
    label: String,
    base_paths: Vec<String>,
    operations: Vec<Operation>,
}

/// What was chosen and written, by the API's names; what cannot be understood stays as it is, for the API to refuse.
pub(crate) async fn understood(viewer: &Viewer, form: &Form) -> Result<Said, Failure> {
    let mut said = Said::of(form);
    let known = load(viewer, said.operations.iter().filter(|text| !is_plain(text))).await?;
    let mut operations: Vec<String> = Vec::new();
    for text in std::mem::take(&mut said.operations) {
        let meant = if is_plain(&text) { Ok(vec![text.clone()]) } else { meaning(&known, &text) };
        let meant = meant.unwrap_or_else(|why| {
            said.why.insert(text.clone(), why);
            vec![text.clone()]
        });
        if said.written.contains(&text) {
            said.written.extend(meant.iter().cloned());
        }
        operations.extend(meant.into_iter().filter(|name| !operations.contains(name)).collect::<Vec<_>>());
    }
    Ok(Said { operations, ..said })
}

/// What is wrong with an operation names it, where it was chosen or written, and says what was meant: its place in the request
/// is none of the form's.
pub(crate) async fn named(viewer: &Viewer, problems: Problems, mut said: Said) -> Result<Problems, Failure> {
    let wrong: Vec<String> = problems.fields().iter().filter_map(|error| said.at(&error.field)).cloned().collect();
    let known = load(viewer, wrong.iter().filter(|name| !said.why.contains_key(*name))).await?;
    for name in wrong {
        if let (Err(why), None) = (meaning(&known, &name), said.why.get(&name)) {
            said.why.insert(name, why);
        }
    }
    Ok(told(problems, &said))
}

fn told(problems: Problems, said: &Said) -> Problems {
    problems.map(|error| {
        let Some(name) = said.at(&error.field) else { return error };
        let field = if said.written.contains(name) { "patterns" } else { "operations" };
        let why = said.why.get(name).unwrap_or(&error.message);
        FieldError::new(field, texts::wrong(name, why))
    })
}

/// Whether it names an API, as the API wants it.
fn is_plain(text: &str) -> bool {
    !text.starts_with(READING) && api_of(text).is_some()
}

/// The APIs that have to be looked through: those that are named, and all where none is.
async fn load(viewer: &Viewer, texts: impl Iterator<Item = &String> + Clone) -> Result<Vec<Known>, Failure> {
    let mut known = Vec::new();
    if texts.clone().next().is_none() {
        return Ok(known);
    }
    let names_none = texts.clone().any(|text| api_of(text).is_none());
    for api in apis(viewer).await?.into_iter().filter(|api| api.operations_count > 0) {
        let label = api.label(viewer).to_owned();
        if known.len() < APIS_MAX && (names_none || texts.clone().any(|text| api_of(text) == Some(&label))) {
            let path = format!("/apis/{}/operations", segment(&label));
            let (operations, _) = first_rows::<Operation>(&viewer.api, &path, OPERATIONS_MAX).await?;
            known.push(Known { label, base_paths: api.base_paths, operations });
        }
    }
    Ok(known)
}

/// The API that a text names.
fn api_of(text: &str) -> Option<&str> {
    let text = text.strip_prefix(READING).or_else(|| text.strip_prefix('!')).unwrap_or(text);
    text.split_once(':').map(|(api, _)| api).filter(|api| !api.contains([' ', '/']))
}

/// What a text means, as the API calls it; or why it means nothing.
fn meaning(known: &[Known], text: &str) -> Result<Vec<String>, String> {
    if let Some(api) = text.strip_prefix(READING).and_then(|rest| rest.strip_suffix(":*")) {
        let of = known.iter().filter(|found| found.label == api).flat_map(|found| &found.operations);
        let names: Vec<_> = of.filter(|operation| reads(operation)).map(|operation| operation.name.clone()).collect();
        return if names.is_empty() { Err(texts::UNKNOWN.to_owned()) } else { Ok(names) };
    }
    if api_of(text).is_some() {
        return match near(known, text) {
            Some(name) => Err(texts::meant(&name)),
            None => Ok(vec![text.to_owned()]),
        };
    }
    let found: Vec<String> = match text.split_once(char::is_whitespace) {
        Some((method, path)) => by_line(known, method, path.trim()),
        None => all(known).filter(|operation| operation.own_name() == text).map(|found| found.name.clone()).collect(),
    };
    match found.as_slice() {
        [] => Err(near(known, text).map_or_else(|| texts::UNKNOWN.to_owned(), |name| texts::meant(&name))),
        [_] => Ok(found),
        [..] => Err(texts::several(&found[..found.len().min(OFFERED_MAX)])),
    }
}

fn all(known: &[Known]) -> impl Iterator<Item = &Operation> {
    known.iter().flat_map(|api| &api.operations)
}

fn reads(operation: &Operation) -> bool {
    ["GET", "HEAD"].contains(&operation.method.as_str())
}

/// The operations that a request's first line asks for: those of just this path, else those that it fits.
fn by_line(known: &[Known], method: &str, path: &str) -> Vec<String> {
    let path = path.split('?').next().unwrap_or_default();
    let of = |fits: &dyn Fn(&str, &str) -> bool| -> Vec<String> {
        let in_api = |api: &Known| {
            let prefixes = std::iter::once("").chain(api.base_paths.iter().map(|base| base.trim_end_matches('/')));
            let paths: Vec<&str> = prefixes.filter_map(|prefix| path.strip_prefix(prefix)).collect();
            let meant = api.operations.iter().filter(|operation| operation.method.eq_ignore_ascii_case(method));
            let fitting = meant.filter(|operation| paths.iter().any(|path| fits(&operation.path, path)));
            fitting.map(|operation| operation.name.clone()).collect::<Vec<_>>()
        };
        known.iter().flat_map(in_api).collect()
    };
    let same = of(&|template, path| template == path);
    if same.is_empty() { of(&fits) } else { same }
}

/// Whether a path is one of the template's: `/orders/17` of `/orders/{id}`.
fn fits(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    loop {
        match (template.next(), path.next()) {
            (None, None) => return true,
            (Some(part), Some(given)) if part == given || part.contains('{') && !given.is_empty() => {}
            _ => return false,
        }
    }
}

/// The operation that a name, which is none, was probably meant to be.
fn near(known: &[Known], text: &str) -> Option<String> {
    let name = text.split_once(':').map_or(text, |(_, name)| name);
    let is_plain = !text.starts_with('!') && !text.contains(['*', '@', ' ']);
    if !is_plain || all(known).any(|operation| operation.name == text) {
        return None;
    }
    let is_elsewhere = |operation: &Operation| api_of(text).is_some_and(|api| api_of(&operation.name) != Some(api));
    let distance =
        |operation: &Operation| (slips(operation.own_name(), name), is_elsewhere(operation), operation.name.clone());
    let nearest = all(known).map(distance).min();
    nearest.filter(|(slips, ..)| *slips <= SLIPS_MAX.min(name.len() / 2)).map(|(.., name)| name)
}

/// How many letters have to be changed, added or left out (Levenshtein), whatever their case.
fn slips(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut before = i;
        row[0] = i + 1;
        for (j, right) in b.chars().enumerate() {
            let changed = before + usize::from(left != right);
            before = row[j + 1];
            row[j + 1] = changed.min(before + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

// === impl Said ===

impl Said {
    /// What stands in the form, as it stands there.
    pub(crate) fn of(form: &Form) -> Self {
        let own = |text: &str| text.to_owned();
        let operations = wanted(form).into_iter().map(own).collect();
        Self { operations, written: form.lines("patterns").map(own).collect(), why: BTreeMap::new() }
    }

    /// The operation that an error of the API is about.
    fn at(&self, field: &str) -> Option<&String> {
        let index = field.strip_prefix("operations[")?.split(']').next()?;
        self.operations.get(index.parse::<usize>().ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> [Known; 2] {
        let operation = |name: &str, method: &str, path: &str| -> Operation {
            serde_json::from_value(serde_json::json!({
                "name": name, "method": method, "path": path, "multi_segment": [], "summary": "", "tags": [], "versions": [],
            }))
            .expect("an operation")
        };
        let shop = vec![
            operation("shop:listOrders", "GET", "/orders"),
            operation("shop:createOrder", "POST", "/orders"),
            operation("shop:getOrder", "GET", "/orders/{id}"),
            operation("shop:newestOrder", "GET", "/orders/newest"),
        ];
        let blog = vec![operation("blog:listPosts", "GET", "/posts"), operation("blog:listOrders", "GET", "/o")];
        let known = |label: &str, base: &str, operations| Known {
            label: label.to_owned(),
            base_paths: vec![base.to_owned()],
            operations,
        };
        [known("shop", "/v1", shop), known("blog", "/", blog)]
    }

    fn said(text: &str) -> Vec<String> {
        meaning(&known(), text).unwrap_or_else(|why| vec![why])
    }

    #[test]
    fn an_operation_is_known_by_its_request_line_and_by_its_name_alone() {
        for (text, name) in [
            ("GET /orders", "shop:listOrders"),
            ("get /v1/orders?page=2", "shop:listOrders"),
            ("POST  /orders", "shop:createOrder"),
            ("GET /orders/17", "shop:getOrder"),
            ("GET /orders/{id}", "shop:getOrder"),
            ("GET /orders/newest", "shop:newestOrder"),
            ("listPosts", "blog:listPosts"),
            ("shop:listOrders", "shop:listOrders"),
            ("!shop:list*", "!shop:list*"),
            ("elsewhere:anything", "elsewhere:anything"),
        ] {
            assert_eq!(said(text), [name], "{text}");
        }
        assert_eq!(said("GET blog:*"), ["blog:listPosts", "blog:listOrders"]);
    }

    #[test]
    fn what_is_none_is_told_what_was_meant() {
        assert_eq!(said("listOrders"), ["several operations fit; write one of shop:listOrders, blog:listOrders"]);
        assert_eq!(said("shop:listOrder"), ["there is no such operation; did you mean shop:listOrders?"]);
        assert_eq!(said("createOrders"), ["there is no such operation; did you mean shop:createOrder?"]);
        assert_eq!(said("GET /nothing"), [texts::UNKNOWN]);
        assert_eq!(said("GET none:*"), [texts::UNKNOWN]);
    }

    #[test]
    fn slips_are_counted() {
        assert_eq!(
            [slips("abc", "abc"), slips("abc", "ABD"), slips("", "ab"), slips("listOrder", "listOrders")],
            [0, 1, 2, 1]
        );
    }

    #[test]
    fn what_is_wrong_with_an_operation_names_it_where_it_stands() {
        let form = Form::parse(b"operations=x:a&patterns=%0A!x:nothing").expect("few fields");
        let said = Said::of(&form);
        let error = claviger_manage::Error::names_unknown(vec![FieldError::new("operations[1]", "there is none")]);
        let problems = told(Problems::new(&error), &said);
        assert_eq!(problems.at("patterns"), ["“!x:nothing”: there is none"]);
        let error = claviger_manage::Error::field("operations[0]", "is odd");
        assert_eq!(told(Problems::new(&error), &said).at("operations"), ["“x:a”: is odd"]);
    }
}
