//! Dictionaries.

api! {
    "Modules Dictionary API" {
        "5.0.0" fn CreateDict(ctx: *mut Ctx) -> *mut Dict;
        "5.0.0" fn FreeDict(ctx: *mut Ctx, d: *mut Dict);
        "5.0.0" fn DictSize(d: *mut Dict) -> u64;
        "5.0.0" fn DictSetC(d: *mut Dict, key: *mut c_void, keylen: usize, ptr: *mut c_void) -> c_int;
        "5.0.0" fn DictReplaceC(d: *mut Dict, key: *mut c_void, keylen: usize, ptr: *mut c_void) -> c_int;
        "5.0.0" fn DictSet(d: *mut Dict, key: *mut ModuleString, ptr: *mut c_void) -> c_int;
        "5.0.0" fn DictReplace(d: *mut Dict, key: *mut ModuleString, ptr: *mut c_void) -> c_int;
        "5.0.0" fn DictGetC(d: *mut Dict, key: *mut c_void, keylen: usize, nokey: *mut c_int) -> *mut c_void;
        "5.0.0" fn DictGet(d: *mut Dict, key: *mut ModuleString, nokey: *mut c_int) -> *mut c_void;
        "5.0.0" fn DictDelC(d: *mut Dict, key: *mut c_void, keylen: usize, oldval: *mut c_void) -> c_int;
        "5.0.0" fn DictDel(d: *mut Dict, key: *mut ModuleString, oldval: *mut c_void) -> c_int;
        "5.0.0" fn DictIteratorStartC(
            d: *mut Dict,
            op: *const c_char,
            key: *mut c_void,
            keylen: usize,
        ) -> *mut DictIter;
        "5.0.0" fn DictIteratorStart(
            d: *mut Dict,
            op: *const c_char,
            key: *mut ModuleString,
        ) -> *mut DictIter;
        "5.0.0" fn DictIteratorStop(di: *mut DictIter);
        "5.0.0" fn DictIteratorReseekC(
            di: *mut DictIter,
            op: *const c_char,
            key: *mut c_void,
            keylen: usize,
        ) -> c_int;
        "5.0.0" fn DictIteratorReseek(di: *mut DictIter, op: *const c_char, key: *mut ModuleString) -> c_int;
        "5.0.0" fn DictNextC(di: *mut DictIter, keylen: *mut usize, dataptr: *mut *mut c_void) -> *mut c_void;
        "5.0.0" fn DictPrevC(di: *mut DictIter, keylen: *mut usize, dataptr: *mut *mut c_void) -> *mut c_void;
        "5.0.0" fn DictNext(ctx: *mut Ctx, di: *mut DictIter, dataptr: *mut *mut c_void) -> *mut ModuleString;
        "5.0.0" fn DictPrev(ctx: *mut Ctx, di: *mut DictIter, dataptr: *mut *mut c_void) -> *mut ModuleString;
        "5.0.0" fn DictCompareC(
            di: *mut DictIter,
            op: *const c_char,
            key: *mut c_void,
            keylen: usize,
        ) -> c_int;
        "5.0.0" fn DictCompare(di: *mut DictIter, op: *const c_char, key: *mut ModuleString) -> c_int;
    }
}
