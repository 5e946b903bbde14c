//! Doors that answer as a test says, and count who comes.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub const VALID: &str = r#"{"valid":true,"code":"VALID","request_id":"r","organization":"org_1","key":{"id":"key_1","name":"Tester","environment":"live","hint":"clv_live_…","owner":{"type":"organization","id":"org_1","name":"Acme"},"api_sets":[],"external_id":null,"metadata":{},"expires_at":null},"api_user":null,"api":"shop","operation":"shop:get","limits":[{"name":"minute","limit":60,"remaining":59,"reset_seconds":1}]}"#;

/// One answer.
#[derive(Clone)]
pub enum Act {
    /// Status line, further header lines, body.
    Answer(u16, &'static str, String),
    /// The connection ends without an answer.
    HangUp,
    /// Nothing, for so long.
    Wait(Duration),
}

#[derive(Clone)]
pub struct Doors {
    pub address: SocketAddr,
    script: Arc<Mutex<VecDeque<Act>>>,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Doors {
    /// Answers by the script, its last line for ever.
    pub async fn start(script: impl IntoIterator<Item = Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let doors = Self {
            address: listener.local_addr().expect("an address"),
            script: Arc::new(Mutex::new(script.into_iter().collect())),
            connections: Arc::default(),
            requests: Arc::default(),
        };
        let shared = doors.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(shared.clone().serve(stream));
            }
        });
        doors
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Each with its head and its body.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("nobody panicked").clone()
    }

    async fn serve(self, mut stream: TcpStream) {
        while let Some(request) = read(&mut stream).await {
            self.requests.lock().expect("nobody panicked").push(request);
            let act = {
                let mut script = self.script.lock().expect("nobody panicked");
                if script.len() > 1 { script.pop_front() } else { script.front().cloned() }
            };
            match act.expect("a script") {
                Act::HangUp => return,
                Act::Wait(time) => tokio::time::sleep(time).await,
                Act::Answer(status, headers, body) => {
                    let length = body.len();
                    let answer = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}");
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

pub fn valid() -> Act {
    Act::Answer(200, "", VALID.to_owned())
}

/// A refusal in few words.
pub fn refused(code: &str) -> Act {
    let body = format!(
        r#"{{"valid":false,"code":"{code}","request_id":"r","detail":"No.","api_user":null,"api":null,"operation":null,"limits":[]}}"#
    );
    Act::Answer(200, "", body)
}

pub fn busy(headers: &'static str) -> Act {
    Act::Answer(503, headers, r#"{"code":"busy"}"#.to_owned())
}

/// An address at which nobody listens.
pub async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_lowercase();
            let length = length.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
}
