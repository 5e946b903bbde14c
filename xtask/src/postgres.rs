//! A command with a PostgreSQL of its own.

use std::ffi::OsString;
use std::process::Command;

use crate::Result;
use crate::workspace::succeed;

pub use crate::cluster::{Cluster, programs};

/// The variable by which tests find the cluster: a superuser's URL; each test makes a database of its own.
pub const URL_VARIABLE: &str = "CLAVIGER_TEST_POSTGRES_URL";

/// Runs a command with a cluster of its own.
pub fn run(command: &[OsString]) -> Result {
    let (program, arguments) = command.split_first().ok_or("no command")?;
    let cluster = Cluster::start()?;
    succeed(Command::new(program).args(arguments).env(URL_VARIABLE, cluster.url()))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpStream};

    use super::*;

    #[test]
    fn a_cluster_answers_and_leaves_nothing_behind() {
        let cluster = Cluster::start().expect("PostgreSQL is installed");
        let (port, folder) = (cluster.port(), cluster.folder().to_owned());
        assert!(folder.exists());
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
        drop(cluster);
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
        assert!(!folder.exists());
    }
}
