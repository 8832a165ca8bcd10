//! Memory.

api! {
    "Heap allocation raw functions" {
        "4.0.0" fn Alloc(bytes: usize) -> *mut c_void;
        "7.0.0" fn TryAlloc(bytes: usize) -> *mut c_void;
        "4.0.0" fn Realloc(ptr: *mut c_void, bytes: usize) -> *mut c_void;
        "7.4.0" fn TryRealloc(ptr: *mut c_void, bytes: usize) -> *mut c_void;
        "4.0.0" fn Free(ptr: *mut c_void);
        "4.0.0" fn Calloc(nmemb: usize, size: usize) -> *mut c_void;
        "7.4.0" fn TryCalloc(nmemb: usize, size: usize) -> *mut c_void;
        "4.0.0" fn Strdup(string: *const c_char) -> *mut c_char;
    }
    "Pool allocator" {
        "4.0.0" fn PoolAlloc(ctx: *mut Ctx, bytes: usize) -> *mut c_void;
    }
    "Automatic memory management for modules" {
        "4.0.0" fn AutoMemory(ctx: *mut Ctx);
    }
}
