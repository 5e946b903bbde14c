use super::*;
use proptest::prelude::*;

fn segments(target: &str) -> Vec<String> {
    RequestPath::parse(target).unwrap().segments().map(str::to_owned).collect()
}

#[test]
fn a_target_is_decoded_exactly_once() {
    assert_eq!(segments("/"), Vec::<String>::new());
    assert_eq!(segments("/a/b"), ["a", "b"]);
    assert_eq!(segments("/%72epos/o%20x/%C3%A9"), ["repos", "o x", "é"]);
    assert_eq!(segments("/a/100%25/b"), ["a", "100%", "b"]);
    assert_eq!(segments("/a%25/2e"), ["a%", "2e"]);
    assert_eq!(segments("/a/..b/c..d/.git"), ["a", "..b", "c..d", ".git"]);
    assert_eq!(segments("/a/notes%E2%80%A6"), ["a", "notes…"]);
}

#[test]
fn a_trailing_slash_is_a_fact_and_no_segment() {
    for (target, trailing) in [("/", false), ("/a", false), ("/a/", true), ("/a/b/?x=/", true), ("/%61/", true)] {
        let path = RequestPath::parse(target).unwrap();
        assert_eq!(path.has_trailing_slash(), trailing, "{target}");
        assert!(path.segments().all(|segment| !segment.is_empty()), "{target}");
    }
    assert!(RequestPath::parse("/").unwrap().is_empty());
}

