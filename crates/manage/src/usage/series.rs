//! Counts as series over time, each step there whether anything happened in it or not.

use std::collections::BTreeMap;

use claviger_domain::authority::Authority;
use claviger_domain::key::Owner;
use claviger_domain::usage::Subject;
use claviger_domain::verdict::Code;
use claviger_domain::{ApiId, ApiSetId, KeyId, OrganizationId, Timestamp};
use claviger_store::usage::{Counted, Span, Step, TopFilter, series, top};
use claviger_store::{Conn, keys};
use serde::Serialize;
use utoipa::ToSchema;

use super::names;
use super::query::{By, KeyUsageQuery, StepName, UsageQuery};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::rights::find_set;
use crate::shared::find_usable_api;

/// Keys are ranked by whole days: so many times more than asked for are looked at step by step.
const LOOKED_AT_TIMES: usize = 5;

/// Requests over time.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UsageView {
    by: By,
    step: StepName,
    /// The beginning of the first step.
    #[schema(value_type = String)]
    from: Timestamp,
    /// The end of the last step.
    #[schema(value_type = String)]
    to: Timestamp,
    /// All requests that were asked for, those of no series too.
    total: u64,
    /// The beginning of each step.
    #[schema(value_type = Vec<String>)]
    pub(super) steps: Vec<Timestamp>,
    /// The series with most requests first; by verdict in the order of the checks.
    pub(super) series: Vec<SeriesView>,
}

/// The requests of one key, owner, API or set, or with one verdict.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SeriesView {
    /// The id, or the verdict.
    #[schema(example = "key_01h")]
    pub(super) id: String,
    /// What it is called; null where it is gone, or not to be known.
    #[schema(required)]
    pub(super) name: Option<String>,
    pub(super) total: u64,
    /// One for each step.
    pub(super) counts: Vec<u64>,
}

/// What a query is about.
#[derive(Debug, Clone, Copy)]
struct Asked {
    organization: OrganizationId,
    /// The one whose requests these are; [`Subject::All`]: everybody's.
    subject: Subject,
    code: Option<Code>,
}

/// The requests of the organization.
pub async fn of_organization(manage: &Manage, ctx: &Ctx, query: &UsageQuery) -> Result<UsageView, Error> {
    let organization = ctx.organization_with(Authority::UsageRead)?;
    let (limit, span) = (query.top()?, query.span(ctx.now)?);
    let mut conn = manage.store.read().await?;
    let subject = subject(&mut conn, organization, query).await?;
    let asked = Asked { organization, subject, code: query.code };
    check_step(query.by, subject, span.step)?;
    if query.by == By::Code {
        return by_code(&mut conn, &asked, &span).await;
    }
    let total = total(&mut conn, &asked, &span).await?;
    let ranked = ranked(&mut conn, query, &asked, &span, limit).await?;
    let mut found = Vec::with_capacity(ranked.len());
    for id in ranked {
        let Some(subject) = subject_of(query.by, &id) else { continue };
        let counted = series(&mut conn, organization, subject, &span).await?;
        let counts = filled(&counted, query.code, &span);
        let name = names::of(&mut conn, ctx, organization, subject).await?;
        found.push(SeriesView { id, name, total: counts.iter().sum(), counts });
    }
    found.retain(|series| series.total > 0);
    found.sort_by(|one, other| other.total.cmp(&one.total).then_with(|| one.id.cmp(&other.id)));
    found.truncate(limit);
    Ok(UsageView::new(query.by, &span, total, found))
}

/// The requests of a key, by verdict. Whoever sees the key sees them.
pub async fn of_key(manage: &Manage, ctx: &Ctx, id: KeyId, query: &KeyUsageQuery) -> Result<UsageView, Error> {
    let span = query.span(ctx.now)?;
    let mut conn = manage.store.read().await?;
    let key = crate::keys::find_visible(&mut conn, ctx, id).await?;
    let asked = Asked { organization: key.organization, subject: Subject::Key(id), code: None };
    by_code(&mut conn, &asked, &span).await
}

/// Whom the query narrows it down to.
async fn subject(conn: &mut Conn, organization: OrganizationId, query: &UsageQuery) -> Result<Subject, Error> {
    let UsageQuery { by, key, owner, api, set, .. } = query;
    let named = [("key", key, By::Key), ("owner", owner, By::Owner), ("api", api, By::Api), ("set", set, By::Set)];
    let mut named = named.into_iter().filter_map(|(field, name, of)| Some((field, name.as_deref()?, of)));
    let Some((field, name, of)) = named.next() else { return Ok(Subject::All) };
    let fits = *by == By::Code || *by == of || (*by, of) == (By::Key, By::Owner);
    if let Some((other, ..)) = named.next().or((!fits).then_some((field, name, of))) {
        let problem = "requests are counted by each of key, owner, API and set, never by one within another";
        return Err(Error::field(other, problem));
    }
    let found = match of {
        By::Key => match name.parse() {
            Ok(id) => keys::get(conn, organization, id).await?.map(|key| Subject::Key(key.id)),
            Err(_) => None,
        },
        By::Owner => match Owner::from_id(name) {
            Some(owner) => names::owner(conn, organization, &owner).await?.map(|_| Subject::Owner(owner)),
            None => None,
        },
        By::Api => find_usable_api(conn, organization, name).await?.map(|api| Subject::Api(api.id)),
        By::Set | By::Code => find_set(conn, organization, name).await?.map(|set| Subject::Set(set.id)),
    };
    found.ok_or_else(|| {
        Error::not_found(match of {
            By::Key => "key",
            By::Owner => "owner",
            By::Api => "API",
            By::Set | By::Code => "API set",
        })
    })
}

