//! The load generator: one thread, keep-alive connections that send one request after the other, each answer checked.
//!
//! By hand on epoll, because it shares the machine with what it measures: a generator that is slower than the server
//! would flatter the slower of two servers. How busy it was stands in the report.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::epoll;
use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::Result;
use crate::credentials::Credentials;
use crate::http2::Http2;
use crate::workloads::Workload;

/// The name of the threads that serve the doors.
const DOORS: &str = "doors";
/// Connections open at once.
pub const CONNECTIONS: usize = 64;

const HISTOGRAM_MICROS_MAX: usize = 1_000_000;
const ANSWER_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;
/// A server that does not answer for this long has failed.
const SILENCE_MAX: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };
const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// What one run measured.
pub struct Run {
    /// Answers per second.
    pub rate: f64,
    /// Latency in microseconds at which half of the answers had come.
    pub p50_micros: u64,
    /// 99th percentile in microseconds.
    pub p99_micros: u64,
    /// The share of the time for which the generator's thread was running.
    pub generator_busy: f64,
    /// Processor time of the server a request, in microseconds; all of its threads.
    pub server_micros: f64,
    /// What part of it was used by threads that serve no door.
    pub beside_doors: f64,
}

/// Latencies in whole microseconds.
struct Histogram(Vec<u64>);

struct Generator<'w> {
    workload: &'w Workload,
    epoll: OwnedFd,
    connections: Vec<Connection>,
    /// Those that wait for no answer.
    idle: Vec<usize>,
    histogram: Histogram,
    /// State of xorshift64: spreads over the whole set at no cost.
    draw: u64,
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
    filled: usize,
    /// The place of the credential that was sent.
    credential: u64,
    /// When the request was due: a late one counts from there.
    due: Instant,
    /// `None`: HTTP/1.1.
    http2: Option<Http2>,
}

/// Runs `workload` for `duration`; `rate` is the number of requests a second, `None` saturates.
pub fn run(workload: &Workload, duration: Duration, rate: Option<f64>) -> Result<Run> {
    let mut generator = Generator::connect(workload, CONNECTIONS)?;
    let busy_before = thread_time();
    let (server_before, doors_before) = (workload.server.time()?, workload.server.time_of_threads(DOORS)?);
    let begin = Instant::now();
    generator.drive(begin, begin + duration, rate.map(|rate| Duration::from_secs_f64(1.0 / rate)))?;
    let elapsed = begin.elapsed().as_secs_f64();
    let count = generator.histogram.count() as f64;
    let server = workload.server.time()?.saturating_sub(server_before);
    let doors = workload.server.time_of_threads(DOORS)?.saturating_sub(doors_before);
    Ok(Run {
        rate: count / elapsed,
        server_micros: server.as_secs_f64() * 1e6 / count,
        beside_doors: server.saturating_sub(doors).as_secs_f64() / server.as_secs_f64(),
        p50_micros: generator.histogram.quantile(0.5),
        p99_micros: generator.histogram.quantile(0.99),
        generator_busy: thread_time().saturating_sub(busy_before).as_secs_f64() / elapsed,
    })
}

/// Sends one request, and says whether its answer is the expected one.
pub fn once(workload: &Workload) -> Result {
    let mut generator = Generator::connect(workload, 1)?;
    let now = Instant::now();
    generator.send(now)?;
    generator.receive(None)
}

/// The processor time of the calling thread.
pub fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

// === impl Generator ===

impl<'w> Generator<'w> {
    fn connect(workload: &'w Workload, count: usize) -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut connections = Vec::with_capacity(count);
        for place in 0..count {
            let connection = Connection::open(workload)?;
            epoll::add(&epoll, &connection.stream, epoll::EventData::new_u64(place as u64), epoll::EventFlags::IN)?;
            connections.push(connection);
        }
        Ok(Self {
            workload,
            epoll,
            connections,
            idle: (0..count).collect(),
            histogram: Histogram::new(),
            draw: 0x9e37_79b9_7f4a_7c15,
        })
    }

    fn drive(&mut self, begin: Instant, until: Instant, interval: Option<Duration>) -> Result {
        let mut next = begin;
        loop {
            let now = Instant::now();
            while !self.idle.is_empty() && now < until && (interval.is_none() || next <= now) {
                self.send(interval.map_or(now, |_| next))?;
                next += interval.unwrap_or_default();
            }
            if self.idle.len() == self.connections.len() && now >= until {
                return Ok(());
            }
            // Between two paced requests the thread spins: a timer would come too late.
            self.receive(interval.map(|_| &AT_ONCE))?;
        }
    }

    fn send(&mut self, due: Instant) -> Result {
        let Some(place) = self.idle.pop() else { return Ok(()) };
        self.draw ^= self.draw << 13;
        self.draw ^= self.draw >> 7;
        self.draw ^= self.draw << 17;
        self.connections[place].send(self.workload, self.draw, due)
    }

