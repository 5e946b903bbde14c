//! Icons of our own, drawn on a grid of 16; they stand beside words and are hidden from who listens.

use maud::{Markup, html};

/// What an icon shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icon {
    Overview,
    Key,
    Person,
    Shield,
    Stack,
    Grid,
    Scroll,
    Gauge,
    Bars,
    Letter,
    Bell,
    Hook,
    House,
    Gate,
    Search,
    More,
    Plus,
    Copy,
    Done,
}

// === impl Icon ===

impl Icon {
    const fn lines(self) -> &'static str {
        match self {
            Self::Overview => "M2 9h4v5H2zM10 2h4v12h-4zM6 6h4v8H6z",
            Self::Key => {
                "M10.200 9.300a3.700 3.700 0 1 0-3.500-3.500L2 10.500V14h3.500v-1.800h1.800v-1.800h1.800zM11 5h.01"
            }
            Self::Person => "M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.5 14a5.5 5.5 0 0 1 11 0",
            Self::Shield => "M8 1.8 13 4v4c0 3-2.2 5.2-5 6.2C5.200 13.200 3 11 3 8V4z",
            Self::Stack => "M8 2 14 5 8 8 2 5zM2 8l6 3 6-3M2 11l6 3 6-3",
            Self::Grid => "M2 2h5v5H2zM9 2h5v5H9zM2 9h5v5H2zM9 9h5v5H9z",
            Self::Scroll => "M3 2h8l2 2v10H3zM5.500 6h5M5.500 9h5M5.500 12h3",
            Self::Bars => "M2 14h12M4 11V7M8 11V3M12 11V8.500",
            Self::Gauge => "M2 12a6 6 0 1 1 12 0M8 12l3-4",
            Self::Letter => "M2 3.500h12v9H2zM2 4.500l6 5 6-5",
            Self::Bell => "M3 11.500h10l-1.500-2V6.500a3.500 3.500 0 0 0-7 0v3zM6.500 13.500a1.500 1.500 0 0 0 3 0",
            Self::Hook => "M8 2v6M8 8a3 3 0 1 1-3 3M5 11 3.500 9.500M6.500 3.500 8 2l1.500 1.500",
            Self::House => "M2 14h12M3.500 14V4.500L8 2l4.500 2.500V14M6.500 14v-3.500h3V14M6 7h.01M10 7h.01",
            Self::Gate => "M2 14V3h12v11M6 14V7h4v7M2 6h12",
            Self::Search => "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM14 14l-3.400-3.400",
            Self::More => "M3 8h.01M8 8h.01M13 8h.01",
            Self::Copy => "M6 6h8v8H6zM10 6V2H2v8h4",
            Self::Plus => "M8 3v10M3 8h10",
            Self::Done => "M3 8.500 6.500 12 13 4.500",
        }
    }

    /// Drawn in the colour of the text.
    pub(crate) fn draw(self) -> Markup {
        html! {
            svg .icon width="16" height="16" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5"
                stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" {
                path d=(self.lines()) {}
            }
        }
    }
}
