//! Back ends for tests: a real `redis-server`, and one that answers what it likes.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use claviger_domain::KeyId;
use claviger_domain::keyring::Keyring;
use claviger_domain::limit::{CounterId, Gcra, Holder, Rate};
use claviger_domain::testing::FixedRandom;
use claviger_engine::RateAsked;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Counters, LimitsConfig, RedisRates};

/// A Redis of a test's own, gone with it.
pub(super) struct Redis {
    port: u16,
    process: Option<Child>,
}

// === impl Redis ===

impl Redis {
    pub(super) async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
        let mut redis = Self { port, process: None };
        redis.start_again().await;
        redis
    }

    /// Empty, as nothing is kept.
    pub(super) async fn start_again(&mut self) {
        let port = self.port.to_string();
        let arguments = ["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"];
        let process = Command::new("redis-server").args(arguments).stdout(Stdio::null()).spawn();
        self.process = Some(process.expect("redis-server, of Debian's package of that name"));
        for _ in 0..500 {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("redis-server does not listen");
    }

    pub(super) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("it runs");
            process.wait().expect("it ends");
        }
    }

    /// As a node of the installation with this number sees it.
    pub(super) fn rates(&self, installation: u64, timeout_ms: u64) -> (Arc<RedisRates>, Arc<Counters>) {
        rates(self.port, installation, timeout_ms)
    }

    /// Runs a command behind everybody's back.
    pub(super) async fn command<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).expect("a client");
        let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
        let (name, arguments) = words.split_first().expect("a command");
        redis::cmd(name).arg(arguments).query_async(&mut connection).await.expect("an answer")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A server that takes connections as Redis does, and gives the same answer to each script, after a while.
pub(super) async fn answering(answer: &'static str, after: Duration) -> (Arc<RedisRates>, Arc<Counters>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 4_096];
                while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                    // What the client tells of itself when it connects.
                    let told = String::from_utf8_lossy(&buffer[..count]).matches("SETINFO").count();
                    if told == 0 {
                        tokio::time::sleep(after).await;
                    }
                    let answer = if told == 0 { answer.to_owned() } else { "+OK\r\n".repeat(told) };
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    rates(port, 1, 50)
}

fn rates(port: u16, installation: u64, timeout_ms: u64) -> (Arc<RedisRates>, Arc<Counters>) {
    let url = format!("redis://127.0.0.1:{port}").parse().expect("a URL");
    let config = LimitsConfig { redis_url: Some(url), redis_timeout_ms: timeout_ms, ..LimitsConfig::default() };
    let (keyring, counters) = (Keyring::generate(&FixedRandom::new(installation)), Arc::new(Counters::default()));
    let rates = RedisRates::new(&config, &keyring, Arc::clone(&counters)).expect("a client").expect("configured");
    (Arc::new(rates), counters)
}

/// One request of this cost, of a key's limit.
pub(super) fn asked(name: &str, limit: u64, window_seconds: u32, burst: u64, cost: u64) -> RateAsked {
    let counter = CounterId::of_limit(Holder::Key, &name.parse().expect("a name")).of_key(KeyId::from_raw(1));
    RateAsked { counter, rate: Gcra::new(&Rate { limit, window_seconds, burst }), cost }
}
