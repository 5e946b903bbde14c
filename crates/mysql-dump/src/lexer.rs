//! What a dump is made of: words, quoted names, texts, signs. Comments are passed over; what stands in `/*! … */` is read, as a
//! server does.

use std::io::Read;

use zeroize::Zeroizing;

use crate::source::Source;
use crate::{DumpError, NAME_BYTES_MAX, VALUE_BYTES_MAX};

/// Bytes of a comment that are looked at.
const COMMENT_BYTES: usize = 32;

/// The most digits of the version of a condition.
const VERSION_DIGITS_MAX: usize = 6;

/// The most bytes of what ends a statement.
const DELIMITER_BYTES_MAX: usize = 16;

/// The smallest part of a statement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A word, a name without quotes, or a number.
    Word(String),
    /// A name in backticks.
    Name(String),
    /// A text in quotes, as it is meant.
    Text(Zeroizing<Vec<u8>>),
    /// The end of a statement.
    End,
    /// Anything else.
    Sign(u8),
}

/// Reads tokens.
pub(crate) struct Lexer<R> {
    source: Source<R>,
    /// What ends a statement.
    delimiter: Vec<u8>,
    /// Whether the program that made the dump says so at its beginning, and that it is whole at its end.
    begins: bool,
    completed: bool,
}

// === impl Lexer ===

