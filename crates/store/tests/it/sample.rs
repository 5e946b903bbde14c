//! Records for tests.

use std::collections::BTreeMap;

use claviger_domain::api::{Api, ApiKind, DoorRules, Host};
use claviger_domain::api_set::{ApiPattern, ApiSet, ApiSetKind};
use claviger_domain::audit::{Chain, Entry, Subject};
use claviger_domain::change::{Change, Object, ObjectRef};
use claviger_domain::credential::{Environment, KeyPrefix};
use claviger_domain::credential_source::CredentialSource;
use claviger_domain::digest::CredentialDigest;
use claviger_domain::ip_list::{IpEntries, IpEntry};
use claviger_domain::key::{Actor, ActorKind, Key, StoredSecret};
use claviger_domain::limit::{Limit, LimitKind, Period, Quota, Refill, RefillEvery, Scope as LimitScope};
use claviger_domain::operation::{Operation, OperationPattern};
use claviger_domain::organization::Organization;
use claviger_domain::policy::Policy;
use claviger_domain::sharing::{SharedWith, Sharing};
use claviger_domain::{ApiId, ApiSetId, KeyId, OrganizationId, Timestamp};
use claviger_store::manuals::{self, OperationManual};
use claviger_store::{Error, Scope, Store, api_sets, apis, keys, operations, organizations};

use crate::harness::START;

pub fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(START.as_micros() + micros)
}

pub fn organization_id(number: u128) -> OrganizationId {
    OrganizationId::from_raw(number)
}

pub fn organization(number: u128) -> Organization {
    Organization {
        id: organization_id(number),
        slug: format!("organization-{number}").parse().unwrap(),
        name: format!("Organization É {number}").parse().unwrap(),
        time_zone: "Europe/Warsaw".to_owned(),
        key_prefix: KeyPrefix::default(),
        admin_contact: (number == 1).then(|| "it-desk@example.com".parse().unwrap()),
        allowed_ips: IpEntries::default(),
        is_default: number == 1,
        policy: Policy::default(),
        created_at: START,
        updated_at: START,
        version: 1,
    }
}

pub fn api(organization: u128, number: u128) -> Api {
    Api {
        id: ApiId::from_raw(number),
        organization: organization_id(organization),
        slug: format!("api-{number}").parse().unwrap(),
        name: format!("API {number}").parse().unwrap(),
        hosts: vec![Host { host: "api.example.org".to_owned(), environment: Environment::Test }],
        base_paths: vec!["/v3".to_owned()],
        unlisted_paths: true,
        manual_url: Some("https://example.org/manual".to_owned()),
        version_pattern: Some("v#".parse().unwrap()),
        versions: vec!["v3".into(), "v4".into()],
        kind: ApiKind::PristineDefault,
        sharing: Sharing { with: SharedWith::Chosen([organization_id(7)].into()), full_access: true },
        rules: DoorRules {
            report_only: true,
            credential_sources: vec![CredentialSource::Basic, CredentialSource::Header("x-key".into())],
            preflight_without_key: true,
        },
        created_at: START,
        updated_at: START,
        version: 1,
    }
}

pub fn operation(number: usize) -> Operation {
    Operation {
        name: format!("issues/get-{number}").into(),
        method: "GET".into(),
        template: format!("/issues/{number}/{{path}}").into(),
        multi_segment: if number.is_multiple_of(2) { vec!["path".into()] } else { Vec::new() },
        summary: "Gets 100% of an issue".into(),
        tags: vec!["issues".into()],
        versions: if number.is_multiple_of(3) { vec!["v3".into()] } else { Vec::new() },
    }
}

pub fn api_set(organization: u128, number: u128) -> ApiSet {
    ApiSet {
        id: ApiSetId::from_raw(number),
        organization: organization_id(organization),
        slug: format!("set-{number}").parse().unwrap(),
        name: format!("Set {number}").parse().unwrap(),
        kind: ApiSetKind::Plain,
        apis: Vec::new(),
        operations: Vec::new(),
        limits: vec![limit()],
        template: Some("yespo/events".into()),
        created_at: START,
        updated_at: START,
        version: 1,
    }
}

/// A quota of credits that come back.
pub fn limit() -> Limit {
    let refill = Some(Refill { amount: 5, every: RefillEvery::Month });
    let kind = LimitKind::Quota(Quota { limit: 1 << 53, period: Period::Total, refill });
    Limit { name: "credits".parse().unwrap(), kind, cost: 2, scope: LimitScope::ExternalId }
}

pub fn pattern(api: u128, text: &str) -> ApiPattern {
    ApiPattern { api: ApiId::from_raw(api), pattern: OperationPattern::parse(text).unwrap() }
}

pub fn secret(number: u128) -> StoredSecret {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&number.to_be_bytes());
    StoredSecret { digest: CredentialDigest::from_bytes(bytes), hint: format!("clv_live_…{:04}", number % 10_000) }
}

