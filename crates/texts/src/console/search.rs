//! The search.

/// The page.
pub const TITLE: &str = "Search";
/// The page of a search.
pub fn title_of(text: &str) -> String {
    format!("Search: {text}")
}
/// Nothing was asked for.
pub const EMPTY: &str = "Nothing was searched for";
/// What can be.
pub const EMPTY_HINT: &str = "Type a name into the box on top, or paste a key: it finds whose it is.";
/// Nothing was found.
pub const NONE: &str = "Nothing found";
/// What can be done.
pub const NONE_HINT: &str =
    "No key, API, operation, API set, application, user or page that you may see has this in its name.";
/// A part.
pub const KEYS: &str = "Keys";
/// One call looks through so many keys and no more.
pub const NEWEST_KEYS_ALONE: &str = "Only the newest keys were looked through. “Show all” searches on.";
/// A part.
pub const APPLICATIONS: &str = "Applications";
/// A part.
pub const APIS: &str = "APIs";
/// A part.
pub const API_SETS: &str = "API sets";
/// A part.
pub const OPERATIONS: &str = "Operations";
/// A part.
pub const USERS: &str = "Users";
/// A part.
pub const PAGES: &str = "Pages";
/// The way to all of a part.
pub const ALL: &str = "Show all";
/// A secret that is nobody's.
pub const UNKNOWN_KEY: &str = "No key of the organization has this secret";
/// What it may be.
pub const UNKNOWN_KEY_HINT: &str =
    "It may belong to another organization, or be cut off. What was pasted is neither kept nor logged.";
/// A secret of a key that is gone.
pub fn deleted_key(name: &str) -> String {
    format!("{name} is deleted")
}
/// What that means.
pub const DELETED_KEY_HINT: &str = "The secret belonged to this key. Requests with it are refused.";
/// The way to what was done.
pub const HISTORY: &str = "What was done to it";
/// A secret in an address.
pub const IN_ADDRESS: &str = "A key does not belong in an address";
/// What to do.
pub const IN_ADDRESS_HINT: &str = "Addresses are kept and logged in many places. Paste it into the search box instead, and consider it seen by others: \
    disable it, or rotate it.";
