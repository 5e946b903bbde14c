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
