//! What an operation is called.

use claviger_domain::operation::MAX_OPERATION_NAME_BYTES;

/// The name of an operation: its `operationId`, else `<method>/<path>` such as `get/gists/{gist_id}`.
///
/// White space and control characters, `*` (it ends patterns) and `@` (a version follows it) become `-`. The made name
/// is the same at each import, and different for each method and path. `None` where it would be too long.
pub(super) fn make(operation_id: Option<&str>, method: &str, template: &str) -> Option<Box<str>> {
    let name = match operation_id.map(str::trim).filter(|id| !id.is_empty()) {
        Some(id) => cleaned(id),
        None => from_request(method, template),
    };
    (name.len() <= MAX_OPERATION_NAME_BYTES).then(|| name.into())
}

/// The name made from method and path.
pub(super) fn from_request(method: &str, template: &str) -> String {
    cleaned(&format!("{}{template}", method.to_ascii_lowercase()))
}

fn cleaned(text: &str) -> String {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || "*@".contains(c);
    text.chars().map(|c| if is_odd(c) { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use claviger_domain::operation::OperationPattern;

    use super::*;

    #[test]
    fn a_name_is_the_operation_id_or_method_and_path() {
        for (id, method, template, name) in [
            (Some("issues/list-for-repo"), "GET", "/x", "issues/list-for-repo"),
            (Some(" Get all\tusers "), "GET", "/x", "Get-all-users"),
            (Some("a*b@c"), "GET", "/x", "a-b-c"),
            (Some(""), "GET", "/gists/{gist_id}", "get/gists/{gist_id}"),
            (None, "DELETE", "/", "delete/"),
            (None, "GET", "/@me", "get/-me"),
        ] {
            let made = make(id, method, template).expect("short enough");
            assert_eq!(&*made, name);
            assert!(OperationPattern::parse(&made).is_ok_and(|pattern| pattern.is_name()), "{made}");
        }
        assert_eq!(make(Some(&"x".repeat(257)), "GET", "/"), None);
    }
}
