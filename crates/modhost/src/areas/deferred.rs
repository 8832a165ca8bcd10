//! What modules put off until the command that runs is done: then they may write again.

use std::collections::VecDeque;
use std::ffi::c_int;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::Engine;
use module_abi::constants::{ERR, OK};
use module_abi::types::PostNotificationJobFunc;

use crate::api::export;
use crate::areas::Hooks;
use crate::context::Ctx;
use crate::guard::Data;
use crate::lend::{lend, with_engine};
use crate::slot::Slot;

/// Frees what a job works on.
type FreeFunc = unsafe extern "C" fn(data: Data);

/// What a module has put off until the command is done.
#[derive(Debug)]
struct Job {
    /// Which jobs, of whichever module, are done before it.
    order: u64,
    db: usize,
    function: PostNotificationJobFunc,
    data: Data,
    free: Option<FreeFunc>,
}

// SAFETY: the data is the module's, which shares it with the thread that has the engine, by which jobs are done.
unsafe impl Send for Job {}

/// The jobs of a module.
#[derive(Debug, Default)]
struct Jobs(VecDeque<Job>);

/// The number of the next job.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Does what modules have put off, in the order in which they have, and what that puts off.
pub(crate) fn run(engine: &mut Engine, slots: &[&'static Slot]) {
    let order = |slot: &&&'static Slot| {
        let first = |Jobs(jobs): &mut Jobs| jobs.front().map_or(u64::MAX, |job| job.order);
        slot.with_state(first)
    };
    while let Some(slot) = slots.iter().min_by_key(order)
        && let Some(job) = slot.with_state(|Jobs(jobs): &mut Jobs| jobs.pop_front())
    {
        let ctx = Ctx::detached(slot);
        ctx.own_db.set(job.db);
        lend(engine, || {
            // SAFETY: the functions are given what they are documented to be given; the data is freed once.
            unsafe {
                (job.function)(ctx.as_raw(), job.data);
                job.free();
            }
            ctx.finish();
        });
    }
}

impl Job {
    /// Frees what the job works on.
    ///
    /// # Safety
    /// This is done once, and the job isn't done afterwards.
    unsafe fn free(&self) {
        if let Some(free) = self.free {
            // SAFETY: the module has passed both for each other; once, by the caller's word.
            unsafe { free(self.data) };
        }
    }
}

pub(crate) const HOOKS: Hooks = Hooks { keeps: |_| None, forget };

fn forget(slot: &'static Slot, engine: &mut Engine) {
    let Jobs(jobs) = slot.with_state(std::mem::take);
    // SAFETY: the jobs are dropped undone; the module is still loaded.
    lend(engine, || jobs.iter().for_each(|job| unsafe { job.free() }));
}

export! {
    /// What is put off is done as soon as the command that runs is done, with all that belongs to it.
    fn AddPostNotificationJob(
        ctx: &Ctx,
        function: Option<PostNotificationJobFunc>,
        data: Data,
        free: Option<FreeFunc>,
    ) -> c_int {
        let Some(function) = function else { return ERR };
        let order = NEXT.fetch_add(1, Ordering::Relaxed);
        let job = Job { order, db: ctx.db(), function, data, free };
        ctx.slot.with_state(|Jobs(jobs): &mut Jobs| jobs.push_back(job));
        with_engine(Engine::call_after_command);
        OK
    }
}
