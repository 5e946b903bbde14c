//! Webhooks: where an organization's events are sent.

/// The list.
pub const TITLE: &str = "Webhooks";
/// What they are.
pub const HINT: &str = "Other systems are told what happens to keys: each event is posted to an address of yours, signed by Standard Webhooks.";
/// The way to a further one.
pub const NEW: &str = "New webhook";
/// Where there is none.
pub const NONE: &str = "No webhooks yet";
/// What to do then.
pub const NONE_HINT: &str = "Name an address, choose what it is told of, and give its receiver the secret.";
/// A field and a column.
pub const NAME: &str = "Name";
/// A field and a column.
pub const URL: &str = "Address";
/// Its hint.
pub const URL_HINT: &str =
    "https://, reached over the public Internet; others only where the operator of this installation allows it.";
/// A field and a column.
pub const EVENTS: &str = "Events";
/// Its hint.
pub const EVENTS_HINT: &str = "With “All events” it is told of types that later versions bring, too. The audit log goes only where it is chosen by itself.";
/// A column.
pub const STATUS: &str = "Status";
/// A column.
pub const CREATED: &str = "Created";
/// The record's page.
pub const ABOUT: &str = "About";
/// Since when and why nothing is sent.
pub const DISABLED: &str = "Disabled";
/// While both secrets sign.
pub const OLD_SECRET: &str = "The old secret signs until";
/// The way to the form.
pub const EDIT: &str = "Edit";
/// The secret.
pub const SECRET: &str = "Signing secret";
/// Shown with it.
pub const SECRET_ONCE: &str = "This is the only time that the secret is shown: give it to the receiver now.";
/// Asked once.
pub const SECRET_LEAVE: &str = "The secret was not copied, and it cannot be shown again. Leave anyway?";
/// The page that shows it.
pub const CREATED_TITLE: &str = "Webhook created";
/// A form that was sent twice.
pub const ALREADY: &str = "This webhook is created already";
/// What to do then.
pub const ALREADY_HINT: &str =
    "Its secret was shown and cannot be shown again. Make a new one if it was not taken along.";
/// What can be done.
pub const ROTATE: &str = "New secret";
/// How.
pub const OVERLAP: &str = "The old secret signs beside it for";
/// The choices: seconds and their words.
pub const OVERLAPS: [(&str, &str); 4] =
    [("0", "Not at all"), ("3600", "1 hour"), ("86400", "1 day"), ("604800", "7 days")];
/// A choice that is none.
pub const OVERLAP_UNREADABLE: &str = "choose one of the times";
/// What follows.
pub const ROTATE_CONSEQUENCE: &str = "Events are signed with the new secret, and for this time with the old one too, so that the receiver can be changed meanwhile.";
/// What can be done.
pub const DISABLE: &str = "Disable";
/// What follows.
pub const DISABLE_CONSEQUENCE: &str =
    "Nothing is sent any more. Events that wait are not tried again, and what happens until it is enabled is not told.";
/// What can be done.
pub const ENABLE: &str = "Enable";
/// What follows.
pub const ENABLE_CONSEQUENCE: &str = "It is told of what happens from now on.";
/// What can be done.
pub const DELETE: &str = "Delete";
/// What follows.
pub const DELETE_CONSEQUENCE: &str = "Its secret is destroyed, and events that wait go nowhere. This cannot be undone.";
/// What can be done.
pub const TEST: &str = "Send test";
/// What was sent.
pub const DELIVERIES: &str = "Events sent";
/// Where nothing was.
pub const NO_DELIVERIES: &str = "Nothing was sent in the last 30 days.";
/// A column.
pub const EVENT: &str = "Event";
/// A column.
pub const WHEN: &str = "When";
/// A column.
pub const ATTEMPTS: &str = "Attempts";
/// A column.
pub const LAST: &str = "Last answer";
/// A column.
pub const OPTIONS: &str = "Options";
/// What can be done.
pub const REPLAY: &str = "Replay";
/// What is sent.
pub const BODY: &str = "What is sent";
/// Before the instant of the next attempt.
pub const NEXT: &str = "tried again";
/// The way to older ones.
pub const OLDER: &str = "Older events";

/// An event's state.
pub fn state(word: &str) -> &str {
    match word {
        "waiting" => "Waits",
        "delivered" => "Delivered",
        "failed" => "Not delivered",
        other => other,
    }
}

/// How long an attempt took.
pub fn took(milliseconds: i64) -> String {
    format!("{milliseconds} ms")
}

/// The title of the form.
pub fn edit_title(name: &str) -> String {
    format!("Edit {name}")
}

/// The types of events that can be chosen, with their words.
pub const TYPES: [(&str, &str); 21] = [
    ("*", "All events"),
    ("key.created", "A key was made"),
    ("key.imported", "A key was imported"),
    ("key.edited", "A key was changed"),
    ("key.enabled", "A key was put into service"),
    ("key.disabled", "A key was taken out of service"),
    ("key.deleted", "A key was deleted"),
    ("key.revealed", "A secret was shown again"),
    ("key.rotated", "A key has a new secret"),
    ("key.leaked", "A key was reported as leaked"),
    ("key.pending", "A key waits for approval"),
    ("key.approved", "A key was approved"),
    ("key.denied", "A key was denied"),
    ("key.new_address", "A key was used from a new address"),
    ("key.old_secret_used", "An old secret was used"),
    ("key.expiring", "A key ends soon"),
    ("key.idle", "A key goes idle"),
    ("user.disabled", "A user was disabled"),
    ("user.locked", "A user was locked"),
    ("application.disabled", "An application was disabled"),
    ("audit.entry", "Each entry of the audit log, with before and after"),
];

/// What changes of single fields are told by: the field of the form, and its name.
pub const FIELDS: &[(&str, &str)] = &[("name", NAME), ("url", URL), ("events", EVENTS)];
