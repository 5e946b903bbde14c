//! What dumps say, how it is read, and where they may end.

use std::io::Read;

use crate::*;

/// A row: its table, its line, and its values by their columns.
type Found = (String, u64, Vec<(String, Option<String>)>);

/// Takes all rows of `t` and `u`.
#[derive(Default)]
struct All(Vec<Found>);

impl Rows for All {
    fn wants(&mut self, table: &str) -> bool {
        matches!(table, "t" | "u")
    }

    fn take(&mut self, row: Row) -> Result<(), String> {
        if row.values.get("a").is_some_and(|value| value.as_deref().is_some_and(|text| text[..] == *b"stop")) {
            return Err("it says so".to_owned());
        }
        let text = |value: Value| value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let mut values: Vec<_> = row.values.into_iter().map(|(name, value)| (name, text(value))).collect();
        values.sort();
        self.0.push((row.table, row.line, values));
        Ok(())
    }
}

/// Gives a byte at a time: no token may depend on what the buffer holds.
struct Trickle<'b>(&'b [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(&mut buffer[..1])
    }
}

/// The same text again and again, up to 64 MiB.
struct Endless<'b> {
    text: &'b [u8],
    given: usize,
}

impl Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        assert!(self.given < 64 << 20, "everything was read");
        let length = buffer.len().min(self.text.len());
        buffer[..length].copy_from_slice(&self.text[..length]);
        self.given += length;
        Ok(length)
    }
}

fn read_all(dump: &str) -> Result<Vec<Found>, DumpError> {
    let (mut whole, mut trickled) = (All::default(), All::default());
    let result = read(dump.as_bytes(), &mut whole);
    let again = read(Trickle(dump.as_bytes()), &mut trickled);
    assert_eq!(format!("{result:?}"), format!("{again:?}"), "{dump}");
    assert_eq!(whole.0, trickled.0, "{dump}");
    result.map(|()| whole.0)
}

/// The values of the column `a`, in order.
fn values(dump: &str) -> Vec<Option<String>> {
    let rows = read_all(dump).unwrap_or_else(|error| panic!("{error}: {dump}"));
    rows.into_iter().map(|(_, _, values)| values[0].1.clone()).collect()
}

fn told(dump: &str) -> String {
    read_all(dump).expect_err(dump).to_string()
}

#[test]
fn every_kind_of_value_is_read_as_it_is_meant() {
    for (written, meant) in [
        ("NULL", None),
        ("null", None),
        ("''", Some("")),
        ("'a'", Some("a")),
        ("42", Some("42")),
        ("-1.5e3", Some("-1.5e3")),
        (r"'it''s'", Some("it's")),
        (r"'it\'s \\ \n\r\t\0\Z\b'", Some("it's \\ \n\r\t\0\u{1a}\u{8}")),
        (r"'\%\_\x'", Some(r"\%\_x")),
        ("'zażółć\n),(;-- /* '", Some("zażółć\n),(;-- /* ")),
        ("\"it's\"", Some("it's")),
        ("0x7a7a", Some("zz")),
        ("X'7A7a'", Some("zz")),
        ("_binary 'z\\0'", Some("z\0")),
        ("_binary 0x7A", Some("z")),
        ("_utf8mb4 'z'", Some("z")),
        ("N'z'", Some("z")),
        (" /* why */ 'z' -- because\n", Some("z")),
        ("/*!40101 'z' */", Some("z")),
    ] {
        let dump = format!("INSERT INTO `t` (`a`) VALUES ({written});");
        assert_eq!(values(&dump), [meant.map(str::to_owned)], "{written}");
    }
    for wrong in [
        "",
        "abc",
        "DEFAULT",
        "0x7",
        "X'7'",
        "0xzz",
        "inf",
        "nan",
        "_binary",
        "_x _x 'a'",
        "('a')",
        "'a' 'b'",
        "1,2",
        "b'1'",
    ] {
        let dump = format!("\nINSERT INTO `t` (`a`) VALUES ({wrong});");
        assert!(told(&dump).starts_with("line 2: expected "), "{wrong}: {}", told(&dump));
    }
}

