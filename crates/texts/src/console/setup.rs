//! The first step.

/// The page's title.
pub const TITLE: &str = "Set up Claviger";
/// What it makes.
pub const HINT: &str = "Make the first organization, with yourself as its administrator. This page works once, by the link that the server printed.";
/// A field, where scripts are off.
pub const TOKEN: &str = "Code from the link";
/// What it is.
pub const TOKEN_HINT: &str = "What stands behind the # in the link that the server printed.";
/// A field.
pub const ORGANIZATION: &str = "Organization";
/// A field.
pub const EMAIL: &str = "Your e-mail address";
/// A field.
pub const PASSWORD: &str = "Choose a password";
/// Its rule.
pub const PASSWORD_HINT: &str = "At least 12 characters; a sentence of your own is good.";
/// The button.
pub const BUTTON: &str = "Set up";
/// Above what is wrong.
pub const NOT_DONE: &str = "Nothing is set up yet";
