//! A union doesn't know which of its fields is there.

#[derive(heapwalk::HeapWalk)]
union Either {
    number: u64,
    bytes: [u8; 8],
}

fn main() {}
