//! What mails say.

mod english;
mod notices;
mod polish;

use serde::{Deserialize, Serialize};

pub use notices::{About, Notice, Notices};

use crate::Language;
use crate::templates::ByTemplate;

/// A mail and what it tells of. It waits in the database in this form: a field that is added later needs a default, and a
/// variant keeps its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mail", rename_all = "snake_case")]
pub enum Mail {
    /// Somebody is invited to an organization.
    Invitation {
        /// The organization's name.
        organization: String,
        /// Who invites.
        inviter: String,
        /// Until when the link works, in the reader's zone.
        until: String,
    },
    /// A person is to confirm their new address; goes there.
    NewAddress {
        /// The person's name.
        name: String,
        /// Until when the link works, in the reader's zone.
        until: String,
    },
    /// A person is to choose another password.
    PasswordReset {
        /// The person's name.
        name: String,
        /// Until when the link works, in the reader's zone.
        until: String,
    },
    /// A person's password was changed.
    PasswordChanged {
        /// The person's name.
        name: String,
        /// When, in the reader's zone.
        at: String,
    },
    /// A person's address was changed; goes to the one before.
    AddressChanged {
        /// The new address.
        address: String,
        /// When, in the reader's zone.
        at: String,
    },
    /// A person has set up a second factor.
    SecondFactorOn {
        /// The person's name.
        name: String,
        /// When, in the reader's zone.
        at: String,
    },
    /// A person has ended their second factor.
    SecondFactorOff {
        /// The person's name.
        name: String,
        /// When, in the reader's zone.
        at: String,
    },
    /// Somebody else has ended a person's second factor.
    SecondFactorReset {
        /// The person's name.
        name: String,
        /// Who has done it.
        by: String,
        /// When, in the reader's zone.
        at: String,
    },
    /// A person has made new recovery codes.
    RecoveryCodesMade {
        /// The person's name.
        name: String,
        /// When, in the reader's zone.
        at: String,
    },
    /// A person has signed in with a recovery code.
    RecoveryCodeUsed {
        /// The person's name.
        name: String,
        /// When, in the reader's zone.
        at: String,
        /// How many are left.
        left: String,
    },
    /// What happened of late, or will happen, to keys.
    Notices(Box<Notices>),
    /// What an organization tells a user of one of its applications, in words that it may have chosen.
    ToApiUser(Box<ByTemplate>),
}

/// A mail as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// The same in HTML, of a mail that has it.
    pub html: Option<String>,
}

// === impl Mail ===

impl Mail {
    /// The mail in a language; `link` is where a mail leads that has one.
    pub fn write(&self, language: Language, link: &str) -> Letter {
        let (subject, body) = match (self, language) {
            (Self::ToApiUser(mail), _) => return mail.write(language, link),
            (Self::Notices(notices), _) => notices.write(language),
            (_, Language::English) => self.in_english(link),
            (_, Language::Polish) => self.in_polish(link),
        };
        Letter { subject, body, html: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://keys.example.com/x#token";

    fn all() -> [Mail; 10] {
        let text = |text: &str| text.to_owned();
        [
            Mail::Invitation { organization: text("ORG"), inviter: text("INVITER"), until: text("UNTIL") },
            Mail::NewAddress { name: text("NAME"), until: text("UNTIL") },
            Mail::AddressChanged { address: text("ADDRESS"), at: text("AT") },
            Mail::PasswordReset { name: text("NAME"), until: text("UNTIL") },
            Mail::PasswordChanged { name: text("NAME"), at: text("AT") },
            Mail::SecondFactorOn { name: text("NAME"), at: text("AT") },
            Mail::SecondFactorOff { name: text("NAME"), at: text("AT") },
            Mail::SecondFactorReset { name: text("NAME"), by: text("BY"), at: text("AT") },
            Mail::RecoveryCodesMade { name: text("NAME"), at: text("AT") },
            Mail::RecoveryCodeUsed { name: text("NAME"), at: text("AT"), left: text("LEFT") },
        ]
    }

    #[test]
    fn every_language_says_all_that_a_mail_tells_of() {
        for mail in all() {
            let told = serde_json::to_value(&mail).expect("a mail is JSON");
            for language in Language::ALL {
                let letter = mail.write(language, LINK);
                assert!(!letter.subject.contains('\n') && !letter.subject.is_empty());
                let leads_on =
                    matches!(mail, Mail::Invitation { .. } | Mail::NewAddress { .. } | Mail::PasswordReset { .. });
                assert_eq!(letter.body.contains(LINK), leads_on, "{letter:?}");
                let fields = told.as_object().expect("fields").iter().filter(|(name, _)| *name != "mail");
                for (name, value) in fields {
                    assert!(letter.body.contains(value.as_str().expect("a text")), "{name} in {letter:?}");
                }
            }
        }
    }

    #[test]
    fn a_mail_that_waits_is_read_as_it_was_written() {
        for mail in all() {
            let stored = serde_json::to_string(&mail).expect("a mail is JSON");
            assert_eq!(serde_json::from_str::<Mail>(&stored).expect("a mail"), mail);
        }
    }
}
