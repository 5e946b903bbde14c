//! Whatever operation an upstream could take a target for is one that the router demands, or the target is refused.

use std::sync::LazyLock;

use claviger_domain::operation::{BasePath, Matches, Method, Operation, Remainder, Router};
use claviger_domain::path::RequestPath;

use crate::upstreams::{COMPARISONS, Comparison, Reading, readings};

/// Method, template, parameters of several segments. Literals beside parameters, at the end and in the middle; texts
/// inside a segment; letters that fold.
const OPERATIONS: &[(&str, &str, &[&str])] = &[
    ("GET", "/", &[]),
    ("GET", "/gists/starred", &[]),
    ("GET", "/gists/{id}", &[]),
    ("DELETE", "/gists/{id}", &[]),
    ("GET", "/r/{owner}/{repo}", &[]),
    ("DELETE", "/r/{owner}/{repo}", &[]),
    ("GET", "/r/{owner}/{repo}/compare/{base}...{head}", &["base", "head"]),
    ("GET", "/r/{owner}/{repo}/contents/{path}", &["path"]),
    ("GET", "/r/{owner}/{repo}/contents/{path}/raw", &["path"]),
    ("GET", "/r/{owner}/{repo}/issues", &[]),
    ("POST", "/r/{owner}/{repo}/issues", &[]),
    ("GET", "/r/{owner}/{repo}/issues/comments", &[]),
    ("GET", "/r/{owner}/{repo}/issues/{n}", &[]),
    ("GET", "/a/{x}", &[]),
    ("GET", "/{y}/b", &[]),
    ("GET", "/f/{name}.json", &[]),
    ("GET", "/f/{name}", &[]),
    ("POST", "/j/{name}:cancel", &[]),
    ("POST", "/j/{name}", &[]),
    ("GET", "/w/{rest}", &["rest"]),
    ("GET", "/w/{one}", &[]),
    ("GET", "/Straße", &[]),
    ("GET", "/s/É", &[]),
    ("GET", "/s/{x}", &[]),
];

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "DELETE", "PUT", "get"];
const BASES: [&str; 3] = ["/", "/api/v3", "/a"];

/// What hostile and honest paths are made of; an input may name these by number in place of spelling them.
const PIECES: &[&str] = &[
    "/",
    "/",
    "/",
    "gists",
    "starred",
    "r",
    "o",
    "issues",
    "comments",
    "contents",
    "compare",
    "raw",
    "a",
    "b",
    "f",
    "j",
    "w",
    "s",
    "api",
    "v3",
    "x.json",
    "...",
    ".json",
    ":cancel",
    "%3Acancel",
    "%2F",
    "%2f",
    "%5C",
    "\\",
    "%2e",
    "%2E%2e",
    ".",
    "..",
    "%252e",
    "%252F",
    ";",
    "%3B",
    "%00",
    "%20",
    "%3F",
    "%23",
    "?",
    "#",
    "%",
    "%25",
    "2e",
    "STARRED",
    "%73tarred",
    "stɑrred",
    "ſtarred",
    "%C5%BFtarred",
    "%C3%89",
    "%C3%A9",
    "E%CC%81",
    "Stra%C3%9Fe",
    "STRASSE",
    "%EF%BC%8F",
    "%EF%BC%8E",
    "%E2%80%8B",
    "%C0%AE",
    "%u002e",
    "%c4%b1",
    "_method=DELETE",
    "+",
    "~",
    "1",
    "//",
    "/./",
    "/../",
];

struct Api {
    base: &'static str,
    base_path: BasePath,
    router: Router,
}

static APIS: LazyLock<Vec<Api>> = LazyLock::new(|| {
    let operation = |(method, template, multi_segment): &(&str, &str, &[&str])| Operation {
        name: format!("{method} {template}").into(),
        method: (*method).into(),
        template: (*template).into(),
        multi_segment: multi_segment.iter().map(|name| (*name).into()).collect(),
        summary: "".into(),
        tags: Vec::new(),
        versions: Vec::new(),
    };
    let operations: Vec<Operation> = OPERATIONS.iter().map(operation).collect();
    let api = |base: &'static str| Api {
        base,
        base_path: BasePath::parse(base).expect("a base path"),
        router: Router::build(&operations).expect("a router"),
    };
    BASES.into_iter().map(api).collect()
});

/// The first byte chooses method and base path, and whether the rest is text or numbers of pieces.
pub fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    let method = METHODS[usize::from(choice & 0x0f) % METHODS.len()];
    let api = &APIS[usize::from(choice >> 4 & 0x07) % BASES.len()];
    let target = if choice & 0x80 == 0 {
        let Ok(text) = std::str::from_utf8(rest) else { return };
        text.to_owned()
    } else {
        let piece = |byte: &u8| PIECES[usize::from(*byte) % PIECES.len()];
        format!("/{}", rest.iter().map(piece).collect::<String>())
    };
    // Longer ones make the oracle slow and show nothing that shorter ones do not.
    if target.len() <= 300 {
        judge(api, method, &target);
    } else {
        let _ = RequestPath::parse(&target);
    }
}

fn judge(api: &Api, method: &str, target: &str) {
    let Ok(path) = RequestPath::parse(target) else { return };
    let demanded: Option<Vec<u32>> = match api.base_path.strip(&path) {
        None => None,
        Some(remainder) => demands(&api.router, method, &remainder),
    };
    let within = api.base_path.strip(&path).is_some();
    for reading in readings(target) {
        for comparison in COMPARISONS {
            let Some(below) = strip_base(api.base, &reading, comparison) else { continue };
            for lax in [false, true] {
                let meant = dispatched(method, &below, comparison, lax);
                if !within {
                    // Without a pin such a path goes to another API; with it nothing passes.
                    assert!(meant.is_empty(), "{target:?} is under {:?} for {reading:?}", api.base);
                    continue;
                }
                let Some(demanded) = &demanded else { return };
                let missing: Vec<_> = meant.iter().filter(|index| !demanded.contains(index)).collect();
                assert!(
                    missing.is_empty(),
                    "{method} {target:?} under {:?}: demanded {demanded:?}, but {comparison:?} (lax: {lax}) takes \
                     {reading:?} for {missing:?}",
                    api.base
                );
            }
        }
    }
}

