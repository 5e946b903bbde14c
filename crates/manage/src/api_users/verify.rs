//! Holds what somebody entered against the password of an API user, which may still be hashed as another system did it.

use claviger_domain::api_user::ApiUser;
use claviger_domain::foreign_password::{ForeignCost, authenticated};
use claviger_domain::password::{Password, PasswordHash};
use claviger_domain::sealing::{SealedField, SealedPlace};
use claviger_domain::{ApplicationId, Secret};
use claviger_store::Conn;
use claviger_store::api_user_secrets::{self, ForeignPassword};

use crate::Manage;
use crate::error::Error;
use crate::passwords::{Match, Place};

/// What is held of a user's password.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// The hash as it stands in the database.
    pub(super) hash: PasswordHash,
    /// Where another system made it.
    foreign: Option<ForeignPassword>,
}

/// What is held of the password of a user; `None`: there is none.
pub(super) async fn held(conn: &mut Conn, user: &ApiUser) -> Result<Option<Held>, Error> {
    let Some(hash) = api_user_secrets::password(conn, user.id).await? else { return Ok(None) };
    Ok(Some(Held { hash, foreign: api_user_secrets::foreign(conn, user.id).await? }))
}

/// Whether a text is the password of a user of the application, who may be unknown.
///
/// While the application has users whose hashes another system made, everybody pays for one hash of ours and one of each cost that
/// those have: how long an answer takes tells neither who exists nor who has signed in since.
pub(super) async fn verify(
    manage: &Manage,
    place: &Place,
    application: ApplicationId,
    (user, held): (Option<&ApiUser>, Option<&Held>),
    entered: (&Password, &Secret),
) -> Result<Match, Error> {
    let mut costs = api_user_secrets::foreign_costs(&mut *manage.store.read().await?, application).await?;
    let foreign = held.and_then(|held| held.foreign.as_ref());
    if let Some(foreign) = foreign.filter(|foreign| !costs.contains(&foreign.cost)) {
        costs.push(foreign.cost);
    }
    let own = held.filter(|held| held.foreign.is_none()).map(|held| held.hash.clone());
    let mut matched = manage.passwords.verify(place, entered.0.clone(), own).await?;
    let text = user.zip(foreign).and_then(|(user, foreign)| hashed(manage, user, foreign, entered.1));
    let text = text.unwrap_or_else(|| Secret::new(String::new()));
    for cost in costs {
        let stored = held.filter(|_| is_of(foreign, cost) && !text.expose().is_empty()).map(|held| held.hash.clone());
        if manage.passwords.verify_foreign(place, text.clone(), cost, stored).await? {
            // To be hashed as ours are.
            matched = Match::Outdated;
        }
    }
    Ok(matched)
}

fn is_of(foreign: Option<&ForeignPassword>, cost: ForeignCost) -> bool {
    foreign.is_some_and(|foreign| foreign.cost == cost)
}

/// What the other system hashed if this was entered. An empty password opens nothing here, whatever it did there.
fn hashed(manage: &Manage, user: &ApiUser, foreign: &ForeignPassword, entered: &Secret) -> Option<Secret> {
    let place = SealedPlace::of_api_user(user.organization, user.id, SealedField::ForeignMacKey);
    let key = manage.keyring.sealing().open(&place, &foreign.mac_key);
    if key.is_err() {
        tracing::error!(user = %user.id, "the key of a password's MAC does not open: the database was changed by somebody else");
    }
    key.ok().filter(|_| !entered.expose().is_empty()).map(|key| authenticated(entered, &key))
}
