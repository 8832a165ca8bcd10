//! The list of the threads whose counters are read, and the total of all others.

use crate::sync::atomic::{AtomicU64, Ordering, fence};
use std::alloc::Layout;
use std::ptr;

use super::budget::BUDGET;
use super::ending::Key;
use super::fork;
use super::lock::{Guard, Lock};
use super::peak;
use super::thread::{self, Node, State};
use crate::backend::{CountsPerThread, Imp, ThreadCounters, Totals};
use crate::request::Refusal;

/// The threads that are listed, in no order, and the key whose destructor takes them off.
pub(super) struct Threads {
    first: *const Node,
    /// `None` until the first thread is about to be listed; then whether the key exists.
    key: Option<Option<Key>>,
    /// Whether threads on the list are watched, as they are for good from the first limit on.
    watched: bool,
    /// Whether the back end tells of rises, so that threads have marks.
    surveyed: bool,
    /// The mark of all threads that aren't listed, together.
    retired_mark: i64,
}

// SAFETY: the nodes that the list points to belong to several threads. What the list reads and
// writes in them is only ever accessed with the list locked, by whichever thread.
unsafe impl Send for Threads {}

static THREADS: Lock<Threads> = Lock::new(Threads {
    first: ptr::null(),
    key: None,
    watched: false,
    surveyed: false,
    retired_mark: i64::MAX,
});

/// What threads that are not listed have allocated and freed, in bytes.
struct Retired {
    allocated: AtomicU64,
    deallocated: AtomicU64,
}

static RETIRED: Retired = Retired { allocated: AtomicU64::new(0), deallocated: AtomicU64::new(0) };

impl Retired {
    /// Adds what a thread has counted. The allocations first: whoever sees that a block was freed
    /// must also see that it was allocated.
    fn add(&self, totals: Totals) {
        self.allocated.fetch_add(totals.allocated, Ordering::Relaxed);
        self.deallocated.fetch_add(totals.deallocated, Ordering::Release);
    }

    fn balance(&self) -> i64 {
        let deallocated = self.deallocated.load(Ordering::Acquire);
        self.allocated.load(Ordering::Relaxed).wrapping_sub(deallocated).cast_signed()
    }
}

impl Threads {
    /// The nodes on the list. They exist: a thread takes its node off before its memory goes away.
    fn nodes(&self) -> impl Iterator<Item = &Node> {
        let mut next = self.first;
        std::iter::from_fn(move || {
            // SAFETY: `next` is null or a node on the list, which exists, and stays there while
            // the list is borrowed, that is, locked.
            let node = unsafe { next.as_ref() }?;
            next = node.next.get();
            Some(node)
        })
    }

    /// The counters of the listed threads.
    fn counters(&self) -> impl Iterator<Item = ThreadCounters> {
        self.nodes().filter_map(|node| node.counters.get())
    }

    fn link(&mut self, node: &Node) {
        node.previous.set(ptr::null());
        node.next.set(self.first);
        // SAFETY: null or a node on the list, which exists.
        if let Some(next) = unsafe { self.first.as_ref() } {
            next.previous.set(node);
        }
        self.first = node;
    }

    fn unlink(&mut self, node: &Node) {
        // SAFETY: the neighbours on the list are null or exist, as they are on it as well.
        let (previous, next) = unsafe { (node.previous.get().as_ref(), node.next.get().as_ref()) };
        match previous {
            Some(previous) => previous.next.set(node.next.get()),
            None => self.first = node.next.get(),
        }
        if let Some(next) = next {
            next.previous.set(node.previous.get());
        }
    }

    /// Takes every thread but the calling one off the list and adds its figures to the total, in a
    /// child of `fork`, where the others are gone but their memory is not.
    pub(super) fn retire_others(&mut self) {
        let own = thread::node();
        let mut kept = None;
        for node in self.nodes() {
            if ptr::eq(node, own) {
                kept = Some(own);
            } else if let Some(counters) = node.counters.get() {
                retire(counters);
            }
        }
        self.first = ptr::null();
        // SAFETY: the calling thread's own node, which exists.
        let own = kept.and_then(|own| unsafe { own.as_ref() });
        if let Some(own) = own {
            self.link(own);
        }
        if self.watched {
            BUDGET.restart(RETIRED.balance() + own.map_or(0, Node::ceiling));
        }
    }

    /// Has the threads on the list, and those that come, watched.
    fn watch(&mut self) {
        if !self.watched {
            self.watched = true;
            let listed: i64 = self.nodes().map(Node::watch).sum();
            BUDGET.restart(RETIRED.balance() + listed);
        }
    }

