//! Whether a call of the console is an operation of the API's document. It is asked of every call where assertions are on, as
//! in each test that opens a page: a page that calls anything else cannot be shown there.

use std::sync::LazyLock;

use http::Method;

/// Method and segments of each operation.
static OPERATIONS: LazyLock<Vec<(Method, Vec<String>)>> = LazyLock::new(read);

/// What the document has; `path` is below `/api/v1`.
pub(crate) fn is_one(method: &Method, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let segments: Vec<_> = path.split('/').collect();
    let fits = |template: &[String]| {
        let is_same =
            |(known, asked): (&String, &&str)| known == *asked || (known.starts_with('{') && !asked.is_empty());
        template.len() == segments.len() && template.iter().zip(&segments).all(is_same)
    };
    OPERATIONS.iter().any(|(known, template)| known == method && fits(template))
}

fn read() -> Vec<(Method, Vec<String>)> {
    let document = serde_json::to_value(claviger_manage::openapi()).unwrap_or_default();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        let template: Vec<_> = path.trim_start_matches("/api/v1").split('/').map(str::to_owned).collect();
        let names = methods.as_object().into_iter().flatten().map(|(name, _)| name.to_uppercase());
        let methods = names.filter_map(|name| Method::from_bytes(name.as_bytes()).ok());
        operations.extend(methods.map(|method| (method, template.clone())));
    }
    operations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_an_operation_by_method_and_path() {
        for (method, path) in [
            (Method::GET, "/keys?limit=25&text=%2F"),
            (Method::POST, "/keys"),
            (Method::POST, "/keys/key_1/reveal"),
            (Method::DELETE, "/me/sessions"),
        ] {
            assert!(is_one(&method, path), "{method} {path}");
        }
        for (method, path) in [
            (Method::DELETE, "/keys"),
            (Method::GET, "/keys/"),
            (Method::GET, "/keys/key_1/"),
            (Method::POST, "/keys/key_1/unknown"),
            (Method::GET, "/api/v1/keys"),
            (Method::GET, ""),
        ] {
            assert!(!is_one(&method, path), "{method} {path}");
        }
    }
}
