//! The overview.

/// The page.
pub const TITLE: &str = "Overview";
/// A section.
pub const ENDING: &str = "Keys that end soon";
/// What stands in it.
pub const ENDING_HINT: &str = "Within 30 days: by their end, or because nobody uses them.";
/// Nothing.
pub const NO_ENDING: &str = "No key ends or goes idle within 30 days.";
/// A section.
pub const REFUSED: &str = "Keys refused of late";
/// What stands in it.
pub const REFUSED_HINT: &str = "With a refused request in the last 7 days, the newest first.";
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
pub const BY_END: &str = "Its end";
/// Why a key ends.
pub const BY_IDLING: &str = "Not used";
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
pub const ANSWERS: &str = "answers you";
