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
    "This cannot be undone, or gives much away. Show that it is you; for ten minutes you are not asked again.";
/// The button.
pub const STEP_UP_BUTTON: &str = "Confirm and go on";
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
/// The title of the second step.
pub const CODE_TITLE: &str = "Enter your code";
/// A field.
pub const CODE: &str = "Code";
/// What it is.
pub const CODE_HINT: &str = "The six digits of your app, or one of your recovery codes.";
/// A button.
pub const AGAIN: &str = "Begin again with the password";
/// Opens another way.
pub const BY_CODE: &str = "Use a code in the place of the password";
/// The page that asks for a link.
pub const ASK_TITLE: &str = "Reset your password";
/// What it does.
pub const ASK_HINT: &str =
    "Enter the address that you sign in with. You get a link by which you choose another password.";
/// A field.
pub const EMAIL: &str = "E-mail address";
/// A button.
pub const ASK: &str = "Send the link";
/// Done.
pub const ASKED_TITLE: &str = "Look into your mailbox";
/// What to expect.
pub const ASKED: &str = "If somebody signs in with this address, a link is on its way to it. It works once, for an hour. If nothing comes, ask an administrator of your organization.";
/// A link.
pub const BACK_TO_SIGN_IN: &str = "Back to sign-in";
/// The page of the link.
pub const CHOOSE_TITLE: &str = "Choose another password";
/// What comes of it.
pub const CHOOSE_HINT: &str = "All your sessions end. Two-factor stays as it is.";
/// A button.
pub const CHOOSE: &str = "Choose this password";
/// A link.
pub const ASK_ANEW: &str = "Ask for another link";
/// Done.
pub const CHOSEN: &str = "Your password is changed and your sessions have ended. Sign in with the new one.";
/// The page of a link to a new address.
pub const NEW_ADDRESS: &str = "Confirm your new address";
/// What comes of it.
pub const NEW_ADDRESS_HINT: &str = "From then on you are known by it and sign in with it.";
/// A button.
pub const NEW_ADDRESS_CONFIRM: &str = "Confirm";
/// Done.
pub const NEW_ADDRESS_DONE: &str = "Your new address counts from now on.";
/// Who accepts an invitation in a session.
pub fn signed_in_as(email: &str) -> String {
    format!("You are signed in as {email}. If the invitation is for this address, accept it as yourself:")
}
/// A button.
pub fn accept_as(email: &str) -> String {
    format!("Accept as {email}")
}
/// Who is known has to sign in first.
pub const KNOWN: &str = "You are known by this address already. Sign in, and the invitation is accepted as yourself.";
