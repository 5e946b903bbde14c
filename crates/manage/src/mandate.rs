//! What people may do, read from their roles as they stand in a transaction; and that nobody gives more than they have.

use claviger_domain::api_set::ApiSet;
use claviger_domain::member::{Member, Standing};
use claviger_domain::role::{Excess, Mandate, Role};
use claviger_domain::{OrganizationId, Timestamp, UserId};
use claviger_store::{Conn, members, roles};

use crate::ctx::Ctx;
use crate::error::Error;
use crate::keys;

/// The roles of a member.
pub(crate) async fn roles_of(conn: &mut Conn, member: &Member) -> Result<Vec<Role>, Error> {
    let mut held = Vec::with_capacity(member.roles.len());
    for id in &member.roles {
        held.extend(roles::get(conn, member.organization, *id).await?);
    }
    Ok(held)
}

/// What a person may do at `now`; nothing while they are out of service.
pub(crate) async fn of_user(
    conn: &mut Conn,
    organization: OrganizationId,
    user: UserId,
    now: Timestamp,
) -> Result<Mandate, Error> {
    match members::get(conn, organization, user).await? {
        Some(member) if member.standing(now) == Standing::InService => {
            Ok(Mandate::of(roles_of(conn, &member).await?.iter()))
        }
        _ => Ok(Mandate::default()),
    }
}

// === impl Ctx (its mandate) ===

impl Ctx {
    /// What the actor may do, and up to what bounds: a person what their roles say now, as far as the key in use goes;
    /// anybody else is not bounded.
    pub(crate) async fn mandate(&self, conn: &mut Conn) -> Result<Mandate, Error> {
        let Some((organization, user)) = self.organization.zip(self.user) else {
            return Ok(Mandate::unbounded(self.authorities));
        };
        let mandate = of_user(conn, organization, user, self.now).await?;
        Ok(mandate.within(self.authorities))
    }

    /// Refuses whoever may give certain sets alone: what a set holds, whoever has it gets, and so would they.
    pub(crate) async fn require_any_set(&self, conn: &mut Conn) -> Result<(), Error> {
        match self.mandate(conn).await?.sets() {
            None => Ok(()),
            Some(_) => Err(Error::forbidden(
                "Your roles let you give certain sets alone (level `api_sets`): you make none hold more than it does.",
            )),
        }
    }

    /// Refuses sets beyond those that the actor may give.
    pub(crate) async fn require_sets(&self, conn: &mut Conn, given: &[ApiSet]) -> Result<(), Error> {
        let mandate = self.mandate(conn).await?;
        let Some(bound) = mandate.sets() else { return Ok(()) };
        let full = match self.organization {
            Some(organization) => keys::has_full_access(conn, organization, bound).await?,
            None => false,
        };
        match given.iter().find(|set| !keys::is_among(bound, full, set)) {
            None => Ok(()),
            Some(set) => Err(Error::forbidden(format!(
                "The set `{}` is not among those that your level `api_sets` lets you give.",
                set.slug
            ))),
        }
    }

    /// Refuses roles that give more than the actor has.
    pub(crate) async fn require_roles(&self, conn: &mut Conn, given: &[Role]) -> Result<(), Error> {
        if given.is_empty() {
            return Ok(());
        }
        let mandate = self.mandate(conn).await?;
        for role in given {
            mandate.check_role(role).map_err(|excess| too_much(role, excess))?;
        }
        Ok(())
    }
}

fn too_much(role: &Role, excess: Excess) -> Error {
    let slug = &role.slug;
    match excess {
        Excess::Authorities(lacking) => {
            let names: Vec<_> = lacking.names().collect();
            Error::forbidden(format!("The role `{slug}` gives what you do not have: {}.", names.join(", ")))
        }
        Excess::Level(level) => Error::forbidden(format!(
            "The role `{slug}` goes beyond your own level `{level}`; nobody gives more than that."
        )),
    }
}
