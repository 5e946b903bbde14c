//! Reading an OpenAPI document: what of it an API is made of.
//!
//! 3.0 and 3.1, in JSON or YAML. Nothing is fetched: a `$ref` never leaves its document. Of schemas, examples and answers no
//! more is built than the manual of each operation has room for (`manual/`); the rest is stepped over.

pub(super) mod manual;
mod operation_name;
mod operations;
mod problem;
mod reference;
mod servers;
mod source;
mod suggested_sets;
#[cfg(test)]
pub(crate) mod tests;
mod yaml;

use claviger_domain::api::Host;
use claviger_domain::name::Name;
use claviger_domain::operation::Operation;

pub use problem::{DocumentError, DocumentProblem};
pub use suggested_sets::SuggestedSet;

use problem::Problems;
use source::{Root, decode};

/// The largest document, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The most bytes of a manual's address.
pub const MANUAL_URL_BYTES_MAX: usize = 2_048;

/// What an OpenAPI document says about an API.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedDocument {
    /// `info.title`, cut to what a name may be; none where there is none or nothing of it is left.
    pub title: Option<Name>,
    /// `info.version`.
    pub version: Option<String>,
    /// The hosts of `servers`; empty where none names one.
    pub hosts: Vec<Host>,
    /// The base paths of `servers`; at least one.
    pub base_paths: Vec<String>,
    /// `externalDocs.url`.
    pub manual_url: Option<String>,
    /// The operations, in document order, their names unique.
    pub operations: Vec<Operation>,
    /// What it says of each of them, as JSON texts.
    pub manuals: Vec<Box<str>>,
    /// The tags that it lists, in its order.
    pub tags: Vec<String>,
}

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 8259.
    Json,
    /// YAML 1.2.
    Yaml,
}

/// Reads a document.
///
/// # Errors
/// Every problem that was found, at most `problem::PROBLEMS_MAX`, each with the place in the document.
pub fn parse(bytes: &[u8], format: Format) -> Result<ImportedDocument, DocumentError> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(DocumentError::one("document", "expected at most 32 MiB"));
    }
    match format {
        Format::Json => parse_json(bytes),
        Format::Yaml => parse_json(yaml::to_json(bytes)?.as_bytes()).map_err(DocumentError::without_positions),
    }
}

fn parse_json(bytes: &[u8]) -> Result<ImportedDocument, DocumentError> {
    let root = Root::parse(bytes)?;
    let mut problems = Problems::default();
    let (hosts, base_paths) = servers::read(root.servers, &mut problems);
    let (operations, manuals) = operations::read(&root, &mut problems);
    let info: source::Info = decode(root.info, "info", &mut problems);
    let manual: source::ExternalDocs = decode(root.external_docs, "externalDocs", &mut problems);
    let tags: Vec<source::Tag> = decode(root.tags, "tags", &mut problems);
    problems.into_result()?;
    Ok(ImportedDocument {
        title: info.title.and_then(|title| Name::made_of(&title)),
        version: info.version,
        hosts,
        base_paths,
        manual_url: manual.url.filter(|url| is_web_address(url)),
        tags: tags.into_iter().map(|tag| tag.name).collect(),
        operations,
        manuals,
    })
}

/// A set for each tag of these operations, in the document's order.
pub fn suggested_sets(document: &ImportedDocument, operations: &[Operation]) -> Vec<SuggestedSet> {
    let mut sets = suggested_sets::from_tags(&document.tags, operations);
    sets.extend(suggested_sets::reading(document.title.as_ref(), operations, &sets));
    sets
}

/// The name of an operation that nobody named: `<method>/<path>` such as `get/gists/{gist_id}`.
pub fn made_name(method: &str, path: &str) -> String {
    operation_name::from_request(method, path)
}

/// Whether a text can stand in a link: `http` or `https`, no white space or control characters, not too long.
pub fn is_web_address(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://"))
        && url.len() <= MANUAL_URL_BYTES_MAX
        && !url.chars().any(|c| c.is_whitespace() || c.is_control())
}
