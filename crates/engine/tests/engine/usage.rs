//! What is written down of decisions, management keys and door tokens.

use std::net::IpAddr;
use std::time::Duration;

use claviger_domain::authority::Authority;
use claviger_domain::digest::{CredentialKind, Pepper};
use claviger_domain::usage::{Door, Refusal, Right, Subject};
use claviger_domain::verdict::Code;
use claviger_domain::{Clock as _, RequestId};
use claviger_engine::{Caller, DoorTokenError, Presented, Provider, Question, RequestLine};
use sha2::{Digest as _, Sha256};

use crate::golden;
use crate::world::{PEPPER, World, state, state_of};

/// SHA-256 in hexadecimal digits.
pub fn sha256_hex(text: &str) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).expect("a nibble is a digit");
    Sha256::digest(text.as_bytes()).iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

const IP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));

fn caller() -> Caller<'static> {
    Caller { ip: Some(IP), agent: Some("test/1"), request_id: RequestId::from_raw(5) }
}

fn world() -> World {
    let world = World::new(&state());
    world.clock.advance(Duration::from_hours(24));
    world
}

fn ask(world: &World, key: &str, target: &str) -> Code {
    ask_by(world, key, "GET", target)
}

fn ask_by(world: &World, key: &str, method: &str, target: &str) -> Code {
    let presented = Presented::new().with_x_api_key(key.as_bytes());
    let request = RequestLine { method, target, host: Some("api.example.com"), method_overrides: &[] };
    let question = Question {
        provider: Provider { organization: world.organizations["acme"] },
        credentials: &presented,
        client_ip: Some(IP),
        request: Some(request),
        pin: None,
        requires: &[],
        cost: 1,
        preflight: false,
        door: Door::Nginx,
        agent: Some("test/1"),
        request_id: RequestId::from_raw(9),
    };
    world.engine.decide(&question).code
}

fn refusals(world: &World) -> Vec<Refusal> {
    world.engine.drain_usage().refusals
}

#[test]
fn an_accepted_request_is_a_use_and_a_refused_one_is_in_the_log() {
    let world = world();
    let key = world.secrets["reader"].expose();
    assert_eq!(ask(&world, key, "/api/v3/repos/o/r/issues?token=secret"), Code::Valid);
    assert_eq!(ask(&world, key, &format!("/api/v3/repos?key={key}")), Code::OperationNotAllowed);
    let batch = world.engine.drain_usage();
    let [usage] = batch.keys.as_slice() else { panic!("one key: {:?}", batch.keys) };
    assert_eq!(usage.key, world.keys["reader"]);
    assert_eq!(
        usage.last_used.as_ref().map(|it| (it.at, it.ip, it.door)),
        Some((world.clock.now(), Some(IP), Door::Nginx))
    );
    assert_eq!(usage.last_refused.as_ref().map(|it| it.code), Some(Code::OperationNotAllowed));
    assert_eq!(usage.counts.iter().map(|count| count.count).sum::<u64>(), 2);
    let [refusal] = batch.refusals.as_slice() else { panic!("one refusal: {:?}", batch.refusals) };
    assert_eq!((refusal.key, &*refusal.check), (Some(world.keys["reader"]), "lacks the operation"));
    assert_eq!((refusal.method.as_deref(), refusal.path.as_deref()), (Some("GET"), Some("/api/v3/repos")));
    assert_eq!((refusal.api.as_deref(), refusal.operation.as_deref()), (Some("github"), Some("github:repos/list")));
    assert_eq!((refusal.agent.as_deref(), refusal.request_id), (Some("test/1"), RequestId::from_raw(9)));
}

#[test]
fn no_secret_gets_into_the_log() {
    let world = world();
    let key = world.secrets["reader"].expose();
    for target in [format!("/{key}"), format!("/x/{}", key.replace('_', "%5F")), format!("/a?{key}")] {
        assert_eq!(ask(&world, key, &target), Code::OperationNotAllowed);
    }
    assert_eq!(ask_by(&world, key, key, "/"), Code::OperationNotAllowed, "a key in the place of the method");
    let batch = format!("{:?}", world.engine.drain_usage());
    assert!(!batch.contains(&key[9..20]), "{batch}");
}

