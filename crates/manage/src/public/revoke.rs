//! `POST /revoke`: OAuth 2.0 token revocation (RFC 7009). A key is the token, and whoever holds it may end it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Extension, State};
use claviger_domain::{RequestId, Secret};
use http::{HeaderMap, StatusCode};

use crate::Manage;
use crate::body::{media_type, read_bytes};
use crate::error::Error;
use crate::keys::{Holder, revoke};
use crate::visitor::VisitKind;

/// The most bytes of a form.
const FORM_BYTES_MAX: usize = 16 * 1024;
/// The most parameters of a form, those that say nothing included.
const PARAMETERS_MAX: usize = 16;
/// The only media type of the question.
const FORM: &str = "application/x-www-form-urlencoded";

/// 200 whatever became of the token, as RFC 7009, 2.2, wants it: what is nobody's is out of service already.
pub(super) async fn answer(
    State(manage): State<Arc<Manage>>,
    Extension(request_id): Extension<RequestId>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Error> {
    let ip = peer.map(|Extension(ConnectInfo(peer))| peer.ip().to_canonical());
    manage.count_visit(VisitKind::Revocation, ip)?;
    if media_type(&headers).as_deref() != Some(FORM) {
        return Err(Error::unsupported_media_type(FORM));
    }
    let token = token(&read_bytes(&headers, body, FORM_BYTES_MAX).await?)?;
    let holder = Holder { ip, request_id, now: manage.clock.now() };
    revoke(&manage, holder, &token).await?;
    Ok(StatusCode::OK)
}

/// The parameter `token`. A parameter that is empty counts as left out and one that is not known as not there (RFC 6749, 3.2);
/// any value of `token_type_hint` is one.
fn token(form: &[u8]) -> Result<Secret, Error> {
    let (mut token, mut has_hint) = (None, false);
    for (at, (name, value)) in form_urlencoded::parse(form).enumerate() {
        if at == PARAMETERS_MAX {
            return Err(Error::field("body", format!("expected at most {PARAMETERS_MAX} parameters")));
        }
        let is_repeated = match &*name {
            _ if value.is_empty() => false,
            "token" => token.replace(Secret::new(value.into_owned())).is_some(),
            "token_type_hint" => std::mem::replace(&mut has_hint, true),
            _ => false,
        };
        if is_repeated {
            return Err(Error::field(name, "expected once"));
        }
    }
    token.ok_or_else(|| Error::field("token", "expected a key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(form: &str) -> String {
        token(form.as_bytes()).expect_err(form).errors()[0].field.clone()
    }

    #[test]
    fn the_token_stands_there_once() {
        let read = |form: &str| token(form.as_bytes()).map(|token| token.expose().to_owned()).ok();
        assert_eq!(read("token=a%20b&token_type_hint=x&unknown=1&unknown=2").as_deref(), Some("a b"));
        assert_eq!(read("token=&token=a").as_deref(), Some("a"), "an empty one is left out");
        for form in ["", "token=", "tokens=a", "token"] {
            assert_eq!(wrong(form), "token", "{form}");
        }
        assert_eq!(wrong("token=a&token=a"), "token");
        assert_eq!(wrong("token=a&token_type_hint=x&token_type_hint=x"), "token_type_hint");
        assert_eq!(wrong(&"a=b&".repeat(PARAMETERS_MAX + 1)), "body");
    }
}
