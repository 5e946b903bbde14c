//! Acceptance rows: each one that is claimed has a test that bears its name.

use std::collections::BTreeSet;
use std::path::Path;

use crate::Result;
use crate::workspace::Workspace;

/// One row id a line; `#` begins a comment.
const LIST: &str = "e2e/rows.txt";
/// Folders whose tests count.
const SOURCES: [&str; 2] = ["e2e", "crates"];
/// A macro of e2e that makes tests of the functions in it.
const TEST_BLOCK: &str = "on_both_databases! {";

/// Fails naming the rows without a test.
pub fn run(workspace: &Workspace) -> Result {
    let list = std::fs::read_to_string(workspace.root().join(LIST)).map_err(|error| format!("{LIST}: {error}"))?;
    let mut tests = BTreeSet::new();
    for folder in SOURCES {
        collect_tests(&workspace.root().join(folder), &mut tests)?;
    }
    let missing = rows_without_test(&list, &tests);
    if missing.is_empty() { Ok(()) } else { Err(format!("rows without a test: {}", missing.join(", ")).into()) }
}

fn collect_tests(folder: &Path, tests: &mut BTreeSet<String>) -> Result {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect_tests(&path, tests)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            tests.extend(test_names(&std::fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

/// Names of the functions that a `#[test]` or `#[….test]` stands above, or that stand in a block of [`TEST_BLOCK`].
fn test_names(source: &str) -> Vec<String> {
    let (mut names, mut is_test, mut in_block) = (Vec::new(), false, false);
    for line in source.lines() {
        in_block = (in_block && line != "}") || line.starts_with(TEST_BLOCK);
        let line = line.trim();
        let attribute = line.strip_prefix("#[").and_then(|rest| rest.split(['(', ']']).next());
        if let Some(attribute) = attribute {
            is_test |= attribute.rsplit("::").next() == Some("test");
        } else if let Some((before, rest)) = line.split_once("fn ") {
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            if std::mem::take(&mut is_test) || (in_block && before == "async ") {
                names.push(name.to_owned());
            }
        }
    }
    names
}

fn rows_without_test(list: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let rows = list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.filter(|row| !tests.iter().any(|name| names_row(name, row))).map(str::to_owned).collect()
}

/// Whether `y_01` stands in the name as words of its own, not within `y_011`.
fn names_row(name: &str, row: &str) -> bool {
    format!("_{name}_").contains(&format!("_{}_", row.to_lowercase().replace('-', "_")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_needs_a_test_with_its_own_name() {
        let tests = BTreeSet::from(["y_011_other".to_owned(), "c_18_c_19_only_the_selected".to_owned()]);
        assert_eq!(rows_without_test("# rows\nY-01\nC-18\n\nC-19\n", &tests), ["Y-01"]);
    }

    #[test]
    fn only_functions_under_a_test_attribute_count() {
        let source = "
            fn y_01_helper() {}
            #[test]
            fn y_02_works() {}
            #[tokio::test(flavor = \"multi_thread\")]
            #[allow(clippy::all)]
            async fn y_03_works() -> Result<()> {}
            #[derive(Debug)]
            fn y_04_not() {}
        ";
        assert_eq!(test_names(source), ["y_02_works", "y_03_works"]);
    }

    #[test]
    fn functions_in_a_block_of_tests_count_until_it_ends() {
        let source = "on_both_databases! {\n    async fn y_01(world: &World) {\n    }\n}\n\nasync fn y_02() {\n}\n";
        assert_eq!(test_names(source), ["y_01"]);
    }
}
