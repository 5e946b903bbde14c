//! Tells people of networks that keys were used from for the first time.

use claviger_domain::key::Key;
use claviger_domain::notice::NoticeKind;
use claviger_domain::organization::Organization;
use claviger_store::notices::Told;
use claviger_store::sightings::Seen;
use claviger_store::{Tx, notices};

use super::tell::{Item, News, Teller, tell};
use crate::error::Error;

/// Tells of uses; how many that were.
pub(crate) async fn tell_of_networks(
    tx: &mut Tx,
    teller: &Teller,
    home: &Organization,
    seen: &[(Key, Seen)],
) -> Result<usize, Error> {
    let settings = notices::settings(tx, home.id).await?;
    if seen.is_empty() || !teller.sends_mail || !settings.audience(NoticeKind::NewAddress).is_anybody() {
        return Ok(0);
    }
    let item = |(key, seen): &(Key, Seen)| Item {
        told: Told {
            organization: home.id,
            object: key.id.to_string(),
            kind: NoticeKind::NewAddress,
            threshold: format!("network {}", seen.subject),
            at: seen.sighting.at,
        },
        news: News::Used(key.clone(), seen.sighting.ip),
    };
    tell(tx, teller, home, &settings, seen.iter().map(item).collect()).await
}
