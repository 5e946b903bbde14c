//! Dumps of `MySQL`: whatever the bytes, nothing panics and nothing grows; a dump that is written by hand says the rows that it was written
//! from; cut anywhere, it says that it was.

use std::io::Read;

use claviger_mysql_dump::{COLUMNS_MAX, DumpError, NAME_BYTES_MAX, Row, Rows, VALUE_BYTES_MAX, read};

/// More cuts than that of one input show nothing new.
const CUTS: usize = 24;

/// What a row says: its table, and its values by their columns, sorted.
type Said = (String, Vec<(String, Option<Vec<u8>>)>);

/// Takes the rows of tables whose names begin with `t`.
#[derive(Default)]
struct Taken(Vec<(u64, Said)>);

/// Gives so many bytes at a time.
struct Portions<'b>(&'b [u8], usize);

/// The input is a dump by itself, and what a dump is written from.
pub fn check(data: &[u8]) {
    let whole = rows_of(data, usize::MAX);
    for portion in [1, 7] {
        assert_eq!(rows_of(data, portion), whole, "{portion} bytes at a time: {}", data.escape_ascii());
    }
    for cut in cuts(data.len()) {
        let (rows, _) = rows_of(&data[..cut], usize::MAX);
        let is_beginning = whole.0.get(..rows.len()) == Some(&rows[..]);
        assert!(is_beginning, "cut at {cut} it says other rows: {}", data.escape_ascii());
    }
    check_written(data);
}

/// Writes a dump of rows that the bytes are cut into, in a style that they choose, and reads it.
fn check_written(data: &[u8]) {
    let Some((&style, data)) = data.split_first() else { return };
    let count = usize::from(style % 5) + 1;
    let columns: Vec<String> = (0..count).map(|number| format!("c{number}")).collect();
    let values: Vec<Option<&[u8]>> = data.split(|byte| *byte == 0xff).map(value).collect();
    let rows: Vec<&[Option<&[u8]>]> = values.chunks_exact(count).collect();
    let (dump, behind) = write(style, &columns, &rows, data);
    let (found, error) = rows_of(&dump, usize::MAX);
    assert_eq!(error, None, "{}", dump.escape_ascii());
    let expected: Vec<Said> = rows
        .iter()
        .map(|row| {
            let values = columns.iter().cloned().zip(row.iter().map(|value| value.map(<[u8]>::to_vec)));
            ("t".to_owned(), values.collect())
        })
        .collect();
    let found: Vec<Said> = found.into_iter().map(|(_, said)| said).collect();
    assert_eq!(found, expected, "{}", dump.escape_ascii());
    // It says at its beginning that it will be completed, and only what stands behind that word may be missing.
    for cut in cuts(behind).into_iter().filter(|cut| *cut > "-- MySQL dump \n".len()) {
        let (_, error) = rows_of(&dump[..cut], usize::MAX);
        let error = error.unwrap_or_else(|| panic!("cut at {cut} nobody notices: {}", dump.escape_ascii()));
        assert!(error.starts_with("ends at line"), "cut at {cut}: {error}: {}", dump.escape_ascii());
    }
}

/// What a piece of the input is as a value; an empty one is NULL.
fn value(piece: &[u8]) -> Option<&[u8]> {
    let piece = &piece[..piece.len().min(VALUE_BYTES_MAX)];
    (!piece.is_empty()).then_some(piece)
}

/// A dump, and how long it is without its last words' end.
fn write(style: u8, columns: &[String], rows: &[&[Option<&[u8]>]], noise: &[u8]) -> (Vec<u8>, usize) {
    let mut dump = b"-- MySQL dump \n".to_vec();
    let names = columns.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
    let is_complete = style & 0x20 != 0;
    if !is_complete {
        let definitions = names.iter().map(|name| format!("{name} varchar(9) DEFAULT ');'")).collect::<Vec<_>>();
        dump.extend(format!("CREATE TABLE `t` ({}, KEY `k` (`c0`)) ENGINE=InnoDB;\n", definitions.join(",")).bytes());
    }
    // What another table holds, and what a comment says, is nobody's row.
    dump.extend(b"INSERT INTO `other` VALUES (");
    push_text(&mut dump, noise, style);
    dump.extend(b");\n-- x");
    dump.extend(noise.iter().filter(|byte| **byte != b'\n'));
    dump.extend(b"\n");
    for row in rows {
        dump.extend(b"INSERT INTO `t` ");
        if is_complete {
            dump.extend(format!("({}) ", names.join(", ")).bytes());
        }
        dump.extend(b"VALUES (");
        for (place, value) in row.iter().enumerate() {
            if place > 0 {
                dump.push(b',');
            }
            match value {
                None => dump.extend(b"NULL"),
                Some(bytes) => push_text(&mut dump, bytes, style),
            }
        }
        dump.extend(b");\n");
    }
    let behind = dump.len();
    dump.extend(b"-- Dump completed on 2026-01-02\n");
    (dump, behind + "-- Dump completed".len() - 1)
}

/// A value in quotes, with backslashes or doubled quotes, or in hexadecimal digits.
fn push_text(dump: &mut Vec<u8>, bytes: &[u8], style: u8) {
    let quote = if style & 0x10 != 0 { b'"' } else { b'\'' };
    if style & 0xc0 == 0xc0 && !bytes.is_empty() {
        dump.extend(b"0x");
        return dump.extend(bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()));
    }
    dump.push(quote);
    for byte in bytes {
        match byte {
            0 => dump.extend(b"\\0"),
            b'\n' => dump.extend(b"\\n"),
            0x1a => dump.extend(b"\\Z"),
            b'\\' => dump.extend(b"\\\\"),
            byte if *byte == quote && style & 0x40 != 0 => dump.extend([quote, quote]),
            byte if *byte == quote => dump.extend([b'\\', quote]),
            byte => dump.push(*byte),
        }
    }
    dump.push(quote);
}

/// Places spread over a length, its last ones among them.
fn cuts(length: usize) -> Vec<usize> {
    let step = length.div_ceil(CUTS).max(1);
    (0..length).step_by(step).chain(length.saturating_sub(4)..length).collect()
}

/// The rows that were taken, and what was said at the end.
fn rows_of(dump: &[u8], portion: usize) -> (Vec<(u64, Said)>, Option<String>) {
    let mut taken = Taken::default();
    let read = read(Portions(dump, portion), &mut taken);
    (taken.0, read.err().map(|error: DumpError| error.to_string()))
}

// === impl Taken ===

impl Rows for Taken {
    fn wants(&mut self, table: &str) -> bool {
        table.starts_with('t')
    }

    fn take(&mut self, row: Row) -> Result<(), String> {
        assert!((1..=COLUMNS_MAX).contains(&row.values.len()));
        let names = row.values.keys().chain([&row.table]);
        assert!(names.into_iter().all(|name| name.len() <= NAME_BYTES_MAX), "a name is longer than any may be");
        let bytes = row.values.values().flatten().map(|value| value.len());
        assert!(bytes.into_iter().all(|length| length <= VALUE_BYTES_MAX), "a value is longer than any may be");
        let values = row.values.into_iter().map(|(name, value)| (name, value.map(|bytes| bytes.to_vec())));
        let mut values: Vec<_> = values.collect();
        values.sort();
        self.0.push((row.line, (row.table, values)));
        Ok(())
    }
}

// === impl Portions ===

impl Read for Portions<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = buffer.len().min(self.1);
        self.0.read(&mut buffer[..length])
    }
}
