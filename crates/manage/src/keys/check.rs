//! Explains what a request with a key would get, check by check. No use, no quota, no log.

use std::net::IpAddr;

use claviger_domain::verdict::Code;
use claviger_domain::{KeyId, OrganizationId};
use claviger_engine::{
    AskedVersion, CheckResult, ExplainQuestion, ExplainedCheck, Explanation, Provider, RequestLine, Subject,
};
use claviger_store::Conn;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{self, Need};
use super::record::find_visible;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::{Error, FieldError};
use crate::rights::{UNKNOWN, find_set};
use crate::shared::{find_usable_api, is_lent};

/// The most sets that `requires` may name.
pub const REQUIRES_MAX: usize = 50;

/// A request to explain. Without `method`, `path` and `requires` the operation is not checked.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// As the request spells it.
    #[serde(default)]
    #[schema(example = "GET")]
    pub method: Option<String>,
    /// The request's target, query included.
    #[serde(default)]
    #[schema(example = "/repos/octo/hello/issues")]
    pub path: Option<String>,
    /// The request's host.
    #[serde(default)]
    pub host: Option<String>,
    /// The client's address.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "203.0.113.7")]
    pub client_ip: Option<IpAddr>,
    /// The API that the door call names, by slug or id; one that another organization shares, by id: then the request is
    /// made at that organization's door.
    #[serde(default)]
    pub api: Option<String>,
    /// Sets that the key must hold, all of them, by slug or id.
    #[serde(default)]
    pub requires: Vec<String>,
}

/// What the request would get, and why.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Explained {
    /// Whether it would pass.
    valid: bool,
    /// The verdict's code: that of the first check that fails, unless the API is in report-only mode.
    #[schema(example = "OPERATION_NOT_ALLOWED")]
    code: &'static str,
    /// The code of the first check that fails, where the API is in report-only mode.
    #[schema(required)]
    would_be: Option<&'static str>,
    /// Every check in its order, also those behind the first that fails.
    checks: Vec<CheckView>,
    /// The API that the request belongs to, by slug.
    #[schema(required)]
    api: Option<String>,
    /// `<api>:<operation>`.
    #[schema(required)]
    operation: Option<String>,
    /// The version that the path carries: one that the API lists, `other` for one that it does not, null for none.
    #[schema(required)]
    version: Option<String>,
}

/// One check.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CheckView {
    /// `credential`, `state`, `owner`, `ip`, `operation` or `limits`.
    name: &'static str,
    /// What it looked at.
    input: String,
    /// What it asks.
    rule: String,
    /// `passed`, `failed` or `skipped`.
    result: &'static str,
    /// The code that it would name.
    #[schema(required)]
    code: Option<&'static str>,
    /// Why it failed.
    #[schema(required)]
    reason: Option<&'static str>,
}

/// Explains a request with a key of the organization, as this node sees it.
pub async fn check(manage: &Manage, ctx: &Ctx, id: KeyId, request: Check) -> Result<Explained, Error> {
    let organization = access::organization(ctx, Need::See)?;
    let line = request_line(&request)?;
    let mut snapshot = manage.store.read().await?;
    let key = find_visible(&mut snapshot, ctx, id).await?;
    let provider = provider(&mut snapshot, organization, request.api.as_deref()).await?;
    let requires: Vec<&str> = request.requires.iter().map(String::as_str).collect();
    if requires.len() > REQUIRES_MAX {
        return Err(Error::field("requires", format!("expected at most {REQUIRES_MAX} sets")));
    }
    let unknown = match manage.engine.unknown_set(provider, &requires) {
        None if provider.organization != organization => {
            not_lent(&mut snapshot, organization, provider.organization, &requires).await?
        }
        unknown => unknown,
    };
    if let Some(index) = unknown {
        return Err(Error::names_unknown(vec![FieldError::new(format!("requires[{index}]"), UNKNOWN)]));
    }
    let explanation = manage.engine.explain(&ExplainQuestion {
        provider,
        subject: Subject::Digest(&key.secret.digest),
        client_ip: request.client_ip,
        request: line,
        pin: request.api.as_deref(),
        requires: &requires,
    });
    Ok(Explained::from(explanation))
}

/// Whose door the request is made at: that of the organization whose API it names, if that is shared with one's own.
async fn provider(conn: &mut Conn, organization: OrganizationId, api: Option<&str>) -> Result<Provider, Error> {
    let api = match api {
        Some(name) => find_usable_api(conn, organization, name).await?,
        None => None,
    };
    Ok(Provider { organization: api.map_or(organization, |api| api.organization) })
}

/// The first of a provider's sets that is not there for another organization, which must not learn that it exists.
async fn not_lent(
    conn: &mut Conn,
    user: OrganizationId,
    provider: OrganizationId,
    names: &[&str],
) -> Result<Option<usize>, Error> {
    for (index, name) in names.iter().enumerate() {
        let lent = match find_set(conn, provider, name).await? {
            Some(set) => is_lent(conn, &set, |with| with.includes(user)).await?,
            None => false,
        };
        if !lent {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

fn request_line(request: &Check) -> Result<Option<RequestLine<'_>>, Error> {
    match (&request.method, &request.path) {
        (Some(method), Some(target)) => {
            Ok(Some(RequestLine { method, target, host: request.host.as_deref(), method_overrides: &[] }))
        }
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Error::field("method", "is required with path")),
        (Some(_), None) => Err(Error::field("path", "is required with method")),
    }
}

// === impl views ===

impl From<Explanation> for Explained {
    fn from(explanation: Explanation) -> Self {
        Self {
            valid: explanation.code == Code::Valid,
            code: explanation.code.as_str(),
            would_be: explanation.would_be.map(Code::as_str),
            checks: explanation.checks.into_iter().map(CheckView::from).collect(),
            api: explanation.api,
            operation: explanation.operation,
            version: explanation.version.map(|version| match version {
                AskedVersion::Listed(name) => name,
                AskedVersion::Other => "other".to_owned(),
            }),
        }
    }
}

impl From<ExplainedCheck> for CheckView {
    fn from(check: ExplainedCheck) -> Self {
        let (result, code, reason) = match check.result {
            CheckResult::Passed => ("passed", None, None),
            CheckResult::Failed { code, check } => ("failed", Some(code.as_str()), Some(check)),
            CheckResult::Skipped => ("skipped", None, None),
        };
        Self { name: check.name, input: check.input, rule: check.rule, result, code, reason }
    }
}
