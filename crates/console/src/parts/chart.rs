//! Requests over time as bars that stand on each other: SVG from here, told apart by colour and by pattern, with a table behind.

use std::fmt::Write as _;

use claviger_texts::console::usage as texts;
use maud::{Markup, html};
use serde::Deserialize;

use super::time;
use crate::viewer::Viewer;

/// The drawing, in its own units.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 180.0;
/// What of a step is its bar.
const BAR: f64 = 0.86;
/// The verdict of what passes.
const VALID: &str = "VALID";
/// Patterns; colours and patterns together tell twenty series apart.
const PATTERNS: usize = 4;
const TONES: usize = 5;

/// Requests over time, as the API tells them.
#[derive(Debug, Deserialize)]
pub(crate) struct Usage {
    by: String,
    step: String,
    from: String,
    to: String,
    total: u64,
    steps: Vec<String>,
    series: Vec<Series>,
}

#[derive(Debug, Deserialize)]
struct Series {
    id: String,
    name: Option<String>,
    total: u64,
    counts: Vec<u64>,
}

// === impl Usage ===

impl Usage {
    /// Whether there is nothing to draw.
    pub(crate) fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// The chart with its legend and its table; `id` is the chart's alone on its page. By verdict, what passed stands below what
    /// was refused.
    pub(crate) fn draw(mut self, viewer: &Viewer, id: &str, title: &str) -> Markup {
        if self.by == "code" {
            self.series.sort_by_key(|series| series.id != VALID);
        }
        let most = self.most();
        let described = texts::described(self.total, &self.from, &self.to, most);
        html! {
            figure .time-series {
                p .hint { (texts::most(most)) }
                svg role="img" aria-labelledby={ (id) "-title " (id) "-about" } viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } {
                    title id={ (id) "-title" } { (title) }
                    desc id={ (id) "-about" } { (described) }
                    (patterns(id, &self.tones()))
                    path .grid d={ "M0 .5H" (WIDTH) "M0 " (HEIGHT / 2.0) "H" (WIDTH) "M0 " (HEIGHT - 0.5) "H" (WIDTH) } {}
                    @for (index, bars) in self.bars(most).iter().enumerate() {
                        path fill={ "url(#" (id) "-" (index) ")" } d=(bars) {}
                    }
                }
                figcaption {
                    div .chart-ends { span { (self.at(viewer, &self.from)) } span { (self.at(viewer, &self.to)) } }
                    ul .legend {
                        @for (index, series) in self.series.iter().enumerate() {
                            li {
                                svg .swatch aria-hidden="true" viewBox="0 0 14 14" { rect width="14" height="14" rx="2" fill={ "url(#" (id) "-" (index) ")" } {} }
                                span { (self.named(series)) } " " span .muted { (series.total) }
                            }
                        }
                    }
                }
            }
            (self.table(viewer, title))
        }
    }

    fn most(&self) -> u64 {
        (0..self.steps.len())
            .map(|step| self.series.iter().filter_map(|it| it.counts.get(step)).sum())
            .max()
            .unwrap_or(0)
    }

    /// The bars of each series: one path each.
    fn bars(&self, most: u64) -> Vec<String> {
        let width = WIDTH / self.steps.len().max(1) as f64;
        let height = |count: u64| HEIGHT * count as f64 / most.max(1) as f64;
        let mut below = vec![0_u64; self.steps.len()];
        let mut drawn = Vec::with_capacity(self.series.len());
        for series in &self.series {
            let mut path = String::new();
            for (step, (count, below)) in
                series.counts.iter().zip(&mut below).enumerate().filter(|(_, (count, _))| **count > 0)
            {
                *below += count;
                let (x, y) = (width * (step as f64 + (1.0 - BAR) / 2.0), HEIGHT - height(*below));
                // Writing to a `String` never fails.
                let _ = write!(path, "M{x:.1} {y:.1}h{:.1}v{:.1}h-{:.1}z", width * BAR, height(*count), width * BAR);
            }
            drawn.push(path);
        }
        drawn
    }

    /// The colour of each series: by verdict what it means.
    fn tones(&self) -> Vec<String> {
        let tone = |(index, series): (usize, &Series)| match series.id.as_str() {
            _ if self.by != "code" => format!("tone-{}", index % TONES),
            VALID => "tone-good".to_owned(),
            "RATE_LIMITED" | "QUOTA_EXCEEDED" => "tone-warn".to_owned(),
            _ => "tone-bad".to_owned(),
        };
        self.series.iter().enumerate().map(tone).collect()
    }

    fn named(&self, series: &Series) -> Markup {
        let name = series.name.as_deref();
        html! {
            @match (self.by.as_str(), name) {
                ("key", _) => a href={ "/keys/" (series.id) } { (name.unwrap_or(&series.id)) },
                ("code", _) => code { (series.id) },
                (_, Some(name)) => (name),
                (_, None) => { (texts::GONE) " " code { (series.id) } },
            }
        }
    }

    /// The beginning of a step: a day as the one that it is in UTC.
    fn at(&self, viewer: &Viewer, at: &str) -> Markup {
        if self.step == "day" {
            return html! { time datetime=(at) { (at.get(..10).unwrap_or(at)) } };
        }
        time::instant(at, &viewer.zone)
    }

    fn table(&self, viewer: &Viewer, title: &str) -> Markup {
        let of = |step: usize| self.series.iter().map(move |it| it.counts.get(step).copied().unwrap_or_default());
        let rows = self.steps.iter().enumerate().filter(|(step, _)| of(*step).any(|count| count > 0));
        html! {
            details .chart-table {
                summary { (texts::TABLE) }
                div .table-container tabindex="0" role="region" aria-label=(title) {
                    table .table {
                        thead { tr { th scope="col" { (texts::STEP) } @for it in &self.series { th .number scope="col" { (it.name.as_deref().unwrap_or(&it.id)) } } } }
                        tbody {
                            @for (step, at) in rows {
                                tr { th scope="row" { (self.at(viewer, at)) } @for count in of(step) { td .number { (count) } } }
                            }
                        }
                    }
                }
                @if self.step == "day" { p .hint { (texts::UTC_HINT) } }
            }
        }
    }
}

/// What the series are filled with: a colour, and lines or dots on it that whoever sees no colours can tell apart.
fn patterns(id: &str, tones: &[String]) -> Markup {
    html! {
        defs {
            @for (index, tone) in tones.iter().enumerate() {
                pattern id={ (id) "-" (index) } width="8" height="8" patternUnits="userSpaceOnUse" {
                    rect class=(tone) width="8" height="8" {}
                    @match index % PATTERNS {
                        1 => path .motif d="M-2 2l4-4M0 8l8-8M6 10l4-4" {},
                        2 => path .motif d="M0 2h8M0 6h8" {},
                        3 => path .motif d="M2 2h2v2h-2zM6 6h2v2h-2z" {},
                        _ => {},
                    }
                }
            }
        }
    }
}
