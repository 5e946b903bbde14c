//! The bytes of a dump, a buffer at a time, and the line that is being read.

use std::io::{ErrorKind, Read};

use crate::DumpError;

/// Bytes that are read at once.
const BUFFER: usize = 64 * 1024;

/// Where a dump is read from.
pub(crate) struct Source<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    has_ended: bool,
    line: u64,
}

// === impl Source ===

impl<R: Read> Source<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, buffer: vec![0; BUFFER], start: 0, end: 0, has_ended: false, line: 1 }
    }

    /// The number of the line that comes next, from 1 on.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// What comes next: `count` bytes at the least, unless the dump ends before.
    pub(crate) fn ahead(&mut self, count: usize) -> Result<&[u8], DumpError> {
        while self.end - self.start < count && !self.has_ended {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, self.end - self.start);
            }
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.has_ended = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(DumpError::Read(error)),
            }
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// What comes next, up to `count` bytes, whatever more the buffer holds.
    pub(crate) fn beginning(&mut self, count: usize) -> Result<&[u8], DumpError> {
        let ahead = self.ahead(count)?;
        Ok(&ahead[..ahead.len().min(count)])
    }

    /// The byte that comes next.
    pub(crate) fn peek(&mut self) -> Result<Option<u8>, DumpError> {
        Ok(self.ahead(1)?.first().copied())
    }

    /// Passes over so many bytes of what is [`Self::ahead`].
    pub(crate) fn pass(&mut self, count: usize) {
        let passed = &self.buffer[self.start..self.start + count];
        self.line += passed.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        self.start += count;
    }

    /// Passes over everything up to the first of the bytes that `is_end` knows, and that one too; `None`: there is none.
    pub(crate) fn pass_until(&mut self, is_end: impl Fn(u8) -> bool) -> Result<Option<u8>, DumpError> {
        loop {
            let ahead = self.ahead(1)?;
            let Some(length) = Some(ahead.len()).filter(|length| *length > 0) else { return Ok(None) };
            match ahead.iter().position(|byte| is_end(*byte)) {
                Some(place) => {
                    let found = ahead[place];
                    self.pass(place + 1);
                    return Ok(Some(found));
                }
                None => self.pass(length),
            }
        }
    }
}
