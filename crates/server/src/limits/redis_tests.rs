//! Rates in a real Redis, and in one that is late, wrong or gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use claviger_engine::{RateKeeper as _, RateTaken, Unavailable};
use tokio_util::sync::CancellationToken;

use super::testing::{Redis, answering, asked};
use super::{Counters, RedisRates};

/// A rate that refills nothing while a test runs: so many, and one a day.
fn slow(name: &str, burst: u64, cost: u64) -> claviger_engine::RateAsked {
    asked(name, 1, 86_400, burst, cost)
}

fn calls(counters: &Counters, result: &str) -> u64 {
    counters.read().redis.iter().find(|(name, _)| *name == result).map_or(0, |(_, count)| *count)
}

/// A connection may take longer than a request waits.
async fn take(rates: &RedisRates, asked: Vec<claviger_engine::RateAsked>) -> Vec<RateTaken> {
    for _ in 0..200 {
        if let Ok(taken) = rates.take(asked.clone()).await {
            return taken;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("Redis does not answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn any_number_of_callers_on_two_nodes_take_a_rate_exactly() {
    let redis = Redis::start().await;
    let nodes = [redis.rates(1, 50), redis.rates(1, 50)];
    let passed = Arc::new(AtomicU64::new(0));
    let callers: Vec<_> = (0..16)
        .map(|caller| {
            let ((rates, _), passed) = (nodes[caller % 2].clone(), Arc::clone(&passed));
            tokio::spawn(async move {
                for _ in 0..20 {
                    let taken = take(&rates, vec![slow("a", 100, 1)]).await;
                    // One that was counted and answered late has passed for Redis: it may be fewer here, and never more.
                    passed.fetch_add(u64::from(taken[0].passes), Ordering::Relaxed);
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("no panic");
    }
    let late = nodes.iter().map(|(_, counters)| calls(counters, "late")).sum::<u64>();
    let passed = passed.load(Ordering::Relaxed);
    assert!(passed <= 100 && passed + late >= 100, "{passed} passed, {late} answers were late");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_are_taken_or_none_and_what_is_left_is_told() {
    let redis = Redis::start().await;
    let (rates, _) = redis.rates(1, 50);
    let both = || vec![slow("a", 5, 2), slow("b", 3, 1)];
    let first = take(&rates, both()).await;
    assert_eq!(first.iter().map(|taken| (taken.passes, taken.remaining)).collect::<Vec<_>>(), [(true, 3), (true, 2)]);
    take(&rates, both()).await;
    let third = take(&rates, both()).await;
    assert_eq!(third.iter().map(|taken| (taken.passes, taken.remaining)).collect::<Vec<_>>(), [(false, 1), (true, 1)]);
    let day = 86_400_000_000_000;
    let retry_in = third[0].retry_in.expect("it would pass later");
    assert!(day - 60_000_000_000 < retry_in && retry_in <= day, "{retry_in}");
    assert_eq!(take(&rates, vec![slow("b", 3, 1)]).await[0].remaining, 0, "nothing of b was taken with a");
    rates.give_back(vec![slow("a", 5, 2)]).await.expect("given back");
    assert!(take(&rates, vec![slow("a", 5, 3)]).await[0].passes);
    // More than a whole burst, and nothing at all, never pass.
    for never in [slow("c", 5, 6), asked("d", 0, 60, 5, 1)] {
        let taken = take(&rates, vec![never]).await;
        assert_eq!((taken[0].passes, taken[0].retry_in), (false, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_refills_and_its_key_ends() {
    let redis = Redis::start().await;
    let (rates, _) = redis.rates(1, 50);
    let quick = || vec![asked("a", 10, 1, 1, 1)];
    assert!(take(&rates, quick()).await[0].passes);
    let refused = take(&rates, quick()).await[0];
    let retry_in = Duration::from_nanos(refused.retry_in.expect("soon"));
    assert!(!refused.passes && retry_in <= Duration::from_millis(100), "{retry_in:?}");
    tokio::time::sleep(retry_in).await;
    assert!(take(&rates, quick()).await[0].passes, "when it was told");
    let keys: Vec<String> = redis.command(&["KEYS", "*"]).await;
    let [key] = keys.as_slice() else { panic!("one key: {keys:?}") };
    assert!(key.starts_with("{claviger:"), "all keys in one slot: {key}");
    let ends_in: i64 = redis.command(&["PTTL", key]).await;
    assert!((1..=1_200).contains(&ends_in), "{ends_in}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_installation_counts_apart() {
    let redis = Redis::start().await;
    for installation in [1, 2] {
        let (rates, _) = redis.rates(installation, 50);
        assert!(take(&rates, vec![slow("a", 1, 1)]).await[0].passes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_wrote_is_no_counter_and_the_others_count_on() {
    let redis = Redis::start().await;
    let (rates, counters) = redis.rates(1, 50);
    take(&rates, vec![slow("a", 9, 1)]).await;
    let keys: Vec<String> = redis.command(&["KEYS", "*"]).await;
    for words in [vec!["SET", &keys[0], "nan"], vec!["SET", &keys[0], "inf"], vec!["SET", &keys[0], "g1:0x7"]] {
        redis.command::<()>(&words).await;
        assert_eq!(rates.take(vec![slow("a", 9, 1), slow("b", 9, 1)]).await, Err(Unavailable), "{words:?}");
    }
    redis.command::<()>(&["DEL", &keys[0]]).await;
    redis.command::<()>(&["LPUSH", &keys[0], "x"]).await;
    assert_eq!(rates.take(vec![slow("a", 9, 1), slow("b", 9, 1)]).await, Err(Unavailable), "a list");
    assert!(calls(&counters, "foreign") >= 4);
    assert_eq!(counters.read().redis_up, Some(true));
    assert_eq!(take(&rates, vec![slow("b", 9, 1)]).await[0].remaining, 8, "nothing was taken with the wrong one");
    // An instant that no clock could have left there: empty, and no longer than a burst takes.
    redis.command::<()>(&["SET", &keys[0], "g1:8999999999999999"]).await;
    let taken = take(&rates, vec![asked("a", 10, 1, 1, 1)]).await[0];
    assert!(!taken.passes && taken.full_in <= 100_000_000, "{taken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_gone_is_not_waited_for_and_is_found_again() {
    let mut redis = Redis::start().await;
    let (rates, counters) = redis.rates(1, 50);
    let stop = CancellationToken::new();
    let looking = tokio::spawn(Arc::clone(&rates).run(stop.clone()));
    take(&rates, vec![slow("a", 9, 1)]).await;
    redis.stop();
    while counters.read().redis_up == Some(true) {
        assert_eq!(rates.take(vec![slow("a", 9, 1)]).await, Err(Unavailable));
    }
    let skipped = calls(&counters, "skipped");
    for _ in 0..100 {
        assert_eq!(rates.take(vec![slow("a", 9, 1)]).await, Err(Unavailable));
    }
    assert_eq!(calls(&counters, "skipped"), skipped + 100, "nobody waits for it");
    redis.start_again().await;
    let taken = take(&rates, vec![slow("a", 9, 1)]).await;
    assert_eq!((taken[0].passes, counters.read().redis_up), (true, Some(true)));
    stop.cancel();
    looking.await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_late_or_answers_nonsense_is_as_good_as_gone() {
    let soon = Duration::ZERO;
    for (answer, after, result) in [
        (":1\r\n", Duration::from_millis(200), "late"),
        ("-ERR hunter2\r\n", soon, "failed"),
        ("-OOM command not allowed\r\n", soon, "failed"),
        (":1\r\n", soon, "failed"),
        ("*1\r\n:1\r\n", soon, "failed"),
        ("*2\r\n:1\r\n$2\r\nxx\r\n", soon, "failed"),
        ("*2\r\n:7\r\n$1\r\n1\r\n", soon, "failed"),
        ("HTTP/1.1 400 Bad Request\r\n\r\n", soon, "failed"),
    ] {
        let (rates, counters) = answering(answer, after).await;
        for _ in 0..10 {
            assert_eq!(rates.take(vec![slow("a", 9, 1)]).await, Err(Unavailable), "{answer}");
        }
        assert!(calls(&counters, result) > 0, "{answer}: {:?}", counters.read());
        assert!(calls(&counters, "skipped") > 0, "{answer}: {:?}", counters.read());
        assert_eq!(counters.read().redis_up, Some(false), "{answer}");
    }
}
