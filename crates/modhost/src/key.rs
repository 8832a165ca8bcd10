//! Keys that modules have open.

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

use engine::{Engine, Look};
use keyspace::{EntryRef, ValueType};
use module_abi::constants::{key_mode, options};
use module_abi::types;

use crate::charge::{Handed, Held};
use crate::context::Ctx;
use crate::counters::Kind;
use crate::data_type::DataType;
use crate::guard::FromRaw;
use crate::lend::{self, with_engine};
use crate::slot::Slot;
use crate::string::{Str, StrRef};

/// What stands behind a `RedisModuleKey *`. It holds the key's name, and looks the value up when it is asked for it.
#[derive(Debug)]
pub(crate) struct Key {
    /// The module that has it open.
    pub(crate) slot: &'static Slot,
    /// The context it was opened in, where one was given; that outlives it.
    context: Option<NonNull<Ctx>>,
    pub(crate) db: usize,
    pub(crate) name: StrRef,
    pub(crate) mode: i32,
    /// Whether the key is to be treated as changed when it is closed, which closing it read-only never does.
    signals: Cell<bool>,
    seen: Cell<Glance>,
}

/// What was seen when the key was last looked up, and the engine's [stamp](lend::stamp) since then.
#[derive(Clone, Copy, Debug, Default)]
struct Glance {
    stamp: u64,
    seen: Option<Seen>,
}

/// What there is to know of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) kind: ValueType,
    /// Bytes of a string; 0 for a module's value.
    pub(crate) len: usize,
    pub(crate) expiry: Option<i64>,
    pub(crate) clock: u32,
    /// The type of a module's value, and its address.
    pub(crate) module: Option<(*const DataType, *mut c_void)>,
}

impl Seen {
    fn of(entry: EntryRef<'_>) -> Self {
        // Every type that a value can have here was registered by a module, so is a `DataType`.
        let module = entry.module().map(|value| (Arc::as_ptr(value.kind()).cast(), value.as_ptr()));
        Self {
            kind: entry.value_type(),
            len: if module.is_some() { 0 } else { entry.string().len() },
            expiry: entry.expiry(),
            clock: entry.clock(),
            module,
        }
    }
}

impl Key {
    /// Opens a key; `None` where it isn't there and isn't to be written.
    pub(crate) fn open(ctx: &Ctx, name: &Str, mode: i32) -> Option<Self> {
        let db = ctx.db();
        let look = look(mode);
        let seen = with_engine(|engine| {
            // What is past its time and only left in place isn't there either.
            let is_left = look.expired_too && mode & key_mode::OPEN_KEY_ACCESS_EXPIRED == 0;
            let since = if is_left { engine.clock().now_ms() } else { i64::MIN };
            let seen = engine.look_up(db, name.bytes(), look, Seen::of);
            seen.filter(|seen| seen.expiry.is_none_or(|expiry| since < expiry))
        })?;
        (seen.is_some() || mode & key_mode::WRITE != 0).then(|| Self {
            slot: ctx.slot,
            context: Some(NonNull::from(ctx)),
            db,
            name: name.retain(),
            mode,
            signals: Cell::new(true),
            seen: Cell::new(Glance { stamp: lend::stamp(), seen }),
        })
    }

    /// A key that is about to go, to be read as it is.
    pub(crate) fn going(ctx: &Ctx, db: usize, name: &[u8]) -> Self {
        Self {
            slot: ctx.slot,
            context: Some(NonNull::from(ctx)),
            db,
            name: StrRef::new(name),
            mode: key_mode::READ | key_mode::OPEN_KEY_NOEFFECTS | key_mode::OPEN_KEY_ACCESS_EXPIRED,
            signals: Cell::new(true),
            seen: Cell::default(),
        }
    }

    /// The context that the key was opened in.
    pub(crate) fn context(&self) -> Option<&Ctx> {
        // SAFETY: the module closes its keys before their context ends, or leaves that to the context.
        self.context.map(|context| unsafe { context.as_ref() })
    }

    /// Whether the key was opened to be written.
    pub(crate) fn is_writable(&self) -> bool {
        self.mode & key_mode::WRITE != 0
    }

    /// The key's bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.name.bytes()
    }

    /// Looks at the value, which leaves no trace; `None` where there is none. It isn't looked up again as long as
    /// nobody can have changed it.
    #[inline]
    pub(crate) fn look(&self) -> Option<Seen> {
        let stamp = self.seen.get().stamp;
        let is_fresh = stamp != 0 && stamp == lend::stamp();
        if is_fresh || self.look_again() { self.seen.get().seen } else { None }
    }

    /// Says whether that was possible.
    #[inline(never)]
    fn look_again(&self) -> bool {
        let silent = Look {
            touch: false,
            notify_miss: false,
            count: false,
            expired_too: self.mode & key_mode::OPEN_KEY_ACCESS_EXPIRED != 0,
        };
        let looked = with_engine(|engine| engine.look_up(self.db, self.bytes(), silent, Seen::of));
        if let Some(seen) = looked {
            self.seen.set(Glance { stamp: lend::stamp(), seen });
        }
        looked.is_some()
    }

    /// Uses the engine on the database and the name of the key.
    pub(crate) fn with_engine<R>(&self, body: impl FnOnce(&mut Engine, usize, &[u8]) -> R) -> Option<R> {
        with_engine(|engine| body(engine, self.db, self.bytes()))
    }

    /// As a module knows it.
    pub(crate) fn into_raw(self) -> *mut types::Key {
        Handed::new(self).into_raw()
    }

    /// Takes a key back.
    ///
    /// # Safety
    /// It is one that [`Self::into_raw`] gave, and that nobody uses any more.
    pub(crate) unsafe fn from_raw(raw: *mut types::Key) -> Option<Handed<Self>> {
        // SAFETY: by the caller's word.
        unsafe { Handed::from_raw(raw) }
    }
}

impl Held for Key {
    const KIND: Kind = Kind::Key;

    fn holder(&self) -> &'static Slot {
        self.slot
    }
}

impl Drop for Key {
    /// A key that was open for writing counts as changed, unless the module says for itself which are.
    fn drop(&mut self) {
        let says_itself = self.slot.options() & options::OPTION_NO_IMPLICIT_SIGNAL_MODIFIED != 0;
        if self.is_writable() && self.signals.get() && !says_itself {
            with_engine(|engine| engine.key_changed(self.db, self.name.bytes()));
        }
    }
}

/// What opening a key in this mode does to it.
fn look(mode: i32) -> Look {
    let no = |flag| mode & (flag | key_mode::OPEN_KEY_NOEFFECTS) == 0;
    Look {
        touch: no(key_mode::OPEN_KEY_NOTOUCH),
        notify_miss: no(key_mode::OPEN_KEY_NONOTIFY) && mode & key_mode::WRITE == 0,
        count: no(key_mode::OPEN_KEY_NOSTATS) && mode & key_mode::WRITE == 0,
        expired_too: !no(key_mode::OPEN_KEY_NOEXPIRE | key_mode::OPEN_KEY_ACCESS_EXPIRED),
    }
}

impl FromRaw for Option<&Key> {
    type Raw = *mut types::Key;

    unsafe fn from_raw(raw: *mut types::Key) -> Self {
        // SAFETY: the caller vouches for a key that is open, or NULL.
        unsafe { raw.cast::<Key>().as_ref() }
    }
}
