//! A program of its own, because its checks demand that `used_memory` of the whole process is right
//! to the byte: no test harness may allocate on another thread meanwhile.

use std::alloc::{GlobalAlloc, Layout};
use std::ptr::NonNull;

use zmalloc::{GOOD_SIZE_IS_EXACT, ZMalloc, good_size, usable_size, used_memory};

#[path = "support/checks.rs"]
mod checks;
#[path = "ledger/destructors.rs"]
mod destructors;
#[path = "ledger/forks.rs"]
mod forks;
#[path = "ledger/peak.rs"]
mod peak;
#[path = "ledger/program.rs"]
mod program;
#[path = "ledger/raw_thread.rs"]
mod raw_thread;
#[path = "ledger/threads.rs"]
mod threads;

#[global_allocator]
static ALLOC: ZMalloc = ZMalloc::new();

fn main() {
    let checks: &[(&str, fn())] = &[
        ("random_program_matches_model", program::random_program_matches_model),
        ("refused_requests_change_nothing", program::refused_requests_change_nothing),
        ("peak_is_the_highest_figure_seen", program::peak_is_the_highest_figure_seen),
        ("the_peak_of_a_random_program", peak::the_peak_of_a_random_program),
        ("a_spike_that_nobody_saw", peak::a_spike_that_nobody_saw),
        ("spikes_that_add_up", peak::spikes_that_add_up),
        ("rises_and_falls_that_cancel_out", peak::rises_and_falls_that_cancel_out),
        ("blocks_freed_by_another_thread", threads::blocks_freed_by_another_thread),
        ("threads_that_only_free", threads::threads_that_only_free),
        ("programs_on_many_threads", threads::programs_on_many_threads),
        ("short_lived_threads_leave_nothing", threads::short_lived_threads_leave_nothing),
        ("figure_never_falls_below_what_is_held", threads::figure_never_falls_below_what_is_held),
        ("rust_destructors", destructors::rust_destructors),
        ("key_destructors_in_every_round", destructors::key_destructors_in_every_round),
        ("first_use_in_a_destructor", destructors::first_use_in_a_destructor),
        ("late_blocks_freed_elsewhere", destructors::late_blocks_freed_elsewhere),
        ("child_counts_on_from_parent", forks::child_counts_on_from_parent),
        ("child_of_an_ending_thread", forks::child_of_an_ending_thread),
        ("forks_while_threads_come_and_go", forks::forks_while_threads_come_and_go),
    ];
    checks::run_plain_and_watched(checks);
}

/// A block taken from the allocator directly, freed only when told.
#[derive(Clone, Copy)]
struct Block {
    start: NonNull<u8>,
    layout: Layout,
}

// SAFETY: a block of memory has no ties to a thread.
unsafe impl Send for Block {}

impl Block {
    /// A new block, written to.
    fn new(size: usize) -> Self {
        let layout = Layout::from_size_align(size, 8).unwrap();
        // SAFETY: no test asks for 0 bytes.
        let start = NonNull::new(unsafe { ALLOC.alloc(layout) }).expect("out of memory");
        // SAFETY: the block is that large.
        unsafe { start.write_bytes(0xa5, size) };
        Self { start, layout }
    }

    fn usable(&self) -> usize {
        // SAFETY: the tests use blocks only while they are live.
        let usable = unsafe { usable_size(self.start) };
        assert_size(usable, self.layout);
        usable
    }

    fn free(self) {
        // SAFETY: the tests free each block once.
        unsafe { ALLOC.dealloc(self.start.as_ptr(), self.layout) };
    }
}

/// What is promised of the size of a block with this layout.
fn assert_size(usable: usize, layout: Layout) {
    assert!(usable >= good_size(layout) && good_size(layout) >= layout.size(), "{layout:?}");
    assert!(usable == good_size(layout) || !GOOD_SIZE_IS_EXACT, "{layout:?}");
}

/// How far `used_memory` is above `base`, which it may also be below.
fn since(base: usize) -> isize {
    used_memory().wrapping_sub(base).cast_signed()
}

/// A small generator of pseudo-random numbers (xorshift64*), the same in every run.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number under `limit`.
    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 33) as usize % limit
    }
}
