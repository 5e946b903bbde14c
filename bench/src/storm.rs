//! Decisions while many keys change, and while everything is loaded anew.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use claviger_domain::change::{Change, Object, ObjectRef, Position, Step};
use claviger_domain::keyring::Keyring;
use claviger_domain::verdict::Code;

use crate::conditions::pin;
use crate::credentials::Credentials;
use crate::fixture::{Fixture, Template, runtime};
use crate::in_process::{Draws, Instead, Loaded, decide_each, fill};
use crate::report::{Figure, median};
use crate::{Arguments, Result};

/// Calm and storm after each other, so often.
const ROUNDS: usize = 5;
/// How long each lasts.
const SPELL: Duration = Duration::from_secs(2);
/// Changes of a transaction.
const BATCH: u64 = 100;
/// From one transaction to the next: 10,000 changes a second.
const PERIOD: Duration = Duration::from_millis(10);
/// Decisions between two looks at the clock.
const DRAWN: usize = 1_000;
/// Decisions after which usage is taken out.
const DRAINED_AFTER: usize = 100_000;
/// The most decisions that may be lost meanwhile, in hundredths (speed.md).
const LOST_PERCENT_MAX: f64 = 10.0;

/// What is lost of the rate of decisions on this thread's core while another core is busy with the replica.
pub fn run(arguments: &Arguments, fixture: &Fixture, loaded: &Loaded, known: &Credentials) -> Result<Vec<Figure>> {
    let (template, keyring) = runtime()?.block_on(fixture.template())?;
    let changes = |stop: &AtomicBool| change(loaded, &template, &keyring, arguments.keys, stop);
    let reload = |stop: &AtomicBool| reload(fixture, loaded, stop);
    let figure =
        |what: &str, lost, budget| Figure { what: what.to_owned(), value: lost, unit: "%", decimals: 1, budget };
    let while_changing = lost(arguments.generator_core, loaded, known, changes)?;
    let while_loading = lost(arguments.generator_core, loaded, known, reload)?;
    Ok(vec![
        figure("decisions lost while 10,000 changes a second are applied", while_changing, Some(LOST_PERCENT_MAX)),
        figure("decisions lost while all is loaded anew", while_loading, None),
    ])
}

/// Hundredths of the rate that are missing while `beside` runs on another core: the median of the rounds.
fn lost(
    core: usize,
    loaded: &Loaded,
    known: &Credentials,
    beside: impl Fn(&AtomicBool) -> Result + Sync,
) -> Result<f64> {
    let mut draws = Draws::new();
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let calm = rate(loaded, known, &mut draws)?;
        let stop = AtomicBool::new(false);
        let storm = thread::scope(|scope| {
            let beside = scope.spawn(|| pin(core).and_then(|()| beside(&stop)));
            let rate = rate(loaded, known, &mut draws);
            stop.store(true, Ordering::Relaxed);
            beside.join().map_err(|_| "the thread beside has panicked")??;
            rate
        })?;
        rounds.push(100.0 * (1.0 - storm / calm));
    }
    Ok(median(rounds))
}

/// Decisions a second.
fn rate(loaded: &Loaded, known: &Credentials, draws: &mut Draws) -> Result<f64> {
    let (begin, mut count) = (Instant::now(), 0);
    while begin.elapsed() < SPELL {
        decide_each(loaded, draws.draw(known, DRAWN), Code::Valid)?;
        count += DRAWN;
        if count % DRAINED_AFTER == 0 {
            while !loaded.engine.drain_usage().keys.is_empty() {}
        }
    }
    Ok(count as f64 / begin.elapsed().as_secs_f64())
}

/// Applies changes of keys as the feed does.
fn change(loaded: &Loaded, template: &Template, keyring: &Keyring, keys: u64, stop: &AtomicBool) -> Result {
    let (mut number, mut due) = (0, Instant::now());
    while !stop.load(Ordering::Relaxed) {
        let changes = (0..BATCH).map(|_| {
            // A stride that meets every key.
            number = (number + 7_919) % keys;
            let mut key = template.key(number, keyring);
            (key.version, key.description) = (2, "changed".to_owned());
            Change { object: ObjectRef::Key(key.id), now: Some(Object::Key(Box::new(key))) }
        });
        let changes = changes.collect();
        let last = loaded.engine.position().ok_or("the engine is not ready")?;
        loaded.engine.apply(Step { position: Position { seq: last.seq + 1, ..last }, changes });
        due += PERIOD;
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    Ok(())
}

/// Loads everything into the engine that decides, again and again.
fn reload(fixture: &Fixture, loaded: &Loaded, stop: &AtomicBool) -> Result {
    let runtime = runtime()?;
    while !stop.load(Ordering::Relaxed) {
        runtime.block_on(async {
            let opened = fixture.open().await?;
            fill(&loaded.engine, &opened.store, Instead::default()).await?;
            opened.store.close().await;
            Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
        })?;
    }
    Ok(())
}
