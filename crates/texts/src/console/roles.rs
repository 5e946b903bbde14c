//! Roles: what people may do.

/// The list.
pub const TITLE: &str = "Roles";
/// The search box.
pub const SEARCH: &str = "Search by name or short name";
/// A button.
pub const NEW: &str = "New role";
/// Nothing yet.
pub const NONE: &str = "No roles";
/// The next step.
pub const NONE_HINT: &str = "A role says what people may do and up to which bounds.";
/// A column.
pub const NAME: &str = "Name";
/// A column.
pub const SLUG: &str = "Short name";
/// Its hint.
pub const SLUG_HINT: &str = "As the API calls it: lower case, digits and hyphens. Empty: made from the name.";
/// A column.
pub const KIND: &str = "Kind";
/// A kind.
pub const PREDEFINED: &str = "Predefined";
/// A kind.
pub const CUSTOM: &str = "Custom";
/// Why there is no button.
pub const PREDEFINED_HINT: &str =
    "This role came with the program, and nobody changes it. Make one of your own where it does not fit.";
/// A column.
pub const USERS: &str = "Users";
/// A part.
pub const AUTHORITIES: &str = "Authorities";
/// Its hint.
pub const AUTHORITIES_HINT: &str = "What whoever has the role may do. You can give none that you lack.";
/// No authority.
pub const NO_AUTHORITIES: &str = "None";
/// All of them.
pub const EVERYTHING: &str = "Everything";
/// A part.
pub const LEVELS: &str = "Levels";
/// Its hint.
pub const LEVELS_HINT: &str = "How far they may go when they make keys. Empty: no bound but the policy's.";
/// A level.
pub const MAX_LIFETIME: &str = "Longest lifetime of a key, in days";
/// A level.
pub const MAX_KEYS: &str = "Most living keys of one owner";
/// A level.
pub const MAX_RATE: &str = "Largest rate limit, in requests a minute";
/// A level.
pub const API_SETS: &str = "API sets that may be granted";
/// Its choice.
pub const SETS_ANY: &str = "Any";
/// Its choice.
pub const SETS_ONLY: &str = "Only the selected ones";
/// The lists.
pub const SETS: &str = "API sets";
/// Their hint.
pub const SETS_HINT: &str =
    "Counts where only the selected ones may be granted; nothing selected then means none at all.";
/// No bound.
pub const NO_BOUND: &str = "No bound";
/// None at all.
pub const NO_SETS: &str = "None";
/// An action.
pub const EDIT: &str = "Edit";
/// The page.
pub fn edit_title(name: &str) -> String {
    format!("Edit {name}")
}
/// When it counts.
pub fn edit_hint(users: i64) -> String {
    match users {
        0 => "Nobody has this role yet.".to_owned(),
        1 => "1 person has this role: what you save counts with their next request.".to_owned(),
        users => format!("{users} people have this role: what you save counts with their next request."),
    }
}
/// An action.
pub const DELETE: &str = "Delete";
/// What comes of it.
pub const DELETE_CONSEQUENCE: &str = "Nobody has it. This cannot be undone.";
/// Why it cannot be.
pub const DELETE_HELD: &str = "A role that somebody has cannot be deleted: take it from them first.";
/// Who has it.
pub const HOLDERS: &str = "Who has this role";
/// Nobody.
pub const NO_HOLDERS: &str = "Nobody yet. Give it to people on their page under Users.";
/// There are more.
pub const ALL_HOLDERS: &str = "Show all of them";
/// One's own.
pub const OWN_TITLE: &str = "Your roles";
/// What they give.
pub const OWN_HINT: &str = "What your roles let you do in this organization, together. An administrator changes them.";
/// None.
pub const OWN_NONE: &str = "You have no role here: you can sign in and change your profile.";
/// A part.
pub const OWN_AUTHORITIES: &str = "What you may do";
