//! Backups of the whole installation: the operator's.

mod create;
pub mod http;
mod restored;

pub use create::backup;
pub use restored::restored;
