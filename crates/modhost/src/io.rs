//! What is being saved or loaded: `RedisModuleIO *`; a digest in the making; the keys that a callback is about.

use std::cell::{Cell, RefCell};

use keyspace::{Corrupt, Digest, Load, Place, Rewrite, Save};
use module_abi::types;

use crate::context::Ctx;
use crate::guard::FromRaw;
use crate::slot::Slot;
use crate::string::StrRef;

/// A value that is being saved, loaded, or written as commands.
pub(crate) struct Io<'a> {
    pub(crate) slot: &'static Slot,
    pub(crate) medium: RefCell<Medium<'a>>,
    /// Whether something went wrong, after which nothing more is read or written.
    pub(crate) has_failed: Cell<bool>,
    /// Where the value stands: the number of the database and the key; nowhere if a module has it for itself.
    pub(crate) place: Option<(usize, StrRef)>,
    /// The context that GetContextFromIO gives, made when it is asked for.
    context: RefCell<Option<Box<Ctx>>>,
}

/// Where the parts of a value go, or come from.
pub(crate) enum Medium<'a> {
    Save(&'a mut dyn Save),
    Load(&'a mut dyn Load),
    Rewrite(&'a mut dyn Rewrite),
}

impl<'a> Io<'a> {
    pub(crate) fn new(slot: &'static Slot, place: Option<Place<'_>>, medium: Medium<'a>) -> Self {
        Self {
            slot,
            medium: RefCell::new(medium),
            has_failed: Cell::new(false),
            place: place.map(|place| (place.db, StrRef::new(place.key))),
            context: RefCell::new(None),
        }
    }

    /// As a module knows it.
    pub(crate) fn as_raw(&self) -> *mut types::Io {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    /// The context that goes with it.
    pub(crate) fn context(&self) -> *mut types::Ctx {
        let mut context = self.context.borrow_mut();
        let context = context.get_or_insert_with(|| {
            let ctx = Ctx::detached(self.slot);
            ctx.own_db.set(self.place.as_ref().map_or(0, |(db, _)| *db));
            Box::new(ctx)
        });
        context.as_raw()
    }

    /// Saves a part; after a failure, and where nothing is being saved, that does nothing.
    pub(crate) fn save(&self, save: impl FnOnce(&mut dyn Save)) {
        if let Medium::Save(medium) = &mut *self.medium.borrow_mut()
            && !self.has_failed.get()
        {
            save(*medium);
            self.has_failed.set(medium.has_failed());
        }
    }

    /// Loads a part; `None` after a failure, and where nothing is being loaded.
    pub(crate) fn load<T>(&self, load: impl FnOnce(&mut dyn Load) -> Result<T, Corrupt>) -> Option<T> {
        if self.has_failed.get() {
            return None;
        }
        let Medium::Load(medium) = &mut *self.medium.borrow_mut() else { return None };
        let loaded = load(*medium);
        self.has_failed.set(loaded.is_err());
        loaded.ok()
    }
}

impl FromRaw for &Io<'_> {
    type Raw = *mut types::Io;

    unsafe fn from_raw(raw: *mut types::Io) -> Self {
        assert!(!raw.is_null(), "what is being saved or loaded");
        // SAFETY: the caller vouches for what its callback was given.
        unsafe { &*raw.cast() }
    }
}

/// A digest in the making.
pub(crate) struct DigestInMaking<'a> {
    pub(crate) digest: RefCell<&'a mut dyn Digest>,
    pub(crate) db: usize,
    pub(crate) key: StrRef,
}

impl DigestInMaking<'_> {
    /// As a module knows it.
    pub(crate) fn as_raw(&self) -> *mut types::Digest {
        std::ptr::from_ref(self).cast_mut().cast()
    }
}

impl FromRaw for &DigestInMaking<'_> {
    type Raw = *mut types::Digest;

    unsafe fn from_raw(raw: *mut types::Digest) -> Self {
        assert!(!raw.is_null(), "a digest");
        // SAFETY: the caller vouches for what its callback was given.
        unsafe { &*raw.cast() }
    }
}

/// The keys that a callback of a type is about: `RedisModuleKeyOptCtx *`.
#[derive(Debug)]
pub(crate) struct KeyOptCtx {
    /// The key, and the number of its database.
    pub(crate) from: Option<(StrRef, usize)>,
    /// The key that it is copied to.
    pub(crate) to: Option<(StrRef, usize)>,
}

impl KeyOptCtx {
    pub(crate) fn new(from: Place<'_>, to: Option<Place<'_>>) -> Self {
        let own = |place: Place<'_>| (StrRef::new(place.key), place.db);
        Self { from: Some(own(from)), to: to.map(own) }
    }

    /// As a module knows it.
    pub(crate) fn as_raw(&self) -> *mut types::KeyOptCtx {
        std::ptr::from_ref(self).cast_mut().cast()
    }
}

impl FromRaw for &KeyOptCtx {
    type Raw = *mut types::KeyOptCtx;

    unsafe fn from_raw(raw: *mut types::KeyOptCtx) -> Self {
        assert!(!raw.is_null(), "the keys that a callback is about");
        // SAFETY: the caller vouches for what its callback was given.
        unsafe { &*raw.cast() }
    }
}
