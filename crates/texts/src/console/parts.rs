//! What recurs on pages.

/// Forms.
pub mod form {
    /// Above the errors.
    pub const NOT_DONE: &str = "Nothing was saved";
    /// The same where something was to be looked at first.
    pub const NO_PREVIEW: &str = "There is no preview yet: something needs another entry";
    /// The same where something was to end.
    pub const NOT_DELETED: &str = "Nothing was deleted";
    /// Somebody else was faster.
    pub const STALE: &str = "Somebody else has changed this meanwhile. What stands there now is shown beside your entries; save again to put yours in its place.";
    /// The form was sent before, with other entries.
    pub const SENT_BEFORE: &str = "This form was sent before and did its work. Send it again to make a further one.";
    /// Another record has the name.
    pub const TAKEN: &str = "Another one has this already.";
    /// The way to it.
    pub const TAKEN_BY: &str = "Show it";
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
    /// What is wrong with one of several entries.
    pub fn entry(number: usize, why: &str) -> String {
        format!("No. {number}: {why}")
    }
    /// What is wrong with a line.
    pub fn line(number: usize, line: &str, why: &str) -> String {
        let short: String = line.chars().take(60).collect();
        let more = if short.len() < line.len() { "…" } else { "" };
        format!("Line {number}, “{short}{more}”: {why}")
    }
    /// A sentence of the API with the quotation marks of people.
    pub fn quoted(sentence: &str) -> String {
        let mut said = String::with_capacity(sentence.len());
        for (index, part) in sentence.split('`').enumerate() {
            let mark = if index % 2 == 1 { '“' } else { '”' };
            if index > 0 {
                said.push(mark);
            }
            said.push_str(part);
        }
        said
    }
    /// A field of the API by the label that forms give it; its own name as words where they give none.
    pub fn label(field: &str) -> String {
        let known = match field {
            "api_sets" => "API sets",
            "allowed_ips" => "Allowed IPs",
            "right" => super::super::keys::RIGHT,
            "expires_in" => super::super::keys::term::EXPIRES_IN,
            "expires_at" => super::super::keys::EXPIRES_AT,
            "not_before" => super::super::keys::NOT_BEFORE,
            "external_id" => super::super::keys::EXTERNAL_ID,
            "patterns" => super::super::picker::PATTERNS,
            "client_ip" => super::super::keys::CLIENT_IP,
            "manual_url" => "Manual",
            "email" => super::super::people::EMAIL,
            "current" => super::super::people::OLD_PASSWORD,
            "permission_type" => super::super::api_users::TYPE,
            "contact_id" => super::super::api_users::CONTACT_ID,
            "contact_email" => super::super::api_users::CONTACT_EMAIL,
            "profile_user" => super::super::api_users::PROFILE,
            "sign_in_method" => super::super::api_users::METHOD,
            "user_name" => super::super::api_users::USER_NAME,
            // What is typed before something is deleted.
            "confirm" => super::super::people::NAME,
            _ => "",
        };
        if !known.is_empty() {
            return known.to_owned();
        }
        let mut words = field.replace('_', " ");
        if let Some(first) = words.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        words
    }
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
    pub const NOTHING_FOUND_HINT: &str = "No row here has all that the search and the filters ask for.";
    /// Why there is a next page though this one is not full: one page looks through so much and no more.
    pub const PART_SEARCHED: &str = "This is what a part of the list has. The next page searches on; with a narrower filter less is left to search.";
}

/// Values to be taken away.
pub mod secret {
    /// A button.
    pub const COPY: &str = "Copy to clipboard";
    /// Said when it is done.
    pub const COPIED: &str = "Copied";
    /// A button: makes one at random.
    pub const MAKE: &str = "Generate";
    /// A button: shows what is typed.
    pub const SHOW: &str = "Show";
    /// A button: hides it again.
    pub const HIDE: &str = "Hide";
    /// How strong it seems, from the weakest on.
    pub const STRENGTHS: [&str; 4] = ["Too short", "Weak", "Fair", "Strong"];
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
            "words-restored" => "Restored. The mail says again what was delivered.",
            "record-link-sent" => "Sent. The link goes to the user by mail.",
            "imported" => "Imported.",
            "applied" => "The template is applied.",
            "key-disabled" => "Disabled. Requests with this key are refused from now on.",
            "key-enabled" => "Enabled. Requests with this key pass again.",
            "key-approved" => "Approved. Requests with this key pass from now on.",
            "key-denied" => "Denied. The key is disabled.",
            "found" => "This is the key that the secret you pasted belongs to.",
            "found-ended" => {
                "The secret you pasted belonged to this key and has ended; the key has another one by now."
            }
            "webhook-disabled" => "Disabled. Nothing is sent from now on.",
            "webhook-enabled" => "Enabled. It is told of what happens from now on.",
            "webhook-tested" => "A test is on its way. Load this page again to see what became of it.",
            "webhook-replayed" => "Sent again. Load this page again to see what became of it.",
            "application-disabled" => "Disabled. Requests with its keys are refused from now on.",
            "application-enabled" => "Enabled. Requests with its keys pass again.",
            "overlap-ended" => "The old secret has ended.",
            "api-user-disabled" => "Deactivated. It cannot sign in, and its sessions have ended.",
            "api-user-enabled" => "Activated. It can sign in again.",
            "api-user-unlocked" => "Unlocked. It can try again at once.",
            "api-user-link" => "The link is on its way to the user’s address.",
            "api-user-password" => "The password is set, and all sessions of this user have ended.",
            "sessions-ended" => "All sessions have ended.",
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