#[test]
fn tables_are_found_however_their_statements_are_written() {
    for dump in [
        "INSERT INTO t (a) VALUES (1),(2);",
        "insert into `t`(`a`) value (1) , (2) ;",
        "INSERT IGNORE INTO `db`.`t` (`a`) VALUES (1),(2) ON DUPLICATE KEY UPDATE a = ';';",
        "REPLACE INTO db.t (a) VALUES (1),(2);",
        "INSERT INTO `db` . t (a) VALUES\n(1),\n(2);\n",
        "CREATE TABLE `t` (`a` int DEFAULT '(,`x`' COMMENT 'a;b', PRIMARY KEY (`a`), KEY `k` (`a`)) ENGINE=InnoDB;\n\
         LOCK TABLES `t` WRITE; /*!40000 ALTER TABLE `t` DISABLE KEYS */;\nINSERT INTO `t` VALUES (1),(2);UNLOCK TABLES;",
        "CREATE TABLE IF NOT EXISTS `db`.`t` (a decimal(10,2) NOT NULL, CONSTRAINT `c` FOREIGN KEY (`a`) REFERENCES `u` (`b`));\n\
         INSERT INTO t VALUES (1);INSERT INTO t VALUES (2);",
        // Nothing of what other statements say is a row.
        "CREATE TABLE `o` (`a` text);INSERT INTO `o` VALUES ('INSERT INTO `t` (a) VALUES (7);\\'',0x00,\"'\");\n\
         -- INSERT INTO t (a) VALUES (8);\n# INSERT INTO t (a) VALUES (8);\n/* INSERT INTO t (a) VALUES (8); */\n\
         DELIMITER ;;\nCREATE TRIGGER x BEFORE INSERT ON o FOR EACH ROW BEGIN\nINSERT INTO t (a) VALUES (9);\nEND;;\nDELIMITER ;\n\
         CREATE TEMPORARY TABLE t (z int);INSERT INTO t (a) VALUES (1),(2);",
        "/*!999999\\- enable the sandbox mode */ \nINSERT INTO t (a) VALUES (1),(2);",
        "/*M!100616 SET x=1 */;INSERT INTO t (a) VALUES (1),(2);--",
        "DELIMITER                      ;\nINSERT INTO t (a) VALUES (1),(2);",
    ] {
        assert_eq!(values(dump), [Some("1".to_owned()), Some("2".to_owned())], "{dump}");
    }
}

#[test]
fn rows_are_told_by_their_columns_and_lines() {
    let rows = read_all("INSERT INTO `u` (`b`,`a`) VALUES\n('x',NULL),\n('y',2);\n").expect("read");
    let value = |text: &str| Some(text.to_owned());
    let row = |line, a, b| ("u".to_owned(), line, vec![("a".to_owned(), a), ("b".to_owned(), b)]);
    assert_eq!(rows, [row(2, None, value("x")), row(3, value("2"), value("y"))]);
}

