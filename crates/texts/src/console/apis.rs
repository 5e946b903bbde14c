//! APIs, their operations and their manuals.

/// The list, and the sub-place.
pub const TITLE: &str = "APIs";
/// The sub-place beside it.
pub const SETS: &str = "API sets";
/// A button.
pub const NEW_KEY: &str = "New key";
/// The name of the links to both.
pub const SUBPLACES: &str = "APIs and API sets";
/// The search box.
pub const SEARCH: &str = "Search by name or slug";
/// A filter: what is shown without one.
pub const OWN: &str = "Our own APIs";
/// A filter.
pub const SHARED: &str = "Shared with us";
/// Nothing yet.
pub const NONE: &str = "No APIs yet";
/// The next step.
pub const NONE_HINT: &str =
    "Import the OpenAPI document of a service: its operations become what keys and sets can be given.";
/// A button.
pub const IMPORT: &str = "Import OpenAPI";
/// A button.
pub const NEW: &str = "New API";
/// A button.
pub const IMPORT_AGAIN: &str = "Import again";
/// A button.
pub const EDIT: &str = "Edit";
/// A button.
pub const DELETE: &str = "Delete";
/// A column or field.
pub const NAME: &str = "Name";
/// A column or field.
pub const SLUG: &str = "Slug";
/// Its hint.
pub const SLUG_HINT: &str =
    "What sets and keys call it: lower case letters, digits and hyphens. Empty: made from the name.";
/// Its hint where it is changed.
pub const SLUG_EDIT_HINT: &str =
    "What sets and keys call it. They follow when it changes, your gateway's configuration does not.";
/// A column or fact.
pub const HOSTS: &str = "Hosts";
/// Its hint.
pub const HOSTS_HINT: &str =
    "One a line, such as api.example.com. The word test behind it makes it one for test keys. Empty: any host.";
/// No host is named.
pub const ANY_HOST: &str = "Any host";
/// A column or fact.
pub const BASE_PATHS: &str = "Base paths";
/// Its hint.
pub const BASE_PATHS_HINT: &str = "The paths that its operations stand under, one a line. / stands for all paths.";
/// A column or fact.
pub const VERSIONS: &str = "Versions";
/// Its hint.
pub const VERSIONS_HINT: &str = "Separated by commas, such as v1, v2. Sets and keys can name them.";
/// A field.
pub const VERSION_PATTERN: &str = "Versions in paths look like";
/// Its hint.
pub const VERSION_PATTERN_HINT: &str = "v# is a v and digits. Empty: its paths carry no version.";
/// A column.
pub const OPERATIONS: &str = "Operations";
/// A part of a page.
pub const FACTS: &str = "Settings";
/// A column: in which sharing stands.
pub const SHARING: &str = "Sharing";
/// Nobody else.
pub const NOT_SHARED: &str = "Only this organization";
/// Everybody.
pub const SHARED_ALL: &str = "Every organization";
/// Some.
pub fn shared_with(count: usize) -> String {
    if count == 1 { "1 other organization".to_owned() } else { format!("{count} other organizations") }
}
/// It is another's.
pub const SHARED_BY_OTHER: &str = "Shared by another organization, which alone can change it";
/// A badge: the management API.
pub const BUILT_IN: &str = "Built in";
/// What the management API is.
pub const BUILT_IN_HINT: &str =
    "This is Claviger's own management API. It comes with the server and cannot be changed.";
/// A badge.
pub const REPORT_ONLY: &str = "Report only";
/// What it means.
pub const REPORT_ONLY_ON: &str =
    "Report only: what would be refused for rights, address or limits is logged and passes. Unknown keys are refused.";
/// Its hint in the form.
pub const REPORT_ONLY_HINT: &str = "What would be refused for rights, address or limits is logged and passes: for trying out an API before it is enforced.";
/// A fact or field.
pub const UNLISTED: &str = "Paths that no operation lists";
/// A field.
pub const UNLISTED_ON: &str = "Keys that hold the whole API may ask for paths that no operation lists";
/// A value.
pub const UNLISTED_PASS: &str = "Pass for keys that hold the whole API";
/// A value.
pub const UNLISTED_REFUSED: &str = "Refused";
/// A fact or field.
pub const SOURCES: &str = "Where keys stand in requests";
/// Its hint.
pub const SOURCES_HINT: &str = "One a line: basic, bearer, the name of a header such as X-Api-Key, or query: and a parameter. Empty: basic, bearer and x-api-key.";
/// Where none is named.
pub const SOURCES_DEFAULT: &str = "basic, bearer, x-api-key";
/// A fact.
pub const PREFLIGHT: &str = "CORS preflights";
/// A field.
pub const PREFLIGHT_ON: &str = "CORS preflights pass without a key";
/// A value.
pub const PREFLIGHT_PASS: &str = "Pass without a key";
/// A value.
pub const PREFLIGHT_KEY: &str = "Need a key like any request";
/// A fact or field.
pub const MANUAL_URL: &str = "Manual";
/// Its hint.
pub const MANUAL_URL_HINT: &str =
    "The address of its documentation. Claviger's own page of its operations is there in any case.";
