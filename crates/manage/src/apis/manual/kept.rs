//! Which manual belongs to which operation: by method and path, in each version, so that renaming an operation keeps it.

use std::collections::{HashMap, HashSet};

use claviger_domain::ApiId;
use claviger_domain::operation::{Operation, UNVERSIONED};
use claviger_store::manuals::{self, OperationManual};
use claviger_store::{Conn, Tx};

use crate::error::Error;

/// The manuals that a document brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::apis) struct Manuals {
    /// The versions that it stands for; one that is empty stands for none.
    versions: Vec<Box<str>>,
    /// By version and request.
    manuals: Vec<OperationManual>,
}

/// Method and path of an operation, whatever its parameters are called.
fn request_of(operation: &Operation) -> String {
    let mut request = format!("{} ", operation.method);
    let mut rest = &*operation.template;
    while let Some((before, tail)) = rest.split_once('{') {
        request.push_str(before);
        request.push_str("{}");
        rest = tail.split_once('}').map_or("", |(_, after)| after);
    }
    request + rest
}

/// The version under which manuals are kept of what a document has in `version`.
fn kept_version(version: &str) -> &str {
    if version == UNVERSIONED { "" } else { version }
}

/// Removes the manuals of an API that belong to none of its operations any more.
pub(in crate::apis) async fn forget(tx: &mut Tx, api: ApiId, operations: &[Operation]) -> Result<(), Error> {
    let mut known: HashMap<String, HashSet<&str>> = HashMap::new();
    for operation in operations {
        let versions = known.entry(request_of(operation)).or_default();
        versions.insert("");
        versions.extend(operation.versions.iter().map(|version| &**version));
    }
    for (request, version) in manuals::places(tx, api).await? {
        if !known.get(&request).is_some_and(|versions| versions.contains(&*version)) {
            manuals::delete(tx, api, &request, &version).await?;
        }
    }
    Ok(())
}

/// The manual that is kept of an operation in a version that it has; of one that was read before the API had versions too.
pub(super) async fn find(
    conn: &mut Conn,
    api: ApiId,
    operation: &Operation,
    version: Option<&str>,
) -> Result<Option<String>, Error> {
    let request = request_of(operation);
    let version = kept_version(version.unwrap_or_default());
    let found = manuals::get(conn, api, &request, version).await?;
    if found.is_some() || version.is_empty() { Ok(found) } else { Ok(manuals::get(conn, api, &request, "").await?) }
}

// === impl Manuals ===

impl Manuals {
    /// Of a document's operations, each with its versions, in the API's spelling, and its manual.
    pub(in crate::apis) fn new<'o>(
        named: &[Box<str>],
        operations: impl Iterator<Item = (&'o Operation, &'o str)>,
    ) -> Self {
        let mut manuals = Vec::new();
        let mut versions: HashSet<Box<str>> = named.iter().cloned().collect();
        for (operation, manual) in operations {
            let request = request_of(operation);
            let of_all = operation.versions.is_empty().then_some("");
            for version in operation.versions.iter().map(|version| kept_version(version)).chain(of_all) {
                versions.insert(version.into());
                let (request, version, manual) = (request.clone(), version.to_owned(), manual.to_owned());
                manuals.push(OperationManual { request, version, manual });
            }
        }
        let mut versions: Vec<_> = versions.into_iter().collect();
        versions.sort();
        manuals.sort_by(|one, other| (&one.version, &one.request).cmp(&(&other.version, &other.request)));
        Self { versions, manuals }
    }

    /// Whether the API has others of these versions.
    pub(in crate::apis) async fn differ(&self, conn: &mut Conn, api: ApiId) -> Result<bool, Error> {
        let mut rest = self.manuals.as_slice();
        for version in &self.versions {
            let kept = manuals::of_version(conn, api, version).await?;
            let Some(after) = rest.strip_prefix(kept.as_slice()) else { return Ok(true) };
            rest = after;
        }
        Ok(!rest.is_empty())
    }

    /// Puts them in the place of those that the API has of these versions.
    pub(in crate::apis) async fn save(&self, tx: &mut Tx, api: ApiId) -> Result<(), Error> {
        let versions: Vec<&str> = self.versions.iter().map(|version| &**version).collect();
        Ok(manuals::replace(tx, api, &versions, &self.manuals).await?)
    }
}
