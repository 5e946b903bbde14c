//! Every sentence that people read stands in the catalogue, none in a page.

use super::sources;

/// What reads like words and is none of the console's sentences: names of products, what stands in logs and headers, and what the
/// API's own sentences are made of.
const TECHNICAL: [&str; 10] = [
    "noopener noreferrer",
    "charset=utf-8",
    "attachment; filename",
    "width=device-width",
    "light dark",
    "application type",
    "already used by ",
    ", say so with `",
    "the wire has a member for each",
    "a page of the console failed",
];
/// Names browsers and machines, which are called so in every language.
const NAMES: &str = "device.rs";

/// The texts of a source, without comments and attributes of the compiler.
fn texts(source: &str) -> Vec<String> {
    let (mut texts, mut rest) = (Vec::new(), source.chars().peekable());
    let mut line_begins = true;
    while let Some(c) = rest.next() {
        match c {
            '/' if rest.peek() == Some(&'/') => {
                rest.by_ref().find(|c| *c == '\n');
                line_begins = true;
                continue;
            }
            '#' if line_begins && rest.peek() == Some(&'[') => drop(rest.by_ref().find(|c| *c == ']')),
            '\'' => {
                // A character; a lifetime has no second quote that near.
                let ahead: Vec<char> = rest.clone().take(3).collect();
                match ahead[..] {
                    ['\\', _, '\''] => drop(rest.by_ref().nth(2)),
                    [_, '\'', ..] => drop(rest.by_ref().nth(1)),
                    _ => (),
                }
            }
            '"' => {
                let mut text = String::new();
                while let Some(c) = rest.next().filter(|c| *c != '"') {
                    text.push(if c == '\\' { rest.next().unwrap_or(' ') } else { c });
                }
                texts.push(text);
            }
            _ => (),
        }
        line_begins = c == '\n' || (line_begins && c.is_whitespace());
    }
    texts
}

/// Two words beside each other, or one that begins like a sentence.
fn is_prose(text: &str) -> bool {
    let is_word = |word: &str| word.chars().count() > 1 && word.chars().all(char::is_alphabetic);
    let words: Vec<&str> = text.split_whitespace().map(|word| word.trim_matches(['.', ',', ':', '!', '?'])).collect();
    let pair = words.windows(2).any(|pair| pair.iter().all(|word| is_word(word)));
    let label = words.len() == 1 && {
        let mut letters = words[0].chars();
        letters.next().is_some_and(char::is_uppercase) && words[0].len() > 1 && letters.all(char::is_lowercase)
    };
    (pair || label) && !TECHNICAL.iter().any(|known| text.contains(known))
}

#[test]
fn no_page_has_a_sentence_of_its_own() {
    let mut own = Vec::new();
    let all = sources("src/pages").into_iter().chain(sources("src/parts"));
    for (path, source) in all.filter(|(path, _)| !path.ends_with(NAMES)) {
        for text in texts(&source).into_iter().filter(|text| is_prose(text)) {
            own.push(format!("{}: {text:?}", path.display()));
        }
    }
    assert!(own.is_empty(), "these belong into crates/texts:\n{}", own.join("\n"));
}

#[test]
fn prose_is_told_from_names() {
    for text in ["Save", "Nothing was saved", "is over", "the password."] {
        assert!(is_prose(text), "{text}");
    }
    for text in ["main", "keys.read", "/keys/{id}", "GET", "key-disabled", "M3 8h.01M8 8h.01", ", ", "row", "Sec-Fetch"]
    {
        assert!(!is_prose(text), "{text}");
    }
    let source = "// \"A comment\"\n#[serde(rename = \"of course\")]\nlet a = 'a'; let q = '\"'; b(\"One \\\"two\\\"\"); /// \"x y\"\n'a \"Two\"";
    assert_eq!(texts(source), ["One \"two\"", "Two"]);
}
