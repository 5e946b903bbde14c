//! The doors of mail templates.

use std::sync::Arc;

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    MailTemplateDraft, MailTemplateSummary, MailTemplateView, PreviewedMail, SetMailTemplate, TestMail, Which,
};
use crate::answer::Answer;
use crate::body::{ChangeQuery, IfMatch, JsonBody, OptionalJsonBody, Query};
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::page::Listed;
use crate::path::PathNames;
use crate::{Manage, mail_templates};

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, set, restore))
        .routes(routes!(preview))
        .routes(routes!(send_test))
}

/// Lists the words of the mails to users of applications: each kind of mail in each language.
#[utoipa::path(get, path = "/mail/templates", operation_id = "mail-templates/list", tag = "mail",
    responses((status = 200, body = Listed<MailTemplateSummary>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list(State(manage): State<Arc<Manage>>, ctx: Ctx) -> Result<Answer<Listed<MailTemplateSummary>>, Error> {
    Ok(Answer::ok(mail_templates::list(&manage, &ctx).await?))
}

/// Reads the words of a mail in a language.
#[utoipa::path(get, path = "/mail/templates/{template}/{language}", operation_id = "mail-templates/get", tag = "mail",
    params(("template" = String, Path, description = "`password_reset`, `new_account` or `record_link`"),
        ("language" = String, Path, description = "The language's tag: `en` or `pl`")),
    responses((status = 200, body = MailTemplateView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn get(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathNames(template, language): PathNames,
) -> Result<Answer<MailTemplateView>, Error> {
    let (view, version) = mail_templates::get(&manage, &ctx, Which::named(&template, &language)?).await?;
    Ok(Answer::ok(view).version(version))
}

/// Gives a mail other words. Placeholders that this mail does not have, a text or a document without `{link}`, control characters
/// and what is too long are refused by the field.
#[utoipa::path(put, path = "/mail/templates/{template}/{language}", operation_id = "mail-templates/set", tag = "mail",
    params(("template" = String, Path, description = "`password_reset`, `new_account` or `record_link`"),
        ("language" = String, Path, description = "The language's tag: `en` or `pl`"), ChangeQuery),
    request_body = SetMailTemplate,
    responses((status = 200, body = MailTemplateView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn set(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathNames(template, language): PathNames,
    Query(query): Query<ChangeQuery>,
    if_match: IfMatch,
    JsonBody(request): JsonBody<SetMailTemplate>,
) -> Result<Answer<MailTemplateView>, Error> {
    let which = Which::named(&template, &language)?;
    let changed = mail_templates::set(&manage, &ctx, which, if_match, request).await?;
    let (view, version) = changed.value;
    Answer::ok(view).version(version).settled(&manage, changed.position, query).await
}

/// Has a mail say again what Claviger's own catalogue says.
#[utoipa::path(delete, path = "/mail/templates/{template}/{language}", operation_id = "mail-templates/restore", tag = "mail",
    params(("template" = String, Path, description = "`password_reset`, `new_account` or `record_link`"),
        ("language" = String, Path, description = "The language's tag: `en` or `pl`"), ChangeQuery),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn restore(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathNames(template, language): PathNames,
    Query(query): Query<ChangeQuery>,
    if_match: IfMatch,
) -> Result<Answer<()>, Error> {
    let which = Which::named(&template, &language)?;
    let changed = mail_templates::restore(&manage, &ctx, which, if_match).await?;
    Answer::no_content().settled(&manage, changed.position, query).await
}

/// Shows the mail that a draft makes, with examples in the places of its placeholders; saves and sends nothing.
#[utoipa::path(post, path = "/mail/templates/{template}/{language}/preview", operation_id = "mail-templates/preview", tag = "mail",
    params(("template" = String, Path, description = "`password_reset`, `new_account` or `record_link`"),
        ("language" = String, Path, description = "The language's tag: `en` or `pl`")),
    request_body = Option<MailTemplateDraft>,
    responses((status = 200, body = PreviewedMail), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn preview(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathNames(template, language): PathNames,
    OptionalJsonBody(draft): OptionalJsonBody<MailTemplateDraft>,
) -> Result<Answer<PreviewedMail>, Error> {
    let which = Which::named(&template, &language)?;
    Ok(Answer::ok(mail_templates::preview(&manage, &ctx, which, draft).await?))
}

/// Mails what the preview shows to the person who calls, at their own address: at most 20 times a day, with 5 seconds between.
#[utoipa::path(post, path = "/mail/templates/{template}/{language}/test", operation_id = "mail-templates/test", tag = "mail",
    params(("template" = String, Path, description = "`password_reset`, `new_account` or `record_link`"),
        ("language" = String, Path, description = "The language's tag: `en` or `pl`"), ChangeQuery),
    request_body = Option<MailTemplateDraft>,
    responses((status = 200, body = TestMail), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn send_test(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathNames(template, language): PathNames,
    Query(query): Query<ChangeQuery>,
    OptionalJsonBody(draft): OptionalJsonBody<MailTemplateDraft>,
) -> Result<Answer<TestMail>, Error> {
    let which = Which::named(&template, &language)?;
    let changed = mail_templates::send_test(&manage, &ctx, which, draft).await?;
    Answer::ok(changed.value).settled(&manage, changed.position, query).await
}
