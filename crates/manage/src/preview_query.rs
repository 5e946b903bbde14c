//! The query of a change that can be looked at before it is made.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::body::{Wait, flag, wait_ms};

/// The query of a change that can be looked at before it is made.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PreviewQuery {
    /// Only says what the change would do, and changes nothing.
    #[serde(default, deserialize_with = "flag")]
    pub dry_run: bool,
    /// Which nodes must have applied the change before the call returns: `node` is this one, `all` every live one. The
    /// answer then names them.
    #[serde(default)]
    #[param(inline)]
    pub wait: Option<Wait>,
    /// How many milliseconds to wait for them at most; 1,000 if not given.
    #[serde(default, deserialize_with = "wait_ms")]
    #[param(maximum = 5_000)]
    pub wait_ms: Option<u32>,
}