/// A field.
pub const SHARED_WITH: &str = "Shared with";
/// A choice.
pub const SHARED_CHOSEN: &str = "These organizations";
/// A field.
pub const SHARED_IDS: &str = "IDs of organizations";
/// Its hint.
pub const SHARED_IDS_HINT: &str = "One a line, for the choice above.";
/// A field.
pub const SHARED_FULL: &str = "Full access of their keys covers it";
/// A fact.
pub const CREATED: &str = "Created";
/// A fact.
pub const UPDATED: &str = "Changed";
/// A fact.
pub const ID: &str = "ID";
/// The title of a form.
pub const NEW_TITLE: &str = "New API";
/// The button of the form.
pub const CREATE: &str = "Create API";
/// The title of a form.
pub fn edit_title(name: &str) -> String {
    format!("Edit {name}")
}
/// A button: what would the edit do?
pub const PREVIEW: &str = "Preview the consequences";
/// Opens the fields of few.
pub const ADVANCED: &str = "Advanced";
/// A field of the form.
pub const OPERATIONS_HINT: &str = "One a line: GET /orders/{id} getOrder # one line about it. The name may be left out. versions=v1,v2 and multi=path may stand before the #; tags stay with the name.";
/// Where there are too many for a field.
pub fn operations_too_many(count: i64) -> String {
    format!("It lists {count} operations, too many to edit here. Import its document again to change them.")
}
/// A line that is none.
pub fn operation_line(line: usize) -> String {
    format!("Line {line}: expected a method and a path, such as GET /orders/{{id}}.")
}

/// The table of operations.
pub mod operations {
    /// The search box.
    pub const SEARCH: &str = "Search by name, path or summary";
    /// A filter.
    pub const ANY_METHOD: &str = "Any method";
    /// A column.
    pub const NAME: &str = "Name";
    /// A column.
    pub const METHOD: &str = "Method";
    /// A column.
    pub const PATH: &str = "Path";
    /// A column.
    pub const SUMMARY: &str = "Summary";
    /// A column.
    pub const VERSIONS: &str = "Versions";
    /// In all of them.
    pub const ALL_VERSIONS: &str = "All";
    /// Nothing yet.
    pub const NONE: &str = "No operations yet";
    /// The next step.
    pub const NONE_HINT: &str = "Import the service's OpenAPI document, or list its operations by editing the API.";
    /// How many there are.
    pub fn count(count: i64) -> String {
        if count == 1 { "1 operation".to_owned() } else { format!("{count} operations") }
    }
    /// A parameter of several segments.
    pub fn multi_segment(names: &str) -> String {
        format!("{names} may span several segments")
    }
}

/// Sets that hold something of an API.
pub mod using {
    /// The title.
    pub const TITLE: &str = "API sets that hold some of it";
    /// None.
    pub const NONE: &str = "No set holds any of its operations yet.";
    /// The way on.
    pub const ALL: &str = "All sets of this API";
    /// A button.
    pub const NEW: &str = "New API set";
    /// A button.
    pub const TEMPLATES: &str = "Apply a template";
}

