//! Mails to users of applications, whose words an organization may change.
//!
//! A template is a subject, a text and an HTML document with placeholders such as `{link}`. What comes in their places is escaped
//! where it stands in HTML, and can break no line of a subject. [`ByTemplate`] is such a mail as it waits.

mod check;
mod default;
mod fill;
mod html;

use serde::{Deserialize, Serialize};

pub use check::{HTML_LENGTH_MAX, Mistake, SUBJECT_LENGTH_MAX, TEXT_LENGTH_MAX};

use crate::{Language, Letter};

/// What a mail is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateKind {
    /// A user who has, or had, a password chooses another one.
    PasswordReset,
    /// A user who was made without a password chooses the first one.
    NewAccount,
    /// A user is led to a record of the application.
    RecordLink,
}

/// What stands in a template for something that each mail has of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder {
    /// Where the mail leads.
    Link,
    /// The user's name.
    UserName,
    /// The application's name.
    Application,
    /// The organization's name.
    Organization,
    /// Until when the link works.
    ExpiresAt,
    /// What the application calls the record.
    Record,
}

/// The words of a mail, with placeholders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// A document in HTML.
    pub html: String,
}

/// What comes in the places of placeholders, but for the link. What a mail does not tell of is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Values {
    /// The user's name.
    pub user_name: String,
    /// The application's name.
    pub application: String,
    /// The organization's name.
    pub organization: String,
    /// Until when the link works, in the organization's zone.
    #[serde(default)]
    pub expires_at: String,
    /// What the application calls the record.
    #[serde(default)]
    pub record: String,
}

/// A mail to a user of an application as it waits: by which template, and what it tells of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByTemplate {
    /// What it is for.
    pub template: TemplateKind,
    /// The organization's own words; those of the catalogue where there are none.
    pub words: Option<Template>,
    /// What it tells of.
    pub values: Values,
}

// === impl TemplateKind ===

impl TemplateKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::PasswordReset, Self::NewAccount, Self::RecordLink];

    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PasswordReset => "password_reset",
            Self::NewAccount => "new_account",
            Self::RecordLink => "record_link",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What may stand in its templates.
    pub const fn placeholders(self) -> &'static [Placeholder] {
        use Placeholder::{Application, ExpiresAt, Link, Organization, Record, UserName};
        match self {
            Self::PasswordReset | Self::NewAccount => &[Link, UserName, Application, Organization, ExpiresAt],
            Self::RecordLink => &[Link, UserName, Application, Organization, Record],
        }
    }
}

// === impl Placeholder ===

impl Placeholder {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Link, Self::UserName, Self::Application, Self::Organization, Self::ExpiresAt, Self::Record];

    /// Its name, which stands between braces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::UserName => "user_name",
            Self::Application => "application",
            Self::Organization => "organization",
            Self::ExpiresAt => "expires_at",
            Self::Record => "record",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|placeholder| placeholder.name() == name)
    }
}

// === impl ByTemplate ===

impl ByTemplate {
    /// The mail in a language; `link` is where it leads.
    pub fn write(&self, language: Language, link: &str) -> Letter {
        match &self.words {
            Some(words) => words.fill(&self.values, link),
            None => Template::default_of(self.template, language).fill(&self.values, link),
        }
    }
}