#[test]
fn the_log_names_the_key_of_a_dead_value_and_its_last_use_stays() {
    let world = world();
    assert_eq!(ask(&world, world.secrets["deleted"].expose(), "/x"), Code::NotFound);
    assert_eq!(ask(&world, world.old_secrets["replaced"].expose(), "/x"), Code::NotFound);
    let batch = world.engine.drain_usage();
    let named: Vec<_> = batch.refusals.iter().map(|it| (it.key, &*it.check)).collect();
    assert_eq!(named, [(Some(world.keys["deleted"]), "deleted"), (Some(world.keys["replaced"]), "rotated out")]);
    assert!(batch.keys.is_empty());
}

#[test]
fn a_key_tried_at_another_provider_is_told_to_its_own_organization_alone() {
    let world = world();
    assert_eq!(ask(&world, world.secrets["fresh-full"].expose(), "/private/path"), Code::NotFound);
    let (here, there) = (world.organizations["acme"], world.organizations["fresh"]);
    let refusals = refusals(&world);
    let at = |organization| refusals.iter().find(|it| it.organization == organization).expect("an entry");
    assert_eq!((at(here).key, &*at(here).check), (None, "unknown"));
    assert_eq!(at(there).key, Some(world.keys["fresh-full"]));
    assert_eq!((&at(there).path, &at(there).method), (&None, &None));
}

/// Asks a case of the sharing corpus; the code, and what was logged.
fn ask_sharing(name: &str) -> (World, Code, Vec<Refusal>) {
    let world = World::new(&state_of("sharing"));
    let cases = golden::cases_of("sharing");
    let case = cases.iter().find(|case| case.name == name).expect(name);
    let code = golden::ask(&world, case, |question| world.engine.decide(question).code);
    let refusals = refusals(&world);
    (world, code, refusals)
}

#[test]
fn a_guests_refusal_is_in_its_keys_log_and_without_the_key_in_the_providers() {
    let (world, code, refusals) = ask_sharing("a guest holds no more than the set");
    assert_eq!((code, refusals.len()), (Code::OperationNotAllowed, 2));
    let at = |slug: &str| refusals.iter().find(|it| it.organization == world.organizations[slug]).expect("an entry");
    assert_eq!((at("bravo").key, at("acme").key), (Some(world.keys["b-issues"]), None));
    for entry in [at("bravo"), at("acme")] {
        assert_eq!((&*entry.check, entry.api.as_deref(), entry.passed), ("lacks the operation", Some("github"), false));
    }
}

#[test]
fn what_an_api_in_report_only_mode_lets_pass_is_a_use_and_is_logged_and_counted() {
    let (world, code, refusals) = ask_sharing("report-only: a wrong address passes and is logged");
    assert_eq!((code, refusals.len()), (Code::Valid, 1));
    assert_eq!(
        (refusals[0].code, refusals[0].passed, refusals[0].key),
        (Code::IpNotAllowed, true, Some(world.keys["a-away"]))
    );
    assert_eq!(world.engine.metrics().reported, [(Code::IpNotAllowed, 1)]);
    assert!(world.engine.metrics().decisions.iter().any(|(_, code, count)| (*code, *count) == (Code::Valid, 1)));
}

#[test]
fn a_flood_of_unknown_credentials_writes_little() {
    let world = world();
    for _ in 0..5_000 {
        assert_eq!(ask(&world, "nobody-knows-this-credential", "/x"), Code::NotFound);
    }
    assert_eq!(ask(&world, world.secrets["disabled"].expose(), "/x"), Code::Disabled);
    let batch = world.engine.drain_usage();
    let named = batch.refusals.iter().filter(|it| it.key.is_some()).count();
    assert_eq!((batch.refusals.len(), named, batch.refusals_dropped), (201, 1, 4_800));
    let counted = world.engine.metrics().decisions;
    assert!(counted.contains(&(Door::Nginx, Code::NotFound, 5_000)), "{counted:?}");
}

