//! The words of the catalogue: what a template says that an organization has not changed.

use super::{Template, TemplateKind};
use crate::Language;

/// A mail in a language: what stands before the link, what the link is called, and what stands behind it.
struct Words {
    subject: &'static str,
    before: &'static [&'static str],
    link: &'static str,
    after: &'static [&'static str],
}

const fn in_english(kind: TemplateKind) -> Words {
    match kind {
        TemplateKind::PasswordReset => Words {
            subject: "Choose another password for {application}",
            before: &[
                "Hello {user_name},",
                "somebody, hopefully you, wants another password for you at {application} of {organization}.",
                "Open this link to choose it. It works once, until {expires_at}:",
            ],
            link: "Choose a password",
            after: &["If this was not you, ignore this mail: your password stays as it is."],
        },
        TemplateKind::NewAccount => Words {
            subject: "Your account at {application}",
            before: &[
                "Hello {user_name},",
                "you have an account at {application} of {organization}. Your user name is {user_name}.",
                "Open this link to choose your password. It works once, until {expires_at}:",
            ],
            link: "Choose a password",
            after: &["If you do not expect this, ignore this mail."],
        },
        TemplateKind::RecordLink => Words {
            subject: "{application}: {record}",
            before: &["Hello {user_name},", "{organization} has something for you at {application}: {record}."],
            link: "Open it",
            after: &[],
        },
    }
}

const fn in_polish(kind: TemplateKind) -> Words {
    match kind {
        TemplateKind::PasswordReset => Words {
            subject: "Wybór nowego hasła: {application}",
            before: &[
                "Dzień dobry, {user_name},",
                "ktoś poprosił o nowe hasło do tego konta w aplikacji {application} ({organization}).",
                "Aby je wybrać, proszę otworzyć ten odnośnik. Działa raz, do {expires_at}:",
            ],
            link: "Wybierz hasło",
            after: &[
                "Jeśli prośba pochodzi od kogoś innego, proszę zignorować tę wiadomość: hasło pozostanie bez zmian.",
            ],
        },
        TemplateKind::NewAccount => Words {
            subject: "Nowe konto: {application}",
            before: &[
                "Dzień dobry, {user_name},",
                "w aplikacji {application} ({organization}) założono konto. Nazwa użytkownika: {user_name}.",
                "Aby wybrać hasło, proszę otworzyć ten odnośnik. Działa raz, do {expires_at}:",
            ],
            link: "Wybierz hasło",
            after: &["Jeśli ta wiadomość jest nieoczekiwana, proszę ją zignorować."],
        },
        TemplateKind::RecordLink => Words {
            subject: "{application}: {record}",
            before: &["Dzień dobry, {user_name},", "{organization} udostępnia w aplikacji {application}: {record}."],
            link: "Otwórz",
            after: &[],
        },
    }
}

// === impl Template ===

impl Template {
    /// What the catalogue says.
    pub fn default_of(kind: TemplateKind, language: Language) -> Self {
        let words = match language {
            Language::English => in_english(kind),
            Language::Polish => in_polish(kind),
        };
        Self { subject: words.subject.to_owned(), text: words.text(), html: words.html(language) }
    }
}

// === impl Words ===

impl Words {
    fn text(&self) -> String {
        let parts: Vec<_> = self.before.iter().chain(&["{link}"]).chain(self.after).copied().collect();
        format!("{}\n", parts.join("\n\n"))
    }

    fn html(&self, language: Language) -> String {
        let paragraphs = |all: &[&str]| {
            let all: Vec<_> = all.iter().map(|text| format!("<p>{text}</p>\n")).collect();
            all.concat()
        };
        let (tag, before, after) = (language.tag(), paragraphs(self.before), paragraphs(self.after));
        let link = format!("<p><a href=\"{{link}}\">{}</a></p>\n", self.link);
        let head = "<head>\n<meta charset=\"utf-8\">\n</head>";
        format!("<!doctype html>\n<html lang=\"{tag}\">\n{head}\n<body>\n{before}{link}{after}</body>\n</html>\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::templates::Values;

    #[test]
    fn every_language_tells_all_and_makes_no_mistake() {
        for (kind, language) in TemplateKind::ALL.into_iter().flat_map(|kind| Language::ALL.map(|of| (kind, of))) {
            let template = Template::default_of(kind, language);
            assert_eq!(template.mistakes(kind), [], "{kind:?} {language:?}");
            for placeholder in kind.placeholders() {
                let named = format!("{{{}}}", placeholder.name());
                assert!(template.text.contains(&named), "{named} in {template:?}");
                assert!(template.html.contains(&named), "{named} in {template:?}");
            }
            let values = Values {
                user_name: "NAME".to_owned(),
                application: "APP".to_owned(),
                organization: "ORG".to_owned(),
                expires_at: "UNTIL".to_owned(),
                record: "RECORD".to_owned(),
            };
            let letter = template.fill(&values, "https://x.example/?a&b");
            let html = letter.html.expect("HTML");
            assert!([&letter.subject, &letter.body, &html].iter().all(|part| !part.contains('{')), "{html}");
            assert!(html.contains("href=\"https://x.example/?a&amp;b\""));
        }
    }

    #[test]
    fn a_default_reads_as_one_mail() {
        let template = Template::default_of(TemplateKind::RecordLink, Language::Polish);
        assert_eq!(
            template.text,
            "Dzień dobry, {user_name},\n\n{organization} udostępnia w aplikacji {application}: {record}.\n\n{link}\n"
        );
        assert!(template.html.starts_with("<!doctype html>\n<html lang=\"pl\">\n"), "{}", template.html);
        assert!(template.html.contains("<p><a href=\"{link}\">Otwórz</a></p>\n</body>"), "{}", template.html);
    }
}
