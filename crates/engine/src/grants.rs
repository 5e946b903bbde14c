//! Patterns over operation names, made for asking; they cover operations that are added later.

use claviger_domain::ApiId;
use claviger_domain::api_set::ApiPattern;
use claviger_domain::operation::{OperationPattern, Version, VersionSet, Versions};

use crate::held_api::HeldApi;

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
    /// What few have.
    special: Option<Box<Special>>,
}

/// Patterns that not simply give an operation in all versions. There are at most
/// [`claviger_domain::api_set::SPECIAL_PATTERNS_MAX`], so they are gone through one by one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Special {
    /// They give one version.
    given: Box<[OperationPattern]>,
    /// They take away.
    taken: Box<[OperationPattern]>,
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
        let (mut names, mut beginnings) = (Vec::<Box<str>>::new(), Vec::<Box<str>>::new());
        let (mut given, mut taken) = (Vec::new(), Vec::new());
        for pattern in patterns {
            match (pattern.is_exception(), pattern.version(), pattern.is_prefix()) {
                (true, ..) => taken.push(pattern.clone()),
                (false, Some(_), _) => given.push(pattern.clone()),
                (false, None, true) => beginnings.push(pattern.text().into()),
                (false, None, false) => names.push(pattern.text().into()),
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
        let is_special = !given.is_empty() || !taken.is_empty();
        let special = is_special.then(|| Box::new(Special { given: given.into(), taken: taken.into() }));
        Self { names: names.into(), prefixes: prefixes.into(), special }
    }

    /// Whether it has patterns with versions or exceptions.
    pub(crate) fn is_special(&self) -> bool {
        self.special.is_some()
    }

    /// Whether anything is taken away.
    pub(crate) fn has_exceptions(&self) -> bool {
        self.special.as_ref().is_some_and(|special| !special.taken.is_empty())
    }

    /// The versions in which an operation is given and not taken away again; `versions` are its API's, `listed` those
    /// that have the operation.
    pub(crate) fn gives(&self, name: &str, versions: &Versions, listed: VersionSet) -> VersionSet {
        let given = if self.covers(name) { VersionSet::ALL } else { VersionSet::EMPTY };
        let Some(special) = &self.special else { return given };
        let ones = special.given.iter().filter(|pattern| pattern.names(name)).filter_map(OperationPattern::version);
        let ones = ones.filter_map(|version| versions.named(version)).map(Version::only);
        ones.fold(given, VersionSet::union).without(self.takes(name, versions, listed))
    }

    /// The versions in which an operation is taken away.
    ///
    /// Without a version in its path a request may mean any, so an exception for one holds there too. One for a version that
    /// the API does not list (any more) holds for all that it does not list.
    pub(crate) fn takes(&self, name: &str, versions: &Versions, listed: VersionSet) -> VersionSet {
        let Some(special) = &self.special else { return VersionSet::EMPTY };
        let taken = special.taken.iter().filter(|pattern| pattern.names(name));
        let each = taken.map(|pattern| match pattern.version().map(|version| versions.named(version)) {
            None => VersionSet::ALL,
            Some(None) => Version::OTHER.only().union(Version::NONE.only()),
            Some(Some(version)) if listed.has(version) => version.only().union(Version::NONE.only()),
            Some(Some(_)) => VersionSet::EMPTY,
        });
        each.fold(VersionSet::EMPTY, VersionSet::union)
    }

    /// Whether it gives anything of the API.
    pub(crate) fn gives_any(&self, api: &HeldApi) -> bool {
        if self.special.is_none() {
            return self.covers_any(|at| api.sorted_name(at), api.operation_count());
        }
        (0..api.operation_count() as u32).any(|index| {
            let listed = api.versions_of(index);
            !self.gives(api.name(index), api.versions(), listed).intersection(listed).is_empty()
        })
    }

    /// Whether an operation of this name is given in all versions; what is taken away is not looked at.
    pub(crate) fn covers(&self, name: &str) -> bool {
        if self.names.binary_search_by(|known| (**known).cmp(name)).is_ok() {
            return true;
        }
        let after = self.prefixes.partition_point(|prefix| &**prefix <= name);
        after.checked_sub(1).is_some_and(|at| name.starts_with(&*self.prefixes[at]))
    }

    /// Whether any of `sorted` names is covered.
    fn covers_any<'n>(&self, sorted: impl Fn(usize) -> Option<&'n str>, count: usize) -> bool {
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
    fn versions_are_given_and_taken_one_by_one() {
        let versions = Versions::new(Some(&"v#".parse().expect("a pattern")), &["v1", "v2", "v3"]);
        let version = |name: &str| versions.named(name).expect("listed");
        let given = |patterns: &[&str], version: Version| {
            let patterns: Vec<OperationPattern> =
                patterns.iter().map(|text| text.parse().expect("a pattern")).collect();
            NamePatterns::new(patterns.iter()).gives("event/create", &versions, VersionSet::ALL).has(version)
        };
        for (patterns, none, v1, v3, other) in [
            (&["event/create"][..], true, true, true, true),
            (&["event/create@v3"], false, false, true, false),
            (&["event/*@V03"], false, false, true, false),
            (&["event/create@none"], true, false, false, false),
            (&["event/create@v7"], false, false, false, false),
            (&["event/*", "!event/create@v3"], false, true, false, true),
            (&["!event/*@v3", "event/create"], false, true, false, true),
            (&["event/*", "!event/create"], false, false, false, false),
            (&["event/*", "!event/delete"], true, true, true, true),
            (&["event/create@v3", "event/create@v1", "!event/create@v1"], false, false, true, false),
            // Since v7 is not listed, `/v7/…` is one of those that are not.
            (&["event/*", "!event/create@v7"], false, true, true, false),
        ] {
            let found = [Version::NONE, version("v1"), version("v3"), Version::OTHER].map(|it| given(patterns, it));
            assert_eq!(found, [none, v1, v3, other], "{patterns:?}");
        }
        let patterns = ["event/*".parse().expect("a pattern"), "!*@v3".parse().expect("a pattern")];
        let only_plain = Version::NONE.only();
        let held = NamePatterns::new(patterns.iter()).gives("event/status", &versions, only_plain);
        assert!(held.has(Version::NONE), "an exception for v3 says nothing of what is not in v3");
    }

    #[test]
    fn patterns_of_one_api_say_nothing_of_another() {
        let pattern = ApiPattern { api: ApiId::from_raw(1), pattern: "*".parse().expect("a pattern") };
        let grants = Grants::new(&[pattern]);
        assert!(grants.of_api(ApiId::from_raw(1)).is_some_and(|patterns| patterns.covers("anything")));
        assert!(grants.of_api(ApiId::from_raw(2)).is_none());
    }
}
