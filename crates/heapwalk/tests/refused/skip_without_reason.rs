//! What is left out is left out for a reason.

#[derive(heapwalk::HeapWalk)]
struct Holder {
    #[heapwalk(skip)]
    name: String,
    #[heapwalk(skip = " ")]
    other: String,
}

fn main() {}