pub fn actor() -> Actor {
    Actor { kind: ActorKind::Key, id: Some("key_creator".to_owned()), name: Some("setup".to_owned()) }
}

/// A key with nothing but a name; its secret has its number.
pub fn key(organization: u128, number: u128) -> Key {
    let name = format!("key {number}").parse().unwrap();
    let created_at = at(i64::try_from(number).unwrap());
    let id = KeyId::from_raw(number);
    let key = Key::new(id, organization_id(organization), name, secret(number), actor(), created_at);
    Key { updated_at: START, ..key }
}

pub fn ip(range: &str) -> IpEntry {
    IpEntry { range: range.parse().unwrap(), label: Some("office".into()), until: Some(at(5)) }
}

pub fn entry(action: &str) -> Entry {
    Entry {
        at: START,
        actor: actor(),
        action: action.to_owned(),
        object: Subject { kind: "key".to_owned(), id: "key_1".to_owned(), name: None },
        before: None,
        after: Some(serde_json::json!({ "name": "É", "n": 1 })),
        ip: Some("192.0.2.1".to_owned()),
        session: None,
        request_id: None,
    }
}

pub fn chain(number: u128) -> Chain {
    Chain::Organization(organization_id(number))
}

pub fn scope(number: u128) -> Scope {
    Scope::Organization(organization_id(number))
}

/// Runs a write whose only result is that it happened.
#[macro_export]
macro_rules! transact {
    ($store:expr, $scope:expr, |$tx:ident| $body:expr) => {
        $store.write($scope, move |$tx: &mut claviger_store::Tx| {
            let future: futures_util::future::BoxFuture<'_, Result<_, claviger_store::Error>> = Box::pin($body);
            future
        })
    };
}

/// Organizations 1 to `count`, the first of them the default one.
pub async fn add_organizations(store: &Store, count: u128) {
    for number in 1..=count {
        let record = organization(number);
        transact!(store, Scope::Installation, |tx| {
            let record = record.clone();
            async move { organizations::insert(tx, &record).await }
        })
        .await
        .unwrap();
    }
}

pub async fn add_keys(store: &Store, keys: Vec<Key>) {
    let scope = Scope::Organization(keys[0].organization);
    transact!(store, scope, |tx| {
        let keys = keys.clone();
        async move { keys::insert_all(tx, &keys).await }
    })
    .await
    .unwrap();
}

pub async fn update_key(store: &Store, key: &Key) -> Result<(), Error> {
    let key = key.clone();
    let scope = Scope::Organization(key.organization);
    transact!(store, scope, |tx| {
        let key = key.clone();
        async move { keys::update(tx, &key).await }
    })
    .await
    .map(|_| ())
}

/// The manual of a request in a version.
pub fn manual(request: &str, version: &str) -> OperationManual {
    let manual = format!("{{\"description\":\"{request} {version} \u{1f511}\"}}");
    OperationManual { request: request.to_owned(), version: version.to_owned(), manual }
}

/// An API with operations, their manuals, and a set.
pub async fn add_catalog(store: &Store, organization: u128, number: u128) {
    let (api, set) = (api(organization, number), api_set(organization, number));
    transact!(store, scope(organization), |tx| {
        let (api, set) = (api.clone(), set.clone());
        async move {
            apis::insert(tx, &api).await?;
            operations::replace(tx, api.organization, api.id, &[operation(1), operation(2)]).await?;
            manuals::replace(tx, api.id, &["", "v2"], &[manual("GET /1", ""), manual("GET /1", "v2")]).await?;
            api_sets::insert(tx, &set).await
        }
    })
    .await
    .unwrap();
}

/// A replica as simple as can be: the records by what they are.
#[derive(Debug, Default, PartialEq)]
pub struct Replica(BTreeMap<String, Object>);

impl Replica {
    pub fn apply(&mut self, changes: Vec<Change>) {
        for Change { object, now } in changes {
            let name = match object {
                ObjectRef::Organization(id) => id.to_string(),
                ObjectRef::Api(id) => id.to_string(),
                ObjectRef::ApiSet(id) => id.to_string(),
                ObjectRef::ApplicationType(id) => id.to_string(),
                ObjectRef::Application(id) => id.to_string(),
                ObjectRef::Role(id) => id.to_string(),
                ObjectRef::Member(organization, user) => format!("{user} of {organization}"),
                ObjectRef::Key(id) => id.to_string(),
                ObjectRef::LastUse(id) => format!("use of {id}"),
                ObjectRef::ApiUser(id) => id.to_string(),
                ObjectRef::ApiSession(id) => id.to_string(),
            };
            match now {
                Some(object) => self.0.insert(name, object),
                None => self.0.remove(&name),
            };
        }
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}
