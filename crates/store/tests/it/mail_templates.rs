//! The words of mails, which an organization has of its own.

use claviger_store::mail_templates::{self, MailTemplate};

use crate::sample::{actor, add_organizations, at, organization_id, scope};
use crate::{stories, transact};

fn template(kind: &str, language: &str, subject: &str, version: i64) -> MailTemplate {
    MailTemplate {
        kind: kind.to_owned(),
        language: language.to_owned(),
        subject: subject.to_owned(),
        text: "ł {link}\n".to_owned(),
        html: "<p>'{link}'</p>".to_owned(),
        updated_by: actor(),
        updated_at: at(version),
        version,
    }
}

stories! {
    async fn words_are_written_over_read_and_deleted_for_one_organization(place) {
        let store = place.store().await;
        add_organizations(&store, 2).await;
        let done = transact!(store, scope(1), |tx| async move {
            mail_templates::save(tx, organization_id(1), &template("record_link", "pl", "first", 1)).await?;
            mail_templates::save(tx, organization_id(1), &template("record_link", "pl", "second", 2)).await?;
            mail_templates::save(tx, organization_id(1), &template("new_account", "en", "other", 3)).await
        });
        let done = done.await.unwrap();
        assert_eq!(done.position, None, "no node has to know");
        let mut snapshot = store.read().await.unwrap();
        let second = template("record_link", "pl", "second", 2);
        let listed = mail_templates::list(&mut snapshot, organization_id(1)).await.unwrap();
        assert_eq!(listed, [template("new_account", "en", "other", 3), second.clone()]);
        let found = mail_templates::get(&mut snapshot, organization_id(1), "record_link", "pl").await.unwrap();
        assert_eq!(found, Some(second));
        assert_eq!(mail_templates::get(&mut snapshot, organization_id(1), "record_link", "en").await.unwrap(), None);
        assert!(mail_templates::list(&mut snapshot, organization_id(2)).await.unwrap().is_empty());
        drop(snapshot);
        let deleted = transact!(store, scope(1), |tx| async move {
            let first = mail_templates::delete(tx, organization_id(1), "record_link", "pl").await?;
            Ok::<_, claviger_store::Error>((first, mail_templates::delete(tx, organization_id(1), "record_link", "pl").await?))
        });
        assert_eq!(deleted.await.unwrap().value, (true, false));
    }
}
