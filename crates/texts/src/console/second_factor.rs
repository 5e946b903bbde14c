//! The second factor.

/// The part of the security page.
pub const TITLE: &str = "Two-factor";
/// What it is.
pub const HINT: &str =
    "Signing in then takes the password and a code of an app on your phone, so that a password alone opens nothing.";
/// A button.
pub const SET_UP: &str = "Set up two-factor";
/// The page.
pub const SET_UP_TITLE: &str = "Set up two-factor";
/// The first step.
pub const SCAN: &str = "Give the secret to your app";
/// How.
pub const SCAN_HINT: &str =
    "Scan the picture with an authenticator app, or type the secret in. Then enter the six digits that the app shows.";
/// What the picture is.
pub const QR: &str = "QR code of the secret that stands below";
/// A label.
pub const SECRET: &str = "Secret";
/// How long it waits.
pub const UNTIL: &str = "To be confirmed until";
/// A field.
pub const CODE: &str = "Code";
/// What it is.
pub const CODE_HINT: &str = "The six digits that the app shows now.";
/// A button.
pub const CONFIRM: &str = "Turn two-factor on";
/// Where the code did not fit.
pub const ANEW_HINT: &str =
    "The secret is not shown again. If your app has not taken it, begin anew and remove the old entry from the app.";
/// A button.
pub const ANEW: &str = "Begin anew";
/// Done.
pub const ON_TITLE: &str = "Two-factor is on";
/// What to do now.
pub const ON_HINT: &str = "Each of these codes opens your account once, should you lose the app. This is the only time that they are shown: keep them where you keep your passwords, not on the same phone.";
/// Recovery codes.
pub const CODES: &str = "Recovery codes";
/// How many.
pub fn codes_left(left: u32) -> String {
    match left {
        0 => "None left: make new ones now.".to_owned(),
        1 => "1 left: make new ones soon.".to_owned(),
        left => format!("{left} left"),
    }
}
/// An action.
pub const NEW_CODES: &str = "New recovery codes";
/// What comes of it.
pub const NEW_CODES_CONSEQUENCE: &str = "You get ten new codes, shown once. Those of before work no more.";
/// After it.
pub const NEW_CODES_HINT: &str = "Those of before work no more. This is the only time that these are shown: keep them where you keep your passwords, not on the same phone.";
/// An action.
pub const ANOTHER_APP: &str = "Use another app";
/// What comes of it.
pub const ANOTHER_APP_CONSEQUENCE: &str =
    "You get a new secret. The one of now works until a code of the new one confirms it.";
/// An action.
pub const TURN_OFF: &str = "Turn off";
/// What comes of it.
pub const TURN_OFF_CONSEQUENCE: &str =
    "From then on your password alone opens your account. The recovery codes work no more.";
/// Asked once.
pub const LEAVE: &str =
    "The recovery codes were neither copied nor downloaded, and they cannot be shown again. Leave anyway?";
/// Above what is wrong.
pub const NOT_CONFIRMED: &str = "Two-factor is as it was before";
