//! A model of the ledger: its own code, with threads whose every step at an atomic or at the lock is a
//! scheduler's choice (shuttle). Each check runs thousands of random schedules. `cargo xtask test`
//! builds it with `ZMALLOC_MODEL=1`.
//!
//! A thread of the model ends by saying so. The ledger is the process's, so each schedule begins with
//! what the last one left, which is nothing but figures that are at rest.

use std::alloc::Layout;
use std::sync::Arc;

use shuttle::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use shuttle::thread::{self as threads, JoinHandle};

pub(crate) mod atomic;

use super::{admitted, peak_memory, released, set_limit, thread, used_memory};
use crate::backend::{Backend, Imp};

/// The checks share one ledger, which harness threads would use at the same time.
static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn check(schedules: usize, body: fn()) {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    shuttle::check_random(body, schedules);
}

/// A thread that ends in the ledger as well.
fn spawn(body: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    threads::spawn(move || {
        body();
        end();
    })
}

/// What the destructor does.
fn end() {
    // SAFETY: the node is the calling thread's, whose storage exists.
    unsafe { thread::thread_ends(thread::node().cast_mut().cast()) };
}

/// A block, which any thread may free.
struct Block {
    start: usize,
    layout: Layout,
}

impl Block {
    fn new(size: usize) -> Option<Self> {
        let layout = Layout::from_size_align(size, 8).unwrap();
        // SAFETY: the size is not 0.
        let block = admitted(layout, 0, || unsafe { Imp::allocate(layout) }).ok()?;
        assert!(!block.is_null());
        Some(Self { start: block.expose_provenance(), layout })
    }

    fn usable(&self) -> i64 {
        Imp::good_size(self.layout) as i64
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let block = std::ptr::with_exposed_provenance_mut(self.start);
        // SAFETY: live until here, with this layout.
        released(|| unsafe { Imp::deallocate(block, self.layout) });
    }
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// Threads allocate, hand on, free, and end, some freeing after they have ended; another keeps reading.
#[test]
fn a_reader_never_sees_less_than_what_is_held() {
    check(3_000, || {
        let done = Arc::new(AtomicBool::new(false));
        let held = Block::new(40_000).unwrap();
        let base = used_memory();
        let slot = Arc::new(shuttle::sync::Mutex::new(Some(Block::new(1_000).unwrap())));
        let with_slot = used_memory();
        let body = |slot: Arc<shuttle::sync::Mutex<Option<Block>>>| {
            move || {
                for _ in 0..2 {
                    let new = Block::new(1_000);
                    let old = std::mem::replace(&mut *slot.lock().unwrap(), new);
                    drop(old);
                }
                let own = Block::new(500);
                end();
                // As a destructor does that runs later.
                drop(own);
                drop(Block::new(300));
            }
        };
        let writers: Vec<_> = (0..2).map(|_| spawn(body(Arc::clone(&slot)))).collect();
        let reader = spawn({
            let done = Arc::clone(&done);
            move || {
                while !done.load(Ordering::SeqCst) {
                    let figure = used_memory();
                    assert!(figure >= with_slot, "{figure} < {with_slot}");
                    threads::yield_now();
                }
            }
        });
        join(writers);
        done.store(true, Ordering::SeqCst);
        join([reader]);
        assert_eq!(used_memory(), with_slot);
        drop(slot.lock().unwrap().take());
        assert_eq!(used_memory(), base);
        drop(held);
        end();
    });
}

/// What threads hold together, counted while they certainly hold it, stays within the limit; then none
/// of the budget is lost.
#[test]
fn draws_of_several_threads_never_pass_the_limit() {
    const ROOM: usize = 300_000;
    static HELD: AtomicI64 = AtomicI64::new(0);
    check(3_000, || {
        set_limit(Some(used_memory() + ROOM));
        let body = |size: usize| {
            move || {
                for step in 1..4 {
                    let Some(block) = Block::new(size * step) else { continue };
                    let usable = block.usable();
                    let held = HELD.fetch_add(usable, Ordering::SeqCst) + usable;
                    assert!(held <= ROOM as i64, "{held} bytes are held of {ROOM}");
                    HELD.fetch_sub(usable, Ordering::SeqCst);
                    drop(block);
                }
            }
        };
        join([90_000, 70_000, 50_000].map(|size| spawn(body(size))));
        assert!(Block::new(ROOM - 70_000).is_some(), "some of the budget was lost");
        assert!(Block::new(ROOM + 1).is_none());
        set_limit(None);
        end();
    });
}

/// Threads rise and fall by more than what may go unnoticed, while others take surveys.
#[test]
fn the_peak_is_what_threads_held_together() {
    check(3_000, || {
        let peak = peak_memory();
        let size = peak - used_memory() + 300_000;
        let base = used_memory();
        let all_hold = Arc::new(shuttle::sync::Barrier::new(3));
        let body = |size: usize, all_hold: Arc<shuttle::sync::Barrier>| {
            move || {
                drop(Block::new(size / 2));
                let own = Block::new(size);
                all_hold.wait();
                drop(own);
            }
        };
        let sizes = [size / 2, size / 4, size / 4 + 3];
        let top: i64 = sizes.iter().map(|&size| good(size)).sum();
        join(sizes.map(|size| spawn(body(size, Arc::clone(&all_hold)))));
        let peak = peak_memory() as i64 - base as i64;
        assert!(peak <= top, "{peak} is above {top}");
        assert!(peak > top - 3 * 65_536, "{peak} is far below {top}");
        end();
    });
}

fn good(size: usize) -> i64 {
    Imp::good_size(Layout::from_size_align(size, 8).unwrap()) as i64
}
