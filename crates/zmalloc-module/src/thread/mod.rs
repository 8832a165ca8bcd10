//! Which thread is running, as cheaply as can be told.
//!
//! Thread-local variables would need a destructor to be of use, and a destructor that is registered
//! by a shared library keeps the library from being unloaded until the thread ends: a module could
//! never be unloaded from the server's main thread. A library that is loaded late also pays a call
//! for each access to them. Where the C library keeps a pointer to the thread in a register, that is
//! read instead.

#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
#[path = "aarch64.rs"]
mod pointer;
#[cfg(all(target_os = "linux", target_arch = "x86_64", target_pointer_width = "64"))]
#[path = "x86_64.rs"]
mod pointer;
#[cfg(not(all(
    target_os = "linux",
    target_pointer_width = "64",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
#[path = "pthread.rs"]
mod pointer;

/// A number that no other running thread has. It is never 0, and a later thread may have it again.
#[inline]
pub(crate) fn id() -> usize {
    pointer::thread_pointer()
}

/// A smaller number for the same thread, to spread threads over places; others may share it.
pub(crate) fn number() -> usize {
    spread(id())
}

/// The upper bits of a product: thread identifiers are addresses that differ in few bits.
pub(crate) fn spread(id: usize) -> usize {
    (id as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) as usize >> (usize::BITS - 16)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Barrier;

    #[test]
    fn running_threads_differ_and_each_stays_the_same() {
        let barrier = Barrier::new(8);
        let one = || {
            let ids = [super::id(), super::id()];
            barrier.wait();
            ids
        };
        let ids = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(ids.iter().all(|[first, second]| first == second && *first != 0));
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 8);
    }
}
