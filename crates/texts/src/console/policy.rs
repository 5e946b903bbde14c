//! The organization's rules, and the organization itself.

/// The page.
pub const TITLE: &str = "Policy";
/// What it is.
pub const HINT: &str = "The rules for all keys of the organization. A stricter rule reaches keys that are there, too: look at the preview.";
/// A part of the form.
pub const LIFETIMES: &str = "Longest lifetimes";
/// Its hint.
pub const LIFETIMES_HINT: &str = "How long after its creation a key ends at the latest. Empty: no end.";
/// A part of the form.
pub const USE: &str = "Use";
/// A part of the form.
pub const COUNTS: &str = "Most keys";
/// Its hint.
pub const COUNTS_HINT: &str = "How many living keys one owner may have. Empty: any number.";
/// A part of the form.
pub const SECRETS: &str = "Secrets";
/// Its hint.
pub const SECRETS_HINT: &str = "Whether a single key can be seen again after it was made. Going back to “once” destroys the sealed copies that are \
    there: those keys can never be shown again.";
/// A part of the form.
pub const OTHER: &str = "Names, people and answers";

/// A kind of owner, with many.
pub fn owners(kind: &str) -> &'static str {
    match kind {
        "user" => "Keys of people",
        "application" => "Keys of applications",
        _ => "Keys of the organization",
    }
}

/// What changes of single fields are told by: the field of the API, and its name.
pub const FIELDS: &[(&str, &str)] = &[
    ("max_lifetime.user", "Longest lifetime of keys of people"),
    ("max_lifetime.application", "Longest lifetime of keys of applications"),
    ("max_lifetime.organization", "Longest lifetime of keys of the organization"),
    ("idle_days", IDLE_DAYS),
    ("ip_list_required", IP_LIST_REQUIRED),
    ("max_keys.user", "Most keys of a person"),
    ("max_keys.application", "Most keys of an application"),
    ("max_keys.organization", "Most keys of the organization"),
    ("reveal.organization", "Secrets of keys of the organization"),
    ("reveal.application", "Secrets of keys of applications"),
    ("unique_names", UNIQUE_NAMES),
    ("status_profile", STATUS_PROFILE),
    ("old_secret_use", OLD_SECRET_USE),
    ("delegated_creation", DELEGATED),
    ("approval", APPROVAL),
];

/// One owner of a kind.
pub fn owner(kind: &str) -> &'static str {
    match kind {
        "user" => "A person",
        "application" => "An application",
        _ => "The organization",
    }
}

/// What a unit of lifetimes is called.
pub fn unit(unit: &str) -> &'static str {
    match unit {
        "months" => "months",
        "days" => "days",
        _ => "years",
    }
}

/// A lifetime in words.
pub fn lifetime(count: &str, unit_name: &str) -> String {
    let unit = unit(unit_name);
    if count == "1" { format!("1 {}", unit.trim_end_matches('s')) } else { format!("{count} {unit}") }
}

/// The unit's own name.
pub const UNIT: &str = "Unit";
/// A field.
pub const IDLE_DAYS: &str = "Days without use";
/// Its hint.
pub const IDLE_DAYS_HINT: &str =
    "A key that was not used for so many days goes out of service. 0: never. Single keys can be exempt.";
/// A field.
pub const IP_LIST_REQUIRED: &str = "Every key needs a list of allowed IPs";
/// Its hint.
pub const IP_LIST_REQUIRED_HINT: &str = "Keys without one stay in service; they need one with their next change.";
/// A choice.
pub const ONCE: &str = "Shown once";
/// A choice.
pub const RECOVERABLE: &str = "Recoverable: a sealed copy is kept";
/// A field.
pub const UNIQUE_NAMES: &str = "A name is one key's alone";
/// A choice.
pub const UNIQUE_OWNER: &str = "among the keys of its owner";
/// A choice.
pub const UNIQUE_ORGANIZATION: &str = "in the whole organization";
/// A field.
pub const STATUS_PROFILE: &str = "How gateways are answered";
/// Its hint.
pub const STATUS_PROFILE_HINT: &str = "Which statuses and texts a refused request gets.";
/// A choice.
pub const PROFILE_DEFAULT: &str = "Claviger's own statuses";
/// A choice.
pub const PROFILE_GOTRANSVERSE: &str = "As Gotransverse documents it";
/// A field.
pub const OLD_SECRET_USE: &str = "When a secret is used that was rotated out";
/// Its hint.
pub const OLD_SECRET_USE_HINT: &str = "After the overlap of a rotation nobody should have the old secret any more. Whoever uses it is refused in any case, and \
    notices and webhooks tell of it. Who disables the key is safe from a thief who has the new one too, but a program that was forgotten then stops all others.";
