//! The tables of a YetiForce database that something is taken from, and what is left behind.

use std::collections::{BTreeMap, BTreeSet};

use claviger_domain::Secret;
use claviger_mysql_dump::{Row, Rows, Value};

/// The most rows that are taken from one dump.
const ROWS_MAX: usize = 200_000;

/// A table that something is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// `w_#__servers`: applications.
    Servers,
    /// `w_#__api_user`: users of Webservice Standard.
    ApiUser,
    /// `w_#__portal_user`: users of Webservice Premium.
    PortalUser,
    /// `w_#__manage_consents_user`: tokens of Manage consents.
    ConsentsUser,
    /// `w_#__sms_user`: tokens of SMS.
    SmsUser,
    /// `a_#__encryption`: how secrets are encrypted.
    Encryption,
    /// `vtiger_users`: the addresses of the CRM's own users.
    CrmUsers,
}

/// A row that something is taken from.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) kind: Kind,
    /// The name of its table.
    pub(super) table: String,
    /// The line of the dump where it begins.
    pub(super) line: u64,
    fields: BTreeMap<&'static str, Value>,
}

/// What stands in a dump.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) records: Vec<Record>,
    /// Columns with something in them that has no place here, and in how many rows; and other tables of the web service.
    pub(super) left_behind: BTreeMap<String, usize>,
    names: BTreeMap<Kind, String>,
    others: BTreeSet<String>,
}

// === impl Kind ===

impl Kind {
    const ALL: [Self; 7] = [
        Self::Servers,
        Self::ApiUser,
        Self::PortalUser,
        Self::ConsentsUser,
        Self::SmsUser,
        Self::Encryption,
        Self::CrmUsers,
    ];

    /// The table of this name, whatever the installation's prefix is.
    fn of(table: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| {
            let (area, rest) = kind.name();
            let inner = table.strip_prefix(area).and_then(|table| table.strip_suffix(rest));
            inner.is_some_and(|prefix| is_prefix(prefix) || *kind == Self::CrmUsers && prefix.is_empty())
        })
    }

    /// What stands before and behind the prefix of the installation.
    const fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::Servers => ("w_", "servers"),
            Self::ApiUser => ("w_", "api_user"),
            Self::PortalUser => ("w_", "portal_user"),
            Self::ConsentsUser => ("w_", "manage_consents_user"),
            Self::SmsUser => ("w_", "sms_user"),
            Self::Encryption => ("a_", "encryption"),
            Self::CrmUsers => ("vtiger_", "users"),
        }
    }

    /// The columns that are looked at.
    const fn columns(self) -> &'static [&'static str] {
        const USER: &[&str] = &[
            "id",
            "server_id",
            "status",
            "user_name",
            "password",
            "type",
            "crmid",
            "user_id",
            "login_method",
            "auth",
            "custom_params",
            "language",
        ];
        const TOKEN: &[&str] = &["id", "server_id", "status", "token", "type", "user_id", "language", "custom_params"];
        match self {
            Self::Servers => &["id", "status", "type", "name", "pass", "api_key", "ips", "url"],
            Self::ApiUser | Self::PortalUser => USER,
            Self::ConsentsUser | Self::SmsUser => TOKEN,
            Self::Encryption => &["method", "pass", "target", "status"],
            Self::CrmUsers => &["id", "email1"],
        }
    }

    /// The container whose users stand in this table.
    pub(super) const fn container(self) -> Option<&'static str> {
        match self {
            Self::ApiUser => Some("WebserviceStandard"),
            Self::PortalUser => Some("WebservicePremium"),
            Self::ConsentsUser => Some("ManageConsents"),
            Self::SmsUser => Some("SMS"),
            Self::Servers | Self::Encryption | Self::CrmUsers => None,
        }
    }

    /// Whether its columns are named where they are not taken.
    const fn is_told(self) -> bool {
        !matches!(self, Self::Encryption | Self::CrmUsers)
    }
}

/// `yf_`, or `#__` where it was never filled in.
fn is_prefix(text: &str) -> bool {
    let parts = text.strip_suffix('_').is_some_and(|text| !text.is_empty() && !text.contains('_'));
    parts || text == "#__"
}

// === impl Record ===

impl Record {
    /// The text of a column; nothing where it is NULL, empty or no UTF-8.
    pub(super) fn text(&self, column: &str) -> Option<&str> {
        let bytes = self.fields.get(column)?.as_ref()?;
        std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty())
    }

    /// The same of a column that holds something secret.
    pub(super) fn secret(&self, column: &str) -> Option<Secret> {
        self.text(column).map(|text| Secret::new(text.to_owned()))
    }

    /// Its id, as it stands there.
    pub(super) fn id(&self) -> &str {
        self.text("id").unwrap_or("?")
    }

    /// Whether it is in service.
    pub(super) fn is_active(&self) -> bool {
        self.text("status") == Some("1")
    }
}

// === impl Tables ===

impl Tables {
    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(move |record| record.kind == kind)
    }

    /// The tables that nothing is taken from.
    pub(super) fn others(&self) -> impl Iterator<Item = &str> {
        self.others.iter().map(String::as_str)
    }

    /// Notes that something in a column is left behind.
    pub(super) fn leave(&mut self, table: &str, column: &str) {
        *self.left_behind.entry(format!("{table}.{column}")).or_default() += 1;
    }
}

impl Rows for Tables {
    fn wants(&mut self, table: &str) -> bool {
        let is_wanted = Kind::of(table).is_some();
        if !is_wanted && table.starts_with("w_") {
            self.others.insert(table.to_owned());
        }
        is_wanted
    }

    fn take(&mut self, row: Row) -> Result<(), String> {
        let Some(kind) = Kind::of(&row.table) else { return Ok(()) };
        let name = self.names.entry(kind).or_insert_with(|| row.table.clone());
        if *name != row.table {
            return Err(format!("`{name}` and `{}`: expected the dump of one installation", row.table));
        }
        if self.records.len() >= ROWS_MAX {
            return Err(format!("expected at most {ROWS_MAX} rows of the web service"));
        }
        let mut fields = BTreeMap::new();
        for (column, value) in row.values {
            match kind.columns().iter().find(|known| **known == column) {
                Some(known) => drop(fields.insert(*known, value)),
                None if kind.is_told() && value.as_ref().is_some_and(|value| !value.is_empty()) => {
                    self.leave(&row.table, &column);
                }
                None => {}
            }
        }
        self.records.push(Record { kind, table: row.table, line: row.line, fields });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_known_by_their_names_whatever_the_prefix() {
        for (table, kind) in [
            ("w_yf_servers", Some(Kind::Servers)),
            ("w_#__servers", Some(Kind::Servers)),
            ("w_crm_api_user", Some(Kind::ApiUser)),
            ("w_yf_portal_user", Some(Kind::PortalUser)),
            ("w_yf_manage_consents_user", Some(Kind::ConsentsUser)),
            ("w_yf_sms_user", Some(Kind::SmsUser)),
            ("a_yf_encryption", Some(Kind::Encryption)),
            ("vtiger_users", Some(Kind::CrmUsers)),
            ("w_yf_api_session", None),
            ("w_servers", None),
            ("w_yf_other_servers", None),
            ("servers", None),
            ("u_yf_servers", None),
        ] {
            assert_eq!(Kind::of(table), kind, "{table}");
        }
    }
}
