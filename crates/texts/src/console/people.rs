//! People and their rights.

/// The list.
pub const USERS: &str = "Users";
/// The search box.
pub const SEARCH: &str = "Search by name, user name or e-mail";
/// Nothing yet.
pub const NONE: &str = "Nobody here yet";
/// The next step.
pub const NONE_HINT: &str = "Invite the people who administer keys, and those who may have keys of their own.";
/// A column.
pub const NAME: &str = "Name";
/// A column.
pub const USERNAME: &str = "User name";
/// A column.
pub const EMAIL: &str = "E-mail";
/// A column.
pub const ROLES: &str = "Roles";
/// A column.
pub const STATUS: &str = "Status";
/// A column.
pub const KEYS: &str = "Keys";
/// The page of a person.
pub const ACCOUNT: &str = "User Account Details";
/// A part of it.
pub const API_KEYS: &str = "API Keys";
/// The profile.
pub const PROFILE: &str = "Profile";
/// The security page.
pub const SECURITY: &str = "Security";
/// Sessions.
pub const SESSIONS: &str = "Sessions";
/// A column.
pub const DEVICE: &str = "Device";
/// A column.
pub const IP: &str = "IP address";
/// A column.
pub const SEEN: &str = "Last seen";
/// A column.
pub const SINCE: &str = "Signed in";
/// This very one.
pub const THIS_SESSION: &str = "This one";
/// A button.
pub const END: &str = "End";
/// A button.
pub const END_OTHERS: &str = "End all others";
/// Password.
pub const CHANGE_PASSWORD: &str = "Change the password";
/// A field.
pub const OLD_PASSWORD: &str = "Current password";
/// A field.
pub const NEW_PASSWORD: &str = "New password";
/// A fact.
pub const TIME_ZONE: &str = "Time zone";
/// A fact.
pub const ORGANIZATION: &str = "Organization";
/// A column.
pub const ENABLED: &str = "Enabled";
/// A column.
pub const LOCKED: &str = "Locked";
/// A column.
pub const EXPIRED: &str = "Expired";
/// A column.
pub const LAST_SIGN_IN: &str = "Last sign-in";
/// A value.
pub const YES: &str = "Yes";
/// A value.
pub const NO: &str = "No";
/// Never signed in.
pub const NEVER: &str = "Never";
/// The link to them.
pub const WHAT_ROLES_DO: &str = "What each role may do";
/// A filter.
pub const ANY_ROLE: &str = "Any role";
/// A filter.
pub const ANY_STATE: &str = "Any state";
/// A button.
pub const INVITE: &str = "Invite";
/// Above what is wrong.
pub const NOT_INVITED: &str = "Nobody was invited";
/// Above what is wrong.
pub const NOT_DISABLED: &str = "They are not disabled";
/// The page of an invitation.
pub const INVITE_TITLE: &str = "Invite a person";
/// What comes of it.
pub const INVITE_HINT: &str = "They get a link by which they choose a password. It works once, for seven days.";
/// The name's hint.
pub const NAME_HINT: &str = "As others see it. Empty: made from the address.";
/// The user name's hint.
pub const USERNAME_HINT: &str = "To sign in with instead of the address. Empty: made from the address.";
/// The roles' hint.
pub const ROLES_HINT: &str = "What they may do; several add up. You can give no more than you have yourself.";
/// The left of two lists.
pub const ROLES_AVAILABLE: &str = "Available roles";
/// The right of two lists.
pub const ROLES_SELECTED: &str = "Selected roles";
/// The end of an account.
pub const ACCOUNT_EXPIRES: &str = "Account expires";
/// Its hint.
pub const ACCOUNT_EXPIRES_HINT: &str = "The last day on which the account and its keys work. Empty: no end.";
/// Language.
pub const LANGUAGE: &str = "Language";
/// Its hint.
pub const LANGUAGE_HINT: &str =
    "Of mails and pages, such as en or de-AT. Where there is no text in it, English is used.";
/// The zone's hint.
pub const TIME_ZONE_HINT: &str = "Times are shown in it. Empty: the organization's.";
/// The zone's hint where there is one.
pub const OWN_TIME_ZONE_HINT: &str = "Times are shown in it.";
/// Editing.
pub const EDIT: &str = "Edit";
/// The page.
pub fn edit_title(name: &str) -> String {
    format!("Edit {name}")
}
/// What is the person's own.
pub const PERSON: &str = "Person";
/// Whose it is.
pub const PERSON_HINT: &str =
    "This is the person's own. You can change it for them while they are in no other organization.";
/// What is the organization's.
pub const MEMBERSHIP: &str = "In this organization";
/// A fact.
pub const REASON: &str = "Reason";
/// Its hint.
pub const REASON_HINT: &str = "Shown beside the state and in the audit log.";
/// A fact.
pub const INVITED_BY: &str = "Invited by";
/// A fact.
pub const ID: &str = "ID";
/// An action.
pub const DISABLE: &str = "Disable";
/// Its page.
pub fn disable_title(name: &str) -> String {
    format!("Disable {name}")
}
/// What comes of it.
pub const DISABLE_CONSEQUENCE: &str =
    "They cannot sign in, and none of their keys passes, on every node, until they are enabled again.";
