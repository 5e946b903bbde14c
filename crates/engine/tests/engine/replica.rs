//! A replica fed changes in any split and order answers like one built from scratch.

use std::sync::Arc;

use claviger_domain::api::DoorRules;
use claviger_domain::change::{Change, Object, Position, Step};
use claviger_domain::digest::CredentialDigest;
use claviger_domain::ip_list::IpEntries;
use claviger_domain::policy::Policy;
use claviger_domain::role::Levels;
use claviger_domain::sharing::Sharing;
use claviger_engine::Engine;
use proptest::prelude::*;

use crate::golden::{Case, advance, ask, cases, cases_of};
use crate::world::{World, empty_engine, load, state, state_of};

/// All answers to the corpus.
fn answers(world: &World, engine: &Arc<Engine>, cases: &[Case]) -> Vec<String> {
    cases.iter().map(|case| ask(world, case, |question| format!("{:?}", engine.decide(question)))).collect()
}

/// The same record as it was before: keys without rights and disabled, APIs and sets empty.
fn earlier(change: &Change) -> Change {
    let now = change.now.clone().map(|object| match object {
        Object::Key(mut key) => {
            if let Some(old) = key.overlap.take() {
                key.secret = old.secret;
            }
            key.api_sets.clear();
            key.operations.clear();
            key.deleted_at = None;
            key.version = 1;
            Object::Key(key)
        }
        Object::Api(mut api, _) => {
            api.base_paths = vec!["/elsewhere".into()];
            (api.sharing, api.rules) = (Sharing::default(), DoorRules::default());
            Object::Api(api, Vec::new())
        }
        Object::ApiSet(mut set) => {
            set.operations.clear();
            set.apis.clear();
            Object::ApiSet(set)
        }
        Object::ApplicationType(mut kind) => {
            kind.api_sets.clear();
            Object::ApplicationType(kind)
        }
        Object::Application(mut application) => {
            application.disabled = None;
            Object::Application(application)
        }
        Object::Organization(mut organization) => {
            (organization.allowed_ips, organization.policy) = (IpEntries::default(), Policy::default());
            Object::Organization(organization)
        }
        Object::Role(mut role) => {
            role.levels = Levels::default();
            Object::Role(role)
        }
        Object::Member(mut member) => {
            (member.disabled, member.locked, member.account_expires_at) = (None, None, None);
            member.roles.clear();
            Object::Member(member)
        }
        Object::LastUse(last_use) => Object::LastUse(last_use),
        Object::ApiUser(mut user) => {
            (user.disabled, user.static_token) = (None, None);
            Object::ApiUser(user)
        }
        Object::ApiSession(mut session) => {
            session.digest = CredentialDigest::from_bytes([7; 32]);
            Object::ApiSession(session)
        }
    });
    Change { object: change.object, now }
}

/// What comes and goes on the way: a record that is gone in the end.
fn gone(change: &Change) -> Change {
    Change { object: change.object, now: None }
}

/// How the records of a topic come to an engine.
#[derive(Debug, Clone)]
struct Way {
    topic: &'static str,
    order: Vec<usize>,
    loaded: usize,
    step_length: usize,
    detours: Vec<u8>,
}

