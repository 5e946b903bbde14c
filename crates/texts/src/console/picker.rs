//! Picking operations of APIs.

/// The field of a key.
pub const OPERATIONS: &str = "Operations";
/// The left of two lists.
pub const AVAILABLE: &str = "Available";
/// The right of two lists.
pub const SELECTED: &str = "Selected";
/// The part that finds operations.
pub const FIND_TITLE: &str = "Find operations to choose from";
/// A field.
pub const FIND_API: &str = "API";
/// A field.
pub const FIND_TEXT: &str = "Name, path or summary";
/// A field.
pub const FIND_METHOD: &str = "Method";
/// A button.
pub const FIND: &str = "Find";
/// How many were found.
pub fn found(count: usize, is_more: bool) -> String {
    match (count, is_more) {
        (0, _) => "Nothing fits. Search for something else.".to_owned(),
        (1, false) => "1 operation found.".to_owned(),
        (count, false) => format!("{count} operations found."),
        (count, true) => format!("The first {count} are offered. Search for less to see others."),
    }
}
/// No API has operations yet.
pub const NO_OPERATIONS: &str = "None of your APIs has operations yet. Import the OpenAPI document of one first.";
/// A group of the list.
pub const AT_ONCE: &str = "Many at once";
/// A choice.
pub fn reading(api: &str) -> String {
    format!("All reading operations (GET) of {api}, as of today")
}
/// A choice.
pub fn whole(api: &str) -> String {
    format!("All of {api}, now and later")
}
/// What is written.
pub const PATTERNS: &str = "Patterns and exceptions";
/// Its hint, with an operation of an API of one's own.
pub fn patterns_hint(api: &str, operation: &str, method: &str, path: &str) -> String {
    format!(
        "One a line: {api}:{operation} or {method} {path} for one operation; {api}:{}* for all that begin so, now and later; \
         !{api}:{operation} takes one out again.",
        beginning(operation)
    )
}
/// The same without an API.
pub const PATTERNS_HINT: &str = "One a line: the API's slug, a colon and an operation's name; * at its end for all that begin so, now and later; ! before it takes one out again.";
/// What is wrong with one of them.
pub fn wrong(name: &str, why: &str) -> String {
    format!("“{name}”: {why}")
}
/// There is no such operation.
pub const UNKNOWN: &str = "none of your APIs has such an operation";
/// More than one fits.
pub fn several(names: &[String]) -> String {
    format!("several operations fit; write one of {}", names.join(", "))
}
/// One that is nearly it.
pub fn meant(name: &str) -> String {
    format!("there is no such operation; did you mean {name}?")
}

/// What of a name others begin with too: up to its last separator, else its first word.
fn beginning(name: &str) -> &str {
    if let Some(at) = name.rfind(['/', '.', '_', '-']) {
        return &name[..=at];
    }
    let end = name.char_indices().skip(1).find(|(_, c)| c.is_uppercase()).map_or(name.len(), |(at, _)| at);
    &name[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_a_pattern_is_the_beginning_of_a_name() {
        assert_eq!(["issues/get", "listOrders", "list", "a_b_c"].map(beginning), ["issues/", "list", "list", "a_b_"]);
    }
}
