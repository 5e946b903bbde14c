//! What holds of all pages, by their sources.

mod forms;
mod sentences;

use std::path::{Path, PathBuf};

/// The sources below a folder of this crate: path and text, without their own tests.
pub(crate) fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let (mut found, mut folders) = (Vec::new(), vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read_to_string(&path).expect("a source");
                let own = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
                found.push((path, own));
            }
        }
    }
    found.sort();
    assert!(found.len() > 10, "{folder}: {}", found.len());
    found
}
