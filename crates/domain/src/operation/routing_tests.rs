//! The router against tables, and against a slow matcher that knows nothing of tries.

use proptest::prelude::*;

use super::*;
use crate::path::{MAX_SEGMENTS, PathProblem, RequestPath};

fn operation(method: &str, template: &str, multi_segment: &[&str]) -> Operation {
    Operation {
        name: format!("{method} {template}").into(),
        method: method.into(),
        template: template.into(),
        multi_segment: multi_segment.iter().map(|name| (*name).into()).collect(),
        summary: "".into(),
        tags: Vec::new(),
        versions: Vec::new(),
    }
}

/// A router of `GET` templates; parameters named `m…` take several segments.
fn router(templates: &[&str]) -> Router {
    let operations: Vec<_> = templates.iter().map(|template| operation("GET", template, &wide(template))).collect();
    Router::build(&operations).unwrap()
}

fn wide(template: &str) -> Vec<&str> {
    let names = template.split('{').skip(1).filter_map(|tail| tail.split_once('}').map(|(name, _)| name));
    names.filter(|name| name.starts_with('m')).collect()
}

fn ask(router: &Router, method: &str, target: &str) -> Matches {
    let path = RequestPath::parse(target).unwrap();
    router.matches(Method::parse(method).unwrap(), &Remainder::whole(&path))
}

/// The indices that a `GET` must hold; empty where it is unlisted.
fn required(templates: &[&str], target: &str) -> Vec<u32> {
    match ask(&router(templates), "GET", target) {
        Matches::Operations(required) => {
            assert_eq!(required.first(), required.as_slice().first().copied());
            required.as_slice().to_vec()
        }
        Matches::Unlisted => Vec::new(),
        other => panic!("{target}: {other:?}"),
    }
}

#[test]
fn the_template_with_literals_beats_the_one_with_parameters() {
    for (templates, target, expected) in [
        (&["/a/{x}", "/a/b"][..], "/a/b", &[1][..]),
        (&["/a/{x}", "/a/b"], "/a/c", &[0]),
        // Each has a literal where the other has a parameter: both.
        (&["/a/{x}", "/{y}/b"], "/a/b", &[0, 1]),
        (&["/{y}/b", "/a/{x}", "/a/b"], "/a/b", &[2]),
        (&["/a/{x}", "/a/{y}"], "/a/b", &[0, 1]),
        // A template inside a segment stands between literal and parameter.
        (&["/{x}", "/{x}.json", "/a.json"], "/a.json", &[2]),
        (&["/{x}", "/{x}.json", "/a.json"], "/b.json", &[1]),
        (&["/{x}.json", "/a.{y}"], "/a.json", &[0, 1]),
        (&["/{name}", "/{name}:cancel"], "/x:cancel", &[1]),
        (&["/{x}{y}"], "/ab", &[0]),
        (&["/{x}{y}"], "/a", &[]),
        // Several segments.
        (&["/{m}", "/{x}/b"], "/a/b", &[1]),
        (&["/{m}", "/{x}"], "/a", &[0, 1]),
        (&["/{m}/c", "/{x}/{y}"], "/a/c", &[0, 1]),
        (&["/{m}/c", "/{x}/{y}/c"], "/a/b/c", &[0, 1]),
        (&["/r/{m}", "/r/{m}/c"], "/r/a/b/c", &[1]),
        (&["/r/{m}", "/r/{m}/c"], "/r/c", &[0]),
        (&["/{m1}/a/{m2}", "/{x}/a/b"], "/x/a/b", &[0, 1]),
        (&["/{m}...{n}", "/{m}"], "/a/b...c", &[0, 1]),
        (&["/{m}...{n}"], "/a...b/c", &[]),
        (&["/{x}...{m}"], "/a...b/c", &[0]),
        (&["/{x}...{m}"], "/a/b...c", &[]),
        (&["/"], "/", &[0]),
        (&["/a"], "/", &[]),
    ] {
        assert_eq!(required(templates, target), expected, "{templates:?} {target}");
    }
}

