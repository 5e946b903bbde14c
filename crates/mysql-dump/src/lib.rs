//! Reads the rows of some tables out of a dump of `MySQL` or `MariaDB`: the text that `mysqldump`, `mariadb-dump` and phpMyAdmin write.
//!
//! Everything else is passed over as it comes and never held, whatever its length. A dump that ends where none can end is refused.

mod lexer;
mod source;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::Read;

use zeroize::Zeroizing;

use crate::lexer::{Lexer, Token};

/// The most bytes of a value of the tables that are read.
pub const VALUE_BYTES_MAX: usize = 65_535;
/// The most bytes of a name; a database's own have 64 characters.
pub const NAME_BYTES_MAX: usize = 256;
/// The most columns of a table that is read.
pub const COLUMNS_MAX: usize = 200;

/// A value; `None` is NULL, and a number is its digits.
pub type Value = Option<Zeroizing<Vec<u8>>>;

/// A row of a table.
pub struct Row {
    /// The table.
    pub table: String,
    /// The line where it begins.
    pub line: u64,
    /// Its values by the names of their columns.
    pub values: HashMap<String, Value>,
}

/// Whoever takes rows.
pub trait Rows {
    /// Whether the rows of this table are wanted; asked for each statement that has some.
    fn wants(&mut self, table: &str) -> bool;
    /// Takes a row; an error ends the reading, and names the line.
    fn take(&mut self, row: Row) -> Result<(), String>;
}

/// Why a dump cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The file.
    #[error("cannot be read: {0}")]
    Read(std::io::Error),
    /// It is not whole.
    #[error("ends at line {line} in the middle of {what}")]
    Ends {
        /// The last line.
        line: u64,
        /// In what.
        what: String,
    },
    /// It says something else than was expected.
    #[error("line {line}: {problem}")]
    Wrong {
        /// The line.
        line: u64,
        /// What is wrong there.
        problem: String,
    },
}

/// Reads the rows that are wanted.
pub fn read(reader: impl Read, rows: &mut impl Rows) -> Result<(), DumpError> {
    let mut statements = Statements { lexer: Lexer::new(reader), columns: HashMap::new() };
    while statements.next(rows)? {}
    if statements.lexer.is_cut() {
        return Err(statements.lexer.ends("its tables: it does not say that it is completed"));
    }
    Ok(())
}

/// Reads statements.
struct Statements<R> {
    lexer: Lexer<R>,
    /// The columns of the tables that are wanted.
    columns: HashMap<String, Vec<String>>,
}

// === impl Statements ===

impl<R: Read> Statements<R> {
    /// Reads a statement; false at the end of the dump.
    fn next(&mut self, rows: &mut impl Rows) -> Result<bool, DumpError> {
        let word = match self.lexer.next()? {
            None => return Ok(false),
            Some(Token::End) => return Ok(true),
            Some(Token::Word(word)) => word.to_ascii_uppercase(),
            Some(_) => String::new(),
        };
        match word.as_str() {
            "DELIMITER" => self.lexer.change_delimiter()?,
            "CREATE" => self.create(rows)?,
            "INSERT" | "REPLACE" => self.insert(rows)?,
            _ => self.lexer.skip_statement()?,
        }
        Ok(true)
    }

    /// A token inside a statement.
    fn token(&mut self) -> Result<Token, DumpError> {
        let token = self.lexer.next()?;
        token.ok_or_else(|| self.lexer.ends("a statement"))
    }

    /// Passes over the rest of the statement whose last token this was.
    fn skip_behind(&mut self, token: &Token) -> Result<(), DumpError> {
        if *token == Token::End { Ok(()) } else { self.lexer.skip_statement() }
    }

