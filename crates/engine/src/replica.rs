//! The replica: catalog and keys, changed whole.
//!
//! A request must see either none or all of a step: a new key with an old set could be granted more than either state
//! grants. Both are read lock by lock, so each step is bracketed by a generation that is odd while it lasts; a look-up
//! during which it changed is made again. What was looked up is immutable, so the decision itself needs no lock.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};
use claviger_domain::Timestamp;
use claviger_domain::change::{Change, LastUse, Object, ObjectRef, Position, Step};
use claviger_domain::digest::CredentialDigest;
use claviger_domain::signature::SigningSeal;
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

use crate::catalog::Catalog;
use crate::held_key::Profiles;
use crate::key_table::{Found, KeyTable};

/// Look-ups that met a step before one waits for its end.
const TRIES_MAX: usize = 4;

/// A catalog that stays as it is while it is held. Cheap: no count is shared between threads.
pub(crate) struct CatalogGuard(Guard<Arc<State>>);

/// Catalog and keys, found together with one look.
#[derive(Debug, Default)]
struct State {
    catalog: Arc<Catalog>,
    keys: Arc<KeyTable>,
}

/// What decisions are made from.
#[derive(Debug)]
pub(crate) struct Replica {
    state: ArcSwap<State>,
    /// Whether any API has credential sources of its own, read by every request.
    has_sources: AtomicBool,
    /// Odd while a step is being applied.
    generation: AtomicU64,
    /// Held for writing while a step is being applied: where those wait who met one.
    step: RwLock<()>,
    /// Whoever changes the replica.
    writer: Mutex<Profiles>,
    /// What opens the secrets of keys that sign.
    seal: Option<SigningSeal>,
    /// `None` before the first load.
    position: watch::Sender<Option<Position>>,
}

/// A replica in the making.
#[derive(Debug)]
pub(crate) struct Load {
    keys: KeyTable,
    profiles: Profiles,
    /// Changes of anything but keys.
    catalog: Vec<Change>,
}

// === impl Replica ===

impl Replica {
    /// Empty, and not ready.
    pub(crate) fn new() -> Self {
        Self {
            state: ArcSwap::default(),
            has_sources: AtomicBool::new(false),
            generation: AtomicU64::new(0),
            step: RwLock::new(()),
            writer: Mutex::default(),
            seal: None,
            position: watch::Sender::new(None),
        }
    }

    /// The same, with what opens the secrets of keys that sign.
    pub(crate) fn with_signing_seal(self, seal: SigningSeal) -> Self {
        Self { seal: Some(seal), ..self }
    }

    /// A replica in the making, to be put in the place of this one.
    pub(crate) fn begin_load(&self) -> Load {
        Load { keys: KeyTable::new(self.seal.clone()), profiles: Profiles::default(), catalog: Vec::new() }
    }

    /// The catalog, and what `find` finds among the keys of the same state.
    pub(crate) fn look_up<T>(&self, mut find: impl FnMut(&Catalog, &KeyTable) -> T) -> (CatalogGuard, T) {
        for _ in 0..TRIES_MAX {
            let before = self.generation.load(Ordering::SeqCst);
            if before % 2 == 1 {
                break;
            }
            let state = self.state.load();
            let found = find(&state.catalog, &state.keys);
            if self.generation.load(Ordering::SeqCst) == before {
                return (CatalogGuard(state), found);
            }
        }
        let _no_step = self.step.read();
        let state = self.state.load();
        let found = find(&state.catalog, &state.keys);
        (CatalogGuard(state), found)
    }

    /// The catalog alone.
    pub(crate) fn catalog(&self) -> CatalogGuard {
        CatalogGuard(self.state.load())
    }

    /// Whether any API has credential sources of its own.
    pub(crate) fn has_sources(&self) -> bool {
        self.has_sources.load(Ordering::Relaxed)
    }

    /// How many living keys there are.
    pub(crate) fn key_count(&self) -> usize {
        self.state.load().keys.len()
    }

