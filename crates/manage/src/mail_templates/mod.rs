//! The words of mails to users of applications: those of the catalogue, until an organization has its own.

mod edit;
mod get;
pub mod http;
mod preview;
mod send_test;
#[cfg(test)]
mod tests;
mod wire;

pub use edit::{SetMailTemplate, restore, set};
pub use get::{get, list};
pub use preview::{MailTemplateDraft, PreviewedMail, preview};
pub use send_test::{TestMail, send_test};
pub use wire::{MailTemplateSummary, MailTemplateView, PlaceholderView};

use claviger_domain::OrganizationId;
use claviger_domain::audit::Subject;
use claviger_domain::authority::Authority;
use claviger_store::Conn;
use claviger_store::mail_templates::{self, MailTemplate};
use claviger_texts::Language;
use claviger_texts::templates::{Template, TemplateKind};

use crate::checks::Checks;
use crate::error::Error;

/// Who may see them.
const READERS: [Authority; 2] = [Authority::ApplicationsManage, Authority::AuditRead];

/// The version of words that are the catalogue's.
const DEFAULT_VERSION: i64 = 1;

/// Which template: what a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Which {
    kind: TemplateKind,
    language: Language,
}

/// The words of an organization for a mail, as it waits; none where those of the catalogue count.
pub(crate) async fn own_words(
    conn: &mut Conn,
    organization: OrganizationId,
    kind: TemplateKind,
    language: Language,
) -> Result<Option<Template>, Error> {
    let stored = mail_templates::get(conn, organization, kind.name(), language.tag()).await?;
    Ok(stored.map(|stored| words_of(&stored)))
}

fn words_of(stored: &MailTemplate) -> Template {
    Template { subject: stored.subject.clone(), text: stored.text.clone(), html: stored.html.clone() }
}

/// Refuses a template with whatever is wrong with it.
fn check(kind: TemplateKind, template: &Template) -> Result<(), Error> {
    let mut checks = Checks::default();
    for (field, mistake) in template.mistakes(kind) {
        checks.refuse(field, mistake);
    }
    checks.finish()
}

// === impl Which ===

impl Which {
    /// The template of this name and language, or 404.
    pub fn named(template: &str, language: &str) -> Result<Self, Error> {
        let both = TemplateKind::named(template).zip(Language::tagged(language));
        let (kind, language) = both.ok_or_else(|| Error::not_found("mail template"))?;
        Ok(Self { kind, language })
    }

    /// All that there are.
    fn all() -> impl Iterator<Item = Self> {
        TemplateKind::ALL.into_iter().flat_map(|kind| Language::ALL.map(|language| Self { kind, language }))
    }

    /// What the catalogue says.
    fn default(self) -> Template {
        Template::default_of(self.kind, self.language)
    }

    /// What an audit entry names.
    fn subject(self) -> Subject {
        let id = format!("{}/{}", self.kind.name(), self.language.tag());
        Subject { kind: "mail_template".to_owned(), id, name: None }
    }

    async fn stored(self, conn: &mut Conn, organization: OrganizationId) -> Result<Option<MailTemplate>, Error> {
        Ok(mail_templates::get(conn, organization, self.kind.name(), self.language.tag()).await?)
    }
}
