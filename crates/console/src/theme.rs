//! Light or dark: as the machine has it until the person says otherwise, kept in a cookie.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

const COOKIE_NAME: &str = "claviger-theme";
/// A year.
const KEPT_FOR_SECONDS: u32 = 31_536_000;

/// How pages look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the machine has it.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

// === impl Theme ===

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Its word in forms and in the cookie.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(crate) fn of(word: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.word() == word).unwrap_or_default()
    }

    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == COOKIE_NAME).map_or_else(Self::default, |(_, word)| Self::of(word))
    }

    /// The cookie that keeps it.
    pub(crate) fn cookie(self) -> HeaderValue {
        let text = format!("{COOKIE_NAME}={}; Path=/; Max-Age={KEPT_FOR_SECONDS}; SameSite=Lax", self.word());
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
    }
}
