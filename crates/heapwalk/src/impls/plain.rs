//! Types that own no block.

use std::marker::{PhantomData, PhantomPinned};
use std::ops::ControlFlow;

use crate::{HeapWalk, Measure, Relocate};

/// Implements [`HeapWalk`] for types that own nothing.
macro_rules! own_nothing {
    ($($type:ty),+ $(,)?) => {
        $(own_nothing!({} $type);)+
    };
    ({$($generics:tt)*} $type:ty) => {
        impl<$($generics)*> HeapWalk for $type {
            const OWNS_BLOCKS: bool = false;

            #[inline]
            fn measure<M_: Measure + ?Sized>(&self, _visitor: &mut M_) -> ControlFlow<()> {
                ControlFlow::Continue(())
            }

            #[inline]
            fn relocate<R_: Relocate + ?Sized>(&mut self, _visitor: &mut R_) -> ControlFlow<()> {
                ControlFlow::Continue(())
            }
        }
    };
}

own_nothing!(
    (),
    bool,
    char,
    str,
    f32,
    f64,
    i8,
    i16,
    i32,
    i64,
    i128,
    isize,
    u8,
    u16,
    u32,
    u64,
    u128,
    usize,
    PhantomPinned,
    std::alloc::Layout,
    std::any::TypeId,
    std::cmp::Ordering,
    std::convert::Infallible,
    std::hash::RandomState,
    std::net::IpAddr,
    std::net::Ipv4Addr,
    std::net::Ipv6Addr,
    std::net::SocketAddr,
    std::num::NonZeroI8,
    std::num::NonZeroI16,
    std::num::NonZeroI32,
    std::num::NonZeroI64,
    std::num::NonZeroI128,
    std::num::NonZeroIsize,
    std::num::NonZeroU8,
    std::num::NonZeroU16,
    std::num::NonZeroU32,
    std::num::NonZeroU64,
    std::num::NonZeroU128,
    std::num::NonZeroUsize,
    std::ops::RangeFull,
    std::sync::atomic::AtomicBool,
    std::sync::atomic::AtomicI8,
    std::sync::atomic::AtomicI16,
    std::sync::atomic::AtomicI32,
    std::sync::atomic::AtomicI64,
    std::sync::atomic::AtomicIsize,
    std::sync::atomic::AtomicU8,
    std::sync::atomic::AtomicU16,
    std::sync::atomic::AtomicU32,
    std::sync::atomic::AtomicU64,
    std::sync::atomic::AtomicUsize,
    std::time::Duration,
    std::time::Instant,
    std::time::SystemTime,
);

own_nothing!({T: ?Sized} PhantomData<T>);
// What they point to is somebody else's. A `Weak` keeps a block from being freed, but the block is
// counted for those who own what is in it.
own_nothing!({T: ?Sized} &T);
own_nothing!({T: ?Sized} &mut T);
own_nothing!({T: ?Sized} std::rc::Weak<T>);
own_nothing!({T: ?Sized} std::sync::Weak<T>);
// Nothing that is `Copy` owns anything: a copy would own it too.
own_nothing!({T: Copy} std::cell::Cell<T>);
