//! The OpenAPI document keeps to OpenAPI.

#[test]
fn every_answer_has_the_description_that_openapi_asks_for() {
    let document = serde_json::to_value(crate::openapi()).expect("the document is JSON");
    let paths = document["paths"].as_object().expect("paths");
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().expect("operations") {
            for (status, answer) in operation["responses"].as_object().expect("answers") {
                // OpenAPI 3.1.0, 4.8.17.
                let text = answer["description"].as_str().unwrap_or_default();
                assert!(!text.is_empty(), "{method} {path} {status}");
            }
        }
    }
}