/// The operations that a key must hold; `None` if every key is refused.
fn demands(router: &Router, method: &str, remainder: &Remainder<'_>) -> Option<Vec<u32>> {
    match router.matches(Method::parse(method).expect("a method"), remainder) {
        Matches::Operations(indices) => Some(indices.as_slice().to_vec()),
        Matches::OtherMethod | Matches::Unlisted => Some(Vec::new()),
        Matches::Refused(_) => None,
    }
}

fn strip_base(base: &str, reading: &Reading, comparison: Comparison) -> Option<Reading> {
    let base: Vec<&str> = base.split('/').filter(|segment| !segment.is_empty()).collect();
    let under = reading.segments.len() >= base.len()
        && base.iter().zip(&reading.segments).all(|(base, segment)| comparison.form(base) == comparison.form(segment));
    let segments = reading.segments.get(base.len()..)?.to_vec();
    under.then_some(Reading { segments, trailing_slash: reading.trailing_slash })
}

/// What stands at one place of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind<'t> {
    Literal(&'t str),
    Mixed(&'t str),
    Parameter,
    Several,
}

/// The operations among which an upstream could choose: all that match, without those that another beats at every place
/// where they differ.
fn dispatched(method: &str, path: &Reading, comparison: Comparison, lax: bool) -> Vec<u32> {
    if path.trailing_slash && !lax {
        return Vec::new();
    }
    let fits_method = |listed: &str| listed == method || method == "HEAD" && listed == "GET";
    let matching: Vec<(u32, Vec<Kind<'_>>)> = OPERATIONS
        .iter()
        .zip(0..)
        .filter(|((listed, ..), _)| fits_method(listed))
        .map(|((_, template, several), index)| (index, kinds(template, several)))
        .filter(|(_, kinds)| fits(kinds, &path.segments, comparison))
        .collect();
    let beaten = |kinds: &[Kind<'_>]| matching.iter().any(|(_, other)| may_beat(other, kinds));
    matching.iter().filter(|(_, kinds)| !beaten(kinds)).map(|(index, _)| *index).collect()
}

fn kinds<'t>(template: &'t str, several: &[&str]) -> Vec<Kind<'t>> {
    let kind = |segment: &'t str| {
        let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).filter(|name| !name.contains('{'));
        match name {
            Some(name) if several.contains(&name) => Kind::Several,
            Some(_) => Kind::Parameter,
            None if segment.contains('{') => Kind::Mixed(segment),
            None => Kind::Literal(segment),
        }
    };
    template.split('/').skip(1).filter(|segment| !segment.is_empty()).map(kind).collect()
}

fn fits(kinds: &[Kind<'_>], segments: &[String], comparison: Comparison) -> bool {
    let Some((kind, rest)) = kinds.split_first() else { return segments.is_empty() };
    let Some((segment, tail)) = segments.split_first() else { return false };
    match kind {
        Kind::Literal(text) => {
            // An upstream that compares undecoded paths has its routes encoded.
            let same = [(*text).to_owned(), encoded(text)]
                .iter()
                .any(|text| comparison.form(text) == comparison.form(segment));
            same && fits(rest, tail, comparison)
        }
        Kind::Parameter => !segment.is_empty() && fits(rest, tail, comparison),
        Kind::Mixed(template) if template.contains("...") => (1..=segments.len()).any(|count| {
            mixed(template, &segments[..count].join("/"), comparison) && fits(rest, &segments[count..], comparison)
        }),
        Kind::Mixed(template) => mixed(template, segment, comparison) && fits(rest, tail, comparison),
        Kind::Several => {
            !segment.is_empty() && (1..=segments.len()).any(|count| fits(rest, &segments[count..], comparison))
        }
    }
}

/// With what is not ASCII as normal escapes.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// The only mixed templates here are `{a}text{b}` and `{a}text`.
fn mixed(template: &str, segment: &str, comparison: Comparison) -> bool {
    let text = template.split(['{', '}']).filter(|part| !part.is_empty()).nth(1).expect("a text behind a parameter");
    let (segment, text) = (comparison.form(segment), comparison.form(text));
    if template.ends_with('}') {
        segment.match_indices(text.as_str()).any(|(at, _)| at > 0 && at + text.len() < segment.len())
    } else {
        segment.len() > text.len() && segment.ends_with(&text)
    }
}

/// Whether some upstream could surely prefer `a`: with as many places, at least as telling everywhere and more so
/// somewhere; where one has several segments in one place, anywhere more telling is enough.
fn may_beat(a: &[Kind<'_>], b: &[Kind<'_>]) -> bool {
    let rank = |kind: &Kind<'_>| match kind {
        Kind::Literal(_) => 3,
        Kind::Mixed(_) => 2,
        Kind::Parameter => 1,
        Kind::Several => 0,
    };
    if a.len() != b.len() {
        let telling = |kinds: &[Kind<'_>]| kinds.iter().map(rank).sum::<i32>();
        return telling(a) > telling(b);
    }
    let pairs = || a.iter().zip(b);
    // A parameter of one segment is not surely preferred to one of several.
    pairs().all(|(a, b)| rank(a) >= rank(b)) && pairs().any(|(a, b)| rank(a) > rank(b) && rank(a) > 1)
}
