//! Patterns over operation names, made for asking; they cover operations that are added later.

use claviger_domain::ApiId;
use claviger_domain::api_set::ApiPattern;
use claviger_domain::operation::OperationPattern;

/// Patterns by API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Grants {
    /// Ascending by API.
    apis: Box<[(ApiId, NamePatterns)]>,
}

/// Patterns over the operation names of one API. A question is two binary searches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct NamePatterns {
    /// Whole names, ascending.
    names: Box<[Box<str>]>,
    /// Beginnings of names, ascending, none the beginning of another: so the greatest one that is not greater than a
    /// name is the only one that can begin it.
    prefixes: Box<[Box<str>]>,
}

// === impl Grants ===

impl Grants {
    /// Made of patterns in any order.
    pub(crate) fn new(patterns: &[ApiPattern]) -> Self {
        let mut apis: Vec<ApiId> = patterns.iter().map(|pattern| pattern.api).collect();
        apis.sort_unstable();
        apis.dedup();
        let of = |api| patterns.iter().filter(move |other| other.api == api).map(|other| &other.pattern);
        Self { apis: apis.into_iter().map(|api| (api, NamePatterns::new(of(api)))).collect() }
    }

    /// The patterns over one API.
    pub(crate) fn of_api(&self, api: ApiId) -> Option<&NamePatterns> {
        let at = self.apis.binary_search_by_key(&api, |(known, _)| *known).ok()?;
        Some(&self.apis[at].1)
    }

    /// The APIs with patterns.
    pub(crate) fn apis(&self) -> impl Iterator<Item = ApiId> + '_ {
        self.apis.iter().map(|(api, _)| *api)
    }
}

// === impl NamePatterns ===

impl NamePatterns {
    fn new<'p>(patterns: impl Iterator<Item = &'p OperationPattern>) -> Self {
        let (mut names, mut beginnings) = (Vec::new(), Vec::<Box<str>>::new());
        for pattern in patterns {
            let text = pattern.to_string();
            match text.strip_suffix('*') {
                Some(beginning) if !pattern.is_name() => beginnings.push(beginning.into()),
                _ => names.push(text.into_boxed_str()),
            }
        }
        names.sort_unstable();
        names.dedup();
        beginnings.sort_unstable();
        let mut prefixes: Vec<Box<str>> = Vec::with_capacity(beginnings.len());
        for beginning in beginnings {
            if prefixes.last().is_none_or(|last| !beginning.starts_with(&**last)) {
                prefixes.push(beginning);
            }
        }
        Self { names: names.into(), prefixes: prefixes.into() }
    }

    /// Whether an operation of this name is covered.
    pub(crate) fn covers(&self, name: &str) -> bool {
        if self.names.binary_search_by(|known| (**known).cmp(name)).is_ok() {
            return true;
        }
        let after = self.prefixes.partition_point(|prefix| &**prefix <= name);
        after.checked_sub(1).is_some_and(|at| name.starts_with(&*self.prefixes[at]))
    }

    /// Whether any of `sorted` names is covered.
    pub(crate) fn covers_any<'n>(&self, sorted: impl Fn(usize) -> Option<&'n str>, count: usize) -> bool {
        let begin_of = |text: &str| partition_point(count, |at| sorted(at).is_some_and(|name| name < text));
        self.names.iter().any(|name| sorted(begin_of(name)) == Some(&**name))
            || self
                .prefixes
                .iter()
                .any(|prefix| sorted(begin_of(prefix)).is_some_and(|name| name.starts_with(&**prefix)))
    }
}

/// The first index of `0..count` for which `is_before` is false.
fn partition_point(count: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        if is_before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn compiled_patterns_cover_what_the_patterns_match(
            patterns in proptest::collection::vec("[ab/]{0,4}[ab*]", 0..8),
            mut names in proptest::collection::vec("[ab/]{1,6}", 1..8),
        ) {
            let api = ApiId::from_raw(7);
            let parsed: Vec<OperationPattern> = patterns.iter().filter_map(|text| text.parse().ok()).collect();
            let list: Vec<_> = parsed.iter().map(|pattern| ApiPattern { api, pattern: pattern.clone() }).collect();
            let grants = Grants::new(&list);
            let empty = NamePatterns::default();
            let compiled = grants.of_api(api).unwrap_or(&empty);
            names.sort_unstable();
            let mut any = false;
            for name in &names {
                let expected = parsed.iter().any(|pattern| pattern.matches(name));
                prop_assert_eq!(compiled.covers(name), expected, "{}", name);
                any |= expected;
            }
            prop_assert_eq!(compiled.covers_any(|at| names.get(at).map(String::as_str), names.len()), any);
        }
    }

    #[test]
    fn patterns_of_one_api_say_nothing_of_another() {
        let pattern = ApiPattern { api: ApiId::from_raw(1), pattern: "*".parse().expect("a pattern") };
        let grants = Grants::new(&[pattern]);
        assert!(grants.of_api(ApiId::from_raw(1)).is_some_and(|patterns| patterns.covers("anything")));
        assert!(grants.of_api(ApiId::from_raw(2)).is_none());
    }
}
