//! Instants as a person reads them: in their zone, with the UTC value on hover.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

/// Day and minute in the viewer's zone.
const FORMAT: &str = "%-d %b %Y, %H:%M";
/// The same to the second, with the zone's name.
const SECOND: &str = "%-d %b %Y, %H:%M:%S %Z";
const DAY: &str = "%-d %b %Y";

/// An RFC 3339 instant of the API; its own text where it is none.
pub(crate) fn instant(text: &str, zone: &TimeZone) -> Markup {
    shown(text, zone, FORMAT, |at| at)
}

/// The same to the second, where the order of things matters.
pub(crate) fn second(text: &str, zone: &TimeZone) -> Markup {
    shown(text, zone, SECOND, |at| at)
}

/// A text of the API that names instants among other words.
pub(crate) fn within(text: &str, zone: &TimeZone) -> Markup {
    let shown = |word: &str| {
        let bare = word.trim_end_matches([' ', ',']);
        html! { @if bare.parse::<Timestamp>().is_ok() { (second(bare, zone)) (&word[bare.len()..]) } @else { (word) } }
    };
    html! { @for word in text.split_inclusive(' ') { (shown(word)) } }
}

/// A day that has no zone.
pub(crate) fn date(day: jiff::civil::Date) -> String {
    day.strftime(DAY).to_string()
}

/// The last day that counts of something that ends at this instant: an end at midnight belongs to the day before.
pub(crate) fn end_day(text: &str, zone: &TimeZone) -> Markup {
    shown(text, zone, DAY, last_moment)
}

/// The same as days from now, where there is little room; the day is in what shows on hover.
pub(crate) fn ends(utc: &str, zone: &TimeZone, now: claviger_domain::Timestamp) -> Markup {
    let today = Timestamp::from_microsecond(now.as_micros()).map(|now| now.to_zoned(zone.clone()).date());
    let (Ok(end), Ok(today)) = (utc.parse::<Timestamp>(), today) else { return html! { (utc) } };
    let last = last_moment(end).to_zoned(zone.clone()).date();
    let days = (last - today).get_days();
    html! { time datetime=(utc) title={ (date(last)) " · " (utc) } { (claviger_texts::console::keys::term::in_days(days)) } }
}

fn last_moment(end: Timestamp) -> Timestamp {
    end.checked_sub(jiff::Span::new().nanoseconds(1)).unwrap_or(end)
}

/// The same as a field of a form takes it: `2027-01-31`.
pub(crate) fn end_day_value(text: &str, zone: &TimeZone) -> String {
    text.parse::<Timestamp>()
        .map_or_else(|_| text.to_owned(), |at| last_moment(at).to_zoned(zone.clone()).date().to_string())
}

/// The day of an instant as a field of a form takes it.
pub(crate) fn day_value(text: &str, zone: &TimeZone) -> String {
    text.parse::<Timestamp>().map_or_else(|_| text.to_owned(), |at| at.to_zoned(zone.clone()).date().to_string())
}

/// The day of an instant, where there is little room; the minute is in what shows on hover.
pub(crate) fn day(text: &str, zone: &TimeZone) -> Markup {
    shown(text, zone, DAY, |at| at)
}

fn shown(utc: &str, zone: &TimeZone, format: &str, moment: fn(Timestamp) -> Timestamp) -> Markup {
    let Ok(at) = utc.parse::<Timestamp>() else { return html! { (utc) } };
    let text = moment(at).to_zoned(zone.clone()).strftime(format).to_string();
    html! { time datetime=(utc) title=(utc) { (text) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_among_other_words_are_read_in_the_viewer_s_zone() {
        let zone = TimeZone::get("Europe/Warsaw").expect("a zone");
        let shown = within("expires 2026-07-01T22:30:00Z, idle <never>", &zone).into_string();
        assert!(shown.contains(">2 Jul 2026, 00:30:00 CEST<") && shown.starts_with("expires <time"), "{shown}");
        assert!(shown.ends_with("</time>, idle &lt;never&gt;"), "{shown}");
    }

    #[test]
    fn instants_are_read_in_the_viewer_s_zone_and_an_end_at_midnight_is_the_day_before() {
        let zone = TimeZone::get("Europe/Warsaw").expect("a zone");
        let shown = instant("2026-07-01T22:30:00Z", &zone).into_string();
        assert!(shown.contains(">2 Jul 2026, 00:30<") && shown.contains("title=\"2026-07-01T22:30:00Z\""), "{shown}");
        assert!(end_day("2026-06-30T22:00:00Z", &zone).into_string().contains(">30 Jun 2026<"));
        assert_eq!(end_day_value("2026-06-30T22:00:00Z", &zone), "2026-06-30");
        let ends = |now: &str| ends("2026-06-30T22:00:00Z", &zone, now.parse().expect("an instant")).into_string();
        assert!(ends("2026-06-18T12:00:00Z").contains("title=\"30 Jun 2026 · 2026-06-30T22:00:00Z\">in 12 days<"));
        assert!(
            ends("2026-06-30T21:59:59Z").contains(">today<") && ends("2026-06-30T22:00:00Z").contains(">yesterday<")
        );
        assert_eq!(instant("<odd>", &zone).into_string(), "&lt;odd&gt;");
    }
}
