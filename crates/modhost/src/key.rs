//! Keys that modules have open.

use std::cell::Cell;
use std::ptr::NonNull;

use engine::{Engine, Look};
use module_abi::constants::{key_mode, options};
use module_abi::types;

use crate::context::Ctx;
use crate::guard::FromRaw;
use crate::lend::with_engine;
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
}

impl Key {
    /// Opens a key; `None` where it isn't there and isn't to be written.
    pub(crate) fn open(ctx: &Ctx, name: &Str, mode: i32) -> Option<Self> {
        let db = ctx.db();
        let is_there = with_engine(|engine| engine.look_up(db, name.bytes(), look(mode)).is_some())?;
        (is_there || mode & key_mode::WRITE != 0).then(|| Self {
            slot: ctx.slot,
            context: Some(NonNull::from(ctx)),
            db,
            name: name.retain(),
            mode,
            signals: Cell::new(true),
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

    /// Looks at the value, which leaves no trace; `None` where there is none.
    pub(crate) fn with_entry<R>(&self, body: impl FnOnce(keyspace::EntryRef<'_>) -> R) -> Option<R> {
        let silent = Look {
            touch: false,
            notify_miss: false,
            count: false,
            expired_too: self.mode & key_mode::OPEN_KEY_ACCESS_EXPIRED != 0,
        };
        with_engine(|engine| engine.look_up(self.db, self.bytes(), silent).map(body)).flatten()
    }

    /// Uses the engine on the database and the name of the key.
    pub(crate) fn with_engine<R>(&self, body: impl FnOnce(&mut Engine, usize, &[u8]) -> R) -> Option<R> {
        with_engine(|engine| body(engine, self.db, self.bytes()))
    }

    /// As a module knows it.
    pub(crate) fn into_raw(self) -> *mut types::Key {
        Box::into_raw(Box::new(self)).cast()
    }

    /// Takes a key back.
    ///
    /// # Safety
    /// It is one that [`Self::into_raw`] gave, and that nobody uses any more.
    pub(crate) unsafe fn from_raw(raw: *mut types::Key) -> Option<Box<Self>> {
        // SAFETY: by the caller's word.
        (!raw.is_null()).then(|| unsafe { Box::from_raw(raw.cast::<Self>()) })
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
        expired_too: mode & key_mode::OPEN_KEY_ACCESS_EXPIRED != 0,
    }
}

impl FromRaw for Option<&Key> {
    type Raw = *mut types::Key;

    unsafe fn from_raw(raw: *mut types::Key) -> Self {
        // SAFETY: the caller vouches for a key that is open, or NULL.
        unsafe { raw.cast::<Key>().as_ref() }
    }
}
