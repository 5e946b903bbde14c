//! The mail that tells of keys: all notices of a day to one recipient.

use serde::{Deserialize, Serialize};

use crate::Language;

/// The most notices that a mail tells of one by one; it says how many more there are.
const TOLD_MAX: usize = 200;

/// What a mail of notices tells of. It waits in the database in this form: a field that is added later needs a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notices {
    /// The organization's name.
    pub organization: String,
    /// In the order in which they came.
    pub told: Vec<Notice>,
    /// How many more there are.
    #[serde(default)]
    pub more: u64,
}

/// One notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What it tells of.
    pub about: About,
    /// The page in the console.
    pub link: String,
}

/// What a notice tells of. Keys and people are called by their names, instants stand in the organization's zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum About {
    /// A key's end is near.
    Ends {
        /// The key.
        key: String,
        /// Whose it is.
        owner: String,
        /// The end.
        at: String,
    },
    /// A key's end has come.
    Ended {
        /// The key.
        key: String,
        /// Whose it is.
        owner: String,
        /// The end.
        at: String,
    },
    /// A key goes idle soon.
    GoesIdle {
        /// The key.
        key: String,
        /// Whose it is.
        owner: String,
        /// When.
        at: String,
    },
    /// A key has gone idle.
    Idle {
        /// The key.
        key: String,
        /// Whose it is.
        owner: String,
        /// When.
        at: String,
    },
    /// A key was made.
    Created {
        /// The key.
        key: String,
        /// Whose it is.
        owner: String,
        /// Who has made it.
        by: String,
        /// When.
        at: String,
    },
    /// A key's secret was shown again.
    Revealed {
        /// The key.
        key: String,
        /// Whose it is.
        owner: String,
        /// Who has seen it.
        by: String,
        /// When.
        at: String,
    },
    /// A key has a new secret.
    Rotated {
        /// The key.
        key: String,
        /// Whose it is.
        owner: String,
        /// Who has made it.
        by: String,
        /// When.
        at: String,
    },
    /// A key waits for approval.
    Waits {
        /// The key.
        key: String,
        /// Whose it is.
        owner: String,
        /// Who has asked for it.
        by: String,
        /// When.
        at: String,
    },
    /// A key that waited was approved.
    Approved {
        /// The key.
        key: String,
        /// Whose it is.
        owner: String,
        /// By whom.
        by: String,
        /// When.
        at: String,
    },
    /// A key that waited was denied.
    Denied {
        /// The key.
        key: String,
        /// Whose it is.
        owner: String,
        /// By whom.
        by: String,
        /// When.
        at: String,
    },
    /// A key was reported as leaked.
    Leaked {
        /// The key.
        key: String,
        /// Whose it is.
        owner: String,
        /// Who has reported it.
        by: String,
        /// When.
        at: String,
    },
    /// A key was used from a network for the first time.
    NewAddress {
        /// The key.
        key: String,
        /// Whose it is.
        owner: String,
        /// The address.
        from: String,
        /// When.
        at: String,
    },
    /// A secret was used that had been rotated out.
    OldSecretUsed {
        /// The key.
        key: String,
        /// Whose it is.
        owner: String,
        /// From which address.
        from: String,
        /// When.
        at: String,
    },
    /// Whom keys belong to was taken out of service.
    OwnerDisabled {
        /// Who.
        owner: String,
        /// By whom.
        by: String,
        /// When.
        at: String,
    },
}

// === impl Notices ===

impl Notices {
    /// Adds one.
    pub fn push(&mut self, notice: Notice) {
        if self.told.len() < TOLD_MAX {
            self.told.push(notice);
        } else {
            self.more += 1;
        }
    }

    /// Subject and text.
    pub(super) fn write(&self, language: Language) -> (String, String) {
        let subject = match &self.told[..] {
            [one] if self.more == 0 => format!("{}: {}", self.organization, one.about.in_short(language)),
            told => several(language, &self.organization, told.len() as u64 + self.more),
        };
        let mut body = greeting(language, &self.organization);
        for notice in &self.told {
            body.push_str("- ");
            body.push_str(&notice.about.sentence(language));
            body.push_str("\n  ");
            body.push_str(&notice.link);
            body.push_str("\n\n");
        }
        if self.more > 0 {
            body.push_str(&more(language, self.more));
        }
        body.push_str(ending(language));
        // A name is one line wherever it stands.
        (subject.replace(['\r', '\n'], " "), body)
    }
}

