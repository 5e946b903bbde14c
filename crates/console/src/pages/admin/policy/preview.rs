//! What a change of the policy would do to the keys that are there.

use claviger_texts::console::policy as texts;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::named;
use crate::failure::Failure;
use crate::parts::time;
use crate::viewer::Viewer;

#[derive(Debug, Deserialize)]
pub(super) struct Preview {
    affected: Affected,
}

#[derive(Debug, Deserialize)]
struct Affected {
    keys: u64,
    first: Vec<Ending>,
    without_ip_list: Keys,
    copies_destroyed: u64,
    above_max_keys: Above,
    namesakes: Keys,
}

#[derive(Debug, Deserialize)]
struct Ending {
    id: String,
    ends_at: String,
    reason: String,
}

/// A number of keys, and the first of them.
#[derive(Debug, Deserialize)]
struct Keys {
    keys: u64,
    first: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Above {
    owners: u64,
    first: Vec<OwnerAbove>,
}

#[derive(Debug, Deserialize)]
struct OwnerAbove {
    #[serde(rename = "type")]
    kind: String,
    id: String,
    keys: u64,
    above: u64,
}

/// The effect in sentences, with links.
pub(super) async fn effect(viewer: &Viewer, preview: &Preview) -> Result<Markup, Failure> {
    let affected = &preview.affected;
    let parts = [
        ending(viewer, affected).await?,
        named_keys(viewer, texts::without_ip_list(affected.without_ip_list.keys), &affected.without_ip_list).await?,
        html! { @if affected.copies_destroyed > 0 { p .irreversible { (texts::copies_destroyed(affected.copies_destroyed)) } } },
        above(viewer, &affected.above_max_keys).await?,
        named_keys(viewer, texts::namesakes(affected.namesakes.keys), &affected.namesakes).await?,
    ];
    Ok(html! {
        @if affected.is_nothing() { p { (texts::NO_EFFECT) } }
        @for part in &parts { (part) }
    })
}

async fn ending(viewer: &Viewer, affected: &Affected) -> Result<Markup, Failure> {
    let mut rows = Vec::new();
    for key in &affected.first {
        let link = named::key(viewer, &key.id).await?;
        let at = time::instant(&key.ends_at, &viewer.zone);
        rows.push(html! { (link) " – " (at) ", " (texts::ending_reason(&key.reason)) });
    }
    Ok(list(&texts::ending(affected.keys), &rows, affected.keys))
}

async fn named_keys(viewer: &Viewer, sentence: String, some: &Keys) -> Result<Markup, Failure> {
    let mut rows = Vec::new();
    for id in &some.first {
        rows.push(named::key(viewer, id).await?);
    }
    Ok(list(&sentence, &rows, some.keys))
}

async fn above(viewer: &Viewer, above: &Above) -> Result<Markup, Failure> {
    let mut rows = Vec::new();
    for owner in &above.first {
        let link = named::owner(viewer, &owner.kind, &owner.id).await?;
        rows.push(html! { (link) " – " (texts::has_keys(owner.keys, owner.above)) });
    }
    Ok(list(&texts::above(above.owners), &rows, above.owners))
}

/// A sentence and its list, with how many more there are; nothing of none.
fn list(sentence: &str, rows: &[Markup], count: u64) -> Markup {
    let more = count.saturating_sub(rows.len() as u64);
    html! {
        @if count > 0 {
            p { (sentence) }
            ul .affected {
                @for row in rows { li { (row) } }
                @if more > 0 { li .muted { (texts::and_more(more)) } }
            }
        }
    }
}

// === impl Affected ===

impl Affected {
    fn is_nothing(&self) -> bool {
        let Self { keys, without_ip_list, copies_destroyed, above_max_keys, namesakes, .. } = self;
        *keys == 0
            && without_ip_list.keys == 0
            && *copies_destroyed == 0
            && above_max_keys.owners == 0
            && namesakes.keys == 0
    }
}
