//! What recurs on pages.

/// Forms.
pub mod form {
    /// Above the errors.
    pub const NOT_DONE: &str = "Nothing was saved";
    /// Somebody else was faster.
    pub const STALE: &str = "Somebody else has changed this meanwhile. What stands there now is shown beside your entries; save again to put yours in its place.";
    /// The form was sent before, with other entries.
    pub const SENT_BEFORE: &str = "This form was sent before and did its work. Send it again to make a further one.";
    /// What stands there by now.
    pub const NOW: &str = "Now:";
    /// A button.
    pub const SAVE: &str = "Save";
    /// A button.
    pub const CANCEL: &str = "Cancel";
    /// Opens the rest of a form.
    pub const ADVANCED: &str = "Advanced";
    /// What the stars mean.
    pub const REQUIRED: &str = "Fields marked with * are required.";
    /// Where a choice is to be made.
    pub const CHOOSE: &str = "Choose…";
    /// An empty field.
    pub const NOTHING: &str = "–";
    /// A box that is ticked.
    pub const YES: &str = "Yes";
    /// A box that is not.
    pub const NO: &str = "No";
}

/// Lists.
pub mod list {
    /// A button.
    pub const SEARCH: &str = "Search";
    /// Takes all filters away.
    pub const ALL: &str = "Show all";
    /// The rows as a file.
    pub const EXPORT: &str = "Export CSV";
    /// The name of the links to further pages.
    pub const PAGES: &str = "Pages";
    /// Back to the first page.
    pub const FIRST: &str = "First page";
    /// On to the next page.
    pub const NEXT: &str = "Next page";
    /// No row fits.
    pub const NOTHING_FOUND: &str = "Nothing fits";
    /// What to do then.
    pub const NOTHING_FOUND_HINT: &str = "No row has all that the search and the filters ask for.";
}

/// Questions before something ends.
pub mod confirm {
    /// Do it.
    pub const YES: &str = "Yes";
    /// Do not.
    pub const CANCEL: &str = "Cancel";
}

/// Values to be taken away.
pub mod secret {
    /// A button.
    pub const COPY: &str = "Copy to clipboard";
    /// Said when it is done.
    pub const COPIED: &str = "Copied";
}

/// Two lists side by side.
pub mod dual_list {
    /// A button.
    pub const ADD: &str = "Add →";
    /// A button.
    pub const ADD_ALL: &str = "Add all";
    /// A button.
    pub const REMOVE: &str = "← Remove";
    /// A button.
    pub const REMOVE_ALL: &str = "Remove all";
    /// The search box.
    pub const SEARCH: &str = "Search";
}

/// States.
pub mod state {
    /// A state's word; the API's own where there is none.
    pub fn word(state: &str) -> &str {
        match state {
            "active" => "Active",
            "pending" => "Waits for approval",
            "not_yet_valid" => "Not yet valid",
            "expired" => "Expired",
            "disabled" => "Disabled",
            "deleted" => "Deleted",
            "invited" => "Invited",
            "open" => "Open",
            "on" => "On",
            "off" => "Off",
            "locked" => "Locked",
            "live" => "Live",
            "lost" => "Lost",
            "signed_off" => "Signed off",
            other => other,
        }
    }
}

/// What a page says of what was done just before: addresses bear a word, never a sentence, so that nobody can put one there.
pub mod told {
    /// The sentence of a word.
    pub fn sentence(word: &str) -> Option<&'static str> {
        Some(match word {
            "saved" => "Saved.",
            "created" => "Created.",
            "deleted" => "Deleted.",
            "imported" => "Imported.",
            "applied" => "The template is applied.",
            "key-disabled" => "Disabled. Requests with this key are refused from now on.",
            "key-enabled" => "Enabled. Requests with this key pass again.",
            "found" => "This is the key that the secret you pasted belongs to.",
            "found-ended" => {
                "The secret you pasted belonged to this key and has ended; the key has another one by now."
            }
            "application-disabled" => "Disabled. Requests with its keys are refused from now on.",
            "application-enabled" => "Enabled. Requests with its keys pass again.",
            "overlap-ended" => "The old secret has ended.",
            "user-disabled" => "Disabled. They cannot sign in, and none of their keys passes from now on.",
            "user-enabled" => "Enabled. They can sign in, and their keys pass again.",
            "user-locked" => "Locked. They cannot sign in, and none of their keys passes from now on.",
            "user-unlocked" => "Unlocked. They can sign in, and their keys pass again.",
            "user-removed" => "Removed. They are in this organization no more, and their keys have ended.",
            "user-invited" => "Invited. The link goes to them by mail.",
            "invitation-ended" => "The invitation has ended. Its link works no more.",
            "second-factor-reset" => "Their two-factor is off and their sessions have ended.",
            "second-factor-off" => "Two-factor is off. You sign in by your password alone.",
            "address-asked" => "Saved. A link is on its way to the new address; it counts once you have followed it.",
            "joined" => "You have joined. Choose the organization on top of the page.",
            "session-ended" => "The session has ended.",
            "others-ended" => "All your other sessions have ended.",
            "password-changed" => "The password is changed; your other sessions have ended.",
            _ => return None,
        })
    }
}
