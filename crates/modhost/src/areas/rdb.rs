//! Files in RDB's format, which this server neither reads nor writes.

use std::ffi::{CStr, CString, c_int};

use module_abi::constants::ERR;
use module_abi::types::RdbStream;

use crate::api::export;
use crate::context::Ctx;
use crate::guard::set_errno;

export! {
    /// The name of a file; nothing is opened yet.
    fn RdbStreamCreateFromFile(name: &CStr) -> *mut RdbStream {
        Box::into_raw(Box::new(name.to_owned())).cast()
    }

    fn RdbStreamFree(stream: *mut RdbStream) {
        if !stream.is_null() {
            // SAFETY: the module gives up a stream that it was given.
            drop(unsafe { Box::from_raw(stream.cast::<CString>()) });
        }
    }

    fn RdbLoad(_ctx: Option<&Ctx>, stream: *mut RdbStream, flags: c_int) -> c_int {
        refused(stream, flags)
    }

    fn RdbSave(_ctx: Option<&Ctx>, stream: *mut RdbStream, flags: c_int) -> c_int {
        refused(stream, flags)
    }
}

fn refused(stream: *mut RdbStream, flags: c_int) -> c_int {
    set_errno(if stream.is_null() || flags != 0 { libc::EINVAL } else { libc::ENOTSUP });
    ERR
}
