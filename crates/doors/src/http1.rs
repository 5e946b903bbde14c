//! HTTP/1.1 by hand, for plain requests; every other one is hyper's.
//!
//! Reading and writing heads is most of what a verdict costs beside the system's socket work, so each connection begins
//! here. What is no plain request (`head.rs`) goes to hyper with all that was read of it and all that comes behind it, and
//! never comes back, so nothing here answers an error of the protocol.
//!
//! # Why it cannot read a request in another way than hyper
//!
//! Smuggling needs two readers who disagree about where a request ends. Here:
//!
//! - The parser is hyper's own, httparse, without options. Where it is lenient (empty lines before a request, a bare line
//!   feed as the end of a line) the request is not plain.
//! - A body has the length that the one `Content-Length` says in digits alone, or none. `Transfer-Encoding`, whatever it
//!   says, a second length, a sign, a comma, white space inside: not plain. There are no trailers and no chunks.
//! - What makes a request be handled otherwise is not plain: HTTP/1.0 and 2, `HEAD` and `CONNECT`, `Expect`, `Upgrade`,
//!   `Connection` with anything but one of `close` and `keep-alive`, a target in another form than a path, or with
//!   characters that a reader of addresses treats in a way of its own.
//! - Behind a request the next one begins at the byte that its length says. A body that no door reads is not plain; one
//!   that is refused before it has arrived ends the connection.
//! - Which header lines count, and how often each may stand there, is decided by the same code as for hyper's requests:
//!   both are `Lines`.
//!
//! Tests send the same bytes, cut at every place, to both and compare; a fuzz target compares what is read here with what
//! hyper reads of the same bytes.

mod connection;
mod date;
mod head;
#[cfg(test)]
mod tests;

pub use head::{HEAD_BYTES_MAX, Head, LINES_MAX, Reading, Room, may_end, read, room};

pub(crate) use connection::{Left, serve};
