//! Limits in forms and on pages: a row a limit, as the API names its fields, so that what is wrong stands where it was typed.

use claviger_domain::limit::{LIMITS_MAX, Place, Scope};
use claviger_texts::console::limits as texts;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::field::{Choice, Field};
use crate::failure::Problems;
use crate::form::Form;

/// Under this name both are compared by a stale edit.
pub(crate) const LIMITS: &str = "limits";
/// Empty rows of an empty form; behind rows that are filled there is one.
const EMPTY_ROWS: usize = 2;
/// What a row keeps that the form does not show.
const KEPT: [&str; 2] = ["cost", "refill"];
/// Fields of a row, by the API's names where it has them.
const SHOWN: [&str; 4] = ["name", "limit", "burst", "scope"];

/// A limit of the API.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Limit {
    name: String,
    #[serde(rename = "limit")]
    number: u64,
    window_seconds: Option<u32>,
    burst: Option<u64>,
    period: Option<String>,
    refill: Option<Refill>,
    cost: u64,
    scope: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Refill {
    amount: u64,
    every: String,
}

// === on pages ===

/// The limits of a record, a line each.
pub(crate) fn shown(limits: &[Limit]) -> Markup {
    html! {
        @if limits.is_empty() { span .muted { (texts::NONE) } }
        @else { ul .plain-list { @for limit in limits { li { (limit.line()) } } } }
    }
}

// === in forms ===

/// The rows of a form on this kind of record.
pub(crate) fn fields(place: Place, form: &Form, problems: &Problems) -> Markup {
    let rows = rows(form);
    let empty = if rows.is_empty() { EMPTY_ROWS } else { 1 };
    let count = (rows.len() + empty).min(LIMITS_MAX.max(rows.len()));
    let whole = problems.fields().iter().filter(|error| error.field == LIMITS);
    html! {
        fieldset .field .limits {
            legend { (texts::LIMITS) }
            p .hint { (texts::HINT) }
            @for error in whole { div .field-error { p { (error.message) } } }
            @for at in 0..count { (row(place, at, rows.get(at), problems)) }
        }
    }
}

fn row(place: Place, at: usize, typed: Option<&Row>, problems: &Problems) -> Markup {
    let name = |field: &str| format!("limits[{at}].{field}");
    let [named, number, burst, scope, per] = ["name", "limit", "burst", "scope", "per"].map(name);
    let text = |field: &str| typed.map_or("", |row| row.text(field));
    let is_other = |error: &&claviger_manage::FieldError| {
        error.field.strip_prefix(&name("")).is_some_and(|field| !SHOWN.contains(&field))
    };
    let number_field = |name, label, value: &str| Field::new(name, label, problems).input("text", value, "off");
    html! {
        div .limit role="group" aria-label=(texts::row(at + 1)) {
            (Field::new(&named, texts::NAME, problems).text(text("name")))
            (number_field(&number, texts::NUMBER, text("limit")))
            (Field::new(&per, texts::PER, problems).choice(&periods(text("per")), typed.map_or("60", |row| row.text("per"))))
            (number_field(&burst, texts::BURST, text("burst")))
            (Field::new(&scope, texts::SCOPE, problems).choice(&scopes(place), typed.map_or(Scope::usual(place).as_str(), |row| row.text("scope"))))
            @if !text("kept").is_empty() { input type="hidden" name=(name("kept")) value=(text("kept")); }
            @for error in problems.fields().iter().filter(is_other) { div .field-error { p { (error.message) } } }
        }
    }
}

/// Those that are offered, and the one that stands there.
fn periods(chosen: &str) -> Vec<Choice> {
    let mut choices: Vec<_> = texts::PERIODS.iter().map(|(value, label)| Choice::new(*value, *label)).collect();
    if !chosen.is_empty() && choices.iter().all(|choice| choice.value != chosen) {
        choices.push(Choice::new(chosen, texts::per(chosen)));
    }
    choices
}

