//! The binary `claviger`.

mod cli;

use std::process::ExitCode;

/// The engine's records are many and small: this allocator packs them tighter than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything speaks TLS: rustls does not guess between providers. `Err` means that one is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    cli::run()
}
