//! What a new organization begins with: a member, two APIs, and the sets that cannot be missing; the first one of an installation
//! with a key too, by which its operator administers it.

use claviger_domain::api::{Api, ApiKind, BUILT_IN_SLUG, DEFAULT_SLUG, DoorRules};
use claviger_domain::api_set::{ApiSet, ApiSetKind, FULL_ACCESS_SLUG};
use claviger_domain::audit::{Chain, Subject};
use claviger_domain::authority::{ADMIN_SLUG, BUILT_IN_SETS};
use claviger_domain::credential::{Environment, KeyPrefix, generate_key};
use claviger_domain::email::Email;
use claviger_domain::ip_list::IpEntries;
use claviger_domain::key::Key;
use claviger_domain::keyring::Keyring;
use claviger_domain::member::{Member, User};
use claviger_domain::name::{Name, Slug};
use claviger_domain::organization::Organization;
use claviger_domain::policy::Policy;
use claviger_domain::role::Role;
use claviger_domain::sharing::Sharing;
use claviger_domain::{ApiId, ApiSetId, KeyId, OrganizationId, Random, Secret, UserId};
use claviger_store::{Tx, api_sets, apis, keys, members, organizations, roles};
use serde_json::json;

use super::wire::OrganizationView;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::keys::stored_secret;

/// The name of a new organization's first key.
pub const FIRST_KEY_NAME: &str = "setup";
/// The language of a person who has said nothing.
pub const DEFAULT_LANGUAGE: &str = "en";

/// The person who asks for an organization, and what it is called.
#[derive(Debug, Clone)]
pub struct Founder {
    /// What people call the organization.
    pub name: Name,
    /// Its slug.
    pub slug: Slug,
    /// The first member's address.
    pub email: Email,
}

/// Everything that founding an organization writes, drawn before the transaction.
#[derive(Debug, Clone)]
pub struct Founding {
    /// The organization.
    pub organization: Organization,
    /// The first member, who administers it.
    pub member: Member,
    roles: Vec<Role>,
    apis: [Api; 2],
    sets: Vec<ApiSet>,
    key: Option<Key>,
}

// === impl Founding ===

impl Founding {
    /// Draws ids. The first member is to come by an invitation.
    pub fn draw(ctx: &Ctx, founder: Founder, is_default: bool, random: &dyn Random) -> Self {
        let organization = Organization {
            id: OrganizationId::new(ctx.now, random),
            slug: founder.slug,
            name: founder.name,
            time_zone: "UTC".to_owned(),
            key_prefix: KeyPrefix::default(),
            admin_contact: None,
            allowed_ips: IpEntries::default(),
            is_default,
            policy: Policy::default(),
            created_at: ctx.now,
            updated_at: ctx.now,
            version: 1,
        };
        let member = first_member(ctx, organization.id, founder.email, random);
        let roles = Role::predefined(organization.id, ctx.now).collect();
        let apis = [
            first_api(ctx, organization.id, DEFAULT_SLUG, "Default", ApiKind::PristineDefault, random),
            first_api(ctx, organization.id, BUILT_IN_SLUG, "Claviger", ApiKind::BuiltIn, random),
        ];
        let sets = first_sets(ctx, &apis, random);
        Self { organization, member, roles, apis, sets, key: None }
    }

    /// The same with a first member who need not be invited.
    #[must_use]
    pub fn with_first_member_there(mut self, ctx: &Ctx) -> Self {
        self.member.accepted_at = Some(ctx.now);
        self
    }

    /// The same with a key that administers it, and its secret.
    pub fn with_first_key(mut self, ctx: &Ctx, keyring: &Keyring, random: &dyn Random) -> (Self, Option<Secret>) {
        let secret = generate_key(&self.organization.key_prefix, Environment::Live, random);
        self.key = Some(first_key(ctx, self.organization.id, &self.sets, keyring, &secret, random));
        (self, Some(secret))
    }

    /// Writes all of it. A first member who is there already is the known person of that address, where there is one.
    pub async fn insert(&self, tx: &mut Tx, ctx: &Ctx) -> Result<UserId, Error> {
        organizations::insert(tx, &self.organization).await?;
        for role in &self.roles {
            roles::insert(tx, role).await?;
        }
        let mut member = self.member.clone();
        if member.accepted_at.is_some()
            && let Some(known) = members::known_user(tx, &member.user.email).await?
        {
            member.user = known;
        }
        members::insert(tx, &member).await?;
        for api in &self.apis {
            apis::insert(tx, api).await?;
        }
        for set in &self.sets {
            api_sets::insert(tx, set).await?;
        }
        if let Some(key) = &self.key {
            keys::insert(tx, key).await?;
        }
        self.note(tx, ctx);
        Ok(member.user.id)
    }

