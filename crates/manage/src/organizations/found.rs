//! What a new organization begins with: a member, two APIs, the sets that cannot be missing, and one key.

use claviger_domain::api::{Api, ApiKind, BUILT_IN_SLUG, DEFAULT_SLUG, DoorRules};
use claviger_domain::api_set::{ApiSet, ApiSetKind, FULL_ACCESS_SLUG};
use claviger_domain::audit::{Chain, Subject};
use claviger_domain::authority::{ADMIN_SLUG, BUILT_IN_SETS};
use claviger_domain::credential::{Environment, KeyPrefix, generate_key};
use claviger_domain::ip_list::IpEntries;
use claviger_domain::key::Key;
use claviger_domain::keyring::Keyring;
use claviger_domain::name::{Name, Slug};
use claviger_domain::organization::Organization;
use claviger_domain::policy::Policy;
use claviger_domain::sharing::Sharing;
use claviger_domain::{ApiId, ApiSetId, KeyId, OrganizationId, Random, Secret, UserId};
use claviger_store::users::User;
use claviger_store::{Tx, api_sets, apis, keys, memberships, organizations, users};
use serde_json::json;

use super::wire::OrganizationView;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::keys::stored_secret;

/// The most characters of an e-mail address (RFC 5321, 4.5.3.1.3).
pub const EMAIL_LENGTH_MAX: usize = 254;
/// The name of a new organization's first key.
pub const FIRST_KEY_NAME: &str = "setup";

/// The person who asks for an organization, and what it is called.
#[derive(Debug, Clone)]
pub struct Founder {
    /// What people call the organization.
    pub name: Name,
    /// Its slug.
    pub slug: Slug,
    /// The first member's address.
    pub email: String,
}

/// Everything that founding an organization writes, drawn before the transaction.
#[derive(Debug, Clone)]
pub struct Founding {
    /// The organization.
    pub organization: Organization,
    user: User,
    apis: [Api; 2],
    sets: Vec<ApiSet>,
    key: Key,
}

/// Checks an e-mail address as far as that is possible without sending to it.
pub fn check_email(text: &str) -> Result<String, &'static str> {
    const EXPECTED: &str = "expected an e-mail address such as ann@example.com";
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@').ok_or(EXPECTED)?;
    let plain = !text.chars().any(|c| c.is_control() || c.is_whitespace());
    let fits = plain && !local.is_empty() && !domain.is_empty() && text.chars().count() <= EMAIL_LENGTH_MAX;
    if fits { Ok(text.to_owned()) } else { Err(EXPECTED) }
}

// === impl Founding ===

impl Founding {
    /// Draws ids and the first key's secret.
    pub fn draw(
        ctx: &Ctx,
        founder: Founder,
        is_default: bool,
        keyring: &Keyring,
        random: &dyn Random,
    ) -> (Self, Secret) {
        let organization = Organization {
            id: OrganizationId::new(ctx.now, random),
            slug: founder.slug,
            name: founder.name,
            time_zone: "UTC".to_owned(),
            key_prefix: KeyPrefix::default(),
            allowed_ips: IpEntries::default(),
            is_default,
            policy: Policy::default(),
            created_at: ctx.now,
            updated_at: ctx.now,
            version: 1,
        };
        let id = UserId::new(ctx.now, random);
        let user = User { id, name: founder.email.clone(), email: founder.email, created_at: ctx.now };
        let apis = [
            first_api(ctx, organization.id, DEFAULT_SLUG, "Default", ApiKind::PristineDefault, random),
            first_api(ctx, organization.id, BUILT_IN_SLUG, "Claviger", ApiKind::BuiltIn, random),
        ];
        let sets = first_sets(ctx, &apis, random);
        let secret = generate_key(&organization.key_prefix, Environment::Live, random);
        let key = first_key(ctx, organization.id, &sets, keyring, &secret, random);
        (Self { organization, user, apis, sets, key }, secret)
    }

    /// Writes all of it; the first member is the known person of that address, where there is one.
    pub async fn insert(&self, tx: &mut Tx, ctx: &Ctx) -> Result<UserId, Error> {
        organizations::insert(tx, &self.organization).await?;
        let known = users::by_email(tx, &self.user.email).await?;
        if known.is_none() {
            users::insert(tx, &self.user).await?;
        }
        let user = known.map_or(self.user.id, |known| known.id);
        memberships::insert(tx, self.organization.id, user, ctx.now).await?;
        for api in &self.apis {
            apis::insert(tx, api).await?;
        }
        for set in &self.sets {
            api_sets::insert(tx, set).await?;
        }
        keys::insert(tx, &self.key).await?;
        self.note(tx, ctx);
        Ok(user)
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
        let key = &self.key;
        let subject = Subject { kind: "key".to_owned(), id: key.id.to_string(), name: Some(key.name.to_string()) };
        let made = json!({"name": key.name, "hint": key.secret.hint, "api_sets": [ADMIN_SLUG]});
        tx.audit(Chain::Organization(organization.id), ctx.entry("key.create", subject, None, Some(made)));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_addresses_are_told_from_other_texts() {
        for text in ["ann@example.com", " ann@example.com ", "a@b", "ann+x@ex-ample.co.uk", "żółw@example.com"] {
            assert_eq!(check_email(text), Ok(text.trim().to_owned()), "{text}");
        }
        for text in ["", "ann", "@example.com", "ann@", "a b@c", "a@b\nc", &format!("{}@b", "a".repeat(254))] {
            assert!(check_email(text).is_err(), "{text:?}");
        }
    }
}
