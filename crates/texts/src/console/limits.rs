//! Limits on forms and pages: of keys, applications and API sets.

/// What the fields and facts are called.
pub const LIMITS: &str = "Limits";
/// A record without any.
pub const NONE: &str = "No limits of its own";
/// Above the rows of the form.
pub const HINT: &str = "How often and how much. All of them hold together; 0 is never. A row without name and number is no limit. \
    Each key, owner and so on has a counter of its own, which stays with the limit's name.";
/// Its name.
pub const NAME: &str = "Name";
/// How many.
pub const NUMBER: &str = "Requests";
/// The window of a rate or the period of a quota.
pub const PER: &str = "In";
/// How many at once, of a rate.
pub const BURST: &str = "At once";
/// Who shares one counter.
pub const SCOPE: &str = "Counted by";
/// The bounds that stand on the owner and the sets.
pub const OF_OTHERS: &str = "Its owner and its API sets may have limits too.";

/// Above what was taken of them.
pub const USED: &str = "Limits and what is taken";
/// A limit, as the head of a column.
pub const LIMIT: &str = "Limit";
/// How much of it is taken, as the head of a column.
pub const TAKEN: &str = "Taken";
/// When something comes back, as the head of a column.
pub const BACK_AT: &str = "Comes back";
/// On an API set.
pub const OF_SET: &str = "of the API set";
/// On an application.
pub const OF_APPLICATION: &str = "of the application";
/// Of a rate that no Redis counts.
pub const HERE: &str = "Counted by this node alone, of its part.";

/// The windows of rates in seconds, and the periods of quotas, as they are offered.
pub const PERIODS: [(&str, &str); 7] = [
    ("1", "a second"),
    ("60", "a minute"),
    ("3600", "an hour"),
    ("86400", "24 hours"),
    ("day", "a calendar day (quota)"),
    ("month", "a calendar month (quota)"),
    ("total", "total (quota)"),
];

/// Who shares one counter.
pub const SCOPES: [(&str, &str); 5] = [
    ("key", "key"),
    ("owner", "owner"),
    ("external_id", "external ID"),
    ("set", "API set"),
    ("operation", "operation"),
];

/// A row of the form.
pub fn row(number: usize) -> String {
    format!("Limit {number}")
}

/// In what time so many are allowed, in words.
pub fn per(word: &str) -> String {
    let known = PERIODS.iter().find(|(value, _)| *value == word);
    known.map_or_else(|| format!("{word} seconds"), |(_, text)| (*text).to_owned())
}

/// Who shares one counter, in words.
pub fn scope(word: &str) -> &str {
    SCOPES.iter().find(|(value, _)| *value == word).map_or(word, |(_, text)| text)
}

/// A limit in one line.
pub fn line(name: &str, number: &str, word: &str, burst: Option<&str>, scope_word: &str) -> String {
    let burst = burst.map(|burst| format!(", {burst} at once")).unwrap_or_default();
    format!("{name}: {number} in {}{burst}, counted by {}", per(word), scope(scope_word))
}

/// How much of a limit is taken.
pub fn taken(used: u64, remaining: u64) -> String {
    format!("{used} taken, {remaining} left")
}

/// What nodes have in hand of a quota.
pub fn held(held: u64) -> String {
    format!("{held} in the hands of nodes, taken or given back in seconds")
}

/// Why it is not told how much of a limit is taken.
pub fn uncounted(word: &str) -> &'static str {
    match word {
        "apart" => "Each has a counter of its own.",
        _ => "Whoever counts it cannot be asked.",
    }
}

/// What a request takes, where it is not 1.
pub fn cost(cost: u64) -> String {
    format!(", {cost} a request")
}

/// What comes back of a total.
pub fn refill(amount: u64, every: &str) -> String {
    format!(", {amount} come back each {every}")
}
