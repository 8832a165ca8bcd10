//! What a million small blocks cost over the allocator that was built in: time, and memory.
//!
//! ```sh
//! cargo run --release -p zmalloc --example million_small_blocks --features libc
//! cargo run --release -p zmalloc --example million_small_blocks --features libc,pool
//! ```

use std::time::Instant;

use zmalloc::{ZMalloc, process, used_memory};

#[global_allocator]
static ALLOC: ZMalloc = ZMalloc::new();

const COUNT: usize = 1_000_000;

fn main() {
    // Empty at first, so that the list itself is in memory already.
    let mut blocks: Vec<Box<[u8]>> = vec![Box::default(); COUNT];
    let (used, rss) = (used_memory(), process::rss().unwrap_or(0));

    let start = Instant::now();
    for (number, block) in blocks.iter_mut().enumerate() {
        // Of 8 to 128 bytes.
        let size = 8 + number * 37 % 121;
        *block = vec![1; size].into_boxed_slice();
    }
    let filled = start.elapsed();
    let bytes = blocks.iter().map(|block| block.len()).sum::<usize>();
    let used = used_memory() - used;
    let resident = process::rss().unwrap_or(0).saturating_sub(rss);

    let start = Instant::now();
    drop(blocks);
    let freed = start.elapsed();

    println!("{}: {COUNT} blocks of {bytes} bytes together", zmalloc::BACKEND);
    println!("  used_memory rose by {used} bytes, the resident set by {resident}");
    println!("  allocated in {} ms, freed in {} ms", filled.as_millis(), freed.as_millis());
}