    /// Looks whether this moment is a new peak, and sets the marks (see `peak`).
    fn survey(&mut self) {
        /// How often the counters are read at most, to find a moment in which nothing is freed.
        const ATTEMPTS: usize = 4;

        self.nodes().for_each(|node| node.mark.set(i64::MIN));
        // What a thread counts from here on without being seen below, it looks at its mark after.
        fence(Ordering::SeqCst);
        let mut freed = self.read_deallocated();
        let mut highest = 0;
        for _ in 0..ATTEMPTS {
            let allocated = self.read_allocated();
            fence(Ordering::Acquire);
            let before = std::mem::replace(&mut freed, self.read_deallocated());
            // When the last allocation was read, all that was counted as allocated was so, and no more
            // than this was freed: so much was in use.
            let used = allocated.wrapping_sub(freed).cast_signed();
            highest = peak::raise(usize::try_from(used).unwrap_or(0));
            if before == freed {
                break;
            }
        }
        self.set_marks(highest);
    }

    /// Reads what all threads have allocated, and notes it in their marks.
    fn read_allocated(&self) -> u64 {
        let listed = self.nodes().filter_map(|node| {
            let allocated = load(node.counters.get()?.allocated);
            node.mark.allocated.set(allocated);
            Some(allocated)
        });
        listed.fold(RETIRED.allocated.load(Ordering::Relaxed), u64::wrapping_add)
    }

    /// Likewise what they have freed.
    fn read_deallocated(&self) -> u64 {
        let listed = self.nodes().filter_map(|node| {
            let deallocated = load(node.counters.get()?.deallocated);
            node.mark.deallocated.set(deallocated);
            Some(deallocated)
        });
        listed.fold(RETIRED.deallocated.load(Ordering::Relaxed), u64::wrapping_add)
    }

    /// Distributes what is missing to the peak, on top of the balances that were read.
    fn set_marks(&mut self, highest: usize) {
        let balance =
            |node: &Node| node.mark.allocated.get().wrapping_sub(node.mark.deallocated.get()).cast_signed();
        let (count, listed) =
            self.nodes().fold((1, 0), |(count, sum), node| (count + 1, sum + balance(node)));
        let retired = RETIRED.balance();
        let share = (highest.cast_signed() as i64 - retired - listed).max(0) / count;
        self.retired_mark = retired + share;
        self.nodes().for_each(|node| node.mark.set(balance(node) + share));
    }

    /// Has threads look at their marks from now on. The back end tells of rises.
    pub(super) fn begin_surveys(&mut self) {
        self.surveyed = true;
        self.survey();
    }

    /// Takes a survey if threads have marks.
    pub(super) fn survey_if_begun(&mut self) {
        if self.surveyed {
            self.survey();
        }
    }

    /// Takes a survey if the threads that aren't listed have risen past their mark together.
    fn look_at_retired(&mut self) {
        if self.surveyed && RETIRED.balance() > self.retired_mark {
            self.survey();
        }
    }
}

/// Locks the list. Nothing of the back end's may be called meanwhile: it has locks of its own,
/// which `fork` takes in an order that is not ours to choose.
pub(super) fn threads() -> Guard<Threads> {
    THREADS.lock()
}

/// Locks the list, and sees to it that the calling thread, if it is listed, takes no survey before the
/// next one by somebody else: it may allocate while it has the list locked.
pub(super) fn threads_without_surveys() -> Guard<Threads> {
    let threads = threads();
    thread::with_node(|node| node.mark.set(i64::MAX));
    threads
}

/// Looks whether this moment is a new peak.
pub(super) fn survey() {
    threads().survey();
}

/// Takes a survey, unless somebody else has just taken one in which the calling thread, whose node this
/// is, got a mark that it has not passed.
#[cold]
pub(super) fn survey_for(node: &Node) {
    let mut threads = threads();
    if node.balance() > node.mark.height() {
        threads.survey();
    }
}

/// Takes up the guard that the handler before a `fork` has forgotten.
///
/// # Safety
/// As [`Lock::resume`].
pub(super) unsafe fn resume_threads() -> Guard<Threads> {
    // SAFETY: passed on.
    unsafe { THREADS.resume() }
}

/// Arranges for [`thread::thread_ends`] to be run when the calling thread, whose node this is,
/// ends. Returns whether it will be.
pub(super) fn set_destructor(node: &Node) -> bool {
    let mut threads = threads();
    let key = match threads.key {
        Some(key) => key,
        None => {
            fork::install();
            if Imp::TELLS_FOR_NOTHING {
                peak::begin_with(&mut threads);
            }
            *threads.key.insert(Key::new())
        }
    };
    drop(threads);
    key.is_some_and(|key| key.set(node))
}

