//! Clusters, as a server answers that is in none.

use std::ffi::{CString, c_char, c_int, c_uint};
use std::ptr;
use std::sync::LazyLock;

use module_abi::constants::ERR;
use module_abi::types::ClusterMessageFunc;

use crate::api::export;
use crate::context::Ctx;
use crate::guard::Out;
use crate::string::Str;

/// How many slots the keys of a cluster are spread over.
const SLOTS: u16 = 16384;

export! {
    /// No message ever comes.
    fn RegisterClusterMessageReceiver(_ctx: &Ctx, _kind: u8, _callback: Option<ClusterMessageFunc>) {}

    fn SendClusterMessage(
        _ctx: &Ctx,
        _target: *const c_char,
        _kind: u8,
        _message: *const c_char,
        _len: u32,
    ) -> c_int {
        ERR
    }

    fn GetClusterNodeInfo(
        _ctx: &Ctx,
        _id: *const c_char,
        _ip: *mut c_char,
        _primary: *mut c_char,
        _port: Out<c_int>,
        _flags: Out<c_int>,
    ) -> c_int {
        ERR
    }

    fn GetClusterNodesList(_ctx: &Ctx, _count: Out<usize>) -> *mut *mut c_char {
        ptr::null_mut()
    }

    /// No list was ever given.
    fn FreeClusterNodesList(_ids: *mut *mut c_char) {}

    fn GetMyClusterID() -> *const c_char {
        ptr::null()
    }

    fn GetClusterSize() -> usize {
        0
    }

    /// There is nothing that the flags could change.
    fn SetClusterFlags(_ctx: &Ctx, _flags: u64) {}

    /// The slot that a key would belong to.
    fn ClusterKeySlot(key: Option<&Str>) -> c_uint {
        c_uint::from(slot_of(key.map_or(&[], Str::bytes)))
    }

    /// A short key that would belong to a slot; NULL where there is no such slot.
    fn ClusterCanonicalKeyNameInSlot(slot: c_uint) -> *const c_char {
        let name = usize::try_from(slot).ok().and_then(|slot| NAMES.get(slot));
        name.map_or(ptr::null(), |name| name.as_ptr())
    }
}

/// A key for each slot.
static NAMES: LazyLock<Vec<CString>> = LazyLock::new(|| {
    let mut names = vec![None; usize::from(SLOTS)];
    let mut missing = names.len();
    for number in 0_u32.. {
        let name = format!("{number:x}");
        let place = &mut names[usize::from(slot_of(name.as_bytes()))];
        if place.is_none() {
            *place = CString::new(name).ok();
            missing -= 1;
        }
        if missing == 0 {
            break;
        }
    }
    names.into_iter().map(Option::unwrap_or_default).collect()
});

/// The slot of a key: that of the part between the first `{` and the next `}`, if there is anything between them.
fn slot_of(key: &[u8]) -> u16 {
    let tag = key.iter().position(|&byte| byte == b'{').and_then(|open| {
        let rest = &key[open + 1..];
        let close = rest.iter().position(|&byte| byte == b'}')?;
        (close != 0).then(|| &rest[..close])
    });
    crc16(tag.unwrap_or(key)) % SLOTS
}

/// CRC-16/XMODEM, which Redis's specification of clusters asks for.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(
            crc ^ u16::from(byte) << 8,
            |crc, _| {
                if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    #[test]
    fn the_check_value_of_the_checksum() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
    }

    #[test]
    fn the_slot_is_that_of_the_tag() {
        // The examples of the specification, and what redis-server 7.0 answers to CLUSTER KEYSLOT.
        assert_eq!(slot_of(b"somekey"), 11058);
        assert_eq!(slot_of(b"{user1000}.following"), slot_of(b"{user1000}.followers"));
        assert_eq!(slot_of(b"foo{}{bar}"), crc16(b"foo{}{bar}") % SLOTS);
        assert_eq!(slot_of(b"foo{{bar}}zap"), slot_of(b"{bar"));
        assert_eq!(slot_of(b"foo{bar}{zap}"), slot_of(b"bar"));
    }

    #[test]
    fn every_slot_has_a_name() {
        for (slot, name) in NAMES.iter().enumerate() {
            assert_eq!(usize::from(slot_of(name.to_bytes())), slot);
        }
        let text: &CStr = &NAMES[0];
        assert!(!text.is_empty());
    }
}
