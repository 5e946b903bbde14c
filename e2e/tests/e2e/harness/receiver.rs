//! A receiver of webhooks: keeps what it was sent, and answers as it is told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How it answers.
#[derive(Debug, Clone)]
pub enum Manner {
    /// With this status.
    Status(u16),
    /// With a redirection.
    Redirect(String),
    /// Never.
    Hang,
}

/// What it was sent.
#[derive(Debug, Clone)]
pub struct Received {
    /// The path.
    pub path: String,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// A running receiver; it ends with the value.
pub struct Receiver {
    /// Where it listens.
    pub address: SocketAddr,
    manner: Arc<Mutex<Manner>>,
    received: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

// === impl Received ===

impl Received {
    /// A header; empty where there is none.
    pub fn header(&self, name: &str) -> String {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

// === impl Receiver ===

impl Receiver {
    /// Listens on a free port of the loopback.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let manner = Arc::new(Mutex::new(Manner::Status(200)));
        let received = Arc::new(Mutex::new(Vec::new()));
        let (manner_of, received_of) = (Arc::clone(&manner), Arc::clone(&received));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (manner, received) = (Arc::clone(&manner_of), Arc::clone(&received_of));
                tokio::spawn(async move {
                    // A sender that hangs up is no matter of the receiver's.
                    let _ = answer(stream, &manner, &received).await;
                });
            }
        });
        Self { address, manner, received, task }
    }

    /// Where it is called.
    pub fn url(&self) -> String {
        format!("http://{}/events?from=claviger", self.address)
    }

    /// Answers so from now on.
    pub fn answer(&self, manner: Manner) {
        *self.manner.lock().expect("nobody panics") = manner;
    }

    /// All that it was sent so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("nobody panics").clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: TcpStream, manner: &Mutex<Manner>, received: &Mutex<Vec<Received>>) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let path = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut sent = Received { path, headers, body: String::new() };
    let length: usize = sent.header("content-length").parse().unwrap_or_default();
    while bytes.len() < end + 4 + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    }
    sent.body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
    received.lock().expect("nobody panics").push(sent);
    let manner = manner.lock().expect("nobody panics").clone();
    let answer = match manner {
        Manner::Status(status) => format!("HTTP/1.1 {status} X\r\ncontent-length: 4\r\n\r\nwell"),
        Manner::Redirect(to) => format!("HTTP/1.1 307 X\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"),
        Manner::Hang => {
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await?;
            return Ok(());
        }
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}
