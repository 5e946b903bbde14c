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
pub const OVER: &str = "Your session has ended. Sign in again to continue: what you typed is kept.";
/// A link.
pub const FORGOTTEN: &str = "Forgot your password?";
/// The title of the page that asks for the password again.
pub const STEP_UP: &str = "Confirm that it is you";
/// Why.
pub const STEP_UP_HINT: &str =
    "What you are about to do is sensitive. Confirm with your password; you are not asked again for ten minutes.";
/// The button.
pub const STEP_UP_BUTTON: &str = "Confirm and continue";
/// Above what is wrong.
pub const NOT_ACCEPTED: &str = "The invitation is not accepted yet";
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
pub const AGAIN: &str = "Start over with the password";
/// Opens another way.
pub const BY_CODE: &str = "Use a code in the place of the password";
/// The page that asks for a link.
pub const ASK_TITLE: &str = "Reset your password";
/// What it does.
pub const ASK_HINT: &str =
    "Enter the address that you sign in with. You get a link by mail to choose another password.";
/// Where no mail is sent.
pub const NO_MAIL: &str = "This server sends no mail, so no link can come to you. Ask an administrator of your organization for a new account.";
/// How they do it.
pub const NO_MAIL_ADMINISTRATOR: &str = "What the administrator does";
/// One after the other.
pub const NO_MAIL_STEPS: [&str; 3] = [
    "Under Users, Invite with another address of yours and the same roles. The page shows a link, once.",
    "Hand you the link in a way that nobody else reads: you choose a password by it.",
    "Open your old account under Users. Its API keys that must work on are moved to an application under Disable; Remove ends the rest.",
];
/// What else helps.
pub const NO_MAIL_OPERATOR: &str = "Or whoever runs the server lets it send mail (CLAVIGER_SMTP_URL): then this page sends you a link, and your account stays as it is.";
/// A field.
pub const EMAIL: &str = "E-mail address";
/// A button.
pub const ASK: &str = "Send the link";
/// Done.
pub const ASKED_TITLE: &str = "Check your mailbox";
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
/// The way out of a question.
pub const CANCEL: &str = "Cancel";
/// Nobody can sign in yet.
pub const NOT_SET_UP: &str = "This server is not set up yet";
/// What to do.
pub const NOT_SET_UP_HINT: &str = "Open the one-time link that it printed when it started: it makes the organization and its first administrator. The log has it; a restart prints a new one.";
