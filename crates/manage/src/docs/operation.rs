//! One operation of the page.

use serde_json::{Map, Value};

use super::example;
use super::html::{Escaped, Html};
use super::schema;

/// Where the management API begins.
const PREFIX: &str = "/api/v1/";

/// An operation and where it stands in the document.
pub(super) struct Listed<'d> {
    path: &'d str,
    method: &'d str,
    operation: &'d Value,
}

/// The operations by the first segment of their path, in the order of the document.
pub(super) fn by_noun(document: &Value) -> Vec<(String, Vec<Listed<'_>>)> {
    let mut groups: Vec<(String, Vec<Listed<'_>>)> = Vec::new();
    for (path, methods) in members(&document["paths"]) {
        let noun = path.trim_start_matches(PREFIX).trim_start_matches('/').split('/').next().unwrap_or_default();
        let operations = methods.as_object().into_iter().flatten();
        for (method, operation) in operations.filter(|(_, operation)| operation.get("responses").is_some()) {
            let listed = Listed { path, method, operation };
            match groups.iter_mut().find(|(known, _)| known == noun) {
                Some((_, list)) => list.push(listed),
                None => groups.push((noun.to_owned(), vec![listed])),
            }
        }
    }
    groups
}

/// Writes an operation: what it is, what it takes, what it answers, and a call.
pub(super) fn write(html: &mut Html, document: &Value, listed: &Listed<'_>) {
    let operation = listed.operation;
    html.open("article", &[("id", &listed.anchor())]);
    html.element("h3", &[], listed.title());
    html.raw(format_args!("<p class=\"line\">"));
    html.element("span", &[("class", &format!("method {}", listed.method))], listed.method.to_ascii_uppercase());
    html.element("code", &[("class", "path")], listed.path);
    html.raw(format_args!("</p>"));
    if listed.title() != operation["description"] {
        html.prose(operation["description"].as_str().unwrap_or_default());
    }
    write_parameters(html, &operation["parameters"]);
    for (media_type, body) in members(&operation["requestBody"]["content"]) {
        html.raw(format_args!("<h4>Body</h4><p><code>{}</code>: ", Escaped(media_type)));
        schema::write_type(html, &body["schema"]);
        html.raw(format_args!("</p>"));
    }
    write_responses(html, &operation["responses"]);
    html.raw(format_args!("<h4>Call</h4><pre><code>"));
    html.raw(format_args!("{}", Escaped(call(document, listed))));
    html.raw(format_args!("</code></pre>"));
    html.close("article");
}

fn write_parameters(html: &mut Html, parameters: &Value) {
    let Some(parameters) = parameters.as_array().filter(|list| !list.is_empty()) else { return };
    html.raw(format_args!("<h4>Parameters</h4><dl>"));
    for parameter in parameters {
        html.raw(format_args!("<dt>"));
        html.element("code", &[], parameter["name"].as_str().unwrap_or_default());
        html.raw(format_args!(" <span class=\"type\">"));
        schema::write_type(html, &parameter["schema"]);
        let required = if parameter["required"] == true { ", required" } else { "" };
        let place = parameter["in"].as_str().unwrap_or_default();
        html.raw(format_args!(", in the {}{required}</span></dt><dd>", Escaped(place)));
        html.inline(parameter["description"].as_str().unwrap_or_default());
        html.raw(format_args!("</dd>"));
    }
    html.raw(format_args!("</dl>"));
}

fn write_responses(html: &mut Html, responses: &Value) {
    html.raw(format_args!("<h4>Answers</h4><dl>"));
    for (status, response) in members(responses) {
        html.raw(format_args!("<dt>"));
        html.element("code", &[], status);
        for (_, content) in members(&response["content"]) {
            html.raw(format_args!(" <span class=\"type\">"));
            schema::write_type(html, &content["schema"]);
            html.raw(format_args!("</span>"));
        }
        html.raw(format_args!("</dt><dd>"));
        html.inline(response["description"].as_str().unwrap_or_default());
        html.raw(format_args!("</dd>"));
    }
    html.raw(format_args!("</dl>"));
}

/// A call of the operation for a shell.
fn call(document: &Value, listed: &Listed<'_>) -> String {
    let path: String = listed
        .path
        .split('/')
        .map(|segment| if segment.starts_with('{') { "ID" } else { segment })
        .collect::<Vec<_>>()
        .join("/");
    let method = match listed.method {
        "get" => String::new(),
        method => format!("-X {} ", method.to_ascii_uppercase()),
    };
    let call = format!("curl {method}\"$CLAVIGER_URL{path}\" \\\n  -H \"Authorization: Bearer $CLAVIGER_TOKEN\"");
    let Some((media_type, body)) = members(&listed.operation["requestBody"]["content"]).next() else { return call };
    let fields = example::of(document, &body["schema"]);
    let data = if fields.is_object() {
        let text = serde_json::to_string_pretty(&fields).unwrap_or_default();
        format!("-d '{}'", text.replace('\'', "'\\''").replace('\n', "\n      "))
    } else {
        "--data-binary @FILE".to_owned()
    };
    format!("{call} \\\n  -H \"Content-Type: {media_type}\" \\\n  {data}")
}

/// An object's members; none of anything else.
pub(super) fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

// === impl Listed ===

impl Listed<'_> {
    /// What links to it.
    pub(super) fn anchor(&self) -> String {
        match self.operation["operationId"].as_str() {
            Some(id) => format!("operation-{id}"),
            None => format!("operation-{}-{}", self.method, self.path),
        }
    }

    /// One line that says what it does.
    pub(super) fn title(&self) -> &str {
        let said = self.operation["summary"].as_str().or_else(|| self.operation["description"].as_str());
        said.and_then(|text| text.lines().next()).unwrap_or(self.path)
    }
}
