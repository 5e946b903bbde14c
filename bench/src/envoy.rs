//! What Envoy asks by gRPC: `envoy.service.auth.v3.CheckRequest`, written field by field.

use crate::fixture::{API, CLIENT_IP};

/// The method.
pub const METHOD: &str = "/envoy.service.auth.v3.Authorization/Check";

/// How the answer to a request that passes begins: gRPC's five bytes without the length, an empty status, what Envoy does.
pub const ALLOWED: [u8; 3] = [0x0a, 0x00, 0x1a];

/// The call for a client's request with a credential of `length` bytes: what stands before the credential, and behind it.
pub fn call(path: &str, length: usize) -> (Vec<u8>, Vec<u8>) {
    // In the place of the credential; nothing else of a call has it.
    let mark = vec![0; length];
    let authorization = [b"Bearer ", &mark[..]].concat();
    let lines: [(&str, &[u8]); 9] = [
        (":authority", b"api.github.com"),
        (":method", b"GET"),
        (":path", path.as_bytes()),
        (":scheme", b"http"),
        ("authorization", &authorization),
        ("user-agent", b"octokit/5"),
        ("accept", b"application/json"),
        ("x-forwarded-proto", b"http"),
        ("x-request-id", b"0c7d9c9c-6c1d-4b52-9f2b-4a4b1f0a3f5e"),
    ];
    let headers =
        lines.iter().flat_map(|(name, value)| field(3, &[field(1, name.as_bytes()), field(2, value)].concat()));
    let words = [(2, "GET"), (4, path), (5, "api.github.com"), (6, "http"), (10, "HTTP/1.1")];
    let http = words.iter().flat_map(|(number, word)| field(*number, word.as_bytes())).chain(headers);
    let request = field(4, &field(2, &http.collect::<Vec<_>>()));
    let source = field(1, &field(1, &field(1, &field(2, CLIENT_IP.as_bytes()))));
    let extensions = [("api", API), ("host", "api.github.com")];
    let extensions = extensions
        .iter()
        .flat_map(|(name, value)| field(10, &[field(1, name.as_bytes()), field(2, value.as_bytes())].concat()));
    let attributes = field(1, &[source, request, extensions.collect()].concat());
    let mut call = vec![0];
    call.extend_from_slice(&(attributes.len() as u32).to_be_bytes());
    call.extend_from_slice(&attributes);
    let at = call.windows(length).position(|part| part == mark).unwrap_or_default();
    let tail = call.split_off(at + length);
    call.truncate(at);
    (call, tail)
}

/// A field of protobuf that holds bytes, a text or a message.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![(number << 3) | 2];
    let mut rest = bytes.len();
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
    out.extend_from_slice(bytes);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_one_message_with_room_for_its_credential() {
        let (head, tail) = call("/repos/a/b", 40);
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        assert_eq!((head[0], length + 5), (0, head.len() + 40 + tail.len()));
        assert!(head.ends_with(b"Bearer "));
        assert_eq!(field(2, &[7; 300])[..4], [0x12, 0xac, 0x02, 7]);
    }
}