#[test]
fn what_matches_only_as_a_variant_neither_beats_nor_is_beaten() {
    for (templates, target, expected) in [
        (&["/a/{x}", "/a/b"][..], "/a/B", &[0, 1][..]),
        (&["/a/{x}", "/a/b"], "/a/b/", &[0, 1]),
        (&["/a/{x}", "/a/b"], "/A/b", &[0, 1]),
        (&["/a/{x}/", "/a/b"], "/a/b", &[0, 1]),
        (&["/a/", "/a"], "/a", &[0, 1]),
        (&["/a/", "/{x}/"], "/a/", &[0]),
        (&["/A", "/a"], "/a", &[0, 1]),
        (&["/é", "/{x}"], "/%C3%89", &[0, 1]),
        (&["/%C3%A9"], "/%c3%a9", &[0]),
        (&["/{x}.json", "/{x}"], "/a.JSON", &[0, 1]),
        // An upstream that compares paths before it decodes them takes these for the parameter.
        (&["/a/{x}", "/a/b"], "/a/%62", &[0, 1]),
        (&["/a/{x}", "/a/~"], "/a/%7E", &[0, 1]),
        (&["/{x}:go", "/{x}"], "/a%3Ago", &[0, 1]),
        (&["/{x}:go", "/{x}"], "/%61%2Cb:go", &[0]),
        (&["/{m}...{n}", "/{m}"], "/a/b%2E..c", &[0, 1]),
        (&["/{m}...{n}/z", "/{m}/z"], "/a/%62...c/z", &[0, 1]),
        (&["/é", "/{x}"], "/%c3%a9", &[0, 1]),
        // What one upstream drops, another takes for the parameter.
        (&["/f/{x}.json", "/f/{y}"], "/f/%E2%80%8B.JSON", &[0, 1]),
        (&["/{x}b{y}", "/{z}"], "/XB.", &[0, 1]),
        // Here nobody could have written it otherwise.
        (&["/é", "/{x}"], "/%C3%A9", &[0]),
    ] {
        assert_eq!(required(templates, target), expected, "{templates:?} {target}");
    }
}

#[test]
fn an_encoded_slash_is_judged_by_both_readings() {
    let templates = ["/b/{m}", "/b/{x}/protection", "/c/{x}"];
    assert_eq!(required(&templates, "/b/a%2Fx"), [0]);
    assert_eq!(required(&templates, "/b/a%2Fprotection"), [0, 1]);
    assert_eq!(required(&templates, "/b/a%2FPROTECTION"), [0, 1]);
    // An upstream that splits first takes it for one segment.
    assert_eq!(required(&["/w/{m}", "/w/{x}"], "/w/a%2Fb"), [0, 1]);
    assert_eq!(required(&["/w/{m}", "/w/{x}.json", "/w/{x}.xml"], "/w/a%2Fb.json"), [0, 1]);
    assert_eq!(required(&["/{m}", "/{x}/{y}/c", "/{x}/{y}"], "/a%2Fb/c"), [0, 1, 2]);
    for target in ["/c/a%2Fb", "/c%2Fa", "/x%2Fy"] {
        assert_eq!(ask(&router(&templates), "GET", target), Matches::Refused(Refusal::EncodedSlash), "{target}");
    }
}

#[test]
fn head_counts_as_get_and_other_methods_are_told_apart() {
    let operations = [
        operation("HEAD", "/a", &[]),
        operation("GET", "/a", &[]),
        operation("HEAD", "/b", &[]),
        operation("PUT", "/a", &[]),
    ];
    let router = Router::build(&operations).unwrap();
    let indices = |method, target| match ask(&router, method, target) {
        Matches::Operations(required) => required.as_slice().to_vec(),
        Matches::OtherMethod => vec![99],
        _ => Vec::new(),
    };
    assert_eq!(indices("GET", "/a"), [1]);
    assert_eq!(indices("HEAD", "/a"), [1]);
    assert_eq!(indices("HEAD", "/b"), [2]);
    assert_eq!(indices("GET", "/b"), [99]);
    assert_eq!(indices("put", "/a"), [99]);
    assert_eq!(indices("PUT", "/A/"), [3]);
    assert_eq!(indices("GET", "/c"), Vec::<u32>::new());
}

