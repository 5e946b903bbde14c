//! Applications: external systems with keys of their own, and their types.

/// The page, by YetiForce's words.
pub const TITLE: &str = "Web service - Applications";
/// A tab.
pub const APPLICATIONS: &str = "Applications";
/// The search box.
pub const SEARCH: &str = "Search by name, slug or public URL";
/// A filter.
pub const ANY_TYPE: &str = "Any type";
/// A filter.
pub const ANY_STATUS: &str = "Any status";
/// The button.
pub const NEW: &str = "Add application";
/// Nothing yet.
pub const NONE: &str = "No applications yet";
/// The next step.
pub const NONE_HINT: &str = "An application is an external system: its keys are switched, limited and deleted together. It is made with its first key.";
/// A column.
pub const NAME: &str = "Name";
/// Its hint.
pub const NAME_HINT: &str = "Unique among the applications of its type, without a colon.";
/// A field.
pub const PASSWORD: &str = "Password";
/// Its hint.
pub const PASSWORD_HINT: &str = "What its calls prove themselves by beside the key: 12 characters or more. Empty: made for you. It is shown once, when you have saved.";
/// Its hint where there is one.
pub const PASSWORD_KEEPS: &str = "Empty: stays as it is. Another one takes its place at once; New password on its page lets the old one work on for a while.";
/// Its hint where another field was wrong.
pub const PASSWORD_AGAIN: &str = "Passwords are kept in no page: enter it again, or leave it empty.";
/// A fact.
pub const PASSWORD_SET: &str = "Set";
/// A button, and the title after it.
pub const NEW_PASSWORD: &str = "New password";
/// What happens then.
pub const NEW_PASSWORD_CONSEQUENCE: &str =
    "It gets a new password, shown once. The old one works on for as long as you say here.";
/// How long.
pub const PASSWORD_OVERLAP: &str = "The old password works on for";
/// Shown with it.
pub const PASSWORD_ONCE: &str = "This is the only time that the password is shown: take it along now.";
/// Asked once.
pub const PASSWORD_LEAVE: &str = "The password was not copied, and it cannot be shown again. Leave anyway?";
/// The way to who signs in.
pub const API_USERS: &str = "API users";
/// A column.
pub const STATUS: &str = "Status";
/// A column.
pub const TYPE: &str = "Type";
/// Its hint.
pub const TYPE_HINT: &str = "What its keys may do at the most. It never changes.";
/// A column.
pub const ALLOWED_IPS: &str = "Allowed IPs";
/// Its hint.
pub const ALLOWED_IPS_HINT: &str = "Separated by commas or one a line: an address, a range or a network, with an end and a label if you like \
    (203.0.113.0/24 until 2027-01-31 # office). Empty: from anywhere.";
