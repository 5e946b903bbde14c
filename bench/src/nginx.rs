//! nginx: one worker on one core, stopped when it goes.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Result;
use crate::process::Processes;

/// Bytes of the body of `return 200`.
pub const BODY_LENGTH: usize = 121;
const START_TIME_MAX: Duration = Duration::from_secs(10);

/// A running nginx.
pub struct Nginx {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
}

/// A free port on loopback. Another program could take it before it is used, which then shows as an error.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// `nginx/1.22.1`.
pub fn version() -> Result<String> {
    let output = Command::new("nginx").arg("-v").output().map_err(|error| missing(&error))?;
    let text = String::from_utf8_lossy(&output.stderr);
    Ok(text.trim().trim_start_matches("nginx version: ").to_owned())
}

fn missing(error: &std::io::Error) -> String {
    format!("nginx does not start ({error}); install it with: apt-get install nginx")
}

// === impl Nginx ===

impl Nginx {
    /// One that answers everything with [`BODY_LENGTH`] bytes and verifies nothing.
    pub fn return_200(folder: &Path, cpu: usize) -> Result<Self> {
        let (address, body) = (free_address()?, "x".repeat(BODY_LENGTH));
        let server = format!("server {{ listen {address}; location / {{ return 200 \"{body}\"; }} }}");
        Self::start(folder, address, &server, cpu)
    }

    /// One with `servers` in its `http` block, one of which listens on `address`; its files stand in `folder`.
    pub fn start(folder: &Path, address: SocketAddr, servers: &str, cpu: usize) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let shown = folder.display();
        let config = format!(
            "daemon off; worker_processes 1; pid {shown}/nginx.pid; error_log {shown}/nginx.log;\n\
             events {{ worker_connections 4096; }}\n\
             http {{ access_log off; keepalive_requests 1000000000;\n\
             client_body_temp_path {shown}/b; proxy_temp_path {shown}/p; fastcgi_temp_path {shown}/f;\n\
             uwsgi_temp_path {shown}/u; scgi_temp_path {shown}/s;\n{servers}\n}}\n",
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, config)?;
        let mut command = Command::new("taskset");
        command.args(["-c", &cpu.to_string(), "nginx", "-e"]).arg(folder.join("nginx.log"));
        command.arg("-c").arg(&file).arg("-p").arg(folder);
        let child = command.stdin(Stdio::null()).spawn().map_err(|error| missing(&error))?;
        let mut nginx = Self { address, child };
        nginx.wait_until_it_listens(folder)?;
        Ok(nginx)
    }

    /// Its master and its worker.
    pub fn processes(&self) -> Result<Processes> {
        Processes::of(self.child.id())
    }

    fn wait_until_it_listens(&mut self, folder: &Path) -> Result {
        let begin = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if self.child.try_wait()?.is_some() || begin.elapsed() > START_TIME_MAX {
                return Err(format!("nginx does not start; see {}", folder.join("nginx.log").display()).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGTERM, so that the master takes its worker along; already ended is as good.
        let _ =
            rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}
