//! Keys that wait for approval.

/// The page.
pub const TITLE: &str = "Approvals";
/// What it is.
pub const HINT: &str =
    "These keys are refused until somebody approves them who neither made them nor gave them what they may do.";
/// Nothing.
pub const NONE: &str = "No key waits for approval";
/// When there would be some.
pub const NONE_HINT: &str = "The policy says which sets a second person has to approve.";
/// A section of the overview.
pub const WAITING: &str = "Waiting for approval";
/// The way to the page.
pub const SHOW: &str = "Look at them";

/// How many wait.
pub fn waiting(count: usize, is_more: bool) -> String {
    match (count, is_more) {
        (1, false) => "1 key waits until somebody approves it.".to_owned(),
        (count, false) => format!("{count} keys wait until somebody approves them."),
        (count, true) => format!("{count} keys and more wait until somebody approves them."),
    }
}

/// A column.
pub const SINCE: &str = "Waits since";
/// A column.
pub const ASKED_BY: &str = "Asked by";
/// A column.
pub const DECISION: &str = "Decision";
/// A button.
pub const APPROVE: &str = "Approve";
/// A button.
pub const DENY: &str = "Deny";
/// What happens to a key that is approved.
pub const APPROVE_CONSEQUENCE: &str = "Requests with it pass from now on, as far as its rights go.";
/// What happens to a key that is denied.
pub const DENY_CONSEQUENCE: &str = "It is disabled, with your reason. Put back into service it waits again.";
/// A field.
pub const REASON: &str = "Reason";
/// A field that may stay empty.
pub const REASON_OPTIONAL: &str = "Reason (may stay empty)";
/// A fact of a key.
pub const APPROVED: &str = "Approved";

/// Why the viewer does not decide.
pub const OWN: &str = "This key is yours: somebody else has to decide about it.";
/// Why the viewer does not decide.
pub const MADE: &str = "You made this key: somebody else has to decide about it.";
/// Why the viewer does not decide.
pub const HAND: &str = "You have a hand in what this key may do: somebody else has to decide about it.";
/// Who does.
pub const OTHERS: &str = "It is refused until somebody who manages keys, and has no hand in it, has approved it.";
/// Beside a new secret.
pub const NOT_YET: &str =
    "This key waits for approval: it works once somebody else has approved it. Keep it until then.";
/// Above the form of a key; the names of sets follow.
pub const NOTE: &str =
    "A key that gains these rights, or the same in another way, is refused until somebody else has approved it:";