    /// Takes whatever has arrived; `timeout` `None` waits for something.
    fn receive(&mut self, timeout: Option<&Timespec>) -> Result {
        let mut events = [epoll::Event { flags: epoll::EventFlags::empty(), data: epoll::EventData::new_u64(0) }; 64];
        let count = match epoll::wait(&self.epoll, &mut events, Some(timeout.unwrap_or(&SILENCE_MAX))) {
            Ok(0) if timeout.is_none() => return Err(format!("{}: no answer", self.workload.name).into()),
            Ok(count) => count,
            Err(rustix::io::Errno::INTR) => 0,
            Err(error) => return Err(error.into()),
        };
        for event in &events[..count] {
            let place = event.data.u64() as usize;
            let connection = &mut self.connections[place];
            if connection.receive(self.workload)? {
                self.histogram.record(connection.due.elapsed());
                self.idle.push(place);
            }
        }
        Ok(())
    }
}

// === impl Connection ===

impl Connection {
    fn open(workload: &Workload) -> Result<Self> {
        let address: SocketAddr = workload.address;
        let stream = TcpStream::connect(address).map_err(|error| format!("{address}: {error}"))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            request: Vec::with_capacity(1024),
            answer: vec![0; ANSWER_BYTES_MAX],
            filled: 0,
            credential: 0,
            due: Instant::now(),
            http2: workload.method.map(Http2::new),
        })
    }

    fn send(&mut self, workload: &Workload, draw: u64, due: Instant) -> Result {
        let credentials: &Credentials = &workload.credentials;
        let form = &workload.forms[(draw >> 48) as usize % workload.forms.len()];
        self.credential = draw % credentials.count();
        let parts = [&form.head[..], credentials.get(self.credential), &form.tail[..]];
        self.request.clear();
        if let Some(client) = &mut self.http2 {
            client.push_call(&mut self.request, &parts);
        } else {
            self.request.extend(parts.iter().copied().flatten());
            self.filled = 0;
        }
        self.due = due;
        // A request is far smaller than the socket's buffer, so it goes out whole.
        let sent = self.stream.write(&self.request).map_err(|error| format!("{}: {error}", workload.name))?;
        if sent == self.request.len() { Ok(()) } else { Err(format!("{}: half a request", workload.name).into()) }
    }

    /// Whether the answer is complete; an error where it is not the expected one.
    fn receive(&mut self, workload: &Workload) -> Result<bool> {
        match self.stream.read(&mut self.answer[self.filled..]) {
            Ok(0) => return Err(format!("{}: the server closed the connection", workload.name).into()),
            Ok(count) => self.filled += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(format!("{}: {error}", workload.name).into()),
        }
        let number = workload.credentials.number(self.credential);
        let is_expected = match &self.http2 {
            Some(_) => self.take_message(workload, number)?,
            None => self.check_answer(workload, number)?,
        };
        if is_expected == Some(false) {
            let answer = String::from_utf8_lossy(&self.answer[..self.filled]);
            return Err(format!("{}: unexpected answer: {answer}", workload.name).into());
        }
        Ok(is_expected.is_some())
    }

    /// Whether an answer of HTTP/1.1 is the expected one; `None` while it is not complete.
    fn check_answer(&self, workload: &Workload, number: u64) -> Result<Option<bool>> {
        let answer = &self.answer[..self.filled];
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut head = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(body_at) = head.parse(answer)? else { return Ok(None) };
        let length = header(&head, "content-length").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
        let body = &answer[body_at..];
        let is_complete = body.len() >= length.unwrap_or(0usize);
        Ok(is_complete.then(|| workload.expected.is(&head, body, number)))
    }

    /// The same of one of gRPC, whose frames are taken as they come.
    fn take_message(&mut self, workload: &Workload, number: u64) -> Result<Option<bool>> {
        let Some(client) = &mut self.http2 else { return Ok(None) };
        let mut reply = Vec::new();
        let (taken, is_complete) = client.take(&self.answer[..self.filled], &mut reply)?;
        self.answer.copy_within(taken..self.filled, 0);
        self.filled -= taken;
        self.stream.write_all(&reply)?;
        Ok(is_complete.then(|| workload.expected.is_message(client.message(), number)))
    }
}

/// The value of a header of an answer.
pub fn header<'a>(head: &httparse::Response<'_, 'a>, name: &str) -> Option<&'a [u8]> {
    head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
}

// === impl Histogram ===

impl Histogram {
    fn new() -> Self {
        Self(vec![0; HISTOGRAM_MICROS_MAX + 1])
    }

    fn record(&mut self, latency: Duration) {
        self.0[(latency.as_micros() as usize).min(HISTOGRAM_MICROS_MAX)] += 1;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_recorded_latencies() {
        let mut histogram = Histogram::new();
        (1..=100).for_each(|micros| histogram.record(Duration::from_micros(micros)));
        histogram.record(Duration::from_secs(5));
        assert_eq!(histogram.count(), 101);
        assert_eq!((histogram.quantile(0.5), histogram.quantile(0.99)), (51, 100));
        assert_eq!(histogram.quantile(1.0), HISTOGRAM_MICROS_MAX as u64);
    }
}
