//! Mails to API users, as they are drawn before a transaction and put into the outbox by it.

use std::time::Duration;

use claviger_domain::api_user::ApiUser;
use claviger_domain::application::Application;
use claviger_domain::digest::{CredentialDigest, CredentialKind};
use claviger_domain::email::Email;
use claviger_domain::link::generate_link_token;
use claviger_domain::organization::Organization;
use claviger_domain::{Secret, Timestamp};
use claviger_store::{Conn, Tx, api_user_secrets, applications, organizations, outbox};
use claviger_texts::templates::{ByTemplate, TemplateKind, Values};
use claviger_texts::{Language, Mail};

use super::record::address;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::mail::{self, Draft, Pace};
use crate::mail_templates::own_words;

/// For how long a link stands by which another password is chosen.
pub const LINK_LIFETIME: Duration = Duration::from_hours(1);
/// For how long one stands by which a new user chooses the first one: they do not wait for it.
pub const FIRST_LINK_LIFETIME: Duration = Duration::from_hours(7 * 24);
/// For how long a mail without such a link is tried to be sent.
const TRIED_FOR: Duration = Duration::from_hours(3 * 24);

/// What stands between an application's address and the token, as clients of the well-known web service expect it.
const PASSWORD_PAGE: &str = "index.php?module=Users&view=LoginPassReset&mode=token&token=";
/// Claviger's own page, for users of applications without an address; the token stands in the fragment.
const OWN_PAGE: &str = "/password";
/// All but what stands for itself in any part of an address.
const ESCAPED: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A mail to a user, and the link that it bears.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    pub(super) template: TemplateKind,
    /// By which a password is chosen, and until when.
    link: Option<(CredentialDigest, Timestamp)>,
    mail: outbox::Waiting,
    pace: Pace,
}

/// Why no mail goes to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreachable {
    /// The installation sends none.
    Silent,
    /// There is no page that it could lead to.
    Nowhere,
    /// Nobody knows an address of theirs.
    Unknown,
}

/// What became of a mail that was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// It waits.
    Waits,
    /// The user has had its share of such mails; the next one may go after this.
    TooMany(Duration),
}

/// Whom a mail goes to, and what it tells of.
struct Reader<'a> {
    user: &'a ApiUser,
    application: Application,
    home: Organization,
    recipient: Email,
    language: Language,
}

/// A mail with a link by which a user chooses a password.
pub(super) async fn draw_password_link(
    manage: &Manage,
    ctx: &Ctx,
    conn: &mut Conn,
    user: &ApiUser,
    template: TemplateKind,
) -> Result<Result<Drawn, Unreachable>, Error> {
    let reader = match reader(manage, conn, user).await? {
        Ok(reader) => reader,
        Err(unreachable) => return Ok(Err(unreachable)),
    };
    let Some(leads_to) = password_page(manage, &reader) else { return Ok(Err(Unreachable::Nowhere)) };
    let lifetime = if template == TemplateKind::NewAccount { FIRST_LINK_LIFETIME } else { LINK_LIFETIME };
    let (token, until) = (generate_link_token(&*manage.random), ctx.now.saturating_add(lifetime));
    let expires_at = mail::shown(until, &reader.home.time_zone);
    let values = Values { expires_at, ..reader.values() };
    let digest = manage.keyring.pepper().digest(CredentialKind::LinkToken, token.expose().as_bytes());
    let mail = seal(manage, ctx, conn, &reader, (template, values), (leads_to, token), until).await?;
    let pace = Pace::new("api-user-password", user.id, ctx.now);
    Ok(mail.map(|mail| Drawn { template, link: Some((digest, until)), mail, pace }))
}

/// A mail that leads a user to a record of the application, at the application's own address.
pub(super) async fn draw_record_link(
    manage: &Manage,
    ctx: &Ctx,
    conn: &mut Conn,
    user: &ApiUser,
    record: &str,
) -> Result<Result<Drawn, Unreachable>, Error> {
    let reader = match reader(manage, conn, user).await? {
        Ok(reader) => reader,
        Err(unreachable) => return Ok(Err(unreachable)),
    };
    let Some(base) = base(&reader.application) else { return Ok(Err(Unreachable::Nowhere)) };
    let (leads_to, id) = record_page(record);
    let values = Values { record: record.to_owned(), ..reader.values() };
    let (template, until) = (TemplateKind::RecordLink, ctx.now.saturating_add(TRIED_FOR));
    let link = (format!("{base}{leads_to}"), Secret::new(id));
    let mail = seal(manage, ctx, conn, &reader, (template, values), link, until).await?;
    let pace = Pace::of_records(user.id, ctx.now);
    Ok(mail.map(|mail| Drawn { template, link: None, mail, pace }))
}

