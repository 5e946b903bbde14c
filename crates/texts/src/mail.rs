//! What mails say.

use serde::{Deserialize, Serialize};

use crate::Language;

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
}

/// A mail as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

// === impl Mail ===

impl Mail {
    /// The mail in a language; `link` is where a mail leads that has one.
    pub fn write(&self, language: Language, link: &str) -> Letter {
        let (subject, body) = match language {
            Language::English => self.in_english(link),
        };
        Letter { subject, body }
    }

    fn in_english(&self, link: &str) -> (String, String) {
        match self {
            Self::Invitation { organization, inviter, until } => (
                format!("Invitation to {organization}"),
                format!(
                    "Hello,\n\n{inviter} invites you to {organization} at Claviger, the key server.\n\n\
                     Open this link to accept. It works once, until {until}:\n\n{link}\n\n\
                     If you do not expect this invitation, ignore this mail.\n"
                ),
            ),
            Self::NewAddress { name, until } => (
                "Confirm your new e-mail address".to_owned(),
                format!(
                    "Hello {name},\n\nthis is to be your e-mail address at Claviger, the key server, from now on.\n\n\
                     Open this link to confirm. It works once, until {until}:\n\n{link}\n\n\
                     If you do not want this, ignore this mail: nothing changes.\n"
                ),
            ),
            Self::PasswordReset { name, until } => (
                "Choose another password".to_owned(),
                format!(
                    "Hello {name},\n\nsomebody, hopefully you, wants another password for you at Claviger, the key server.\n\n\
                     Open this link to choose it. It works once, until {until}:\n\n{link}\n\n\
                     If this was not you, ignore this mail: your password stays as it is.\n"
                ),
            ),
            Self::PasswordChanged { name, at } => (
                "Your password was changed".to_owned(),
                format!(
                    "Hello {name},\n\nyour password at Claviger, the key server, was changed on {at}, and whoever was signed in \
                     with the one before has to sign in again.\n\n\
                     If this was not you, tell an administrator of your organization at once.\n"
                ),
            ),
            Self::AddressChanged { address, at } => (
                "Your e-mail address was changed".to_owned(),
                format!(
                    "Hello,\n\nsince {at} your e-mail address at Claviger, the key server, is {address}.\n\n\
                     If this was not you, tell an administrator of your organization at once.\n"
                ),
            ),
            Self::SecondFactorOn { name, at } => (
                "Your account has a second factor".to_owned(),
                format!(
                    "Hello {name},\n\nsince {at} signing in to Claviger, the key server, takes a code of your authenticator app. Whoever \
                     was signed in as you elsewhere has to sign in again.\n\n\
                     If this was not you, tell an administrator of your organization at once.\n"
                ),
            ),
            Self::SecondFactorOff { name, at } => (
                "Your account has no second factor any more".to_owned(),
                format!(
                    "Hello {name},\n\nsince {at} signing in to Claviger, the key server, takes your password alone: you have ended your \
                     second factor.\n\nIf this was not you, change your password and tell an administrator of your organization at once.\n"
                ),
            ),
            Self::SecondFactorReset { name, by, at } => (
                "Your second factor was reset".to_owned(),
                format!(
                    "Hello {name},\n\non {at} {by} has reset your second factor at Claviger, the key server. Signing in takes your \
                     password alone until you set up another one; please do so now.\n\n\
                     If you have not asked for this, tell an administrator of your organization at once.\n"
                ),
            ),
            Self::RecoveryCodesMade { name, at } => (
                "You have new recovery codes".to_owned(),
                format!(
                    "Hello {name},\n\non {at} you have made new recovery codes at Claviger, the key server. Those before work no \
                     more.\n\nIf this was not you, tell an administrator of your organization at once.\n"
                ),
            ),
            Self::RecoveryCodeUsed { name, at, left } => (
                "A recovery code was used".to_owned(),
                format!(
                    "Hello {name},\n\non {at} somebody, hopefully you, has signed in as you at Claviger, the key server, with a recovery \
                     code. Codes left: {left}.\n\n\
                     If this was not you, change your password and tell an administrator of your organization at once.\n"
                ),
            ),
        }
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
