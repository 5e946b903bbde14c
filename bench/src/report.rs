//! Medians, spreads, ratios and budgets as Markdown tables.

use std::fmt::Write as _;

use crate::load::Run;

/// All runs of one workload.
pub struct Series {
    /// Name in the table.
    pub name: String,
    /// One for each round.
    pub runs: Vec<Run>,
    /// What its ratio to the peer should be at least.
    pub budget: Option<f64>,
}

/// A figure with what it should be.
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// The figure.
    pub value: f64,
    /// How it is written, such as `ns`.
    pub unit: &'static str,
    /// Decimals.
    pub decimals: usize,
    /// The most it should be.
    pub budget: Option<f64>,
}

/// The middle value; the upper one of two.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The first series is the peer; ratios are taken round by round.
pub fn ratios(series: &[Series]) -> String {
    let mut text = String::from(
        "| one core | requests/s, median (min – max) | ÷ peer | budget | | p50 / p99 µs | CPU µs a request | generator busy |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for one in series {
        let rates = || one.runs.iter().map(|run| run.rate);
        let ratio = median(one.runs.iter().zip(&series[0].runs).map(|(run, peer)| run.rate / peer.rate));
        let budget =
            one.budget.map_or_else(|| "| ".to_owned(), |least| format!("≥ {least:.2} | {}", word(ratio >= least)));
        let _ = writeln!(
            text,
            "| {} | {:.0} ({:.0} – {:.0}) | {ratio:.2} | {budget} | {:.0} / {:.0} | {:.2} | {:.0} % |",
            one.name,
            median(rates()),
            rates().fold(f64::INFINITY, f64::min),
            rates().fold(0.0, f64::max),
            median(one.runs.iter().map(|run| run.p50_micros as f64)),
            median(one.runs.iter().map(|run| run.p99_micros as f64)),
            median(one.runs.iter().map(|run| run.server_micros)),
            100.0 * median(one.runs.iter().map(|run| run.generator_busy)),
        );
    }
    text
}

/// Single figures.
pub fn figures(figures: &[Figure]) -> String {
    let mut text = String::from("| what | measured | budget | |\n|---|---|---|---|\n");
    for Figure { what, value, unit, decimals, budget } in figures {
        let budget =
            budget.map_or_else(|| "| ".to_owned(), |most| format!("≤ {most} {unit} | {}", word(*value <= most)));
        let _ = writeln!(text, "| {what} | {value:.decimals$} {unit} | {budget} |");
    }
    text
}

fn word(met: bool) -> &'static str {
    if met { "met" } else { "**MISSED**" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(rates: &[f64], budget: Option<f64>) -> Series {
        let run = |&rate| Run {
            rate,
            p50_micros: 1,
            p99_micros: 2,
            generator_busy: 0.5,
            server_micros: 5.0,
            beside_doors: 0.0,
        };
        Series { name: "it".to_owned(), runs: rates.iter().map(run).collect(), budget }
    }

    #[test]
    fn a_ratio_is_the_median_of_the_rounds_ratios() {
        let table = ratios(&[series(&[100.0, 200.0, 50.0], None), series(&[80.0, 100.0, 35.0], Some(0.7))]);
        assert!(table.contains("| 1.00 | |"), "{table}");
        assert!(table.contains("| 80 (35 – 100) | 0.70 | ≥ 0.70 | met |"), "{table}");
        assert!(ratios(&[series(&[10.0], None), series(&[6.9], Some(0.7))]).contains("**MISSED**"));
    }

    #[test]
    fn a_figure_over_its_budget_is_missed() {
        let figure = |value| Figure { what: "it".to_owned(), value, unit: "ns", decimals: 0, budget: Some(800.0) };
        let table = figures(&[figure(800.0), figure(801.0)]);
        assert!(table.contains("| 800 ns | ≤ 800 ns | met |") && table.contains("| 801 ns | ≤ 800 ns | **MISSED** |"));
    }
}
