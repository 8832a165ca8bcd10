//! Lists, sorted sets and streams, which no key here can hold. (Hashes are with the functions that C defines.)

use std::ffi::{c_int, c_long, c_longlong};
use std::ptr;

use module_abi::constants::ERR;
use module_abi::structs::StreamId;
use module_abi::types::ModuleString;

use crate::api::export;
use crate::guard::{Out, set_errno};
use crate::key::Key;
use crate::string::Str;

/// The failure of a key that holds another type.
fn unsupported<T>(failure: T) -> T {
    set_errno(libc::ENOTSUP);
    failure
}

export! {
    fn ListPush(_key: Option<&Key>, _end: c_int, _element: Option<&Str>) -> c_int {
        unsupported(ERR)
    }

    fn ListPop(_key: Option<&Key>, _end: c_int) -> *mut ModuleString {
        unsupported(ptr::null_mut())
    }

    fn ListGet(_key: Option<&Key>, _index: c_long) -> *mut ModuleString {
        unsupported(ptr::null_mut())
    }

    fn ListSet(_key: Option<&Key>, _index: c_long, _value: Option<&Str>) -> c_int {
        unsupported(ERR)
    }

    fn ListInsert(_key: Option<&Key>, _index: c_long, _value: Option<&Str>) -> c_int {
        unsupported(ERR)
    }

    fn ListDelete(_key: Option<&Key>, _index: c_long) -> c_int {
        unsupported(ERR)
    }

    fn ZsetAdd(_key: Option<&Key>, _score: f64, _element: Option<&Str>, _flags: Out<c_int>) -> c_int {
        unsupported(ERR)
    }

    fn ZsetIncrby(
        _key: Option<&Key>,
        _score: f64,
        _element: Option<&Str>,
        _flags: Out<c_int>,
        _new: Out<f64>,
    ) -> c_int {
        unsupported(ERR)
    }

    fn ZsetScore(_key: Option<&Key>, _element: Option<&Str>, _score: Out<f64>) -> c_int {
        unsupported(ERR)
    }

    fn ZsetRem(_key: Option<&Key>, _element: Option<&Str>, _deleted: Out<c_int>) -> c_int {
        unsupported(ERR)
    }

    /// No iteration was ever begun.
    fn ZsetRangeStop(_key: Option<&Key>) {}

    fn ZsetFirstInScoreRange(
        _key: Option<&Key>,
        _min: f64,
        _max: f64,
        _min_excluded: c_int,
        _max_excluded: c_int,
    ) -> c_int {
        unsupported(ERR)
    }

    fn ZsetLastInScoreRange(
        _key: Option<&Key>,
        _min: f64,
        _max: f64,
        _min_excluded: c_int,
        _max_excluded: c_int,
    ) -> c_int {
        unsupported(ERR)
    }

    fn ZsetFirstInLexRange(_key: Option<&Key>, _min: Option<&Str>, _max: Option<&Str>) -> c_int {
        unsupported(ERR)
    }

    fn ZsetLastInLexRange(_key: Option<&Key>, _min: Option<&Str>, _max: Option<&Str>) -> c_int {
        unsupported(ERR)
    }

    fn ZsetRangeCurrentElement(_key: Option<&Key>, _score: Out<f64>) -> *mut ModuleString {
        unsupported(ptr::null_mut())
    }

    /// There is no next element.
    fn ZsetRangeNext(_key: Option<&Key>) -> c_int {
        unsupported(0)
    }

    /// There is no element before.
    fn ZsetRangePrev(_key: Option<&Key>) -> c_int {
        unsupported(0)
    }

    /// An iteration that can't begin is at its end, so that a loop around it ends.
    fn ZsetRangeEndReached(_key: Option<&Key>) -> c_int {
        unsupported(1)
    }

    fn StreamAdd(
        _key: Option<&Key>,
        _flags: c_int,
        _id: *mut StreamId,
        _fields: *mut *mut ModuleString,
        _count: i64,
    ) -> c_int {
        unsupported(ERR)
    }

    fn StreamDelete(_key: Option<&Key>, _id: *mut StreamId) -> c_int {
        unsupported(ERR)
    }

    fn StreamIteratorStart(
        _key: Option<&Key>,
        _flags: c_int,
        _start: *mut StreamId,
        _end: *mut StreamId,
    ) -> c_int {
        unsupported(ERR)
    }

    fn StreamIteratorStop(_key: Option<&Key>) -> c_int {
        unsupported(ERR)
    }

    fn StreamIteratorNextID(_key: Option<&Key>, _id: *mut StreamId, _fields: Out<c_long>) -> c_int {
        unsupported(ERR)
    }

    fn StreamIteratorNextField(
        _key: Option<&Key>,
        _field: *mut *mut ModuleString,
        _value: *mut *mut ModuleString,
    ) -> c_int {
        unsupported(ERR)
    }

    fn StreamIteratorDelete(_key: Option<&Key>) -> c_int {
        unsupported(ERR)
    }

    fn StreamTrimByLength(_key: Option<&Key>, _flags: c_int, _length: c_longlong) -> c_longlong {
        unsupported(-1)
    }

    fn StreamTrimByID(_key: Option<&Key>, _flags: c_int, _id: *mut StreamId) -> c_longlong {
        unsupported(-1)
    }
}
