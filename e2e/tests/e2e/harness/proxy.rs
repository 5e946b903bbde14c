//! A proxy before PostgreSQL that understands its messages (the manual's "Frontend/Backend Protocol"), and does to them what
//! networks do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::line::{by, listen_before};

/// The type byte of a notification for a listener.
const NOTIFICATION: u8 = b'A';
/// The type byte of the end of an answer.
const READY: u8 = b'Z';
/// What a transaction writes that makes a key, and no other: usage is written all the time too.
pub const MAKES_A_KEY: &[u8] = b"key.create";
/// What a transaction writes that says which key was used.
pub const WRITES_USES: &[u8] = b"\"code\":\"VALID\"";

/// A proxy on a free port.
pub struct Proxy {
    address: SocketAddr,
    database_url: String,
    faults: Arc<Faults>,
}

/// What befalls messages.
#[derive(Default)]
pub struct Faults {
    /// No listener is notified.
    pub swallow_notifications: AtomicBool,
    /// The next COMMIT of such a transaction is lost on its way, with the connection.
    pub lose_next_commit: AtomicBool,
    /// The answer to the next COMMIT of such a transaction is lost, with the connection.
    pub lose_next_commits_answer: AtomicBool,
    /// Which transactions: what they write.
    mark: &'static [u8],
}

// === impl Proxy ===

impl Proxy {
    /// A proxy before the superuser's database of the server on this port of the machine.
    pub async fn before(port: u16, mark: &'static [u8]) -> Self {
        Self::before_database(&format!("postgres://postgres@127.0.0.1:{port}/postgres"), mark).await
    }

    /// A proxy before a database; COMMITs of transactions that write `mark` can be lost.
    pub async fn before_database(database_url: &str, mark: &'static [u8]) -> Self {
        let faults = Arc::new(Faults { mark, ..Faults::default() });
        let shared = Arc::clone(&faults);
        let carry = move |client, server| relay(client, server, Arc::clone(&shared));
        let address = listen_before(database_url, carry).await;
        Self { address, database_url: database_url.to_owned(), faults }
    }

    /// The database's URL through the proxy. Without TLS, whose request would be no message of the protocol.
    pub fn url(&self) -> String {
        format!("{}?sslmode=disable", by(self.address, &self.database_url))
    }

    /// What befalls messages from now on.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

/// Until either side closes, or a fault ends both.
async fn relay(client: TcpStream, server: TcpStream, faults: Arc<Faults>) {
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let answer_is_lost = Arc::new(AtomicBool::new(false));
    tokio::select! {
        _ = questions(from_client, to_server, &faults, &answer_is_lost) => {}
        _ = answers(from_server, to_client, &faults, &answer_is_lost) => {}
    }
}

async fn questions(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    faults: &Faults,
    answer_is_lost: &AtomicBool,
) -> std::io::Result<()> {
    // The first message has no type.
    let length = from.read_u32().await?;
    to.write_all(&length.to_be_bytes()).await?;
    to.write_all(&body(&mut from, length).await?).await?;
    let mut is_marked = false;
    loop {
        let (kind, body) = message(&mut from).await?;
        is_marked |= body.windows(faults.mark.len()).any(|part| part == faults.mark);
        if kind == b'Q' && body.starts_with(b"COMMIT") && std::mem::take(&mut is_marked) {
            if faults.lose_next_commit.swap(false, Ordering::SeqCst) {
                return Ok(());
            }
            if faults.lose_next_commits_answer.swap(false, Ordering::SeqCst) {
                answer_is_lost.store(true, Ordering::SeqCst);
            }
        }
        pass_on(&mut to, kind, &body).await?;
    }
}

async fn answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    faults: &Faults,
    is_lost: &AtomicBool,
) -> std::io::Result<()> {
    loop {
        let (kind, body) = message(&mut from).await?;
        if is_lost.load(Ordering::SeqCst) {
            // Its end has come: the server has committed.
            if kind == READY {
                return Ok(());
            }
        } else if kind != NOTIFICATION || !faults.swallow_notifications.load(Ordering::SeqCst) {
            pass_on(&mut to, kind, &body).await?;
        }
    }
}

async fn message(from: &mut OwnedReadHalf) -> std::io::Result<(u8, Vec<u8>)> {
    let (kind, length) = (from.read_u8().await?, from.read_u32().await?);
    Ok((kind, body(from, length).await?))
}

/// The length counts itself.
async fn body(from: &mut OwnedReadHalf, length: u32) -> std::io::Result<Vec<u8>> {
    let mut body = vec![0; length.saturating_sub(4) as usize];
    from.read_exact(&mut body).await?;
    Ok(body)
}

async fn pass_on(to: &mut OwnedWriteHalf, kind: u8, body: &[u8]) -> std::io::Result<()> {
    let mut bytes = vec![kind];
    bytes.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    bytes.extend_from_slice(body);
    to.write_all(&bytes).await
}
