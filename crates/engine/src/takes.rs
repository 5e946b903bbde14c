//! What a request takes of its key's rights, for whoever wants to know which of them are never used.

use std::sync::Arc;

use claviger_domain::path::RequestPath;
use claviger_domain::{ApiSetId, Timestamp};

use crate::Engine;
use crate::held_api::HeldApi;
use crate::question::Question;
use crate::route::Route;
use crate::verdict::Verdict;

/// Under which API a request is counted, and what it takes of the key's rights there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Takes<'a> {
    pub(crate) api: &'a Arc<HeldApi>,
    pub(crate) right: TakenRight,
}

/// A right over an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TakenRight {
    /// It was refused, or nothing was held against the key's rights.
    None,
    /// An operation, by its place in the API's document.
    Operation(u32),
    /// A path that the API does not list.
    Unlisted,
}

/// A right that was taken.
#[derive(Debug, Clone)]
pub(crate) enum Noted {
    /// An operation of an API, by its place in the API's document; `None`: a path that it does not list.
    Operation(Arc<HeldApi>, Option<u32>),
    /// A set that a door required.
    Set(ApiSetId),
}

// === impl Engine (rights taken) ===

impl Engine {
    /// Notes rights that a request took beside the one that its record names: all operations that it could be, and the sets that
    /// the door required.
    pub(crate) fn note_more_rights(&self, verdict: &Verdict, question: &Question<'_>, now: Timestamp) {
        let (Some((key, _)), Some(provider)) = (verdict.held_key(), verdict.tenant()) else { return };
        let request = question.request.filter(|_| verdict.target().takes_more);
        if let (Some(request), Some(api)) = (request, verdict.held_api()) {
            let path = RequestPath::parse(request.target);
            if let Ok(route) = Route::of(provider, &request, &path, question.pin) {
                route.each_operation(provider, |operation| {
                    self.gatherer.note_right(key.id, now, &Noted::Operation(Arc::clone(api), operation));
                });
            }
        }
        for set in question.requires.iter().filter_map(|name| provider.set_named(name)) {
            self.gatherer.note_right(key.id, now, &Noted::Set(set.id));
        }
    }
}

/// Under which API a request is counted, and what it takes of its key's rights.
pub(crate) fn takes<'v>(verdict: &'v Verdict, question: &Question<'_>) -> Option<Takes<'v>> {
    let right = match verdict.target().operation {
        _ if question.request.is_none() || !verdict.code.is_use() => TakenRight::None,
        Some((operation, _)) => TakenRight::Operation(operation),
        None => TakenRight::Unlisted,
    };
    verdict.held_api().map(|api| Takes { api, right })
}
