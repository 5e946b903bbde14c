//! A client of gRPC: one call over a connection of its own.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::TcpStream;

/// Bytes before a message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// Calls a method of one message, with lines of metadata; the message that it answers, or the code of gRPC that it fails with.
pub async fn call<M: Message + Default>(
    address: SocketAddr,
    path: &str,
    message: &impl Message,
    metadata: &[(&str, &str)],
) -> Result<M, String> {
    let stream = TcpStream::connect(address).await.expect("open doors");
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.expect("HTTP/2");
    tokio::spawn(connection);
    let request = Request::post(format!("http://{address}{path}")).header("te", "trailers");
    let request = request.header("content-type", "application/grpc");
    let request = metadata.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let body = message.encode_to_vec();
    let length = u32::try_from(body.len()).expect("a short message").to_be_bytes();
    let request = request.body(Full::new(Bytes::from([&[0][..], &length, &body].concat()))).expect("a request");
    let (head, body) = sender.send_request(request).await.expect("an answer").into_parts();
    let body = body.collect().await.expect("a whole answer");
    let status = head.headers.get("grpc-status").or(body.trailers().and_then(|trailers| trailers.get("grpc-status")));
    let status = status.and_then(|status| status.to_str().ok()).expect("a status").to_owned();
    let bytes = body.to_bytes();
    if status == "0" { Ok(M::decode(&bytes[PREFIX_BYTES..]).expect("a message")) } else { Err(status) }
}
