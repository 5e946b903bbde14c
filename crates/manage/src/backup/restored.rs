//! What the audit log says of a restore.

use claviger_domain::audit::Entry;
use claviger_store::backup::Header;
use serde_json::json;

use super::create::installation;
use crate::ctx::Ctx;

/// The entry that ends the installation's chain once a backup is restored: which one, and that what came later is undone.
pub fn restored(ctx: &Ctx, header: &Header) -> Entry {
    let after = json!({"made_at": header.made_at, "change": header.position().to_string(), "program": header.program});
    ctx.entry("backup.restore", installation(), None, Some(after))
}