fn several(language: Language, organization: &str, count: u64) -> String {
    match language {
        Language::English => format!("{organization}: {count} notices about keys"),
        Language::Polish => format!("{organization}: powiadomienia o kluczach ({count})"),
    }
}

fn greeting(language: Language, organization: &str) -> String {
    match language {
        Language::English => format!("Hello,\n\nthis is about keys of {organization} at Claviger, the key server.\n\n"),
        Language::Polish => {
            format!("Dzień dobry,\n\nchodzi o klucze organizacji {organization} w Clavigerze, serwerze kluczy.\n\n")
        }
    }
}

fn more(language: Language, count: u64) -> String {
    match language {
        Language::English => format!("- And {count} more.\n\n"),
        Language::Polish => format!("- Pozostałych powiadomień: {count}.\n\n"),
    }
}

const fn ending(language: Language) -> &'static str {
    match language {
        Language::English => {
            "An administrator of the organization sets who is told of what: Admin, Notices in the console.\n"
        }
        Language::Polish => {
            "Kto o czym jest powiadamiany, ustala administrator organizacji: Admin, Notices w konsoli.\n"
        }
    }
}

// === impl About ===

impl About {
    /// The same as a subject.
    fn in_short(&self, language: Language) -> String {
        match language {
            Language::English => match self {
                Self::Ends { key, at, .. } => format!("key “{key}” ends on {at}"),
                Self::Ended { key, .. } => format!("key “{key}” has ended"),
                Self::GoesIdle { key, at, .. } => format!("key “{key}” goes out of service on {at} unless it is used"),
                Self::Idle { key, .. } => format!("key “{key}” is out of service because nobody uses it"),
                Self::Created { key, .. } => format!("new key “{key}”"),
                Self::Revealed { key, .. } => format!("the secret of key “{key}” was shown"),
                Self::Rotated { key, .. } => format!("key “{key}” has a new secret"),
                Self::Waits { key, .. } => format!("key “{key}” waits for approval"),
                Self::Approved { key, .. } => format!("key “{key}” is approved"),
                Self::Denied { key, .. } => format!("key “{key}” is denied"),
                Self::Leaked { key, .. } => format!("key “{key}” was reported as leaked"),
                Self::NewAddress { key, .. } => format!("key “{key}” was used from a new address"),
                Self::OldSecretUsed { key, .. } => format!("an old secret of key “{key}” was used"),
                Self::OwnerDisabled { owner, .. } => format!("{owner} is out of service"),
            },
            Language::Polish => match self {
                Self::Ends { key, at, .. } => format!("klucz „{key}” wygasa {at}"),
                Self::Ended { key, .. } => format!("klucz „{key}” wygasł"),
                Self::GoesIdle { key, at, .. } => format!("nieużywany klucz „{key}” zostanie wyłączony {at}"),
                Self::Idle { key, .. } => format!("nieużywany klucz „{key}” został wyłączony"),
                Self::Created { key, .. } => format!("nowy klucz „{key}”"),
                Self::Revealed { key, .. } => format!("pokazano sekret klucza „{key}”"),
                Self::Rotated { key, .. } => format!("klucz „{key}” ma nowy sekret"),
                Self::Waits { key, .. } => format!("klucz „{key}” czeka na zatwierdzenie"),
                Self::Approved { key, .. } => format!("zatwierdzono klucz „{key}”"),
                Self::Denied { key, .. } => format!("odrzucono klucz „{key}”"),
                Self::Leaked { key, .. } => format!("zgłoszono wyciek klucza „{key}”"),
                Self::NewAddress { key, .. } => format!("klucz „{key}” został użyty z nowego adresu"),
                Self::OldSecretUsed { key, .. } => format!("użyto starego sekretu klucza „{key}”"),
                Self::OwnerDisabled { owner, .. } => format!("wyłączono: {owner}"),
            },
        }
    }

    fn sentence(&self, language: Language) -> String {
        match language {
            Language::English => self.in_english(),
            Language::Polish => self.in_polish(),
        }
    }

