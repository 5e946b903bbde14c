//! Keys.

/// The organization's keys.
pub const TITLE: &str = "Keys";
/// The search box.
pub const SEARCH: &str = "Search by name, description or last characters";
/// A filter.
pub const ANY_STATE: &str = "Any state";
/// A button.
pub const NEW: &str = "New key";
/// A button.
pub const GENERATE: &str = "Generate key";
/// A button.
pub const ADD: &str = "Add";
/// A button.
pub const FINISH: &str = "Finish";
/// Nothing yet.
pub const NONE: &str = "No keys yet";
/// The next step.
pub const NONE_HINT: &str = "A key lets a program use your APIs, as far as you let it.";
/// A column.
pub const NAME: &str = "Name";
/// A column.
pub const VALUE: &str = "Value";
/// A column.
pub const CREATED_BY: &str = "Created by";
/// A column.
pub const CREATED: &str = "Created";
/// A column.
pub const RIGHTS: &str = "Access rights";
/// A column.
pub const DESCRIPTION: &str = "Description";
/// A column.
pub const STATUS: &str = "Status";
/// A column.
pub const LAST_USED: &str = "Last used";
/// A column.
pub const OWNER: &str = "Owner";
/// A column.
pub const EXPIRES: &str = "Expires";
/// A column.
pub const OPTIONS: &str = "Options";
/// The menu's name in a row.
pub fn options_of(name: &str) -> String {
    format!("Options of {name}")
}
/// Never used.
pub const NEVER: &str = "Never";
/// Without an end.
pub const NO_END: &str = "No end";
/// No rights at all.
pub const NO_RIGHTS: &str = "None";
/// An option.
pub const EDIT: &str = "Edit";
/// An option.
pub const ROTATE: &str = "Rotate";
/// An option.
pub const DELETE: &str = "Delete";
/// An option.
pub const DISABLE: &str = "Disable";
/// An option.
pub const ENABLE: &str = "Enable";
/// An option.
pub const REVEAL: &str = "Show the secret";
/// An option.
pub const REPLACE: &str = "Create a replacement with the same settings";
/// An option.
pub const END_OVERLAP: &str = "End the old secret now";
/// The title of the form.
pub const NEW_TITLE: &str = "New key";
/// The title of one's own form.
pub const NEW_OWN_TITLE: &str = "Add an API key";
/// The name field.
pub const NAME_HINT: &str = "What the key is for; no other of its owner's living keys has the same.";
/// The access right.
pub const RIGHT: &str = "Access right";
/// Its hint.
pub const RIGHT_HINT: &str = "The API set that the key holds. Further ones and single operations are under Advanced.";
/// Expiry.
pub const EXPIRES_AT: &str = "Expiration date";
/// Its hint.
pub const EXPIRES_AT_HINT: &str = "The last day on which it works. Empty: as late as the policy lets it be.";
/// Start.
pub const NOT_BEFORE: &str = "Not valid before";
/// Addresses.
pub const ALLOWED_IPS: &str = "Allowed IPs";
/// Its hint.
pub const ALLOWED_IPS_HINT: &str =
    "One address, range (10.0.0.1-10.0.0.9) or network (203.0.113.0/24) a line. Empty: from anywhere.";
/// Sets.
pub const API_SETS: &str = "API sets";
/// The left of two lists.
pub const AVAILABLE: &str = "Available API";
/// The right of two lists.
pub const SELECTED: &str = "Selected API";
/// A pick list.
pub const ACCESSIBLE: &str = "Accessible APIs";
/// The link to the sets.
pub const WHAT_SETS_HOLD: &str = "What each set holds";
/// The link to further manuals.
pub const MORE_MANUALS: &str = "More APIs and manuals";
/// The link to an API's manual.
pub const MANUAL: &str = "Manual";
/// Operations.
pub const OPERATIONS: &str = "Single operations";
/// Its hint.
pub const OPERATIONS_HINT: &str = "One a line: github:issues/get, or github:issues/* for all that begin so.";
/// Environment.
pub const ENVIRONMENT: &str = "Environment";
/// Live.
pub const LIVE: &str = "Live";
/// Test.
pub const TEST: &str = "Test";
/// Tags.
pub const TAGS: &str = "Tags";
/// Its hint.
pub const TAGS_HINT: &str = "Separated by commas.";
/// External id.
pub const EXTERNAL_ID: &str = "External ID";
/// Its hint.
pub const EXTERNAL_ID_HINT: &str = "The customer's name in your own system; requests bear it on to your service.";
/// Exemption.
pub const IDLE_EXEMPT: &str = "Keep in service however long it is not used";
/// Shape.
pub const SHAPE: &str = "Kind";
/// One string.
pub const SINGLE: &str = "A single secret";
/// Two parts.
pub const PAIR: &str = "Identifier and password";
/// After a creation.
pub const CREATED_TITLE: &str = "Save your key now";
/// Why.
pub const CREATED_HINT: &str =
    "This is the only time that it is shown. Keep it where your program reads it; who has it can do what it may.";
/// Why, for one that can be shown again.
pub const CREATED_RECOVERABLE_HINT: &str =
    "Keep it where your program reads it; who has it can do what it may. Those who may can have it shown again.";
