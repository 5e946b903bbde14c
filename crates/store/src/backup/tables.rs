//! What a backup carries: every table with its columns, in an order in which rows refer to earlier ones only.

/// A table of a backup.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [Column],
}

/// A column of a table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: ColumnKind,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnKind {
    Text,
    Number,
    Bytes,
}

/// The oldest schema whose rows can be restored. Later steps only added columns and tables, so that rows of that time mean
/// the same with the defaults of the new columns, and what steps wrote into rows is written anew (`migrate::upgrade_rows`). A
/// step for which that is not possible raises this to its own number.
pub(super) const OLDEST_SCHEMA: i64 = 1;

/// What is carried. A migration adds its tables and columns here, or to `LEFT_OUT`.
pub(super) const TABLES: &[Table] = &[
    table("installation", &[number("id"), number("writes"), text("default_organization")]),
    table("audit_heads", &[text("chain"), number("seq"), bytes("mac")]),
    table(
        "audit_checkpoints",
        &[text("chain"), number("seq"), bytes("mac"), number("until"), number("removed_at"), bytes("seal")],
    ),
    table(
        "audit_entries",
        &[
            text("chain"),
            number("seq"),
            number("at"),
            text("action"),
            text("object_kind"),
            text("object_id"),
            text("entry"),
            bytes("mac"),
            text("actor"),
            text("actor_type"),
        ],
    ),
    table(
        "organizations",
        &[
            text("id"),
            text("slug"),
            text("name"),
            text("search"),
            text("time_zone"),
            text("key_prefix"),
            number("created_at"),
            number("updated_at"),
            number("version"),
            number("writes"),
            text("ip_list"),
            text("admin_contact"),
        ],
    ),
    table("policies", &[text("organization_id"), text("record")]),
    table("notice_settings", &[text("organization_id"), text("record")]),
    // What people were told of they are not told again.
    table(
        "notices",
        &[
            text("object_id"),
            text("kind"),
            text("threshold"),
            text("recipient"),
            text("organization_id"),
            number("at"),
            text("mail_id"),
        ],
    ),
    table("notice_cursors", &[text("chain"), number("seq")]),
    table(
        "webhooks",
        &[
            text("id"),
            text("organization_id"),
            text("name"),
            text("search"),
            text("url"),
            text("events"),
            text("disabled"),
            bytes("sealed"),
            bytes("old_sealed"),
            number("old_valid_until"),
            number("after_entry"),
            text("created_by"),
            number("created_at"),
            number("updated_at"),
            number("version"),
        ],
    ),
    table("webhook_cursors", &[text("chain"), number("seq")]),
    table(
        "mail_templates",
        &[
            text("organization_id"),
            text("kind"),
            text("language"),
            text("subject"),
            text("plain"),
            text("html"),
            text("updated_by"),
            number("updated_at"),
            number("version"),
        ],
    ),
    table("ip_lists", &[text("organization_id"), text("digest"), text("entries")]),
    table(
        "users",
        &[
            text("id"),
            text("email"),
            text("email_search"),
            text("name"),
            number("created_at"),
            text("language"),
            text("time_zone"),
        ],
    ),
    table(
        "memberships",
        &[
            text("organization_id"),
            text("user_id"),
            number("created_at"),
            text("email_search"),
            text("username"),
            text("username_search"),
            text("search"),
            text("roles"),
            text("disabled"),
            text("locked"),
            number("account_expires_at"),
            number("accepted_at"),
            text("created_by"),
            number("updated_at"),
            number("version"),
            number("last_sign_in_at"),
        ],
    ),
    table(
        "roles",
        &[
            text("id"),
            text("organization_id"),
            text("slug"),
            text("name"),
            text("search"),
            number("predefined"),
            text("authorities"),
            text("levels"),
            number("created_at"),
            number("updated_at"),
            number("version"),
        ],
    ),
    table("user_passwords", &[text("user_id"), text("hash"), number("changed_at")]),
    table(
        "user_totp",
        &[text("user_id"), bytes("sealed"), number("last_step"), number("confirmed_at"), number("codes_made_at")],
    ),
    table("recovery_codes", &[bytes("digest"), text("user_id")]),
    table("member_roles", &[text("role_id"), text("user_id")]),
    table(
        "apis",
        &[
            text("id"),
            text("organization_id"),
            text("slug"),
            text("name"),
            text("search"),
            text("hosts"),
            text("base_paths"),
            number("unlisted_paths"),
            text("manual_url"),
            text("kind"),
            number("created_at"),
            number("updated_at"),
            number("version"),
            text("version_pattern"),
            text("versions"),
            text("sharing"),
            text("rules"),
        ],
    ),
    table(
        "api_operations",
        &[
            text("api_id"),
            number("position"),
            text("name"),
            text("method"),
            text("template"),
            text("multi_segment"),
            text("summary"),
            text("tags"),
            text("search"),
            text("versions"),
        ],
    ),
    table("api_manuals", &[text("api_id"), text("request"), text("version"), text("manual")]),
    table(
        "api_sets",
        &[
            text("id"),
            text("organization_id"),
            text("slug"),
            text("name"),
            text("search"),
            text("kind"),
            text("apis"),
            text("operations"),
            number("created_at"),
            number("updated_at"),
            number("version"),
            text("template"),
            text("limits"),
        ],
    ),
    table("api_shares", &[text("api_id"), text("organization_id")]),
    table(
        "application_types",
        &[
            text("id"),
            text("organization_id"),
            text("slug"),
            text("name"),
            text("search"),
            text("sign_in"),
            text("api_sets"),
            number("predefined"),
            number("created_at"),
            number("updated_at"),
            number("version"),
            text("fields"),
        ],
    ),
    table("application_type_sets", &[text("api_set_id"), text("type_id")]),
    table(
        "applications",
        &[
            text("id"),
            text("organization_id"),
            text("type_id"),
            text("slug"),
            text("name"),
            text("name_search"),
            text("search"),
            text("disabled"),
            text("ip_list"),
            text("public_url"),
            text("created_by"),
            number("created_at"),
            number("updated_at"),
            number("version"),
            text("limits"),
            text("password"),
        ],
    ),
    table(
        "api_users",
        &[
            text("id"),
            text("organization_id"),
            text("application_id"),
            text("user_name"),
            text("name_search"),
            text("search"),
            text("disabled"),
            number("permission_type"),
            text("contact"),
            text("profile_user_id"),
            text("profile_external"),
            text("sign_in_method"),
            text("language"),
            text("static_token"),
            text("created_by"),
            number("created_at"),
            number("updated_at"),
            number("version"),
            number("last_sign_in_at"),
            number("last_sign_out_at"),
            text("preferences"),
            number("unlocked_at"),
        ],
    ),
    table("api_user_passwords", &[text("api_user_id"), text("hash"), number("changed_at")]),
    table("api_user_foreign_passwords", &[text("api_user_id"), text("application_id"), text("cost"), bytes("mac_key")]),
    table("api_user_totp", &[text("api_user_id"), bytes("sealed"), number("last_step"), number("confirmed_at")]),
    table("api_user_recovery_codes", &[bytes("digest"), text("api_user_id")]),
    table(
        "api_user_events",
        &[text("api_user_id"), number("at"), text("id"), text("status"), text("ip"), text("agent"), text("device")],
    ),
    table(
        "keys",
        &[
            text("id"),
            bytes("digest"),
            text("record"),
            text("organization_id"),
            text("owner"),
            text("name_search"),
            text("search"),
            text("environment"),
            number("not_before"),
            number("expires_at"),
            number("disabled_at"),
            number("deleted_at"),
            text("external_id"),
            text("creator"),
            number("created_at"),
            text("ip_list"),
            number("idle_from"),
            number("idle_exempt"),
            text("tags"),
            number("pending_since"),
        ],
    ),
    table("key_digests", &[bytes("digest"), text("key_id"), text("standing"), text("hint"), number("ends_at")]),
    table("key_api_sets", &[text("api_set_id"), text("key_id")]),
    table("key_apis", &[text("api_id"), text("key_id")]),
    table("key_identifiers", &[text("key_id"), bytes("digest"), bytes("sealed")]),
    table("key_reveals", &[text("key_id"), text("organization_id"), text("owner_kind"), bytes("sealed")]),
    table(
        "key_usage",
        &[
            text("key_id"),
            text("organization_id"),
            number("last_used_at"),
            text("last_used"),
            number("old_last_used_at"),
            number("last_refused_at"),
            text("last_refused"),
        ],
    ),
    table(
        "key_sightings",
        &[
            text("key_id"),
            text("kind"),
            text("subject"),
            text("organization_id"),
            number("at"),
            text("sighting"),
            number("waits_since"),
        ],
    ),
    table(
        "usage_counts",
        &[text("organization_id"), text("key_id"), number("hour"), text("door"), text("code"), number("count")],
    ),
    table(
        "quota_counters",
        &[
            text("organization_id"),
            text("counter"),
            number("since"),
            number("spent"),
            number("held"),
            number("lost"),
            number("ends_at"),
        ],
    ),
    table(
        "usage_minutes",
        &[text("organization_id"), text("kind"), number("at"), text("subject"), text("code"), number("count")],
    ),
    table(
        "usage_hours",
        &[text("organization_id"), text("kind"), number("at"), text("subject"), text("code"), number("count")],
    ),
    table(
        "usage_days",
        &[text("organization_id"), text("kind"), number("at"), text("subject"), text("code"), number("count")],
    ),
    table("key_rights", &[text("key_id"), text("subject"), text("operation"), number("day")]),
    table("usage_since", &[number("id"), number("at")]),
    table("refusals", &[text("organization_id"), text("subject"), number("at"), text("id"), text("body")]),
];

