//! Who is told: people of the organization by their roles and keys, and the addresses of its choice.

use std::collections::HashMap;

use claviger_domain::email::Email;
use claviger_domain::key::Owner;
use claviger_domain::member::{Member, Standing};
use claviger_domain::notice::{NoticeKind, NoticeSettings};
use claviger_domain::organization::Organization;
use claviger_domain::role::Role;
use claviger_domain::{Timestamp, UserId};
use claviger_store::{Conn, applications, members};

use crate::error::Error;
use crate::organizations::DEFAULT_LANGUAGE;

/// Where a mail goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recipient {
    pub(super) address: Email,
    pub(super) language: String,
}

/// The people of an organization, as far as they were asked for.
#[derive(Debug)]
pub(super) struct People<'a> {
    home: &'a Organization,
    settings: &'a NoticeSettings,
    now: Timestamp,
    administrators: Vec<Recipient>,
    members: HashMap<UserId, Option<Member>>,
    /// Names of applications.
    names: HashMap<Owner, String>,
}

// === impl People ===

impl<'a> People<'a> {
    pub(super) async fn load(
        conn: &mut Conn,
        home: &'a Organization,
        settings: &'a NoticeSettings,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let found = members::with_role(conn, home.id, Role::admin_id(home.id)).await?;
        let is_told = |member: &&Member| member.accepted_at.is_some() && member.standing(now) == Standing::InService;
        let administrators = found.iter().filter(is_told).map(Recipient::from).collect();
        Ok(Self { home, settings, now, administrators, members: HashMap::new(), names: HashMap::new() })
    }

    /// What an owner is called; their id where they are gone.
    pub(super) async fn name(&mut self, conn: &mut Conn, owner: &Owner) -> Result<String, Error> {
        match owner {
            Owner::Organization(_) => Ok(self.home.name.to_string()),
            Owner::User(id) => {
                let member = self.member(conn, *id).await?;
                Ok(member.map_or_else(|| id.to_string(), |member| member.user.name.to_string()))
            }
            Owner::Application(id) => {
                if !self.names.contains_key(owner) {
                    let found = applications::get(conn, self.home.id, *id).await?;
                    let name = found.map_or_else(|| id.to_string(), |found| found.name.to_string());
                    self.names.insert(*owner, name);
                }
                Ok(self.names.get(owner).cloned().unwrap_or_default())
            }
        }
    }

    /// Who is told of something of this kind about a key, or an owner; nobody twice. An address that nobody has confirmed is
    /// written to by no notice, and who is out of service learns that alone. `asked_by` counts as holder too.
    pub(super) async fn told(
        &mut self,
        conn: &mut Conn,
        kind: NoticeKind,
        owner: &Owner,
        asked_by: Option<UserId>,
    ) -> Result<Vec<Recipient>, Error> {
        let audience = self.settings.audience(kind);
        let mut told = Vec::new();
        let whose = if let Owner::User(id) = owner { Some(*id) } else { None };
        for id in whose.into_iter().chain(asked_by).filter(|_| audience.holder) {
            let now = self.now;
            let holder = self.member(conn, id).await?.filter(|member| {
                let is_in_service = member.standing(now) == Standing::InService;
                member.accepted_at.is_some() && (is_in_service || kind == NoticeKind::OwnerDisabled)
            });
            told.extend(holder.map(Recipient::from));
        }
        if audience.administrators {
            told.extend(self.administrators.iter().cloned());
        }
        if audience.addresses {
            told.extend(self.settings.addresses.iter().cloned().map(Recipient::from));
        }
        let mut seen = Vec::new();
        told.retain(|recipient| {
            let form = recipient.address.search_form();
            let is_new = !seen.contains(&form);
            seen.push(form);
            is_new
        });
        Ok(told)
    }

    async fn member(&mut self, conn: &mut Conn, id: UserId) -> Result<Option<&Member>, Error> {
        if !self.members.contains_key(&id) {
            let member = members::get(conn, self.home.id, id).await?;
            self.members.insert(id, member);
        }
        Ok(self.members.get(&id).and_then(Option::as_ref))
    }
}

// === impl Recipient ===

impl From<&Member> for Recipient {
    fn from(member: &Member) -> Self {
        Self { address: member.user.email.clone(), language: member.user.language.clone() }
    }
}

impl From<Email> for Recipient {
    fn from(address: Email) -> Self {
        Self { address, language: DEFAULT_LANGUAGE.to_owned() }
    }
}
