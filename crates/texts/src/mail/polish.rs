//! Mails to people, in Polish.

use super::Mail;

/// What to do where it was somebody else.
const TELL: &str = "Jeśli zrobił to ktoś inny, proszę natychmiast zawiadomić administratora organizacji.\n";
/// The same where the password alone protects the account.
const CHANGE: &str =
    "Jeśli zrobił to ktoś inny, proszę zmienić hasło i natychmiast zawiadomić administratora organizacji.\n";

// === impl Mail ===

impl Mail {
    /// Subject and text; nothing of a mail whose words are a template's.
    pub(super) fn in_polish(&self, link: &str) -> (String, String) {
        match self {
            Self::Invitation { organization, inviter, until } => (
                format!("Zaproszenie do organizacji {organization}"),
                format!(
                    "Dzień dobry,\n\n{inviter} zaprasza do organizacji {organization} w Clavigerze, serwerze kluczy.\n\n\
                     Aby przyjąć zaproszenie, proszę otworzyć ten odnośnik. Działa raz, do {until}:\n\n{link}\n\n\
                     Jeśli to zaproszenie jest nieoczekiwane, proszę zignorować tę wiadomość.\n"
                ),
            ),
            Self::NewAddress { name, until } => (
                "Potwierdzenie nowego adresu e-mail".to_owned(),
                format!(
                    "Dzień dobry, {name},\n\nten adres ma być odtąd adresem e-mail w Clavigerze, serwerze kluczy.\n\n\
                     Aby go potwierdzić, proszę otworzyć ten odnośnik. Działa raz, do {until}:\n\n{link}\n\n\
                     W przeciwnym razie proszę zignorować tę wiadomość: nic się nie zmieni.\n"
                ),
            ),
            Self::PasswordReset { name, until } => (
                "Wybór nowego hasła".to_owned(),
                format!(
                    "Dzień dobry, {name},\n\nktoś poprosił o nowe hasło do tego konta w Clavigerze, serwerze kluczy.\n\n\
                     Aby je wybrać, proszę otworzyć ten odnośnik. Działa raz, do {until}:\n\n{link}\n\n\
                     Jeśli prośba pochodzi od kogoś innego, proszę zignorować tę wiadomość: hasło pozostanie bez zmian.\n"
                ),
            ),
            Self::PasswordChanged { name, at } => (
                "Hasło zostało zmienione".to_owned(),
                format!(
                    "Dzień dobry, {name},\n\nhasło w Clavigerze, serwerze kluczy, zostało zmienione {at}. Kto był zalogowany \
                     poprzednim hasłem, musi zalogować się ponownie.\n\n{TELL}"
                ),
            ),
            Self::AddressChanged { address, at } => (
                "Adres e-mail został zmieniony".to_owned(),
                format!("Dzień dobry,\n\nod {at} adres e-mail w Clavigerze, serwerze kluczy, to {address}.\n\n{TELL}"),
            ),
            Self::SecondFactorOn { name, at } => (
                "Konto ma drugi składnik logowania".to_owned(),
                format!(
                    "Dzień dobry, {name},\n\nod {at} logowanie do Clavigera, serwera kluczy, wymaga kodu z aplikacji \
                     uwierzytelniającej. Pozostałe sesje zostały zakończone.\n\n{TELL}"
                ),
            ),
            Self::SecondFactorOff { name, at } => (
                "Konto nie ma już drugiego składnika logowania".to_owned(),
                format!(
                    "Dzień dobry, {name},\n\nod {at} do zalogowania się do Clavigera, serwera kluczy, wystarcza hasło: drugi \
                     składnik został wyłączony.\n\n{CHANGE}"
                ),
            ),
            Self::SecondFactorReset { name, by, at } => (
                "Drugi składnik logowania został usunięty".to_owned(),
                format!(
                    "Dzień dobry, {name},\n\n{at} drugi składnik logowania do Clavigera, serwera kluczy, został usunięty. \
                     Dokonał tego użytkownik {by}. Dopóki nie zostanie ustawiony nowy, wystarcza hasło; prosimy zrobić to teraz.\n\n{TELL}"
                ),
            ),
            Self::RecoveryCodesMade { name, at } => (
                "Nowe kody zapasowe".to_owned(),
                format!(
                    "Dzień dobry, {name},\n\n{at} utworzono nowe kody zapasowe w Clavigerze, serwerze kluczy. Poprzednie już nie \
                     działają.\n\n{TELL}"
                ),
            ),
            Self::RecoveryCodeUsed { name, at, left } => (
                "Użyto kodu zapasowego".to_owned(),
                format!(
                    "Dzień dobry, {name},\n\n{at} ktoś zalogował się na to konto w Clavigerze, serwerze kluczy, kodem zapasowym. \
                     Pozostało kodów: {left}.\n\n{CHANGE}"
                ),
            ),
            Self::ToApiUser(_) | Self::Notices(_) => Default::default(),
        }
    }
}
