//! Scanning: all keys of a database, a few at a time.

use std::cell::Cell;
use std::ffi::c_int;

use module_abi::constants::key_mode;
use module_abi::types::{self, ScanFunc, ScanKeyFunc};

use crate::api::{export, export_own};
use crate::charge::{Handed, Held};
use crate::context::Ctx;
use crate::counters::Kind;
use crate::guard::{Data, FromRaw, set_errno};
use crate::key::Key;
use crate::lend::with_engine;
use crate::slot::Slot;
use crate::string::StrRef;

/// What stands behind a `RedisModuleScanCursor *`.
#[derive(Debug)]
struct Cursor {
    slot: &'static Slot,
    next: Cell<u64>,
    is_done: Cell<bool>,
}

impl FromRaw for &Cursor {
    type Raw = *mut types::ScanCursor;

    unsafe fn from_raw(raw: *mut types::ScanCursor) -> Self {
        assert!(!raw.is_null(), "a cursor");
        // SAFETY: the caller vouches for a cursor that is there.
        unsafe { &*raw.cast::<Cursor>() }
    }
}

impl Held for Cursor {
    const KIND: Kind = Kind::Other;

    fn holder(&self) -> &'static Slot {
        self.slot
    }
}

export_own! {
    fn ScanCursorCreate(slot;) -> *mut types::ScanCursor {
        Handed::new(Cursor { slot, next: Cell::new(0), is_done: Cell::new(false) }).into_raw()
    }
}

export! {
    fn ScanCursorRestart(cursor: &Cursor) {
        cursor.next.set(0);
        cursor.is_done.set(false);
    }

    fn ScanCursorDestroy(cursor: *mut types::ScanCursor) {
        // SAFETY: the module gives up a cursor that it was given, or passes NULL.
        drop(unsafe { Handed::<Cursor>::from_raw(cursor) });
    }

    /// Gives a few keys to the function; whether there are more.
    fn Scan(ctx: &Ctx, cursor: &Cursor, function: Option<ScanFunc>, data: Data) -> c_int {
        if cursor.is_done.get() {
            set_errno(libc::ENOENT);
            return 0;
        }
        let db = ctx.db();
        let mut keys = Vec::new();
        let next = with_engine(|engine| {
            engine.scan_keys(db, cursor.next.get(), |entry| keys.push(entry.key().to_vec()))
        });
        let next = next.unwrap_or(0);
        cursor.next.set(next);
        cursor.is_done.set(next == 0);
        for name in keys {
            show(ctx, &name, function, data);
        }
        set_errno(0);
        c_int::from(next != 0)
    }

    /// Gives elements of a collection to the function. There are no keys here whose elements a scan could show.
    fn ScanKey(_key: Option<&Key>, _cursor: &Cursor, _function: Option<ScanKeyFunc>, _data: Data) -> c_int {
        set_errno(libc::EINVAL);
        0
    }
}

/// Gives a key to a module's function, unless that has removed it before.
fn show(ctx: &Ctx, name: &[u8], function: Option<ScanFunc>, data: Data) {
    let name = StrRef::charged(name, ctx.slot);
    let mode = key_mode::READ | key_mode::OPEN_KEY_NOEFFECTS | key_mode::OPEN_KEY_ACCESS_EXPIRED;
    let (Some(function), Some(key)) = (function, Key::open(ctx, &name, mode)) else { return };
    let key = key.into_raw();
    // SAFETY: the module vouches for its function; what it is given is there until it returns.
    unsafe {
        function(ctx.as_raw(), name.as_raw(), key, data);
        drop(Key::from_raw(key));
    }
}
