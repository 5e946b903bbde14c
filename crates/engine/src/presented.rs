//! What a caller presented, as it came: the doors collect it, `reading` makes sense of it.

use std::fmt;

/// The most credential fields of one request that are looked at; one with more is `MALFORMED`.
pub const FIELDS_MAX: usize = 8;

/// Where a value stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The JSON field `credential`: the bare key.
    Credential,
    /// A value of `Authorization`: `Basic …` or `Bearer …`.
    Authorization,
    /// A value of `X-Api-Key`: the bare key.
    ApiKey,
    /// A value of `X-Api-Signature`: what was signed stands beside it.
    Signature,
}

/// The credential fields of one request, borrowed from it. Nothing is decoded yet; `Debug` shows no value.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    fields: [Option<(Source, &'a [u8])>; FIELDS_MAX],
    count: usize,
    /// The token of an API user, which never stands where keys do.
    token: Token<'a>,
    /// What a signature is over, or why that is not known.
    body: Result<&'a [u8], &'static str>,
}

/// What stood in `X-Token`.
#[derive(Clone, Copy, Default)]
enum Token<'a> {
    #[default]
    Absent,
    One(&'a [u8]),
    Several,
}

/// Some of the fields of one request, by their place in the order in which they were added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FieldMask(u8);

// === impl FieldMask ===

impl FieldMask {
    /// Whether the field at `place` is among them.
    pub fn has(self, place: usize) -> bool {
        place < FIELDS_MAX && self.0 >> place & 1 == 1
    }

    /// These and others.
    #[must_use]
    pub(crate) fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }
}

impl FromIterator<usize> for FieldMask {
    fn from_iter<I: IntoIterator<Item = usize>>(places: I) -> Self {
        Self(places.into_iter().filter(|place| *place < FIELDS_MAX).fold(0, |mask, place| mask | 1 << place))
    }
}

// === impl Presented ===

impl Default for Presented<'_> {
    fn default() -> Self {
        Self {
            fields: [None; FIELDS_MAX],
            count: 0,
            token: Token::Absent,
            body: Err("signature at a door without the body"),
        }
    }
}

impl<'a> Presented<'a> {
    /// Nothing at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the bare key of a JSON body. Each field that is there is added, empty ones included.
    #[must_use]
    pub fn with_credential(self, value: &'a str) -> Self {
        self.with(Source::Credential, value.as_bytes())
    }

    /// Adds a value of `Authorization`, once for each header line.
    #[must_use]
    pub fn with_authorization(self, value: &'a [u8]) -> Self {
        self.with(Source::Authorization, value)
    }

    /// Adds a value of `X-Api-Key`, once for each header line.
    #[must_use]
    pub fn with_x_api_key(self, value: &'a [u8]) -> Self {
        self.with(Source::ApiKey, value)
    }

    /// Adds a value of `X-Token`, once for each header line. It is no credential by itself.
    #[must_use]
    pub fn with_x_token(mut self, value: &'a [u8]) -> Self {
        self.token = match self.token {
            Token::Absent => Token::One(value),
            Token::One(known) if known == value => self.token,
            Token::One(_) | Token::Several => Token::Several,
        };
        self
    }

    /// Adds a value of `X-Api-Signature`, once for each header line.
    #[must_use]
    pub fn with_x_api_signature(self, value: &'a [u8]) -> Self {
        self.with(Source::Signature, value)
    }

    /// Adds the raw body of the request, or in a few words for the log why it is not known. Without this a door has none.
    #[must_use]
    pub fn with_body(self, body: Result<&'a [u8], &'static str>) -> Self {
        Self { body, ..self }
    }

    /// What stood in `X-Api-Signature`.
    pub(crate) fn signatures(&self) -> impl Iterator<Item = &'a [u8]> + '_ {
        self.fields().filter(|(source, _)| *source == Source::Signature).map(|(_, value)| value)
    }

    /// The raw body of the request, or why it is not known.
    pub(crate) fn body(&self) -> Result<&'a [u8], &'static str> {
        self.body
    }

    /// What stood in `X-Token`; an error where two different values did.
    pub(crate) fn token(&self) -> Result<Option<&'a [u8]>, ()> {
        match self.token {
            Token::Absent => Ok(None),
            Token::One(value) => Ok(Some(value)),
            Token::Several => Err(()),
        }
    }

    /// Whether no field was added, not even an empty one.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether more than [`FIELDS_MAX`] were added.
    pub(crate) fn overflows(&self) -> bool {
        self.count > FIELDS_MAX
    }

    /// The fields in the order in which they were added.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (Source, &'a [u8])> + '_ {
        self.fields.iter().flatten().copied()
    }

    fn with(mut self, source: Source, value: &'a [u8]) -> Self {
        if let Some(field) = self.fields.get_mut(self.count) {
            *field = Some((source, value));
        }
        self.count += 1;
        self
    }
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.fields().map(|(source, _)| source)).finish()
    }
}
