//! Which notices go to whom.

/// The page.
pub const TITLE: &str = "Notices";
/// What it is.
pub const HINT: &str = "Who gets a mail when something happens to a key, or is about to. Notices of one day to one person come in one mail; that a \
    secret was shown, leaked or misused is told within the hour.";
/// What is told of.
pub const KINDS: &str = "Who is told";
/// A column.
pub const WHAT: &str = "What";
/// A column.
pub const HOLDER: &str = "Holder";
/// A column.
pub const ADMINISTRATORS: &str = "Administrators";
/// A column.
pub const ADDRESSES_COLUMN: &str = "Addresses below";
/// Who that is.
pub const WHO: &str = "The holder is the person whose key it is; keys of the organization and of applications have none. Administrators are those with \
    the role Admin.";
/// A field.
pub const ADDRESSES: &str = "Further addresses";
/// Its hint.
pub const ADDRESSES_HINT: &str = "One a line, at most 20.";
/// Where there is no mail.
pub const NO_MAIL: &str = "This installation sends no mail, so nobody is told. Its operator sets up an SMTP server.";

/// A kind of notices, and what it tells of.
pub fn kind(name: &str) -> (&'static str, &'static str) {
    match name {
        "expiry" => ("A key ends", "30, 7 and 1 days before, and on its last day"),
        "idle" => ("A key goes idle", "14, 7 and 1 days before, and when it is disabled"),
        "created" => ("A key was made", "Imported keys too"),
        "revealed" => ("A secret was shown again", "Of keys that are recoverable"),
        "rotated" => ("A key has a new secret", ""),
        "approval" => ("A key waits for approval", ""),
        "decided" => ("A key was approved or denied", "The holder is also who asked for it"),
        "new_address" => ("A key was used from a new address", "Of IPv6 from a new /64; not of its first use"),
        "old_secret_used" => {
            ("An old secret was used", "One that was rotated out, after its overlap: once a day at most")
        }
        "leaked" => ("A key was reported as leaked", "By a scanner. What people stop by hand is not told of"),
        _ => ("An owner was taken out of service", "A user was disabled or locked, or an application disabled"),
    }
}

/// What changes of single fields are told by: the field of the form, and its name.
pub const FIELDS: &[(&str, &str)] = &[
    ("expiry", "A key ends"),
    ("idle", "A key goes idle"),
    ("created", "A key was made"),
    ("revealed", "A secret was shown again"),
    ("rotated", "A key has a new secret"),
    ("approval", "A key waits for approval"),
    ("decided", "A key was approved or denied"),
    ("new_address", "A key was used from a new address"),
    ("old_secret_used", "An old secret was used"),
    ("leaked", "A key was reported as leaked"),
    ("owner_disabled", "An owner was taken out of service"),
    ("addresses", ADDRESSES),
];

/// One of those who are told.
pub fn audience(name: &str) -> &'static str {
    match name {
        "holder" => HOLDER,
        "administrators" => ADMINISTRATORS,
        _ => ADDRESSES_COLUMN,
    }
}