#[test]
fn a_listed_head_stands_beside_every_get_but_its_own() {
    let operations =
        [operation("GET", "/a/{x}", &[]), operation("HEAD", "/a/b", &[]), operation("HEAD", "/{y}/c", &[])];
    let router = Router::build(&operations).unwrap();
    for (method, target, expected) in
        [("HEAD", "/a/b", &[0, 1][..]), ("HEAD", "/a/c", &[0, 2]), ("HEAD", "/a/d", &[0]), ("GET", "/a/b", &[0])]
    {
        let Matches::Operations(required) = ask(&router, method, target) else { panic!("{method} {target}") };
        assert_eq!(required.as_slice(), expected, "{method} {target}");
    }
}

#[test]
fn a_base_path_is_found_in_every_variant() {
    let strip = |base: &str, target: &str| {
        let path = RequestPath::parse(target).unwrap();
        let base = BasePath::parse(base).unwrap();
        base.strip(&path).map(|remainder| (remainder.kind(), remainder.torn))
    };
    assert_eq!(strip("/", "/a"), Some((MatchKind::Exact, false)));
    assert_eq!(strip("/api/v3", "/api/v3/x"), Some((MatchKind::Exact, false)));
    assert_eq!(strip("/api/v3/", "/api/v3"), Some((MatchKind::Exact, false)));
    assert_eq!(strip("/api/v3", "/%61pi/v3/"), Some((MatchKind::Folded, false)));
    assert_eq!(strip("/api/v3", "/API/V3/x"), Some((MatchKind::Folded, false)));
    assert_eq!(strip("/api/v3", "/api%2Fv3/x"), Some((MatchKind::Folded, true)));
    assert_eq!(strip("/api/v3", "/api/v3%2Fx"), Some((MatchKind::Folded, true)));
    assert_eq!(strip("/api/v3", "/api/v3x"), None);
    assert_eq!(strip("/api/v3", "/api"), None);
    assert_eq!(strip("/api/v3", "/x/api/v3"), None);
    assert_eq!(BasePath::parse("/{x}"), Err(BasePathProblem::Parameter));
    assert_eq!(BasePath::parse("api"), Err(BasePathProblem::Template(TemplateProblem::NoLeadingSlash)));
    assert_eq!(BasePath::parse("/api/v3/").unwrap().to_string(), "/api/v3");
    assert_eq!(BasePath::parse("/").unwrap().to_string(), "/");
    assert_eq!((BasePath::parse("/").unwrap().depth(), BasePath::parse("/a/b").unwrap().depth()), (0, 2));
}

#[test]
fn under_a_variant_of_the_base_path_no_operation_matches_exactly() {
    let router = self::router(&["/a/{x}", "/a/b"]);
    let base = BasePath::parse("/api").unwrap();
    for (target, expected) in [("/api/a/b", &[1][..]), ("/Api/a/b", &[0, 1]), ("/api/a/B", &[0, 1])] {
        let path = RequestPath::parse(target).unwrap();
        let remainder = base.strip(&path).unwrap();
        let Matches::Operations(required) = router.matches(Method::parse("GET").unwrap(), &remainder) else {
            panic!("{target}");
        };
        assert_eq!(required.as_slice(), expected, "{target}");
    }
    // What stands behind a torn base path would match `/{x}`, but nobody knows where it begins.
    let any = self::router(&["/{x}"]);
    let path = RequestPath::parse("/api%2Fa/b").unwrap();
    let torn = base.strip(&path).unwrap();
    assert_eq!(any.matches(Method::parse("GET").unwrap(), &torn), Matches::Refused(Refusal::EncodedSlash));
}

