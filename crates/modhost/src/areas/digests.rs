//! What a value's digest is made of.

use std::ffi::{c_char, c_int, c_longlong};

use module_abi::types::ModuleString;

use crate::api::export;
use crate::guard::bytes;
use crate::io::DigestInMaking;

export! {
    fn DigestAddStringBuffer(digest: &DigestInMaking<'_>, text: *const c_char, len: usize) {
        // SAFETY: the module passes that many bytes.
        let text = unsafe { bytes(text, len) };
        digest.digest.borrow_mut().element(text);
    }

    fn DigestAddLongLong(digest: &DigestInMaking<'_>, number: c_longlong) {
        digest.digest.borrow_mut().element(number.to_string().as_bytes());
    }

    fn DigestEndSequence(digest: &DigestInMaking<'_>) {
        digest.digest.borrow_mut().end_sequence();
    }

    fn GetKeyNameFromDigest(digest: &DigestInMaking<'_>) -> *const ModuleString {
        digest.key.as_raw().cast_const()
    }

    fn GetDbIdFromDigest(digest: &DigestInMaking<'_>) -> c_int {
        digest.db as c_int
    }
}
