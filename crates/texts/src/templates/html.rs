//! Where in a document of HTML something stands: as far as it matters for what may be put there.

/// What a place is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// What is read, or a comment.
    Text,
    /// Between `<` and `>`.
    Tag,
    /// A style sheet.
    Style,
}

/// The places of a document, and the names of its elements.
#[derive(Debug)]
pub(super) struct Places<'a> {
    /// Where each begins, in order.
    begins: Vec<(usize, Place)>,
    pub(super) elements: Vec<&'a str>,
}

/// Where a tag ends that begins at the start of `text`. A quote opens a value only behind a `=`, as browsers read it.
fn end_of_tag(text: &str) -> usize {
    let (mut quote, mut before) = (None, ' ');
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '>' => return at + 1,
            None if before == '=' && (c == '"' || c == '\'') => quote = Some(c),
            Some(_) | None => {}
        }
        if !c.is_whitespace() {
            before = c;
        }
    }
    text.len()
}

fn name_of(tag: &str) -> &str {
    let name = tag.trim_start_matches(['<', '/']);
    let end = name.find(|c: char| c.is_whitespace() || c == '/' || c == '>').unwrap_or(name.len());
    &name[..end]
}

/// Where something is found in `text` in whatever case, which is ASCII.
fn find(text: &str, wanted: &str) -> Option<usize> {
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    text.windows(wanted.len()).position(|part| part.eq_ignore_ascii_case(wanted))
}

// === impl Places ===

impl<'a> Places<'a> {
    pub(super) fn of(html: &'a str) -> Self {
        let mut places = Self { begins: Vec::new(), elements: Vec::new() };
        let mut at = 0;
        while let Some(open) = html[at..].find('<').map(|found| at + found) {
            at = places.read(html, open);
        }
        places
    }

    /// Reads what begins with the `<` at `open`; where it goes on.
    fn read(&mut self, html: &'a str, open: usize) -> usize {
        let rest = &html[open..];
        if rest.starts_with("<!--") {
            return rest.find("-->").map_or(html.len(), |end| open + end + 3);
        }
        let is_tag = rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!' || c == '?');
        if !is_tag {
            return open + 1;
        }
        let end = open + end_of_tag(rest);
        let name = name_of(&html[open..end]);
        self.begins.push((open, Place::Tag));
        self.elements.push(name);
        if !name.eq_ignore_ascii_case("style") || rest.starts_with("</") {
            self.begins.push((end, Place::Text));
            return end;
        }
        self.begins.push((end, Place::Style));
        find(&html[end..], "</style").map_or(html.len(), |length| end + length)
    }

    /// What the byte at `at` is part of.
    pub(super) fn at(&self, at: usize) -> Place {
        let before = self.begins.partition_point(|(begin, _)| *begin <= at);
        before.checked_sub(1).map_or(Place::Text, |place| self.begins[place].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place of the `X` in a document.
    fn place(html: &str) -> Place {
        Places::of(html).at(html.find('X').expect("an X"))
    }

    #[test]
    fn a_place_is_known_as_browsers_know_it() {
        for html in [
            "X",
            "<p>X",
            "a < b X",
            "<a title='>'>X",
            "<a title=y\">X",
            "<style>p{}</STYLE>X",
            "<!-- <a --> X",
            "<!doctype html>X",
        ] {
            assert_eq!(place(html), Place::Text, "{html}");
        }
        for html in ["<a X", "<a href=\"X\">", "<a title='>X'>", "<a y=z\" w=\">X\">", "</p X>", "<a b = '>X'", "<!X>"]
        {
            assert_eq!(place(html), Place::Tag, "{html}");
        }
        for html in ["<style>X", "<STYLE type=x>p {X}</style>", "<style>a</p>X"] {
            assert_eq!(place(html), Place::Style, "{html}");
        }
        assert_eq!(Places::of("<P>a</p><script src=x></script><br/>").elements, ["P", "p", "script", "script", "br"]);
    }
}
