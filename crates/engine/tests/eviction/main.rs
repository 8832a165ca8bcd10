//! The memory limit, in a program of its own: what it counts is the memory of the whole process, to which no test
//! harness may add on another thread meanwhile.

mod limit;
mod model;
mod order;
mod session;

#[global_allocator]
static ALLOCATOR: zmalloc::ZMalloc = zmalloc::ZMalloc::new();

fn main() {
    let checks = [limit::CHECKS, order::CHECKS, model::CHECKS].concat();
    for (name, check) in checks {
        check();
        println!("{name} ... ok");
    }
}
