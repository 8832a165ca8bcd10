//! A block's size from the word in front of it, which is where `malloc_usable_size` looks: a load in the
//! place of a call.
//!
//! That word is the size of the block's chunk, a multiple of 16, and three flags in its lowest bits. A
//! chunk of a heap has all but one word of itself for the block; one with a mapping of its own is left
//! to the C library. This is no promise of the library's. So it is found out first whether the allocator
//! is the library's own, as another one may stand in its place, and whether the word says what the
//! library says. If not, the library is asked every time, and there is no quick way.

use std::ffi::{CStr, c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Whether the word may be read.
static READABLE: AtomicBool = AtomicBool::new(false);

/// Whether it was found out.
static TRIED: AtomicBool = AtomicBool::new(false);

/// The flag of a chunk that has a mapping of its own.
const MAPPED: usize = 2;

/// All flags.
const FLAGS: usize = 7;

/// # Safety
/// `block` is live.
#[inline(always)]
pub(in super::super) unsafe fn usable_size(block: NonNull<u8>) -> usize {
    // Relaxed: whether it is read or asked for, the size is the same.
    if READABLE.load(Ordering::Relaxed) {
        // SAFETY: the caller promises that the block is live, and it is the library's own.
        if let Some(size) = unsafe { read(block) } {
            return size;
        }
    }
    // SAFETY: passed on.
    unsafe { ask(block) }
}

/// Whether the word may be read. Asked after [`prepare`].
pub(in super::super) fn has_quick_way() -> bool {
    READABLE.load(Ordering::Relaxed)
}

/// # Safety
/// `block` is live, and [`has_quick_way`] has said yes.
#[inline(always)]
pub(in super::super) unsafe fn size_on_quick_way(block: NonNull<u8>) -> usize {
    // SAFETY: the caller promises that the block is live, and that it is the library's own.
    unsafe { read(block).unwrap_or_else(|| ask(block)) }
}

/// What the word says, unless the block has a mapping of its own.
///
/// # Safety
/// `block` is a live one of the C library's own.
#[inline(always)]
unsafe fn read(block: NonNull<u8>) -> Option<usize> {
    // SAFETY: a block is aligned to two words, and the word before it is its chunk's. Other threads may
    // change its flags meanwhile, in C by one store.
    let word = unsafe { block.cast::<AtomicUsize>().sub(1).as_ref() }.load(Ordering::Relaxed);
    (word & MAPPED == 0).then(|| (word & !FLAGS).wrapping_sub(size_of::<usize>()))
}

/// What the library says.
///
/// # Safety
/// `block` is live.
#[cold]
#[inline(never)]
unsafe fn ask(block: NonNull<u8>) -> usize {
    // SAFETY: the caller promises that the block is live.
    unsafe { libc::malloc_usable_size(block.as_ptr().cast()) }
}

/// Finds out whether the word may be read. Allocates by the C library only.
pub(in super::super) fn prepare() {
    if !TRIED.load(Ordering::Acquire) {
        // Threads that come here at once find out the same.
        READABLE
            .store(is_the_librarys_own() && !is_checked() && says_what_the_library_says(), Ordering::Relaxed);
        TRIED.store(true, Ordering::Release);
    }
}

/// Whether the program's allocator is the C library's: not one that was linked or loaded before it, such
/// as tcmalloc or a sanitizer's.
fn is_the_librarys_own() -> bool {
    let library = object_of(libc::gnu_get_libc_version as *const c_void);
    let functions = [
        libc::malloc as *const c_void,
        libc::calloc as *const c_void,
        libc::realloc as *const c_void,
        libc::free as *const c_void,
        libc::posix_memalign as *const c_void,
        libc::malloc_usable_size as *const c_void,
    ];
    library.is_some() && functions.iter().all(|&function| object_of(function) == library)
}

/// Where the program or library begins that a function belongs to.
fn object_of(function: *const c_void) -> Option<usize> {
    let mut found = MaybeUninit::<libc::Dl_info>::uninit();
    // SAFETY: any address may be asked about, and what it belongs to is written on success only.
    unsafe { (libc::dladdr(function, found.as_mut_ptr()) != 0).then(|| found.assume_init().dli_fbase.addr()) }
}

/// Whether one of valgrind's tools replaces the allocator, as all those do that have a library for it in
/// the program. They do it behind the functions' addresses, and take the word's place for no block's.
fn is_checked() -> bool {
    unsafe extern "C" fn look(object: *mut libc::dl_phdr_info, _size: usize, checked: *mut c_void) -> c_int {
        // SAFETY: the caller passes an object of the program, with a name that ends with NUL or none.
        let name = unsafe { (*object).dlpi_name };
        if name.is_null() {
            return 0;
        }
        // SAFETY: as above.
        let name = unsafe { CStr::from_ptr(name) }.to_bytes();
        let file = name.rsplit(|&byte| byte == b'/').next().unwrap_or(name);
        if file.starts_with(b"vgpreload_") && !file.starts_with(b"vgpreload_core") {
            // SAFETY: what was given to `dl_iterate_phdr` below.
            unsafe { *checked.cast::<bool>() = true };
        }
        0
    }

    let mut checked = false;
    // SAFETY: `look` gets back the pointer to what stays there meanwhile.
    unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut checked).cast()) };
    checked
}

