//! The peer: one nginx worker that answers `return 200` with 121 bytes and verifies nothing.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running nginx; stopped when it goes.
pub struct Nginx {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
}

const BODY_LENGTH: usize = 121;

// === impl Nginx ===

impl Nginx {
    /// Starts it on the core `cpu` with its files in `folder`.
    pub fn start(folder: &Path, address: SocketAddr, cpu: usize) -> Result<Self, String> {
        let body = "x".repeat(BODY_LENGTH);
        let config = format!(
            "daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;\n\
             fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n\
             server {{ listen {address}; location / {{ return 200 \"{body}\"; }} }} }}\n",
            folder = folder.display()
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, config).map_err(|error| error.to_string())?;
        let child = Command::new("taskset")
            .args(["-c", &cpu.to_string(), "nginx", "-c"])
            .arg(&file)
            .args(["-p"])
            .arg(folder)
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| format!("nginx does not start ({error}); install it with: apt-get install nginx"))?;
        Ok(Self { address, child })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGTERM, so that the master takes its worker along; already ended is as good.
        let _ = rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.child),
            rustix::process::Signal::TERM,
        );
        let _ = self.child.wait();
    }
}
