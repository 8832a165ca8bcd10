//! What happens when a request cannot be met.
//!
//! 1. Memory is given back. If the back end had none, its unused pages are returned to the system,
//!    and the request is attempted again. If that doesn't help, or if the [limit](crate::set_limit)
//!    stood in the way, the program's [reclaimers](Reclaimer) are called, all of them, and it is
//!    attempted again; this is repeated while one of them reports to have freed something, or another
//!    thread is calling them too, at most [`ROUNDS`] times.
//! 2. The request fails, with nothing changed: `GlobalAlloc` returns null, which `try_reserve`
//!    reports as an error; `Allocator` and the functions with `try` in their names return theirs.
//! 3. Where the caller cannot be told, as by [`zmalloc`](crate::zmalloc), the
//!    [handler](set_oom_handler) is called, and the program ends.
//!
//! A request larger than the limit or than the address space fails at once, without the first step.
//! So does one that is made while its thread is in that step: by a reclaimer, that is.
//!
//! `GlobalAlloc` takes the first step once there is a reclaimer, a limit or a soft mark; until then
//! it returns the back end's null as it is, which is what makes it as quick as the back end.

use std::cell::Cell;
use std::fmt::{self, Write};
use std::process;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::thread;

use crate::backend::{Control, Imp};
use crate::ledger;
use crate::request::Refusal;

/// How many times at most the reclaimers are called for one request.
pub const ROUNDS: usize = 8;

/// A part of the program that can give memory up when there is none left, such as a cache.
///
/// ```
/// use std::sync::Mutex;
/// use zmalloc::oom::Reclaimer;
///
/// static CACHE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
/// static RECLAIMER: Reclaimer = Reclaimer::new("cache", |_wanted| {
///     // The thread that needs memory may hold the lock itself.
///     let Ok(mut cache) = CACHE.try_lock() else { return 0 };
///     cache.pop().map_or(0, |entry| entry.capacity())
/// });
///
/// RECLAIMER.register();
/// ```
#[derive(Debug)]
pub struct Reclaimer {
    name: &'static str,
    reclaim: fn(usize) -> usize,
    registered: AtomicBool,
    next: AtomicPtr<Reclaimer>,
}

/// The reclaimer registered last. It leads to the others; none is ever taken off.
static RECLAIMERS: AtomicPtr<Reclaimer> = AtomicPtr::new(ptr::null_mut());

impl Reclaimer {
    /// A reclaimer that is yet to be registered.
    ///
    /// `reclaim` is given the size in bytes of the request that failed, and returns how many bytes
    /// it has freed, 0 if none. It runs inside a request for memory, on any thread, perhaps on
    /// several at the same time. So it must not wait for a lock, only try it: the thread may hold
    /// it. It may allocate, but what it asks for can fail. A panic in it ends the program.
    pub const fn new(name: &'static str, reclaim: fn(usize) -> usize) -> Self {
        Self { name, reclaim, registered: AtomicBool::new(false), next: AtomicPtr::new(ptr::null_mut()) }
    }

    /// What the program calls it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Has it called from now on, for good. A second time changes nothing.
    pub fn register(&'static self) {
        if self.registered.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut first = RECLAIMERS.load(Ordering::Relaxed);
        loop {
            self.next.store(first, Ordering::Relaxed);
            let own = ptr::from_ref(self).cast_mut();
            match RECLAIMERS.compare_exchange_weak(first, own, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(other) => first = other,
            }
        }
        ledger::watch_threads();
    }

    /// The registered reclaimers, the last one first.
    fn all() -> impl Iterator<Item = &'static Self> {
        let mut next = RECLAIMERS.load(Ordering::Acquire);
        std::iter::from_fn(move || {
            // SAFETY: null, or a reclaimer that was registered through a `'static` reference.
            let reclaimer = unsafe { next.as_ref() }?;
            next = reclaimer.next.load(Ordering::Relaxed);
            Some(reclaimer)
        })
    }
}