/// Tries blocks of several sizes.
fn says_what_the_library_says() -> bool {
    const SIZES: [usize; 10] = [1, 24, 25, 64, 120, 1000, 1032, 1040, 5000, 40_000];
    // All live at once, so that each has neighbours.
    // SAFETY: `malloc` takes any size.
    let blocks = SIZES.map(|size| NonNull::new(unsafe { libc::malloc(size) }.cast::<u8>()));
    let mut alike = true;
    for block in blocks {
        // SAFETY: a live block, of the library's own; or null, which `free` takes.
        unsafe {
            alike &= block.is_some_and(|block| read(block).is_none_or(|size| size == ask(block)));
            libc::free(block.map_or(ptr::null_mut(), NonNull::as_ptr).cast());
        }
    }
    alike
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks as they come: fresh, of what was freed, aligned, resized, with mappings of their own, and on
    /// threads with heaps of theirs.
    #[test]
    fn the_word_says_what_the_library_says() {
        prepare();
        assert!(READABLE.load(Ordering::Relaxed), "these tests run on the library's own allocator");
        let body = || {
            let mut live = Vec::new();
            for step in 0..20_000_usize {
                let size = 1 + step * 7919 % [100, 2000, 70_000, 300_000][step % 4];
                // SAFETY: an alignment that is a power of two and a multiple of a word; live blocks, which
                // are resized and freed once.
                unsafe {
                    let mut block = ptr::null_mut();
                    assert_eq!(libc::posix_memalign(&raw mut block, 8 << (step % 10), size), 0);
                    if step % 3 == 0 {
                        block = libc::realloc(block, size / 2 + 1);
                    }
                    let block = NonNull::new(block.cast::<u8>()).expect("memory");
                    let told = ask(block);
                    assert_eq!(usable_size(block), told, "size {size}");
                    assert_eq!(size_on_quick_way(block), told, "size {size}");
                    assert!(read(block).is_none_or(|size| size == told), "size {size}");
                    live.push((block, told));
                    if live.len() > 300 {
                        let (block, told) = live.swap_remove(step * 31 % 300);
                        assert_eq!(usable_size(block), told, "after its neighbours have changed");
                        libc::free(block.as_ptr().cast());
                    }
                }
            }
            // SAFETY: live.
            live.into_iter().for_each(|(block, _)| unsafe { libc::free(block.as_ptr().cast()) });
        };
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(body);
            }
        });
    }

    #[test]
    fn functions_belong_to_objects() {
        let library = object_of(libc::gnu_get_libc_version as *const c_void);
        assert!(library.is_some() && object_of(libc::fork as *const c_void) == library);
        assert_ne!(object_of(prepare as fn() as *const c_void), library);
    }
}