/// The manual of an API.
pub mod manual {
    /// The link to it.
    pub const LINK: &str = "Manual";
    /// The title.
    pub fn title(name: &str) -> String {
        format!("Manual of {name}")
    }
    /// What the page is.
    pub const HINT: &str = "The operations as its document lists them; the path leads to parameters, payloads and answers. A key needs an operation's name, or a set that holds it.";
    /// The link to the provider's own.
    pub const PROVIDER: &str = "The provider's documentation";
    /// The heading of operations without a tag.
    pub const NO_TAG: &str = "Other operations";
    /// Before the operation's name.
    pub const CALLED: &str = "Sets and keys call it";
    /// The links to its other versions.
    pub const VERSIONS: &str = "Versions";
    /// Nothing is known beyond its line.
    pub const NOT_KEPT: &str = "No parameters or payloads are known";
    /// The next step.
    pub const NOT_KEPT_HINT: &str =
        "They come from the API's OpenAPI document. Who manages APIs can import it, or import it again.";
    /// A part of the page.
    pub const PARAMETERS: &str = "Parameters";
    /// A part of the page.
    pub const BODY: &str = "Request body";
    /// A part of the page.
    pub const RESPONSES: &str = "Responses";
    /// A column.
    pub const NAME: &str = "Name";
    /// A column.
    pub const PLACE: &str = "In";
    /// A column.
    pub const KIND: &str = "Type";
    /// A column.
    pub const DESCRIPTION: &str = "Description";
    /// A badge.
    pub const REQUIRED: &str = "required";
    /// What the document says of it.
    pub const DEPRECATED_HINT: &str = "The document says that this operation should not be used any more.";
    /// Opens an example.
    pub const EXAMPLE: &str = "Example";
    /// Before values.
    pub const VALUES: &str = "One of";
    /// A type: exactly one of what follows.
    pub const ONE_OF: &str = "one of these";
    /// A type: what follows, together or alone.
    pub const ANY_OF: &str = "any of these";
    /// A member's name.
    pub const ANY_NAME: &str = "any other name";
    /// A schema that stands in itself.
    pub fn repeats(name: &str) -> String {
        format!("The same again as {name} above.")
    }
    /// Some of a schema is left out.
    pub const MORE: &str = "The document says more here.";
    /// Some of the page is left out.
    pub const CUT: &str = "The document says more than is shown here.";
}

/// Copying a name.
pub mod copy {
    /// The button.
    pub const COPY: &str = "Copy";
    /// Said when it is done.
    pub const COPIED: &str = "Copied";
}

/// What a change gives and takes.
pub mod change {
    /// The title of the whole.
    pub const TITLE: &str = "What this does";
    /// Nothing was done yet.
    pub const NOT_YET: &str = "Nothing is changed yet.";
    /// A count with its word.
    pub fn added(count: usize) -> String {
        format!("Operations added: {count}")
    }
    /// A count with its word.
    pub fn changed(count: usize) -> String {
        format!("Operations changed: {count}")
    }
    /// A count with its word.
    pub fn removed(count: usize) -> String {
        format!("Operations removed: {count}")
    }
    /// A column.
    pub const OPERATION: &str = "Operation";
    /// A column.
    pub const REQUEST: &str = "Method and path";
    /// A column.
    pub const CONCERNED: &str = "Whom it concerns";
    /// Of an operation that is removed.
    pub const NOBODY_LOSES: &str = "No set and no key holds it";
    /// Of an operation that is added.
    pub const NOBODY_GAINS: &str = "No set and no key gets it";
    /// Of an operation of an API that is made.
    pub const FULL_ACCESS_ALONE: &str = "Keys with Full access";
    /// Of an operation that stays.
    pub const HOLDERS: &str = "Whoever holds it keeps it";
    /// Method and path are as they were.
    pub const TEXTS_ALONE: &str = "Only its texts change.";
    /// The table of who gains and loses says more.
    pub const SEE_BELOW: &str = "See who gains and loses, below";
    /// A set beside its name.
    pub fn set_of(keys: i64) -> String {
        match keys {
            0 => "API set, no keys".to_owned(),
            1 => "API set, 1 key".to_owned(),
            count => format!("API set, {count} keys"),
        }
    }
    /// More than are named.
    pub fn further(count: usize) -> String {
        format!("and {count} more")
    }
    /// Nothing differs.
    pub const SAME: &str = "The operations stay as they are.";
    /// Who gains.
    pub const GAIN: &str = "Gain operations";
    /// Who loses.
    pub const LOSE: &str = "Lose operations";
    /// Nobody does either.
    pub const NOBODY: &str = "No API set and no key gains or loses anything.";
    /// A column.
    pub const WHO: &str = "Who";
    /// A column.
    pub const KEYS: &str = "Keys that hold it";
    /// A column.
    pub const OPERATIONS: &str = "Operations";
    /// A kind.
    pub const SET: &str = "API set";
    /// A kind.
    pub const KEY: &str = "Key";
    /// Not all are named.
    pub const MORE: &str = "More API sets or keys gain or lose than are named here.";
    /// Other organizations.
    pub fn others(keys: usize, sets: usize, keys_by_sets: i64) -> String {
        format!(
            "Of other organizations that it is shared with: {keys} keys, {sets} sets, and {keys_by_sets} keys by their sets."
        )
    }
    /// Sharing.
    pub fn organizations(count: usize) -> String {
        if count == 1 { "1 other organization".to_owned() } else { format!("{count} other organizations") }
    }
}

