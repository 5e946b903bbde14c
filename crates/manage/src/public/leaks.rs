//! `POST /leaks`: keys that a scanner found, by GitHub's signature or by the key of whoever runs the scanner.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{ConnectInfo, Extension, State};
use claviger_domain::RequestId;
use http::request::Parts;

use crate::Manage;
use crate::authenticate::outside_ctx;
use crate::body::{BODY_BYTES_MAX, media_type, read_bytes};
use crate::error::Error;
use crate::keys::Holder;
use crate::leaks::{Finding, Reporter, SIGNATURE_HEADER, check_signature, read, report};
use crate::visitor::VisitKind;

/// The only media type of a report.
const JSON: &str = "application/json";

/// What became of each value, in the order of the report.
pub(super) async fn answer(
    State(manage): State<Arc<Manage>>,
    Extension(request_id): Extension<RequestId>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    parts: Parts,
    body: Body,
) -> Result<Json<Vec<Finding>>, Error> {
    let ip = peer.map(|Extension(ConnectInfo(peer))| peer.ip().to_canonical());
    manage.count_visit(VisitKind::LeakReport, ip)?;
    if media_type(&parts.headers).as_deref() != Some(JSON) {
        return Err(Error::unsupported_media_type(JSON));
    }
    let is_signed = parts.headers.contains_key(SIGNATURE_HEADER);
    // Of whoever has no key nothing is read, unless it is signed.
    let ctx = if is_signed { None } else { Some(Box::new(outside_ctx(&manage, &parts, ip, request_id)?)) };
    let body = read_bytes(&parts.headers, body, BODY_BYTES_MAX).await?;
    let reporter = if let Some(ctx) = ctx {
        Reporter::Of(ctx)
    } else {
        check_signature(&manage, &parts.headers, &body).await?;
        Reporter::GitHub(Holder { ip, request_id, now: manage.clock.now() })
    };
    Ok(Json(report(&manage, &reporter, read(&body)?).await?))
}
