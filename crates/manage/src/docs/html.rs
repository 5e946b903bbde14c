//! Writing HTML: everything that comes from a document is escaped.

use std::fmt::{self, Display, Write as _};

/// A text as it may stand in an element or a quoted attribute.
pub(super) struct Escaped<T>(pub(super) T);

/// A page in the making.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);
        impl fmt::Write for Escaping<'_, '_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                let mut rest = text;
                while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
                    self.0.write_str(&rest[..at])?;
                    self.0.write_str(match rest.as_bytes()[at] {
                        b'&' => "&amp;",
                        b'<' => "&lt;",
                        b'>' => "&gt;",
                        b'"' => "&quot;",
                        _ => "&#39;",
                    })?;
                    rest = &rest[at + 1..];
                }
                self.0.write_str(rest)
            }
        }
        write!(Escaping(f), "{}", self.0)
    }
}

// === impl Html ===

impl Html {
    /// Markup as it stands; texts in it are [`Escaped`] by whoever writes the format.
    pub(super) fn raw(&mut self, markup: fmt::Arguments<'_>) {
        // Writing to a `String` cannot fail.
        let _ = self.0.write_fmt(markup);
    }

    /// An element with text and attributes, all escaped.
    pub(super) fn element(&mut self, name: &str, attributes: &[(&str, &str)], text: impl Display) {
        self.open(name, attributes);
        self.raw(format_args!("{}", Escaped(text)));
        self.close(name);
    }

    /// The beginning of an element.
    pub(super) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.raw(format_args!("<{name}"));
        for (attribute, value) in attributes {
            self.raw(format_args!(" {attribute}=\"{}\"", Escaped(value)));
        }
        self.0.push('>');
    }

    /// The end of an element.
    pub(super) fn close(&mut self, name: &str) {
        self.raw(format_args!("</{name}>"));
    }

    /// A paragraph for each paragraph of a text; words between backticks are code.
    pub(super) fn prose(&mut self, text: &str) {
        for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
            self.open("p", &[]);
            self.inline(paragraph);
            self.close("p");
        }
    }

    /// A text in which words between backticks are code.
    pub(super) fn inline(&mut self, text: &str) {
        for (index, piece) in text.split('`').enumerate() {
            if index % 2 == 1 {
                self.element("code", &[], piece);
            } else {
                self.raw(format_args!("{}", Escaped(piece)));
            }
        }
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_attributes_are_escaped() {
        let mut html = Html::default();
        html.element("a", &[("href", "\"><script>")], "a & 'b' <i>");
        html.prose("one `x<y`\n\n\n\ntwo");
        assert_eq!(
            html.finish(),
            "<a href=\"&quot;&gt;&lt;script&gt;\">a &amp; &#39;b&#39; &lt;i&gt;</a><p>one <code>x&lt;y</code></p><p>two</p>"
        );
    }
}