/// Tables that are left out on purpose, and whether a restore empties them.
pub(super) const LEFT_OUT: &[(&str, bool)] = &[
    // Stands in the header; the database's own is the program's.
    ("schema_state", false),
    // Stands in the header, and takes the place of the one before.
    ("keyring", true),
    // A restore begins an epoch.
    ("feed_head", true),
    ("changes", true),
    // Of processes that run, or ran.
    ("leases", false),
    ("nodes", true),
    ("usage_writers", false),
    // What nodes held stands in the counters, where it counts as spent.
    ("quota_leases", true),
    // Answers for calls that are repeated within a day.
    ("idempotency_keys", true),
    // Whoever restores would let sessions live again that were ended since.
    ("sessions", true),
    ("api_sessions", true),
    ("sign_in_attempts", true),
    ("sign_in_challenges", true),
    ("new_totp", true),
    // Whoever restores would send mails twice, and let links work again that were used since. Invitations are sent anew.
    ("outbox", true),
    ("webhook_deliveries", true),
    ("webhook_attempts", true),
    ("links", true),
    ("api_user_links", true),
];

const fn table(name: &'static str, columns: &'static [Column]) -> Table {
    Table { name, columns }
}

const fn text(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Text }
}

const fn number(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Number }
}

const fn bytes(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Bytes }
}

