//! A mail template on the wire.

use claviger_domain::Timestamp;
use claviger_store::mail_templates::MailTemplate;
use claviger_texts::templates::{Placeholder, Template};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Which, words_of};
use crate::keys::ActorView;

/// The words of a mail in a language, with placeholders such as `{link}`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MailTemplateView {
    #[serde(flatten)]
    summary: MailTemplateSummary,
    /// Plain text.
    text: String,
    /// A document in HTML.
    html: String,
    /// What may stand in it.
    placeholders: Vec<PlaceholderView>,
}

/// The same without text and document, as lists show it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MailTemplateSummary {
    /// `password_reset`, `new_account` or `record_link`.
    #[schema(example = "password_reset")]
    template: &'static str,
    /// The language's tag.
    #[schema(example = "pl")]
    language: &'static str,
    /// What the language calls itself.
    #[schema(example = "Polski")]
    language_name: &'static str,
    /// One line.
    #[schema(example = "Wybór nowego hasła: {application}")]
    subject: String,
    /// Whether these are the words of the catalogue, which the organization has not changed.
    is_default: bool,
    #[schema(required)]
    updated_by: Option<ActorView>,
    #[schema(required, value_type = Option<String>)]
    updated_at: Option<Timestamp>,
}

/// What stands in a template for something that each mail has of its own.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PlaceholderView {
    /// Its name, which stands between braces.
    #[schema(example = "user_name")]
    name: &'static str,
    /// Whether text and document must have it.
    required: bool,
}

/// What an audit entry shows of words.
pub(super) fn audited(words: &Template) -> Value {
    json!({"subject": words.subject, "text": words.text, "html": words.html})
}

// === impl MailTemplateSummary ===

impl MailTemplateSummary {
    /// The words that an organization has, and who has changed them.
    pub(super) fn new(which: Which, stored: Option<&MailTemplate>) -> Self {
        Self {
            template: which.kind.name(),
            language: which.language.tag(),
            language_name: which.language.name(),
            subject: stored.map_or_else(|| which.default().subject, |stored| stored.subject.clone()),
            is_default: stored.is_none(),
            updated_by: stored.map(|stored| ActorView::from(&stored.updated_by)),
            updated_at: stored.map(|stored| stored.updated_at),
        }
    }
}

// === impl MailTemplateView ===

impl MailTemplateView {
    /// The words that an organization has, and who has changed them.
    pub(super) fn new(which: Which, stored: Option<&MailTemplate>) -> Self {
        let words = stored.map_or_else(|| which.default(), words_of);
        let placeholders = which.kind.placeholders().iter();
        Self {
            summary: MailTemplateSummary::new(which, stored),
            text: words.text,
            html: words.html,
            placeholders: placeholders
                .map(|found| PlaceholderView { name: found.name(), required: *found == Placeholder::Link })
                .collect(),
        }
    }
}
