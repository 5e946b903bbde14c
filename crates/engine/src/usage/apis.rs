//! APIs by number, so that a count takes two bytes for the one that it is of.

use claviger_domain::ApiId;
use hashbrown::HashMap;

/// APIs in the order in which they came, from 1 on; 0 is none.
#[derive(Debug, Default)]
pub(super) struct Apis {
    numbers: HashMap<ApiId, u16>,
    ids: Vec<ApiId>,
    /// The one that came last: most requests in a row are of one.
    last: Option<(ApiId, u16)>,
}

// === impl Apis ===

impl Apis {
    /// The number of an API; 0 where there are too many different ones.
    pub(super) fn number(&mut self, api: ApiId) -> u16 {
        if let Some((_, number)) = self.last.filter(|(last, _)| *last == api) {
            return number;
        }
        let number = if let Some(number) = self.numbers.get(&api) {
            *number
        } else {
            let Ok(number) = u16::try_from(self.ids.len() + 1) else { return 0 };
            self.numbers.insert(api, number);
            self.ids.push(api);
            number
        };
        self.last = Some((api, number));
        number
    }

    /// The API of a number.
    pub(super) fn id(&self, number: u16) -> Option<ApiId> {
        self.ids.get(usize::from(number).checked_sub(1)?).copied()
    }

    /// All of them, in the order of their numbers.
    pub(super) fn ids(&self) -> &[ApiId] {
        &self.ids
    }

    /// Forgets them, and keeps the room.
    pub(super) fn clear(&mut self) {
        self.numbers.clear();
        self.ids.clear();
        self.last = None;
    }
}
