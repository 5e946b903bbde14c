//! What callers send so that their logs and ours can be laid side by side: `X-Request-Id` and `traceparent`.
//!
//! Neither is believed: whatever names something in our records is our own. What is not well-formed counts as not sent.

use std::fmt;

use crate::redact::redact;

/// The most bytes of a caller's request id.
pub const CALLER_ID_BYTES_MAX: usize = 128;

/// The id of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceId(pub u128);

/// A position in a trace that began elsewhere, as `traceparent` names it (W3C Trace Context, 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace; never zero.
    pub trace: TraceId,
    /// The caller's span in it; never zero.
    pub parent: u64,
    /// Whether the caller records the trace.
    pub is_sampled: bool,
}

/// A caller's id of its request: 1 to [`CALLER_ID_BYTES_MAX`] letters, digits and `-._~:/+=@`, and nothing like a key.
pub fn caller_id(value: &[u8]) -> Option<&str> {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:/+=@".contains(byte);
    if value.is_empty() || value.len() > CALLER_ID_BYTES_MAX || !value.iter().all(fits) {
        return None;
    }
    let text = std::str::from_utf8(value).ok()?;
    // It goes into the log and into the answer.
    (redact(text) == text).then_some(text)
}

// === impl TraceParent ===

impl TraceParent {
    /// Reads a header's value: version, trace, parent and flags in lower-case hexadecimal. Of a version later than ours
    /// what ours defines is read (4.3).
    pub fn parse(value: &[u8]) -> Option<Self> {
        const LENGTH: usize = 55;
        let (known, more) = value.split_at_checked(LENGTH)?;
        let dashes = [2, 35, 52].iter().all(|at| known[*at] == b'-');
        let version = hexadecimal(&known[..2])?;
        let is_whole = if version == 0 { more.is_empty() } else { more.first().is_none_or(|byte| *byte == b'-') };
        if !dashes || !is_whole || version == 0xff {
            return None;
        }
        let (trace, parent) = (hexadecimal(&known[3..35])?, hexadecimal(&known[36..52])?);
        let flags = hexadecimal(&known[53..])?;
        (trace != 0 && parent != 0).then_some(Self {
            trace: TraceId(trace),
            parent: parent as u64,
            is_sampled: flags & 1 == 1,
        })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{:016x}-{:02x}", self.trace, self.parent, u8::from(self.is_sampled))
    }
}

// === impl TraceId ===

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// At most 32 digits, upper case refused.
fn hexadecimal(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_example_of_the_standard_is_read() {
        let parent = TraceParent::parse(EXAMPLE.as_bytes()).expect("well-formed");
        assert_eq!((parent.trace.0, parent.parent), (0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, 0x00f0_67aa_0ba9_02b7));
        assert!(parent.is_sampled);
        assert_eq!(parent.to_string(), EXAMPLE);
        let unsampled = TraceParent::parse(EXAMPLE.replace("-01", "-02").as_bytes()).expect("another flag");
        assert!(!unsampled.is_sampled);
    }

    #[test]
    fn a_later_version_may_say_more() {
        for (version, more, is_read) in
            [("cc", "-what-comes", true), ("cc", "", true), ("cc", ".x", false), ("00", "-x", false), ("ff", "", false)]
        {
            let value = format!("{version}{}{more}", &EXAMPLE[2..]);
            assert_eq!(TraceParent::parse(value.as_bytes()).is_some(), is_read, "{value}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        let zero_trace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let zero_parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        let (upper, cut, spaced) = (EXAMPLE.to_uppercase(), &EXAMPLE[..54], format!(" {EXAMPLE}"));
        let joined = EXAMPLE.replace('-', "_");
        let signed = EXAMPLE.replacen("4b", "+b", 1);
        for value in [zero_trace, zero_parent, &upper, cut, &spaced, &joined, &signed, "", "00", "\u{e9}"] {
            assert_eq!(TraceParent::parse(value.as_bytes()), None, "{value:?}");
        }
        for at in 0..EXAMPLE.len() {
            let mut bytes = EXAMPLE.as_bytes().to_vec();
            bytes[at] = b'g';
            assert_eq!(TraceParent::parse(&bytes), None, "at {at}");
        }
    }

    #[test]
    fn a_caller_s_id_is_short_plain_and_no_key() {
        for id in ["a", "3f2b1c9a-0000-4c11-9d2f-1d5e6a7b8c9d", "Root=1-5759e988-bd862e3fe1be46a9", "req_a:b/c@d+e~f."]
        {
            assert_eq!(caller_id(id.as_bytes()), Some(id));
        }
        let (longest, longer) = ("x".repeat(CALLER_ID_BYTES_MAX), "x".repeat(CALLER_ID_BYTES_MAX + 1));
        assert_eq!(caller_id(longest.as_bytes()), Some(&*longest));
        let key = format!("clv_live_{}", "a".repeat(38));
        for id in ["", " a", "a b", "a\r\nx: y", "a\"", "a{b}", "a,b", "\u{e9}", &longer, &key] {
            assert_eq!(caller_id(id.as_bytes()), None, "{id:?}");
        }
    }
}
