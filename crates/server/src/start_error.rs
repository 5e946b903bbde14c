//! Why a server does not start, and with which exit code the process ends then.

use std::io::ErrorKind;
use std::path::Path;

use claviger_doors::{Address, BindError, TlsError};
use claviger_store::OpenError;

use crate::config::ConfigError;
use crate::data_dir::DataDirError;
use crate::mail::SmtpError;
use crate::master_secret::MasterSecretError;
use crate::node_id::NodeIdError;

/// Usage, configuration, or something on this machine that a person must put right.
const EXIT_CONFIGURATION: u8 = 2;
/// The database does not answer.
const EXIT_UNREACHABLE: u8 = 3;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A wrong setting.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data directory.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// A listener's address.
    #[error("cannot listen on {address} ({setting}): {reason}; choose another address in {setting} or {variable}")]
    Bind {
        /// The setting that names the address.
        setting: &'static str,
        /// The variable that overlays it.
        variable: &'static str,
        /// The address.
        address: Address,
        /// What the system says.
        reason: String,
    },
    /// A listener's certificate and key.
    #[error("{section}.tls: {error}")]
    Tls {
        /// The listener's section.
        section: &'static str,
        /// What is wrong with them.
        error: TlsError,
    },
    /// The database cannot be opened.
    #[error("{0}")]
    Database(#[from] OpenError),
    /// The database cannot be read or written.
    #[error("the database cannot be used: {0}")]
    Store(#[from] claviger_store::Error),
    /// The master secret.
    #[error(transparent)]
    MasterSecret(#[from] MasterSecretError),
    /// The way to the SMTP server.
    #[error(transparent)]
    Mail(#[from] SmtpError),
    /// The file of the node's id.
    #[error(transparent)]
    NodeId(#[from] NodeIdError),
}

// === impl StartError ===

impl StartError {
    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Database(OpenError::Unreachable { .. }) => EXIT_UNREACHABLE,
            _ => EXIT_CONFIGURATION,
        }
    }

    pub(crate) fn bind(setting: &'static str, address: &Address, error: &std::io::Error) -> Self {
        let reason = match error.kind() {
            ErrorKind::AddrInUse => "the port is taken by another program".to_owned(),
            ErrorKind::PermissionDenied => "this user may not listen there".to_owned(),
            ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
            _ => error.to_string(),
        };
        let variable = match setting {
            "control.listen" => "CLAVIGER_CONTROL_LISTEN",
            "telemetry.listen" => "CLAVIGER_TELEMETRY_LISTEN",
            _ => "CLAVIGER_DOORS_LISTEN",
        };
        Self::Bind { setting, variable, address: address.clone(), reason }
    }

    pub(crate) fn doors(error: &BindError) -> Self {
        match error {
            BindError::Taken(address) => Self::bind("doors.listen", address, &ErrorKind::AddrInUse.into()),
            BindError::Refused(address, error) => Self::bind("doors.listen", address, error),
        }
    }

    pub(crate) fn file(path: &Path, error: std::io::Error) -> Self {
        Self::DataDir(DataDirError::of(path, error))
    }
}
