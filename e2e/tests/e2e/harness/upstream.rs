//! An upstream that echoes what it was sent, and every way in which an upstream could have understood it.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A running echo server; it ends with the value.
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

const HEAD_BYTES_MAX: usize = 64 * 1024;

// === impl Upstream ===

impl Upstream {
    /// Listens on a free port of the loopback.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    // A gateway that hangs up is no matter of the upstream's.
                    let _ = echo(stream).await;
                });
            }
        });
        Self { address, task }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if bytes.len() > HEAD_BYTES_MAX || stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let line = lines.next().unwrap_or_default();
    let (method, rest) = line.split_once(' ').unwrap_or((line, ""));
    let target = rest.rsplit_once(' ').map_or(rest, |(target, _)| target);
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| [name.to_ascii_lowercase(), value.trim().to_owned()])
        .collect();
    let body = json!({ "upstream": true, "method": method, "target": target, "headers": headers }).to_string();
    let length = body.len();
    let body = if method == "HEAD" { String::new() } else { body };
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         X-Upstream-Method: {method}\r\nX-Upstream-Target: {target}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

/// Every path that some upstream could take `target` for: decoded or not, once or twice, dots resolved or not, slashes
/// merged, parameters after `;` dropped, backslashes as slashes, cut at NUL, `#` or an encoded `?`, case folded.
pub fn understandings(target: &str) -> BTreeSet<String> {
    let path = target.split('?').next().unwrap_or_default();
    let path = match path.find("://") {
        Some(at) => path[at + 3..].find('/').map_or("/", |slash| &path[at + 3 + slash..]),
        None => path,
    };
    let mut found = BTreeSet::from([path.to_owned()]);
    let readings: [fn(&str) -> String; 10] = [
        decode,
        |path| path.replace('\\', "/"),
        |path| path.split('#').next().unwrap_or_default().to_owned(),
        |path| path.split('?').next().unwrap_or_default().to_owned(),
        |path| path.split('\0').next().unwrap_or_default().to_owned(),
        |path| path.split('/').map(|s| s.split(';').next().unwrap_or_default()).collect::<Vec<_>>().join("/"),
        resolve_dots,
        merge_slashes,
        |path| path.to_lowercase(),
        |path| if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { path.to_owned() },
    ];
    // To the fixed point: each reading of each reading; the set is finite because every reading shortens or folds.
    loop {
        let more: BTreeSet<String> = found.iter().flat_map(|path| readings.map(|reading| reading(path))).collect();
        let before = found.len();
        found.extend(more);
        if found.len() == before {
            return found;
        }
    }
}

fn decode(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match (bytes[at], digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            (byte, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    // Overlong forms of '.' and '/', which lax decoders take.
    String::from_utf8_lossy(&decoded).replace("\u{fffd}\u{fffd}", ".")
}

fn resolve_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}

fn merge_slashes(path: &str) -> String {
    let mut merged = path.to_owned();
    while merged.contains("//") {
        merged = merged.replace("//", "/");
    }
    merged
}

#[test]
fn an_upstream_may_understand_a_path_in_many_ways() {
    let all = understandings("/repos/o/r/issues/..%2fpulls");
    assert!(all.contains("/repos/o/r/pulls") && all.contains("/repos/o/r/issues/..%2fpulls"));
    assert!(understandings("/repos/o/r/%C0%AE%C0%AE/pulls").contains("/repos/o/pulls"));
    assert_eq!(understandings("/repos/o/r/issues?x=/../").len(), 1);
}
