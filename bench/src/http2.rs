//! HTTP/2 as far as a gRPC client needs it that sends one call after the other on each connection: by hand, as the generator is.

use crate::Result;

/// What a client sends first (RFC 9113, 3.4), with empty settings behind it, and room for 2 GiB of answers: more than a run has.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\
    \x00\x00\x00\x04\x00\x00\x00\x00\x00\
    \x00\x00\x04\x08\x00\x00\x00\x00\x00\x7f\xff\x00\x00";

const FRAME_HEAD: usize = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
/// On DATA and HEADERS: no more of this stream.
const END_STREAM: u8 = 1;
/// On HEADERS: all of them.
const END_HEADERS: u8 = 4;
/// On SETTINGS and PING.
const ACK: u8 = 1;
/// Of HPACK's tables: `:method: POST`, `:scheme: http`, and what a first call adds to the connection's own (places 65 to
/// 62), the last first.
const KNOWN: [u8; 2] = [0x83, 0x86];
const ADDED: [u8; 4] = [0xc1, 0xc0, 0xbf, 0xbe];

/// A connection's side of the client.
pub struct Http2 {
    /// The headers of its first call; what they add to the tables stands for them from then on.
    headers: Vec<u8>,
    /// The number of the last call's stream.
    stream: u32,
    /// What came of its answer.
    message: Vec<u8>,
}

// === impl Http2 ===

impl Http2 {
    /// A client that calls the method at `path`.
    pub fn new(path: &str) -> Self {
        let mut headers = KNOWN.to_vec();
        // With a name of the static table (4 `:path`, 1 `:authority`, 31 `content-type`), and with one of its own.
        push_literal(&mut headers, &[0x40 | 4], path);
        push_literal(&mut headers, &[0x40 | 1], "claviger");
        push_literal(&mut headers, &[0x40 | 31], "application/grpc");
        push_literal(&mut headers, b"\x40\x02te", "trailers");
        Self { headers, stream: 0, message: Vec::new() }
    }

    /// Appends a call whose message stands in `parts`, and before the first one what a connection begins with.
    pub fn push_call(&mut self, out: &mut Vec<u8>, parts: &[&[u8]]) {
        if self.stream == 0 {
            out.extend_from_slice(HELLO);
            self.stream = 1;
            push_frame(out, HEADERS, END_HEADERS, self.stream, &[&self.headers]);
        } else {
            self.stream += 2;
            push_frame(out, HEADERS, END_HEADERS, self.stream, &[&KNOWN, &ADDED]);
        }
        self.message.clear();
        push_frame(out, DATA, END_STREAM, self.stream, parts);
    }

    /// Takes the whole frames that `bytes` begin with: how many bytes they have, and whether the answer is complete with them.
    /// What the server has to be told stands in `reply`.
    pub fn take(&mut self, bytes: &[u8], reply: &mut Vec<u8>) -> Result<(usize, bool)> {
        let (mut taken, mut is_complete) = (0, false);
        while let Some((head, rest)) = bytes[taken..].split_first_chunk::<FRAME_HEAD>() {
            let &[a, b, c, kind, flags, ..] = head;
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            let Some(payload) = rest.get(..length) else { break };
            match kind {
                DATA => self.message.extend_from_slice(payload),
                SETTINGS if flags & ACK == 0 => push_frame(reply, SETTINGS, ACK, 0, &[]),
                PING if flags & ACK == 0 => push_frame(reply, PING, ACK, 0, &[payload]),
                RST_STREAM | GOAWAY => return Err(format!("frame {kind} of HTTP/2: {payload:?}").into()),
                _ => {}
            }
            is_complete |= matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0;
            taken += FRAME_HEAD + length;
        }
        Ok((taken, is_complete))
    }

    /// The answer's message, with gRPC's five bytes before it.
    pub fn message(&self) -> &[u8] {
        &self.message
    }
}

fn push_frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, parts: &[&[u8]]) {
    let length = parts.iter().map(|part| part.len()).sum::<usize>() as u32;
    out.extend_from_slice(&length.to_be_bytes()[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    for part in parts {
        out.extend_from_slice(part);
    }
}

/// A header that goes into the connection's table (RFC 7541, 6.2.1): its name as `name` writes it, its value of less than 127 bytes.
fn push_literal(out: &mut Vec<u8>, name: &[u8], value: &str) {
    out.extend_from_slice(name);
    out.push(value.len() as u8);
    out.extend_from_slice(value.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        push_frame(&mut out, kind, flags, 1, &[payload]);
        out
    }

    #[test]
    fn an_answer_is_complete_with_its_last_frame_however_it_is_cut() {
        let frames =
            [frame(SETTINGS, 0, b""), frame(HEADERS, END_HEADERS, b"h"), frame(DATA, 0, b"12"), frame(DATA, 0, b"3")];
        let end = frame(HEADERS, END_HEADERS | END_STREAM, b"t");
        let bytes = [frames.concat(), end].concat();
        for cut in 0..bytes.len() {
            let (mut client, mut reply) = (Http2::new("/a"), Vec::new());
            let (taken, is_complete) = client.take(&bytes[..cut], &mut reply).expect("frames");
            assert!(taken <= cut && !is_complete, "{cut}");
            let (rest, is_complete) = client.take(&bytes[taken..], &mut reply).expect("frames");
            assert!(is_complete && taken + rest == bytes.len(), "{cut}");
            assert_eq!(
                (client.message(), &reply[..]),
                (&b"123"[..], &frame(SETTINGS, ACK, b"")[..5].iter().copied().chain([0; 4]).collect::<Vec<_>>()[..])
            );
        }
        assert!(Http2::new("/a").take(&frame(GOAWAY, 0, b"why"), &mut Vec::new()).is_err());
    }

    #[test]
    fn calls_have_streams_of_their_own_and_the_first_one_says_what_a_connection_begins_with() {
        let (mut client, mut first, mut second) = (Http2::new("/a"), Vec::new(), Vec::new());
        client.push_call(&mut first, &[b"x", b"y"]);
        client.push_call(&mut second, &[b"z"]);
        assert!(first.starts_with(HELLO) && first.ends_with(b"\x00\x00\x02\x00\x01\x00\x00\x00\x01xy"));
        assert!(second.starts_with(b"\x00\x00\x06\x01\x04\x00\x00\x00\x03") && second.ends_with(b"\x00\x00\x00\x03z"));
    }
}
