//! The organization whose console is measured: keys of its own, of applications and of people, spread over a year and more, with
//! uses, refusals and an audit entry each.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use claviger_domain::application::{Application, ApplicationType, SignIn};
use claviger_domain::audit::{Chain, Entry, Subject};
use claviger_domain::ip_list::IpEntries;
use claviger_domain::key::{Actor, ActorKind, Disabled, Key, Owner};
use claviger_domain::keyring::Keyring;
use claviger_domain::member::{Member, User};
use claviger_domain::role::Role;
use claviger_domain::usage::{Door, KeyUsage, Refusal, Sighting, UsageBatch};
use claviger_domain::verdict::Code;
use claviger_domain::{ApplicationId, ApplicationTypeId, Clock, KeyId, OrganizationId, RequestId, Timestamp, UserId};
use claviger_server::clock::{OsRandom, SystemClock};
use claviger_server::open_store::OpenStore;
use claviger_store::usage::Writer;
use claviger_store::{Scope, Store, application_types, applications, keys, members};

use crate::Result;
use crate::fixture::{Fixture, Template};

/// People, and applications; each owns as many keys as another of its kind.
pub const PEOPLE: u64 = 1_000;
pub const APPLICATIONS: u64 = 200;
/// Of a hundred keys the first are the organization's own, the next the applications', the rest people's.
const OWN: u64 = 40;
const OF_APPLICATIONS: u64 = 40;
/// The oldest key was made so long ago.
const DAYS: u64 = 400;
const DAY: Duration = Duration::from_hours(24);
const BATCH: u64 = 10_000;
/// The list of addresses that all keys carry.
const ADDRESSES: u16 = 64;

/// Whoever owns keys.
struct Owners {
    applications: Vec<ApplicationId>,
    people: Vec<UserId>,
}

/// A key, when it was last used, and when it was refused.
struct Made {
    key: Key,
    used: Timestamp,
    refused: Option<Timestamp>,
}

/// Makes what is not there yet; the fixture.
pub fn prepare(folder: &Path, count: u64) -> Result<Fixture> {
    let folder = folder.join(format!("console-{count}-keys"));
    Fixture::filled(&folder, ADDRESSES, async |fixture: &Fixture| fill(fixture, count).await)
}

async fn fill(fixture: &Fixture, count: u64) -> Result {
    let (template, keyring) = fixture.template().await?;
    let OpenStore { store, keyring: _, data_dir: _lock } = fixture.open().await?;
    let (organization, now) = (template.organization(), SystemClock::new().now());
    let owners = Arc::new(add_owners(&store, organization, now).await?);
    let mut writer = Writer::new(&OsRandom);
    for start in (0..count).step_by(BATCH as usize) {
        let numbers = start..(start + BATCH).min(count);
        let made: Vec<Made> = numbers.map(|number| make(number, count, now, &template, &keyring, &owners)).collect();
        let records: Arc<[Key]> = made.iter().map(|made| made.key.clone()).collect();
        store
            .write(Scope::Organization(organization), move |tx| {
                let records = Arc::clone(&records);
                Box::pin(async move {
                    for key in &*records {
                        tx.audit(Chain::Organization(organization), entry(key));
                    }
                    keys::insert_all(tx, &records).await
                })
            })
            .await?;
        writer.record(&store, &uses(&made)).await?;
        eprintln!("bench: {} of {count} keys written", (start + BATCH).min(count));
    }
    store.close().await;
    Ok(())
}

/// Applications and people, in one transaction.
async fn add_owners(store: &Store, organization: OrganizationId, now: Timestamp) -> Result<Owners> {
    let kind = application_type(organization, now)?;
    let systems = (0..APPLICATIONS).map(|number| application(number, &kind, now)).collect::<Result<Vec<_>>>()?;
    let people = (0..PEOPLE).map(|number| member(number, organization, now)).collect::<Result<Vec<_>>>()?;
    let owners = Owners {
        applications: systems.iter().map(|system| system.id).collect(),
        people: people.iter().map(|member| member.user.id).collect(),
    };
    let records = Arc::new((kind, systems, people));
    store
        .write(Scope::Organization(organization), move |tx| {
            let records = Arc::clone(&records);
            Box::pin(async move {
                let (kind, systems, people) = &*records;
                application_types::insert(tx, kind).await?;
                for system in systems {
                    applications::insert(tx, system).await?;
                }
                for member in people {
                    members::insert(tx, member).await?;
                }
                Ok::<_, claviger_store::Error>(())
            })
        })
        .await?;
    Ok(owners)
}

/// The type of all applications here.
pub fn application_type(organization: OrganizationId, now: Timestamp) -> Result<ApplicationType> {
    Ok(ApplicationType {
        id: ApplicationTypeId::new(now, &OsRandom),
        organization,
        slug: "system".parse()?,
        name: "System".parse()?,
        sign_in: SignIn::KeyOnly,
        api_sets: Vec::new(),
        fields: claviger_domain::application::TypeFields::default(),
        predefined: false,
        created_at: now,
        updated_at: now,
        version: 1,
    })
}

