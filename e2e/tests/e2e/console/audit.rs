//! The audit log and histories where older entries were removed.

use std::time::Duration;

use serde_json::json;

use super::{call, nothing_serious, on};
use crate::harness::patience::wait_until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_log_and_a_history_say_until_when_entries_were_removed() {
    on(async |world, browser| {
        let made = call(world, "/keys", &json!({"name": "Old", "api_sets": ["orders-read"]})).await;
        let page = format!("/keys/{}", made["key"]["id"].as_str().expect("an id"));
        browser.go(&page).await;
        assert!(!browser.text().await.contains("were removed"), "all is there");
        // The first day of another year: what is older than today goes, once notices have looked at it.
        world.advance(Duration::from_secs(2));
        let is_gone = async || {
            world.trim_audit(0).await;
            browser.go(&page).await;
            browser.text().await.contains("Nothing was changed since.")
        };
        wait_until(is_gone, || "the history is there".to_owned()).await;
        for path in [page.as_str(), "/admin/audit"] {
            browser.go(path).await;
            let text = browser.text().await;
            assert!(text.contains("Entries until 31 Dec 2025, "), "{path}: {text}");
            assert!(text.contains("were removed, as this installation does not keep them for ever."), "{path}: {text}");
            nothing_serious(browser, path).await;
        }
        assert!(browser.text().await.contains("Audit: trim"), "that, too, is an entry");
    })
    .await;
}
