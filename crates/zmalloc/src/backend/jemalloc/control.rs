//! jemalloc's control tree (`mallctl`), typed.
//!
//! A node is reached by name, or by the numbers that the name stands for (a "MIB"), which saves
//! looking the name up and lets an index be filled in.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;

use tikv_jemalloc_sys as ffi;

use crate::error::ControlError;

/// A type that nodes of the control tree have.
///
/// # Safety
/// Any bit pattern of its size is a value, so that what jemalloc writes can be taken as it is.
pub(super) unsafe trait Value: Copy {}

// SAFETY: an integer has no invalid bit patterns.
unsafe impl Value for usize {}
// SAFETY: as above.
unsafe impl Value for isize {}
// SAFETY: as above.
unsafe impl Value for u64 {}
// SAFETY: as above.
unsafe impl Value for u32 {}
// SAFETY: as above.
unsafe impl Value for u8 {}
// SAFETY: nor has a raw pointer.
unsafe impl Value for *mut u64 {}
// SAFETY: as above.
unsafe impl Value for *const c_char {}

/// The numbers of a node whose name has `N` parts.
#[derive(Clone, Copy)]
pub(super) struct Mib<const N: usize>([usize; N]);

impl<const N: usize> Mib<N> {
    /// Looks a name up. Its indices, if it has any, are those to start from.
    pub(super) fn resolve(name: &CStr) -> Result<Self, ControlError> {
        let mut mib = [0; N];
        let mut length = N;
        // SAFETY: the name ends with NUL and `length` numbers fit into `mib`.
        let errno = unsafe { ffi::mallctlnametomib(name.as_ptr(), mib.as_mut_ptr(), &raw mut length) };
        check(errno)?;
        debug_assert_eq!(length, N, "{name:?} has another number of parts");
        Ok(Self(mib))
    }

    /// The node with another index at this position.
    pub(super) fn with_index(mut self, position: usize, index: usize) -> Self {
        self.0[position] = index;
        self
    }

    /// The numbers.
    pub(super) fn numbers(&self) -> &[usize; N] {
        &self.0
    }

    /// Reads the node. A value of another size than `T`'s is refused (`EINVAL`).
    pub(super) fn read<T: Value>(&self) -> Result<T, ControlError> {
        read_with(|old, old_length| {
            // SAFETY: `old` points to as many writable bytes as `old_length` says, and nothing is
            // to be written to the node.
            unsafe { ffi::mallctlbymib(self.0.as_ptr(), N, old, old_length, ptr::null_mut(), 0) }
        })
    }

    /// Writes the node. A value of another size than the node's is refused (`EINVAL`).
    pub(super) fn write<T: Value>(&self, mut value: T) -> Result<(), ControlError> {
        let new = (&raw mut value).cast();
        // SAFETY: there are `N` numbers, nothing is to be read, and `value` has the size given.
        check(unsafe {
            ffi::mallctlbymib(self.0.as_ptr(), N, ptr::null_mut(), ptr::null_mut(), new, size_of::<T>())
        })
    }
}

/// Reads a node by name. A value of another size than `T`'s is refused (`EINVAL`).
pub(super) fn read_name<T: Value>(name: &CStr) -> Result<T, ControlError> {
    read_with(|old, old_length| {
        // SAFETY: the name ends with NUL, `old` points to as many writable bytes as `old_length`
        // says, and nothing is to be written to the node.
        unsafe { ffi::mallctl(name.as_ptr(), old, old_length, ptr::null_mut(), 0) }
    })
}

/// Writes a node by name. A value of another size than the node's is refused (`EINVAL`).
pub(super) fn write_name<T: Value>(name: &CStr, mut value: T) -> Result<(), ControlError> {
    // SAFETY: the name ends with NUL, nothing is to be read, and `value` has the size given.
    check(unsafe {
        ffi::mallctl(name.as_ptr(), ptr::null_mut(), ptr::null_mut(), (&raw mut value).cast(), size_of::<T>())
    })
}

/// Carries out a node that is a command.
pub(super) fn run(name: &CStr) -> Result<(), ControlError> {
    // SAFETY: the name ends with NUL; nothing is read and nothing written.
    check(unsafe { ffi::mallctl(name.as_ptr(), ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), 0) })
}

/// Gives `call` room for a value, and returns the value if the call succeeds.
fn read_with<T: Value>(call: impl FnOnce(*mut c_void, *mut usize) -> c_int) -> Result<T, ControlError> {
    let mut value = MaybeUninit::<T>::zeroed();
    let mut length = size_of::<T>();
    check(call(value.as_mut_ptr().cast(), &raw mut length))?;
    // SAFETY: every bit pattern is a `Value`, and all bytes were set: zeroed, then overwritten.
    Ok(unsafe { value.assume_init() })
}

fn check(errno: c_int) -> Result<(), ControlError> {
    if errno == 0 { Ok(()) } else { Err(ControlError::from_errno(errno)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_those_of_mallctl() {
        assert_eq!(read_name::<usize>(c"no.such.node").unwrap_err().errno(), libc::ENOENT);
        assert_eq!(read_name::<u8>(c"stats.allocated").unwrap_err().errno(), libc::EINVAL);
        assert_eq!(write_name(c"stats.allocated", 1_usize).unwrap_err().errno(), libc::EPERM);
        assert_eq!(Mib::<2>::resolve(c"stats.nothing").err().unwrap().errno(), libc::ENOENT);
    }

    #[test]
    fn an_index_selects_its_node() {
        let size = Mib::<4>::resolve(c"arenas.bin.0.size").unwrap();
        let first = size.read::<usize>().unwrap();
        let third = size.with_index(2, 2).read::<usize>().unwrap();
        assert_eq!(first, 8);
        assert!(third > first);
    }
}
