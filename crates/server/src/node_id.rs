//! This node's id, kept in its data directory: a node that comes back is known again.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use claviger_domain::NodeId;

use crate::data_dir::write_private;
use crate::start_error::StartError;

/// The file of the id.
const FILE: &str = "node-id";

/// A file that holds no node's id.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} holds no node's id (nod_ and 26 characters); delete it, and the next start makes a new one: then forget the old \
     node with `claviger node forget`", path.display()
)]
pub struct NodeIdError {
    path: PathBuf,
}

/// The id in `data_dir`; `new` is written there if there is none.
pub(crate) fn read_or_write(data_dir: &Path, new: NodeId) -> Result<NodeId, StartError> {
    let path = data_dir.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map_err(|_| NodeIdError { path }.into()),
        Err(error) if error.kind() == ErrorKind::InvalidData => Err(NodeIdError { path }.into()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            write(data_dir, new).map_err(|error| StartError::file(data_dir, error))?;
            Ok(new)
        }
        Err(error) => Err(StartError::file(data_dir, error)),
    }
}

/// Puts `id` in the place of the one in `data_dir`.
pub(crate) fn write(data_dir: &Path, id: NodeId) -> std::io::Result<()> {
    write_private(&data_dir.join(FILE), &format!("{id}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_once_and_a_broken_file_is_named() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let (first, second) = (NodeId::from_raw(1), NodeId::from_raw(2));
        assert_eq!(read_or_write(folder.path(), first).expect("made"), first);
        assert_eq!(read_or_write(folder.path(), second).expect("read"), first, "it is known again");
        for content in ["", "nod_1", "key_00000000000000000000000001"] {
            std::fs::write(folder.path().join(FILE), content).expect("written");
            let message = read_or_write(folder.path(), second).expect_err("broken").to_string();
            assert!(message.contains("node-id") && message.contains("delete it"), "{message}");
        }
        std::fs::write(folder.path().join(FILE), [0xff, 0xfe]).expect("written");
        assert!(read_or_write(folder.path(), second).is_err());
    }
}
