//! A field of a type that has no implementation.

struct Opaque;

#[derive(heapwalk::HeapWalk)]
struct Holder {
    name: String,
    opaque: Opaque,
}

fn main() {}
