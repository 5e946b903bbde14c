//! Lists keys.

use claviger_domain::authority::Authority;
use claviger_domain::credential::Environment;
use claviger_domain::key::{EXTERNAL_ID_LENGTH_MAX, Owner, State};
use claviger_domain::name::free_text;
use claviger_domain::rules::Rules;
use claviger_domain::{OrganizationId, Timestamp};
use claviger_store::keys::{self, KeyFilter, KeySort};
use claviger_store::{Conn, Snapshot, organizations};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::access::{self, Need};
use super::request::TAG_LENGTH_MAX;
use super::wire::{Form, KeyView, Names};
use crate::Manage;
use crate::applications::find_application;
use crate::body::number;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::{Error, FieldError};
use crate::export::Format;
use crate::page::{Listed, page};
use crate::shared::find_usable_set;
use crate::users::find_member;

/// The most characters of a search text.
pub const SEARCH_LENGTH_MAX: usize = 200;

/// Which keys, in which order. A call looks through 10,000 keys at most: a page that few fit may have fewer rows than asked for, and a
/// next page all the same.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct KeyQuery {
    /// Those in this state.
    #[serde(default)]
    #[param(inline)]
    pub state: Option<LivingState>,
    /// Those that hold this set, by slug or id.
    #[serde(default)]
    pub set: Option<String>,
    /// `live` or `test`.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub environment: Option<Environment>,
    /// Those of this owner: `organization`, an application by id or slug, or a user by id, user name or address.
    #[serde(default)]
    pub owner: Option<String>,
    /// Those with this tag.
    #[serde(default)]
    pub tag: Option<String>,
    /// Those made by the actor with this id.
    #[serde(default)]
    pub creator: Option<String>,
    /// Those with this external id.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Those that have this in name, description, external id, tags or hint, whatever its case. A page may then have fewer rows
    /// than asked for, and a next page all the same.
    #[serde(default)]
    pub text: Option<String>,
    /// Those made at this instant or later.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub created_after: Option<Timestamp>,
    /// Those made before this instant.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub created_before: Option<Timestamp>,
    /// Those last used at this instant or later.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub last_used_after: Option<Timestamp>,
    /// Those last used before this instant, or never.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub last_used_before: Option<Timestamp>,
    /// Those last refused at this instant or later.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub last_refused_after: Option<Timestamp>,
    /// Those that will have ended at this instant, or gone out of service for want of use if nobody uses them until then;
    /// with `state=active` those that are in service now.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub ends_before: Option<Timestamp>,
    /// In which order; the newest first if not given.
    #[serde(default)]
    #[param(inline)]
    pub sort: Sort,
    /// `csv` or `jsonl`: all of them as a file, without pages; `Accept` is heard too.
    #[serde(default)]
    #[param(inline)]
    pub format: Option<Format>,
    /// Rows of a page: 1 to 100, 50 if not given.
    #[serde(default, deserialize_with = "number")]
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// The states of keys that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LivingState {
    /// In service.
    Active,
    /// Taken out of service.
    Disabled,
    /// Awaits approval.
    Pending,
    /// Its end has come.
    Expired,
    /// Its beginning has not.
    NotYetValid,
}

/// The order of a list of keys; `-` = descending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum Sort {
    /// The newest first.
    #[default]
    #[serde(rename = "-created_at")]
    Newest,
    /// The oldest first.
    #[serde(rename = "created_at")]
    Oldest,
    /// By name.
    #[serde(rename = "name")]
    Name,
    /// By name, from the end.
    #[serde(rename = "-name")]
    NameDescending,
}

// === impl KeyQuery ===

impl KeyQuery {
    /// The same for the keys of an owner whom the path names.
    pub(crate) fn of_owner(self, id: &str) -> Result<Self, Error> {
        if self.owner.is_some() {
            return Err(Error::field("owner", "is the one that the path names"));
        }
        Ok(Self { owner: Some(id.to_owned()), ..self })
    }
}

/// The keys that a query selects, for page after page.
pub(super) struct Selected {
    organization: OrganizationId,
    filter: KeyFilter,
    now: Timestamp,
}

/// A page of the organization's living keys.
pub async fn list(manage: &Manage, ctx: &Ctx, query: KeyQuery) -> Result<Listed<KeyView>, Error> {
    // A cursor goes with its filters and order, whatever the size of the pages.
    let filters = format!("{:?}", KeyQuery { limit: None, cursor: None, format: None, ..query.clone() });
    let (limit, cursor) = (query.limit, query.cursor.clone());
    let selected = Selected::new(manage, ctx, query).await?;
    let (tenant, ring) = (selected.organization.to_string(), manage.keyring.fingerprint());
    let names = ["keys", tenant.as_str(), filters.as_str()];
    let page = page(ring, &names, limit, cursor.as_deref())?;
    Listed::new(ring, &names, selected.page(manage, &page).await?, |key| key)
}