#[test]
fn a_hostile_template_is_an_error() {
    use TemplateProblem as T;
    let deep = "/a".repeat(MAX_SEGMENTS + 1);
    let long = format!("/{}", "a".repeat(MAX_TEMPLATE_BYTES));
    let busy = format!("/{}", "{x}".repeat(MAX_SEGMENT_PARTS + 1));
    for (template, problem) in [
        ("", T::NoLeadingSlash),
        ("a", T::NoLeadingSlash),
        ("{x}", T::NoLeadingSlash),
        (&*long, T::TooLong),
        (&*deep, T::TooManySegments),
        (&*busy, T::TooManyParts),
        ("/{x", T::UnpairedBraces("{x".into())),
        ("/x}", T::UnpairedBraces("x}".into())),
        ("/{a{b}}", T::UnpairedBraces("{a{b}}".into())),
        ("/{a/b}", T::UnpairedBraces("{a".into())),
        ("/{}", T::UnnamedParameter),
        ("/a%2Fb", T::EncodedSlash),
        ("//", T::Unreachable(PathProblem::EmptySegment)),
        ("/a//b", T::Unreachable(PathProblem::EmptySegment)),
        ("/../a", T::Unreachable(PathProblem::DotSegment)),
        ("/a?b=c", T::Unreachable(PathProblem::EncodedDelimiter)),
        ("/#a", T::Unreachable(PathProblem::EncodedDelimiter)),
        ("/a;b", T::Unreachable(PathProblem::Semicolon)),
        ("/{x};b", T::Unreachable(PathProblem::Semicolon)),
        ("/a%", T::Unreachable(PathProblem::BrokenEscape)),
        ("/a\0", T::Unreachable(PathProblem::ControlCharacter)),
    ] {
        assert_eq!(Template::parse::<&str>(template, &[]), Err(problem), "{template:?}");
    }
    assert_eq!(Template::parse("/{x}", &["y"]), Err(T::UnknownParameter("y".into())));
}

#[test]
fn a_document_without_bounds_is_refused_and_never_hangs() {
    let method = operation("GE T", "/", &[]);
    assert_eq!(Router::build(&[method]).err(), Some(RouterProblem::Method { operation: 0 }));
    let wrong = [operation("GET", "/", &[]), operation("GET", "x", &[])];
    let problem = TemplateProblem::NoLeadingSlash;
    assert_eq!(Router::build(&wrong).err(), Some(RouterProblem::Template { operation: 1, problem }));
    let too_many = vec![operation("GET", "/", &[]); MAX_OPERATIONS + 1];
    assert_eq!(Router::build(&too_many).err(), Some(RouterProblem::TooManyOperations));
    // The same template over and over: more matches than a key could be asked for.
    let same = Router::build(&too_many[..MAX_OPERATIONS]).unwrap();
    assert_eq!(ask(&same, "GET", "/"), Matches::Refused(Refusal::TooManyMatches));
    assert_eq!(ask(&same, "PUT", "/"), Matches::Refused(Refusal::TooManySteps));
    // Many parameters of several segments: exponentially many ways to place them.
    let wide = ["/{m1}/{m2}/{m3}/{m4}/{m5}"; 4].concat();
    let wide = format!("{wide}/end");
    let router = router(&[&wide]);
    assert_eq!(ask(&router, "GET", &"/a".repeat(MAX_SEGMENTS)), Matches::Refused(Refusal::TooManySteps));
    // Templates inside a segment.
    let texts = "{x}a".repeat(8);
    let inside = Router::build(&[operation("GET", &format!("/{texts}b"), &[])]).unwrap();
    assert_eq!(ask(&inside, "GET", &format!("/{}", "a".repeat(4000))), Matches::Refused(Refusal::TooManySteps));
}

