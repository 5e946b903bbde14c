//! Keys.

pub mod term;

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
pub const REPLACE: &str = "Replace";
/// What it does.
pub const REPLACE_WHY: &str = "Create a replacement with the same settings";
/// Its page.
pub fn replace_title(name: &str) -> String {
    format!("Replacement for {name}")
}
/// Above its form; the old key's name follows.
pub const REPLACES: &str = "A new key with another secret and the settings of";
/// What becomes of the old key.
pub const REPLACED_WORKS: &str = "The old key goes on working. Disable or delete it once the new one is in use.";
/// The same where it is out of service.
pub const REPLACED_STOPPED: &str = "The old key is out of service and stays so.";
/// Beside the new secret; the old key's name follows.
pub const STILL_WORKS: &str = "Once the new key is in use, disable the one that it replaces:";
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
pub const RIGHT_HINT: &str =
    "The API set that the key holds. It may stay empty where you pick further sets or single operations below.";
/// Opens further rights.
pub const FURTHER: &str = "More rights: further API sets and single operations";
/// The same without sets.
pub const SINGLE_OPERATIONS: &str = "Single operations beside the API sets";
/// Sets beside the access right.
pub const FURTHER_SETS: &str = "Further API sets";
/// What they are.
pub const FURTHER_SETS_HINT: &str =
    "They count beside the access right above: the key may do what any of them lets it do.";
/// A group of sets: those of the management API.
pub const ADMINISTRATION: &str = "Administration of Claviger";
/// Nothing was chosen.
pub const CHOOSE_RIGHTS: &str =
    "Say what the key may do: choose an access right or API sets, or pick single operations.";
/// Expiry.
pub const EXPIRES_AT: &str = "Expiration date";
/// Start.
pub const NOT_BEFORE: &str = "Not valid before";
/// Addresses.
pub const ALLOWED_IPS: &str = "Allowed IPs";
/// Its hint.
pub const ALLOWED_IPS_HINT: &str = "One address, range (10.0.0.1-10.0.0.9) or network (203.0.113.0/24) a line, with a note (203.0.113.7 # office) or an end (203.0.113.7 until 2027-01-31) where you like. Empty: from anywhere. Confirm with your administrator from where the gateway sees your program.";
/// Before whom an organization names for questions.
pub const ASK: &str = "Your administrator:";
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
/// A line for a shell.
pub const CURL: &str = "Try it from a shell";
/// What it does.
pub const CURL_HINT: &str =
    "Asks this server whose key it is and what it may do. The line has the secret in it: your shell may remember it.";
/// Beside the secret: the key's settings.
pub const REVIEW: &str = "What this key may do";
/// What to do with them.
pub const REVIEW_HINT: &str = "Check it before you hand the key on; it can be changed later without another secret.";
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
/// A field.
pub const CLIENT_IP: &str = "Client IP";
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
/// None of the choices.
pub const OVERLAP_UNREADABLE: &str = "expected a number of seconds";
/// Overlaps to choose from: seconds and words.
pub const OVERLAPS: [(&str, &str); 6] = [
    ("0", "Not at all"),
    ("3600", "1 hour"),
    ("86400", "1 day"),
    ("604800", "7 days"),
    ("1209600", "14 days"),
    ("2592000", "30 days"),
];
/// A button, above the list.
pub const ROTATE_THESE: &str = "Rotate these";
/// Its page.
pub const ROTATE_MANY: &str = "Rotate keys";
/// What it does.
pub fn rotate_many_hint(keys: u64) -> String {
    match keys {
        0 => "No key fits. There is nothing to rotate.".to_owned(),
        1 => "1 key fits. It gets a new secret; the old one works on for a while. The new secret goes into one file, which cannot be made again.".to_owned(),
        _ => format!(
            "{keys} keys fit. Each gets a new secret; the old ones work on for a while. The new secrets go into one file, which cannot be made again."
        ),
    }
}
/// Where nothing narrows the list.
pub const ROTATE_EVERY: &str = "These are all keys of the organization. To rotate some of them, narrow the list first.";
/// The way out.
pub const BACK_TO_KEYS: &str = "Back to the keys";
/// The button.
pub fn rotate_keys(keys: u64) -> String {
    if keys == 1 { "Rotate 1 key".to_owned() } else { format!("Rotate {keys} keys") }
}
/// While it goes on.
pub const ROTATING: &str = "Rotating: keep this page open";
/// How many there are now; the number comes first.
pub const ROTATED_DONE: &str = "rotated. Save the file: the new secrets stand in it alone.";
/// How many not; the number comes first.
pub const ROTATED_REFUSED: &str = "not rotated: the file says why.";
/// It broke off.
pub const ROTATED_BROKEN: &str = "The connection broke off. Save what came so far. The old secrets work on for now; rotate again for the rest. A key that is refused then and \
    is not in this file has a new secret that nobody has seen: rotate it by itself, on its page.";
/// The button.
pub const SAVE_SECRETS: &str = "Save the file";
/// A filter of the list.
pub fn filter(name: &str) -> &'static str {
    match name {
        "text" => "With the text",
        "state" => STATUS,
        "owner" => OWNER,
        "set" => RIGHTS,
        "environment" => "Environment",
        "tag" => "Tag",
        "ends_before" => "Ends before",
        _ => "Refused after",
    }
}
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
/// The button in a row that takes the secret along.
pub fn copy_of(name: &str) -> String {
    format!("Copy the key {name}")
}
/// Said when it is done.
pub const KEY_COPIED: &str = "The key is in the clipboard. The audit log says that you have seen it.";
/// The clipboard is not to be had.
pub const COPY_BLOCKED: &str = "The browser keeps the clipboard from this page. Copy the key from here.";
/// In a row whose secret cannot be had again.
pub const ONCE: &str = "shown once";
/// Why.
pub const ONCE_WHY: &str = "Its secret was shown once, when it was made, and is not kept: nobody can copy it again.";
/// An option.
pub const LEAKED: &str = "It has leaked";
/// The page for it.
pub fn leaked_title(name: &str) -> String {
    format!("{name} has leaked")
}
/// What the page does.
pub const LEAKED_HINT: &str = "First the key is stopped. Then you make a new one with the same settings and another secret, and give it to whoever used the old one.";
/// What becomes of it.
pub const LEAKED_END: &str = "What becomes of the old key";
/// A choice.
pub const LEAKED_DISABLE: &str = "Disabled: refused at once; it can be enabled again";
/// A choice.
pub const LEAKED_DELETE: &str = "Deleted: refused at once and for good";
/// The button.
pub const LEAKED_GO: &str = "Stop it and make a new one";
/// Above the form of the new one.
pub const LEAKED_STOPPED: &str =
    "The old key is deleted; requests with it are refused from now on. This is a new one with its settings.";
/// Finds choices of a list.
pub const FIND_SETS: &str = "Search";
/// Ticks what a search has left.
pub const TICK_SHOWN: &str = "Tick all shown";
/// Guidance.
pub const GUIDANCE: &str = "Treat it like a password: never in a repository, a mail or a screenshot. If it gets out, delete it and make another one.";
/// The page of a key that was deleted.
pub const GONE: &str = "This key is deleted";
/// What is left of it.
pub const GONE_HINT: &str = "Requests with it are refused for good. What was done to it stays:";