fn scopes(place: Place) -> Vec<Choice> {
    let all = [Scope::Key, Scope::Owner, Scope::ExternalId, Scope::Set, Scope::Operation];
    let fitting = all.into_iter().filter(|scope| scope.fits(place));
    fitting.map(|scope| Choice::new(scope.as_str(), texts::scope(scope.as_str()))).collect()
}

/// What was typed of a limit, by field.
#[derive(Debug)]
struct Row(Map<String, Value>);

/// The rows in which something was typed.
fn rows(form: &Form) -> Vec<Row> {
    let mut rows = Vec::new();
    for at in 0..LIMITS_MAX + EMPTY_ROWS {
        let fields = ["name", "limit", "per", "burst", "scope", "kept"];
        let typed = fields.iter().filter_map(|field| {
            let text = form.given(&format!("limits[{at}].{field}"))?;
            Some(((*field).to_owned(), json!(text)))
        });
        let row = Row(typed.collect());
        if ["name", "limit", "burst"].iter().any(|field| row.0.contains_key(*field)) {
            rows.push(row);
        }
    }
    rows
}

/// The limits that a form says, as the API takes them.
pub(crate) fn read(form: &Form) -> Value {
    rows(form).iter().map(Row::request).collect()
}

/// Puts limits into a form.
pub(crate) fn fill(form: &mut Form, limits: &[Limit]) {
    for (at, limit) in limits.iter().enumerate() {
        let mut set = |field: &str, value: String| form.set(&format!("limits[{at}].{field}"), value);
        set("name", limit.name.clone());
        set("limit", limit.number.to_string());
        set("per", limit.per());
        // As many at once as the number stand there by themselves, and follow it.
        set("burst", limit.own_burst().map(|burst| burst.to_string()).unwrap_or_default());
        set("scope", limit.scope.clone());
        let refill = limit.refill.as_ref().map(|refill| json!({"amount": refill.amount, "every": refill.every}));
        set("kept", json!({"cost": limit.cost, "refill": refill}).to_string());
    }
}

/// Says what differs in the request that changes a record.
pub(crate) fn change(before: &Form, form: &Form, body: &mut Map<String, Value>) {
    let limits = read(form);
    if limits != read(before) {
        body.insert(LIMITS.to_owned(), limits);
    }
}

/// The form with its limits in one field, by which a stale edit compares them.
pub(crate) fn in_words(form: &Form) -> Form {
    let mut form = form.clone();
    for row in rows(&form) {
        form.push(LIMITS, row.line());
    }
    form
}

// === impl Row ===

impl Row {
    fn text(&self, field: &str) -> &str {
        self.0.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    fn request(&self) -> Value {
        let mut body = Map::new();
        let mut set = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
        let per = self.text("per");
        set("name", json!(self.text("name")));
        set("limit", number(self.text("limit")));
        if per.bytes().all(|byte| byte.is_ascii_digit()) {
            set("kind", json!("rate"));
            set("window_seconds", number(per));
        } else {
            set("kind", json!("quota"));
            set("period", json!(per));
        }
        if self.0.contains_key("burst") {
            set("burst", number(self.text("burst")));
        }
        if self.0.contains_key("scope") {
            set("scope", json!(self.text("scope")));
        }
        let kept: Map<String, Value> = serde_json::from_str(self.text("kept")).unwrap_or_default();
        for name in KEPT {
            if let Some(value) = kept.get(name).filter(|value| !value.is_null() && (name == "cost" || per == "total")) {
                set(name, value.clone());
            }
        }
        Value::Object(body)
    }

    fn line(&self) -> String {
        let burst = Some(self.text("burst")).filter(|burst| !burst.is_empty());
        texts::line(self.text("name"), self.text("limit"), self.text("per"), burst, self.text("scope"))
    }
}

/// A number as JSON has it; what is none goes as it was typed, and the API says what it expected.
fn number(text: &str) -> Value {
    text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number))
}

// === impl Limit ===

impl Limit {
    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn per(&self) -> String {
        let window = self.window_seconds.map(|seconds| seconds.to_string());
        window.or_else(|| self.period.clone()).unwrap_or_default()
    }

