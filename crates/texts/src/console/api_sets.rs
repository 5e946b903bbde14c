//! API sets and their templates.

/// The list.
pub const TITLE: &str = "API sets";
/// The search box.
pub const SEARCH: &str = "Search by name or slug";
/// A filter.
pub const ANY_KIND: &str = "Any kind";
/// A filter.
pub const ANY_API: &str = "Any API";
/// Nothing yet.
pub const NONE: &str = "No API sets yet";
/// The next step.
pub const NONE_HINT: &str = "A set is a right by name: operations of your APIs that keys are given together.";
/// A button.
pub const NEW: &str = "New API set";
/// A button.
pub const TEMPLATES: &str = "Templates";
/// A button.
pub const EDIT: &str = "Edit";
/// A button.
pub const DELETE: &str = "Delete";
/// The button of the form.
pub const CREATE: &str = "Create API set";
/// The title of a form.
pub fn edit_title(name: &str) -> String {
    format!("Edit {name}")
}
/// A column or field.
pub const NAME: &str = "Name";
/// A column or field.
pub const SLUG: &str = "Slug";
/// Its hint.
pub const SLUG_HINT: &str = "What keys call it: lower case letters, digits and hyphens. Empty: made from the name.";
/// A column.
pub const KIND: &str = "Kind";
/// A kind's word.
pub fn kind(word: &str) -> &str {
    match word {
        "plain" => "Set",
        "full" => "Full access",
        "general" => "General",
        "built_in" => "Built in",
        other => other,
    }
}
/// What a kind means.
pub fn kind_hint(word: &str) -> &'static str {
    match word {
        "full" => {
            "Everything of this organization's APIs, now and later. It comes with the organization and cannot be changed."
        }
        "general" => "What every key that holds anything of its API may do too. Only its operations can be changed.",
        "built_in" => "Stands for rights in Claviger itself. It cannot be changed.",
        _ => "",
    }
}
/// A column or fact.
pub const HOLDS: &str = "Holds";
/// How much it lists.
pub fn listed(count: usize) -> String {
    if count == 1 { "1 operation or pattern".to_owned() } else { format!("{count} operations and patterns") }
}
/// It holds all.
pub const EVERYTHING: &str = "Everything";
/// It holds nothing.
pub const NOTHING: &str = "Nothing yet";
/// A column or fact.
pub const CREATED: &str = "Created";
/// A fact.
pub const UPDATED: &str = "Changed";
/// A fact.
pub const ID: &str = "ID";
/// A fact.
pub const TEMPLATE: &str = "Made from the template";
/// A part of a page.
pub const FACTS: &str = "Settings";
/// A fact.
pub const KEYS: &str = "Keys that hold it";
/// The link to them.
pub const SHOW_KEYS: &str = "Show the keys";
/// A fact or field.
pub const WHOLE: &str = "Whole APIs";
/// Its hint.
pub const WHOLE_HINT: &str = "All operations of them, now and later.";
/// A fact: of a General set.
pub const OF_API: &str = "General set of";
/// The left of two lists.
pub const AVAILABLE: &str = "Available";
/// The right of two lists.
pub const SELECTED: &str = "Selected";
/// Operations, and what stands for them.
pub const OPERATIONS: &str = "Operations";
/// Operations by patterns.
pub const PATTERNS: &str = "Patterns and exceptions";
/// More of a list.
pub fn further(count: usize) -> String {
    format!("{count} more")
}
/// What happens to a set that is deleted.
pub const DELETE_CONSEQUENCE: &str =
    "It is deleted only where no key, role or type of applications holds it. This cannot be undone.";

/// What applying a template again does.
pub const TEMPLATE_AGAIN: &str =
    "A template takes nothing away. Applied again it only brings back what is missing, also after a further import.";

/// The templates.
pub mod templates {
    /// The title.
    pub const TITLE: &str = "Templates of API sets";
    /// What they are.
    pub const HINT: &str = "Ready-made rights of well-known systems, for an API of yours that has such operations. Nothing is changed before you have seen what a template would make.";
    /// The title of one.
    pub fn title(name: &str) -> String {
        format!("Template: {name}")
    }
    /// A button.
    pub const USE: &str = "Use it";
    /// What it has.
    pub const SETS: &str = "Sets";
    /// What it is made of.
    pub const GROUPS: &str = "What they are made of";
    /// Ways to say the same.
    pub const OR: &str = "or";
    /// A field.
    pub const API: &str = "API";
    /// Its hint.
    pub const API_HINT: &str = "One of your own, with its operations imported.";
    /// A field.
    pub const PREFIX: &str = "Prefix";
    /// Its hint.
    pub const PREFIX_HINT: &str = "What the slugs of the sets begin with. Empty: the API's slug.";
    /// A button.
    pub const PREVIEW: &str = "Preview";
    /// A button.
    pub const APPLY: &str = "Apply";
    /// The title of what it would do.
    pub const OUTCOME: &str = "What this makes";
    /// Above what is wrong.
    pub const NOT_APPLIED: &str = "The template was not applied";
    /// Nothing was done yet.
    pub const NOT_YET: &str = "Nothing is changed yet.";
    /// A column.
    pub const SET: &str = "API set";
    /// A column.
    pub const STATE: &str = "What happens";
    /// A column.
    pub const ADDED: &str = "Operations added";
    /// A column.
    pub const UNMATCHED: &str = "Without a match in this API";
    /// What happens to a set.
    pub fn state(word: &str) -> &str {
        match word {
            "made" => "Is made",
            "changed" => "Gets more operations",
            "unchanged" => "Stays as it is",
            "empty" => "Is not made: nothing fits",
            other => other,
        }
    }
    /// No API to apply one to.
    pub const NO_API: &str = "There is no API of yours to apply it to";
    /// The next step.
    pub const NO_API_HINT: &str = "Import the OpenAPI document of the service first.";
}
