//! What a decision asks of the heap: nothing, but for requests that are spelled otherwise than their API (escapes, another case,
//! numbers with zeros before them), and for what the diagnostic log keeps of a refusal.

use allocation_counter::measure;
use claviger_domain::verdict::Code;
use claviger_engine::Question;

use crate::golden::{Case, advance, ask, cases_of};
use crate::world::{CORPORA, World, state_of};

/// More refusals than the log keeps of a second: from then on none is kept.
const FLOOD: usize = 300;
/// What decoding and folding a path, or decoding a long user name, may take.
const COPIES_MAX: u64 = 12;
/// A refusal in the log: its check, agent, method, path, API and operation, each cleaned of what could be a secret, and a
/// longer queue.
const LOGGED_MAX: u64 = 12;

/// How many allocations a decision makes, and its code.
fn allocations(world: &World, question: &Question<'_>) -> (u64, Code) {
    let mut code = Code::Valid;
    let counted = measure(|| code = world.engine.decide(question).code);
    (counted.count_total, code)
}

/// Whether a request stands as its API spells it, so that nothing has to be decoded or folded.
fn is_spelled_plainly(case: &Case) -> bool {
    let (path, basic) = case.spelling();
    let as_documented = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase() && byte != b'%';
    let as_version =
        !path.contains("/v0") && !path.contains("-0") && !path.split('/').any(|segment| segment.ends_with('.'));
    path.bytes().all(as_documented) && as_version && !path.contains("_method") && basic < 384
}

#[test]
fn a_decision_allocates_nothing() {
    let (mut accepted, mut refused, mut wrong) = (0, 0, Vec::new());
    for topic in CORPORA {
        let world = World::new(&state_of(topic));
        for case in cases_of(topic) {
            advance(&world, case.now);
            let (count, code) = ask(&world, &case, |question| {
                (0..FLOOD).for_each(|_| drop(world.engine.decide(question)));
                allocations(&world, question)
            });
            let plain = is_spelled_plainly(&case);
            match (plain, code) {
                (true, Code::Valid) => accepted += 1,
                (true, _) => refused += 1,
                (false, _) => {}
            }
            if count > if plain { 0 } else { COPIES_MAX } {
                wrong.push(format!("{topic}: {}: {count} allocations, {code}", case.name));
            }
            world.engine.drain_usage();
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(accepted > 150 && refused > 150, "{accepted} accepted, {refused} refused");
}

#[test]
fn a_refusal_allocates_what_its_log_keeps_and_no_more() {
    let (mut logged, mut wrong) = (0, Vec::new());
    for topic in CORPORA {
        for case in cases_of(topic).iter().filter(|case| is_spelled_plainly(case)) {
            // Of its own: its log has room. The room to note uses and agents in is made with the first.
            let world = World::new(&state_of(topic));
            advance(&world, case.now);
            ask(&world, case, |question| drop(world.engine.decide(question)));
            let (count, code) = ask(&world, case, |question| allocations(&world, question));
            let kept = world.engine.drain_usage().refusals.len() as u64 / 2;
            logged += kept;
            if count > kept * LOGGED_MAX || code == Code::Valid && kept == 0 && count > 0 {
                wrong.push(format!("{topic}: {}: {count} allocations, {kept} logged, {code}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(logged > 150, "{logged}");
}
