//! Usage: requests over time, and rights that a key never uses.

/// The page.
pub const TITLE: &str = "Usage";
/// By what requests are counted: before the choices.
pub const BY: &str = "Count by";
/// The choices: the word of the address, and what it is called.
pub const BYS: [(&str, &str); 5] =
    [("code", "Verdict"), ("key", "Key"), ("owner", "Owner"), ("api", "API"), ("set", "API set")];
/// How far back: before the choices.
pub const RANGE: &str = "Time";
/// The choices: the word of the address, and what it is called.
pub const RANGES: [(&str, &str); 4] = [("24h", "24 hours"), ("7d", "7 days"), ("30d", "30 days"), ("90d", "90 days")];
/// The way to the file.
pub const EXPORT: &str = "Export CSV";
/// Opens the table behind a chart.
pub const TABLE: &str = "Show as a table";
/// A column.
pub const STEP: &str = "From";
/// What a chart counts, `by` being the choice.
pub fn requests_by(by: &str) -> String {
    let by = if by.starts_with("API") { by.to_owned() } else { by.to_lowercase() };
    format!("Requests by {by}")
}
/// A name that is not known.
pub const GONE: &str = "No longer there";
/// Nothing happened.
pub const NONE: &str = "No requests in this time.";
/// What to do about it.
pub const NONE_HINT: &str = "Requests are counted once a gateway or your code asks a door about a key.";
/// The way there.
pub const NONE_STEP: &str = "Connect a gateway";
/// Only those with most requests have a series.
pub const TOP_HINT: &str = "The ten with most requests are shown; the file has them too, a row for each step.";
/// By set.
pub const SET_HINT: &str =
    "A request counts for every set that its key holds, so that the sums may be more than all requests.";
/// Below the table of days.
pub const UTC_HINT: &str = "Days begin at midnight UTC.";
/// The card of the overview.
pub const OVERVIEW: &str = "Requests in the last 24 hours";
/// The card of a key.
pub const OF_KEY: &str = "Requests in the last 7 days";
/// A key that nobody used.
pub const OF_KEY_NONE: &str = "No request with this key in the last 7 days.";
/// The way to more.
pub const MORE: &str = "More";

/// What a chart shows, for who does not see it.
pub fn described(total: u64, from: &str, to: &str, most: u64) -> String {
    format!(
        "{total} requests from {from} to {to}; at most {most} in one step. The table behind the chart has every number."
    )
}

/// What the highest bar stands for.
pub fn most(count: u64) -> String {
    format!("Highest: {count}")
}

/// Rights that a key does not use.
pub mod unused {
    /// The page, and the way to it.
    pub const TITLE: &str = "Unused rights";
    /// Why it is worth looking.
    pub const HINT: &str = "What a key holds and never uses can be taken off it without anybody missing it: if the key leaks, that much less is open.";
    /// Before the days.
    pub const DAYS: &str = "Days looked back";
    /// The choices.
    pub const DAYS_CHOICES: [(&str, &str); 4] =
        [("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "1 year")];
    /// Sends the choice.
    pub const LOOK: &str = "Look";
    /// Since when anything is known.
    pub const SINCE: &str = "Known since";
    /// Not all is known.
    pub const INCOMPLETE: &str = "This key uses more rights than are noted of one key, so some of these may be in use.";
    /// A section.
    pub const SETS: &str = "Sets of which nothing was used";
    /// Nothing.
    pub const NO_SETS: &str = "Something of every set was used.";
    /// A section.
    pub const OPERATIONS: &str = "Operations that were not used";
    /// Nothing.
    pub const NO_OPERATIONS: &str = "Every operation was used.";
    /// A column.
    pub const SET: &str = "Set";
    /// A column.
    pub const HOLDS: &str = "Operations";
    /// The way to take them off.
    pub const EDIT: &str = "Edit the key's rights";

    /// How many of how many.
    pub fn share(unused: usize, held: usize) -> String {
        format!("{unused} of {held} operations were not used.")
    }

    /// More than are named.
    pub fn more(count: usize) -> String {
        format!("and {count} more")
    }
}