    /// When a living key was last used, as far as this node knows.
    pub(crate) fn last_used(&self, digest: &CredentialDigest) -> Option<Timestamp> {
        match self.state.load().keys.find(digest) {
            Some(Found::Current(key)) => key.last_used().map(Timestamp::from_micros),
            _ => None,
        }
    }

    /// Notes uses: no change that must apply whole, because it only ever grows.
    pub(crate) fn learn_uses(&self, uses: &[LastUse]) {
        let state = self.state.load();
        for last_use in uses {
            state.keys.learn_use(last_use);
        }
    }

    /// Up to where changes are applied; `None` before the first load.
    pub(crate) fn position(&self) -> Option<Position> {
        *self.position.borrow()
    }

    /// Tells each new position.
    pub(crate) fn positions(&self) -> watch::Receiver<Option<Position>> {
        self.position.subscribe()
    }

    /// Applies a step, whole. One that was applied already, or that comes before a load, changes nothing.
    pub(crate) fn apply(&self, step: Step) {
        let mut profiles = self.writer.lock();
        if self.position().is_none_or(|position| step.position < position) {
            return;
        }
        let (keys, others): (Vec<_>, Vec<_>) = step.changes.into_iter().partition(|change| is_of_a_key(&change.object));
        // Made before the step begins: nobody waits for routers and sets to be built.
        let catalog = (!others.is_empty()).then(|| Arc::new(self.catalog().with(others)));
        let table = Arc::clone(&self.state.load().keys);
        self.change(|| {
            if let Some(catalog) = catalog {
                self.swap(State { catalog, keys: Arc::clone(&table) });
            }
            for change in keys {
                match (change.now, change.object) {
                    (Some(Object::Key(key)), _) => table.set(&key, &mut profiles),
                    (Some(Object::LastUse(last_use)), _) => table.learn_use(&last_use),
                    (_, ObjectRef::Key(id)) => table.remove(id),
                    (Some(Object::ApiUser(user)), _) => table.sign_ins().set_user(&user),
                    (Some(Object::ApiSession(session)), _) => table.sign_ins().set_session(&session),
                    (_, ObjectRef::ApiUser(id)) => table.sign_ins().remove_user(id),
                    (_, ObjectRef::ApiSession(id)) => table.sign_ins().remove_session(id),
                    _ => {}
                }
            }
        });
        self.position.send_replace(Some(step.position));
    }

    /// Puts a complete load in the place of everything.
    pub(crate) fn replace(&self, load: Load, position: Position) {
        let mut profiles = self.writer.lock();
        let catalog = Arc::new(Catalog::default().with(load.catalog));
        let keys = Arc::new(load.keys);
        self.change(|| self.swap(State { catalog, keys }));
        *profiles = load.profiles;
        self.position.send_replace(Some(position));
    }

    fn swap(&self, state: State) {
        self.has_sources.store(state.catalog.has_sources, Ordering::Relaxed);
        self.state.store(Arc::new(state));
    }

    /// Runs `change` while no look-up succeeds.
    fn change(&self, change: impl FnOnce()) {
        let _step = self.step.write();
        self.generation.fetch_add(1, Ordering::SeqCst);
        change();
        self.generation.fetch_add(1, Ordering::SeqCst);
    }
}

// === impl CatalogGuard ===

impl Deref for CatalogGuard {
    type Target = Catalog;

    fn deref(&self) -> &Catalog {
        &self.0.catalog
    }
}

fn is_of_a_key(object: &ObjectRef) -> bool {
    matches!(object, ObjectRef::Key(_) | ObjectRef::LastUse(_) | ObjectRef::ApiUser(_) | ObjectRef::ApiSession(_))
}

// === impl Load ===

impl Load {
    /// Adds records; none comes twice, and a key's last use after the key.
    pub(crate) fn add(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change.now {
                Some(Object::Key(key)) => self.keys.insert(&key, &mut self.profiles),
                Some(Object::LastUse(last_use)) => self.keys.learn_use(&last_use),
                Some(Object::ApiUser(user)) => self.keys.sign_ins().set_user(&user),
                Some(Object::ApiSession(session)) => self.keys.sign_ins().set_session(&session),
                _ => self.catalog.push(change),
            }
        }
    }
}
