//! Memory, counted for the module that takes it: every module is given functions of its own, which know the slot that
//! they count in. The one other function that has to know without being told is here too.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{self, NonNull};

use module_abi::types::{self, GetApiFunc};
use zmalloc::Flags;

use crate::api::{self, Binding};
use crate::areas::event_loop::{EventLoopAdd, EventLoopAddOneShot, EventLoopDel};
use crate::areas::forks::{Fork, KillForkChild};
use crate::areas::users::{CreateModuleUser, GetModuleUserFromUserName};
use crate::areas::{dictionaries, info, scan, strings};
use crate::blocked::Blocked;
use crate::context::Ctx;
use crate::counters::{self, Counters, SLOTS};
use crate::guard::{FromRaw, guarded};
use crate::sizes;
use crate::slot::{self, Slot};

/// Allocates a block that a module will free; it is charged for it.
pub(crate) fn allocate(slot: &Slot, bytes: usize) -> *mut c_void {
    taken(slot.counters(), Some(zmalloc::zmalloc_usable(bytes)))
}

/// The largest alignment that blocks are given for the sake of their size, in bytes.
const WIDEST: usize = 4096;

/// What `malloc` aligns to by itself, whatever the back end.
const NATURAL: usize = 16;

/// The alignment of a block of so many bytes. Modules in Rust pad a request to a multiple of the alignment that they
/// need, and take it that the block is aligned then.
const fn alignment(bytes: usize) -> usize {
    match 1_usize.checked_shl(bytes.trailing_zeros()) {
        Some(power) if power < WIDEST => power,
        _ if bytes == 0 => 1,
        _ => WIDEST,
    }
}

/// What the family is asked for, for a block of so many bytes.
const fn flags(bytes: usize) -> Flags {
    Flags::NONE.align(alignment(bytes))
}

/// Whether a request is one whose block has the size and the alignment that follow from it.
const fn is_small(bytes: usize) -> bool {
    sizes::FOLLOWS && bytes <= sizes::SMALL
}

/// Counts the block of a [small](is_small) request, and gives its address.
#[inline(always)]
fn taken_small(counters: &Counters, bytes: usize, block: Option<NonNull<u8>>) -> *mut c_void {
    let Some(block) = block else { return ptr::null_mut() };
    counters.take(sizes::usable(bytes));
    block.as_ptr().cast()
}

/// Counts what was allocated, and gives its address.
fn taken(counters: &Counters, block: Option<NonNull<[u8]>>) -> *mut c_void {
    match block {
        Some(block) => {
            counters.take(block.len());
            block.as_ptr().cast()
        }
        None => ptr::null_mut(),
    }
}

#[allow(non_snake_case, reason = "named as in the API")]
unsafe extern "C" fn Alloc<const SLOT: usize>(bytes: usize) -> *mut c_void {
    if is_small(bytes) {
        return taken_small(counters::of(SLOT), bytes, Some(zmalloc::zmalloc(bytes)));
    }
    allocated_large(counters::of(SLOT), bytes)
}

#[inline(never)]
fn allocated_large(counters: &Counters, bytes: usize) -> *mut c_void {
    taken(counters, Some(zmalloc::zmalloc_with_flags_usable(bytes, flags(bytes))))
}

/// Whether an allocation that may fail goes ahead: unless a test has asked for its failure.
#[inline]
fn is_permitted<const SLOT: usize>() -> bool {
    !slot::fault(SLOT).strikes()
}

#[allow(non_snake_case, reason = "named as in the API")]
unsafe extern "C" fn TryAlloc<const SLOT: usize>(bytes: usize) -> *mut c_void {
    if !is_permitted::<SLOT>() {
        return ptr::null_mut();
    }
    if is_small(bytes) {
        return taken_small(counters::of(SLOT), bytes, zmalloc::ztrymalloc(bytes));
    }
    tried_large(counters::of(SLOT), bytes)
}

#[inline(never)]
fn tried_large(counters: &Counters, bytes: usize) -> *mut c_void {
    taken(counters, zmalloc::ztrymalloc_with_flags_usable(bytes, flags(bytes)))
}

/// The bytes of so many elements. Where that is more than there are addresses, no request is met.
fn product(number: usize, size: usize) -> usize {
    number.saturating_mul(size)
}

#[allow(non_snake_case, reason = "named as in the API")]
unsafe extern "C" fn Calloc<const SLOT: usize>(number: usize, size: usize) -> *mut c_void {
    zeroed(counters::of(SLOT), product(number, size))
}

#[inline(never)]
fn zeroed(counters: &Counters, bytes: usize) -> *mut c_void {
    if is_small(bytes) {
        return taken_small(counters, bytes, Some(zmalloc::zcalloc(bytes)));
    }
    taken(counters, Some(zmalloc::zmalloc_with_flags_usable(bytes, flags(bytes).zeroed())))
}

