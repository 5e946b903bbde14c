//! Medians, spreads and ratios as a table.

use std::fmt::Write as _;

use crate::load::Run;

/// All runs of one workload.
pub struct Series {
    /// Name in the table.
    pub name: &'static str,
    /// One for each round.
    pub runs: Vec<Run>,
    /// The ratio to the peer that the budget asks for.
    pub budget: Option<f64>,
}

/// The middle value; the upper one of two.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A Markdown table; the first series is the peer, ratios are taken round by round.
pub fn table(series: &[Series]) -> String {
    let mut text = String::from(
        "| server, one core | requests/s (median) | min – max | ÷ nginx | budget | p50 / p99 µs |\n|---|---|---|---|---|---|\n",
    );
    for one in series {
        let rates = || one.runs.iter().map(|run| run.rate);
        let ratio = median(one.runs.iter().zip(&series[0].runs).map(|(run, peer)| run.rate / peer.rate));
        let budget = one.budget.map_or("–".to_owned(), |budget| {
            format!("≥ {budget:.2} {}", if ratio >= budget { "met" } else { "MISSED" })
        });
        let _ = writeln!(
            text,
            "| {} | {:.0} | {:.0} – {:.0} | {ratio:.2} | {budget} | {:.0} / {:.0} |",
            one.name,
            median(rates()),
            rates().fold(f64::INFINITY, f64::min),
            rates().fold(0.0, f64::max),
            median(one.runs.iter().map(|run| run.p50_micros as f64)),
            median(one.runs.iter().map(|run| run.p99_micros as f64)),
        );
    }
    text
}