/// A column.
pub const PUBLIC_URL: &str = "Public URL address";
/// Its hint.
pub const PUBLIC_URL_HINT: &str = "Where people reach it, for the links in mails.";
/// A column.
pub const KEY: &str = "Key";
/// A column.
pub const OPTIONS: &str = "Options";
/// The menu's name in a row.
pub fn options_of(name: &str) -> String {
    format!("Options of {name}")
}
/// How many there are beside the one that is shown.
pub fn more(count: usize) -> String {
    format!("and {count} more")
}
/// No list of addresses.
pub const ANYWHERE: &str = "Anywhere";
/// The box of the form.
pub const ACTIVE: &str = "Active";
/// Its hint.
pub const ACTIVE_HINT: &str = "When it is not, none of its keys passes.";
/// Shows the fields that the type has.
pub const SHOW_FIELDS: &str = "Show its fields";
/// No type is there.
pub const NO_TYPES: &str = "There is no type of applications yet";
/// The next step.
pub const NO_TYPES_HINT: &str = "A type says what the keys of its applications may do at the most. Make one first.";
/// A field.
pub const ENVIRONMENT: &str = "Environment of its first key";
/// A field.
pub const SLUG: &str = "Slug";
/// Its hint.
pub const SLUG_HINT: &str = "Its short name in addresses and on the command line. Empty: made from the name.";
/// The title of the edit.
pub const EDIT: &str = "Edit";
/// The facts.
pub const FACTS: &str = "Settings";
/// A fact.
pub const SETS: &str = "Its keys may have";
/// A fact.
pub const LAST_USED: &str = "Last used";
/// A fact.
pub const NEVER: &str = "Never";
/// A fact.
pub const CREATED: &str = "Created";
/// A fact.
pub const ID: &str = "ID";
/// The keys of an application.
pub const KEYS: &str = "Keys";
/// Nothing yet.
pub const NO_KEYS: &str = "No keys";
/// The next step.
pub const NO_KEYS_HINT: &str = "Without a key it can ask for nothing.";
/// A button.
pub const NEW_KEY: &str = "New key";
/// The title of its form.
pub fn new_key_of(name: &str) -> String {
    format!("New key of {name}")
}
/// A button.
pub const DISABLE: &str = "Disable";
/// A button.
pub const ENABLE: &str = "Enable";
/// What happens then.
pub const DISABLE_CONSEQUENCE: &str = "None of its keys passes any more, on every node, until it is enabled again.";
/// What happens then.
pub const ENABLE_CONSEQUENCE: &str = "Its keys pass again as before, on every node.";
/// The title and the button.
pub const DELETE: &str = "Delete";
/// What goes with it.
pub fn delete_consequence(keys: u64, api_users: u64, sessions: u64) -> String {
    let count =
        |count: u64, one: &str, many: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {many}") };
    let mut goes = vec![count(keys, "key", "keys")];
    goes.extend((api_users > 0).then(|| count(api_users, "API user", "API users")));
    goes.extend((sessions > 0).then(|| count(sessions, "session", "sessions")));
    let (verb, them) = if keys == 1 && goes.len() == 1 { ("goes", "it") } else { ("go", "them") };
    format!(
        "{} {verb} with it, and requests that use {them} are refused at once, on every node. This cannot be undone.",
        goes.join(", ")
    )
}
/// The field that confirms it.
pub fn type_name(name: &str) -> String {
    format!("Type “{name}” to confirm")
}
/// It was not typed.
pub const OTHER_NAME: &str = "expected its name, as it stands above";
/// The diagnostic log.
pub const REQUESTS: &str = "Refused requests";

/// Types of applications.
pub mod types {
    /// The page.
    pub const TITLE: &str = "Types of applications";
    /// A tab.
    pub const TYPES: &str = "Types";
    /// The search box.
    pub const SEARCH: &str = "Search by name or slug";
    /// A button.
    pub const NEW: &str = "New type";
    /// Nothing yet.
    pub const NONE: &str = "No types yet";
    /// The next step.
    pub const NONE_HINT: &str = "A type says what the keys of its applications may do at the most.";
    /// A button.
    pub const PREDEFINE: &str = "Add the predefined types";
    /// What happens then.
    pub const PREDEFINE_CONSEQUENCE: &str = "Six types of a well-known web service are added, those that are missing. Apply the template YetiForce \
        to an API first, and each has the set that belongs to it; asking again gives them the sets that are missing.";
    /// A field.
    pub const ALLOWED_IPS: &str = "Allowed IPs of its applications";
    /// A field.
    pub const PUBLIC_URL: &str = "Public URL address of its applications";
    /// Whether a form has a field.
    pub const NEEDS: [(&str, &str); 3] =
        [("optional", "Optional"), ("required", "Required"), ("hidden", "Not asked for")];
    /// The hint of the proof.
    pub const SIGN_IN_HINT: &str = "How calls of its applications prove themselves. It never changes.";
    /// A column.
    pub const SIGN_IN: &str = "Proof";
    /// How applications of a type prove themselves.
    pub fn sign_in(word: &str) -> &str {
        match word {
            "session" => "Name, password and key, then a session",
            "static_token" => "Name, password, key and a user's token",
            "key_and_token" => "Key and a user's token",
            "key_only" => "A key alone",
            "signature" => "A key, or a signature made with it",
            other => other,
        }
    }
    /// A column.
    pub const SETS: &str = "Its keys may have";
    /// A column.
    pub const APPLICATIONS: &str = "Applications";
    /// A mark.
    pub const PREDEFINED: &str = "predefined";
    /// The title of the edit.
    pub const EDIT: &str = "Edit type";
    /// What an edit does.
    pub const EDIT_HINT: &str = "Keys that are there have no more than these sets from the moment it is saved.";
    /// What happens when it is deleted.
    pub const DELETE_CONSEQUENCE: &str = "No application can be of this type any more. This cannot be undone.";
}