/// Minutes are counted by owner and API alone.
fn check_step(by: By, subject: Subject, step: Step) -> Result<(), Error> {
    let has_minutes =
        matches!(by, By::Owner | By::Api) || matches!(subject, Subject::Owner(_) | Subject::Api(_)) && by == By::Code;
    if step == Step::Minute && !has_minutes {
        return Err(Error::field("step", "expected `hour` or `day`: minutes are counted by owner and API"));
    }
    Ok(())
}

async fn by_code(conn: &mut Conn, asked: &Asked, span: &Span) -> Result<UsageView, Error> {
    let counted = series(conn, asked.organization, asked.subject, span).await?;
    let mut codes: Vec<Code> = counted.iter().map(|counted| counted.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes.retain(|code| asked.code.is_none_or(|only| only == *code));
    let of_code = |code: Code| {
        let counts = filled(&counted, Some(code), span);
        let name = Some(code.as_str().to_owned());
        SeriesView { id: code.as_str().to_owned(), name, total: counts.iter().sum(), counts }
    };
    let found: Vec<SeriesView> = codes.into_iter().map(of_code).collect();
    let total = found.iter().map(|series| series.total).sum();
    Ok(UsageView::new(By::Code, span, total, found))
}

async fn total(conn: &mut Conn, asked: &Asked, span: &Span) -> Result<u64, Error> {
    // All requests are not counted by the minute: then those of the hours around.
    let span = if span.step == Step::Minute && asked.subject == Subject::All { hours(span) } else { *span };
    let counted = series(conn, asked.organization, asked.subject, &span).await?;
    let fits = |counted: &&Counted| asked.code.is_none_or(|code| code == counted.code);
    Ok(counted.iter().filter(fits).map(|counted| counted.count).sum())
}

fn hours(span: &Span) -> Span {
    use claviger_domain::usage::{HOUR_MICROS, floor};
    let last = floor(Timestamp::from_micros(span.before.as_micros() - 1), HOUR_MICROS);
    let before = Timestamp::from_micros(last.as_micros() + HOUR_MICROS);
    Span { step: Step::Hour, from: floor(span.from, HOUR_MICROS), before }
}

/// The ids of those that may be among the first `limit`.
async fn ranked(
    conn: &mut Conn,
    query: &UsageQuery,
    asked: &Asked,
    span: &Span,
    limit: usize,
) -> Result<Vec<String>, Error> {
    let one = match (query.by, asked.subject) {
        (By::Key, Subject::Key(key)) => Some(key.to_string()),
        (By::Owner, Subject::Owner(owner)) => Some(owner.id()),
        (By::Api, Subject::Api(api)) => Some(api.to_string()),
        (By::Set, Subject::Set(set)) => Some(set.to_string()),
        _ => None,
    };
    if let Some(one) = one {
        return Ok(vec![one]);
    }
    let owner = match asked.subject {
        Subject::Owner(owner) => Some(owner),
        _ => None,
    };
    let (like, looked_at) = match query.by {
        By::Key if span.step == Step::Hour => (Subject::Key(KeyId::from_raw(0)), limit * LOOKED_AT_TIMES),
        By::Key => (Subject::Key(KeyId::from_raw(0)), limit),
        By::Owner => (Subject::Owner(Owner::Organization(asked.organization)), limit),
        By::Api => (Subject::Api(ApiId::from_raw(0)), limit),
        By::Set | By::Code => (Subject::Set(ApiSetId::from_raw(0)), limit),
    };
    let filter = TopFilter { code: asked.code, owner };
    let found = top(conn, asked.organization, like, span, &filter, looked_at).await?;
    Ok(found.into_iter().map(|ranked| ranked.id).collect())
}

fn subject_of(by: By, id: &str) -> Option<Subject> {
    match by {
        By::Key => id.parse().ok().map(Subject::Key),
        By::Owner => Owner::from_id(id).map(Subject::Owner),
        By::Api => id.parse().ok().map(Subject::Api),
        By::Set => id.parse().ok().map(Subject::Set),
        By::Code => None,
    }
}

/// A number for each step of the span.
fn filled(counted: &[Counted], code: Option<Code>, span: &Span) -> Vec<u64> {
    let mut sums: BTreeMap<Timestamp, u64> = BTreeMap::new();
    for found in counted.iter().filter(|found| code.is_none_or(|code| code == found.code)) {
        *sums.entry(found.at).or_default() += found.count;
    }
    steps(span).map(|at| sums.get(&at).copied().unwrap_or_default()).collect()
}

fn steps(span: &Span) -> impl Iterator<Item = Timestamp> + use<> {
    let (from, before, step) = (span.from.as_micros(), span.before.as_micros(), span.step.micros());
    (0..(before - from) / step).map(move |index| Timestamp::from_micros(from + index * step))
}

// === impl UsageView ===

impl UsageView {
    fn new(by: By, span: &Span, total: u64, series: Vec<SeriesView>) -> Self {
        let steps = steps(span).collect();
        Self { by, step: span.step.into(), from: span.from, to: span.before, total, steps, series }
    }
}
