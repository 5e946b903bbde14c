//! The page of the public listener on which users of applications choose a password: it speaks their language.

use crate::Language;

/// What the page says.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// Its title.
    pub title: &'static str,
    /// What the token's field is called; it is filled in by a script.
    pub token: &'static str,
    /// What to put there.
    pub token_hint: &'static str,
    /// What the password's field is called.
    pub password: &'static str,
    /// What a password must be.
    pub password_hint: &'static str,
    /// What follows.
    pub hint: &'static str,
    /// The button.
    pub choose: &'static str,
    /// The title when it is done.
    pub done_title: &'static str,
    /// What is said then.
    pub done: &'static str,
    /// What a link is that does not work.
    pub unknown_link: &'static str,
    /// The title of what went wrong.
    pub not_done: &'static str,
    /// What a password lacks that is too short.
    pub too_short: &'static str,
    /// The same of one that is too long.
    pub too_long: &'static str,
    /// The same of one with characters that no keyboard enters everywhere.
    pub control: &'static str,
    /// The same of one that is little more than one's own name and address.
    pub own_words: &'static str,
    /// The same of one that is quickly guessed.
    pub guessable: &'static str,
    /// That there is too much to do at the moment.
    pub busy: &'static str,
    /// That something else went wrong.
    pub failed: &'static str,
}

// === impl Words ===

impl Words {
    /// Those of a language.
    pub const fn of(language: Language) -> Self {
        match language {
            Language::English => Self {
                title: "Choose a password",
                token: "Token",
                token_hint: "What stands behind the # of the mail's link.",
                password: "New password",
                password_hint: "At least 12 characters, and nothing that is quickly guessed.",
                hint: "Whoever is signed in with the password before has to sign in again.",
                choose: "Choose",
                done_title: "The password is chosen",
                done: "You can sign in to the application with it now.",
                unknown_link: "This link was used, has expired or never was: ask for another one.",
                not_done: "This does not go like that",
                too_short: "must have at least 12 characters",
                too_long: "must have at most 256 characters",
                control: "must not contain control characters",
                own_words: "must have at least 12 characters beside your own name and address",
                guessable: "is easily guessed: take several words that have nothing to do with each other",
                busy: "There is too much to do at the moment: try again in a minute.",
                failed: "The password could not be changed: try again later.",
            },
            Language::Polish => Self {
                title: "Wybór hasła",
                token: "Token",
                token_hint: "To, co w odnośniku z wiadomości stoi za znakiem #.",
                password: "Nowe hasło",
                password_hint: "Co najmniej 12 znaków; nic, co łatwo zgadnąć.",
                hint: "Kto jest zalogowany poprzednim hasłem, będzie musiał zalogować się ponownie.",
                choose: "Wybierz",
                done_title: "Hasło zostało wybrane",
                done: "Można się nim teraz zalogować do aplikacji.",
                unknown_link: "Ten odnośnik został już użyty, wygasł lub nigdy nie istniał: proszę poprosić o nowy.",
                not_done: "Tak się nie da",
                too_short: "musi mieć co najmniej 12 znaków",
                too_long: "może mieć najwyżej 256 znaków",
                control: "nie może zawierać znaków sterujących",
                own_words: "musi mieć co najmniej 12 znaków poza własnym imieniem, nazwiskiem i adresem",
                guessable: "łatwo zgadnąć: proszę wziąć kilka słów, które nie mają ze sobą nic wspólnego",
                busy: "Serwer jest teraz zbyt zajęty: proszę spróbować ponownie za minutę.",
                failed: "Nie udało się zmienić hasła: proszę spróbować ponownie później.",
            },
        }
    }
}
