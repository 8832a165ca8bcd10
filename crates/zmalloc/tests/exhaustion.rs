//! What happens when there is no memory: the limit, the soft mark, reclaimers and injected failures.
//! A program of its own, because the limit is one of the whole process, and reclaimers stay.

use std::alloc::{GlobalAlloc, Layout};
use std::panic;
use std::ptr::NonNull;

use zmalloc::{GOOD_SIZE_IS_EXACT, ZMalloc, set_limit, usable_size, used_memory};

#[path = "exhaustion/injection.rs"]
mod injection;
#[path = "exhaustion/limit.rs"]
mod limit;
#[path = "exhaustion/mark.rs"]
mod mark;
#[path = "ledger/raw_thread.rs"]
mod raw_thread;
#[path = "exhaustion/reclaim.rs"]
mod reclaim;
#[path = "support/rng.rs"]
mod rng;

#[global_allocator]
static ALLOC: ZMalloc = ZMalloc::new();

/// What a thread may hold of the budget without using it, under a limit of up to 32 MiB.
const SLACK: usize = 64 * 1024;

/// What a request of up to 4 MiB may need beyond its size, where the back end can't tell a block's size
/// in advance.
const SPARE: usize = if GOOD_SIZE_IS_EXACT { 0 } else { 1280 * 1024 };

fn main() {
    let checks: &[(&str, fn())] = &[
        ("threads_that_run_already_are_held_up", limit::threads_that_run_already_are_held_up),
        ("a_limit_is_exact_on_one_thread", limit::a_limit_is_exact_on_one_thread),
        ("refusals_change_nothing", limit::refusals_change_nothing),
        ("a_resize_needs_room_for_both_blocks", limit::a_resize_needs_room_for_both_blocks),
        ("a_limit_below_what_is_in_use", limit::a_limit_below_what_is_in_use),
        ("racing_threads_never_pass_the_limit", limit::racing_threads_never_pass_the_limit),
        ("the_limit_changes_while_threads_race", limit::the_limit_changes_while_threads_race),
        ("what_was_drawn_in_advance_is_void", limit::what_was_drawn_in_advance_is_void),
        ("frees_elsewhere_make_room", limit::frees_elsewhere_make_room),
        ("idle_threads_keep_little_of_a_large_limit", limit::idle_threads_keep_little_of_a_large_limit),
        ("ending_threads_are_held_up_as_well", limit::ending_threads_are_held_up_as_well),
        ("a_child_has_all_of_the_budget", limit::a_child_has_all_of_the_budget),
        ("a_mark_is_told_once", mark::a_mark_is_told_once),
        ("a_mark_needs_no_limit", mark::a_mark_needs_no_limit),
        ("a_callback_may_allocate", mark::a_callback_may_allocate),
        ("every_plan_fails_what_it_says", injection::every_plan_fails_what_it_says),
        ("a_failure_at_every_step_of_a_vector", injection::a_failure_at_every_step_of_a_vector),
        ("a_failure_at_every_step_of_maps", injection::a_failure_at_every_step_of_maps),
        ("a_failure_of_every_function", injection::a_failure_of_every_function),
        ("reclaimers_make_room", reclaim::reclaimers_make_room),
        ("reclaimers_are_called_so_often", reclaim::reclaimers_are_called_so_often),
        ("hopeless_requests_disturb_nobody", reclaim::hopeless_requests_disturb_nobody),
        ("nested_failures_are_returned_at_once", reclaim::nested_failures_are_returned_at_once),
        ("other_threads_reclaim_meanwhile", reclaim::other_threads_reclaim_meanwhile),
    ];
    // What a failed check prints must not fail for lack of memory.
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |failure| {
        set_limit(None);
        print(failure);
    }));
    for (name, check) in checks {
        check();
        set_limit(None);
        println!("{name} ... ok");
    }
}

/// A block taken from the allocator directly.
#[derive(Debug)]
struct Block {
    start: NonNull<u8>,
    layout: Layout,
}

// SAFETY: a block of memory has no ties to a thread.
unsafe impl Send for Block {}

impl Block {
    fn new(size: usize) -> Option<Self> {
        let layout = Layout::from_size_align(size, 8).unwrap();
        // SAFETY: no test asks for 0 bytes.
        let start = NonNull::new(unsafe { ALLOC.alloc(layout) })?;
        Some(Self { start, layout })
    }

    fn usable(&self) -> usize {
        // SAFETY: live until it is dropped.
        unsafe { usable_size(self.start) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: live, with this layout.
        unsafe { ALLOC.dealloc(self.start.as_ptr(), self.layout) };
    }
}

/// Lets so many more bytes be in use.
fn allow(bytes: usize) {
    // Twice, as the first may set the ledger up.
    set_limit(Some(used_memory() + bytes));
    set_limit(Some(used_memory() + bytes));
}