// === impl Table ===

impl Table {
    /// The columns' names, as SQL has them in a list.
    pub(super) fn column_list(columns: &[&Column]) -> String {
        columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use claviger_domain::testing::{FixedClock, FixedRandom};

    use super::*;
    use crate::sql::sql;
    use crate::{Config, Database, DatabaseUrl};

    /// The columns of the migrated database, as `table.column TYPE`.
    async fn columns_of_the_schema() -> BTreeSet<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config::new(DatabaseUrl::sqlite(&folder.path().join("c.db")));
        let clock = Arc::new(FixedClock::new(claviger_domain::Timestamp::default()));
        let database = Database::open(config, clock, Arc::new(FixedRandom::new(1))).await.expect("it opens");
        let mut snapshot = database.read().await.expect("a snapshot");
        let statement = sql("SELECT t.name, c.name, c.type FROM sqlite_master t, pragma_table_info(t.name) c \
                             WHERE t.type = 'table'");
        let read = |row: &dyn crate::fields::Fields| Ok(format!("{}.{} {}", row.text(0)?, row.text(1)?, row.text(2)?));
        snapshot.rows(statement, read).await.expect("the columns").into_iter().collect()
    }

    #[tokio::test]
    async fn every_table_and_column_is_carried_or_left_out_on_purpose() {
        let is_left_out = |column: &String| LEFT_OUT.iter().any(|(name, _)| column.starts_with(&format!("{name}.")));
        let schema: BTreeSet<_> =
            columns_of_the_schema().await.into_iter().filter(|column| !is_left_out(column)).collect();
        let word = |kind| match kind {
            ColumnKind::Text => "TEXT",
            ColumnKind::Number => "BIGINT",
            ColumnKind::Bytes => "BLOB",
        };
        let carried: BTreeSet<_> = TABLES
            .iter()
            .flat_map(|table| table.columns.iter().map(move |column| (table.name, column)))
            .map(|(table, column)| format!("{table}.{} {}", column.name, word(column.kind)))
            .collect();
        assert!(schema.len() > 100);
        assert_eq!(schema, carried, "add what a migration added to TABLES or to LEFT_OUT in backup/tables.rs");
    }
}
