//! What a browser sends: the fields of a form, several of one name among them.

use std::borrow::Cow;

use bytes::Bytes;
use percent_encoding::percent_decode;
use serde_json::Value;

/// The most bytes of a form; the API has the same maximum.
pub(crate) const FORM_BYTES_MAX: usize = 1024 * 1024;
/// The most fields of a form: a dual list of a thousand operations fits.
pub(crate) const FIELDS_MAX: usize = 5_000;

/// The field that bears the session's token.
pub(crate) const CSRF: &str = "csrf";
/// The field that has a form do its work once.
pub(crate) const ONCE: &str = "once";
/// The field with the version of the record that was edited.
pub(crate) const VERSION: &str = "version";

/// The fields of a form, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form(Vec<(String, String)>);

// === impl Form ===

impl Form {
    /// Reads `application/x-www-form-urlencoded`; `None` where there are more than [`FIELDS_MAX`].
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let pairs = text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        let fields: Vec<_> = pairs.take(FIELDS_MAX + 1).map(pair).collect();
        (fields.len() <= FIELDS_MAX).then_some(Self(fields))
    }

    /// The same again.
    pub(crate) fn to_bytes(&self) -> Bytes {
        let mut text = String::new();
        for (name, value) in &self.0 {
            if !text.is_empty() {
                text.push('&');
            }
            text.push_str(&crate::call::segment(name));
            text.push('=');
            text.push_str(&crate::call::segment(value));
        }
        text.into()
    }

    /// A field as it was sent; empty where it was not.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// A field, if it was sent.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// A field without white space around it, if there is something in it.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.find(name).map(str::trim).filter(|text| !text.is_empty())
    }

    /// The same as JSON, null where there is nothing.
    pub(crate) fn value(&self, name: &str) -> Value {
        self.given(name).into()
    }

    /// Whether a box is ticked.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// All fields of a name that hold something.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(found, _)| found == name)
            .map(|(_, value)| value.trim())
            .filter(|text| !text.is_empty())
    }

    /// The lines of a field that hold something.
    pub(crate) fn lines<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.text(name).lines().map(str::trim).filter(|line| !line.is_empty())
    }

    /// All fields.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Takes a field out.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(found, _)| found == name)?;
        Some(self.0.remove(at).1)
    }

    /// Takes a field with this value out.
    pub(crate) fn take_value(&mut self, name: &str, value: &str) {
        self.0.retain(|(found, held)| found != name || held.trim() != value);
    }

    /// Puts a further field of its name.
    pub(crate) fn push(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// Puts a field in the place of those of its name.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.retain(|(found, _)| found != name);
        self.0.push((name.to_owned(), value.into()));
    }
}

fn pair(pair: &[u8]) -> (String, String) {
    let mut parts = pair.splitn(2, |byte| *byte == b'=');
    let mut next = || decode(parts.next().unwrap_or_default());
    (next(), next())
}

/// Browsers send line ends as CR LF.
fn decode(text: &[u8]) -> String {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let decoded: Cow<'_, [u8]> = percent_decode(&spaced).into();
    String::from_utf8_lossy(&decoded).replace("\r\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_reads_as_the_browser_wrote_it_and_comes_back_the_same() {
        let text = b"name=a+b%26c&set=x&set=&set=%C5%82&note=1%0D%0A2&flag=on&empty=++&odd%ff=%zz";
        let form = Form::parse(text).expect("few fields");
        assert_eq!(form.text("name"), "a b&c");
        assert_eq!(form.all("set").collect::<Vec<_>>(), ["x", "ł"]);
        assert_eq!(form.lines("note").collect::<Vec<_>>(), ["1", "2"]);
        assert!(form.is_on("flag") && !form.is_on("other"));
        assert_eq!((form.given("empty"), form.text("empty")), (None, "  "));
        let again = Form::parse(&form.to_bytes()).expect("few fields");
        assert_eq!(again.0, form.0);
    }

    #[test]
    fn a_form_of_too_many_fields_is_none() {
        assert!(Form::parse("a=1&".repeat(FIELDS_MAX).as_bytes()).is_some());
        assert!(Form::parse("a=1&".repeat(FIELDS_MAX + 1).as_bytes()).is_none());
    }
}