/// A choice.
pub const OLD_SECRET_ALERT: &str = "Tell of it";
/// A choice.
pub const OLD_SECRET_DISABLE: &str = "Tell of it and disable the key";
/// A field.
pub const DELEGATED: &str = "Who manages keys may make, change and rotate those of other people";
/// Its hint.
pub const DELEGATED_HINT: &str = "They then see other people's secrets.";
/// A field.
pub const APPROVAL: &str = "A second person has to approve keys with";
/// Its hint.
pub const APPROVAL_HINT: &str = "New keys with these API sets, keys that hold the same in another way, and keys that gain it are refused until somebody \
    else who manages keys has approved them. Keys that are there stay as they are. It takes two people who manage keys.";
/// A button.
pub const PREVIEW: &str = "Preview";
/// What was expected of a number.
pub const WHOLE_NUMBER: &str = "expected a whole number";

/// What the change would do.
pub const EFFECT: &str = "What this would change";
/// Nothing.
pub const NO_CHANGE: &str = "The entries are those that are in force. There is nothing to save.";
/// No key.
pub const NO_EFFECT: &str = "No key that is there is affected.";
/// The rest of a list.
pub fn and_more(more: u64) -> String {
    format!("and {more} more")
}

fn keys(count: u64) -> String {
    if count == 1 { "1 key".to_owned() } else { format!("{count} keys") }
}

/// Keys that end sooner.
pub fn ending(count: u64) -> String {
    format!("{} would go out of service sooner than now:", keys(count))
}

/// Why a key ends.
pub fn ending_reason(reason: &str) -> &'static str {
    if reason == "idle" { "if it is not used before" } else { "by its longest lifetime" }
}

/// Keys without addresses.
pub fn without_ip_list(count: u64) -> String {
    format!("{} would have no list of allowed IPs; they stay in service:", keys(count))
}

/// Copies that go.
pub fn copies_destroyed(count: u64) -> String {
    let one = "The sealed copy of 1 secret would be destroyed. That key can never be shown again.";
    if count == 1 {
        return one.to_owned();
    }
    format!("The sealed copies of {count} secrets would be destroyed. Those keys can never be shown again.")
}

/// Owners with too many keys.
pub fn above(owners: u64) -> String {
    let owners = if owners == 1 { "1 owner has".to_owned() } else { format!("{owners} owners have") };
    format!("{owners} more keys than they may have then. Their keys stay; they get no new ones:")
}

/// How many keys one owner has.
pub fn has_keys(count: u64, above: u64) -> String {
    format!("{}, {above} too many", keys(count))
}

/// Keys of one name.
pub fn namesakes(count: u64) -> String {
    format!("{} have a name in common with another; they stay in service:", keys(count))
}

/// The organization.
pub mod organization {
    /// The page.
    pub const TITLE: &str = "Organization";
    /// A field.
    pub const NAME: &str = "Name";
    /// A field.
    pub const SLUG: &str = "Slug";
    /// Its hint.
    pub const SLUG_HINT: &str = "Its short name in addresses and on the command line.";
    /// A field.
    pub const TIME_ZONE: &str = "Time zone";
    /// Its hint.
    pub const TIME_ZONE_HINT: &str =
        "Where its days begin, such as Europe/Warsaw. Ends that count in days move with it; ends that were set stay.";
    /// A field.
    pub const KEY_PREFIX: &str = "Key prefix";
    /// Its hint.
    pub const KEY_PREFIX_HINT: &str = "What keys begin with that are made from now on: 2 to 12 of a-z and 0-9.";
    /// A field.
    pub const ADMIN_CONTACT: &str = "Administrator contact";
    /// Its hint.
    pub const ADMIN_CONTACT_HINT: &str = "Whom key holders ask, such as from where the gateway sees their program: an e-mail address, a web address or a few words. Shown in the forms of keys. Empty: nobody is named.";
    /// A field.
    pub const ALLOWED_IPS: &str = "Allowed IPs";
    /// Its hint.
    pub const ALLOWED_IPS_HINT: &str = "From where all its keys may be used, beside their own lists. One address, range or network a line, \
        with an end and a label if you like: 203.0.113.0/24 until 2027-01-31 # office. Empty: from anywhere.";
    /// Keys whose end moves.
    pub fn moved(count: u64) -> String {
        let keys = if count == 1 { "1 key".to_owned() } else { format!("{count} keys") };
        format!("Another time zone moves the end of {keys}:")
    }
    /// Its diagnostic log.
    pub const REQUESTS: &str = "Refused requests";
    /// What to do about keys that get out.
    pub const LEAKS: &str = "Leaked keys";
    /// Its hint.
    pub const LEAKS_HINT: &str = "With these rules scanners of source code know this organization's keys. What they find they report \
        with a key that holds \u{201c}Claviger: report leaked keys\u{201d}, and it ends at once. A key that you have at hand is found by the search box.";
    /// Rules to download.
    pub const GITLEAKS: &str = "Rules for gitleaks";
    /// Rules to download.
    pub const TRUFFLEHOG: &str = "Rules for TruffleHog";
}