#[test]
fn a_management_key_has_the_authorities_of_its_sets() {
    let world = world();
    let authenticate = |nick: &str| {
        let bearer = format!("Bearer {}", world.secrets[nick].expose());
        world.engine.authenticate(&Presented::new().with_authorization(bearer.as_bytes()), caller())
    };
    let admin = authenticate("admin").expect("an administrator");
    assert_eq!((admin.key, &*admin.key_name), (world.keys["admin"], "admin"));
    assert_eq!(admin.organization, world.organizations["acme"]);
    assert!(admin.authorities.has(Authority::KeysManageAll) && !admin.authorities.has(Authority::OrganizationsOperate));
    assert_eq!(authenticate("fresh-admin").map(|it| it.organization), Ok(world.organizations["fresh"]));
    for (nick, code) in [
        ("full", Code::OperationNotAllowed),
        ("door", Code::OperationNotAllowed),
        ("disabled", Code::Disabled),
        ("expired", Code::Expired),
        ("deleted", Code::NotFound),
        ("unknown", Code::NotFound),
    ] {
        assert_eq!(authenticate(nick), Err(code), "{nick}");
    }
    let batch = world.engine.drain_usage();
    let used: Vec<_> = batch.keys.iter().filter(|usage| usage.last_used.is_some()).map(|usage| usage.key).collect();
    assert!(used.contains(&world.keys["admin"]) && used.len() == 2);
}

#[test]
fn a_door_token_decides_the_provider() {
    let world = world();
    let token = |text: Option<&str>| world.engine.door_token(text.map(str::as_bytes), false, caller());
    let acme = Provider { organization: world.organizations["acme"] };
    assert_eq!(token(Some(world.secrets["door"].expose())), Ok(acme));
    for nick in ["full", "admin", "disabled", "expired", "deleted", "unknown"] {
        assert_eq!(token(Some(world.secrets[nick].expose())), Err(DoorTokenError::Wrong), "{nick}");
    }
    assert_eq!(token(Some("garbage")), Err(DoorTokenError::Wrong));
    assert_eq!(token(None), Err(DoorTokenError::Missing), "there are several organizations");
    assert_eq!(token(Some(" ")), Err(DoorTokenError::Missing), "an empty header is none");
    let batch = world.engine.drain_usage();
    let door = batch.keys.iter().find(|usage| usage.key == world.keys["door"]).expect("its use is noted");
    assert_eq!(door.last_used.as_ref().map(|it| it.door), Some(Door::DoorToken));
    assert!(batch.refusals.iter().any(|it| it.check == "not a door token"));
}

#[test]
fn a_door_token_and_a_management_key_are_used_and_a_refused_one_is_not() {
    let world = world();
    let caller = || Caller { ip: None, ..caller() };
    let disabled = world.secrets["disabled"].expose();
    for (secret, accepted) in
        [(world.secrets["door"].expose(), true), (world.secrets["full"].expose(), false), (disabled, false)]
    {
        let last_used =
            || world.engine.last_used(&Pepper::new(&PEPPER).digest(CredentialKind::Single, secret.as_bytes()));
        assert_eq!(world.engine.door_token(Some(secret.as_bytes()), true, caller()).is_ok(), accepted);
        assert_eq!(last_used(), accepted.then(|| world.clock.now()));
    }
    let admin = world.secrets["admin"].expose();
    let bearer = format!("Bearer {admin}");
    assert!(world.engine.authenticate(&Presented::new().with_authorization(bearer.as_bytes()), caller()).is_ok());
    let digest = Pepper::new(&PEPPER).digest(CredentialKind::Single, admin.as_bytes());
    assert_eq!(world.engine.last_used(&digest), Some(world.clock.now()));
}

#[test]
fn one_organization_needs_no_door_token_unless_the_door_says_so() {
    let mut state = state();
    state.organizations.truncate(1);
    let world = World::new(&state);
    let acme = Provider { organization: world.organizations["acme"] };
    assert_eq!(world.engine.door_token(None, false, caller()), Ok(acme));
    assert_eq!(world.engine.door_token(None, true, caller()), Err(DoorTokenError::Missing));
    assert_eq!(world.engine.door_token(Some(b"wrong"), false, caller()), Err(DoorTokenError::Wrong));
}