impl<R: Read> Lexer<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { source: Source::new(reader), delimiter: b";".to_vec(), begins: false, completed: false }
    }

    /// The line of what comes next.
    pub(crate) fn line(&self) -> u64 {
        self.source.line()
    }

    /// Whether the dump says at its beginning that it will say so at its end, and does not.
    pub(crate) fn is_cut(&self) -> bool {
        self.begins && !self.completed
    }

    /// The next token; `None`: the dump is over.
    pub(crate) fn next(&mut self) -> Result<Option<Token>, DumpError> {
        while self.pass_comment()? {}
        if self.pass_delimiter()? {
            return Ok(Some(Token::End));
        }
        let ahead = self.source.ahead(2)?;
        let Some(first) = ahead.first().copied() else { return Ok(None) };
        let is_number = matches!(first, b'-' | b'+') && ahead.get(1).is_some_and(u8::is_ascii_digit);
        Ok(Some(match first {
            b'\'' | b'"' => Token::Text(self.text(first)?),
            b'`' => Token::Name(self.name()?),
            _ if is_number || is_of_word(first) => Token::Word(self.word()?),
            _ => {
                self.source.pass(1);
                Token::Sign(first)
            }
        }))
    }

    /// Passes over the rest of a statement, of whatever length, without holding it.
    pub(crate) fn skip_statement(&mut self) -> Result<(), DumpError> {
        loop {
            while self.pass_comment()? {}
            if self.pass_delimiter()? {
                return Ok(());
            }
            match self.source.peek()? {
                None => return Err(self.ends("a statement")),
                Some(quote @ (b'\'' | b'"' | b'`')) => {
                    self.source.pass(1);
                    self.skip_quoted(quote)?;
                }
                Some(_) => self.source.pass(1),
            }
        }
    }

    /// `DELIMITER ;;`: from here on that ends statements.
    pub(crate) fn change_delimiter(&mut self) -> Result<(), DumpError> {
        let ahead = self.source.beginning(COMMENT_BYTES)?;
        let end = ahead.iter().position(|byte| *byte == b'\n').unwrap_or(ahead.len());
        let delimiter = ahead[..end].trim_ascii().to_vec();
        if !(1..=DELIMITER_BYTES_MAX).contains(&delimiter.len()) {
            return Err(self.wrong("expected a delimiter"));
        }
        self.source.pass(end);
        self.delimiter = delimiter;
        Ok(())
    }

    pub(crate) fn ends(&self, what: impl Into<String>) -> DumpError {
        DumpError::Ends { line: self.line(), what: what.into() }
    }

    pub(crate) fn wrong(&self, problem: impl Into<String>) -> DumpError {
        DumpError::Wrong { line: self.line(), problem: problem.into() }
    }

    /// Whether a name is no longer than those of a database may be; one without quotes is a word, and words may be longer.
    pub(crate) fn check_name(&self, name: &str) -> Result<(), DumpError> {
        if name.len() <= NAME_BYTES_MAX {
            return Ok(());
        }
        Err(self.wrong(format!("a name has more than {NAME_BYTES_MAX} bytes")))
    }

    fn pass_delimiter(&mut self) -> Result<bool, DumpError> {
        let found = self.source.ahead(self.delimiter.len())?.starts_with(&self.delimiter);
        if found {
            self.source.pass(self.delimiter.len());
        }
        Ok(found)
    }

    /// Passes over white space, or a comment, or the edge of one that is read; false where there is none.
    fn pass_comment(&mut self) -> Result<bool, DumpError> {
        let ahead = self.source.ahead(3)?;
        match ahead {
            [b' ' | b'\t' | b'\r' | b'\n', ..] | [b'*', b'/', ..] => {
                let count = if ahead[0] == b'*' { 2 } else { 1 };
                self.source.pass(count);
            }
            [b'#', ..] | [b'-', b'-'] | [b'-', b'-', 0..=b' ', ..] => self.pass_line()?,
            [b'/', b'*', b'!' | b'M', ..] => self.pass_condition()?,
            [b'/', b'*', ..] => self.pass_block()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn pass_line(&mut self) -> Result<(), DumpError> {
        let text = self.source.beginning(COMMENT_BYTES)?;
        let says = |words: &str| text.starts_with(words.as_bytes());
        self.begins |= says("-- MySQL dump ") || says("-- MariaDB dump ");
        self.completed |= says("-- Dump completed");
        // The last line may lack its end.
        self.source.pass_until(|byte| byte == b'\n')?;
        Ok(())
    }

    /// `/*!50003` and `/*M!100203`: what follows is read; but `/*!999999\-`, which is for one client alone.
    fn pass_condition(&mut self) -> Result<(), DumpError> {
        let ahead = self.source.beginning(COMMENT_BYTES)?;
        let Some(mark) = ahead.iter().take(4).position(|byte| *byte == b'!') else { return self.pass_block() };
        let digits = ahead[mark + 1..].iter().take(VERSION_DIGITS_MAX).take_while(|byte| byte.is_ascii_digit()).count();
        let end = mark + 1 + digits;
        if ahead.get(end) == Some(&b'\\') {
            return self.pass_block();
        }
        self.source.pass(end);
        Ok(())
    }

    fn pass_block(&mut self) -> Result<(), DumpError> {
        self.source.pass(2);
        loop {
            if self.source.pass_until(|byte| byte == b'*')?.is_none() {
                return Err(self.ends("a comment"));
            }
            if self.source.peek()? == Some(b'/') {
                self.source.pass(1);
                return Ok(());
            }
        }
    }

    fn skip_quoted(&mut self, quote: u8) -> Result<(), DumpError> {
        // A doubled quote ends one text here and begins the next.
        loop {
            match self.source.pass_until(|byte| byte == quote || byte == b'\\' && quote != b'`')? {
                None => return Err(self.ends("a text")),
                Some(b'\\') => {
                    if self.source.peek()?.is_none() {
                        return Err(self.ends("a text"));
                    }
                    self.source.pass(1);
                }
                Some(_) => return Ok(()),
            }
        }
    }

    fn text(&mut self, quote: u8) -> Result<Zeroizing<Vec<u8>>, DumpError> {
        self.source.pass(1);
        let mut text = Zeroizing::new(Vec::new());
        loop {
            let Some(byte) = self.source.peek()? else { return Err(self.ends("a text")) };
            self.source.pass(1);
            if byte == quote {
                if self.source.peek()? != Some(quote) {
                    return Ok(text);
                }
                self.source.pass(1);
                text.push(quote);
            } else if byte == b'\\' {
                let Some(escaped) = self.source.peek()? else { return Err(self.ends("a text")) };
                self.source.pass(1);
                push_escaped(&mut text, escaped);
            } else {
                text.push(byte);
            }
            if text.len() > VALUE_BYTES_MAX {
                return Err(self.wrong(format!("a value has more than {VALUE_BYTES_MAX} bytes")));
            }
        }
    }

    fn name(&mut self) -> Result<String, DumpError> {
        self.source.pass(1);
        let mut name = Vec::new();
        loop {
            let Some(byte) = self.source.peek()? else { return Err(self.ends("a name")) };
            self.source.pass(1);
            if byte == b'`' {
                if self.source.peek()? != Some(b'`') {
                    return self.named(name);
                }
                self.source.pass(1);
            }
            name.push(byte);
            if name.len() > NAME_BYTES_MAX {
                return Err(self.wrong(format!("a name has more than {NAME_BYTES_MAX} bytes")));
            }
        }
    }

    fn word(&mut self) -> Result<String, DumpError> {
        let mut word = Vec::new();
        while let Some(byte) = self.source.peek()?
            && (is_of_word(byte) || word.is_empty())
        {
            self.source.pass(1);
            word.push(byte);
            // The digits of a value in hexadecimal are a word too.
            if word.len() > 2 * VALUE_BYTES_MAX + 2 {
                return Err(self.wrong(format!("a value has more than {VALUE_BYTES_MAX} bytes")));
            }
        }
        // Behind a word there is always something, and be it what ends the statement.
        if self.source.peek()?.is_none() {
            return Err(self.ends("a statement"));
        }
        self.named(word)
    }

    fn named(&self, bytes: Vec<u8>) -> Result<String, DumpError> {
        String::from_utf8(bytes).map_err(|_| self.wrong("a name is not UTF-8"))
    }
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.' | b'@' | 0x80..)
}

/// What stands behind a backslash; `\%` and `\_` are two characters outside of patterns.
fn push_escaped(text: &mut Vec<u8>, escaped: u8) {
    if matches!(escaped, b'%' | b'_') {
        text.push(b'\\');
    }
    text.push(match escaped {
        b'0' => 0,
        b'b' => 8,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'Z' => 0x1a,
        other => other,
    });
}
