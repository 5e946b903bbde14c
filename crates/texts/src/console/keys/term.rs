//! When keys end.

/// The choice among times.
pub const EXPIRES_IN: &str = "Expiration";
/// A choice, where nothing bounds the key.
pub const NONE: &str = "No expiry";
/// The same where something does.
pub fn longest(day: &str) -> String {
    format!("The longest allowed (until {day})")
}
/// A time to choose, with its last day.
pub fn time(time: &str, day: &str) -> String {
    let words = match time {
        "7d" => "7 days",
        "30d" => "30 days",
        "90d" => "90 days",
        "1y" => "1 year",
        other => other,
    };
    format!("{words} (until {day})")
}
/// A choice.
pub const OTHER: &str = "Another date";
/// Of the day that is typed.
pub const DAY_HINT: &str = "The last day on which the key works. A date here counts whatever is chosen above.";
/// No day was typed.
pub const CHOOSE_DAY: &str = "choose the last day on which the key works";
/// What an end means.
pub fn days_end(zone: &str) -> String {
    format!("The key works until that day is over in {zone}, the organization's time zone.")
}
/// What a day of an edit means.
pub fn last_day(zone: &str) -> String {
    format!("The last day on which the key works, until it is over in {zone}, the organization's time zone.")
}
/// What else ends a key; nothing where no key goes idle.
pub fn idle(days: u32) -> String {
    if days == 0 {
        return String::new();
    }
    format!("A key that is not used for {} goes out of service.", super::days(days))
}
/// Without a choice.
pub const USUALLY_NONE: &str = "The key has no expiry unless you choose one under Advanced.";
/// The same where something bounds it.
pub fn usually(day: &str) -> String {
    format!("The key works until {day}, the longest allowed, unless you choose less under Advanced.")
}
/// An empty day of an edit.
pub const EMPTY_NONE: &str = "Empty: no expiry.";
/// The same where something bounds it.
pub fn empty(day: &str) -> String {
    format!("Empty: until {day}, the longest allowed.")
}
/// How far a day is away; those before today are negative.
pub fn in_days(days: i32) -> String {
    let away = days.unsigned_abs();
    let (count, unit) = match away {
        0..60 => (away, "days"),
        60..730 => (away / 30, "months"),
        _ => (away / 365, "years"),
    };
    match days {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        -1 => "yesterday".to_owned(),
        2.. => format!("in {count} {unit}"),
        _ => format!("{count} {unit} ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_are_far_are_counted_in_months_and_years() {
        for (days, words) in [
            (0, "today"),
            (1, "tomorrow"),
            (-1, "yesterday"),
            (59, "in 59 days"),
            (60, "in 2 months"),
            (365, "in 12 months"),
            (730, "in 2 years"),
            (-12, "12 days ago"),
            (-800, "2 years ago"),
        ] {
            assert_eq!(in_days(days), words);
        }
    }
}
