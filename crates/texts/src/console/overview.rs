//! The overview.

/// The page.
pub const TITLE: &str = "Overview";
/// A section.
pub const ENDING: &str = "Keys ending soon";
/// What stands in it.
pub const ENDING_HINT: &str = "Within the next 30 days, by their expiry or because nobody uses them.";
/// Nothing.
pub const NO_ENDING: &str = "No key expires or goes idle within the next 30 days.";
/// A section.
pub const REFUSED: &str = "Recently refused keys";
/// What stands in it.
pub const REFUSED_HINT: &str = "Keys with a refused request in the last 7 days, newest first.";
/// Nothing.
pub const NO_REFUSED: &str = "No request with a key was refused in the last 7 days.";
/// The way to all.
pub const ALL: &str = "Show all";
/// A column.
pub const KEY: &str = "Key";
/// A column.
pub const ENDS: &str = "Ends";
/// A column.
pub const WHY: &str = "Why";
/// Why a key ends.
pub const BY_END: &str = "Expires";
/// Why a key ends.
pub const BY_IDLING: &str = "Unused";
/// A column.
pub const OWNER: &str = "Owner";
/// A column.
pub const AT: &str = "When";
/// A column.
pub const VERDICT: &str = "Verdict";
/// Before an address.
pub const FROM: &str = "from";
/// A section.
pub const NODES: &str = "Nodes";
/// A column.
pub const NODE: &str = "Node";
/// A column.
pub const STATE: &str = "State";
/// A column.
pub const VERSION: &str = "Version";
/// A column.
pub const APPLIED: &str = "Applied change";
/// A column.
pub const STARTED: &str = "Started";
/// The node that answers.
pub const ANSWERS: &str = "serves this page";
/// The section of who begins.
pub const FIRST_STEPS: &str = "First steps";
/// What stands in it.
pub const FIRST_STEPS_HINT: &str = "From an empty organization to the first request that passes:";
/// A step.
pub const IMPORT: &str = "Import the OpenAPI document of your API";
/// Why.
pub const IMPORT_WHY: &str = "Then keys can be limited to single operations.";
/// A step.
pub const MAKE_KEY: &str = "Make a key";
/// Why.
pub const MAKE_KEY_WHY: &str = "Choose what it may do, from where, and until when; on its page you can try it.";
/// A step.
pub const ASK_DOOR: &str = "Have your gateway or your code ask";
/// Why.
pub const ASK_DOOR_WHY: &str = "Files for nginx, Caddy and others, and lines for your language, ready to be pasted.";
/// A step that was taken, for who does not see the mark.
pub const DONE: &str = "Done:";