/// A reload of the page.
pub const ALREADY: &str = "This key is already created";
/// And its secret?
pub const ALREADY_HINT: &str = "Its secret was shown once and is not kept. If it was not saved, rotate the key.";
/// A label.
pub const SECRET: &str = "Secret";
/// A label.
pub const IDENTIFIER: &str = "Identifier";
/// A label.
pub const PASSWORD: &str = "Password";
/// A label.
pub const ENV_SNIPPET: &str = "For a .env file";
/// A button.
pub const DOWNLOAD: &str = "Download";
/// A button.
pub const CLOSE: &str = "Close";
/// Asked once.
pub const LEAVE: &str = "The secret was neither copied nor downloaded, and it cannot be shown again. Leave anyway?";
/// The facts of a key.
pub const FACTS: &str = "Settings";
/// A fact.
pub const ID: &str = "ID";
/// A fact.
pub const HINT: &str = "Begins and ends with";
/// A fact.
pub const LAST_REFUSED: &str = "Last refused";
/// A fact.
pub const REASON: &str = "Reason";
/// A fact.
pub const ANYWHERE: &str = "Anywhere";
/// A fact.
pub const IDLE: &str = "Out of service when not used for";
/// Days.
pub fn days(days: u32) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}
/// The panel.
pub const TRY: &str = "Try it";
/// What it does.
pub const TRY_HINT: &str = "What would a request with this key get? Nothing is sent, and no quota is used.";
/// A field.
pub const METHOD: &str = "Method";
/// A field.
pub const PATH: &str = "Path";
/// A field.
pub const CLIENT_IP: &str = "Client IP";
/// The button.
pub const CHECK: &str = "Check";
/// The outcome.
pub const PASSES: &str = "The request passes";
/// The outcome.
pub fn refused(code: &str) -> String {
    format!("The request is refused: {code}")
}
/// A column.
pub const CHECK_NAME: &str = "Check";
/// A column.
pub const CHECK_INPUT: &str = "Looked at";
/// A column.
pub const CHECK_RULE: &str = "Rule";
/// A column.
pub const CHECK_RESULT: &str = "Result";
/// The diagnostic log.
pub const REFUSALS: &str = "Latest refusals";
/// Nothing in it.
pub const NO_REFUSALS: &str = "No request with this key was refused of late.";
/// A column.
pub const AT: &str = "When";
/// A column.
pub const REQUEST: &str = "Request";
/// A column.
pub const CODE: &str = "Verdict";
/// What happens to a key that is deleted.
pub const DELETE_CONSEQUENCE: &str = "Requests with it are refused at once, on every node. This cannot be undone.";
/// What happens to a key that is disabled.
pub const DISABLE_CONSEQUENCE: &str = "Requests with it are refused at once, on every node, until it is enabled again.";
/// What happens to a key that is enabled.
pub const ENABLE_CONSEQUENCE: &str = "Requests with it pass again, on every node.";
/// What happens to a key that is rotated.
pub const ROTATE_CONSEQUENCE: &str =
    "It gets a new secret, shown once. The old one works on for as long as you say here.";
/// How long.
pub const OVERLAP: &str = "The old secret works on for";
/// Overlaps to choose from: seconds and words.
pub const OVERLAPS: [(&str, &str); 6] = [
    ("0", "Not at all"),
    ("3600", "1 hour"),
    ("86400", "1 day"),
    ("604800", "7 days"),
    ("1209600", "14 days"),
    ("2592000", "30 days"),
];
/// What happens to a secret that is ended.
pub const END_OVERLAP_CONSEQUENCE: &str = "Requests with the old secret are refused at once. The new one works on.";
/// Before one is shown.
pub const REVEAL_CONSEQUENCE: &str =
    "The secret is shown on the next page, and the audit log says that you have seen it.";
/// A use.
pub fn last_use(when: Option<&str>) -> String {
    when.map_or_else(|| "It was never used.".to_owned(), |when| format!("Last used {when}."))
}
/// One's own keys.
pub const OWN_TITLE: &str = "API Keys";
/// Nothing yet.
pub const NO_OWN: &str = "You have no API keys yet";
/// The next step.
pub const NO_OWN_HINT: &str = "A key of your own lets a program do what you may, as far as you let it.";
/// The rotation that is under way.
pub fn overlap_until(hint: &str) -> String {
    format!("The secret {hint} of before still works until")
}
/// Who did it.
pub fn by(name: &str) -> String {
    format!("by {name}")
}
/// Disabled for want of use.
pub fn unused_for(days: Option<u32>) -> String {
    days.map_or_else(|| "not used for long".to_owned(), |count| format!("not used for {}", self::days(count)))
}
/// What it is for, on the organization's page.
pub const DESCRIPTION_HINT: &str = "The name of the application or site that uses it.";
/// The name on the organization's page.
pub const NAME_OPTIONAL_HINT: &str = "Empty: taken from the description.";
/// Ends now.
pub const EXPIRE_NOW: &str = "The date is over: let the key end now";
/// The viewer's address.
pub const ADD_MY_IP: &str = "Add my current IP";
/// What it is.
pub fn my_ip(ip: &str) -> String {
    format!("The server sees you at {ip}.")
}
/// Beside an address that is none of the internet's.
pub const MY_IP_IS_LOCAL: &str =
    "That is an address of this network, not of the internet: ask your administrator which one the gateway sees.";
/// The window of a key that was made.
pub const GENERATED_TITLE: &str = "Save generated key";
/// Above a list of keys made on one's own account.
pub const NEW_WINDOW: &str = "New API Key";
/// Guidance.
pub const GUIDANCE: &str = "Treat it like a password: never in a repository, a mail or a screenshot. If it gets out, delete it and make another one.";
/// A field of *Try it*.
pub const DOOR: &str = "API";
/// No API in particular.
pub const ANY_DOOR: &str = "By the path alone";
