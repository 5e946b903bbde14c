//! The page in the making: a line of code a figure.

use claviger_domain::histogram::Durations;
use prometheus::TextEncoder;
use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};

/// Labels, each a name and a value.
pub(super) type Labels<'a, const N: usize> = [(&'static str, &'a str); N];

/// Families of figures, in the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct Page {
    families: Vec<MetricFamily>,
}

// === impl Page ===

impl Page {
    /// What only grows; the name ends in `_total`.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.counters(name, help, [([], value)]);
    }

    /// What only grows, in seconds; the name ends in `_seconds_total`.
    pub(super) fn counter_of_seconds(&mut self, name: &str, help: &str, seconds: f64) {
        self.family(name, help, MetricType::COUNTER, vec![counter([], seconds)]);
    }

    /// What only grows, by labels.
    pub(super) fn counters<'a, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        figures: impl IntoIterator<Item = (Labels<'a, N>, u64)>,
    ) {
        let metrics = figures.into_iter().map(|(labels, value)| counter(labels, value as f64));
        self.family(name, help, MetricType::COUNTER, metrics.collect());
    }

    /// What goes up and down.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.gauges(name, help, [([], value)]);
    }

    /// The same by labels.
    pub(super) fn gauges<'a, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        figures: impl IntoIterator<Item = (Labels<'a, N>, f64)>,
    ) {
        let metrics = figures.into_iter().map(|(labels, value)| {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            let mut metric = labelled(labels);
            metric.set_gauge(gauge);
            metric
        });
        self.family(name, help, MetricType::GAUGE, metrics.collect());
    }

    /// How long things took; the name ends in `_seconds`.
    pub(super) fn durations<'a, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        figures: impl IntoIterator<Item = (Labels<'a, N>, Durations)>,
    ) {
        let metrics = figures.into_iter().map(|(labels, durations)| {
            let mut metric = labelled(labels);
            metric.set_histogram(histogram(&durations));
            metric
        });
        self.family(name, help, MetricType::HISTOGRAM, metrics.collect());
    }

    /// The text that scrapers read.
    pub(super) fn into_text(self) -> prometheus::Result<String> {
        TextEncoder::new().encode_to_string(&self.families)
    }

    /// A family in which nothing happened yet is left out.
    fn family(&mut self, name: &str, help: &str, kind: MetricType, metrics: Vec<Metric>) {
        if metrics.is_empty() {
            return;
        }
        let mut family = MetricFamily::default();
        family.set_name(name.to_owned());
        family.set_help(help.to_owned());
        family.set_field_type(kind);
        family.set_metric(metrics);
        self.families.push(family);
    }
}

fn counter<const N: usize>(labels: Labels<'_, N>, value: f64) -> Metric {
    let mut counter = Counter::default();
    counter.set_value(value);
    let mut metric = labelled(labels);
    metric.set_counter(counter);
    metric
}

fn labelled<const N: usize>(labels: Labels<'_, N>) -> Metric {
    let pairs = labels.into_iter().map(|(name, value)| {
        let mut pair = LabelPair::default();
        pair.set_name(name.to_owned());
        pair.set_value(value.to_owned());
        pair
    });
    Metric::from_label(pairs.collect())
}

fn histogram(durations: &Durations) -> Histogram {
    let buckets = durations.cumulative.iter().map(|(bound, count)| {
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(*bound);
        bucket.set_cumulative_count(*count);
        bucket
    });
    let mut histogram = Histogram::default();
    histogram.set_bucket(buckets.collect());
    histogram.set_sample_count(durations.count);
    histogram.set_sample_sum(durations.sum_seconds);
    histogram
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_scrapers_read_them() {
        let mut page = Page::default();
        page.counters("a_total", "A.", [([("door", "nginx"), ("code", "VALID")], 7)]);
        page.gauge("b", "B.", 0.5);
        page.counters("nothing_total", "Nothing happened.", [] as [(Labels<'_, 0>, u64); 0]);
        let durations = Durations { cumulative: vec![(0.001, 1), (0.01, 2)], count: 3, sum_seconds: 0.25 };
        page.durations("c_seconds", "C.", [([("door", "verify")], durations)]);
        let expected = "# HELP a_total A.\n# TYPE a_total counter\na_total{door=\"nginx\",code=\"VALID\"} 7\n\
            # HELP b B.\n# TYPE b gauge\nb 0.5\n# HELP c_seconds C.\n# TYPE c_seconds histogram\n\
            c_seconds_bucket{door=\"verify\",le=\"0.001\"} 1\nc_seconds_bucket{door=\"verify\",le=\"0.01\"} 2\n\
            c_seconds_bucket{door=\"verify\",le=\"+Inf\"} 3\nc_seconds_sum{door=\"verify\"} 0.25\n\
            c_seconds_count{door=\"verify\"} 3\n";
        assert_eq!(page.into_text().expect("a page"), expected);
    }
}
