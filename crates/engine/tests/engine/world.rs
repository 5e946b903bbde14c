//! The state of the golden corpus as records: what the management API would make of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use claviger_domain::api::{Api, ApiKind, BUILT_IN_SLUG, DEFAULT_SLUG, DoorRules, Host};
use claviger_domain::api_set::{ApiPattern, ApiSet, ApiSetKind, FULL_ACCESS_SLUG};
use claviger_domain::api_user::{
    ApiSession, ApiSessionLimits, ApiUser, Contact, PermissionType, SignInMethod, generate_api_token,
};
use claviger_domain::application::{Application, ApplicationType, SignIn, StoredPassword, TypeFields};
use claviger_domain::approval::Approval;
use claviger_domain::authority::{Authorities, Authority, BUILT_IN_SETS};
use claviger_domain::change::{Change, Object, ObjectRef, Position};
use claviger_domain::credential::{Environment, KeyPrefix, generate_key, hint};
use claviger_domain::credential_source::CredentialSource;
use claviger_domain::digest::{CredentialDigest, CredentialKind, Pepper};
use claviger_domain::ip_list::{IpEntry, IpRange};
use claviger_domain::key::{Actor, ActorKind, Disabled, EndedSecret, Key, Overlap, Owner, Shape, StoredSecret};
use claviger_domain::keyring::Keyring;
use claviger_domain::limit::Limit;
use claviger_domain::member::{Member, User};
use claviger_domain::operation::{Operation, VersionPattern};
use claviger_domain::organization::Organization;
use claviger_domain::pair::{Pair, generate_password, identifier_hint};
use claviger_domain::policy::{Lifetime, Policy, StatusProfile};
use claviger_domain::role::{Levels, Role};
use claviger_domain::sharing::{SharedWith, Sharing};
use claviger_domain::sign_in_key::{SessionDigest, SessionKey};
use claviger_domain::signature::SigningCopies;
use claviger_domain::testing::{FixedClock, FixedRandom};
use claviger_domain::{
    ApiId, ApiSessionId, ApiSetId, ApiUserId, ApplicationId, ApplicationTypeId, Clock, KeyId, OrganizationId, RoleId,
    Secret, Timestamp, UserId,
};
use claviger_engine::{Config, Engine};
use serde::Deserialize;

