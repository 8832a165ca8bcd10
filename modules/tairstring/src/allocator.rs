//! The allocator: ours, or for comparison the one of the crate redis-module.

#[cfg(feature = "redis-alloc")]
pub(crate) use redis_module::alloc::RedisAlloc as Allocator;
#[cfg(not(feature = "redis-alloc"))]
pub(crate) use zmalloc_module::ModuleAlloc as Allocator;

#[cfg(not(feature = "redis-alloc"))]
pub(crate) const ALLOCATOR: Allocator = Allocator::new();
#[cfg(feature = "redis-alloc")]
pub(crate) const ALLOCATOR: Allocator = Allocator;
