//! What is pinned must not move, and functions can't be asked what they own.

use std::pin::Pin;

#[derive(heapwalk::HeapWalk)]
struct Pinned {
    value: Pin<Box<u64>>,
}

#[derive(heapwalk::HeapWalk)]
struct Dynamic {
    value: Box<dyn Fn() -> u64>,
}

fn main() {}