    /// The name of a table, perhaps behind that of its database, and the token behind it.
    fn table(&mut self, first: Token) -> Result<(String, Token), DumpError> {
        let mut token = first;
        loop {
            let name = match token {
                Token::Name(name) => name,
                // `database.table` without quotes is one word.
                Token::Word(word) => word.rsplit('.').next().unwrap_or_default().to_owned(),
                _ => return Err(self.lexer.wrong("expected the name of a table")),
            };
            self.lexer.check_name(&name)?;
            token = self.token()?;
            match &token {
                // Behind a quoted name the dot is a word of its own, or the beginning of one.
                Token::Word(dot) if dot == "." => token = self.token()?,
                Token::Word(rest) if rest.starts_with('.') => {}
                _ => return Ok((name, token)),
            }
        }
    }

    /// `CREATE TABLE …`: the columns of a table that is wanted.
    fn create(&mut self, rows: &mut impl Rows) -> Result<(), DumpError> {
        let mut token = self.token()?;
        if !is_word(&token, "TABLE") {
            return self.skip_behind(&token);
        }
        token = self.token()?;
        while ["IF", "NOT", "EXISTS"].iter().any(|word| is_word(&token, word)) {
            token = self.token()?;
        }
        let line = self.lexer.line();
        let (table, token) = self.table(token)?;
        if token != Token::Sign(b'(') || !rows.wants(&table) {
            return self.skip_behind(&token);
        }
        let columns = self.columns_of_definition()?;
        if self.columns.insert(table.clone(), columns).is_some() {
            let problem = format!("`{table}` is made a second time: expected the dump of one database");
            return Err(DumpError::Wrong { line, problem });
        }
        self.lexer.skip_statement()
    }

    /// The names of the columns between the parentheses of a definition.
    fn columns_of_definition(&mut self) -> Result<Vec<String>, DumpError> {
        let (mut columns, mut depth, mut begins) = (Vec::new(), 1_u64, true);
        while depth > 0 {
            let token = self.token()?;
            match &token {
                Token::End => return Err(self.lexer.wrong("the definition of a table is not closed")),
                Token::Sign(b'(') => depth += 1,
                Token::Sign(b')') => depth -= 1,
                Token::Name(name) if begins => self.add_column(&mut columns, name)?,
                Token::Word(word) if begins && !is_of_index(word) => self.add_column(&mut columns, word)?,
                _ => {}
            }
            begins = depth == 1 && token == Token::Sign(b',');
        }
        Ok(columns)
    }

