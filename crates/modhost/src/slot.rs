//! The places that modules are loaded into. Each has counters of its own, and functions that count in them, so that
//! what a module holds is known without a mark on its blocks.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use crate::gil::Gil;

/// How many modules a process can have loaded at once, by all of its hosts together: those of a host that is dropped
/// stay where they are.
pub const SLOTS: usize = 256;

/// What is counted of one module.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Counters {
    /// Bytes in live blocks: taken less freed, whoever took them.
    pub(crate) live: AtomicI64,
    pub(crate) peak: AtomicI64,
    /// Live blocks.
    pub(crate) blocks: AtomicI64,
    /// How often a block was freed when the module had none left.
    pub(crate) foreign: AtomicI64,
    /// Of the live bytes, those in strings.
    pub(crate) strings: AtomicI64,
}

impl Counters {
    /// Counts a block that the module has got.
    #[inline]
    pub(crate) fn take(&self, bytes: usize) {
        self.blocks.fetch_add(1, Ordering::Relaxed);
        self.grow(bytes as i64);
    }

    /// Counts a block that the module has given back.
    #[inline]
    pub(crate) fn give(&self, bytes: usize) {
        if self.blocks.fetch_sub(1, Ordering::Relaxed) <= 0 {
            self.foreign.fetch_add(1, Ordering::Relaxed);
        }
        self.live.fetch_sub(bytes as i64, Ordering::Relaxed);
    }

    /// Counts a block whose size has changed.
    #[inline]
    pub(crate) fn grow(&self, bytes: i64) {
        let live = self.live.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if live > self.peak.load(Ordering::Relaxed) {
            self.peak.fetch_max(live, Ordering::Relaxed);
        }
    }

    fn clear(&self) {
        for counter in [&self.live, &self.peak, &self.blocks, &self.strings, &self.foreign] {
            counter.store(0, Ordering::Relaxed);
        }
    }
}

/// A failure that a test has asked for, of an allocation that may fail.
#[derive(Debug, Default)]
pub(crate) struct Fault(AtomicU64);

impl Fault {
    /// Has the `nth` allocation from now fail, 1 being the next; with 0 none does. Says whether the failure that was
    /// asked for before is still to come.
    pub(crate) fn set(&self, nth: u64) -> bool {
        self.0.swap(nth, Ordering::Relaxed) != 0
    }

    /// Counts an allocation; says whether it is to fail.
    #[inline]
    pub(crate) fn strikes(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0 && self.count() == Ok(1)
    }

    #[cold]
    fn count(&self) -> Result<u64, u64> {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
    }
}

/// What is known of a module.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    /// Empty until the module has given itself a name.
    pub(crate) name: String,
    pub(crate) version: i32,
    pub(crate) api: i32,
    pub(crate) path: Vec<u8>,
    pub(crate) args: Vec<Vec<u8>>,
}

/// What the areas of the API know of a module, each under a type of its own.
type States = Vec<(TypeId, Box<dyn Any + Send>)>;

/// What keeps other threads away from a slot.
pub(crate) struct Held<'s> {
    _gil: MutexGuard<'s, Arc<Gil>>,
    _identity: MutexGuard<'s, Identity>,
    _states: MutexGuard<'s, States>,
}

/// A place for a module.
pub(crate) struct Slot {
    index: usize,
    is_taken: AtomicBool,
    /// The lock of the host that has taken it, by which hosts are told from each other.
    gil: Mutex<Arc<Gil>>,
    /// Whether OnLoad runs.
    is_loading: AtomicBool,
    pub(crate) counters: Counters,
    pub(crate) fault: Fault,
    /// What SetModuleOptions was given.
    options: AtomicI32,
    identity: Mutex<Identity>,
    states: Mutex<States>,
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("index", &self.index).finish_non_exhaustive()
    }
}

