//! The diagnostic log.

/// The page of the organization's own.
pub const TITLE: &str = "Refused requests";
/// What is in it.
pub const HINT: &str = "Refused requests that belong to no key: without a credential, with one that is unknown, or from a place from which \
    none may ask. What was refused of a key stands on the page of the key.";
/// The section of an application's page.
pub const LATEST: &str = "Latest refusals";
/// The section of the overview.
pub const LATEST_WITHOUT_KEY: &str = "Latest refusals that belong to no key";
/// The search box.
pub const SEARCH: &str = "Search by check, path, operation, agent or request ID";
/// A filter.
pub const ANY_CODE: &str = "Any verdict";
/// A filter.
pub const ANY_API: &str = "Any API";
/// A filter.
pub const IP: &str = "Client IP";
/// A filter.
pub const FROM: &str = "From day";
/// A filter.
pub const TO: &str = "To day";
/// A button.
pub const ALL: &str = "All refused requests";
/// Nothing.
pub const NONE: &str = "No refused requests recently";
/// Why.
pub const NONE_HINT: &str = "Refused requests stand here with the check that failed, for whoever looks for the reason.";
/// A column.
pub const AT: &str = "When";
/// A column.
pub const KEY: &str = "Key";
/// A column.
pub const REQUEST: &str = "Request";
/// A column.
pub const CLIENT_IP: &str = "Client IP";
/// A column.
pub const CODE: &str = "Verdict";
/// A column.
pub const CHECK: &str = "Failed check";
/// A mark.
pub const REPORT_ONLY: &str = "passed: report only";
