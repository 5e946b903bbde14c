//! Mails a template to whoever works on it.

use std::sync::Arc;
use std::time::Duration;

use claviger_domain::Secret;
use claviger_domain::audit::Chain;
use claviger_domain::authority::Authority;
use claviger_store::{Scope, members, outbox};
use claviger_texts::Mail;
use claviger_texts::templates::ByTemplate;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::Which;
use super::preview::{EXAMPLE_LINK, MailTemplateDraft, drafted};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::mail::{Draft, Pace};
use crate::write::Changed;

/// For how long a test is tried to be sent.
const TRIED_FOR: Duration = Duration::from_hours(1);

/// A test that is on its way.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TestMail {
    /// Where it goes: the caller's own address.
    #[schema(example = "ann@example.com")]
    pub recipient: String,
}

/// Mails a draft, with examples in the places of its placeholders, to the person who calls; at a bounded pace.
pub async fn send_test(
    manage: &Manage,
    ctx: &Ctx,
    which: Which,
    draft: MailTemplateDraft,
) -> Result<Changed<TestMail>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    let (_, user) = ctx.person()?;
    let (words, values) = drafted(manage, organization, which, draft, ctx.now).await?;
    let member = members::get(&mut *manage.store.read().await?, organization, user).await?;
    let recipient = member.ok_or_else(|| Error::not_found("user"))?.user.email;
    let (prefix, example) = EXAMPLE_LINK;
    let mail = manage.seal_mail(
        ctx,
        Draft {
            unique_key: String::new(),
            organization: Some(organization),
            recipient: recipient.clone(),
            language: which.language.tag().to_owned(),
            mail: Mail::ToApiUser(Box::new(ByTemplate { template: which.kind, words: Some(words), values })),
            link: Some((prefix.into(), Secret::new(example.to_owned()))),
            give_up_at: ctx.now.saturating_add(TRIED_FOR),
        },
    )?;
    let mail = mail.ok_or_else(|| Error::conflict("This installation sends no mail."))?;
    let pace = Pace::of_tests(user, ctx.now);
    let all = Arc::new((ctx.clone(), mail, pace, recipient));
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = Arc::clone(&all);
            Box::pin(async move {
                let (ctx, mail, pace, recipient) = &*all;
                let before = outbox::put_in_at(tx, pace.keys()).await?;
                let key = pace.next(&before, ctx.now).map_err(Error::too_many_mails)?;
                outbox::put(tx, &outbox::Waiting { unique_key: key.to_owned(), ..mail.clone() }).await?;
                let after = json!({"recipient": recipient.as_str()});
                tx.audit(
                    Chain::Organization(organization),
                    ctx.entry("mail_template.test", which.subject(), None, Some(after)),
                );
                Ok(TestMail { recipient: recipient.to_string() })
            })
        })
        .await
}
