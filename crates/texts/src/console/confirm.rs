//! Questions before something ends: their buttons say what they do.

/// The two buttons.
#[derive(Debug, Clone, Copy)]
pub struct Answers {
    /// Does it.
    pub yes: &'static str,
    /// Leaves everything as it is.
    pub no: &'static str,
}

const fn answers(yes: &'static str, no: &'static str) -> Answers {
    Answers { yes, no }
}

/// A key.
pub const DELETE_KEY: Answers = answers("Yes, delete the key", "Keep it");
/// A key.
pub const DISABLE_KEY: Answers = answers("Yes, disable the key", "Keep it enabled");
/// A key.
pub const ENABLE_KEY: Answers = answers("Yes, enable the key", "Keep it disabled");
/// A key that waits.
pub const APPROVE_KEY: Answers = answers("Yes, approve the key", "Not now");
/// A key that waits.
pub const DENY_KEY: Answers = answers("Yes, deny the key", "Not now");
/// A key.
pub const ROTATE_KEY: Answers = answers("Yes, make a new secret", "Keep this one");
/// A key's secret.
pub const REVEAL: Answers = answers("Yes, show the secret", "Keep it hidden");
/// The secret that was rotated away.
pub const END_OVERLAP: Answers = answers("Yes, end the old secret", "Keep both");
/// An application.
pub const DISABLE_APPLICATION: Answers = answers("Yes, disable the application", "Keep it enabled");
/// An application.
pub const ENABLE_APPLICATION: Answers = answers("Yes, enable the application", "Keep it disabled");
/// An application's password.
pub const NEW_PASSWORD: Answers = answers("Yes, make a new password", "Keep this one");
/// An API user.
pub const DEACTIVATE: Answers = answers("Yes, deactivate the user", "Keep it active");
/// An API user.
pub const ACTIVATE: Answers = answers("Yes, activate the user", "Keep it inactive");
/// An API user.
pub const DELETE_API_USER: Answers = answers("Yes, delete the user", "Keep it");
/// An API user who was locked out.
pub const UNLOCK_API_USER: Answers = answers("Yes, let it try again", "Let it wait");
/// An API user's password.
pub const MAIL_LINK: Answers = answers("Yes, mail the link", "Mail nothing");
/// An API user's sessions.
pub const END_SESSIONS: Answers = answers("Yes, end all sessions", "Keep them");
/// An API user's token.
pub const NEW_TOKEN: Answers = answers("Yes, make a new token", "Keep this one");
/// Types of applications.
pub const PREDEFINE: Answers = answers("Yes, add them", "Not now");
/// A type of applications.
pub const DELETE_TYPE: Answers = answers("Yes, delete the type", "Keep it");
/// An API set.
pub const DELETE_SET: Answers = answers("Yes, delete the API set", "Keep it");
/// A role.
pub const DELETE_ROLE: Answers = answers("Yes, delete the role", "Keep it");
/// A webhook.
pub const DISABLE_WEBHOOK: Answers = answers("Yes, disable the webhook", "Keep it enabled");
/// A webhook.
pub const ENABLE_WEBHOOK: Answers = answers("Yes, enable the webhook", "Keep it disabled");
/// A webhook.
pub const ROTATE_WEBHOOK: Answers = answers("Yes, make a new signing secret", "Keep this one");
/// A webhook.
pub const DELETE_WEBHOOK: Answers = answers("Yes, delete the webhook", "Keep it");
/// The words of a mail.
pub const RESTORE_MAIL: Answers = answers("Yes, restore the words", "Keep mine");
/// A person.
pub const LOCK_USER: Answers = answers("Yes, lock the user", "Leave unlocked");
/// A person.
pub const UNLOCK_USER: Answers = answers("Yes, unlock the user", "Leave locked");
/// A person.
pub const ENABLE_USER: Answers = answers("Yes, enable the user", "Leave disabled");
/// A person.
pub const REMOVE_USER: Answers = answers("Yes, remove the user", "Keep the user");
/// A person's second factor.
pub const RESET_SECOND_FACTOR: Answers = answers("Yes, turn their two-factor off", "Keep it on");
/// A person who has not come.
pub const INVITE_AGAIN: Answers = answers("Yes, send a new invitation", "Keep the old one");
/// An invitation.
pub const REVOKE: Answers = answers("Yes, revoke the invitation", "Keep it");
/// One's own recovery codes.
pub const NEW_CODES: Answers = answers("Yes, make new codes", "Keep the old ones");
/// One's own authenticator app.
pub const ANOTHER_APP: Answers = answers("Yes, use another app", "Keep this one");
/// One's own second factor.
pub const TURN_OFF: Answers = answers("Yes, turn two-factor off", "Keep it on");
