//! Path parameters: what is no id of the right kind names nothing, so it is a 404.

use axum::extract::{FromRequestParts, Path};
use claviger_domain::id::{Id, IdKind};
use http::request::Parts;

use crate::error::{Error, ErrorCode};

/// The path's one parameter, as an id of kind `K`.
#[derive(Debug)]
pub struct PathId<K: IdKind>(pub Id<K>);

/// The path's one parameter as text: an id or a slug.
#[derive(Debug)]
pub struct PathName(pub String);

/// The path's two parameters as text.
#[derive(Debug)]
pub struct PathNames(pub String, pub String);

// === impl extractors ===

impl<S: Send + Sync> FromRequestParts<S> for PathNames {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((first, second)) = path.map_err(|_| names_nothing())?;
        Ok(Self(first, second))
    }
}

impl<K: IdKind, S: Send + Sync> FromRequestParts<S> for PathId<K> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let PathName(text) = PathName::from_request_parts(parts, state).await?;
        text.parse().map(Self).map_err(|_| names_nothing())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathName {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| names_nothing())?;
        Ok(Self(text))
    }
}

fn names_nothing() -> Error {
    Error::new(ErrorCode::NotFound, "The path names nothing.")
}
