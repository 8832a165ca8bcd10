//! The server's Calloc itself, which zeroed blocks are compared with.
#![allow(unsafe_code)]

use redis_module::raw;

/// Gets and frees a zeroed block.
pub(crate) fn zeroed(bytes: usize) {
    // SAFETY: the block is freed once and not used; the server has filled the functions in.
    unsafe {
        let block = raw::RedisModule_Calloc.expect("Redis 4")(1, bytes);
        raw::RedisModule_Free.expect("Redis 4")(std::hint::black_box(block));
    }
}
