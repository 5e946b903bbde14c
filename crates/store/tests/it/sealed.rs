//! What is kept beside keys: identifiers of pairs, and secrets that can be revealed.

use claviger_domain::digest::CredentialDigest;
use claviger_domain::key::{Key, Overlap, Owner};
use claviger_domain::keyring::Keyring;
use claviger_domain::signature::{SealedSecret, SigningCopies};
use claviger_domain::testing::FixedRandom;
use claviger_domain::{ApplicationId, KeyId, Secret};
use claviger_store::{Error, Store, Taken, key_identifiers, key_reveals, keys};

use crate::sample::{add_keys, add_organizations, at, key, organization_id, scope, secret, update_key};
use crate::{stories, transact};

async fn identify(store: &Store, id: KeyId, digest: u8) -> Result<(), Error> {
    transact!(store, scope(1), |tx| async move {
        key_identifiers::insert(tx, id, &CredentialDigest::from_bytes([digest; 32]), &[digest, 1]).await
    })
    .await
    .map(|_| ())
}

/// A sealed copy of some secret of a key.
fn copy(key: &Key, secret: &str) -> SealedSecret {
    let random = FixedRandom::new(1);
    let seal = Keyring::generate(&random).signing_seal();
    seal.seal(key.organization, key.id, &Secret::new(secret.to_owned()), &random)
}

stories! {
    async fn w_14_copies_of_a_key_that_signs_end_with_their_secrets(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let mut signing = key(1, 1);
        signing.signing = Some(SigningCopies::of(copy(&signing, "first")));
        add_keys(&store, vec![signing.clone(), key(1, 2)]).await;
        let stored = async |id: u128| keys::find(&mut store.read().await.unwrap(), KeyId::from_raw(id)).await.unwrap().unwrap();
        assert_eq!(stored(1).await, signing);
        assert_eq!(stored(2).await.signing, None);

        let both = SigningCopies { current: copy(&signing, "second"), before: Some(copy(&signing, "first")) };
        let old = std::mem::replace(&mut signing.secret, secret(3));
        signing.overlap = Some(Overlap { secret: old, valid_until: at(1_000) });
        (signing.signing, signing.version) = (Some(both.clone()), 2);
        update_key(&store, &signing).await.unwrap();
        assert_eq!(stored(1).await.signing, Some(both.clone()));
        (signing.overlap, signing.version) = (None, 3);
        update_key(&store, &signing).await.unwrap();
        assert_eq!(stored(1).await.signing, Some(SigningCopies { before: None, ..both }));
        (signing.deleted_at, signing.version) = (Some(at(5)), 4);
        update_key(&store, &signing).await.unwrap();
        assert_eq!(stored(1).await.signing, None);
    }

    async fn an_identifier_belongs_to_one_key_for_ever(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        add_keys(&store, vec![key(1, 1), key(1, 2)]).await;
        identify(&store, KeyId::from_raw(1), 7).await.unwrap();
        assert_eq!(identify(&store, KeyId::from_raw(2), 7).await, Err(Error::Taken(Taken::Digest)));
        let mut deleted = key(1, 1);
        (deleted.deleted_at, deleted.version) = (Some(at(5)), 2);
        update_key(&store, &deleted).await.unwrap();
        assert_eq!(identify(&store, KeyId::from_raw(2), 7).await, Err(Error::Taken(Taken::Digest)));
        let mut conn = store.read().await.unwrap();
        let found = key_identifiers::by_digest(&mut conn, &CredentialDigest::from_bytes([7; 32])).await.unwrap();
        assert_eq!(found, Some(KeyId::from_raw(1)));
        assert_eq!(key_identifiers::sealed(&mut conn, KeyId::from_raw(1)).await.unwrap(), Some(vec![7, 1]));
        assert_eq!(key_identifiers::sealed(&mut conn, KeyId::from_raw(2)).await.unwrap(), None);
    }

    async fn a_sealed_secret_goes_with_its_key_or_with_the_mode_of_its_owners(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let mut owned = key(1, 3);
        owned.owner = Owner::Application(ApplicationId::from_raw(9));
        let keys = vec![key(1, 1), key(1, 2), owned];
        add_keys(&store, keys.clone()).await;
        let sealing = keys.clone();
        transact!(&store, scope(1), |tx| {
            let keys = sealing.clone();
            async move {
                for key in &keys {
                    key_reveals::put(tx, key, b"first").await?;
                    key_reveals::put(tx, key, b"second").await?;
                }
                Ok::<_, Error>(())
            }
        })
        .await
        .unwrap();
        let ids: Vec<KeyId> = keys.iter().map(|key| key.id).collect();
        let mut conn = store.read().await.unwrap();
        assert_eq!(key_reveals::get(&mut conn, ids[0]).await.unwrap(), Some(b"second".to_vec()));
        assert_eq!(key_reveals::among(&mut conn, &ids).await.unwrap().len(), 3);
        drop(conn);
        let mut deleted = key(1, 1);
        (deleted.deleted_at, deleted.version) = (Some(at(5)), 2);
        update_key(&store, &deleted).await.unwrap();
        let forgotten = transact!(&store, scope(1), |tx| async move {
            key_reveals::forget_all(tx, organization_id(1), "organization").await
        })
        .await
        .unwrap();
        assert_eq!(forgotten.value, 1);
        let mut conn = store.read().await.unwrap();
        let left = key_reveals::among(&mut conn, &ids).await.unwrap();
        assert_eq!(left.into_iter().collect::<Vec<_>>(), [ids[2]]);
        assert_eq!(key_reveals::count(&mut conn, organization_id(1), "application").await.unwrap(), 1);
    }
}
