//! What is pinned must not move.

use std::pin::Pin;

#[derive(heapwalk::HeapWalk)]
struct Pinned {
    value: Pin<Box<u64>>,
}

fn main() {}