    /// Where it is not the number itself.
    fn own_burst(&self) -> Option<u64> {
        self.burst.filter(|burst| *burst != self.number.max(1))
    }

    /// All that it is.
    pub(super) fn line(&self) -> String {
        let burst = self.own_burst().map(|burst| burst.to_string());
        let mut line = texts::line(&self.name, &self.number.to_string(), &self.per(), burst.as_deref(), &self.scope);
        if self.cost != 1 {
            line += &texts::cost(self.cost);
        }
        if let Some(refill) = &self.refill {
            line += &texts::refill(refill.amount, &refill.every);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Vec<Limit> {
        let limits = json!([
            {"name": "minute", "kind": "rate", "limit": 600, "window_seconds": 60, "burst": 600, "cost": 1, "scope": "key"},
            {"name": "odd", "kind": "rate", "limit": 5, "window_seconds": 7, "burst": 9, "cost": 3, "scope": "operation"},
            {"name": "credits", "kind": "quota", "limit": 100, "period": "total", "refill": {"amount": 10, "every": "day"},
                "cost": 1, "scope": "owner"},
        ]);
        serde_json::from_value(limits).expect("limits")
    }

    fn filled() -> Form {
        let mut form = Form::default();
        fill(&mut form, &limits());
        form
    }

    #[test]
    fn what_is_not_touched_comes_back_as_it_was() {
        let expected = json!([
            {"name": "minute", "limit": 600, "kind": "rate", "window_seconds": 60, "scope": "key", "cost": 1},
            {"name": "odd", "limit": 5, "kind": "rate", "window_seconds": 7, "burst": 9, "scope": "operation", "cost": 3},
            {"name": "credits", "limit": 100, "kind": "quota", "period": "total", "scope": "owner", "cost": 1,
                "refill": {"amount": 10, "every": "day"}},
        ]);
        assert_eq!(read(&filled()), expected);
        let mut body = Map::new();
        change(&filled(), &filled(), &mut body);
        assert!(body.is_empty(), "{body:?}");
    }

    #[test]
    fn a_row_that_is_emptied_is_no_limit_and_the_others_move_up() {
        let mut form = filled();
        for field in ["name", "limit", "burst"] {
            form.set(&format!("limits[0].{field}"), " ");
        }
        form.set("limits[2].per", "day");
        let mut body = Map::new();
        change(&filled(), &form, &mut body);
        assert_eq!(body["limits"][0]["name"], "odd");
        assert_eq!(body["limits"][0]["cost"], 3, "what is not shown stays with its row");
        assert_eq!((&body["limits"][1]["period"], body["limits"][1].get("refill")), (&json!("day"), None));
    }

    #[test]
    fn what_is_no_number_goes_to_the_api_as_it_was_typed() {
        let form = Form::parse(b"limits[0].name=m&limits[0].limit=many&limits[0].per=60").expect("few fields");
        assert_eq!(read(&form), json!([{"name": "m", "limit": "many", "kind": "rate", "window_seconds": 60}]));
        let error = claviger_manage::Error::field("limits[0].limit", "expected a whole number");
        let shown = fields(Place::Key, &form, &Problems::new(&error)).into_string();
        assert!(shown.contains("id=\"limits[0].limit-error\"") && shown.contains("value=\"many\""), "{shown}");
        assert!(!shown.contains("value=\"set\""), "a key shares nothing by a set");
        let again = fields(Place::Key, &filled(), &Problems::default()).into_string();
        assert!(again.contains("value=\"{&quot;cost&quot;:3,"), "what is not shown goes along: {again}");
    }

    #[test]
    fn lines_say_all_that_a_limit_is() {
        let lines: Vec<String> = limits().iter().map(Limit::line).collect();
        assert_eq!(lines[0], "minute: 600 in a minute, counted by key");
        assert_eq!(lines[1], "odd: 5 in 7 seconds, 9 at once, counted by operation, 3 a request");
        assert_eq!(lines[2], "credits: 100 in total (quota), counted by owner, 10 come back each day");
    }
}
