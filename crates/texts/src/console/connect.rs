//! The first call of a new connection.

/// The part of a page.
pub const TITLE: &str = "Connect from a shell";
/// What the line does.
pub const SIGN_IN_HINT: &str = "Signs a user in: the answer has the token of its session. Put in what stands in capitals; nobody can show it again.";
/// What the line does.
pub const WHOAMI_HINT: &str = "Asks who one is. Put in what stands in capitals; nobody can show it again.";
/// A placeholder.
pub const KEY: &str = "KEY";
/// A placeholder.
pub const PASSWORD: &str = "APPLICATION_PASSWORD";
/// A placeholder.
pub const USER_NAME: &str = "USER_NAME";
/// A placeholder.
pub const USER_PASSWORD: &str = "USER_PASSWORD";
/// A placeholder.
pub const TOKEN: &str = "TOKEN_OF_A_USER";
/// What the line does, right after an application was made.
pub const FIRST_HINT: &str = "Signs a user in; add one first under Web service - Users. The line has key and password in it: your shell may remember them.";
/// The same where users have tokens.
pub const FIRST_TOKEN_HINT: &str = "Asks who one is, with the token of a user; add one first under Web service - Users. \
    The line has the key in it: your shell may remember it.";