/// The import of a document.
pub mod import {
    /// The title.
    pub const TITLE: &str = "Import OpenAPI";
    /// The document is of a version that the API does not have yet.
    pub fn enter_version(what: &str) -> String {
        format!("{what}, enter it below as the version")
    }
    /// The title where the API is there.
    pub fn title_of(name: &str) -> String {
        format!("Import {name} again")
    }
    /// What it takes.
    pub const HINT: &str =
        "OpenAPI 3.0 or 3.1, JSON or YAML, up to 32 MiB. You see what it does before anything is changed.";
    /// A field.
    pub const FILE: &str = "Document";
    /// Its hint.
    pub const FILE_HINT: &str = "A file of yours. Nothing that it refers to is fetched.";
    /// A field.
    pub const TEXT: &str = "Or paste it";
    /// Its hint.
    pub const TEXT_HINT: &str = "Used where no file is chosen.";
    /// Its hint.
    pub const SLUG_HINT: &str =
        "The API to make, or the one whose operations are replaced. Empty: made from the document's title.";
    /// Its hint.
    pub const NAME_HINT: &str = "What the API is called. Empty: the document's title, or as it is called now.";
    /// A field.
    pub const VERSION: &str = "Version";
    /// Its hint.
    pub const VERSION_HINT: &str =
        "Such as v72, where the document is one version among several. Empty: the versions that its paths name.";
    /// Step one.
    pub const PREVIEW: &str = "Preview";
    /// Step two.
    pub const CARRY_OUT: &str = "Import";
    /// Above what is wrong.
    pub const NOT_IMPORTED: &str = "Nothing was imported";
    /// Neither a file nor text.
    pub const NO_DOCUMENT: &str = "Choose a file, or paste the document.";
    /// Who may not.
    pub const FORBIDDEN: &str = "You may not import documents: it takes the right to manage APIs.";
    /// The form could not be read.
    pub const UNREADABLE: &str = "The form did not arrive whole: a document may have at most 32 MiB.";
    /// It makes an API.
    pub fn makes(name: &str, slug: &str) -> String {
        format!("Makes the API {name} ({slug}).")
    }
    /// Who may use a new one.
    pub const NEW_SHARES: &str =
        "Keys with Full access may use it. Any other key needs one of its operations, or a set that holds some.";
    /// It replaces the operations of one.
    pub fn replaces(name: &str, slug: &str) -> String {
        format!("Replaces operations of the API {name} ({slug}), which is there already.")
    }
    /// It stands for versions.
    pub fn versions(versions: &str) -> String {
        format!("The document stands for {versions}.")
    }
    /// Sets of tags.
    pub const SUGGESTED: &str = "API sets to make of it";
    /// Their hint.
    pub const SUGGESTED_HINT: &str =
        "One for each tag of the document. What is ticked is made with the import; others can be made later.";
    /// A choice.
    pub const ALL_SETS: &str = "Make all of these sets";
    /// The document is kept.
    pub fn kept(size: &str) -> String {
        format!("The document ({size}) is kept in this page: one press imports it.")
    }
    /// The document is not kept.
    pub fn not_kept(size: &str) -> String {
        format!(
            "The document ({size}) is too large to be kept in this page: it is sent again from the file that is chosen here."
        )
    }
    /// Back to the first step.
    pub const OTHER: &str = "Another document";
    /// The page after an import some of whose sets were not made.
    pub const SETS_NOT_MADE: &str = "The document is imported. These API sets were not made:";
    /// The way on.
    pub const TO_API: &str = "Go to the API";
}

/// Deleting one.
pub mod deletion {
    /// The title.
    pub fn title(name: &str) -> String {
        format!("Delete {name}")
    }
    /// What happens.
    pub const CONSEQUENCE: &str = "Its operations leave every API set and key at once, on every node. Requests to it are refused, unless another API answers at the same host and path. This cannot be undone.";
    /// Nobody loses anything.
    pub const NOBODY: &str = "No API set and no key holds any of its operations.";
    /// The field.
    pub const TYPE_NAME: &str = "Type its name to delete it";
    /// What was typed is another name.
    pub const OTHER_NAME: &str = "This is not its name.";
    /// The button.
    pub const DELETE: &str = "Delete this API";
    /// Back.
    pub const KEEP: &str = "Keep it";
}