/// The application of this number.
pub fn application(number: u64, kind: &ApplicationType, now: Timestamp) -> Result<Application> {
    Ok(Application {
        id: ApplicationId::new(now, &OsRandom),
        organization: kind.organization,
        slug: format!("system-{number:03}").parse()?,
        name: format!("System {number:03}").parse()?,
        kind: kind.id,
        disabled: None,
        limits: Vec::new(),
        allowed_ips: IpEntries::default(),
        public_url: None,
        password: None,
        created_by: nobody(),
        created_at: now,
        updated_at: now,
        version: 1,
    })
}

fn member(number: u64, organization: OrganizationId, now: Timestamp) -> Result<Member> {
    let user = User {
        id: UserId::new(now, &OsRandom),
        email: format!("person{number:04}@example.com").parse()?,
        name: format!("Person {number:04}").parse()?,
        language: "en".to_owned(),
        time_zone: "UTC".to_owned(),
        created_at: now,
    };
    Ok(Member {
        user,
        organization,
        username: format!("person{number:04}").parse()?,
        roles: vec![Role::predefined_id(organization, 1)],
        disabled: None,
        locked: None,
        account_expires_at: None,
        accepted_at: Some(now),
        created_by: nobody(),
        created_at: now,
        updated_at: now,
        version: 1,
    })
}

fn nobody() -> Actor {
    Actor { kind: ActorKind::Operator, id: None, name: None }
}

/// The key of this number, older than those after it.
fn make(number: u64, count: u64, now: Timestamp, template: &Template, keyring: &Keyring, owners: &Owners) -> Made {
    let days = |days: u64| DAY * u32::try_from(days).unwrap_or(u32::MAX);
    let created_at = now.saturating_sub(
        DAY * u32::try_from(DAYS).unwrap_or_default() / 1_000 * (1_000 - (number * 1_000 / count) as u32),
    );
    let turn = number % 100;
    let owner = match turn {
        turn if turn < OWN => Owner::Organization(template.organization()),
        turn if turn < OWN + OF_APPLICATIONS => Owner::Application(
            owners.applications[((number / 100 * OF_APPLICATIONS + turn - OWN) % APPLICATIONS) as usize],
        ),
        turn => Owner::User(
            owners.people
                [((number / 100 * (100 - OWN - OF_APPLICATIONS) + turn - OWN - OF_APPLICATIONS) % PEOPLE) as usize],
        ),
    };
    let (expires_at, disabled) = match number % 200 {
        0 => (Some(now.saturating_add(days(1 + number / 200 % 28))), None),
        1..=20 => (Some(now.saturating_add(days(40 + number % 300))), None),
        21 | 22 => (None, Some(Disabled { at: now, by: nobody(), reason: None })),
        _ => (None, None),
    };
    let plain = template.key(number, keyring);
    let key = Key {
        id: KeyId::new(created_at, &OsRandom),
        owner,
        expires_at,
        disabled,
        created_at,
        updated_at: created_at,
        ..plain
    };
    // One in a hundred will go idle of not being used.
    let used = now.saturating_sub(if number % 100 == 7 { days(75) } else { days(number % 30) });
    let refused = (number % 50 == 3).then(|| now.saturating_sub(days(number / 50 % 14)));
    Made { key, used, refused }
}

fn entry(key: &Key) -> Entry {
    Entry {
        at: key.created_at,
        actor: nobody(),
        action: "key.create".to_owned(),
        object: Subject { kind: "key".to_owned(), id: key.id.to_string(), name: Some(key.name.to_string()) },
        before: None,
        after: Some(
            serde_json::json!({"name": key.name.as_str(), "api_sets": key.api_sets, "external_id": null, "tags": []}),
        ),
        ip: Some("192.0.2.1".to_owned()),
        session: None,
        request_id: None,
    }
}

/// What the keys did last, and their refusals.
fn uses(made: &[Made]) -> UsageBatch {
    let sighting = |at, code| Sighting { at, ip: None, agent: None, door: Door::Verify, code };
    let usage = |made: &Made| KeyUsage {
        key: made.key.id,
        organization: made.key.organization,
        last_used: Some(sighting(made.used, Code::Valid)),
        old_last_used: None,
        is_news: false,
        elsewhere: Vec::new(),
        last_refused: made.refused.map(|at| sighting(at, Code::OperationNotAllowed)),
        counts: Vec::new(),
    };
    let refusals = made.iter().filter_map(|made| Some(refusal(made, made.refused?))).collect();
    UsageBatch { keys: made.iter().map(usage).collect(), refusals, ..UsageBatch::default() }
}

fn refusal(made: &Made, at: Timestamp) -> Refusal {
    Refusal {
        at,
        organization: made.key.organization,
        key: Some(made.key.id),
        door: Door::Verify,
        code: Code::OperationNotAllowed,
        check: "the operation is in none of the key's sets".to_owned(),
        ip: None,
        agent: None,
        method: Some("GET".to_owned()),
        path: Some("/repos/octocat/hello-world/pulls".to_owned()),
        api: Some(crate::fixture::API.to_owned()),
        operation: None,
        request_id: RequestId::new(at, &OsRandom),
        passed: false,
    }
}