thread_local! {
    /// Whether the thread is in a function of the program's that this crate has called.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Calls back into the program, unless the thread is in such a call already. Returns `None` then.
///
/// `GlobalAlloc` may not unwind: a panic ends the program.
pub(crate) fn call_program<R>(body: impl FnOnce() -> R) -> Option<R> {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            BUSY.set(false);
        }
    }
    struct AbortOnUnwind;
    impl Drop for AbortOnUnwind {
        fn drop(&mut self) {
            process::abort();
        }
    }
    if BUSY.replace(true) {
        return None;
    }
    let _leave = Leave;
    let unwinding = AbortOnUnwind;
    let result = body();
    std::mem::forget(unwinding);
    Some(result)
}

/// How many threads call the reclaimers.
static RECOVERING: AtomicUsize = AtomicUsize::new(0);

/// Counts the calling thread among them until it is dropped.
struct Recovering;

impl Recovering {
    fn begin() -> Self {
        RECOVERING.fetch_add(1, Ordering::Relaxed);
        Self
    }

    fn is_alone() -> bool {
        RECOVERING.load(Ordering::Relaxed) == 1
    }
}

impl Drop for Recovering {
    fn drop(&mut self) {
        RECOVERING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Gives memory back and attempts a request again, as the module describes.
#[cold]
pub(crate) fn recover(
    size: usize,
    refusal: Refusal,
    mut attempt: impl FnMut() -> Result<NonNull<u8>, Refusal>,
) -> Option<NonNull<u8>> {
    call_program(|| {
        let mut refusal = refusal;
        // The limit is about blocks, and unused pages hold none.
        if refusal == Refusal::BackEnd && Imp::purge().is_ok() {
            match attempt() {
                Ok(block) => return Some(block),
                Err(reason) => refusal = reason,
            }
        }
        let _counted = Recovering::begin();
        for _ in 0..ROUNDS {
            let alone = Recovering::is_alone();
            let freed = Reclaimer::all().fold(0_usize, |sum, each| sum.saturating_add((each.reclaim)(size)));
            if freed == 0 {
                if alone {
                    return None;
                }
                // Another thread has the locks, and frees.
                thread::yield_now();
            }
            if refusal == Refusal::BackEnd {
                // Should this fail, the attempt will.
                let _ = Imp::purge();
            }
            match attempt() {
                Ok(block) => return Some(block),
                Err(reason) => refusal = reason,
            }
        }
        None
    })
    .flatten()
}

/// What is called when a function that cannot report a failure has failed.
pub type OomHandler = fn(size: usize);

/// An [`OomHandler`], or null for the default.
static HANDLER: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

/// Sets the function that the aborting forms, such as [`zmalloc`](crate::zmalloc), call with the
/// size of the request when there is no memory. With `None` it is the default again, which writes the
/// size and the ledger's figures to standard error, without allocating, and aborts.
///
/// The handler may end the program or panic. If it returns, the program is aborted. Requests that
/// fail while it runs fail as others do.
pub fn set_oom_handler(handler: Option<OomHandler>) {
    HANDLER.store(handler.map_or(ptr::null_mut(), |handler| handler as *mut ()), Ordering::Release);
}

/// Calls the handler for a request that was not met.
#[cold]
pub(crate) fn fail(size: usize) -> ! {
    let handler = HANDLER.load(Ordering::Acquire);
    if handler.is_null() {
        report(size);
    } else {
        // SAFETY: what is not null was made from an `OomHandler`.
        let handler = unsafe { std::mem::transmute::<*mut (), OomHandler>(handler) };
        handler(size);
    }
    process::abort();
}

/// The default handler's report.
fn report(size: usize) {
    let mut line = Line { bytes: [0; 256], length: 0 };
    // It holds more than the longest of these lines.
    let _ = write!(
        line,
        "zmalloc: out of memory allocating {size} bytes; in use: {} bytes, at the peak: {} bytes",
        ledger::used_memory(),
        ledger::peak_memory(),
    );
    let _ = match ledger::limit() {
        Some(limit) => writeln!(line, ", limit: {limit} bytes"),
        None => writeln!(line),
    };
    // SAFETY: so many bytes of the line can be read. If it can't be written there is nobody to tell.
    unsafe { libc::write(libc::STDERR_FILENO, line.bytes.as_ptr().cast(), line.length) };
}

/// A line of text that is put together on the stack.
struct Line {
    bytes: [u8; 256],
    length: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.get_mut(self.length..self.length + text.len()).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length += text.len();
        Ok(())
    }
}
