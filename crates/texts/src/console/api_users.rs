//! API users: who signs in under an application.

/// The page, by YetiForce's words.
pub const TITLE: &str = "Web service - Users";
/// The name of the tabs.
pub const TYPES: &str = "Types of applications";
/// The search box.
pub const SEARCH: &str = "Search by user name or contact";
/// A filter.
pub const ANY_SERVER: &str = "Any server";
/// The button.
pub const ADD: &str = "Add record";
/// The title of its page.
pub const ADD_TITLE: &str = "Add an API user";
/// No tab.
pub const NO_TYPES: &str = "No application has users who sign in";
/// The next step.
pub const NO_TYPES_HINT: &str = "Users sign in under applications of a type that asks for more than a key. Make such a type first, or take the predefined ones.";
/// Nothing yet.
pub fn none_of(kind: &str) -> String {
    format!("No users of {kind} yet")
}
/// The next step.
pub const NONE_HINT: &str = "A connection needs both: an application with its key, and a user who signs in under it. \
    The user's sessions may do what the key and the permission profile both may.";
/// The next step where there is no application.
pub const NO_SERVERS_HINT: &str =
    "A user signs in under an application with its key, and there is none of this type yet. Add the application first.";

/// A column and a field.
pub const SERVER: &str = "Server";
/// Its hint.
pub const SERVER_HINT: &str = "The application, with its keys, under which the user signs in. It never changes.";
/// A column and a field.
pub const USER_NAME: &str = "User name";
/// Its hint.
pub const USER_NAME_HINT: &str =
    "Unique under its server. Empty: the address of the contact, or that of the profile user.";
/// A column and a field.
pub const TYPE: &str = "Type";
/// Its hint.
pub const TYPE_HINT: &str = "What the protected service bases the rights to its records on.";
/// A column and a field.
pub const PROFILE: &str = "Permission profile";
/// Its hint.
pub const PROFILE_HINT: &str =
    "A session may do what its key and this person both may; a change of their roles is in force at once.";
/// The person has left.
pub const PROFILE_GONE: &str = "is in the organization no more";
/// A field.
pub const PROFILE_EXTERNAL: &str = "The profile user in your system";
/// Its hint.
pub const PROFILE_EXTERNAL_HINT: &str = "What the protected service calls this person, if it needs to know.";
/// A column.
pub const STATUS: &str = "Status";
/// A column and a field.
pub const METHOD: &str = "Authentication method";
/// A column.
pub const LAST_SIGN_IN: &str = "Last sign-in";
/// It has not come yet.
pub const NEVER: &str = "Never";
/// It has a token.
pub const NO_SIGN_IN: &str = "Needs none";
/// A fact.
pub const CREATED: &str = "Created";

/// The box of the form.
pub const ACTIVE: &str = "Active";
/// Its hint.
pub const ACTIVE_HINT: &str = "When it is not, it cannot sign in, and its sessions end.";
/// A field.
pub const PASSWORD: &str = "Password";
/// Its hint.
pub const PASSWORD_HINT: &str =
    "12 characters or more, none that is quickly guessed. It is not shown again: hand it over now.";
/// Its hint where another field was wrong.
pub const PASSWORD_AGAIN: &str = "Passwords are kept in no page: enter it again.";
/// In its place.
pub const TOKEN_HINT: &str =
    "This user gets a token in the place of a password. It is shown once, when you have saved.";
/// A group of fields.
pub const CONTACT: &str = "Contact";
/// Its hint.
pub const CONTACT_HINT: &str =
    "Whom the user stands for in the protected service. Required for the types 2 to 5; the type 1 has none.";
/// A field.
pub const CONTACT_ID: &str = "Contact ID";
/// A field.
pub const CONTACT_EMAIL: &str = "Contact e-mail";
/// A field.
pub const SECOND_FACTOR: &str = "2FA authentication method";
/// Its hint.
pub const SECOND_FACTOR_HINT: &str =
    "The user sets it up by the client. From then on each sign-in asks for a code, or for a recovery code.";
/// The one method.
pub const TOTP_LONG: &str = "One-time codes of an app (TOTP)";
/// The same where there is little room.
pub const TOTP: &str = "TOTP";
/// The hint of the field.
pub const LANGUAGE_HINT: &str = "Of mails and sessions, as a tag such as en or pl-PL. Empty: English.";

/// A permission type in words.
pub fn permission_type(number: u8) -> &'static str {
    match number {
        1 => "1 – The rights of the profile user",
        2 => "2 – Records of the contact’s account",
        3 => "3 – Records of the contact’s account and those below it",
        4 => "4 – Records of the whole hierarchy of accounts",
        5 => "5 – Records of the contact alone",
        _ => "–",
    }
}

/// The same where there is little room.
pub fn permission_type_short(number: u8) -> &'static str {
    match number {
        1 => "1 – Profile user",
        2 => "2 – Account",
        3 => "3 – Account and below",
        4 => "4 – Hierarchy",
        5 => "5 – Contact",
        _ => "–",
    }
}

/// What a sign-in asks for.
pub fn method(word: &str) -> &'static str {
    match word {
        "password_2fa" => "Password + 2FA",
        _ => "Password",
    }
}

/// What a user that needs no sign-in has.
pub const STATIC_TOKEN: &str = "Token";

