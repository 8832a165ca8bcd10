//! The places that modules are loaded into. Each has counters of its own, and functions that count in them, so that
//! what a module holds is known without a mark on its blocks.

use std::any::{Any, TypeId};
use std::fmt;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use crate::counters::{self, Counters, SLOTS};
use crate::gil::Gil;
use crate::library::Library;
use crate::sizes;

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
    /// The module's library, while the module is loaded.
    tenancy: Mutex<Weak<Tenancy>>,
    /// The lock of the host that has taken it, by which hosts are told from each other.
    gil: Mutex<Arc<Gil>>,
    /// Whether OnLoad runs.
    is_loading: AtomicBool,
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

/// Apart from the slots, so that an allocation finds its own without looking for them.
static FAULTS: [Fault; SLOTS] = [const { Fault(AtomicU64::new(0)) }; SLOTS];

/// The failure that is asked for in a slot.
///
/// # Panics
/// If there is none of that number.
#[inline(always)]
pub(crate) fn fault(slot: usize) -> &'static Fault {
    &FAULTS[slot]
}

static ALL: LazyLock<Vec<Slot>> = LazyLock::new(|| {
    sizes::prepare();
    let slot = |index| Slot {
        index,
        is_taken: AtomicBool::new(false),
        tenancy: Mutex::default(),
        gil: Mutex::default(),
        is_loading: AtomicBool::new(false),
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

/// A module's library and the slot that it is loaded into. The last who needs the module's functions ends it: then the
/// library is closed, and the slot is free for another. Until then it is neither, so that nothing that the module has
/// left (a value that a thread is still freeing, say) calls what isn't there.
#[derive(Debug)]
pub(crate) struct Tenancy {
    pub(crate) slot: &'static Slot,
    library: Option<Library>,
}

impl Tenancy {
    /// Takes a slot that is free, for a library and its host. The library is given back where no slot is free.
    pub(crate) fn begin(gil: &Arc<Gil>, library: Library) -> Result<Arc<Self>, Library> {
        let Some(slot) = take(gil) else { return Err(library) };
        let tenancy = Arc::new(Self { slot, library: Some(library) });
        *slot.tenancy.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&tenancy);
        Ok(tenancy)
    }

    /// The library.
    pub(crate) fn library(&self) -> &Library {
        self.library.as_ref().expect("it is there until the end")
    }
}

impl Drop for Tenancy {
    fn drop(&mut self) {
        if let Some(Err(reason)) = self.library.take().map(Library::close) {
            tracing::warn!("Error when trying to close the module's library: {reason}");
        }
        self.slot.is_taken.store(false, Ordering::Release);
    }
}

/// Takes a slot that is free, for a host.
fn take(gil: &Arc<Gil>) -> Option<&'static Slot> {
    let slot = ALL.iter().find(|slot| !slot.is_taken.swap(true, Ordering::AcqRel))?;
    *slot.gil.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(gil);
    slot.counters().begin();
    fault(slot.index).set(0);
    *slot.identity() = Identity::default();
    slot.set_options(0);
    Some(slot)
}

/// The slots that are taken.
pub(crate) fn taken() -> impl Iterator<Item = &'static Slot> {
    ALL.iter().filter(|slot| slot.is_taken.load(Ordering::Acquire))
}

/// Whether a module runs from this very library. It keeps the functions that it was given in statics, which would be
/// filled anew if its OnLoad ran again: from then on it would be counted in another's slot.
pub(crate) fn runs_from(library: &Library) -> bool {
    let mut tenancies = taken().filter_map(Slot::tenancy);
    tenancies.any(|tenancy| ptr::fn_addr_eq(tenancy.library().on_load, library.on_load))
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

    /// What is counted of the module.
    pub(crate) fn counters(&self) -> &'static Counters {
        counters::of(self.index)
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

    /// The tenancy of the module, as long as it has one.
    pub(crate) fn tenancy(&self) -> Option<Arc<Tenancy>> {
        self.tenancy.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }

    /// Has the areas forget what they know of the module.
    pub(crate) fn forget(&self) {
        let states = std::mem::take(&mut *self.states.lock().unwrap_or_else(PoisonError::into_inner));
        drop(states);
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
