//! What requests say about how an API is shared and how its doors judge.

use std::collections::BTreeSet;

use claviger_domain::OrganizationId;
use claviger_domain::credential_source::{CREDENTIAL_SOURCES_MAX, CredentialSource};
use claviger_domain::sharing::{SHARED_WITH_MAX, SharedWith};
use claviger_store::{Conn, organizations};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, Object, OneOf, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::checks::Checks;
use crate::error::{Error, FieldError};
use crate::rights::UNKNOWN;

const FIELD: &str = "shared_with";

/// With whom an API is shared: `"none"`, `"all"`, or ids of organizations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SharedWithInput {
    /// With nobody.
    None,
    /// With every organization.
    All,
    /// With these.
    Chosen(Vec<String>),
}

/// The same as a view shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedWithView(pub SharedWith);

/// Reads the sources of keys: each once, names of headers without regard to case.
pub(super) fn credential_sources(checks: &mut Checks, given: &[String]) -> Vec<CredentialSource> {
    let fits = given.len() <= CREDENTIAL_SOURCES_MAX;
    checks.ensure("credential_sources", fits, format!("expected at most {CREDENTIAL_SOURCES_MAX}"));
    let mut sources: Vec<CredentialSource> = Vec::new();
    for (index, text) in given.iter().enumerate().take(CREDENTIAL_SOURCES_MAX) {
        let field = format!("credential_sources[{index}]");
        match text.parse() {
            Ok(source) if sources.contains(&source) => checks.refuse(field, "stands here twice"),
            Ok(source) => sources.push(source),
            Err(problem) => checks.refuse(field, problem),
        }
    }
    sources
}

/// The organizations that an API of `provider` is to be shared with. An unknown one reads like any name that is not there.
pub(super) async fn shared_with(
    conn: &mut Conn,
    provider: OrganizationId,
    given: &SharedWithInput,
) -> Result<SharedWith, Error> {
    let names = match given {
        SharedWithInput::None => return Ok(SharedWith::None),
        SharedWithInput::All => return Ok(SharedWith::All),
        SharedWithInput::Chosen(names) => names,
    };
    let chosen = parse_ids(provider, names)?;
    let mut unknown = Vec::new();
    for (index, id) in chosen.iter().enumerate() {
        if organizations::get(conn, *id).await?.is_none() {
            unknown.push(FieldError::new(format!("{FIELD}[{index}]"), UNKNOWN));
        }
    }
    if !unknown.is_empty() {
        return Err(Error::names_unknown(unknown));
    }
    let chosen: BTreeSet<_> = chosen.into_iter().collect();
    Ok(if chosen.is_empty() { SharedWith::None } else { SharedWith::Chosen(chosen) })
}

fn parse_ids(provider: OrganizationId, names: &[String]) -> Result<Vec<OrganizationId>, Error> {
    let mut checks = Checks::default();
    checks.ensure(FIELD, names.len() <= SHARED_WITH_MAX, format!("expected at most {SHARED_WITH_MAX} organizations"));
    let mut ids = Vec::new();
    for (index, name) in names.iter().enumerate().take(SHARED_WITH_MAX) {
        let field = format!("{FIELD}[{index}]");
        match name.parse() {
            Ok(id) if id == provider => checks.refuse(field, "is the organization that the API belongs to"),
            Ok(id) => ids.push(id),
            Err(_) => checks.refuse(field, "expected the id of an organization, org_ and 26 characters"),
        }
    }
    checks.finish()?;
    Ok(ids)
}

fn schema() -> RefOr<Schema> {
    let word = Object::builder().schema_type(Type::String).enum_values(Some(["none", "all"]));
    let id = Object::builder().schema_type(Type::String).examples(["org_01jd2v3w4x5y6z7a8b9c0d1e2f"]);
    OneOf::builder().item(word).item(ArrayBuilder::new().items(id)).into()
}

// === impl SharedWithInput ===

impl PartialSchema for SharedWithInput {
    fn schema() -> RefOr<Schema> {
        schema()
    }
}

impl ToSchema for SharedWithInput {}

impl<'de> Deserialize<'de> for SharedWithInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrList;
        impl<'de> Visitor<'de> for WordOrList {
            type Value = SharedWithInput;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("`none`, `all`, or an array of ids of organizations")
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<SharedWithInput, E> {
                match word {
                    "none" => Ok(SharedWithInput::None),
                    "all" => Ok(SharedWithInput::All),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Other("another word"), &self)),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<SharedWithInput, A::Error> {
                let mut ids = Vec::new();
                while let Some(id) = list.next_element()? {
                    ids.push(id);
                }
                Ok(SharedWithInput::Chosen(ids))
            }
        }
        deserializer.deserialize_any(WordOrList)
    }
}

// === impl SharedWithView ===

impl PartialSchema for SharedWithView {
    fn schema() -> RefOr<Schema> {
        schema()
    }
}

impl ToSchema for SharedWithView {}

impl Serialize for SharedWithView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            SharedWith::None => serializer.serialize_str("none"),
            SharedWith::All => serializer.serialize_str("all"),
            SharedWith::Chosen(chosen) => serializer.collect_seq(chosen.iter().map(ToString::to_string)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sharing_is_a_word_or_a_list() {
        let read = |value| serde_json::from_value::<SharedWithInput>(value).ok();
        assert_eq!(read(json!("none")), Some(SharedWithInput::None));
        assert_eq!(read(json!("all")), Some(SharedWithInput::All));
        assert_eq!(read(json!(["org_x"])), Some(SharedWithInput::Chosen(vec!["org_x".to_owned()])));
        for wrong in [json!("some"), json!(true), json!([1]), json!({}), json!(null)] {
            assert_eq!(read(wrong.clone()), None, "{wrong}");
        }
    }

    #[test]
    fn ids_are_of_other_organizations() {
        let (own, other) = (OrganizationId::from_raw(1), OrganizationId::from_raw(2));
        assert_eq!(parse_ids(own, &[other.to_string()]).ok(), Some(vec![other]));
        let names = [own.to_string(), "acme".to_owned(), other.to_string()];
        let error = parse_ids(own, &names).expect_err("two are wrong");
        let fields: Vec<_> = error.errors().iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["shared_with[0]", "shared_with[1]"]);
        let many = vec![other.to_string(); SHARED_WITH_MAX + 1];
        assert_eq!(parse_ids(own, &many).expect_err("too many").errors()[0].field, "shared_with");
    }

    #[test]
    fn every_wrong_source_is_named() {
        let mut checks = Checks::default();
        let given = ["basic", "X-Api-Key", "x-api-key", "no header", "Host"].map(str::to_owned);
        let read = credential_sources(&mut checks, &given);
        assert_eq!(read.len(), 2);
        let error = checks.finish().expect_err("three are wrong");
        let fields: Vec<_> = error.errors().iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["credential_sources[2]", "credential_sources[3]", "credential_sources[4]"]);
        let mut checks = Checks::default();
        credential_sources(&mut checks, &vec!["basic".to_owned(); CREDENTIAL_SOURCES_MAX + 1]);
        assert_eq!(checks.finish().expect_err("too many").errors()[0].field, "credential_sources");
    }
}
