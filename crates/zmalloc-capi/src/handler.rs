//! The handler of a program in C for requests that were not met.

use std::ffi::c_void;
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// What is called with the size of a request that was not met.
pub type OomHandler = unsafe extern "C" fn(size: usize);

/// An [`OomHandler`]; null until there is one. It stays when the default is restored, so that a
/// thread that is about to call it finds it.
static HANDLER: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// Sets the handler; null for the default.
///
/// # Safety
/// The handler may be called at any time, by any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmalloc_set_oom_handler(oom_handler: Option<OomHandler>) {
    if let Some(handler) = oom_handler {
        HANDLER.store(handler as *mut c_void, Ordering::Release);
    }
    zmalloc::set_oom_handler(oom_handler.map(|_| call as zmalloc::oom::OomHandler));
}

/// Calls the handler. If it returns, the caller aborts.
fn call(size: usize) {
    let handler = HANDLER.load(Ordering::Acquire);
    if !handler.is_null() {
        // SAFETY: what is not null was made from an `OomHandler`, which may be called at any time.
        unsafe { mem::transmute::<*mut c_void, OomHandler>(handler)(size) }
    }
}
