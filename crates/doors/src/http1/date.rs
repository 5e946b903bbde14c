//! The `Date` of answers, written once a second.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use httpdate::HttpDate;

use crate::request_id::Id;

/// The last second that it may be (the end of the year 9999): what comes after is written as that.
const SECOND_MAX: u64 = 253_402_300_799;

/// The line as it was written last.
#[derive(Debug, Default)]
pub(crate) struct Date {
    second: Option<u64>,
    line: String,
}

// === impl Date ===

impl Date {
    /// The header line of the second in which the request got its id.
    pub(crate) fn line(&mut self, id: &Id) -> &[u8] {
        let second = id.unix_seconds().min(SECOND_MAX);
        if self.second != Some(second) {
            self.second = Some(second);
            self.line.clear();
            // Writing to a string does not fail.
            let _ = write!(self.line, "date: {}\r\n", HttpDate::from(UNIX_EPOCH + Duration::from_secs(second)));
        }
        self.line.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use claviger_domain::testing::FixedRandom;
    use claviger_domain::{RequestId, Timestamp};

    use super::*;

    #[test]
    fn the_date_is_that_of_the_request() {
        let mut date = Date::default();
        let mut of = |id| String::from_utf8(date.line(&Id::new(id)).to_vec()).expect("ASCII");
        let at = |micros| RequestId::new(Timestamp::from_micros(micros), &FixedRandom::new(1));
        assert_eq!(of(at(784_111_777_999_999)), "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
        assert_eq!(of(at(784_111_778_000_000)), "date: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
        assert_eq!(of(at(0)), "date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
        assert_eq!(of(RequestId::from_raw(u128::MAX)), "date: Fri, 31 Dec 9999 23:59:59 GMT\r\n");
    }
}