#[allow(non_snake_case, reason = "named as in the API")]
unsafe extern "C" fn TryCalloc<const SLOT: usize>(number: usize, size: usize) -> *mut c_void {
    if !is_permitted::<SLOT>() {
        return ptr::null_mut();
    }
    tried_zeroed(counters::of(SLOT), product(number, size))
}

#[inline(never)]
fn tried_zeroed(counters: &Counters, bytes: usize) -> *mut c_void {
    if is_small(bytes) {
        return taken_small(counters, bytes, zmalloc::ztrycalloc(bytes));
    }
    taken(counters, zmalloc::ztrymalloc_with_flags_usable(bytes, flags(bytes).zeroed()))
}

/// Resizes a block of the module's; NULL allocates, and no bytes free, as in Redis. `allocate` gives a new block,
/// `resize` resizes one; on failure they give NULL and change nothing.
///
/// # Safety
/// `block` is NULL or a live block of the family.
unsafe fn resized(
    counters: &Counters,
    block: *mut c_void,
    bytes: usize,
    allocate: impl FnOnce(Flags) -> Option<NonNull<[u8]>>,
    resize: impl FnOnce(NonNull<u8>, Flags) -> Option<NonNull<[u8]>>,
) -> *mut c_void {
    let Some(old) = NonNull::new(block.cast::<u8>()) else {
        let new = allocate(flags(bytes));
        return new.map_or(ptr::null_mut(), |new| {
            counters.take(new.len());
            new.as_ptr().cast()
        });
    };
    // SAFETY: by the caller's word it is live.
    let before = unsafe { zmalloc::zmalloc_usable_size(Some(old)) };
    if bytes == 0 {
        // SAFETY: as above.
        unsafe { released(counters, old, before) };
        return ptr::null_mut();
    }
    if is_small(bytes) && sizes::usable(bytes) == before {
        return block;
    }
    // A back end that aligns by what it is told keeps an alignment only if it is told that again.
    let is_plain = sizes::FOLLOWS || alignment(bytes).max(alignment(before)) <= NATURAL;
    let wanted = if sizes::FOLLOWS { flags(bytes) } else { Flags::NONE };
    let new = if is_plain { resize(old, wanted) } else { allocate(flags(bytes)) };
    let Some(new) = new else { return ptr::null_mut() };
    if is_plain {
        counters.resize(before, new.len());
    } else {
        counters.take(new.len());
        // SAFETY: both blocks are live and apart, and have so many bytes.
        unsafe {
            new.cast::<u8>().copy_from_nonoverlapping(old, before.min(bytes));
            released(counters, old, before);
        }
    }
    new.as_ptr().cast()
}

/// Frees a block of the module's.
///
/// # Safety
/// It is a live block of the family, and of this usable size.
#[inline(always)]
unsafe fn released(counters: &Counters, block: NonNull<u8>, usable: usize) {
    counters.give(usable);
    // SAFETY: by the caller's word.
    unsafe { zmalloc::raw::zfree_with_size(Some(block), usable) };
}

#[allow(non_snake_case, reason = "named as in the API")]
unsafe extern "C" fn Realloc<const SLOT: usize>(block: *mut c_void, bytes: usize) -> *mut c_void {
    // SAFETY: the module hands over a live block, or NULL.
    unsafe { reallocated(counters::of(SLOT), block, bytes) }
}

/// # Safety
/// As [`resized`].
#[inline(never)]
unsafe fn reallocated(counters: &Counters, block: *mut c_void, bytes: usize) -> *mut c_void {
    let allocate = |flags| Some(zmalloc::zmalloc_with_flags_usable(bytes, flags));
    // SAFETY: passed on; what has more than the alignment of all blocks isn't resized.
    let resize = |old, flags| Some(unsafe { zmalloc::zrealloc_with_flags_usable(Some(old), bytes, flags) });
    // SAFETY: passed on.
    unsafe { resized(counters, block, bytes, allocate, resize) }
}

#[allow(non_snake_case, reason = "named as in the API")]
unsafe extern "C" fn TryRealloc<const SLOT: usize>(block: *mut c_void, bytes: usize) -> *mut c_void {
    if bytes != 0 && !is_permitted::<SLOT>() {
        return ptr::null_mut();
    }
    // SAFETY: the module hands over a live block, or NULL.
    unsafe { tried_reallocated(counters::of(SLOT), block, bytes) }
}

/// # Safety
/// As [`resized`].
#[inline(never)]
unsafe fn tried_reallocated(counters: &Counters, block: *mut c_void, bytes: usize) -> *mut c_void {
    let allocate = |flags| zmalloc::ztrymalloc_with_flags_usable(bytes, flags);
    // SAFETY: as in `reallocated`.
    let resize = |old, flags| unsafe { zmalloc::ztryrealloc_with_flags_usable(Some(old), bytes, flags) };
    // SAFETY: passed on.
    unsafe { resized(counters, block, bytes, allocate, resize) }
}

