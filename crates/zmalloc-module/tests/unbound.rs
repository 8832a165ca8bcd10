//! A program of its own, because it has `ModuleAlloc` for its global allocator: never bound, as
//! under every module's `cargo test`.

use std::collections::{BTreeMap, HashMap};

use zmalloc_module::{BindError, ModuleAlloc};

#[global_allocator]
static ALLOCATOR: ModuleAlloc = ModuleAlloc::new();

#[test]
fn a_program_runs() {
    let map: HashMap<String, Vec<u64>> =
        (0..10_000).map(|number: u64| (number.to_string(), vec![number; 10])).collect();
    let tree: BTreeMap<_, _> = map.iter().collect();
    assert_eq!(tree.len(), 10_000);
    assert!(map.iter().all(|(key, values)| values.iter().all(|value| value.to_string() == *key)));
    assert!(!ModuleAlloc::is_bound());
    assert!(ModuleAlloc::usage().bytes > 10_000 * 80);
}

#[test]
fn memory_is_used_again() {
    for _ in 0..20_000 {
        // 160 GB in all, more than the range has.
        let zeros = vec![0u8; 8 << 20];
        assert_eq!(zeros[zeros.len() / 2], 0);
    }
}

#[test]
fn an_error_is_returned_when_there_is_no_memory() {
    let mut vector = vec![1u8, 2, 3];
    assert!(vector.try_reserve(1 << 45).is_err());
    assert_eq!(vector, [1, 2, 3]);
}

#[test]
fn there_is_no_server_in_nothing() {
    // SAFETY: null is allowed, and the other context holds null where GetApi would be.
    unsafe {
        assert_eq!(ModuleAlloc::bind(std::ptr::null_mut()), Err(BindError::NoContext));
        let mut empty = [std::ptr::null_mut::<u8>(); 4];
        assert_eq!(ModuleAlloc::bind(empty.as_mut_ptr().cast()), Err(BindError::NoContext));
    }
}
