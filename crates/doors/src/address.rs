//! Where a listener listens, and how it comes to be.

use std::fmt;
use std::fs::{File, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::tls::Tls;

/// Connections that may wait to be accepted, a listener.
const BACKLOG: i32 = 1_024;

/// An address to listen on: `127.0.0.1:7601` or `unix:/path`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Address {
    /// An IP address and port; port 0 takes a free one.
    Tcp(SocketAddr),
    /// The file of a Unix socket.
    Unix(PathBuf),
}

/// Where and how to listen.
#[derive(Debug, Clone)]
pub struct Listen {
    /// The address.
    pub address: Address,
    /// Who may open a Unix socket.
    pub socket_mode: SocketMode,
    /// TLS, where it is spoken.
    pub tls: Option<Tls>,
}

/// The mode of a Unix socket's file, in octal as `chmod` takes it: who may write the file may connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct SocketMode(u32);

/// A text that is no [`SocketMode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the mode of a file in octal, such as \"0660\"")]
pub struct InvalidSocketMode;

/// A text that is no address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an IP address and port such as 127.0.0.1:7601, or unix:/path")]
pub struct InvalidAddress;

/// Why the doors cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program listens there.
    #[error("{0} is taken: another program listens there; stop it or choose another address")]
    Taken(Address),
    /// The system refuses.
    #[error("cannot listen on {0}: {1}")]
    Refused(Address, io::Error),
}

/// Listeners of one address, one for each worker.
#[derive(Debug)]
pub(crate) enum Listeners {
    Tcp(SocketAddr, Vec<std::net::TcpListener>),
    Unix(PathBuf, Vec<UnixListener>),
}

/// Listens `count` times.
pub(crate) fn bind(listen: &Listen, count: usize) -> Result<Listeners, BindError> {
    let address = &listen.address;
    let bound = match address {
        Address::Tcp(address) => bind_tcp(*address, count),
        Address::Unix(path) => bind_shared_unix(path, listen.socket_mode, count),
    };
    bound.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => BindError::Taken(address.clone()),
        _ => BindError::Refused(address.clone(), error),
    })
}

/// The first socket is bound without `SO_REUSEPORT`, so that a port which another program holds, another Claviger
/// included, is refused; only then is it opened for the other workers' sockets.
fn bind_tcp(address: SocketAddr, count: usize) -> io::Result<Listeners> {
    let first = tcp_socket(address)?;
    first.bind(&address.into())?;
    let bound = first.local_addr()?.as_socket().ok_or(io::ErrorKind::Unsupported)?;
    if count > 1 {
        first.set_reuse_port(true)?;
    }
    first.listen(BACKLOG)?;
    let mut listeners = vec![first.into()];
    for _ in 1..count {
        let socket = tcp_socket(bound)?;
        socket.set_reuse_port(true)?;
        socket.bind(&bound.into())?;
        socket.listen(BACKLOG)?;
        listeners.push(socket.into());
    }
    Ok(Listeners::Tcp(bound, listeners))
}

fn tcp_socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the last run's closed connections; a listening socket still refuses a second one.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// One socket, accepted from by all workers.
fn bind_shared_unix(path: &Path, mode: SocketMode, count: usize) -> io::Result<Listeners> {
    let listener = bind_unix(path, mode)?;
    let mut listeners = Vec::with_capacity(count);
    for _ in 1..count {
        listeners.push(listener.try_clone()?);
    }
    listeners.push(listener);
    Ok(Listeners::Unix(path.to_owned(), listeners))
}

/// A listening Unix socket that does not block. The file of a program that is gone is replaced, that of a living one is
/// not ([`io::ErrorKind::AddrInUse`]).
pub fn bind_unix(path: &Path, mode: SocketMode) -> io::Result<UnixListener> {
    match new_unix(path, mode) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(path) => {
            std::fs::remove_file(path)?;
            new_unix(path, mode)
        }
        bound => bound,
    }
}

fn new_unix(path: &Path, mode: SocketMode) -> io::Result<UnixListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // Linux gives the file the socket's own mode, so there is no moment in which anybody else could connect.
    let socket = File::from(OwnedFd::from(socket));
    socket.set_permissions(Permissions::from_mode(SocketMode::OWN.0))?;
    let socket = Socket::from(OwnedFd::from(socket));
    socket.bind(&SockAddr::unix(path)?)?;
    std::fs::set_permissions(path, Permissions::from_mode(mode.0))?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(OwnedFd::from(socket).into())
}