    fn in_english(&self) -> String {
        match self {
            Self::Ends { key, owner, at } => {
                format!("The key “{key}” of {owner} ends on {at}. Whoever uses it needs another one by then.")
            }
            Self::Ended { key, owner, at } => format!("The key “{key}” of {owner} has ended: {at}. It is refused."),
            Self::GoesIdle { key, owner, at } => {
                format!(
                    "Nobody uses the key “{key}” of {owner}. It goes out of service on {at} unless it is used before."
                )
            }
            Self::Idle { key, owner, at } => format!(
                "Nobody has used the key “{key}” of {owner} for long: it is out of service since {at}. It can be enabled again."
            ),
            Self::Created { key, owner, by, at } => format!("{by} made the key “{key}” of {owner} on {at}."),
            Self::Revealed { key, owner, by, at } => {
                format!("{by} had the secret of the key “{key}” of {owner} shown on {at}.")
            }
            Self::Rotated { key, owner, by, at } => {
                format!("{by} gave the key “{key}” of {owner} a new secret on {at}.")
            }
            Self::Waits { key, owner, by, at } => format!(
                "The key “{key}” of {owner} waits for approval since {at}: {by} asked for it. It is refused until somebody else \
                 has approved it."
            ),
            Self::Approved { key, owner, by, at } => {
                format!("{by} approved the key “{key}” of {owner} on {at}. It can be used.")
            }
            Self::Denied { key, owner, by, at } => {
                format!("{by} denied the key “{key}” of {owner} on {at}. Its page says why; it is refused.")
            }
            Self::Leaked { key, owner, by, at } => format!(
                "{by} reported on {at} that the key “{key}” of {owner} has leaked. What was found is refused since; whoever uses \
                 the key needs another one."
            ),
            Self::NewAddress { key, owner, from, at } => format!(
                "The key “{key}” of {owner} was used from {from} on {at}, for the first time from there. If that was none of yours, \
                 disable the key."
            ),
            Self::OldSecretUsed { key, owner, from, at } => format!(
                "On {at} somebody at {from} used a secret of the key “{key}” of {owner} that had been rotated out, and was refused. \
                 Either a program was forgotten, or the old secret is in other hands."
            ),
            Self::OwnerDisabled { owner, by, at } => {
                format!("{by} took {owner} out of service on {at}: all keys of {owner} are refused.")
            }
        }
    }