/// Has all threads watched, and makes a change to the limit or the mark.
pub(super) fn watched(change: impl FnOnce()) {
    let mut threads = threads();
    threads.watch();
    change();
}

/// Puts the calling thread on the list.
pub(super) fn list(node: &Node, counters: ThreadCounters) {
    let mut threads = threads();
    node.counters.set(Some(counters));
    threads.link(node);
    // No share of what is missing to the peak until the next survey.
    node.mark.set(node.balance());
    if node.balance() > 0 {
        threads.survey_if_begun();
    }
    if threads.watched {
        BUDGET.charge(node.watch());
    } else {
        node.set_state(State::Listed);
    }
}

/// Takes the calling thread off the list and adds its figures to the total, in one step for
/// everybody who reads them.
pub(super) fn unlist(node: &Node) {
    let mut threads = threads();
    if matches!(node.state(), State::Listed | State::Watched | State::Diverted) {
        if node.balance() > node.mark.height() {
            threads.survey_if_begun();
        }
        threads.unlink(node);
        threads.retired_mark = threads.retired_mark.saturating_add(node.mark.height());
        if threads.watched {
            BUDGET.put_back(node.room());
        }
        if let Some(counters) = node.counters.take() {
            retire(counters);
        }
    }
}

/// Adds the figures of a thread that was never listed to the total.
pub(super) fn retire_unlisted(counters: ThreadCounters) {
    let mut threads = threads();
    if threads.watched {
        BUDGET.charge(balance(counters));
    }
    retire(counters);
    threads.look_at_retired();
}

/// Adds a thread's figures to the total.
fn retire(counters: ThreadCounters) {
    RETIRED.add(Totals { allocated: load(counters.allocated), deallocated: load(counters.deallocated) });
}

/// Bytes allocated less bytes freed by one thread.
#[inline]
pub(super) fn balance(counters: ThreadCounters) -> i64 {
    load(counters.allocated).wrapping_sub(load(counters.deallocated)).cast_signed()
}

/// Runs an operation of a thread that is not listed, which needs a block of the layout, if any, and
/// adds what it counted to the total.
///
/// The total and the budget are changed together with the list locked, so that whoever begins to
/// watch finds both changed or neither.
pub(super) fn add_difference<R>(layout: Option<Layout>, operation: impl FnOnce() -> R) -> Result<R, Refusal> {
    let mut drawn = 0;
    let watched = threads().watched;
    if let Some(layout) = layout
        && watched
    {
        drawn = BUDGET.draw_for(layout)?;
    }
    let before = Imp::thread_totals();
    let result = operation();
    let after = Imp::thread_totals();
    let difference = Totals {
        allocated: after.allocated.wrapping_sub(before.allocated),
        deallocated: after.deallocated.wrapping_sub(before.deallocated),
    };
    let mut threads = threads();
    RETIRED.add(difference);
    if threads.watched {
        BUDGET.put_back(drawn - difference.allocated.wrapping_sub(difference.deallocated).cast_signed());
    }
    threads.look_at_retired();
    Ok(result)
}

/// Bytes allocated and not freed, on all threads.
///
/// Everything freed is read before anything allocated. A free that was seen follows its allocation,
/// also if another thread did it, so that allocation is seen too, and the difference is never
/// negative: allocations are only ever seen in excess. (Strictly that takes a machine on which
/// stores become visible to all other cores at once, as on x86, Arm and RISC-V. On another one the
/// figure could be low for a moment, but not below 0.)
pub(super) fn in_use() -> usize {
    let threads = threads();
    let mut deallocated = RETIRED.deallocated.load(Ordering::Acquire);
    for counters in threads.counters() {
        deallocated = deallocated.wrapping_add(load(counters.deallocated));
    }
    fence(Ordering::Acquire);
    let mut allocated = RETIRED.allocated.load(Ordering::Relaxed);
    for counters in threads.counters() {
        allocated = allocated.wrapping_add(load(counters.allocated));
    }
    let difference = allocated.wrapping_sub(deallocated).cast_signed();
    usize::try_from(difference).unwrap_or(0)
}

/// Reads a counter that the back end writes on another thread, in C.
///
/// C's store is no atomic one by name, but it is a single 8-byte store (the back end's promise), and
/// this is a single 8-byte load: a value that was stored is seen, old or new, never a mix.
fn load(counter: ptr::NonNull<AtomicU64>) -> u64 {
    // SAFETY: the counter is aligned and can be read: its thread is on the list or is this one, so
    // it has not come to the end of its destructors; or the process is a child of `fork`, in which
    // the memory of the other threads stays as it was. The only other access is the store above.
    unsafe { counter.as_ref() }.load(Ordering::Relaxed)
}
