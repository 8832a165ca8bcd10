//! Attributes that there are none of.

#[derive(heapwalk::HeapWalk)]
#[heapwalk(fast)]
struct OnType;

#[derive(heapwalk::HeapWalk)]
struct OnField {
    #[heapwalk(bound = "T: Copy")]
    name: String,
}

fn main() {}