#[test]
fn what_cannot_be_understood_is_told_by_its_line() {
    for (dump, problem) in [
        ("\n\nINSERT INTO `t` VALUES (1);", "line 3: the columns of `t` are not known"),
        ("CREATE TABLE t (a int);\nCREATE TABLE t (a int);", "line 2: `t` is made a second time"),
        ("INSERT INTO t (a,b) VALUES (1);", "line 1: expected a row of 2 values"),
        ("INSERT INTO t (a) VALUES (1,2);", "line 1: expected a row of 1 values"),
        ("CREATE TABLE t (a int);INSERT INTO t SET a=1;", "line 1: expected VALUES"),
        ("INSERT INTO t (a) SELECT 1;", "line 1: expected VALUES"),
        ("INSERT INTO t (a) VALUES (1),;", "line 1: expected ( at"),
        ("INSERT INTO t (a) VALUES\n(1),\n('stop');", "line 3: it says so"),
        ("DELIMITER \n", "line 1: expected a delimiter"),
        ("CREATE TABLE t (a int, b int, `A` int);", "line 1: a table has two columns of one name"),
        ("INSERT INTO t (a,b,a) VALUES (1,2,3);", "line 1: a table has two columns of one name"),
    ] {
        assert!(told(dump).starts_with(problem), "{dump}: {}", told(dump));
    }
    let long = |length: usize| format!("INSERT INTO t (a) VALUES ('{}');", "x".repeat(length));
    assert_eq!(values(&long(VALUE_BYTES_MAX))[0].as_ref().map(String::len), Some(VALUE_BYTES_MAX));
    assert!(told(&long(VALUE_BYTES_MAX + 1)).contains("more than 65535 bytes"));
    assert!(told(&format!("INSERT INTO `{}` VALUES (1);", "x".repeat(300))).contains("a name has more than"));
    let columns: Vec<_> = (0..=COLUMNS_MAX).map(|number| format!("c{number} int")).collect();
    assert!(told(&format!("CREATE TABLE t ({});", columns.join(","))).contains("more than 200 columns"));
    // Whatever is too long is refused as it comes, and not held first.
    let endless = |before: &str, each: &str| {
        let mut source = before.as_bytes().chain(Endless { text: each.as_bytes(), given: 0 });
        read(&mut source, &mut All::default()).expect_err("endless").to_string()
    };
    assert!(endless("CREATE TABLE t (", "`c`,").contains("two columns of one name"));
    assert!(endless("INSERT INTO t (a) VALUES (", "_x ").contains("expected a value"));
    assert!(endless("INSERT INTO t (a) VALUES (", "x").contains("a value has more than"));
    assert!(endless("INSERT INTO t (", "x").contains("a value has more than"));
    assert!(told(&format!("INSERT INTO t ({}) VALUES (1);", "x".repeat(300))).contains("a name has more than"));
    assert!(told(&format!("INSERT INTO {} (a) VALUES (1);", "x".repeat(300))).contains("a name has more than"));
    // Longer than any buffer, and no value that is wanted.
    let skipped = format!("INSERT INTO o VALUES ('{}');INSERT INTO t (a) VALUES (1);", "\\'x".repeat(100_000));
    assert_eq!(values(&skipped), [Some("1".to_owned())]);
}

#[test]
fn a_dump_that_ends_anywhere_but_behind_a_statement_is_refused() {
    let dump = "-- a dump\nCREATE TABLE `t` (`a` text, `b` int);\nINSERT INTO `t` VALUES ('x\\'y',1),\n('z',NULL);\n\
                INSERT INTO `o` VALUES ('w');\n";
    let ends: Vec<usize> = dump.match_indices(";\n").map(|(place, _)| place).collect();
    for length in 0..=dump.len() {
        let cut = &dump[..length];
        let is_behind = length <= 10 || ends.iter().any(|end| length == end + 1 || length == end + 2);
        // One byte of a comment's beginning, or of a statement's, is neither.
        match read_all(cut) {
            Ok(rows) => assert!(is_behind && rows.len() <= 2, "{cut:?}"),
            Err(error) => {
                assert!(!is_behind || length == 1, "{cut:?}: {error}");
                assert!(matches!(error, DumpError::Ends { .. }), "{cut:?}: {error}");
            }
        }
    }
    let second = dump.find("('z'").expect("a row");
    assert_eq!(told(&dump[..second]), "ends at line 4 in the middle of a row of `t`");
    assert_eq!(told("INSERT INTO `o` VALUES ('"), "ends at line 1 in the middle of a text");
    assert_eq!(told("/* never closed"), "ends at line 1 in the middle of a comment");
}

#[test]
fn a_dump_that_says_that_it_will_be_completed_must_be() {
    let dump = "-- MySQL dump 10.13  Distrib 8.0.36\n\nINSERT INTO t (a) VALUES (1);\n";
    assert!(told(dump).contains("does not say that it is completed"), "{}", told(dump));
    assert_eq!(values(&format!("{dump}-- Dump completed on 2026-01-02\n")), [Some("1".to_owned())]);
    assert_eq!(values(&format!("{dump}-- Dump completed")), [Some("1".to_owned())]);
}
