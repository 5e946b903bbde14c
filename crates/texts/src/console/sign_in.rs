//! Signing in.

/// The page's title.
pub const TITLE: &str = "Sign in";
/// A field.
pub const LOGIN: &str = "E-mail address or user name";
/// A field.
pub const PASSWORD: &str = "Password";
/// The button.
pub const BUTTON: &str = "Sign in";
/// A session has ended while somebody was at work.
pub const OVER: &str = "Your session is over. Sign in again: what you have typed is kept, and goes on from here.";
/// A link.
pub const FORGOTTEN: &str = "Forgotten your password?";
/// The title of the page that asks for the password again.
pub const STEP_UP: &str = "Confirm that it is you";
/// Why.
pub const STEP_UP_HINT: &str =
    "This cannot be undone, or gives much away. Enter your password; for ten minutes you are not asked again.";
/// The button.
pub const STEP_UP_BUTTON: &str = "Confirm and go on";
/// Another way out.
pub const BACK: &str = "Back";
/// The page of an invitation.
pub const INVITATION: &str = "Accept your invitation";
/// Where scripts are off.
pub const TOKEN: &str = "Code from the link";
/// What it is.
pub const TOKEN_HINT: &str = "What stands behind the # in the link of your mail.";
/// A field.
pub const NEW_PASSWORD: &str = "Choose a password";
/// Its rule.
pub const NEW_PASSWORD_HINT: &str = "At least 12 characters; a sentence of your own is good.";
/// A field.
pub const NAME: &str = "Your name";
/// What it is.
pub const NAME_HINT: &str =
    "As others in your organization see it; leave it empty to keep the one that you were invited under.";
/// The button.
pub const ACCEPT: &str = "Accept";
/// Done.
pub const ACCEPTED: &str = "You have accepted your invitation. Sign in with your e-mail address and password.";
