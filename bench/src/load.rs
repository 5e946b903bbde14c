//! The load generator: keep-alive connections that send one request after the other and check each answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What is sent: a head, a credential drawn at random, a tail.
#[derive(Clone)]
pub struct Workload {
    /// Name in the table.
    pub name: &'static str,
    /// Where to.
    pub address: SocketAddr,
    /// Bytes before the credential.
    pub head: Vec<u8>,
    /// Bytes after it.
    pub tail: Vec<u8>,
    /// Credentials to draw from; one empty one where the request has none.
    pub credentials: Arc<Vec<String>>,
    /// The status each answer must have.
    pub status: u16,
    /// What each answer's body must contain.
    pub body_contains: &'static str,
}

/// What one run measured.
pub struct Run {
    /// Answers per second.
    pub rate: f64,
    /// Latency in microseconds at which half and 99 % of the answers had come.
    pub p50_micros: u64,
    /// 99th percentile in microseconds.
    pub p99_micros: u64,
}

/// Latencies in whole microseconds up to the last bucket.
struct Histogram(Vec<u64>);

const HISTOGRAM_MICROS_MAX: usize = 1_000_000;
const CONNECTIONS: usize = 64;
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Runs `workload` for `duration`; `rate` bounds the answers per second, `None` saturates.
pub async fn run(workload: &Workload, duration: Duration, rate: Option<f64>) -> Result<Run, String> {
    let begin = Instant::now();
    let interval = rate.map(|rate| Duration::from_secs_f64(CONNECTIONS as f64 / rate));
    let tasks: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            let workload = workload.clone();
            tokio::spawn(async move { connection(&workload, number, begin + duration, interval).await })
        })
        .collect();
    let mut all = Histogram::new();
    for task in tasks {
        all.add(&task.await.map_err(|error| error.to_string())??);
    }
    let seconds = begin.elapsed().as_secs_f64();
    Ok(Run {
        rate: all.count() as f64 / seconds,
        p50_micros: all.quantile(0.5),
        p99_micros: all.quantile(0.99),
    })
}

async fn connection(
    workload: &Workload,
    number: usize,
    until: Instant,
    interval: Option<Duration>,
) -> Result<Histogram, String> {
    let mut stream = TcpStream::connect(workload.address).await.map_err(|error| format!("connect: {error}"))?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let mut histogram = Histogram::new();
    let mut draw = 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(number as u64 + 1);
    let mut request = Vec::with_capacity(1024);
    let mut answer = vec![0; ANSWER_BYTES_MAX];
    let mut next = Instant::now() + interval.unwrap_or_default() * number as u32 / CONNECTIONS as u32;
    while Instant::now() < until {
        if let Some(interval) = interval {
            tokio::time::sleep_until(next.into()).await;
            next += interval;
        }
        // xorshift64: spreads over the whole set at no cost.
        draw ^= draw << 13;
        draw ^= draw >> 7;
        draw ^= draw << 17;
        let credential = &workload.credentials[(draw % workload.credentials.len() as u64) as usize];
        request.clear();
        request.extend_from_slice(&workload.head);
        request.extend_from_slice(credential.as_bytes());
        request.extend_from_slice(&workload.tail);
        let begin = Instant::now();
        stream.write_all(&request).await.map_err(|error| format!("write: {error}"))?;
        read_answer(&mut stream, &mut answer, workload).await?;
        histogram.record(begin.elapsed());
    }
    Ok(histogram)
}

async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8], workload: &Workload) -> Result<(), String> {
    let mut filled = 0;
    loop {
        let count = stream.read(&mut buffer[filled..]).await.map_err(|error| format!("read: {error}"))?;
        if count == 0 {
            return Err(format!("{}: the server closed the connection", workload.name));
        }
        filled += count;
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(body_at) = head.parse(&buffer[..filled]).map_err(|error| error.to_string())?
        else {
            continue;
        };
        let length = head
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case("content-length"))
            .and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<usize>().ok())
            .unwrap_or(0);
        if filled < body_at + length {
            continue;
        }
        let body = String::from_utf8_lossy(&buffer[body_at..body_at + length]);
        if head.code != Some(workload.status) || !body.contains(workload.body_contains) {
            return Err(format!("{}: unexpected answer {:?}: {body}", workload.name, head.code));
        }
        return Ok(());
    }
}

// === impl Histogram ===

impl Histogram {
    fn new() -> Self {
        Self(vec![0; 1_024])
    }

    fn record(&mut self, latency: Duration) {
        let bucket = (latency.as_micros() as usize).min(HISTOGRAM_MICROS_MAX);
        if bucket >= self.0.len() {
            self.0.resize(bucket + 1, 0);
        }
        self.0[bucket] += 1;
    }

    fn add(&mut self, other: &Self) {
        if other.0.len() > self.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine += theirs;
        }
    }

    fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    fn quantile(&self, quantile: f64) -> u64 {
        let rank = (self.count() as f64 * quantile).ceil() as u64;
        let mut seen = 0;
        for (micros, count) in self.0.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return micros as u64;
            }
        }
        HISTOGRAM_MICROS_MAX as u64
    }
}
