//! How far a call looks where a list is walked and few of its keys may fit: no call pays for a list without an end. The keys behind are
//! those of the next page.

use claviger_domain::OrganizationId;
use claviger_domain::key::State;

use super::few::Narrow;
use super::list::{KeyFilter, KeySort, after, spanned};
use crate::Result;
use crate::conn::Conn;
use crate::fields::Fields;
use crate::page::{Cursor, CursorValue, Page};
use crate::sql::{Sql, sql};

/// So many keys are looked through for a page; few in tests, which have few.
pub const KEYS_LOOKED_THROUGH: usize = if cfg!(test) { 500 } else { 10_000 };

/// The last key that is looked at for this page, as a cursor; `None` where the list ends before.
///
/// # Errors
/// [`crate::Error::ForeignCursor`] if the page's cursor belongs to another order.
pub(super) async fn horizon(
    conn: &mut Conn,
    organization: OrganizationId,
    filter: &KeyFilter,
    page: &Page,
) -> Result<Option<Cursor>> {
    let is_by_name = matches!(filter.sort, KeySort::Name | KeySort::NameDescending);
    let is_deleted = filter.state == Some(State::Deleted);
    // By name an index has the living keys of each owner, and no other those that are no more.
    if !filter.may_fit_few() || (is_by_name && filter.owner.is_some() && is_deleted) {
        return Ok(None);
    }
    let select = if is_by_name {
        "SELECT id, name_search FROM keys WHERE organization_id = ?"
    } else {
        "SELECT id, created_at FROM keys WHERE organization_id = ?"
    };
    let mut statement = sql("").push_bound(select, [organization]);
    if let Some(owner) = &filter.owner {
        statement = statement.push_bound(" AND owner = ?", [owner.id()]);
        statement = if is_by_name { statement.push(" AND deleted_at IS NULL") } else { statement };
    }
    if !is_by_name {
        statement = spanned(statement, filter);
    }
    let statement = after(statement, filter.sort, page)?.push(filter.sort.order());
    let statement = statement.push_bound(" LIMIT 2 OFFSET ?", [KEYS_LOOKED_THROUGH - 1]);
    let read = |row: &dyn Fields| {
        let value =
            if is_by_name { CursorValue::Text(row.text(1)?.to_owned()) } else { CursorValue::Number(row.number(1)?) };
        Ok(Cursor { value, id: row.text(0)?.to_owned() })
    };
    let mut rows = conn.rows(statement, read).await?;
    Ok((rows.len() > 1).then(|| rows.swap_remove(0)))
}

/// Only the keys up to the horizon.
pub(super) fn up_to(statement: Sql, sort: KeySort, horizon: &Cursor) -> Sql {
    let text = match sort {
        KeySort::Newest => " AND (created_at, id) >= (?",
        KeySort::Oldest => " AND (created_at, id) <= (?",
        KeySort::Name => " AND (name_search, id) <= (?",
        KeySort::NameDescending => " AND (name_search, id) >= (?",
    };
    let statement = match &horizon.value {
        CursorValue::Number(at) => statement.push_bound(text, [*at]),
        CursorValue::Text(name) => statement.push_bound(text, [name]),
    };
    statement.push_bound(", ?)", [&horizon.id])
}

// === impl KeyFilter ===

impl KeyFilter {
    /// Whether so few keys may fit that looking for a page of them reads very many others.
    fn may_fit_few(&self) -> bool {
        let Self { state, creator, environment, used_from, used_before, tag, text, .. } = self;
        let by_use = used_from.is_some() || used_before.is_some();
        let by_word = creator.is_some() || environment.is_some() || tag.is_some() || text.is_some();
        state.is_some() || by_use || by_word || Narrow::of(self).is_some()
    }
}

#[cfg(test)]
mod tests {
    use claviger_domain::UserId;
    use claviger_domain::key::{Key, Owner};

    use super::super::list::list;
    use super::*;
    use crate::sample::{add_keys, add_organizations, key, organization_id};
    use crate::stories;

    /// More than twice as many as one page looks through, and not a multiple of it.
    const KEYS: u128 = 2 * KEYS_LOOKED_THROUGH as u128 + 100;
    const SORTS: [KeySort; 4] = [KeySort::Newest, KeySort::Oldest, KeySort::Name, KeySort::NameDescending];

    /// The names of all that a filter finds, page by page, and how many pages that took.
    async fn found(store: &crate::Store, filter: &KeyFilter) -> (Vec<String>, usize) {
        let (mut names, mut pages, mut page) = (Vec::new(), 0, Page::first(7));
        loop {
            let mut conn = store.read().await.unwrap();
            let listed = list(&mut conn, organization_id(1), filter, &page).await.unwrap();
            assert!(listed.items.len() <= 7);
            names.extend(listed.items.iter().map(|key| key.name.to_string()));
            (pages, page.after) = (pages + 1, listed.next);
            if page.after.is_none() {
                return (names, pages);
            }
        }
    }

    stories! {
        async fn a_search_that_finds_little_looks_through_so_many_keys_a_page_and_misses_none(place) {
            let store = place.store().await;
            add_organizations(&store, 1).await;
            let owner = Owner::User(UserId::from_raw(4));
            let record = |number| match number {
                // Two in two pages, one of them somebody's.
                3 => Key { description: "needle".to_owned(), ..key(1, number) },
                KEYS => Key { description: "a Needle".to_owned(), owner, ..key(1, number) },
                _ => key(1, number),
            };
            add_keys(&store, (1..=KEYS).map(record).collect()).await;
            let last = format!("key {KEYS}");
            for sort in SORTS {
                let filter = |text: &str| KeyFilter { text: Some(text.to_owned()), sort, ..KeyFilter::default() };
                assert_eq!(found(&store, &filter("nothing has this")).await, (vec![], 3), "{sort:?}");
                let (mut names, pages) = found(&store, &filter("needle")).await;
                names.sort();
                assert_eq!((names, pages), (vec![last.clone(), "key 3".to_owned()], 3), "{sort:?}");
                // More than a page of them, on both sides of what one page looks through.
                assert_eq!(found(&store, &filter("key 100")).await.0.len(), 11, "{sort:?}");
                let theirs = KeyFilter { owner: Some(owner), ..filter("needle") };
                assert_eq!(found(&store, &theirs).await, (vec![last.clone()], 1), "{sort:?}");
                // An order as such looks for nothing.
                let all = KeyFilter { sort, ..KeyFilter::default() };
                assert_eq!(found(&store, &all).await.1, (KEYS as usize).div_ceil(7), "{sort:?}");
            }
        }
    }
}