fn is_abandoned(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket());
    is_socket && UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

// === impl SocketMode ===

impl SocketMode {
    /// The server's own user alone.
    pub const OWN: Self = Self(0o600);
}

impl Default for SocketMode {
    fn default() -> Self {
        Self::OWN
    }
}

impl FromStr for SocketMode {
    type Err = InvalidSocketMode;

    fn from_str(text: &str) -> Result<Self, InvalidSocketMode> {
        let is_octal = (3..=4).contains(&text.len()) && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
        let mode = if is_octal { u32::from_str_radix(text, 8).ok() } else { None };
        mode.filter(|mode| *mode <= 0o777).map(Self).ok_or(InvalidSocketMode)
    }
}

impl TryFrom<String> for SocketMode {
    type Error = InvalidSocketMode;

    fn try_from(text: String) -> Result<Self, InvalidSocketMode> {
        text.parse()
    }
}

impl From<SocketMode> for String {
    fn from(mode: SocketMode) -> Self {
        format!("{:04o}", mode.0)
    }
}

// === impl Listen ===

impl Listen {
    /// Without TLS, a Unix socket for the server's own user.
    pub fn plain(address: Address) -> Self {
        Self { address, socket_mode: SocketMode::OWN, tls: None }
    }
}

// === impl Address ===

impl Address {
    /// Whether only this machine's own programs can connect.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        match text.strip_prefix("unix:") {
            Some(path) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            Some(_) => Err(InvalidAddress),
            None => text.parse().map(Self::Tcp).map_err(|_| InvalidAddress),
        }
    }
}

impl TryFrom<String> for Address {
    type Error = InvalidAddress;

    fn try_from(text: String) -> Result<Self, InvalidAddress> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

// === impl Listeners ===

impl Listeners {
    pub(crate) fn address(&self) -> Address {
        match self {
            Self::Tcp(address, _) => Address::Tcp(*address),
            Self::Unix(path, _) => Address::Unix(path.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(address: &Address, count: usize) -> Result<Listeners, BindError> {
        super::bind(&Listen::plain(address.clone()), count)
    }

    fn loopback() -> Address {
        Address::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    #[test]
    fn a_taken_port_is_refused_though_it_is_shared_among_workers() {
        let first = bind(&loopback(), 3).expect("a free port");
        let taken = bind(&first.address(), 3).expect_err("the same port again");
        assert!(matches!(&taken, BindError::Taken(address) if *address == first.address()), "{taken}");
        assert!(matches!(first, Listeners::Tcp(_, sockets) if sockets.len() == 3));
    }

    #[test]
    fn an_abandoned_socket_file_is_replaced_and_a_living_one_kept() {
        let path = std::env::temp_dir().join(format!("claviger-doors-{}.sock", std::process::id()));
        let address = Address::Unix(path.clone());
        let living = bind(&address, 2).expect("a new file");
        assert!(matches!(bind(&address, 1), Err(BindError::Taken(_))));
        drop(living);
        assert!(path.exists() && bind(&address, 1).is_ok());
        std::fs::remove_file(path).expect("the file is there");
    }

    #[test]
    fn a_socket_file_has_the_mode_that_was_asked_for() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        for (text, mode) in [("0600", 0o600), ("0660", 0o660), ("666", 0o666)] {
            let path = folder.path().join(text);
            let _listener = bind_unix(&path, text.parse().expect(text)).expect("a new file");
            assert_eq!(std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o7777, mode);
        }
        for text in ["", "66", "0o660", "8", "06600", "1777", "-660", "rw-rw----"] {
            assert_eq!(text.parse::<SocketMode>(), Err(InvalidSocketMode), "{text}");
        }
        assert_eq!(String::from(SocketMode::default()), "0600");
    }

    #[test]
    fn addresses_survive_their_text() {
        for text in ["127.0.0.1:7601", "[::1]:7601", "unix:/run/claviger/doors.sock"] {
            assert_eq!(text.parse::<Address>().expect(text).to_string(), text);
        }
        for text in ["", "7601", "localhost:7601", "unix:", "unix:doors.sock", "127.0.0.1"] {
            assert_eq!(text.parse::<Address>(), Err(InvalidAddress), "{text}");
        }
        assert!("[::ffff:127.0.0.1]:1".parse::<Address>().expect("mapped").is_local());
        assert!(!"0.0.0.0:1".parse::<Address>().expect("any").is_local());
    }
}
