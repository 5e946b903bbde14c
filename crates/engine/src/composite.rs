//! The composite credential: an application's name and password, its key, and the token of one of its users. It counts as one:
//! every part must be right and all must belong together, and only the log says which part was not.
//!
//! It begins with the key, which is found like any other. A key of an application whose users sign in goes no further alone.

use std::cell::OnceCell;

use claviger_domain::Timestamp;
use claviger_domain::api_user::is_api_token;
use claviger_domain::application::SignIn;
use claviger_domain::digest::{CredentialDigest, CredentialKind, Pepper};
use claviger_domain::key::Owner;
use claviger_domain::name::Name;
use claviger_domain::sign_in_key::{SessionDigest, SessionKey};
use claviger_domain::verdict::Code;

use crate::catalog::Catalog;
use crate::held_key::HeldKey;
use crate::key_table::KeyTable;
use crate::owner::HeldApplication;
use crate::presented::{FieldMask, Presented, Source};
use crate::reading::with_basic;
use crate::selection::{Known, Selection};
use crate::sign_ins::{Over, SignedIn};
use crate::tenant::Tenant;
use crate::uses_elsewhere::HeldUsesElsewhere;

/// What parts are digested with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DigestKeys<'a> {
    pub(crate) pepper: &'a Pepper,
    /// None where this engine knows no sessions.
    pub(crate) sessions: Option<&'a SessionKey>,
}

/// What a call is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub(crate) keys: DigestKeys<'a>,
    pub(crate) catalog: &'a Catalog,
    pub(crate) table: &'a KeyTable,
    pub(crate) uses_elsewhere: &'a HeldUsesElsewhere,
    pub(crate) now: Timestamp,
}

/// An application's name and password as they were presented.
pub(crate) struct Login {
    /// Whether the name is the application's.
    is_named: bool,
    password: CredentialDigest,
    /// The fields that they stood in.
    fields: FieldMask,
}

/// The name of an application as it was sent.
pub(crate) struct SentName<'n> {
    sent: &'n [u8],
    kept: OnceCell<Option<Name>>,
}

/// Why a token counts for nothing, in the words of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserRefused {
    /// It is somebody else's, or its user's who is out of service.
    Wrong(&'static str),
    /// The session is over.
    Over(&'static str),
}

/// Holds what was presented beside the key against what the key's owner asks for. Keys of anybody but an application come back
/// as they are.
pub(crate) fn complete(selection: Selection, presented: &Presented<'_>, around: &Surroundings<'_>) -> Selection {
    let Selection::Key { key, secret, fields, .. } = &selection else { return selection };
    let Owner::Application(id) = key.profile.owner else { return selection };
    let Some(home) = around.catalog.tenant(key.profile.organization) else { return selection };
    let Some(application) = home.application(id) else { return selection };
    let Some(sign_in) = home.type_of(application.kind).map(|kind| kind.sign_in) else { return selection };
    if !sign_in.has_users() {
        return selection;
    }
    match check(key, application, home, sign_in, presented, around) {
        Ok((signed_in, others)) => {
            let fields = fields.with(others);
            Selection::Key { key: key.clone(), secret: secret.clone(), fields, signed_in }
        }
        Err(check) => {
            let known = Some(Known { key: key.id, organization: key.profile.organization });
            Selection::None { code: Code::NotFound, check, known }
        }
    }
}

/// Whether every part is right. All are digested and looked at, whichever is wrong.
fn check(
    key: &HeldKey,
    application: &HeldApplication,
    home: &Tenant,
    sign_in: SignIn,
    presented: &Presented<'_>,
    around: &Surroundings<'_>,
) -> Result<(Option<SignedIn>, FieldMask), &'static str> {
    let login = login_of(presented, application, around.keys.pepper);
    let token = find_token(presented, sign_in, around);
    let fields = login.as_ref().map(|login| login.fields).unwrap_or_default();
    if sign_in.has_password() {
        check_login(login.as_ref(), application, around.now)?;
    }
    if !application.is_active() {
        // Name, password and key are right: the verdict says that the application is inactive, which ended its sessions.
        return Ok((None, fields));
    }
    let signed_in = token?;
    check_user(&signed_in, key, home, around.uses_elsewhere, around.now).map_err(UserRefused::check)?;
    if signed_in.session.as_ref().is_some_and(|session| session.is_enrolment_only) {
        return Err("session for setting up one-time codes alone");
    }
    Ok((Some(signed_in), fields))
}