#[test]
fn an_encoded_slash_stays_in_its_segment_and_is_marked() {
    let path = RequestPath::parse("/a%2Fb/c%2fd/e").unwrap();
    assert_eq!(path.segments().collect::<Vec<_>>(), ["a/b", "c/d", "e"]);
    assert_eq!((0..3).map(|at| path.is_slashed(at)).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(path.span(1, 3), "c/d/e");
    let split = path.split_slashed().unwrap();
    assert_eq!(split.segments().collect::<Vec<_>>(), ["a", "b", "c", "d", "e"]);
    assert!(!split.has_slashed());
}

#[test]
fn what_two_programs_read_differently_is_refused() {
    use PathProblem as P;
    let many = "/a".repeat(MAX_SEGMENTS + 1);
    let many_encoded = format!("/a{}", "%2Fa".repeat(MAX_SEGMENTS));
    let many_escaped = "/%61".repeat(MAX_SEGMENTS + 1);
    let long = format!("/{}", "a".repeat(MAX_TARGET_BYTES));
    for (target, problem) in [
        ("", P::NotOriginForm),
        ("*", P::NotOriginForm),
        ("http://api.example.com/a", P::NotOriginForm),
        ("a/b", P::NotOriginForm),
        ("?/a", P::NotOriginForm),
        (&long, P::TooLong),
        (&many, P::TooManySegments),
        (&many_encoded, P::TooManySegments),
        (&many_escaped, P::TooManySegments),
        ("//", P::EmptySegment),
        ("//a", P::EmptySegment),
        ("/a//b", P::EmptySegment),
        ("/a//", P::EmptySegment),
        ("/%2Fa", P::EmptySegment),
        ("/a%2F/b", P::EmptySegment),
        ("/a%2f", P::EmptySegment),
        ("/a%2F%2Fb", P::EmptySegment),
        ("/.", P::DotSegment),
        ("/..", P::DotSegment),
        ("/../", P::DotSegment),
        ("/a/.../b", P::DotSegment),
        ("/a/%2e%2e/b", P::DotSegment),
        ("/a/.%2E/b", P::DotSegment),
        ("/a/..%2fb", P::DotSegment),
        ("/a/b%2F..", P::DotSegment),
        ("/a/..%20/b", P::DotSegment),
        ("/a/%20/b", P::DotSegment),
        ("/a;b", P::Semicolon),
        ("/a/..;/b", P::Semicolon),
        ("/a%3Bb", P::Semicolon),
        ("/a\\b", P::Backslash),
        ("/a%5cb", P::Backslash),
        ("/a%00", P::ControlCharacter),
        ("/a\0", P::ControlCharacter),
        ("/a%0d%0ab", P::ControlCharacter),
        ("/a\tb", P::ControlCharacter),
        ("/a%7F", P::ControlCharacter),
        ("/a%C2%85", P::ControlCharacter),
        ("/a?b\r\n", P::ControlCharacter),
        ("/a b", P::RawSpace),
        ("/a?b c", P::RawSpace),
        ("/é", P::RawNonAscii),
        ("/a#b", P::Fragment),
        ("/a?b#c", P::Fragment),
        ("/a%23", P::EncodedDelimiter),
        ("/a%3F/b", P::EncodedDelimiter),
        ("/a%", P::BrokenEscape),
        ("/a%2", P::BrokenEscape),
        ("/a%2/b", P::BrokenEscape),
        ("/a%+1", P::BrokenEscape),
        ("/%u002e%u002e/a", P::BrokenEscape),
        ("/%252e", P::DoubleEncoding),
        ("/a%25%32e", P::DoubleEncoding),
        ("/a%25u002e", P::DoubleEncoding),
        ("/a%252Fb", P::DoubleEncoding),
        ("/%C0%AE", P::InvalidUtf8),
        ("/%FF", P::InvalidUtf8),
        ("/%ED%A0%80", P::InvalidUtf8),
        ("/a%EF%BC%8Fb", P::Lookalike),
        ("/%EF%BC%8E%EF%BC%8E/b", P::Lookalike),
        ("/%E2%80%A5/b", P::Lookalike),
        ("/.%E2%80%8B./b", P::Lookalike),
        ("/%E2%80%8B/b", P::Lookalike),
        ("/a%EF%BC%9Bb", P::Lookalike),
    ] {
        assert_eq!(RequestPath::parse(target).map(|_| ()), Err(problem), "{target:?}");
    }
}

#[test]
fn the_longest_path_is_still_read() {
    let target = "/a".repeat(MAX_SEGMENTS);
    assert_eq!(RequestPath::parse(&target).unwrap().len(), MAX_SEGMENTS);
    assert_eq!(segments(&format!("/{}", "a".repeat(MAX_TARGET_BYTES - 1))).len(), 1);
}

#[test]
fn a_plain_path_is_borrowed() {
    assert!(matches!(RequestPath::parse("/Repos/o/r?x=%20").unwrap().text, Cow::Borrowed("Repos/o/r")));
    assert!(matches!(RequestPath::parse("/%72epos").unwrap().text, Cow::Owned(_)));
}

#[test]
fn variants_fold_alike() {
    let kelvin = "\u{212a}";
    for (variant, plain) in [
        ("ISSUES", "issues"),
        ("\u{131}ssues", "issues"),
        ("\u{130}SSUES", "issues"),
        ("I\u{307}SSUES", "issues"),
        ("i\u{17f}\u{17f}ues", "issues"),
        ("iss\u{200b}ues", "issues"),
        ("iss\u{ad}ues\u{fe0f}", "issues"),
        ("ＩＳＳＵＥＳ", "issues"),
        (&format!("{kelvin}eys"), "keys"),
        ("STRASSE", "straße"),
        ("STRAẞE", "straße"),
        ("É", "e\u{301}"),
        ("issues.", "issues"),
        ("issues. .", "issues"),
        ("Σ", "ς"),
    ] {
        assert_eq!(fold::fold(variant), fold::fold(plain), "{variant:?}");
    }
    for (one, other) in [("issues", "issue"), ("a.b", "ab"), ("é", "e"), (".git", "git")] {
        assert_ne!(fold::fold(one), fold::fold(other));
    }
}

#[test]
fn every_spelling_of_method_in_the_query_is_found() {
    let methods = |query: &str| -> Vec<String> {
        let target = format!("/a?{query}");
        RequestPath::parse(&target).unwrap().query_methods().map(Cow::into_owned).collect()
    };
    assert_eq!(methods("state=open&page=2"), Vec::<String>::new());
    assert_eq!(methods("a_method=DELETE&_methods=PUT&_=_method"), Vec::<String>::new());
    for query in [
        "_method=DELETE",
        "a=b&_method=DELETE",
        "a=b;_method=DELETE",
        "_METHOD=DELETE",
        "%5fmethod=DELETE",
        "_%6D%65thod=DELET%45",
        "_method[]=DELETE",
        "_method%5B0%5D=DELETE",
        "_method%00x=DELETE",
        "+_method=DELETE",
        ".method=DELETE",
        "%5bmethod=DELETE",
        "&&_method=DELETE&",
    ] {
        assert_eq!(methods(query), ["DELETE"], "{query}");
    }
    assert_eq!(methods("_method=GET&_method=POST&_method"), ["GET", "POST", ""]);
    assert_eq!(methods("_method=%zz+%FF"), ["%zz \u{fffd}"]);
}

#[test]
fn every_letter_folds_as_its_upper_and_lower_case_do() {
    let cased = ('\0'..=char::MAX)
        .filter(|letter| !letter.to_uppercase().eq([*letter]) || !letter.to_lowercase().eq([*letter]));
    let mut letters = 0;
    for letter in cased {
        let folded = fold::fold_letters(&letter.to_string());
        let upper: String = letter.to_uppercase().collect();
        let lower: String = letter.to_lowercase().collect();
        assert_eq!(fold::fold_letters(&upper), folded, "{letter:?} and {upper:?}");
        assert_eq!(fold::fold_letters(&lower), folded, "{letter:?} and {lower:?}");
        letters += 1;
    }
    assert!(letters > 2_800, "{letters}");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(target in "\\PC*|/[a-zA-Z.%/;0-9\\\\é?#&_=\\x00-\\x20]*") {
        if let Ok(path) = RequestPath::parse(&target) {
            prop_assert!(path.query_methods().count() <= target.len());
            for segment in path.segments() {
                prop_assert!(!segment.is_empty());
                for part in segment.split('/') {
                    prop_assert!(!matches!(part, "" | "." | ".."));
                }
                prop_assert!(!segment.contains(['\\', ';', '?', '#']) && !segment.chars().any(char::is_control));
            }
            let split = path.split_slashed().unwrap();
            prop_assert!(split.segments().all(|segment| !segment.contains('/')));
        }
    }

    #[test]
    fn decoding_undoes_encoding(text in "[^\\x00-\\x1f\\x7f-\\u{9f}/\\\\;?#%]{1,20}") {
        let encoded = text.bytes().fold(String::new(), |encoded, byte| format!("{encoded}%{byte:02x}"));
        if let Ok(path) = RequestPath::parse(&format!("/{encoded}/x")) {
            prop_assert_eq!(path.segments().collect::<Vec<_>>(), [text.as_str(), "x"]);
        } else {
            prop_assert!(fold::fold(&text).is_empty() || !text.is_ascii());
        }
    }

    #[test]
    fn the_short_cut_of_folding_is_right(segment in "\\PC{0,12}|[a-zA-Z. ]{0,8}") {
        prop_assert!(!fold::is_folded(&segment) || fold::fold(&segment) == segment);
        prop_assert_eq!(fold::fold(&segment.to_uppercase()), fold::fold(&segment));
        prop_assert_eq!(fold::fold(&segment.to_lowercase()), fold::fold(&segment));
    }
}
