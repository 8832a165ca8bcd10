//! The walk of a generic type needs that of its parameter.

#[derive(heapwalk::HeapWalk)]
struct Holder<T> {
    value: Vec<T>,
}

struct Opaque;

fn main() {
    let _ = heapwalk::HeapSize::of(&Holder { value: vec![Opaque] });
}