/// Puts a mail in with its link, unless the user has had its share.
pub(super) async fn put(tx: &mut Tx, ctx: &Ctx, user: &ApiUser, drawn: &Drawn) -> Result<Put, Error> {
    let before = outbox::put_in_at(tx, drawn.pace.keys()).await?;
    let key = match drawn.pace.next(&before, ctx.now) {
        Ok(key) => key.to_owned(),
        Err(pause) => return Ok(Put::TooMany(pause)),
    };
    outbox::put(tx, &outbox::Waiting { unique_key: key, ..drawn.mail.clone() }).await?;
    if let Some((digest, until)) = &drawn.link {
        api_user_secrets::put_link(tx, user.id, digest, *until).await?;
    }
    Ok(Put::Waits)
}

async fn reader<'a>(
    manage: &Manage,
    conn: &mut Conn,
    user: &'a ApiUser,
) -> Result<Result<Reader<'a>, Unreachable>, Error> {
    if !manage.config.sends_mail {
        return Ok(Err(Unreachable::Silent));
    }
    let application = applications::find(conn, user.application).await?;
    let home = organizations::get(conn, user.organization).await?;
    let (application, home) = application.zip(home).ok_or_else(|| Error::not_found("API user"))?;
    let Some(recipient) = address(conn, user).await? else { return Ok(Err(Unreachable::Unknown)) };
    Ok(Ok(Reader { user, application, home, recipient, language: Language::of(&user.language) }))
}

async fn seal(
    manage: &Manage,
    ctx: &Ctx,
    conn: &mut Conn,
    reader: &Reader<'_>,
    (template, values): (TemplateKind, Values),
    (leads_to, token): (String, Secret),
    give_up_at: Timestamp,
) -> Result<Result<outbox::Waiting, Unreachable>, Error> {
    let words = own_words(conn, reader.home.id, template, reader.language).await?;
    let draft = Draft {
        unique_key: String::new(),
        organization: Some(reader.home.id),
        recipient: reader.recipient.clone(),
        language: reader.language.tag().to_owned(),
        mail: Mail::ToApiUser(Box::new(ByTemplate { template, words, values })),
        link: Some((leads_to.into(), token)),
        give_up_at,
    };
    Ok(manage.seal_mail(ctx, draft)?.ok_or(Unreachable::Silent))
}

/// An application's own address, with one slash at its end.
fn base(application: &Application) -> Option<String> {
    application.public_url.as_ref().map(|url| format!("{}/", url.trim_end_matches('/')))
}

/// Where a password is chosen, up to the token: at the application, or at Claviger's own page.
fn password_page(manage: &Manage, reader: &Reader<'_>) -> Option<String> {
    if let Some(base) = base(&reader.application) {
        return Some(format!("{base}{PASSWORD_PAGE}"));
    }
    let own = manage.config.public_url.as_ref()?;
    Some(format!("{own}{OWN_PAGE}?language={}#", reader.language.tag()))
}

fn is_module(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Where a record is seen, below the application's address, up to its id; and the id. `Invoices/1042` names its module.
fn record_page(record: &str) -> (String, String) {
    let escaped = |text: &str| percent_encoding::utf8_percent_encode(text, ESCAPED).to_string();
    match record.split_once('/').filter(|(module, id)| is_module(module) && !id.is_empty()) {
        Some((module, id)) => (format!("index.php?module={module}&view=DetailView&record="), escaped(id)),
        None => ("index.php?view=DetailView&record=".to_owned(), escaped(record)),
    }
}

// === impl Reader ===

impl Reader<'_> {
    fn values(&self) -> Values {
        Values {
            user_name: self.user.user_name.to_string(),
            application: self.application.name.to_string(),
            organization: self.home.name.to_string(),
            ..Values::default()
        }
    }
}

// === impl Drawn ===

impl Drawn {
    /// Where it goes.
    pub(super) fn recipient(&self) -> &str {
        self.mail.recipient.as_str()
    }

    /// The tag of the language that it is written in.
    pub(super) fn language(&self) -> &str {
        &self.mail.language
    }
}

// === impl Unreachable ===

impl From<Unreachable> for Error {
    fn from(unreachable: Unreachable) -> Self {
        Self::conflict(match unreachable {
            Unreachable::Silent => "This installation sends no mail: there is no way for the link to its user.",
            Unreachable::Nowhere => "The application has no public URL: there is no page that the link could lead to.",
            Unreachable::Unknown => "There is no address that mails to this user could go to.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_value_of_an_address_whatever_it_is_called() {
        let link = |record: &str| {
            let (page, id) = record_page(record);
            format!("{page}{id}")
        };
        assert_eq!(link("1042"), "index.php?view=DetailView&record=1042");
        assert_eq!(link("Invoices/1042"), "index.php?module=Invoices&view=DetailView&record=1042");
        assert_eq!(link("A&b=c/ł?#/x"), "index.php?view=DetailView&record=A%26b%3Dc%2F%C5%82%3F%23%2Fx");
        assert_eq!(link("In_1/ł/x"), "index.php?module=In_1&view=DetailView&record=%C5%82%2Fx");
        assert_eq!(link("/1"), "index.php?view=DetailView&record=%2F1");
        assert_eq!(link("\" onclick=x"), "index.php?view=DetailView&record=%22%20onclick%3Dx");
    }
}
