//! Every sentence that a person reads in a mail or in the console: one catalogue.
//!
//! A text is an arm of a `match`: what it tells of are the fields of its variant, so a text that lacks one, or a language
//! that lacks a text, does not compile. A further language is a variant of [`Language`]; the compiler names what is missing.

pub mod console;
mod mail;
pub mod own_page;
pub mod templates;

pub use mail::{About, Letter, Mail, Notice, Notices};

/// A language that texts are there in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English, which every reader falls back to.
    English,
    /// Polish.
    Polish,
}

// === impl Language ===

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Polish];

    /// The one for whoever reads `tag` (BCP 47); English where there is none.
    pub fn of(tag: &str) -> Self {
        let first = tag.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(first)).unwrap_or(Self::English)
    }

    /// Its tag (BCP 47).
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Polish => "pl",
        }
    }

    /// What it calls itself.
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Polish => "Polski",
        }
    }

    /// The one with this very tag.
    pub fn tagged(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_another_language_gets_english() {
        for tag in ["en", "EN-gb", "de-AT", "", "zh-Hant-TW", "plt"] {
            assert_eq!(Language::of(tag), Language::English, "{tag}");
        }
        for tag in ["pl", "pl-PL", "PL-pl"] {
            assert_eq!(Language::of(tag), Language::Polish, "{tag}");
        }
    }
}