/// Some way, with more detours than there are records.
fn way(topic: &'static str) -> impl Strategy<Value = Way> {
    let records = World::new(&state_of(topic)).changes.len();
    let order = Just((0..records).collect::<Vec<_>>()).prop_shuffle();
    let detours = proptest::collection::vec(0..4u8, records);
    (order, 0..60usize, 1..40usize, detours).prop_map(move |(order, loaded, step_length, detours)| Way {
        topic,
        order,
        loaded,
        step_length,
        detours,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn fed_in_any_way_it_answers_like_one_built_from_scratch(
        way in prop_oneof![way("verdicts"), way("sharing"), way("answers")]
    ) {
        let world = World::new(&state_of(way.topic));
        let engine = empty_engine(&world.clock);
        let (mut records, mut feed) = (Vec::new(), Vec::new());
        for ((number, at), detour) in way.order.iter().enumerate().zip(way.detours) {
            let change = &world.changes[*at];
            match detour {
                0 if number < way.loaded => records.push(earlier(change)),
                1 if number < way.loaded => records.push(change.clone()),
                0 => feed.push(earlier(change)),
                1 => feed.extend([change.clone(), gone(change)]),
                2 => feed.push(change.clone()),
                _ => {}
            }
            feed.push(change.clone());
        }
        load(&engine, records);
        for (seq, changes) in feed.chunks(way.step_length).enumerate() {
            engine.apply(Step { position: Position { epoch: 1, seq: 2 + seq as i64 }, changes: changes.to_vec() });
        }
        let cases = cases_of(way.topic);
        advance(&world, cases[10].now);
        prop_assert_eq!(answers(&world, &engine, &cases), answers(&world, &world.engine, &cases));
    }
}

#[test]
fn patterns_cover_operations_that_are_added_later() {
    let world = World::new(&state());
    let cases = cases();
    let by_set = cases.iter().find(|case| case.name == "a list the key lacks").expect("the case is there");
    let by_key =
        cases.iter().find(|case| case.name == "a case variant of the literal, both held").expect("it is there");
    advance(&world, by_set.now);
    let change = world.changes.iter().find_map(|change| match &change.now {
        Some(Object::Api(api, operations)) if api.slug.as_str() == "github" => Some((change.object, api, operations)),
        _ => None,
    });
    let (object, api, operations) = change.expect("the API is there");
    let mut renamed = operations.clone();
    for operation in &mut renamed {
        match &*operation.name {
            "repos/list" => operation.name = "issues/list-of-lists".into(),
            "gists/list-starred" => operation.name = "gists/new".into(),
            _ => {}
        }
    }
    let now = Some(Object::Api(api.clone(), renamed));
    world.engine.apply(Step { position: Position { epoch: 1, seq: 2 }, changes: vec![Change { object, now }] });
    let operation = |case| ask(&world, case, |question| world.engine.decide(question).operation().map(str::to_owned));
    assert_eq!(operation(by_set).as_deref(), Some("github:issues/list-of-lists"), "a set's pattern");
    assert_eq!(operation(by_key).as_deref(), Some("github:gists/new"), "a key's own pattern");
}

#[test]
fn a_step_that_was_applied_already_changes_nothing() {
    let world = World::new(&state());
    let all = |seq, changes| Step { position: Position { epoch: 1, seq }, changes };
    world.engine.apply(all(9, Vec::new()));
    let before = answers(&world, &world.engine, &cases());
    world.engine.apply(all(5, world.changes.iter().map(gone).collect()));
    assert_eq!(answers(&world, &world.engine, &cases()), before);
    assert_eq!(world.engine.position(), Some(Position { epoch: 1, seq: 9 }));
}

#[test]
fn no_request_sees_half_of_a_step() {
    use claviger_domain::verdict::Code;

    let world = World::new(&state());
    let cases = cases();
    let case = cases.iter().find(|case| case.name == "a list the key lacks").expect("the case is there");
    // In one state the key may nothing but its set everything, in the other the reverse: both refuse.
    let find = |matches: &dyn Fn(&Object) -> bool| {
        world.changes.iter().find(|change| change.now.as_ref().is_some_and(matches)).expect("it is there").clone()
    };
    let set = find(&|object| matches!(object, Object::ApiSet(set) if set.slug.as_str() == "issues"));
    let wide = find(&|object| matches!(object, Object::ApiSet(set) if set.slug.as_str() == "github-all"));
    let key = find(&|object| matches!(object, Object::Key(key) if key.name.as_str() == "reader"));
    let (Some(Object::ApiSet(narrow_set)), Some(Object::ApiSet(wide)), Some(Object::Key(holder))) =
        (set.now.clone(), wide.now, key.now.clone())
    else {
        panic!("records of their kinds");
    };
    let mut wide_set = narrow_set.clone();
    wide_set.apis.clone_from(&wide.apis);
    let mut stranger = holder.clone();
    stranger.api_sets.clear();
    let step = |seq, set: &claviger_domain::api_set::ApiSet, holder: &claviger_domain::key::Key| Step {
        position: Position { epoch: 1, seq },
        changes: vec![
            Change { object: set_ref(set), now: Some(Object::ApiSet(Box::new(set.clone()))) },
            Change { object: key.object, now: Some(Object::Key(Box::new(holder.clone()))) },
        ],
    };
    advance(&world, case.now);
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut asked = 0;
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) || asked == 0 {
                let code = ask(&world, case, |question| world.engine.decide(question).code);
                assert_eq!(code, Code::OperationNotAllowed, "neither state allows it");
                asked += 1;
            }
        });
        for seq in (2..2_000).step_by(2) {
            world.engine.apply(step(seq, &wide_set, &stranger));
            world.engine.apply(step(seq + 1, &narrow_set, &holder));
        }
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        reader.join().expect("no verdict was of half a step");
    });
}

fn set_ref(set: &claviger_domain::api_set::ApiSet) -> claviger_domain::change::ObjectRef {
    claviger_domain::change::ObjectRef::ApiSet(set.id)
}
