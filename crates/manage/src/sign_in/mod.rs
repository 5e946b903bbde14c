//! Signing in: from a password, and a code of those who have a second factor, to a session in one browser, and what a person does with their sessions and password.
//!
//! A session's token is a cookie; the database has its keyed digest. Sessions are read from the database at each request, so one
//! that ends has ended on every node. What is open to whoever has no session costs one computation of a password's hash in a bounded
//! pool, whoever is named, and is counted before it is made.

mod attempts;
mod challenge;
mod code;
#[cfg(test)]
mod code_tests;
mod cookies;
mod enter;
pub(crate) mod http;
mod password;
mod session;
mod step_up;
#[cfg(test)]
pub(crate) mod tests;
mod token;
mod visit;
mod wire;

pub(crate) use attempts::{Origin, Tried, begin as begin_attempt, counter as attempt_counter};
pub use challenge::CodeNeeded;
pub use code::{SignInCode, enter_code};
pub use enter::{Entered, SignedIn, sign_in};
pub use password::{ChangePassword, change_password};
pub(crate) use session::session_ctx;
pub use session::{end, end_others, list, sign_out, switch};
pub(crate) use step_up::session_try;
pub use step_up::{StepUp, step_up};
pub use token::Token;
pub use visit::Visit;
pub use wire::{SessionView, SignIn};
