//! jemalloc's events: a call whenever a thread has allocated so many bytes (jemalloc 5.3).
//!
//! jemalloc counts the new block of a resize first, and calls then, before it counts the old one as
//! freed. So a call that comes in the middle of a resize is put off until it is over.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use tikv_jemalloc_sys as ffi;

/// `user_hook_object_s` of jemalloc's `thread_event_registry.h`.
#[repr(C)]
struct UserHook {
    callback: extern "C" fn(is_alloc: bool, allocated: u64, deallocated: u64),
    interval: u64,
    is_alloc_only: bool,
}

/// What jemalloc's call is passed on to: a `fn()`, set before jemalloc is asked to call.
static HOOK: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

/// Whether a thread is in a resize, and whether it was called in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Resize {
    None,
    Going,
    Called,
}

thread_local! {
    static RESIZE: Cell<Resize> = const { Cell::new(Resize::None) };
}

extern "C" fn called(_is_alloc: bool, _allocated: u64, _deallocated: u64) {
    if RESIZE.get() == Resize::None {
        pass_on();
    } else {
        RESIZE.set(Resize::Called);
    }
}

#[cold]
fn pass_on() {
    let hook = HOOK.load(Ordering::Acquire);
    if !hook.is_null() {
        // SAFETY: what is not null was made from a `fn()`.
        let hook = unsafe { std::mem::transmute::<*mut (), fn()>(hook) };
        hook();
    }
}

/// Has `hook` called whenever a thread has allocated so many bytes. Returns whether it will be.
pub(super) fn tell(bytes: u64, hook: fn()) -> bool {
    HOOK.store(hook as *mut (), Ordering::Release);
    let mut object = UserHook { callback: called, interval: bytes, is_alloc_only: true };
    // SAFETY: the name ends with NUL, nothing is to be read, and the node takes an object of this
    // type, whose size it checks, and copies it.
    let errno = unsafe {
        ffi::mallctl(
            c"experimental.hooks.thread_event".as_ptr(),
            ptr::null_mut(),
            ptr::null_mut(),
            (&raw mut object).cast(),
            size_of::<UserHook>(),
        )
    };
    errno == 0
}

/// jemalloc's `rallocx`, with a call put off until it is over.
///
/// # Safety
/// As `rallocx`: the block is live, and the size not 0.
#[inline(always)]
pub(super) unsafe fn rallocx(block: *mut c_void, size: usize, flags: c_int) -> *mut c_void {
    RESIZE.set(Resize::Going);
    // SAFETY: passed on.
    let resized = unsafe { ffi::rallocx(block, size, flags) };
    if RESIZE.replace(Resize::None) == Resize::Called {
        pass_on();
    }
    resized
}