    fn note(&self, tx: &mut Tx, ctx: &Ctx) {
        let organization = &self.organization;
        let subject = Subject {
            kind: "organization".to_owned(),
            id: organization.id.to_string(),
            name: Some(organization.name.to_string()),
        };
        let made = OrganizationView::from(organization).audited();
        for chain in [Chain::Installation, Chain::Organization(organization.id)] {
            tx.audit(chain, ctx.entry("organization.create", subject.clone(), None, Some(made.clone())));
        }
        let Some(key) = &self.key else { return };
        let subject = Subject { kind: "key".to_owned(), id: key.id.to_string(), name: Some(key.name.to_string()) };
        let made = json!({"name": key.name, "hint": key.secret.hint, "api_sets": [ADMIN_SLUG]});
        tx.audit(Chain::Organization(organization.id), ctx.entry("key.create", subject, None, Some(made)));
    }
}

/// The first member, who administers the organization.
fn first_member(ctx: &Ctx, organization: OrganizationId, email: Email, random: &dyn Random) -> Member {
    let user = User {
        id: UserId::new(ctx.now, random),
        name: name_from(&email),
        language: DEFAULT_LANGUAGE.to_owned(),
        time_zone: "UTC".to_owned(),
        created_at: ctx.now,
        email,
    };
    Member {
        username: user.name.clone(),
        user,
        organization,
        roles: vec![Role::admin_id(organization)],
        disabled: None,
        locked: None,
        account_expires_at: None,
        accepted_at: None,
        created_by: ctx.actor.clone(),
        created_at: ctx.now,
        updated_at: ctx.now,
        version: 1,
    }
}

/// What a person is called who has said nothing but an address: what stands before the `@`, or all of it.
pub(crate) fn name_from(email: &Email) -> Name {
    let local = email.local_part().parse().or_else(|_| email.as_str().parse());
    local.unwrap_or_else(|_| fixed("user"))
}

/// A name that stands in the program.
fn fixed<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| unreachable!("{text} is valid"))
}

fn first_api(
    ctx: &Ctx,
    organization: OrganizationId,
    slug: &str,
    name: &str,
    kind: ApiKind,
    random: &dyn Random,
) -> Api {
    Api {
        id: ApiId::new(ctx.now, random),
        organization,
        slug: fixed(slug),
        name: fixed(name),
        hosts: Vec::new(),
        base_paths: vec!["/".to_owned()],
        unlisted_paths: kind == ApiKind::PristineDefault,
        manual_url: None,
        version_pattern: None,
        versions: Vec::new(),
        kind,
        sharing: Sharing::default(),
        rules: DoorRules::default(),
        created_at: ctx.now,
        updated_at: ctx.now,
        version: 1,
    }
}

fn first_sets(ctx: &Ctx, [default, built_in]: &[Api; 2], random: &dyn Random) -> Vec<ApiSet> {
    let set = |slug: &str, name: &str, kind, apis| ApiSet {
        id: ApiSetId::new(ctx.now, random),
        organization: default.organization,
        slug: fixed(slug),
        name: fixed(name),
        kind,
        apis,
        operations: Vec::new(),
        limits: Vec::new(),
        template: None,
        created_at: ctx.now,
        updated_at: ctx.now,
        version: 1,
    };
    let general = format!("{DEFAULT_SLUG}-general");
    let mut sets = vec![
        set(FULL_ACCESS_SLUG, "Full access", ApiSetKind::Full, Vec::new()),
        set(&general, "Default: general", ApiSetKind::General, vec![default.id]),
    ];
    sets.extend(BUILT_IN_SETS.iter().map(|known| set(known.slug, known.name, ApiSetKind::BuiltIn, vec![built_in.id])));
    sets
}

fn first_key(
    ctx: &Ctx,
    organization: OrganizationId,
    sets: &[ApiSet],
    keyring: &Keyring,
    secret: &Secret,
    random: &dyn Random,
) -> Key {
    let (id, secret) = (KeyId::new(ctx.now, random), stored_secret(keyring, secret));
    Key {
        description: "Made with the organization: administers it through the management API.".to_owned(),
        // The only way in at first: an administrator on leave would lock everybody out.
        idle_exempt: true,
        api_sets: sets.iter().filter(|set| set.slug.as_str() == ADMIN_SLUG).map(|set| set.id).collect(),
        ..Key::new(id, organization, fixed(FIRST_KEY_NAME), secret, ctx.actor.clone(), ctx.now)
    }
}
