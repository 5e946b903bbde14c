//! Entries and heads on the wire.

use claviger_domain::audit::{Chain, Checkpoint, Subject};
use claviger_domain::{Timestamp, hex};
use claviger_store::audit::{Head, Stored};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::keys::ActorView;

/// What was done once.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryView {
    /// Its number in the chain, from 1.
    pub seq: i64,
    #[schema(value_type = String)]
    at: Timestamp,
    actor: ActorView,
    /// Such as `key.create`.
    action: String,
    object: SubjectView,
    /// The fields that changed, before.
    #[schema(required, value_type = Option<Object>)]
    before: Option<Value>,
    /// The fields that changed, after.
    #[schema(required, value_type = Option<Object>)]
    after: Option<Value>,
    #[schema(required)]
    ip: Option<String>,
    #[schema(required)]
    session: Option<String>,
    /// The request id that the caller was told.
    #[schema(required)]
    request_id: Option<String>,
    /// The MAC over the entry and everything before it, in hexadecimal.
    hash: String,
}

/// What an entry is about, with the name it had then.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubjectView {
    #[serde(rename = "type")]
    kind: String,
    id: String,
    #[schema(required)]
    name: Option<String>,
}

/// The end of a chain: note it elsewhere, and nobody can cut the chain unseen.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HeadView {
    /// `installation`, or the organization's id.
    pub chain: String,
    /// How many entries there are.
    pub seq: i64,
    /// The MAC of the last one, in hexadecimal; empty for an empty chain.
    pub mac: String,
}

/// Where a chain begins whose older entries were removed: all before its number went with it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CheckpointView {
    /// `installation`, or the organization's id.
    pub chain: String,
    /// The number of the last entry that was removed.
    pub seq: i64,
    /// The MAC of that entry, in hexadecimal.
    pub mac: String,
    /// When the newest of them was written.
    #[schema(value_type = String)]
    pub until: Timestamp,
    /// When they were last removed.
    #[schema(value_type = String)]
    pub removed_at: Timestamp,
}

/// An entry with its chain: a line of the file that a node appends all entries to.
#[derive(Debug, Serialize)]
pub struct StreamedEntry {
    chain: String,
    #[serde(flatten)]
    entry: EntryView,
}

/// The columns of a CSV export.
pub(super) const COLUMNS: [&str; 15] = [
    "seq",
    "at",
    "actor_type",
    "actor_id",
    "actor_name",
    "action",
    "object_type",
    "object_id",
    "object_name",
    "before",
    "after",
    "ip",
    "session",
    "request_id",
    "hash",
];

/// The cells of [`COLUMNS`].
pub(super) fn cells(Stored { seq, entry, mac }: &Stored) -> [String; COLUMNS.len()] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let json = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
    [
        seq.to_string(),
        entry.at.to_string(),
        entry.actor.kind.as_str().to_owned(),
        text(&entry.actor.id),
        text(&entry.actor.name),
        entry.action.clone(),
        entry.object.kind.clone(),
        entry.object.id.clone(),
        text(&entry.object.name),
        json(&entry.before),
        json(&entry.after),
        text(&entry.ip),
        text(&entry.session),
        text(&entry.request_id),
        hex(mac),
    ]
}

// === impl EntryView ===

impl From<Stored> for EntryView {
    fn from(Stored { seq, entry, mac }: Stored) -> Self {
        Self {
            seq,
            at: entry.at,
            actor: ActorView::from(&entry.actor),
            action: entry.action,
            object: SubjectView::from(entry.object),
            before: entry.before,
            after: entry.after,
            ip: entry.ip,
            session: entry.session,
            request_id: entry.request_id,
            hash: hex(&mac),
        }
    }
}

impl From<Subject> for SubjectView {
    fn from(Subject { kind, id, name }: Subject) -> Self {
        Self { kind, id, name }
    }
}

// === impl HeadView ===

impl HeadView {
    pub(super) fn new(chain: Chain, head: &Head) -> Self {
        Self { chain: chain.to_string(), seq: head.seq, mac: hex(&head.mac) }
    }
}

// === impl CheckpointView ===

impl CheckpointView {
    /// As it is told.
    pub fn new(chain: Chain, checkpoint: Checkpoint) -> Self {
        let Checkpoint { seq, mac, until, removed_at } = checkpoint;
        Self { chain: chain.to_string(), seq, mac: hex(&mac), until, removed_at }
    }
}

// === impl StreamedEntry ===

impl StreamedEntry {
    /// The entry, as an export has it too.
    pub fn new(chain: Chain, stored: Stored) -> Self {
        Self { chain: chain.to_string(), entry: EntryView::from(stored) }
    }
}
