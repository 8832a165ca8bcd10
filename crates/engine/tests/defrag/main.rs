//! Active defragmentation, in a program of its own: what it measures is the memory of the whole process, to which no
//! test harness may add on another thread meanwhile.

mod interference;
mod session;
mod settings;
mod values;

#[global_allocator]
static ALLOCATOR: zmalloc::ZMalloc = zmalloc::ZMalloc::new();

fn main() {
    if session::is_refused() {
        println!("{} can't tell which blocks should move", zmalloc::BACKEND);
        return;
    }
    let checks = [values::CHECKS, settings::CHECKS, interference::CHECKS].concat();
    for (name, check) in checks {
        check();
        println!("{name} ... ok");
    }
}