/// The state, as `e2e/golden/README.md` describes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    pub now: Timestamp,
    pub organizations: Vec<OrganizationState>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationState {
    pub slug: String,
    pub name: String,
    #[serde(default)]
    policy: PolicyState,
    #[serde(default)]
    allowed_ips: Vec<IpState>,
    #[serde(default)]
    default_api: DefaultApi,
    #[serde(default)]
    apis: Vec<ApiState>,
    #[serde(default)]
    general: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    api_sets: Vec<SetState>,
    #[serde(default)]
    application_types: Vec<TypeState>,
    #[serde(default)]
    applications: Vec<ApplicationState>,
    #[serde(default)]
    roles: Vec<RoleState>,
    #[serde(default)]
    users: Vec<UserState>,
    #[serde(default)]
    api_users: Vec<ApiUserState>,
    #[serde(default)]
    sessions: Vec<SessionState>,
    #[serde(default)]
    keys: Vec<KeyState>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TypeState {
    slug: String,
    name: String,
    api_sets: Vec<String>,
    #[serde(default)]
    sign_in: Option<SignIn>,
    /// What it allows from after the keys were made.
    #[serde(default)]
    later: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApplicationState {
    slug: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    allowed_ips: Vec<IpState>,
    #[serde(default)]
    limits: Vec<Limit>,
    #[serde(default)]
    disabled: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApiUserState {
    user_name: String,
    application: String,
    permission_type: PermissionType,
    #[serde(default)]
    contact: Option<Contact>,
    /// The user name of a person.
    profile_user: String,
    #[serde(default)]
    disabled: bool,
    /// Whether there is a static token: `{{token:<user name>}}`.
    #[serde(default)]
    static_token: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionState {
    nick: String,
    user: String,
    key: String,
    #[serde(default)]
    enrolment_only: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleState {
    slug: String,
    name: String,
    #[serde(default)]
    authorities: Vec<String>,
    /// The level; absent: no bound.
    #[serde(default)]
    api_sets: Option<Vec<String>>,
    /// What it is after the keys were made.
    #[serde(default)]
    later: Option<Box<RoleState>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserState {
    username: String,
    name: String,
    #[serde(default)]
    roles: Vec<String>,
    /// Those after the keys were made.
    #[serde(default)]
    later_roles: Option<Vec<String>>,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    locked: bool,
    #[serde(default)]
    account_expires_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnerState {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

/// A value that others made.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ImportState {
    Value(String),
    Sha256(String),
}

/// What the corpus says of a policy.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyState {
    #[serde(default)]
    status_profile: StatusProfile,
    #[serde(default)]
    idle_days: Option<u32>,
    #[serde(default)]
    max_lifetime: LifetimeState,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LifetimeState {
    #[serde(default)]
    organization: Option<Lifetime>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum DefaultApi {
    #[default]
    Kept,
    Deleted(String),
    Narrowed {
        hosts: Vec<Host>,
        base_paths: Vec<String>,
    },
}

#[expect(clippy::struct_excessive_bools, reason = "the corpus has a member for each")]
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApiState {
    slug: String,
    name: String,
    #[serde(default)]
    hosts: Vec<Host>,
    base_paths: Vec<String>,
    #[serde(default)]
    unlisted_paths: bool,
    #[serde(default)]
    version_pattern: Option<VersionPattern>,
    #[serde(default)]
    versions: Vec<Box<str>>,
    #[serde(default)]
    shared_with: SharedWithState,
    #[serde(default)]
    shared_full_access: bool,
    #[serde(default)]
    report_only: bool,
    #[serde(default)]
    credential_sources: Vec<CredentialSource>,
    #[serde(default)]
    preflight_without_key: bool,
    operations: Vec<OperationState>,
}

/// Slugs of organizations, or `all`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum SharedWithState {
    Word(String),
    Chosen(Vec<String>),
}

impl Default for SharedWithState {
    fn default() -> Self {
        Self::Chosen(Vec::new())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OperationState {
    name: Box<str>,
    method: Box<str>,
    template: Box<str>,
    #[serde(default)]
    multi_segment: Vec<Box<str>>,
    #[serde(default)]
    versions: Vec<Box<str>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SetState {
    slug: String,
    name: String,
    #[serde(default)]
    apis: Vec<String>,
    #[serde(default)]
    operations: Vec<String>,
    #[serde(default)]
    limits: Vec<Limit>,
}

#[allow(clippy::struct_excessive_bools, reason = "the documented form")]
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyState {
    nick: String,
    #[serde(default)]
    owner: Option<OwnerState>,
    #[serde(default)]
    shape: Shape,
    #[serde(default)]
    import: Option<ImportState>,
    #[serde(default)]
    environment: Environment,
    #[serde(default)]
    api_sets: Vec<String>,
    #[serde(default)]
    operations: Vec<String>,
    #[serde(default)]
    allowed_ips: Vec<IpState>,
    #[serde(default)]
    limits: Vec<Limit>,
    #[serde(default)]
    not_before: Option<Timestamp>,
    #[serde(default)]
    expires_at: Option<Timestamp>,
    #[serde(default)]
    idle_exempt: bool,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    awaits_approval: bool,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    rotation: Option<Rotation>,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    metadata: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum IpState {
    Range(IpRange),
    Entry(IpEntry),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotation {
    overlap_seconds: u64,
    #[serde(default)]
    ended: bool,
}

/// An engine with the state in it.
pub struct World {
    pub engine: Arc<Engine>,
    pub clock: Arc<FixedClock>,
    pub organizations: BTreeMap<String, OrganizationId>,
    pub changes: Vec<Change>,
    pub keys: BTreeMap<String, KeyId>,
    pub secrets: BTreeMap<String, Secret>,
    pub old_secrets: BTreeMap<String, Secret>,
    /// Of pairs.
    pub identifiers: BTreeMap<String, Secret>,
    /// Of sessions, and static ones of API users.
    pub tokens: BTreeMap<String, Secret>,
}

/// Makes records; ids count up.
struct Builder {
    now: Timestamp,
    random: FixedRandom,
    next_id: u128,
    organization: OrganizationId,
    apis: BTreeMap<String, ApiId>,
    sets: BTreeMap<String, ApiSetId>,
    types: BTreeMap<String, ApplicationTypeId>,
    applications: BTreeMap<String, ApplicationId>,
    roles: BTreeMap<String, RoleId>,
    users: BTreeMap<String, UserId>,
    api_users: BTreeMap<String, (ApiUserId, ApplicationId)>,
    world: World,
}

pub const PEPPER: [u8; 32] = [42; 32];

/// The files of the corpus: one a topic, each with a state of its own.
pub const CORPORA: &[&str] =
    &["verdicts", "versions", "terms", "sharing", "answers", "owners", "people", "limits", "sign_ins", "signatures"];

/// One file of the corpus.
pub fn corpus(topic: &str) -> serde_json::Value {
    let path = format!("{}/../../e2e/golden/{topic}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the corpus is there");
    serde_json::from_str(&text).expect("the corpus is JSON")
}

/// The state of the corpus' first file.
pub fn state() -> State {
    state_of("verdicts")
}

/// The state of a file of the corpus.
pub fn state_of(topic: &str) -> State {
    serde_json::from_value(corpus(topic)["state"].clone()).expect("the state has the documented form")
}

/// An engine without anything in it.
pub fn empty_engine(clock: &Arc<FixedClock>) -> Arc<Engine> {
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    let engine = Engine::new(Config::default(), Pepper::new(&PEPPER), clock, Arc::new(FixedRandom::new(2)));
    Arc::new(engine.with_session_key(session_key()).with_signing_seal(ring().signing_seal()))
}

fn ring() -> Keyring {
    Keyring::generate(&FixedRandom::new(3))
}

fn session_key() -> SessionKey {
    ring().session_key()
}

/// Loads records into an engine.
pub fn load(engine: &Arc<Engine>, records: Vec<Change>) {
    let mut loader = engine.begin_load();
    loader.add(records);
    loader.finish(Position { epoch: 1, seq: 1 });
}

// === impl PolicyState ===

impl PolicyState {
    /// The policy with it, saved at `now`.
    fn saved_at(&self, now: Timestamp) -> Policy {
        let mut policy = Policy { status_profile: self.status_profile, ..Policy::default() };
        policy.idle_days = self.idle_days.unwrap_or(policy.idle_days);
        policy.max_lifetime.organization = self.max_lifetime.organization;
        policy.max_lifetime_saved_at.organization = self.max_lifetime.organization.map(|_| now);
        policy
    }
}

// === impl IpState ===

impl IpState {
    fn entry(&self) -> IpEntry {
        match self {
            Self::Range(range) => (*range).into(),
            Self::Entry(entry) => entry.clone(),
        }
    }
}

// === impl World ===

impl World {
    pub fn new(state: &State) -> Self {
        let clock = Arc::new(FixedClock::new(state.now));
        let world = Self {
            engine: empty_engine(&clock),
            clock,
            organizations: BTreeMap::new(),
            changes: Vec::new(),
            keys: BTreeMap::new(),
            secrets: BTreeMap::new(),
            old_secrets: BTreeMap::new(),
            identifiers: BTreeMap::new(),
            tokens: BTreeMap::new(),
        };
        let mut builder = Builder {
            now: state.now,
            random: FixedRandom::new(1),
            next_id: 0,
            organization: OrganizationId::from_raw(0),
            apis: BTreeMap::new(),
            sets: BTreeMap::new(),
            types: BTreeMap::new(),
            applications: BTreeMap::new(),
            roles: BTreeMap::new(),
            users: BTreeMap::new(),
            api_users: BTreeMap::new(),
            world,
        };
        for organization in &state.organizations {
            let id = OrganizationId::from_raw(builder.id());
            builder.world.organizations.insert(organization.slug.clone(), id);
        }
        for (index, organization) in state.organizations.iter().enumerate() {
            builder.organization(organization, index == 0);
            builder.remember(&organization.slug);
        }
        let mut world = builder.world;
        let unknown = generate_key(&KeyPrefix::default(), Environment::Live, &FixedRandom::new(77));
        world.secrets.insert("unknown".into(), unknown);
        load(&world.engine, world.changes.clone());
        world
    }
}

// === impl Builder ===

impl Builder {
    fn id(&mut self) -> u128 {
        self.next_id += 1;
        self.next_id
    }

    fn push(&mut self, object: ObjectRef, now: Object) {
        self.world.changes.push(Change { object, now: Some(now) });
    }

    fn organization(&mut self, state: &OrganizationState, is_default: bool) {
        self.organization = self.world.organizations[&state.slug];
        let organization = Organization {
            id: self.organization,
            slug: state.slug.parse().expect("a slug"),
            name: state.name.parse().expect("a name"),
            time_zone: "UTC".into(),
            key_prefix: KeyPrefix::default(),
            admin_contact: None,
            allowed_ips: state.allowed_ips.iter().map(IpState::entry).collect(),
            is_default,
            policy: state.policy.saved_at(self.now),
            created_at: self.now,
            updated_at: self.now,
            version: 1,
        };
        self.push(ObjectRef::Organization(organization.id), Object::Organization(Box::new(organization)));
        self.set(FULL_ACCESS_SLUG, ApiSetKind::Full, &[], &[], &[]);
        self.built_in();
        match &state.default_api {
            DefaultApi::Kept => self.default_api(ApiKind::PristineDefault, &[], &["/".into()]),
            DefaultApi::Deleted(word) => assert_eq!(word, "deleted"),
            DefaultApi::Narrowed { hosts, base_paths } => self.default_api(ApiKind::Plain, hosts, base_paths),
        }
        let none = Vec::new();
        for api in &state.apis {
            self.api(api, ApiKind::Plain);
            let general = state.general.get(&api.slug).unwrap_or(&none);
            self.set(
                &format!("{}-general", api.slug),
                ApiSetKind::General,
                std::slice::from_ref(&api.slug),
                general,
                &[],
            );
        }
        for set in &state.api_sets {
            assert!(!set.name.is_empty());
            self.set(&set.slug, ApiSetKind::Plain, &set.apis, &set.operations, &set.limits);
        }
        for kind in &state.application_types {
            self.application_type(kind);
        }
        for application in &state.applications {
            self.application(application);
        }
        self.people(state);
        for key in &state.keys {
            self.key(key);
        }
        for user in &state.api_users {
            self.api_user(user);
        }
        for session in &state.sessions {
            self.session(session);
        }
    }

    /// What an organization has is `<organization>/<slug>` to those that come after it.
    fn remember(&mut self, organization: &str) {
        fn renamed<I>(map: BTreeMap<String, I>, organization: &str) -> BTreeMap<String, I> {
            let name = |slug: String| if slug.contains('/') { slug } else { format!("{organization}/{slug}") };
            map.into_iter().map(|(slug, id)| (name(slug), id)).collect()
        }
        self.apis = renamed(std::mem::take(&mut self.apis), organization);
        self.sets = renamed(std::mem::take(&mut self.sets), organization);
    }

    fn sharing(&self, state: &ApiState) -> Sharing {
        let with = match &state.shared_with {
            SharedWithState::Word(word) => {
                assert_eq!(word, "all");
                SharedWith::All
            }
            SharedWithState::Chosen(slugs) if slugs.is_empty() => SharedWith::None,
            SharedWithState::Chosen(slugs) => {
                SharedWith::Chosen(slugs.iter().map(|slug| self.world.organizations[slug]).collect())
            }
        };
        Sharing { with, full_access: state.shared_full_access }
    }

    fn built_in(&mut self) {
        let operations = vec![OperationState {
            name: "keys.list".into(),
            method: "GET".into(),
            template: "/keys".into(),
            multi_segment: Vec::new(),
            versions: Vec::new(),
        }];
        let api = ApiState {
            slug: BUILT_IN_SLUG.into(),
            name: "Claviger".into(),
            hosts: Vec::new(),
            base_paths: vec!["/api/v1".into()],
            unlisted_paths: false,
            version_pattern: None,
            versions: Vec::new(),
            shared_with: SharedWithState::default(),
            shared_full_access: false,
            report_only: false,
            credential_sources: Vec::new(),
            preflight_without_key: false,
            operations,
        };
        self.api(&api, ApiKind::BuiltIn);
        for set in BUILT_IN_SETS {
            self.set(set.slug, ApiSetKind::BuiltIn, &[BUILT_IN_SLUG.into()], &[], &[]);
        }
    }

    fn default_api(&mut self, kind: ApiKind, hosts: &[Host], base_paths: &[String]) {
        let api = ApiState {
            slug: DEFAULT_SLUG.into(),
            name: "Default".into(),
            hosts: hosts.to_vec(),
            base_paths: base_paths.to_vec(),
            unlisted_paths: true,
            version_pattern: None,
            versions: Vec::new(),
            shared_with: SharedWithState::default(),
            shared_full_access: false,
            report_only: false,
            credential_sources: Vec::new(),
            preflight_without_key: false,
            operations: Vec::new(),
        };
        self.api(&api, kind);
    }

    fn api(&mut self, state: &ApiState, kind: ApiKind) {
        let id = ApiId::from_raw(self.id());
        self.apis.insert(state.slug.clone(), id);
        let api = Api {
            id,
            organization: self.organization,
            slug: state.slug.parse().expect("a slug"),
            name: state.name.parse().expect("a name"),
            hosts: state.hosts.clone(),
            base_paths: state.base_paths.clone(),
            unlisted_paths: state.unlisted_paths,
            manual_url: None,
            version_pattern: state.version_pattern.clone(),
            versions: state.versions.clone(),
            kind,
            sharing: self.sharing(state),
            rules: DoorRules {
                report_only: state.report_only,
                credential_sources: state.credential_sources.clone(),
                preflight_without_key: state.preflight_without_key,
            },
            created_at: self.now,
            updated_at: self.now,
            version: 1,
        };
        let operations = state.operations.iter().map(|operation| Operation {
            name: operation.name.clone(),
            method: operation.method.clone(),
            template: operation.template.clone(),
            multi_segment: operation.multi_segment.clone(),
            summary: Box::default(),
            tags: Vec::new(),
            versions: operation.versions.clone(),
        });
        let operations = operations.collect();
        self.push(ObjectRef::Api(id), Object::Api(Box::new(api), operations));
    }

    fn set(&mut self, slug: &str, kind: ApiSetKind, apis: &[String], operations: &[String], limits: &[Limit]) {
        let id = ApiSetId::from_raw(self.id());
        self.sets.insert(slug.to_owned(), id);
        let set = ApiSet {
            id,
            organization: self.organization,
            slug: slug.parse().expect("a slug"),
            name: slug.parse().expect("a name"),
            kind,
            apis: apis.iter().map(|api| self.apis[api]).collect(),
            operations: self.patterns(operations),
            limits: limits.to_vec(),
            template: None,
            created_at: self.now,
            updated_at: self.now,
            version: 1,
        };
        self.push(ObjectRef::ApiSet(id), Object::ApiSet(Box::new(set)));
    }

    fn patterns(&self, operations: &[String]) -> Vec<ApiPattern> {
        let pattern = |text: &String| {
            let (sign, text) = text.strip_prefix('!').map_or(("", text.as_str()), |rest| ("!", rest));
            let (api, pattern) = text.split_once(':').expect("<api>:<pattern>");
            ApiPattern { api: self.apis[api], pattern: format!("{sign}{pattern}").parse().expect("a pattern") }
        };
        operations.iter().map(pattern).collect()
    }

    fn secret(&mut self, environment: Environment) -> (Secret, StoredSecret) {
        let secret = generate_key(&KeyPrefix::default(), environment, &self.random);
        let digest = Pepper::new(&PEPPER).digest(CredentialKind::Single, secret.expose().as_bytes());
        let stored = StoredSecret { digest, hint: hint(&secret) };
        (secret, stored)
    }

    fn application_type(&mut self, state: &TypeState) {
        let id = ApplicationTypeId::from_raw(self.id());
        self.types.insert(state.slug.clone(), id);
        let kind = ApplicationType {
            id,
            organization: self.organization,
            slug: state.slug.parse().expect("a slug"),
            name: state.name.parse().expect("a name"),
            sign_in: state.sign_in.unwrap_or(SignIn::KeyOnly),
            api_sets: state.later.as_ref().unwrap_or(&state.api_sets).iter().map(|slug| self.sets[slug]).collect(),
            fields: TypeFields::default(),
            predefined: false,
            created_at: self.now,
            updated_at: self.now,
            version: 1,
        };
        self.push(ObjectRef::ApplicationType(id), Object::ApplicationType(Box::new(kind)));
    }

    fn application(&mut self, state: &ApplicationState) {
        let id = ApplicationId::from_raw(self.id());
        self.applications.insert(state.slug.clone(), id);
        let actor = Actor { kind: ActorKind::Operator, id: None, name: None };
        let application = Application {
            id,
            organization: self.organization,
            slug: state.slug.parse().expect("a slug"),
            name: state.name.parse().expect("a name"),
            kind: self.types[&state.kind],
            disabled: state.disabled.then(|| Disabled { at: self.now, by: actor.clone(), reason: None }),
            allowed_ips: state.allowed_ips.iter().map(IpState::entry).collect(),
            limits: state.limits.clone(),
            public_url: None,
            password: state.password.as_ref().map(|password| StoredPassword {
                digest: Pepper::new(&PEPPER).digest(CredentialKind::ApplicationPassword, password.as_bytes()),
                previous: None,
                set_at: self.now,
            }),
            created_by: actor,
            created_at: self.now,
            updated_at: self.now,
            version: 1,
        };
        self.push(ObjectRef::Application(id), Object::Application(Box::new(application)));
    }

    fn owner(&self, state: Option<&OwnerState>) -> Owner {
        let Some(OwnerState { kind, id }) = state else { return Owner::Organization(self.organization) };
        match kind.as_str() {
            "application" => Owner::Application(self.applications[id]),
            "user" => Owner::User(self.users[id]),
            other => panic!("{other}"),
        }
    }

    fn people(&mut self, state: &OrganizationState) {
        for role in Role::predefined(self.organization, self.now) {
            self.roles.insert(role.slug.to_string(), role.id);
            self.push(ObjectRef::Role(role.id), Object::Role(Box::new(role)));
        }
        for role in &state.roles {
            self.role(role);
        }
        for user in &state.users {
            self.user(user);
        }
    }

    fn role(&mut self, state: &RoleState) {
        let id = RoleId::from_raw(self.id());
        self.roles.insert(state.slug.clone(), id);
        let now = state.later.as_deref().unwrap_or(state);
        let known = |name: &String| Authority::named(name).expect("an authority");
        let sets = |slugs: &Vec<String>| slugs.iter().map(|slug| self.sets[slug]).collect();
        let role = Role {
            id,
            organization: self.organization,
            slug: now.slug.parse().expect("a slug"),
            name: now.name.parse().expect("a name"),
            predefined: false,
            authorities: Authorities::of(&now.authorities.iter().map(known).collect::<Vec<_>>()),
            levels: Levels { api_sets: now.api_sets.as_ref().map(sets), ..Levels::default() },
            created_at: self.now,
            updated_at: self.now,
            version: 1,
        };
        self.push(ObjectRef::Role(id), Object::Role(Box::new(role)));
    }

    fn user(&mut self, state: &UserState) {
        let id = UserId::from_raw(self.id());
        self.users.insert(state.username.clone(), id);
        let actor = Actor { kind: ActorKind::Operator, id: None, name: None };
        let stopped = Disabled { at: self.now, by: actor.clone(), reason: None };
        let user = User {
            id,
            email: format!("{}@example.com", state.username).parse().expect("an address"),
            name: state.name.parse().expect("a name"),
            language: "en".to_owned(),
            time_zone: "UTC".to_owned(),
            created_at: self.now,
        };
        let member = Member {
            user,
            organization: self.organization,
            username: state.username.parse().expect("a name"),
            roles: state.later_roles.as_ref().unwrap_or(&state.roles).iter().map(|slug| self.roles[slug]).collect(),
            disabled: state.disabled.then(|| stopped.clone()),
            locked: state.locked.then_some(stopped),
            account_expires_at: state.account_expires_at,
            accepted_at: None,
            created_by: actor,
            created_at: self.now,
            updated_at: self.now,
            version: 1,
        };
        self.push(ObjectRef::Member(self.organization, id), Object::Member(Box::new(member)));
    }

    fn api_user(&mut self, state: &ApiUserState) {
        let (id, application) = (ApiUserId::from_raw(self.id()), self.applications[&state.application]);
        self.api_users.insert(state.user_name.clone(), (id, application));
        let actor = Actor { kind: ActorKind::Operator, id: None, name: None };
        let static_token = state.static_token.then(|| {
            let token = generate_api_token(&self.random);
            let digest = Pepper::new(&PEPPER).digest(CredentialKind::StaticToken, token.expose().as_bytes());
            self.world.tokens.insert(state.user_name.clone(), token);
            digest
        });
        let user = ApiUser {
            id,
            organization: self.organization,
            application,
            user_name: state.user_name.parse().expect("a name"),
            disabled: state.disabled.then(|| Disabled { at: self.now, by: actor.clone(), reason: None }),
            permission_type: state.permission_type,
            contact: state.contact.clone(),
            profile_user: self.users[&state.profile_user],
            profile_external: None,
            sign_in_method: SignInMethod::Password,
            language: "en".to_owned(),
            static_token,
            created_by: actor,
            created_at: self.now,
            updated_at: self.now,
            version: 1,
        };
        self.push(ObjectRef::ApiUser(id), Object::ApiUser(Box::new(user)));
    }

    fn session(&mut self, state: &SessionState) {
        let id = ApiSessionId::from_raw(self.id());
        let token = generate_api_token(&self.random);
        let digest = session_key().digest(SessionDigest::ApiToken, &[token.expose().as_bytes()]);
        let (user, application) = self.api_users[&state.user];
        let limits = ApiSessionLimits::default();
        let session = ApiSession {
            id,
            digest: CredentialDigest::from_bytes(digest),
            organization: self.organization,
            application,
            user,
            key: self.world.keys[&state.key],
            created_at: self.now,
            expires_at: self.now.saturating_add(limits.absolute),
            idle: limits.idle,
            used_at: self.now,
            enrolment_only: state.enrolment_only,
        };
        self.world.tokens.insert(state.nick.clone(), token);
        self.push(ObjectRef::ApiSession(id), Object::ApiSession(Box::new(session)));
    }

    /// The value of a key: what its holder has, and what is stored of it.
    fn value(&mut self, state: &KeyState) -> (Secret, StoredSecret) {
        let pepper = Pepper::new(&PEPPER);
        match (&state.import, state.shape) {
            (Some(ImportState::Value(value)), _) => {
                let secret = Secret::new(value.clone());
                let digest = pepper.digest(CredentialKind::Single, value.as_bytes());
                let stored = StoredSecret { digest, hint: hint(&secret) };
                (secret, stored)
            }
            (Some(ImportState::Sha256(digits)), _) => {
                let bytes: Vec<u8> = (0..64)
                    .step_by(2)
                    .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits"))
                    .collect();
                let digest = pepper.digest_of_sha256(CredentialKind::Single, &bytes.try_into().expect("32 bytes"));
                (Secret::new(String::new()), StoredSecret { digest, hint: String::new() })
            }
            (None, Shape::Pair) => {
                let pair = Pair::generate(&self.random);
                self.world.identifiers.insert(state.nick.clone(), pair.identifier);
                self.pair(&state.nick, pair.password)
            }
            (None, Shape::Single) => self.secret(state.environment),
        }
    }

    fn pair(&self, nick: &str, password: Secret) -> (Secret, StoredSecret) {
        let identifier = &self.world.identifiers[nick];
        let (name, proof) = (identifier.expose().as_bytes(), password.expose().as_bytes());
        let digest = Pepper::new(&PEPPER).digest_of_pair(name, proof);
        let stored = StoredSecret { digest, hint: identifier_hint(identifier) };
        (password, stored)
    }

    fn key(&mut self, state: &KeyState) {
        let id = KeyId::from_raw(self.id());
        let (secret, stored) = self.value(state);
        let actor = Actor { kind: ActorKind::Operator, id: None, name: None };
        let mut key = Key {
            id,
            organization: self.organization,
            owner: self.owner(state.owner.as_ref()),
            name: state.nick.parse().expect("a name"),
            description: String::new(),
            environment: state.environment,
            shape: state.shape,
            secret: stored,
            overlap: None,
            signing: None,
            ended: Vec::new(),
            api_sets: state.api_sets.iter().map(|slug| self.sets[slug]).collect(),
            operations: self.patterns(&state.operations),
            allowed_ips: state.allowed_ips.iter().map(IpState::entry).collect(),
            limits: state.limits.clone(),
            not_before: state.not_before,
            expires_at: state.expires_at,
            idle_exempt: state.idle_exempt,
            idle_from: None,
            disabled: state.disabled.then(|| Disabled { at: self.now, by: actor.clone(), reason: None }),
            approval: state.awaits_approval.then(|| Approval::asked(actor.clone(), &[], self.now)),
            deleted_at: state.deleted.then_some(self.now),
            external_id: state.external_id.clone(),
            tags: Vec::new(),
            metadata: state.metadata.clone(),
            created_by: actor,
            created_at: self.now,
            updated_at: self.now,
            version: 1,
        };
        self.world.keys.insert(state.nick.clone(), id);
        let secret = match &state.rotation {
            Some(rotation) => self.rotate(&mut key, rotation, secret),
            None => secret,
        };
        if self.signs(&key) {
            key.signing = Some(self.copies(&key, &secret));
        }
        self.world.secrets.insert(state.nick.clone(), secret);
        self.push(ObjectRef::Key(id), Object::Key(Box::new(key)));
    }

    /// Whether its owner is an application that signs.
    fn signs(&self, key: &Key) -> bool {
        let is_owner = |object: &Object| match object {
            Object::Application(application) if key.owner == Owner::Application(application.id) => {
                Some(application.kind)
            }
            _ => None,
        };
        let objects = || self.world.changes.iter().filter_map(|change| change.now.as_ref());
        let kind = objects().find_map(is_owner);
        objects().any(|object| match object {
            Object::ApplicationType(of) => Some(of.id) == kind && of.sign_in == SignIn::Signature,
            _ => false,
        })
    }

    /// What it signs with: its secret, and the one before while it overlaps.
    fn copies(&self, key: &Key, secret: &Secret) -> SigningCopies {
        let seal = |secret| ring().signing_seal().seal(key.organization, key.id, secret, &FixedRandom::new(4));
        let before = self.world.old_secrets.get(key.name.as_str()).filter(|_| key.overlap.is_some());
        SigningCopies { current: seal(secret), before: before.map(seal) }
    }

    /// The new secret.
    fn rotate(&mut self, key: &mut Key, rotation: &Rotation, old: Secret) -> Secret {
        let (secret, stored) = match key.shape {
            Shape::Single => self.secret(key.environment),
            Shape::Pair => self.pair(key.name.as_str(), generate_password(&self.random)),
        };
        let old_stored = std::mem::replace(&mut key.secret, stored);
        if rotation.ended || rotation.overlap_seconds == 0 {
            key.ended.push(EndedSecret { digest: old_stored.digest, ended_at: self.now });
        } else {
            let valid_until = self.now.saturating_add(Duration::from_secs(rotation.overlap_seconds));
            key.overlap = Some(Overlap { secret: old_stored, valid_until });
        }
        key.version += 1;
        self.world.old_secrets.insert(key.name.as_str().to_owned(), old);
        secret
    }
}