#[allow(non_snake_case, reason = "named as in the API")]
unsafe extern "C" fn Free<const SLOT: usize>(block: *mut c_void) {
    let Some(block) = NonNull::new(block.cast::<u8>()) else { return };
    // SAFETY: the module hands over a live block, whose size is looked up once, for the count and for the allocator.
    unsafe { released(counters::of(SLOT), block, zmalloc::zmalloc_usable_size(Some(block))) };
}

#[allow(non_snake_case, reason = "named as in the API")]
unsafe extern "C" fn Strdup<const SLOT: usize>(text: *const c_char) -> *mut c_char {
    // SAFETY: the module hands over a text that ends with NUL.
    let copy = zmalloc::zstrdup(unsafe { CStr::from_ptr(text) });
    // SAFETY: it was allocated right now.
    counters::of(SLOT).take(unsafe { zmalloc::zmalloc_usable_size(Some(copy.cast())) });
    copy.as_ptr()
}

/// A context for a thread of the module's, which replies to a client that is blocked, if one is given.
#[allow(non_snake_case, reason = "named as in the API")]
unsafe extern "C" fn GetThreadSafeContext<const SLOT: usize>(
    client: *mut types::BlockedClient,
) -> *mut types::Ctx {
    guarded("GetThreadSafeContext", || {
        // SAFETY: the module hands over a client that it hasn't unblocked, or NULL.
        match unsafe { <Option<&Blocked>>::from_raw(client) } {
            Some(blocked) => Ctx::for_thread(blocked),
            None => Ctx::detached(slot::slot(SLOT)).into_raw(),
        }
    })
}

/// Finds a function for the module in this slot, under either prefix. One that isn't there leaves the target as it is.
unsafe extern "C" fn find<const SLOT: usize>(name: *const c_char, target: *mut *mut c_void) -> c_int {
    guarded("GetApi", || {
        // SAFETY: the module hands over a text that ends with NUL.
        let name = unsafe { CStr::from_ptr(name) }.to_str().unwrap_or_default();
        let bare = ["RedisModule_", "ValkeyModule_"].iter().find_map(|prefix| name.strip_prefix(prefix));
        let own = |name: &str| own_functions::<SLOT>().find(|binding| binding.name == name);
        match bare.and_then(|name| own(name).or_else(|| api::function(name))) {
            Some(binding) => {
                // SAFETY: the module hands over a place for a pointer.
                unsafe { target.write(binding.address()) };
                module_abi::constants::OK
            }
            None => module_abi::constants::ERR,
        }
    })
}

macro_rules! own {
    ($($name:ident)*) => {
        fn own<const SLOT: usize>() -> impl Iterator<Item = Binding> {
            [$({
                let function: module_abi::signature::$name = $name::<SLOT>;
                Binding::new(stringify!($name), function as *const ())
            }),*].into_iter()
        }
    };
}

own! {
    Alloc TryAlloc Calloc TryCalloc Realloc TryRealloc Free Strdup GetThreadSafeContext
    EventLoopAdd EventLoopDel EventLoopAddOneShot Fork KillForkChild CreateModuleUser GetModuleUserFromUserName
}

/// The functions that a module has for its own.
fn own_functions<const SLOT: usize>() -> impl Iterator<Item = Binding> {
    let others = strings::own::<SLOT>().chain(dictionaries::own::<SLOT>()).chain(info::own::<SLOT>());
    own::<SLOT>().chain(others).chain(scan::own::<SLOT>())
}

macro_rules! per_slot {
    ($($slot:literal)*) => {
        const GET_API: [GetApiFunc; SLOTS] = [$(find::<$slot>),*];
    };
}

per_slot! {
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40
    41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 69 70 71 72 73 74 75 76 77 78
    79 80 81 82 83 84 85 86 87 88 89 90 91 92 93 94 95 96 97 98 99 100 101 102 103 104 105 106 107 108 109 110 111 112
    113 114 115 116 117 118 119 120 121 122 123 124 125 126 127 128 129 130 131 132 133 134 135 136 137 138 139 140
    141 142 143 144 145 146 147 148 149 150 151 152 153 154 155 156 157 158 159 160 161 162 163 164 165 166 167 168
    169 170 171 172 173 174 175 176 177 178 179 180 181 182 183 184 185 186 187 188 189 190 191 192 193 194 195 196
    197 198 199 200 201 202 203 204 205 206 207 208 209 210 211 212 213 214 215 216 217 218 219 220 221 222 223 224
    225 226 227 228 229 230 231 232 233 234 235 236 237 238 239 240 241 242 243 244 245 246 247 248 249 250 251 252
    253 254 255
}

/// What the module in a slot asks for functions.
pub(crate) fn get_api(slot: usize) -> GetApiFunc {
    GET_API[slot]
}

/// The names of the functions that every module has for its own.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    own_functions::<0>().map(|binding| binding.name)
}
