//! What the document says of the nodes in the answers to changes: the same for all of them.

use utoipa::PartialSchema as _;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{AllOf, Content, OpenApi, Ref, RefOr, Response, Schema};

use super::wait::Reached;

/// The schema's name.
const NAME: &str = "Reached";

/// Adds `applied`, `pending` and `lost` to the answers of each operation that can wait for nodes, and 202 beside 200.
pub(crate) fn describe(document: &mut OpenApi) {
    let schemas = &mut document.components.get_or_insert_default().schemas;
    schemas.insert(NAME.to_owned(), Reached::schema());
    let items = document.paths.paths.values_mut();
    let operations = items.flat_map(|item| [&mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten());
    for operation in operations.filter(|operation| can_wait(operation)) {
        add_to(operation);
    }
}

fn can_wait(operation: &Operation) -> bool {
    let mut parameters = operation.parameters.iter().flatten();
    parameters.any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.name == "wait"))
}

fn add_to(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    if responses.contains_key("204") && !responses.contains_key("200") {
        let done = Response::builder().description("Done, where nodes were waited for");
        let done = done.content("application/json", Content::new(Some(Ref::from_schema_name(NAME)))).build();
        responses.insert("200".to_owned(), done.into());
    } else {
        for status in ["200", "201"] {
            if let Some(RefOr::T(response)) = responses.get_mut(status) {
                for content in response.content.values_mut() {
                    add_nodes(content);
                }
            }
        }
    }
    if let Some(RefOr::T(mut done)) = responses.get("200").cloned() {
        "Done and in force on this node; `pending` or `lost` names nodes that have not confirmed it"
            .clone_into(&mut done.description);
        responses.insert("202".to_owned(), done.into());
    }
}

/// The body with the nodes beside its members; they are there where nodes were waited for.
fn add_nodes(content: &mut RefOr<Content>) {
    if let RefOr::T(content) = content
        && let Some(body) = content.schema.take()
    {
        let both = AllOf::builder().item(body).item(Ref::from_schema_name(NAME)).build();
        content.schema = Some(RefOr::T(Schema::AllOf(both)));
    }
}
