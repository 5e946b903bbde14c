//! The audit log.

/// The page.
pub const TITLE: &str = "Audit";
/// The search box.
pub const SEARCH: &str = "Search by actor, action or object";
/// A column.
pub const AT: &str = "When";
/// A column.
pub const ACTOR: &str = "Who";
/// A column.
pub const ACTION: &str = "What";
/// A column.
pub const OBJECT: &str = "On what";
/// A column.
pub const IP: &str = "From";
/// Opens before and after.
pub const DETAILS: &str = "Before and after";
/// A label.
pub const BEFORE: &str = "Before";
/// A label.
pub const AFTER: &str = "After";
/// Nothing.
pub const NONE: &str = "No entries yet";
/// Why.
pub const NONE_HINT: &str =
    "Everything that changes something is written here, in a chain that shows whether an entry was changed or removed.";
/// The history of a record.
pub const HISTORY: &str = "History";
/// Nothing in it.
pub const NO_HISTORY: &str = "Nothing was changed yet.";
/// The same where older entries were removed.
pub const NO_HISTORY_SINCE: &str = "Nothing was changed since.";
/// That older entries were removed; followed by when the newest of them was written.
pub const REMOVED_UNTIL: &str = "Entries until";
/// What follows that.
pub const REMOVED_WHY: &str = "were removed, as this installation does not keep them for ever.";
/// Reads the changes of a row.
pub const SHOW: &str = "Show";
/// A filter.
pub const ANY_OBJECT: &str = "Changes of anything";
/// What can be filtered by: what an action begins with, and what it is about.
pub const OBJECTS: [(&str, &str); 17] = [
    ("key.*", "Keys"),
    ("application.*", "Applications"),
    ("application_type.*", "Application types"),
    ("api_user.*", "API users"),
    ("api.*", "APIs"),
    ("api_set.*", "API sets"),
    ("user.*", "Users"),
    ("invitation.*", "Invitations"),
    ("session.*", "Sessions"),
    ("role.*", "Roles"),
    ("policy.*", "Policy"),
    ("notices.*", "Notices"),
    ("webhook.*", "Webhooks"),
    ("mail_template.*", "Mail"),
    ("organization.*", "Organization"),
    ("backup.*", "Backups"),
    ("audit.*", "Removed entries"),
];
/// An action in words: `key.end_overlap` is "Key: end overlap".
pub fn action(code: &str) -> String {
    let (object, verb) = code.split_once('.').unwrap_or((code, ""));
    let object = match object {
        "api" => "API".to_owned(),
        "api_set" => "API set".to_owned(),
        "api_user" => "API user".to_owned(),
        other => capital(&other.replace('_', " ")),
    };
    if verb.is_empty() { object } else { format!("{object}: {}", verb.replace('_', " ")) }
}
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}
#[cfg(test)]
mod tests {
    #[test]
    fn actions_are_read_as_words() {
        let read = ["key.end_overlap", "api_set.edit", "api.import", "backup"].map(super::action);
        assert_eq!(read, ["Key: end overlap", "API set: edit", "API: import", "Backup"]);
    }
}
