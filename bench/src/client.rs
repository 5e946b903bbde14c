//! One connection that sends one request after the other and waits for each answer: for what is not load.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;

use crate::Result;
use crate::load::header;

const SILENCE_MAX: Duration = Duration::from_secs(30);
const HEADERS_MAX: usize = 64;

/// A connection to a server.
pub struct Client {
    stream: TcpStream,
    address: SocketAddr,
    token: Option<String>,
    /// As they are sent back; empty without any.
    cookies: String,
}

/// An answer.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
    /// The cookies that it sets, without what browsers make of them.
    pub cookies: Vec<String>,
}

// === impl Client ===

impl Client {
    /// Connects; each request carries `token`.
    pub fn connect(address: SocketAddr, token: Option<&str>) -> Result<Self> {
        let stream = TcpStream::connect(address).map_err(|error| format!("{address}: {error}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        Ok(Self { stream, address, token: token.map(str::to_owned), cookies: String::new() })
    }

    /// Connects from an address of this machine, without a token.
    pub fn connect_from(runtime: &Runtime, from: IpAddr, address: SocketAddr) -> Result<Self> {
        let connecting = async {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::new(from, 0))?;
            socket.connect(address).await?.into_std()
        };
        let stream = runtime.block_on(connecting).map_err(|error| format!("{address} from {from}: {error}"))?;
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        Ok(Self { stream, address, token: None, cookies: String::new() })
    }

    /// Sends a request; a body is JSON.
    pub fn call(&mut self, method: &str, path: &str, body: &str) -> Result<Answer> {
        let authorization = self.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n"));
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{}{}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n\
             {body}",
            authorization.unwrap_or_default(),
            self.cookies,
            body.len()
        );
        self.stream.write_all(request.as_bytes())?;
        self.receive().map_err(|error| format!("{method} {path} at {}: {error}", self.address).into())
    }

    /// Sends the cookies of an answer with each request from now on.
    pub fn keep_cookies(&mut self, answer: &Answer) {
        self.cookies = format!("Cookie: {}\r\n", answer.cookies.join("; "));
    }

    /// Sends a request of the management API that must be answered with 200 or 201.
    pub fn done(&mut self, method: &str, path: &str) -> Result<Value> {
        let answer = self.call(method, &format!("/api/v1{path}"), "")?;
        if !matches!(answer.status, 200 | 201) {
            let text = String::from_utf8_lossy(&answer.body);
            return Err(format!("{method} {path} at {}: {} {text}", self.address, answer.status).into());
        }
        Ok(serde_json::from_slice(&answer.body)?)
    }

    fn receive(&mut self) -> Result<Answer> {
        let mut bytes = Vec::new();
        loop {
            let mut piece = [0; 16 * 1024];
            let read = self.stream.read(&mut piece)?;
            if read == 0 {
                return Err("the connection was closed".into());
            }
            bytes.extend_from_slice(&piece[..read]);
            let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
            let mut head = httparse::Response::new(&mut headers);
            let httparse::Status::Complete(body_at) = head.parse(&bytes)? else { continue };
            let length = header(&head, "content-length").ok_or("an answer without a length")?;
            let length: usize = std::str::from_utf8(length)?.parse()?;
            if bytes.len() >= body_at + length {
                let cookies = head.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("set-cookie"));
                let cookies = cookies.map(|cookie| String::from_utf8_lossy(cookie.value));
                let cookies = cookies.map(|cookie| cookie.split(';').next().unwrap_or_default().to_owned()).collect();
                return Ok(Answer { status: head.code.unwrap_or_default(), body: bytes[body_at..].to_vec(), cookies });
            }
        }
    }
}
