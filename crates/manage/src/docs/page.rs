//! The page: heading, contents, operations by noun, schemas.

use serde_json::Value;

use super::html::{Escaped, Html};
use super::operation::{self, Listed};
use super::schema;

/// Renders an OpenAPI document.
pub(super) fn render(document: &Value) -> String {
    let title = document["info"]["title"].as_str().unwrap_or("API");
    let groups = operation::by_noun(document);
    let mut html = Html::default();
    html.raw(format_args!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{}</title>\
         <link rel=\"stylesheet\" href=\"/api/docs/style.css\"></head><body>\
         <a class=\"skip\" href=\"#content\">Skip to the content</a>",
        Escaped(title)
    ));
    write_header(&mut html, document, title);
    html.raw(format_args!("<div class=\"columns\">"));
    write_contents(&mut html, &groups);
    html.raw(format_args!("<main id=\"content\">"));
    for (noun, operations) in &groups {
        html.open("section", &[("id", &format!("noun-{noun}"))]);
        html.element("h2", &[], noun);
        for listed in operations {
            operation::write(&mut html, document, listed);
        }
        html.close("section");
    }
    html.raw(format_args!("<section id=\"schemas\"><h2>Schemas</h2>"));
    schema::write_all(&mut html, document);
    html.raw(format_args!("</section></main></div></body></html>"));
    html.finish()
}

fn write_header(html: &mut Html, document: &Value, title: &str) {
    html.raw(format_args!("<header>"));
    html.element("h1", &[], title);
    html.prose(document["info"]["description"].as_str().unwrap_or_default());
    html.raw(format_args!(
        "<p>Every call carries <code>Authorization: Bearer</code> with a management key. The examples take this \
         server's address from <code>$CLAVIGER_URL</code> and the key from <code>$CLAVIGER_TOKEN</code>. \
         The same as a document: <a href=\"/api/v1/openapi.json\">OpenAPI 3.1</a>.</p></header>"
    ));
}

fn write_contents(html: &mut Html, groups: &[(String, Vec<Listed<'_>>)]) {
    html.raw(format_args!("<nav aria-label=\"Contents\">"));
    for (noun, operations) in groups {
        html.element("a", &[("class", "noun"), ("href", &format!("#noun-{noun}"))], noun);
        html.raw(format_args!("<ul>"));
        for listed in operations {
            html.raw(format_args!("<li>"));
            html.element("a", &[("href", &format!("#{}", listed.anchor()))], listed.title());
            html.raw(format_args!("</li>"));
        }
        html.raw(format_args!("</ul>"));
    }
    html.raw(format_args!("<a class=\"noun\" href=\"#schemas\">Schemas</a></nav>"));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_operation_shows_parameters_schemas_and_a_call() {
        let page = render(&json!({
            "info": {"title": "A <b>", "description": "Says `hello`."},
            "paths": {"/api/v1/things/{id}": {"patch": {
                "operationId": "edit_thing", "summary": "Changes a thing",
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                "responses": {"200": {"description": "Changed", "content": {"application/json": {
                    "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}}}}},
            }}},
            "components": {"schemas": {"Thing": {"type": "object", "required": ["name"], "properties": {
                "name": {"type": "string", "description": "It's name"},
                "next": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Thing"}]},
                "count": {"type": ["integer", "null"]},
            }}}},
        }));
        for part in [
            "<title>A &lt;b&gt;</title>",
            "Says <code>hello</code>.",
            "id=\"operation-edit_thing\"",
            "<span class=\"method patch\">PATCH</span>",
            "<code class=\"path\">/api/v1/things/{id}</code>",
            "Changes a thing",
            "array of <a href=\"#schema-Thing\">Thing</a>",
            "<a href=\"#schema-Thing\">Thing</a> or null",
            "integer or null",
            "It&#39;s name",
            "curl -X PATCH &quot;$CLAVIGER_URL/api/v1/things/ID&quot;",
            "&quot;name&quot;: &quot;…&quot;",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
    }

    #[test]
    fn an_empty_document_is_an_empty_page() {
        assert!(render(&Value::Null).contains("<h1>API</h1>"));
    }
}
