//! The id of a request and its text, which every answer carries.

use claviger_domain::RequestId;
use claviger_domain::id::ID_TEXT_LENGTH;

/// An id and its text, written once.
#[derive(Clone)]
pub(crate) struct Id {
    id: RequestId,
    text: [u8; ID_TEXT_LENGTH],
}

// === impl Id ===

impl Id {
    pub(crate) fn new(id: RequestId) -> Self {
        Self { id, text: id.to_text() }
    }

    pub(crate) fn id(&self) -> RequestId {
        self.id
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_the_ids() {
        let id = Id::new(RequestId::from_raw(u128::MAX / 3));
        assert_eq!(id.as_bytes(), id.id().to_string().as_bytes());
    }
}
