//! The words of mails to users of applications.

/// The place.
pub const TITLE: &str = "Mail";
/// What it is.
pub const HINT: &str = "What your organization writes to the users of its applications. Each mail goes out in the user's language, else in \
    English, as text and as HTML.";
/// A column.
pub const MAIL: &str = "Mail";
/// A column.
pub const LANGUAGE: &str = "Language";
/// A column, and a field.
pub const SUBJECT: &str = "Subject";
/// A column.
pub const WORDS: &str = "Words";
/// A column.
pub const CHANGED: &str = "Changed";
/// Words of the catalogue.
pub const DEFAULT: &str = "as delivered";
/// Words of the organization.
pub const OWN: &str = "changed";
/// A field.
pub const TEXT: &str = "Text";
/// A field.
pub const HTML: &str = "HTML";
/// Its hint.
pub const SUBJECT_HINT: &str = "One line, without {link}.";
/// Its hint.
pub const TEXT_HINT: &str = "For programs that show no HTML. It must hold {link}.";
/// Its hint.
pub const HTML_HINT: &str =
    "It must hold {link}, which alone may stand within tags. What takes the place of the others is never markup.";
/// What may stand in it.
pub const PLACEHOLDERS: &str = "Placeholders";
/// A button.
pub const PREVIEW: &str = "Preview";
/// A button.
pub const TEST: &str = "Send a test to me";
/// Its hint.
pub const TEST_HINT: &str =
    "Preview and test show what is typed here, saved or not, with examples in the places of placeholders.";
/// A card.
pub const PREVIEWED: &str = "Preview";
/// What the preview does not show.
pub const PREVIEWED_HINT: &str = "Styles and pictures are not shown here; a test mail shows them.";
/// Puts the words of the catalogue back.
pub const RESTORE: &str = "Restore the words as delivered";
/// What follows.
pub const RESTORE_CONSEQUENCE: &str = "Your own words are gone; the audit log keeps them.";

/// What a mail is for.
pub fn kind(name: &str) -> &str {
    match name {
        "password_reset" => "Another password",
        "new_account" => "New account",
        "record_link" => "Link to a record",
        other => other,
    }
}

/// A mail in a language.
pub fn title(name: &str, language: &str) -> String {
    format!("{} – {language}", kind(name))
}

/// What a placeholder stands for.
pub fn placeholder(name: &str) -> &str {
    match name {
        "link" => "Where the mail leads",
        "user_name" => "The user's name",
        "application" => "The application's name",
        "organization" => "Your organization's name",
        "expires_at" => "Until when the link works, in your organization's time zone",
        "record" => "What the application calls the record",
        _ => "",
    }
}

/// A test is on its way.
pub fn sent_to(address: &str) -> String {
    format!("A test is on its way to {address}.")
}

/// A link to a record, from an application's page.
pub mod record {
    /// The page, and the button that leads there.
    pub const TITLE: &str = "Send a record link";
    /// What it is.
    pub const HINT: &str = "Mails a user of this application a link to a record, at the application's public URL.";
    /// A field.
    pub const API_USER: &str = "User";
    /// Its hint.
    pub const API_USER_HINT: &str = "User name or id.";
    /// A field.
    pub const RECORD: &str = "Record";
    /// Its hint.
    pub const RECORD_HINT: &str = "Its id, with its module before it if it has one: Invoices/1042.";
    /// The button.
    pub const SEND: &str = "Send";
}
