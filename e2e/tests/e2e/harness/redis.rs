//! A real Redis of a test's own.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use super::patience::wait_until;
use super::process::free_address;
use super::tls::Files;

/// A running `redis-server`, which keeps nothing; killed when it goes.
pub struct Redis {
    address: SocketAddr,
    /// What it is started with beside its address.
    arguments: Vec<String>,
    process: Option<Child>,
}

// === impl Redis ===

impl Redis {
    /// An empty one.
    pub async fn start() -> Self {
        let address = free_address();
        Self::start_with(address, vec!["--port".to_owned(), address.port().to_string()]).await
    }

    /// The same that speaks TLS alone, with this certificate.
    pub async fn start_tls(files: &Files) -> Self {
        let address = free_address();
        let [certificate, key] = [&files.certificate, &files.key].map(|file| file.display().to_string());
        let port = address.port().to_string();
        let words = ["--port", "0", "--tls-port", &port, "--tls-cert-file", &certificate, "--tls-key-file", &key];
        let words = words.into_iter().chain(["--tls-auth-clients", "no", "--tls-ca-cert-file", &certificate]);
        Self::start_with(address, words.map(str::to_owned).collect()).await
    }

    async fn start_with(address: SocketAddr, arguments: Vec<String>) -> Self {
        let mut redis = Self { address, arguments, process: None };
        redis.start_again().await;
        redis
    }

    /// At the same address, empty.
    pub async fn start_again(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]).args(&self.arguments);
        let process = command.stdout(Stdio::null()).spawn();
        self.process = Some(process.expect("redis-server starts"));
        let listens = async || tokio::net::TcpStream::connect(self.address).await.is_ok();
        wait_until(listens, || "redis-server does not listen".to_owned()).await;
    }

    /// What servers are told.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// `kill -9`.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("it runs");
            process.wait().expect("it ends");
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}