static ALL: LazyLock<Vec<Slot>> = LazyLock::new(|| {
    let slot = |index| Slot {
        index,
        is_taken: AtomicBool::new(false),
        gil: Mutex::default(),
        is_loading: AtomicBool::new(false),
        counters: Counters::default(),
        fault: Fault::default(),
        options: AtomicI32::new(0),
        identity: Mutex::default(),
        states: Mutex::default(),
    };
    (0..SLOTS).map(slot).collect()
});

/// The slot of that number.
///
/// # Panics
/// If there is none.
#[inline]
pub(crate) fn slot(index: usize) -> &'static Slot {
    &ALL[index]
}

/// Takes a slot that is free, for a host.
pub(crate) fn take(gil: &Arc<Gil>) -> Option<&'static Slot> {
    let slot = ALL.iter().find(|slot| !slot.is_taken.swap(true, Ordering::AcqRel))?;
    *slot.gil.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(gil);
    slot.counters.clear();
    slot.fault.set(0);
    *slot.identity() = Identity::default();
    slot.set_options(0);
    Some(slot)
}

/// The slots that are taken.
pub(crate) fn taken() -> impl Iterator<Item = &'static Slot> {
    ALL.iter().filter(|slot| slot.is_taken.load(Ordering::Acquire))
}

/// The slots that are taken by the host with this lock.
pub(crate) fn taken_by(gil: &Arc<Gil>) -> impl Iterator<Item = &'static Slot> + use<> {
    let gil = Arc::clone(gil);
    taken().filter(move |slot| Arc::ptr_eq(&slot.gil(), &gil))
}

impl Slot {
    /// Keeps other threads away from all that they may look at here without having the engine.
    pub(crate) fn hold(&self) -> Held<'_> {
        let gil = self.gil.lock().unwrap_or_else(PoisonError::into_inner);
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        Held { _gil: gil, _identity: self.identity(), _states: states }
    }

    /// Its number.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// The slots of modules that have the same host, its own included.
    pub(crate) fn fellows(&self) -> impl Iterator<Item = &'static Slot> {
        let gil = self.gil();
        taken_by(&gil)
    }

    /// The lock of the module's host.
    pub(crate) fn gil(&self) -> Arc<Gil> {
        Arc::clone(&self.gil.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Who the module is.
    pub(crate) fn identity(&self) -> MutexGuard<'_, Identity> {
        self.identity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What SetModuleOptions was given.
    pub(crate) fn options(&self) -> i32 {
        self.options.load(Ordering::Relaxed)
    }

    /// Says what SetModuleOptions was given.
    pub(crate) fn set_options(&self, options: i32) {
        self.options.store(options, Ordering::Relaxed);
    }

    /// The module's name.
    pub(crate) fn name(&self) -> String {
        self.identity().name.clone()
    }

    /// Gives the slot back. What the areas know of the module is forgotten.
    pub(crate) fn release(&self) {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.is_taken.store(false, Ordering::Release);
    }

    /// Whether OnLoad runs, in which alone things can be registered.
    pub(crate) fn is_loading(&self) -> bool {
        self.is_loading.load(Ordering::Relaxed)
    }

    /// Says whether OnLoad runs.
    pub(crate) fn set_loading(&self, is_loading: bool) {
        self.is_loading.store(is_loading, Ordering::Relaxed);
    }

    /// What an area knows of the module, under a type of the area's own; a default to begin with. `body` calls nothing
    /// that comes back here.
    pub(crate) fn with_state<T: Default + Send + 'static, R>(&self, body: impl FnOnce(&mut T) -> R) -> R {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let known = states.iter().position(|(kind, _)| *kind == TypeId::of::<T>());
        let at = known.unwrap_or_else(|| {
            states.push((TypeId::of::<T>(), Box::new(T::default())));
            states.len() - 1
        });
        let (_, state) = &mut states[at];
        body(state.downcast_mut().expect("a state is kept under its own type"))
    }
}