    fn add_column(&self, columns: &mut Vec<String>, name: &str) -> Result<(), DumpError> {
        if columns.len() == COLUMNS_MAX {
            return Err(self.lexer.wrong(format!("a table has more than {COLUMNS_MAX} columns")));
        }
        // A database takes no second one either, and a row would lose a value.
        if columns.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(self.lexer.wrong("a table has two columns of one name"));
        }
        self.lexer.check_name(name)?;
        columns.push(name.to_owned());
        Ok(())
    }

    /// `INSERT INTO … VALUES …`: its rows, if they are wanted.
    fn insert(&mut self, rows: &mut impl Rows) -> Result<(), DumpError> {
        let mut token = self.token()?;
        while ["LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO"].iter().any(|word| is_word(&token, word)) {
            token = self.token()?;
        }
        let (table, mut token) = self.table(token)?;
        if !rows.wants(&table) {
            return self.skip_behind(&token);
        }
        let columns = if token == Token::Sign(b'(') {
            let columns = self.columns_of_list()?;
            token = self.token()?;
            columns
        } else {
            let unknown = || {
                let how = "make the dump with the definitions of tables, or with --complete-insert";
                self.lexer.wrong(format!("the columns of `{table}` are not known: {how}"))
            };
            self.columns.get(&table).cloned().ok_or_else(unknown)?
        };
        if !is_word(&token, "VALUES") && !is_word(&token, "VALUE") {
            return Err(self.lexer.wrong("expected VALUES"));
        }
        self.rows(&table, &columns, rows)
    }

    fn columns_of_list(&mut self) -> Result<Vec<String>, DumpError> {
        let mut columns = Vec::new();
        loop {
            match self.token()? {
                Token::Name(name) | Token::Word(name) => self.add_column(&mut columns, &name)?,
                _ => return Err(self.lexer.wrong("expected the name of a column")),
            }
            match self.token()? {
                Token::Sign(b',') => {}
                Token::Sign(b')') => return Ok(columns),
                _ => return Err(self.lexer.wrong("expected , or ) behind the name of a column")),
            }
        }
    }

    fn rows(&mut self, table: &str, columns: &[String], rows: &mut impl Rows) -> Result<(), DumpError> {
        loop {
            let token = self.in_row(table, Self::token)?;
            if token != Token::Sign(b'(') {
                return Err(self.lexer.wrong("expected ( at the beginning of a row"));
            }
            let line = self.lexer.line();
            let values = self.in_row(table, |statements| statements.values(columns.len()))?;
            let values = columns.iter().cloned().zip(values).collect();
            let row = Row { table: table.to_owned(), line, values };
            rows.take(row).map_err(|problem| DumpError::Wrong { line, problem })?;
            let token = self.token()?;
            if token != Token::Sign(b',') {
                // `ON DUPLICATE KEY UPDATE …`
                return self.skip_behind(&token);
            }
        }
    }

    /// The same, and an end of the dump is told as one in the middle of a row.
    fn in_row<T>(&mut self, table: &str, read: impl FnOnce(&mut Self) -> Result<T, DumpError>) -> Result<T, DumpError> {
        read(self).map_err(|error| match error {
            DumpError::Ends { line, .. } => DumpError::Ends { line, what: format!("a row of `{table}`") },
            error => error,
        })
    }

    fn values(&mut self, count: usize) -> Result<Vec<Value>, DumpError> {
        let mut values = Vec::with_capacity(count);
        loop {
            values.push(self.value()?);
            let token = self.token()?;
            match token {
                Token::Sign(b',') if values.len() < count => {}
                Token::Sign(b')') if values.len() == count => return Ok(values),
                _ => return Err(self.lexer.wrong(format!("expected a row of {count} values"))),
            }
        }
    }

    fn value(&mut self) -> Result<Value, DumpError> {
        let mut token = self.token()?;
        // `_binary '…'`, `_utf8mb4 '…'`, `N'…'`: which characters they are is of no matter here.
        if matches!(&token, Token::Word(word) if word.starts_with('_') || word.eq_ignore_ascii_case("N")) {
            token = self.token()?;
        }
        let word = match token {
            Token::Text(text) => return Ok(Some(text)),
            Token::Word(word) => word,
            _ => return Err(self.lexer.wrong("expected a value")),
        };
        let is = |name: &str| word.eq_ignore_ascii_case(name);
        if is("NULL") {
            return Ok(None);
        }
        if is("X") {
            return match self.token()? {
                Token::Text(digits) => self.hexadecimal(&digits),
                _ => Err(self.lexer.wrong("expected digits behind X")),
            };
        }
        if let Some(digits) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
            return self.hexadecimal(digits.as_bytes());
        }
        // `inf` and `nan` are numbers elsewhere, and here names of columns.
        match word.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(Zeroizing::new(word.into_bytes()))),
            _ => Err(self.lexer.wrong("expected a value")),
        }
    }

    fn hexadecimal(&self, digits: &[u8]) -> Result<Value, DumpError> {
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        let pair = |pair: &[u8]| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        };
        let bytes = digits.chunks(2).map(pair).collect::<Option<Vec<u8>>>().map(Zeroizing::new);
        bytes.map(Some).ok_or_else(|| self.lexer.wrong("expected pairs of hexadecimal digits"))
    }
}

fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(found) if found.eq_ignore_ascii_case(word))
}

/// Whether a word begins something else than a column in the definition of a table.
fn is_of_index(word: &str) -> bool {
    const WORDS: [&str; 9] =
        ["PRIMARY", "UNIQUE", "KEY", "INDEX", "CONSTRAINT", "FULLTEXT", "SPATIAL", "FOREIGN", "CHECK"];
    WORDS.iter().any(|known| word.eq_ignore_ascii_case(known))
}
