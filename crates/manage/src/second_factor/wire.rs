//! A second factor on the wire.

use claviger_domain::{Secret, Timestamp};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::keys::expose;

/// The second factor of the person who calls.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SecondFactorView {
    /// `totp`, or null: none.
    #[schema(required, value_type = Option<String>, example = "totp")]
    pub(super) second_factor: Option<&'static str>,
    /// Since when it is in force.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub(super) since: Option<Timestamp>,
    /// How many recovery codes were not used.
    pub(super) recovery_codes_left: i64,
    /// When they were made.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub(super) recovery_codes_made_at: Option<Timestamp>,
}

/// A secret for an app, which is not in force yet: shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewSecondFactor {
    /// 160 bits in Base32, to be typed in.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String, example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    pub(super) secret: Secret,
    /// What the picture holds.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    pub(super) uri: Secret,
    /// The same as a QR code: an SVG image.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    pub(super) qr_svg: Secret,
    /// Until when a code of it puts it in force.
    #[schema(value_type = String, format = DateTime)]
    pub(super) expires_at: Timestamp,
}

/// Recovery codes: shown this once, and each works once.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RecoveryCodes {
    /// Ten of them.
    #[serde(serialize_with = "expose_all")]
    #[schema(value_type = Vec<String>, example = json!(["0123-4567-89ab-cdef"]))]
    pub(crate) recovery_codes: Vec<Secret>,
}

/// Writes the codes out: the place where they leave their type.
fn expose_all<S: Serializer>(secrets: &[Secret], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(secrets.iter().map(Secret::expose))
}