// === The slow matcher ===

/// What a template has for one segment of a path.
#[derive(Debug, Clone, PartialEq)]
enum Means {
    Literal,
    Mixed(String),
    WideMixed(String),
    One,
    Several,
}

/// Every way in which a template's segments can take the path's.
fn placements(template: &[&str], path: &[String], same: &dyn Fn(&str, &str) -> bool) -> Vec<Vec<Means>> {
    let Some((first, rest)) = template.split_first() else {
        return if path.is_empty() { vec![Vec::new()] } else { Vec::new() };
    };
    let mut ways = Vec::new();
    for taken in 1..=path.len() {
        let text = path[..taken].join("/");
        let Some(means) = takes(first, &text, taken, same) else { continue };
        for way in placements(rest, &path[taken..], same) {
            ways.push(std::iter::repeat_n(means.clone(), taken).chain(way).collect());
        }
    }
    ways
}

fn takes(pattern: &str, text: &str, taken: usize, same: &dyn Fn(&str, &str) -> bool) -> Option<Means> {
    let is_parameter = pattern.starts_with('{') && pattern.find('}') == Some(pattern.len() - 1);
    let is_wide = pattern.contains("{m");
    if !is_wide && (taken > 1 || text.contains('/')) || is_wide && text.contains(TORN) {
        return None;
    }
    match (pattern.contains('{'), is_parameter) {
        (false, _) => same(pattern, text).then_some(Means::Literal),
        (true, true) => Some(if is_wide { Means::Several } else { Means::One }),
        (true, false) => glob(pattern, text, same).then(|| {
            let shape = pattern.replace(|c: char| c.is_ascii_digit(), "");
            if is_wide { Means::WideMixed(shape) } else { Means::Mixed(shape) }
        }),
    }
}

fn glob(pattern: &str, text: &str, same: &dyn Fn(&str, &str) -> bool) -> bool {
    if let Some((name, rest)) = pattern.strip_prefix('{').and_then(|tail| tail.split_once('}')) {
        let wide = name.starts_with('m');
        return (1..=text.len()).any(|end| (wide || !text[..end].contains('/')) && glob(rest, &text[end..], same));
    }
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some(p), Some(t)) => same(&p.to_string(), &t.to_string()) && glob(&pattern[1..], &text[1..], same),
        _ => false,
    }
}

fn slow_beats(a: &[Vec<Means>], b: &[Vec<Means>]) -> bool {
    let ([a], [b]) = (a, b) else { return false };
    let is_better = |a: &Means, b: &Means| match a {
        Means::Literal => b != &Means::Literal,
        Means::Mixed(_) => matches!(b, Means::One | Means::Several),
        Means::One | Means::Several | Means::WideMixed(_) => false,
    };
    let never_worse =
        a.iter().zip(b).all(|(a, b)| a == b || is_better(a, b) || (a, b) == (&Means::One, &Means::Several));
    never_worse && a.iter().zip(b).any(|(a, b)| is_better(a, b))
}

/// What one reading of the path asks for; empty where no template matches it.
fn slow_reading(templates: &[String], path: &[String], trailing: bool) -> Vec<u32> {
    let exactly = |one: &str, other: &str| one == other;
    let loosely = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
    let split = |template: &str| -> Vec<String> {
        template.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
    };
    let ways = |template: &String, same: &dyn Fn(&str, &str) -> bool| {
        let segments = split(template);
        placements(&segments.iter().map(String::as_str).collect::<Vec<_>>(), path, same)
    };
    let exact: Vec<Vec<Vec<Means>>> = templates
        .iter()
        .map(|template| if template.ends_with('/') == trailing { ways(template, &exactly) } else { Vec::new() })
        .collect();
    (0..templates.len())
        .filter(|&at| {
            if exact[at].is_empty() {
                return !ways(&templates[at], &loosely).is_empty();
            }
            // Two wide parameters can be placed in several ways on some paths, so they are left out of the contest.
            let wide = |at: usize| split(&templates[at]).iter().filter(|segment| segment.contains("{m")).count();
            !(0..templates.len()).any(|other| wide(at) < 2 && wide(other) < 2 && slow_beats(&exact[other], &exact[at]))
        })
        .map(|at| at as u32)
        .collect()
}