/// The keys that stop.
pub const STOPPING: &str = "Keys that stop";
/// How many.
pub fn stopping(keys: u64) -> String {
    match keys {
        0 => "No key in service stops.".to_owned(),
        1 => "1 key in service stops.".to_owned(),
        keys => format!("{keys} keys in service stop."),
    }
}
/// There are more than are shown.
pub fn stopping_first(shown: usize) -> String {
    format!("The {shown} used last:")
}
/// Moving keys.
pub const MOVE: &str = "Keys that others depend on can go on";
/// How.
pub const MOVE_HINT: &str =
    "Tick them and choose the application that owns them from now on. Their secrets and ends stay as they are.";
/// A field.
pub const MOVE_TO: &str = "Move the ticked keys to";
/// No choice.
pub const MOVE_NONE: &str = "No application: all of them stop";
/// Nowhere to move to.
pub const MOVE_NOWHERE: &str = "There is no application that they could move to.";
/// A column.
pub const MOVE_KEY: &str = "Move";
/// The box of a row.
pub fn move_key(name: &str) -> String {
    format!("Move {name}")
}
/// An action.
pub const ENABLE: &str = "Enable";
/// What comes of it.
pub const ENABLE_CONSEQUENCE: &str = "They can sign in again, and their keys pass as before.";
/// An action.
pub const LOCK: &str = "Lock";
/// What comes of it.
pub const LOCK_CONSEQUENCE: &str = "They cannot sign in, and none of their keys passes, until the lock is taken away.";
/// An action.
pub const UNLOCK: &str = "Unlock";
/// What comes of it.
pub const UNLOCK_CONSEQUENCE: &str = "They can sign in again, and their keys pass as before.";
/// An action.
pub const REMOVE: &str = "Remove";
/// What comes of it.
pub fn remove_consequence(keys: Option<u64>) -> String {
    let keys = match keys {
        Some(0) => "They have no keys.".to_owned(),
        Some(1) => "Their key ends for good.".to_owned(),
        Some(keys) => format!("Their {keys} keys end for good."),
        None => "Their keys end for good.".to_owned(),
    };
    format!(
        "They leave the organization. {keys} This cannot be undone; to keep keys, disable them instead and move the keys first."
    )
}
/// An action.
pub const INVITE_AGAIN: &str = "Invite again";
/// What comes of it.
pub const INVITE_AGAIN_CONSEQUENCE: &str = "They get a new link; the one before works no more.";
/// An action.
pub const RESET_SECOND_FACTOR: &str = "Reset two-factor";
/// What comes of it.
pub const RESET_SECOND_FACTOR_CONSEQUENCE: &str = "For who has lost their app and their codes: their sessions end, and they sign in by the password alone until they set up two-factor anew. Make sure that it is they who ask.";
/// Whose keys these are.
pub const OTHERS_KEYS_HINT: &str = "You can see these keys and end them. Only their owner can generate some.";
/// Nothing of another's.
pub const NO_KEYS: &str = "No API keys";
/// Why.
pub const NO_KEYS_HINT: &str = "This person has no keys. They generate their own on their own page.";
/// Invitations.
pub const INVITATIONS: &str = "Invitations";
/// Nothing open.
pub const NO_INVITATIONS: &str = "No open invitations";
/// Why.
pub const NO_INVITATIONS_HINT: &str = "Everybody who was invited has come, or their invitation was ended.";
/// A column.
pub const INVITED: &str = "Invited";
/// A column.
pub const UNTIL: &str = "Until";
/// An action.
pub const REVOKE: &str = "Revoke";
/// What comes of it.
pub const REVOKE_CONSEQUENCE: &str =
    "The link of the invitation works no more. The person stays in the list of users, and can be invited again.";
/// The page of a link.
pub const LINK_TITLE: &str = "Hand this link over";
/// Why.
pub fn link_hint(email: &str) -> String {
    format!(
        "No mail is sent from here. Give {email} this link in a way that nobody else reads: whoever opens it first chooses the password. It is shown this once."
    )
}
/// A label.
pub const LINK: &str = "Invitation link";
/// Asked once.
pub const LINK_LEAVE: &str = "The link was not copied, and it cannot be shown again. Leave anyway?";
/// A form that was sent twice.
pub const LINK_ALREADY: &str = "This person is invited already";
/// What to do.
pub const LINK_ALREADY_HINT: &str = "The link was shown once. If it is lost, invite them again: they get a new one.";
/// Editing oneself.
pub const EDIT_PROFILE: &str = "Edit your profile";
/// The name's hint.
pub const OWN_NAME_HINT: &str = "As others see it.";
/// The address's hint.
pub const OWN_EMAIL_HINT: &str =
    "A link goes to the new address; the one of now counts until it was followed. You are told there too.";
/// A browser and its machine.
pub fn device(browser: &str, system: &str) -> String {
    format!("{browser} on {system}")
}
