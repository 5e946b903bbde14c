//! gRPC's health check: whether verdicts are given, once or with every change.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::{MissedTickBehavior, interval};

use super::frames::framed;
use super::messages::{HealthRequest, HealthResponse, Serving};
use super::status::{Code, Failure};
use super::stream::{LOOK_EVERY, Replies};
use super::{decoded, reflection};
use crate::service::Connection;

/// Whether verdicts are given.
pub(super) fn check(connection: &Connection, message: Bytes) -> Result<Vec<u8>, Failure> {
    let request: HealthRequest = decoded(connection, message)?;
    match serving(connection, &request.service) {
        Serving::ServiceUnknown => Err(Failure::new(Code::NotFound, "there is no such service")),
        status => Ok(framed(&HealthResponse { status: status.into() })),
    }
}

/// Says at once how it is, and again whenever that is something else.
pub(super) async fn watch(
    connection: Arc<Connection>,
    request: HealthRequest,
    replies: Replies,
) -> Result<(), Failure> {
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = None;
    loop {
        looks.tick().await;
        let status = serving(&connection, &request.service);
        if told.replace(status) != Some(status) {
            replies.send(&HealthResponse { status: status.into() }).await;
        }
    }
}

/// How a service is; the one without a name is all of them.
fn serving(connection: &Connection, service: &[u8]) -> Serving {
    if !service.is_empty() && !reflection::services().any(|known| known.as_bytes() == service) {
        Serving::ServiceUnknown
    } else if connection.engine().is_ready() {
        Serving::Serving
    } else {
        Serving::NotServing
    }
}