// === impl Selected ===

impl Selected {
    /// Checks the query, and that the caller may read keys: all, or one's own.
    pub(super) async fn new(manage: &Manage, ctx: &Ctx, query: KeyQuery) -> Result<Self, Error> {
        let organization = match ctx.user.filter(|user| query.owner.as_ref() == Some(&user.to_string())) {
            Some(_) => access::organization(ctx, Need::See)?,
            None => ctx.organization_with(Authority::KeysRead)?,
        };
        check_texts(&query)?;
        let mut snapshot = manage.store.read().await?;
        let filter = filter(&mut snapshot, ctx, organization, query).await?;
        Ok(Self { organization, filter, now: ctx.now })
    }

    /// One page.
    pub(super) async fn page(
        &self,
        manage: &Manage,
        page: &claviger_store::Page,
    ) -> Result<claviger_store::Listed<KeyView>, Error> {
        let Self { organization, filter, now } = self;
        let mut snapshot: Snapshot = manage.store.read().await?;
        let mut found = keys::list(&mut snapshot, *organization, filter, page).await?;
        let shown = Names::load(&mut snapshot, *organization, &found.items).await?;
        // Of two rules that have both passed the database does not know which came first: such a page may be shorter.
        found.items.retain(|key| filter.state.is_none_or(|state| shown.facts(key).state(*now) == state));
        let items = found.items.iter().map(|key| KeyView::new(key, &shown, Form::Row, *now)).collect();
        Ok(claviger_store::Listed { items, next: found.next })
    }
}

/// What no record can have is refused: PostgreSQL takes no NUL at all.
fn check_texts(query: &KeyQuery) -> Result<(), Error> {
    let mut checks = Checks::default();
    for (field, text, max) in [
        ("text", &query.text, SEARCH_LENGTH_MAX),
        ("creator", &query.creator, EXTERNAL_ID_LENGTH_MAX),
        ("external_id", &query.external_id, EXTERNAL_ID_LENGTH_MAX),
        ("tag", &query.tag, TAG_LENGTH_MAX),
    ] {
        checks.take(field, free_text(text.as_deref().unwrap_or_default(), max).map(drop));
    }
    checks.finish()
}

async fn filter(conn: &mut Conn, ctx: &Ctx, organization: OrganizationId, query: KeyQuery) -> Result<KeyFilter, Error> {
    let api_set = match &query.set {
        None => None,
        Some(name) => match find_usable_set(conn, organization, name).await? {
            Some(set) => Some(set.id),
            None => return Err(Error::names_unknown(vec![FieldError::new("set", "there is none by this name")])),
        },
    };
    let home = organizations::get(conn, organization).await?.ok_or_else(|| Error::not_found("organization"))?;
    let owner = match query.owner.as_deref() {
        None => None,
        Some("organization") => Some(Owner::Organization(organization)),
        Some(name) => match find_owner(conn, organization, name).await? {
            Some(owner) => Some(owner),
            None => return Err(Error::names_unknown(vec![FieldError::new("owner", "there is none by this name")])),
        },
    };
    Ok(KeyFilter {
        state: query.state.map(State::from),
        now: ctx.now,
        rules: Rules::new(&home.policy, &home.time_zone),
        owner,
        tag: query.tag,
        creator: query.creator,
        api: None,
        api_set,
        environment: query.environment,
        created_from: query.created_after,
        created_before: query.created_before,
        used_from: query.last_used_after,
        used_before: query.last_used_before,
        refused_from: query.last_refused_after,
        ends_by: query.ends_before,
        external_id: query.external_id,
        text: query.text.filter(|text| !text.trim().is_empty()),
        sort: query.sort.into(),
    })
}

/// The application or the user of this name.
async fn find_owner(conn: &mut Conn, organization: OrganizationId, name: &str) -> Result<Option<Owner>, Error> {
    if let Some(application) = find_application(conn, organization, name).await? {
        return Ok(Some(Owner::Application(application.id)));
    }
    Ok(find_member(conn, organization, name).await?.map(|member| Owner::User(member.user.id)))
}

// === impl State, KeySort ===

impl From<LivingState> for State {
    fn from(state: LivingState) -> Self {
        match state {
            LivingState::Active => Self::Active,
            LivingState::Disabled => Self::Disabled,
            LivingState::Pending => Self::Pending,
            LivingState::Expired => Self::Expired,
            LivingState::NotYetValid => Self::NotYetValid,
        }
    }
}

impl From<Sort> for KeySort {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Newest => Self::Newest,
            Sort::Oldest => Self::Oldest,
            Sort::Name => Self::Name,
            Sort::NameDescending => Self::NameDescending,
        }
    }
}
