//! Memory, counted for the module that takes it: every module is given functions of its own, which know the slot that
//! they count in. The one other function that has to know without being told is here too.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{self, NonNull};

use module_abi::types::{self, GetApiFunc};

use crate::api::{self, Binding};
use crate::areas::event_loop::{EventLoopAdd, EventLoopAddOneShot, EventLoopDel};
use crate::areas::forks::{Fork, KillForkChild};
use crate::areas::users::{CreateModuleUser, GetModuleUserFromUserName};
use crate::blocked::Blocked;
use crate::context::Ctx;
use crate::guard::{FromRaw, guarded};
use crate::slot::{self, SLOTS, Slot};

/// Allocates a block that a module will free; it is charged for it.
pub(crate) fn allocate(slot: &Slot, bytes: usize) -> *mut c_void {
    let block = zmalloc::zmalloc_usable(bytes);
    slot.counters.take(block.len());
    block.as_ptr().cast()
}

/// Counts what was allocated, and gives its address.
fn taken<const SLOT: usize>(block: Option<NonNull<[u8]>>) -> *mut c_void {
    match block {
        Some(block) => {
            slot::slot(SLOT).counters.take(block.len());
            block.as_ptr().cast()
        }
        None => ptr::null_mut(),
    }
}

/// Whether an allocation that may fail goes ahead: unless a test has asked for its failure.
#[inline]
fn permitted<const SLOT: usize>() -> Option<()> {
    (!slot::slot(SLOT).fault.strikes()).then_some(())
}

/// Resizes a block of the module's; NULL allocates. `resize` does it.
///
/// # Safety
/// `block` is NULL or a live block of the family.
unsafe fn resized<const SLOT: usize>(
    block: *mut c_void,
    resize: impl FnOnce(Option<NonNull<u8>>) -> Option<NonNull<[u8]>>,
) -> *mut c_void {
    let old = NonNull::new(block.cast::<u8>());
    if old.is_none() {
        return taken::<SLOT>(resize(None));
    }
    // SAFETY: by the caller's word it is live.
    let before = unsafe { zmalloc::zmalloc_usable_size(old) };
    match resize(old) {
        Some(new) => {
            slot::slot(SLOT).counters.grow(new.len() as i64 - before as i64);
            new.as_ptr().cast()
        }
        None => ptr::null_mut(),
    }
}

#[allow(non_snake_case, reason = "named as in the API")]
unsafe extern "C" fn Alloc<const SLOT: usize>(bytes: usize) -> *mut c_void {
    taken::<SLOT>(Some(zmalloc::zmalloc_usable(bytes)))
}

#[allow(non_snake_case, reason = "named as in the API")]
unsafe extern "C" fn TryAlloc<const SLOT: usize>(bytes: usize) -> *mut c_void {
    taken::<SLOT>(permitted::<SLOT>().and_then(|()| zmalloc::ztrymalloc_usable(bytes)))
}

#[allow(non_snake_case, reason = "named as in the API")]
unsafe extern "C" fn Calloc<const SLOT: usize>(number: usize, size: usize) -> *mut c_void {
    taken::<SLOT>(Some(zmalloc::zcalloc_num_usable(number, size)))
}

#[allow(non_snake_case, reason = "named as in the API")]
unsafe extern "C" fn TryCalloc<const SLOT: usize>(number: usize, size: usize) -> *mut c_void {
    taken::<SLOT>(permitted::<SLOT>().and_then(|()| zmalloc::ztrycalloc_num_usable(number, size)))
}

/// To no bytes it frees, as Redis's does.
#[allow(non_snake_case, reason = "named as in the API")]
unsafe extern "C" fn Realloc<const SLOT: usize>(block: *mut c_void, bytes: usize) -> *mut c_void {
    if bytes == 0 && !block.is_null() {
        // SAFETY: the module hands over a live block.
        unsafe { Free::<SLOT>(block) };
        return ptr::null_mut();
    }
    // SAFETY: the module hands over a live block, or NULL.
    unsafe { resized::<SLOT>(block, |old| Some(zmalloc::zrealloc_usable(old, bytes))) }
}

/// To no bytes it frees, as Redis's does.
#[allow(non_snake_case, reason = "named as in the API")]
unsafe extern "C" fn TryRealloc<const SLOT: usize>(block: *mut c_void, bytes: usize) -> *mut c_void {
    if bytes == 0 && !block.is_null() {
        // SAFETY: the module hands over a live block.
        unsafe { Free::<SLOT>(block) };
        return ptr::null_mut();
    }
    // SAFETY: the module hands over a live block, or NULL.
    unsafe {
        resized::<SLOT>(block, |old| {
            permitted::<SLOT>().and_then(|()| zmalloc::ztryrealloc_usable(old, bytes))
        })
    }
}

#[allow(non_snake_case, reason = "named as in the API")]
unsafe extern "C" fn Free<const SLOT: usize>(block: *mut c_void) {
    let Some(block) = NonNull::new(block.cast::<u8>()) else { return };
    // SAFETY: the module hands over a live block, whose size is looked up once, for the count and for the allocator.
    unsafe {
        let bytes = zmalloc::zmalloc_usable_size(Some(block));
        slot::slot(SLOT).counters.give(bytes);
        zmalloc::raw::zfree_with_size(Some(block), bytes);
    }
}

#[allow(non_snake_case, reason = "named as in the API")]
unsafe extern "C" fn Strdup<const SLOT: usize>(text: *const c_char) -> *mut c_char {
    // SAFETY: the module hands over a text that ends with NUL.
    let text = unsafe { CStr::from_ptr(text) }.to_bytes_with_nul();
    let block = zmalloc::zmalloc_usable(text.len());
    // SAFETY: the block has that many bytes.
    unsafe { block.cast::<u8>().as_ptr().copy_from_nonoverlapping(text.as_ptr(), text.len()) };
    taken::<SLOT>(Some(block)).cast()
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
        let own = |name: &str| own_functions::<SLOT>().into_iter().find(|binding| binding.name == name);
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
        fn own_functions<const SLOT: usize>() -> [Binding; [$(stringify!($name)),*].len()] {
            [$({
                let function: module_abi::signature::$name = $name::<SLOT>;
                Binding::new(stringify!($name), function as *const ())
            }),*]
        }
    };
}

own! {
    Alloc TryAlloc Calloc TryCalloc Realloc TryRealloc Free Strdup GetThreadSafeContext
    EventLoopAdd EventLoopDel EventLoopAddOneShot Fork KillForkChild CreateModuleUser GetModuleUserFromUserName
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
    own_functions::<0>().into_iter().map(|binding| binding.name)
}