#[test]
fn whoami_is_no_use() {
    let world = world();
    let presented = Presented::new().with_x_api_key(world.secrets["fresh-full"].expose().as_bytes());
    let verdict = world.engine.whoami(&presented, Some(IP));
    let key = verdict.key().expect("its own key");
    assert_eq!((verdict.code, key.name(), key.owner_name()), (Code::Valid, "fresh-full", "Fresh"));
    assert_eq!(key.api_sets().collect::<Vec<_>>(), ["full-access"]);
    assert!(world.engine.drain_usage().keys.is_empty());
}

#[test]
fn a_verdict_shows_the_key() {
    let world = world();
    let presented = Presented::new().with_x_api_key(world.secrets["full"].expose().as_bytes());
    let verdict = world.engine.whoami(&presented, Some(IP));
    let key = verdict.key().expect("the key");
    assert_eq!((key.external_id(), key.metadata_json()), (Some("customer-7"), r#"{"plan":"gold"}"#));
    let secret = world.secrets["full"].expose();
    assert_eq!(key.hint(), format!("clv_live_…{}", &secret[secret.len() - 4..]));
}

#[test]
fn request_ids_are_distinct_and_of_their_time() {
    let world = world();
    let ids: std::collections::BTreeSet<_> = (0..10_000).map(|_| world.engine.new_request_id()).collect();
    assert_eq!(ids.len(), 10_000);
    let millis = ids.first().expect("ids").as_raw() >> 80;
    assert_eq!(millis as i64, world.clock.now().as_micros() / 1_000);
}

#[test]
fn requests_are_counted_under_their_api_by_the_minute() {
    let world = world();
    let key = world.secrets["reader"].expose();
    assert_eq!(ask(&world, key, "/api/v3/repos/o/r/issues"), Code::Valid);
    assert_eq!(ask(&world, key, "/api/v3/repos/o/r/issues"), Code::Valid);
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(ask(&world, key, "/api/v3/repos/o/r/issues"), Code::Valid);
    let batch = world.engine.drain_usage();
    let mut counts: Vec<_> = batch.keys[0].counts.iter().map(|it| (it.minute, it.api.is_some(), it.count)).collect();
    counts.sort_unstable();
    let [first, second] = counts.as_slice() else { panic!("two minutes: {counts:?}") };
    assert_eq!((first.1, first.2, second.1, second.2), (true, 2, true, 1));
    assert_eq!(second.0.saturating_since(first.0), Duration::from_mins(1));
    // Those without a key are counted for whose door it was.
    assert_eq!(ask(&world, "nobody-knows-this-credential", "/x"), Code::NotFound);
    let batch = world.engine.drain_usage();
    let [count] = batch.subjects.as_slice() else { panic!("one count: {:?}", batch.subjects) };
    assert_eq!(
        (count.organization, count.subject, count.code, count.count),
        (world.organizations["acme"], Subject::All, Code::NotFound, 1)
    );
}

#[test]
fn a_right_is_told_once_a_day_and_only_where_it_was_used() {
    let world = world();
    let key = world.secrets["reader"].expose();
    let rights = || world.engine.drain_usage().rights;
    assert_eq!(ask(&world, key, "/api/v3/repos"), Code::OperationNotAllowed);
    assert_eq!(rights(), [], "what was refused was not used");
    for _ in 0..3 {
        assert_eq!(ask(&world, key, "/api/v3/repos/o/r/issues"), Code::Valid);
    }
    let told = rights();
    let [used] = told.as_slice() else { panic!("one right: {told:?}") };
    assert!(matches!(&used.right, Right::Operation(_, name) if &**name == "issues/list-for-repo"), "{used:?}");
    assert_eq!(used.key, world.keys["reader"]);
    assert_eq!(ask(&world, key, "/api/v3/repos/o/r/issues"), Code::Valid);
    assert_eq!(rights(), [], "told already");
    world.clock.advance(Duration::from_hours(24));
    assert_eq!(ask(&world, key, "/api/v3/repos/o/r/issues"), Code::Valid);
    assert_eq!(rights().len(), 1, "the next day");
}