/// The facts.
pub const FACTS: &str = "Settings";
/// The title of the edit.
pub fn edit_title(name: &str) -> String {
    format!("Edit {name}")
}
/// A button.
pub const EDIT: &str = "Edit";
/// A button.
pub const ACTIVATE: &str = "Activate";
/// What happens then.
pub const ACTIVATE_CONSEQUENCE: &str = "It can sign in again. The sessions that have ended stay so.";
/// A button.
pub const DEACTIVATE: &str = "Deactivate";
/// What happens then.
pub const DEACTIVATE_CONSEQUENCE: &str = "It signs in no more, and its sessions end at once, on every node.";
/// A button.
pub const DELETE: &str = "Delete";
/// What happens then.
pub const DELETE_CONSEQUENCE: &str =
    "Its sessions end at once, on every node, and its history of access goes with it. This cannot be undone.";

/// The part of the page about passwords and codes.
pub const SIGNING_IN: &str = "Signing in";
/// A fact.
pub const HAS_PASSWORD: &str = "Set";
/// A fact.
pub const NO_PASSWORD: &str = "None yet: it cannot sign in";
/// A fact.
pub const NOT_SET_UP: &str = "The user has not set it up yet.";
/// A button.
pub const SET_PASSWORD: &str = "Set a password";
/// The title of its page.
pub fn password_title(name: &str) -> String {
    format!("Password of {name}")
}
/// What happens then.
pub const SET_PASSWORD_CONSEQUENCE: &str =
    "The password before works no more, and all sessions of this user end, on every node.";
/// A button.
pub const MAIL_LINK: &str = "Mail a link";
/// What happens then.
pub const MAIL_LINK_CONSEQUENCE: &str = "A link by which the user sets a password goes to its address. It works once, for an hour; until then nothing changes.";
/// A button.
pub const UNLOCK: &str = "Unlock";
/// What happens then.
pub const UNLOCK_CONSEQUENCE: &str = "Who enters wrong passwords has to wait, each time longer. The wrong ones of until now are forgotten, \
    and the user can try again at once.";
/// What comes of new recovery codes.
pub const NEW_CODES_CONSEQUENCE: &str = "You get ten new codes, shown once, to hand over to this user. Those of before work no more. \
    Make sure that it is they who ask.";
/// What to do with them.
pub const CODES_ONCE: &str = "Each of these codes takes the place of a code of the app, once. This is the only time that they are shown: \
    hand them over, and keep no copy.";
/// What comes of a reset.
pub const RESET_CONSEQUENCE: &str = "For who has lost app and recovery codes: the codes work no more, and all sessions end. \
    Make sure that it is they who ask.";

/// A secret.
pub const TOKEN: &str = "Token";
/// How it is used.
pub const TOKEN_USE: &str = "It goes in the header X-Token, beside what the application proves itself by.";
/// Shown with it.
pub const TOKEN_ONCE: &str =
    "This is the only time that the token is shown. Whoever has it and the application’s key acts as this user.";
/// Asked once.
pub const TOKEN_LEAVE: &str = "The token was not copied, and it cannot be shown again. Leave anyway?";
/// The title after a creation.
pub const CREATED_TITLE: &str = "The user is created";
/// A button, and the title after it.
pub const NEW_TOKEN: &str = "New token";
/// What happens then.
pub const NEW_TOKEN_CONSEQUENCE: &str =
    "The token of now works no more, at once and on every node. The new one is shown once.";
/// The form was sent twice.
pub const ALREADY: &str = "This user is there already";
/// What to do.
pub const ALREADY_HINT: &str =
    "The form was sent before, and the token was shown then. If it is lost, make a new one on the user’s page.";

/// What a session is.
pub const SESSIONS_HINT: &str = "Each belongs to the key that the user signed in with, and ends with it.";
/// Nothing.
pub const NO_SESSIONS: &str = "Nobody is signed in.";
/// A column.
pub const AGENT: &str = "Client";
/// It did not say.
pub const UNKNOWN_AGENT: &str = "–";
/// A column.
pub const KEY: &str = "Key";
/// A column.
pub const LAST_USED: &str = "Last used";
/// A column.
pub const ENDS: &str = "Ends without use";
/// A mark.
pub const ENROLMENT_ONLY: &str = "for setting up 2FA alone";
/// A button.
pub const END_ALL: &str = "End all sessions";
/// What happens then.
pub const END_ALL_CONSEQUENCE: &str =
    "None of its tokens passes any more, on every node; the user has to sign in again.";

/// The part of the page, and what a table is of.
pub const EVENTS: &str = "History of access";
/// The title of its page.
pub fn history_title(name: &str) -> String {
    format!("History of access: {name}")
}
/// Nothing.
pub const NO_EVENTS: &str = "It has not signed in yet";
/// Why.
pub const NO_EVENTS_HINT: &str = "What the user does, and what is tried at its name, is written here.";
/// The way to the rest.
pub const ALL_EVENTS: &str = "All of it";
/// Something that happened, in words; the API's own where there are none.
pub fn happened(status: &str) -> &str {
    match status {
        "signed_in" => "Signed in",
        "signed_in_by_recovery_code" => "Signed in with a recovery code",
        "signed_off" => "Signed off",
        "wrong_password" => "Wrong password",
        "no_code" => "No one-time code",
        "wrong_code" => "Wrong one-time code",
        "inactive" => "Tried while it was inactive",
        "codes_set_up" => "Set up one-time codes",
        "codes_ended" => "Ended its one-time codes",
        "password_asked_for" => "Asked for a link to set a password",
        "password_changed" => "Changed its password",
        "password_not_changed" => "Tried to change its password with a wrong one",
        "password_reset" => "Set a password by a link",
        other => other,
    }
}