/// Whether name and password are the application's.
pub(crate) fn check_login(
    login: Option<&Login>,
    application: &HeldApplication,
    now: Timestamp,
) -> Result<(), &'static str> {
    let Some(login) = login else { return Err("no application name and password") };
    let is_password = application.password.is_some_and(|password| password.is(&login.password, now));
    if !login.is_named {
        return Err("wrong application name");
    }
    if is_password { Ok(()) } else { Err("wrong application password") }
}

/// Whether the user of a token may come with this key, now: first whose token it is, then how long it lasts.
pub(crate) fn check_user(
    signed_in: &SignedIn,
    key: &HeldKey,
    home: &Tenant,
    uses_elsewhere: &HeldUsesElsewhere,
    now: Timestamp,
) -> Result<(), UserRefused> {
    let SignedIn { user, session } = signed_in;
    if Owner::Application(user.application) != key.profile.owner {
        return Err(UserRefused::Wrong("token of another application"));
    }
    if session.as_ref().is_some_and(|session| session.application != user.application || session.key != key.id) {
        return Err(UserRefused::Wrong("session of another key"));
    }
    if !user.is_active {
        return Err(UserRefused::Wrong("API user inactive"));
    }
    let gone = UserRefused::Wrong("the profile user is gone");
    let profile = home.people().member(user.profile_user).ok_or(gone)?;
    profile.check_state(now).map_err(|(_, check)| match check {
        "user disabled" => UserRefused::Wrong("profile user disabled"),
        "user locked by an administrator" => UserRefused::Wrong("profile user locked"),
        _ => UserRefused::Wrong("profile user's account expired"),
    })?;
    let lasts = session.as_ref().map_or(Ok(()), |session| session.check(uses_elsewhere, now));
    lasts.map_err(|over| match over {
        Over::Expired => UserRefused::Over("session over"),
        Over::Idle => UserRefused::Over("session idle"),
    })
}

/// Whose the token is that was presented.
pub(crate) fn find_token(
    presented: &Presented<'_>,
    sign_in: SignIn,
    around: &Surroundings<'_>,
) -> Result<SignedIn, &'static str> {
    let token = match presented.token() {
        Ok(Some(token)) => token.trim_ascii(),
        Ok(None) => return Err("no session"),
        Err(()) => return Err("two tokens"),
    };
    if token.is_empty() {
        return Err("no session");
    }
    if !is_api_token(token) {
        return Err("malformed token");
    }
    let found = if sign_in == SignIn::Session {
        let digest = around.keys.sessions.map(|key| key.digest(SessionDigest::ApiToken, &[token]));
        digest.and_then(|digest| around.table.sign_ins().session(&CredentialDigest::from_bytes(digest)))
    } else {
        let digest = around.keys.pepper.digest(CredentialKind::StaticToken, token);
        around.table.sign_ins().static_token(&digest)
    };
    found.ok_or("unknown or ended session")
}

/// The one name and password in the fields that may hold some, held against an application's name; none where there are two.
pub(crate) fn login_of(presented: &Presented<'_>, application: &HeldApplication, pepper: &Pepper) -> Option<Login> {
    let mut found: Option<Login> = None;
    for (place, (source, value)) in presented.fields().enumerate() {
        if source != Source::Authorization {
            continue;
        }
        let read = with_basic(value.trim_ascii(), |name, password| Login {
            is_named: SentName::new(name).is_of(application),
            password: pepper.digest(CredentialKind::ApplicationPassword, password),
            fields: FieldMask::from_iter([place]),
        });
        let Some(read) = read else { continue };
        match &mut found {
            None => found = Some(read),
            Some(login) if login.is_named == read.is_named && login.password == read.password => {
                login.fields = login.fields.with(read.fields);
            }
            Some(_) => return None,
        }
    }
    found
}

// === impl UserRefused ===

impl UserRefused {
    fn check(self) -> &'static str {
        match self {
            Self::Wrong(check) | Self::Over(check) => check,
        }
    }
}

// === impl SentName ===

impl<'n> SentName<'n> {
    pub(crate) fn new(sent: &'n [u8]) -> Self {
        Self { sent, kept: OnceCell::new() }
    }

    /// Whether it is the application's, in whatever form of Unicode it was sent.
    pub(crate) fn is_of(&self, application: &HeldApplication) -> bool {
        self.sent == application.name.as_bytes() || self.kept().is_some_and(|name| name.as_str() == &*application.name)
    }

    /// The form in which names are kept, where that may be another: ASCII has one.
    fn kept(&self) -> Option<&Name> {
        let text = || std::str::from_utf8(self.sent).ok().filter(|text| !text.is_ascii());
        self.kept.get_or_init(|| Name::new(text()?).ok()).as_ref()
    }
}
