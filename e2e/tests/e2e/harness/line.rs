//! A line to PostgreSQL that can be cut: a server behind it lives on and reaches no database.

use std::net::SocketAddr;

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
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let upstream = authority(database_url).to_owned();
        let (is_cut, watched) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let mut watched = watched.clone();
                let upstream = upstream.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = carry(near, &upstream) => {}
                        // Both ends are dropped with it, in the middle of whatever they were saying.
                        _ = watched.wait_for(|cut| *cut) => {}
                    }
                });
            }
        });
        Self { address, database_url: database_url.to_owned(), is_cut }
    }

    /// The database's URL by this line.
    pub fn url(&self) -> String {
        self.database_url.replacen(authority(&self.database_url), &self.address.to_string(), 1)
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

async fn carry(mut near: TcpStream, upstream: &str) -> std::io::Result<()> {
    let mut far = TcpStream::connect(upstream).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    tokio::io::copy_bidirectional(&mut near, &mut far).await.map(|_| ())
}

/// `host:port` of a URL.
pub fn authority(url: &str) -> &str {
    let rest = url.split_once("://").expect("a URL").1;
    let host = rest.split('/').next().unwrap_or(rest);
    host.rsplit_once('@').map_or(host, |(_, host)| host)
}
