//! A defragmentation under way, as modules see it: `RedisModuleDefragCtx *`.

use std::alloc::Layout;
use std::cell::RefCell;
use std::ptr::NonNull;

use keyspace::{Defrag, Place};
use module_abi::types;

use crate::guard::FromRaw;
use crate::slot::Slot;
use crate::string::StrRef;

/// What a callback is given that moves a module's blocks.
pub(crate) struct DefragCtx<'a> {
    pub(crate) slot: &'static Slot,
    pub(crate) defrag: RefCell<&'a mut (dyn Defrag + 'a)>,
    /// The number of the database and the key of the value; nowhere if the blocks belong to none.
    pub(crate) place: Option<(usize, StrRef)>,
}

impl<'a> DefragCtx<'a> {
    /// For a value of a key, which can be moved bit by bit.
    pub(crate) fn of_value(
        slot: &'static Slot,
        place: Place<'_>,
        defrag: &'a mut (dyn Defrag + 'a),
    ) -> DefragCtx<'a> {
        Self { slot, defrag: defrag.into(), place: Some((place.db, StrRef::new(place.key))) }
    }

    /// For what a module holds beside the keys, which is moved at one go.
    pub(crate) fn of_module(slot: &'static Slot, defrag: &'a mut (dyn Defrag + 'a)) -> DefragCtx<'a> {
        Self { slot, defrag: defrag.into(), place: None }
    }

    /// As a module knows it.
    pub(crate) fn as_raw(&self) -> *mut types::DefragCtx {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    /// Moves a block, if it lies where it should not.
    ///
    /// # Safety
    /// It is a live block of the family. If another is given back, that has taken its place.
    pub(crate) unsafe fn block(&self, block: NonNull<u8>) -> Option<NonNull<u8>> {
        // SAFETY: by the caller's word it is live.
        let usable = unsafe { zmalloc::zmalloc_usable_size(Some(block)) };
        // The class is that of the usable size, whatever was asked for. A block of that class has the same alignment.
        let layout = Layout::from_size_align(usable, align_of::<u64>()).ok()?;
        // SAFETY: passed on.
        unsafe { self.defrag.borrow_mut().block(block, layout) }
    }
}

impl FromRaw for &DefragCtx<'_> {
    type Raw = *mut types::DefragCtx;

    unsafe fn from_raw(raw: *mut types::DefragCtx) -> Self {
        assert!(!raw.is_null(), "a defragmentation");
        // SAFETY: the caller vouches for what its callback was given.
        unsafe { &*raw.cast() }
    }
}
