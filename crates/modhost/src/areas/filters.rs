//! Command filters: modules see every command before it runs, and may change its arguments.

use std::cell::RefCell;
use std::ffi::{c_int, c_ulonglong};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::Engine;
use module_abi::constants::{ERR, OK, filter};
use module_abi::types::{self, CommandFilterFunc, ModuleString};

use crate::api::export;
use crate::areas::Hooks;
use crate::context::Ctx;
use crate::guard::FromRaw;
use crate::lend::{lend, with_engine};
use crate::slot::Slot;
use crate::string::StrRef;

/// A filter of a module, which knows it by its address.
#[derive(Debug)]
struct Filter {
    /// Which filters, of whichever module, come before it.
    order: u64,
    function: CommandFilterFunc,
    /// Whether it leaves out what its own module calls.
    leaves_own: bool,
}

/// The filters of a module.
#[derive(Debug, Default)]
#[allow(clippy::vec_box, reason = "a filter is known by its address")]
struct Filters(Vec<Box<Filter>>);

static NEXT: AtomicU64 = AtomicU64::new(0);

/// What stands behind a `RedisModuleCommandFilterCtx *`.
#[derive(Debug)]
pub(crate) struct FilterCtx {
    args: RefCell<Vec<StrRef>>,
    client: u64,
}

impl FromRaw for &FilterCtx {
    type Raw = *mut types::CommandFilterCtx;

    unsafe fn from_raw(raw: *mut types::CommandFilterCtx) -> Self {
        assert!(!raw.is_null(), "a command");
        // SAFETY: the caller vouches for the one that its filter was given.
        unsafe { &*raw.cast::<FilterCtx>() }
    }
}

/// How many filters a module has.
pub(crate) fn count(slot: &'static Slot) -> usize {
    slot.with_state(|Filters(all): &mut Filters| all.len())
}

/// Shows the filters a command of a client, or one that the module in the slot `caller` calls; gives its arguments
/// where there was a filter.
pub(crate) fn run(
    engine: &mut Engine,
    slots: impl Iterator<Item = &'static Slot>,
    client: u64,
    caller: Option<&'static Slot>,
    args: &[&[u8]],
) -> Option<Vec<Vec<u8>>> {
    let mut all: Vec<(u64, CommandFilterFunc)> = Vec::new();
    for slot in slots {
        let is_own = caller.is_some_and(|caller| caller.index() == slot.index());
        slot.with_state(|Filters(filters): &mut Filters| {
            let wanting = filters.iter().filter(|filter| !(is_own && filter.leaves_own));
            all.extend(wanting.map(|filter| (filter.order, filter.function)));
        });
    }
    if all.is_empty() {
        return None;
    }
    all.sort_unstable_by_key(|(order, _)| *order);
    let args = args.iter().map(|arg| StrRef::new(arg)).collect();
    let ctx = FilterCtx { args: RefCell::new(args), client };
    lend(engine, || {
        for (_, function) in all {
            // SAFETY: the function is given what it is documented to be given.
            unsafe { function(ptr::from_ref(&ctx).cast_mut().cast()) };
        }
    });
    Some(ctx.args.take().iter().map(|arg| arg.bytes().to_vec()).collect())
}

pub(crate) const HOOKS: Hooks = Hooks { keeps: |_| None, forget };

fn forget(slot: &'static Slot, _engine: &mut Engine) {
    slot.with_state(|Filters(all): &mut Filters| all.clear());
}

/// The place of an argument, below `len`.
fn place(at: c_int, len: usize) -> Option<usize> {
    usize::try_from(at).ok().filter(|at| *at < len)
}

export! {
    fn RegisterCommandFilter(
        ctx: &Ctx,
        function: Option<CommandFilterFunc>,
        flags: c_int,
    ) -> *mut types::CommandFilter {
        let Some(function) = function else { return ptr::null_mut() };
        let order = NEXT.fetch_add(1, Ordering::Relaxed);
        let filter = Box::new(Filter { order, function, leaves_own: flags & filter::NOSELF != 0 });
        let address = ptr::from_ref(&*filter);
        ctx.slot.with_state(|Filters(all): &mut Filters| all.push(filter));
        with_engine(Engine::events_wanted_anew);
        address.cast_mut().cast()
    }

    /// Only a module's own filters.
    fn UnregisterCommandFilter(ctx: &Ctx, filter: *mut types::CommandFilter) -> c_int {
        let was_there = ctx.slot.with_state(|Filters(all): &mut Filters| {
            let count = all.len();
            all.retain(|other| !ptr::eq(&raw const **other, filter.cast_const().cast()));
            all.len() != count
        });
        with_engine(Engine::events_wanted_anew);
        if was_there { OK } else { ERR }
    }

    fn CommandFilterArgsCount(command: &FilterCtx) -> c_int {
        command.args.borrow().len() as c_int
    }

    fn CommandFilterArgGet(command: &FilterCtx, at: c_int) -> *mut ModuleString {
        let args = command.args.borrow();
        place(at, args.len()).map_or(ptr::null_mut(), |at| args[at].as_raw())
    }

    /// The module gives the string up.
    fn CommandFilterArgInsert(command: &FilterCtx, at: c_int, arg: *mut ModuleString) -> c_int {
        let mut args = command.args.borrow_mut();
        let Some(at) = place(at, args.len() + 1) else { return ERR };
        // SAFETY: the module passes a string that it gives up.
        let Some(arg) = (unsafe { StrRef::from_raw(arg) }) else { return ERR };
        args.insert(at, arg);
        OK
    }

    /// The module gives the string up.
    fn CommandFilterArgReplace(command: &FilterCtx, at: c_int, arg: *mut ModuleString) -> c_int {
        let mut args = command.args.borrow_mut();
        let Some(at) = place(at, args.len()) else { return ERR };
        // SAFETY: the module passes a string that it gives up.
        let Some(arg) = (unsafe { StrRef::from_raw(arg) }) else { return ERR };
        args[at] = arg;
        OK
    }

    fn CommandFilterArgDelete(command: &FilterCtx, at: c_int) -> c_int {
        let mut args = command.args.borrow_mut();
        let Some(at) = place(at, args.len()) else { return ERR };
        args.remove(at);
        OK
    }

    /// 0 for what a module calls.
    fn CommandFilterGetClientId(command: &FilterCtx) -> c_ulonglong {
        command.client
    }
}
