//! How many calls of one organization run at once: one that floods the management API takes its own share of
//! connections, database and memory, and not what others need.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use claviger_domain::OrganizationId;

use crate::error::Error;

/// Calls of one organization that may run at once until something else is configured.
pub const CALLS_OF_ORGANIZATION_MAX: usize = 128;

/// The calls that run. Clones share them.
#[derive(Debug, Clone)]
pub struct Calls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most_each: usize,
    /// Only organizations that have any.
    running: Mutex<HashMap<OrganizationId, usize>>,
}

/// A call that runs: until the last clone of its [`crate::Ctx`] is dropped, so a change whose caller hung up counts too.
#[derive(Debug)]
pub struct Call {
    calls: Calls,
    organization: OrganizationId,
}

// === impl Calls ===

impl Calls {
    /// At most `most_each` calls of one organization at once.
    pub fn new(most_each: usize) -> Self {
        Self(Arc::new(Inner { most_each, running: Mutex::default() }))
    }

    /// Begins a call; 503 where the organization has as many as it may.
    pub(crate) fn begin(&self, organization: OrganizationId) -> Result<Call, Error> {
        let mut running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(organization).or_default();
        if *count >= self.0.most_each {
            return Err(Error::busy("Too many calls of this organization run at once; try again soon."));
        }
        *count += 1;
        Ok(Call { calls: self.clone(), organization })
    }
}

impl Default for Calls {
    fn default() -> Self {
        Self::new(CALLS_OF_ORGANIZATION_MAX)
    }
}

// === impl Call ===

impl Drop for Call {
    fn drop(&mut self) {
        let mut running = self.calls.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(&self.organization) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.organization);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{OPERATOR, World};

    #[tokio::test]
    async fn an_organization_that_floods_is_told_to_wait_and_others_are_not() {
        let (world, admin) = World::with_organization().await;
        let other = world.another_organization("other", "bob@example.com").await;
        let organization = world.get(&admin, "/organization").await.text("id").parse().expect("an id");
        let calls = &world.manage.calls;
        let running: Vec<_> = (0..CALLS_OF_ORGANIZATION_MAX).map(|_| calls.begin(organization)).collect();
        assert!(running.iter().all(Result::is_ok));
        let busy = world.get(&admin, "/keys").await;
        assert_eq!((busy.status.as_u16(), busy.body["code"].as_str()), (503, Some("busy")), "{busy:?}");
        assert_eq!(busy.headers["retry-after"], "1");
        assert_eq!(world.get(&other, "/keys").await.status.as_u16(), 200);
        assert_eq!(world.get(OPERATOR, "/organizations").await.status.as_u16(), 200);
        drop(running);
        assert_eq!(world.get(&admin, "/keys").await.status.as_u16(), 200);
        assert!(calls.0.running.lock().expect("no panic").is_empty(), "what has ended counts no more");
    }
}
