//! The client against doors that do what doors and networks do; the real server's stand in `e2e`.
#![allow(clippy::disallowed_methods, reason = "how long a call took is what is asserted")]

mod call;
mod doors;
mod service;
