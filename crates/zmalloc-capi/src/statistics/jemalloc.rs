//! jemalloc's figures. They are read by name rather than through `zmalloc`'s statistics, since a
//! caller here may ask for those of the last refresh, and for one arena's.

use std::ffi::{CStr, CString, c_uint};
use std::mem::MaybeUninit;
use std::ptr;

use tikv_jemalloc_sys as ffi;

use super::Figures;

/// Stands for all arenas together.
const ALL_ARENAS: c_uint = 4096;

pub(super) fn of_process(refresh: bool) -> Option<Figures> {
    if refresh {
        self::refresh();
    }
    let page: usize = read(c"arenas.page")?;
    Some(Figures {
        allocated: read(c"stats.allocated")?,
        active: read(c"stats.active")?,
        resident: read(c"stats.resident")?,
        retained: read(c"stats.retained")?,
        muzzy: read::<usize>(c"stats.arenas.4096.pmuzzy")? * page,
        small_fragmentation: small_fragmentation(ALL_ARENAS)?,
    })
}

/// What Redis reads of an arena: the bytes of its small blocks, and of all its active and resident
/// pages.
pub(super) fn of_arena(arena: c_uint, refresh: bool) -> Option<Figures> {
    if refresh {
        self::refresh();
    }
    let page: usize = read(c"arenas.page")?;
    let of = |name: &str| read::<usize>(&node(&format!("stats.arenas.{arena}.{name}"))?);
    Some(Figures {
        allocated: of("small.allocated")?,
        active: of("pactive")? * page,
        resident: of("resident")?,
        small_fragmentation: small_fragmentation(arena)?,
        ..Figures::default()
    })
}

/// Bytes in slabs that no block occupies.
fn small_fragmentation(arena: c_uint) -> Option<usize> {
    let mut bytes = 0;
    for bin in 0..read::<c_uint>(c"arenas.nbins")? {
        let size: usize = read(&node(&format!("arenas.bin.{bin}.size"))?)?;
        let regions: u32 = read(&node(&format!("arenas.bin.{bin}.nregs"))?)?;
        let of = |name: &str| read::<usize>(&node(&format!("stats.arenas.{arena}.bins.{bin}.{name}"))?);
        let room = of("curslabs")? * regions as usize;
        bytes += room.saturating_sub(of("curregs")?) * size;
    }
    Some(bytes)
}

/// Makes what is read from here on current. Should jemalloc refuse, the figures are older.
fn refresh() {
    let mut epoch = 1_u64;
    // SAFETY: the name ends with NUL, nothing is to be read, and the node is one of this size.
    unsafe {
        ffi::mallctl(
            c"epoch".as_ptr(),
            ptr::null_mut(),
            ptr::null_mut(),
            (&raw mut epoch).cast(),
            size_of::<u64>(),
        )
    };
}

fn node(name: &str) -> Option<CString> {
    CString::new(name).ok()
}

/// Reads an integer. A node that isn't there, or of another size, is `None`.
fn read<T: Integer>(name: &CStr) -> Option<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    let mut length = size_of::<T>();
    // SAFETY: the name ends with NUL, `value` has as many bytes as `length` says, and nothing is to
    // be written to the node.
    let errno = unsafe {
        ffi::mallctl(name.as_ptr(), value.as_mut_ptr().cast(), &raw mut length, ptr::null_mut(), 0)
    };
    // SAFETY: all bits are set, to zero at least, and any are an integer.
    (errno == 0 && length == size_of::<T>()).then(|| unsafe { value.assume_init() })
}

/// The types of the nodes that are read, for which all bit patterns are values.
trait Integer {}
impl Integer for usize {}
impl Integer for u32 {}
