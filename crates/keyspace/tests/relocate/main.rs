//! Moving all that a keyspace holds: by movers that say yes to every block, to one, to none, and at any point
//! between changes. A program of its own, since it compares the ledger of the whole process.

mod allocator;
mod coverage;
mod model;
mod movers;

#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

fn main() {
    model::any_walk_leaves_everything_as_it_is();
    coverage::a_walk_comes_to_every_byte();
    coverage::one_block_moved_at_a_time();
    coverage::a_walk_misses_nothing_that_stays();
    println!("moving ... ok");
}
