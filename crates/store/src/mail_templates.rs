//! The words of mails to users of applications that an organization has changed. No node loads them.

use claviger_domain::key::Actor;
use claviger_domain::{OrganizationId, Timestamp};

use crate::Result;
use crate::conn::Conn;
use crate::fields::Fields;
use crate::sql::{json, sql};
use crate::write::Tx;

/// A template that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailTemplate {
    /// What the mail is for.
    pub kind: String,
    /// The language's tag.
    pub language: String,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// A document in HTML.
    pub html: String,
    /// Who changed it last.
    pub updated_by: Actor,
    /// When.
    pub updated_at: Timestamp,
    /// Grows with each change.
    pub version: i64,
}

const SELECT: &str = "SELECT kind, language, subject, plain, html, updated_by, updated_at, version FROM mail_templates \
                      WHERE organization_id = $1";

/// All of an organization's.
pub async fn list(conn: &mut Conn, organization: OrganizationId) -> Result<Vec<MailTemplate>> {
    conn.rows(sql(SELECT).push(" ORDER BY kind, language").bind(organization), read).await
}

/// The one of this kind and language.
pub async fn get(
    conn: &mut Conn,
    organization: OrganizationId,
    kind: &str,
    language: &str,
) -> Result<Option<MailTemplate>> {
    let statement = sql(SELECT).push(" AND kind = $2 AND language = $3");
    conn.row(statement.bind(organization).bind(kind).bind(language), read).await
}

/// Writes one, in the place of the one before.
pub async fn save(tx: &mut Tx, organization: OrganizationId, template: &MailTemplate) -> Result<()> {
    let statement = sql(
        "INSERT INTO mail_templates (organization_id, kind, language, subject, plain, html, updated_by, updated_at, \
         version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (organization_id, kind, language) DO UPDATE SET \
         subject = excluded.subject, plain = excluded.plain, html = excluded.html, updated_by = excluded.updated_by, \
         updated_at = excluded.updated_at, version = excluded.version",
    );
    let statement = statement.bind(organization).bind(&*template.kind).bind(&*template.language);
    let statement = statement.bind(&*template.subject).bind(&*template.text).bind(&*template.html);
    let statement = statement.bind(json(&template.updated_by)).bind(template.updated_at).bind(template.version);
    tx.execute(statement).await?;
    Ok(())
}

/// Deletes one: the catalogue's words count again. False if there was none.
pub async fn delete(tx: &mut Tx, organization: OrganizationId, kind: &str, language: &str) -> Result<bool> {
    let statement = sql("DELETE FROM mail_templates WHERE organization_id = $1 AND kind = $2 AND language = $3");
    Ok(tx.execute(statement.bind(organization).bind(kind).bind(language)).await? == 1)
}

fn read(row: &dyn Fields) -> Result<MailTemplate> {
    let text = |column| row.text(column).map(str::to_owned);
    Ok(MailTemplate {
        kind: text(0)?,
        language: text(1)?,
        subject: text(2)?,
        text: text(3)?,
        html: text(4)?,
        updated_by: row.json(5)?,
        updated_at: row.time(6)?,
        version: row.number(7)?,
    })
}