/// Stands for an encoded slash that an upstream leaves in a single segment.
const TORN: char = '\u{1}';

/// What upstreams find that take some of the segments with an encoded slash for single ones.
fn slow_torn(templates: &[String], path: &[String]) -> Vec<u32> {
    let slashed: Vec<usize> = (0..path.len()).filter(|&at| path[at].contains('/')).collect();
    let mut found = Vec::new();
    for chosen in 1..1_u32 << slashed.len() {
        let mut torn = path.to_vec();
        for (_, &at) in slashed.iter().enumerate().filter(|(bit, _)| chosen >> bit & 1 == 1) {
            torn[at] = torn[at].replace('/', &TORN.to_string());
        }
        let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        found.extend((0..templates.len()).filter(|&at| {
            let segments: Vec<&str> = templates[at].split('/').filter(|segment| !segment.is_empty()).collect();
            !placements(&segments, &torn, &same).is_empty()
        }));
    }
    found.into_iter().map(|at| at as u32).collect()
}

fn any_template() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "A", "ab"]).prop_map(str::to_owned),
        3 => Just("{x}".to_owned()),
        1 => Just("{m}".to_owned()),
        1 => prop::sample::select(vec!["{x}b", "a{x}", "a{x}b", "{x}b{y}", "{m}b{n}", "{x}b{m}", "{x}{y}"]).prop_map(str::to_owned),
    ];
    (prop::collection::vec(segment, 1..5), prop::bool::weighted(0.15))
        .prop_map(|(segments, slash)| format!("/{}{}", segments.join("/"), if slash { "/" } else { "" }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_router_agrees_with_the_slow_matcher(
        templates in prop::collection::vec(any_template(), 1..9),
        segments in prop::collection::vec("[abAB]|ab|aab|[ab]%2F[ab]|bab|abb", 1..6),
        trailing in prop::bool::weighted(0.2),
    ) {
        let target = format!("/{}{}", segments.join("/"), if trailing { "/" } else { "" });
        let whole: Vec<String> = segments.iter().map(|segment| segment.replace("%2F", "/")).collect();
        let mut expected = slow_reading(&templates, &whole, trailing);
        let refused = target.contains("%2F") && expected.is_empty();
        expected.extend(slow_torn(&templates, &whole));
        let split: Vec<String> = whole.join("/").split('/').map(str::to_owned).collect();
        expected.extend(slow_reading(&templates, &split, trailing));
        expected.sort_unstable();
        expected.dedup();
        let names: Vec<&str> = templates.iter().map(String::as_str).collect();
        let expected = match (refused, &*expected) {
            (true, _) => None,
            (false, indices) => Some(indices.to_vec()),
        };
        let actual = match ask(&router(&names), "GET", &target) {
            Matches::Operations(required) => Some(required.as_slice().to_vec()),
            Matches::Unlisted => Some(Vec::new()),
            Matches::Refused(Refusal::EncodedSlash) => None,
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        prop_assert_eq!(actual, expected, "{:?} {}", templates, target);
    }

    #[test]
    fn any_text_is_a_template_or_an_error(template in "\\PC*|/[a-z{}/%.;]*", target in "/[a-z./%]*") {
        if let Ok(template) = Template::parse::<&str>(&template, &[]) {
            prop_assert!(template.patterns().len() <= MAX_SEGMENTS);
        }
        if let (Ok(router), Ok(path)) =
            (Router::build(&[operation("GET", &template, &[])]), RequestPath::parse(&target))
        {
            router.matches(Method::parse("GET").unwrap(), &Remainder::whole(&path));
        }
    }
}
