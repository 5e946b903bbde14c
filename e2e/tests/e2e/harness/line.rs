//! A line to PostgreSQL that can be cut: a server behind it lives on and reaches no database.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A line: whoever connects to its address reaches the database, while it is not cut.
pub struct Line {
    address: SocketAddr,
    database_url: String,
    is_cut: watch::Sender<bool>,
}

// === impl Line ===

impl Line {
    /// A line to the database of a `postgres://…@host:port/name` URL.
    pub async fn to(database_url: &str) -> Self {
        let (is_cut, watched) = watch::channel(false);
        let carry = move |mut near: TcpStream, mut far: TcpStream| {
            let mut watched = watched.clone();
            async move {
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    // Both ends are dropped with it, in the middle of whatever they were saying.
                    _ = watched.wait_for(|cut| *cut) => {}
                }
            }
        };
        Self { address: listen_before(database_url, carry).await, database_url: database_url.to_owned(), is_cut }
    }

    /// The database's URL by this line.
    pub fn url(&self) -> String {
        by(self.address, &self.database_url)
    }

    /// Ends all connections, and each new one at once.
    pub fn cut(&self) {
        self.is_cut.send_replace(true);
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.is_cut.send_replace(false);
    }
}

/// Listens on a free port, its answer, and gives `carry` each connection with one to the database.
pub async fn listen_before<F>(
    database_url: &str,
    carry: impl Fn(TcpStream, TcpStream) -> F + Send + Sync + 'static,
) -> SocketAddr
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let upstream = authority(database_url).to_owned();
    let carry = Arc::new(carry);
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let (upstream, carry) = (upstream.clone(), Arc::clone(&carry));
            tokio::spawn(async move {
                if let Ok(far) = connect(&near, &upstream).await {
                    carry(near, far).await;
                }
            });
        }
    });
    address
}

async fn connect(near: &TcpStream, upstream: &str) -> std::io::Result<TcpStream> {
    let far = TcpStream::connect(upstream).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    Ok(far)
}

/// The URL of a database that is reached by another address.
pub fn by(address: SocketAddr, database_url: &str) -> String {
    database_url.replacen(authority(database_url), &address.to_string(), 1)
}

/// `host:port` of a URL.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").expect("a URL").1;
    let host = rest.split('/').next().unwrap_or(rest);
    host.rsplit_once('@').map_or(host, |(_, host)| host)
}
