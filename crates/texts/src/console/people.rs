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
pub const OLD_PASSWORD: &str = "Password now";
/// A field.
pub const NEW_PASSWORD: &str = "New password";
/// A fact.
pub const TIME_ZONE: &str = "Time zone";
/// A fact.
pub const ORGANIZATION: &str = "Organization";
