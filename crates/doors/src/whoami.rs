//! `GET /v1/whoami`: what a key is and may do, told to whoever holds it. For the key's own organization, without a door
//! token, limited per address; no use of the key.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use claviger_domain::verdict::Code;
use parking_lot::Mutex;
use tokio::time::{Duration, Instant};

use crate::answer::Answer;
use crate::client_ip::forwarded_for;
use crate::credentials::Credentials;
use crate::json::push_whoami;
use crate::lines::Lines;
use crate::problem::{Problem, RETRY_AFTER, plain_refusal};
use crate::request_id::Id;
use crate::rest::json;
use crate::service::Connection;
use crate::shares::network_of;

/// Calls are counted in windows of this length.
const WINDOW: Duration = Duration::from_mins(1);
/// The most addresses that are counted at once. When there are more, all share one count until the window ends: a
/// flood from many addresses must not take memory, nor open the door to everybody.
const ADDRESSES_MAX: usize = 10_000;
const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// How often each address has asked in this window.
#[derive(Debug)]
pub(crate) struct Limiter {
    per_window: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    window_began: Option<Instant>,
    counts: HashMap<IpAddr, u32>,
}

/// Answers one call.
pub(crate) fn answer(connection: &Connection, lines: Lines<'_>, id: &Id, answer: &mut Answer) {
    let client_ip = match client_ip(connection, lines) {
        Ok(client_ip) => client_ip,
        Err(problem) => return problem.answer(id, answer),
    };
    if let Err(seconds) = connection.doors().whoami.take(client_ip, Instant::now()) {
        Problem::rate_limited().answer(id, answer);
        return answer.header(RETRY_AFTER, &seconds.to_string());
    }
    if let Err(problem) = connection.check_ready() {
        return problem.answer(id, answer);
    }
    let verdict = connection.engine().whoami(&Credentials::usual(lines).with_tokens(lines).presented, client_ip);
    match verdict.key() {
        Some(key) if verdict.code == Code::Valid => push_whoami(json(id, answer), &key, id),
        _ => plain_refusal(verdict.code, id, answer),
    }
}

/// The peer's own address, or what a trusted peer says in `X-Forwarded-For`.
fn client_ip(connection: &Connection, lines: Lines<'_>) -> Result<Option<IpAddr>, Problem> {
    let mut lists = lines.all(X_FORWARDED_FOR);
    match (lists.next(), lists.next()) {
        (Some(list), None) if connection.is_trusted() => forwarded_for(list, &connection.trusted())
            .map(Some)
            .map_err(|problem| Problem::gateway_headers(format!("The header {X_FORWARDED_FOR} {problem}."))),
        (Some(_), Some(_)) if connection.is_trusted() => {
            Err(Problem::gateway_headers(format!("The header {X_FORWARDED_FOR} stands there twice.")))
        }
        _ => Ok(connection.peer()),
    }
}

// === impl Limiter ===

impl Limiter {
    pub(crate) fn new(per_window: u32) -> Self {
        Self { per_window, state: Mutex::default() }
    }

    /// Counts a call; the error is the number of seconds after which the address may ask again.
    fn take(&self, address: Option<IpAddr>, now: Instant) -> Result<(), u64> {
        let mut state = self.state.lock();
        let began = state.window_began.filter(|began| now.duration_since(*began) < WINDOW);
        let began = began.unwrap_or_else(|| {
            state.counts.clear();
            state.window_began = Some(now);
            now
        });
        let mut counted = counted_as(address);
        if state.counts.len() >= ADDRESSES_MAX && !state.counts.contains_key(&counted) {
            counted = counted_as(None);
        }
        let count = state.counts.entry(counted).or_default();
        if *count >= self.per_window {
            return Err(WINDOW.saturating_sub(now.duration_since(began)).as_secs() + 1);
        }
        *count += 1;
        Ok(())
    }
}

/// Callers without an address are one.
fn counted_as(address: Option<IpAddr>) -> IpAddr {
    address.map_or(Ipv6Addr::UNSPECIFIED.into(), network_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(limiter: &Limiter, address: &str, now: Instant) -> Result<(), u64> {
        limiter.take(Some(address.parse().expect("an address")), now)
    }

    #[test]
    fn an_address_may_ask_so_often_and_again_in_the_next_minute() {
        let limiter = Limiter::new(2);
        let start = Instant::now();
        assert!(take(&limiter, "203.0.113.7", start).is_ok() && take(&limiter, "203.0.113.7", start).is_ok());
        assert_eq!(take(&limiter, "203.0.113.7", start + Duration::from_secs(50)), Err(11));
        assert!(take(&limiter, "203.0.113.8", start).is_ok(), "another address has its own count");
        assert!(take(&limiter, "203.0.113.7", start + WINDOW).is_ok());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let limiter = Limiter::new(1);
        let now = Instant::now();
        assert!(take(&limiter, "2001:db8::1", now).is_ok());
        assert!(take(&limiter, "2001:db8::ffff:2", now).is_err());
        assert!(take(&limiter, "2001:db8:0:1::1", now).is_ok());
    }

    #[test]
    fn a_flood_of_addresses_takes_bounded_memory() {
        let limiter = Limiter::new(1);
        let now = Instant::now();
        for number in 0..ADDRESSES_MAX as u32 {
            assert!(limiter.take(Some(std::net::Ipv4Addr::from(number).into()), now).is_ok());
        }
        assert!(take(&limiter, "203.0.113.7", now).is_ok(), "the shared count");
        assert!(take(&limiter, "203.0.113.8", now).is_err());
        assert!(limiter.state.lock().counts.len() <= ADDRESSES_MAX + 1);
    }
}