    fn in_polish(&self) -> String {
        match self {
            Self::Ends { key, owner, at } => {
                format!(
                    "Klucz „{key}” (właściciel: {owner}) wygasa {at}. Kto go używa, potrzebuje do tego czasu innego."
                )
            }
            Self::Ended { key, owner, at } => {
                format!("Klucz „{key}” (właściciel: {owner}) wygasł: {at}. Jest odrzucany.")
            }
            Self::GoesIdle { key, owner, at } => format!(
                "Nikt nie używa klucza „{key}” (właściciel: {owner}). Jeśli nie zostanie użyty, będzie wyłączony {at}."
            ),
            Self::Idle { key, owner, at } => format!(
                "Od dawna nikt nie używał klucza „{key}” (właściciel: {owner}): jest wyłączony od {at}. Można go włączyć ponownie."
            ),
            Self::Created { key, owner, by, at } => {
                format!("Utworzono klucz „{key}” (właściciel: {owner}): {by}, {at}.")
            }
            Self::Revealed { key, owner, by, at } => {
                format!("Pokazano sekret klucza „{key}” (właściciel: {owner}): {by}, {at}.")
            }
            Self::Rotated { key, owner, by, at } => {
                format!("Klucz „{key}” (właściciel: {owner}) ma nowy sekret: {by}, {at}.")
            }
            Self::Waits { key, owner, by, at } => format!(
                "Klucz „{key}” (właściciel: {owner}) czeka na zatwierdzenie: {by}, {at}. Jest odrzucany, dopóki nie zatwierdzi \
                 go inna osoba."
            ),
            Self::Approved { key, owner, by, at } => {
                format!("Zatwierdzono klucz „{key}” (właściciel: {owner}): {by}, {at}. Można go używać.")
            }
            Self::Denied { key, owner, by, at } => {
                format!("Odrzucono klucz „{key}” (właściciel: {owner}): {by}, {at}. Powód jest na stronie klucza.")
            }
            Self::Leaked { key, owner, by, at } => format!(
                "Zgłoszono wyciek klucza „{key}” (właściciel: {owner}): {by}, {at}. Znaleziona wartość jest odtąd odrzucana; kto używa \
                 klucza, potrzebuje innego."
            ),
            Self::NewAddress { key, owner, from, at } => format!(
                "Klucz „{key}” (właściciel: {owner}) został użyty z adresu {from}, {at}, po raz pierwszy stamtąd. Jeśli to nikt od was, \
                 wyłączcie klucz."
            ),
            Self::OldSecretUsed { key, owner, from, at } => format!(
                "{at} ktoś z adresu {from} użył sekretu klucza „{key}” (właściciel: {owner}), który został już wymieniony, i otrzymał \
                 odmowę. Albo zapomniano o jakimś programie, albo stary sekret jest w obcych rękach."
            ),
            Self::OwnerDisabled { owner, by, at } => {
                format!("Wyłączono: {owner} ({by}, {at}). Wszystkie klucze tego właściciela są odrzucane.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mail;

    fn all() -> [About; 14] {
        let text = str::to_owned;
        let (key, owner, by, at) = (text("KEY"), text("OWNER"), text("BY"), text("AT"));
        let ends = || (key.clone(), owner.clone(), at.clone());
        let done = || (key.clone(), owner.clone(), by.clone(), at.clone());
        let ((k1, o1, a1), (k2, o2, a2), (k3, o3, a3), (k4, o4, a4)) = (ends(), ends(), ends(), ends());
        let ((k5, o5, b5, a5), (k6, o6, b6, a6), (k7, o7, b7, a7)) = (done(), done(), done());
        let ((k8, o8, b8, a8), (k9, o9, b9, a9), (k10, o10, b10, a10)) = (done(), done(), done());
        let ((k11, o11, b11, a11), (k12, o12, f12, a12), (k13, o13, f13, a13)) = (done(), done(), done());
        [
            About::Leaked { key: k11, owner: o11, by: b11, at: a11 },
            About::NewAddress { key: k12, owner: o12, from: f12, at: a12 },
            About::OldSecretUsed { key: k13, owner: o13, from: f13, at: a13 },
            About::Ends { key: k1, owner: o1, at: a1 },
            About::Ended { key: k2, owner: o2, at: a2 },
            About::GoesIdle { key: k3, owner: o3, at: a3 },
            About::Idle { key: k4, owner: o4, at: a4 },
            About::Created { key: k5, owner: o5, by: b5, at: a5 },
            About::Revealed { key: k6, owner: o6, by: b6, at: a6 },
            About::Rotated { key: k7, owner: o7, by: b7, at: a7 },
            About::Waits { key: k8, owner: o8, by: b8, at: a8 },
            About::Approved { key: k9, owner: o9, by: b9, at: a9 },
            About::Denied { key: k10, owner: o10, by: b10, at: a10 },
            About::OwnerDisabled { owner, by, at },
        ]
    }

    fn mail(told: Vec<Notice>) -> Mail {
        Mail::Notices(Box::new(Notices { organization: "ORG".to_owned(), told, more: 0 }))
    }

    fn notice(about: About) -> Notice {
        Notice { about, link: "https://keys.example.com/keys/key_1".to_owned() }
    }

    #[test]
    fn every_language_says_all_that_a_notice_tells_of() {
        for about in all() {
            let told = serde_json::to_value(&about).expect("JSON");
            let stored = serde_json::to_string(&mail(vec![notice(about)])).expect("JSON");
            let mail: Mail = serde_json::from_str(&stored).expect("a mail that waits is read as it was written");
            for language in Language::ALL {
                let letter = mail.write(language, "");
                assert!(letter.subject.starts_with("ORG: ") && letter.body.contains("ORG"), "{letter:?}");
                assert!(letter.body.contains("https://keys.example.com/keys/key_1\n"), "{letter:?}");
                for (name, value) in told.as_object().expect("fields").iter().filter(|(name, _)| *name != "about") {
                    assert!(letter.body.contains(value.as_str().expect("a text")), "{name} in {letter:?}");
                }
            }
        }
    }

    #[test]
    fn one_mail_tells_of_many_and_says_how_many_more_there_are() {
        let mut notices = Notices { organization: "ORG".to_owned(), told: Vec::new(), more: 0 };
        for _ in 0..250 {
            notices.push(notice(all()[0].clone()));
        }
        for language in Language::ALL {
            let (subject, body) = notices.write(language);
            assert!(subject.contains("250"), "{subject}");
            assert_eq!(body.matches("/keys/key_1\n").count(), 200);
            assert!(body.contains(" 50"), "{body}");
        }
    }

    #[test]
    fn a_name_does_not_break_the_subjects_line() {
        let about =
            About::Ended { key: "a\r\nBcc: eve@example.com".to_owned(), owner: String::new(), at: String::new() };
        let letter = mail(vec![notice(about)]).write(Language::English, "");
        assert!(!letter.subject.contains(['\r', '\n']), "{letter:?}");
    }
}
