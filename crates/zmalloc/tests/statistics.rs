//! A program of its own, because it compares the allocator's figures for the whole process with the
//! ledger's and the kernel's: no test harness may allocate on another thread meanwhile.

use zmalloc::{AllocatorInfo, ZMalloc, process, used_memory};

#[global_allocator]
static ALLOC: ZMalloc = ZMalloc::new();

const MIB: usize = 1 << 20;

fn main() {
    let over_jemalloc: &[(&str, fn())] = &[
        ("ledger_agrees_with_allocator", ledger_agrees_with_allocator),
        ("figures_are_in_order", figures_are_in_order),
        ("size_classes_hold_what_was_allocated", size_classes_hold_what_was_allocated),
        ("arenas_add_up", arenas_add_up),
        ("large_classes_hold_what_was_allocated", large_classes_hold_what_was_allocated),
        ("holes_show_as_fragmentation", holes_show_as_fragmentation),
        ("purge_gives_memory_back", purge_gives_memory_back),
        ("background_threads_start_and_stop", background_threads_start_and_stop),
        ("report_is_complete", report_is_complete),
    ];
    let over_others: &[(&str, fn())] = &[
        ("figures_that_are_not_kept_are_refused", figures_that_are_not_kept_are_refused),
        ("commands_work_or_are_refused", commands_work_or_are_refused),
    ];
    let checks = if zmalloc::BACKEND.starts_with("jemalloc") { over_jemalloc } else { over_others };
    let checks =
        checks.iter().chain(&[("process_figures_follow_the_heap", process_figures_follow_the_heap as fn())]);
    for (name, check) in checks {
        check();
        println!("{name} ... ok");
    }
}

/// Blocks of many sizes, `total` bytes together.
fn heap_of(total: usize) -> Vec<Vec<u8>> {
    let mut heap = Vec::new();
    let mut size = 1;
    let mut sum = 0;
    while sum < total {
        heap.push(vec![1; size]);
        sum += size;
        size = (size * 7 + 13) % 3001 + 1;
    }
    heap
}

/// What the allocator has beyond the ledger, once nothing is in this thread's cache.
fn assert_agreement() {
    zmalloc::flush_thread_cache().unwrap();
    let allocated = AllocatorInfo::read().unwrap().allocated;
    let used = used_memory();
    let tolerance = 64 * 1024 + used / 1000;
    println!("  ledger {used}, allocator {allocated}, difference {}", allocated.abs_diff(used));
    assert!(allocated.abs_diff(used) <= tolerance);
}

fn ledger_agrees_with_allocator() {
    let base = used_memory();
    let mut heap = heap_of(100 * MIB);
    assert!(used_memory() - base > 100 * MIB);
    assert_agreement();
    // Freed in part, and partly on another thread, which returns its cache as it ends.
    let half = heap.split_off(heap.len() / 2);
    std::thread::spawn(move || drop(half)).join().unwrap();
    assert_agreement();
    heap.retain(|block| block.len() % 3 == 0);
    assert_agreement();
    drop(heap);
    assert_agreement();
    assert!(used_memory().abs_diff(base) < 4096);
}

fn figures_are_in_order() {
    let heap = heap_of(20 * MIB);
    let info = AllocatorInfo::read().unwrap();
    assert!(info.allocated >= 20 * MIB);
    assert!(info.active >= info.allocated);
    assert!(info.resident >= info.active);
    assert!(info.mapped >= info.active);
    assert!(info.metadata > 0);
    assert!(info.fragmentation_ratio() >= 1.0 && info.fragmentation_ratio() < 1.5);
    assert!(info.resident_ratio() >= 1.0);
    assert!(info.small_fragmentation < info.active);
    assert_eq!(info.fragmentation_bytes(), info.active - info.allocated);
    drop(heap);
}

fn size_classes_hold_what_was_allocated() {
    let quantum = zmalloc::quantum().unwrap();
    assert!(quantum == 8 || quantum == 16);
    zmalloc::flush_thread_cache().unwrap();
    let before = zmalloc::size_classes().unwrap();
    assert!(before.is_sorted_by(|a, b| a.size < b.size));
    assert_eq!(before.iter().any(|class| class.size == 24), quantum == 8);
    for class in &before {
        assert_eq!(class.slab_size, class.blocks_per_slab * class.size);
        assert!(class.live <= class.slabs * class.blocks_per_slab);
        assert!(class.nonfull_slabs <= class.slabs);
    }
    let blocks: Vec<Box<[u8; 640]>> = (0..10_000).map(|_| Box::new([0; 640])).collect();
    zmalloc::flush_thread_cache().unwrap();
    let after = zmalloc::size_classes().unwrap();
    let of = |classes: &[zmalloc::SizeClass]| {
        *classes.iter().find(|class| class.size == 640).expect("a class of both quanta")
    };
    assert_eq!(of(&after).live - of(&before).live, 10_000);
    let requests = |classes: &[zmalloc::SizeClass]| of(classes).counts.expect("jemalloc counts").requests;
    assert!((10_000..11_000).contains(&(requests(&after) - requests(&before))));
    drop(blocks);
    zmalloc::flush_thread_cache().unwrap();
    let counts = of(&zmalloc::size_classes().unwrap()).counts.unwrap();
    assert_eq!(counts.allocations - counts.frees, of(&before).live as u64);
}

fn large_classes_hold_what_was_allocated() {
    let small = zmalloc::size_classes().unwrap().last().unwrap().size;
    let before = zmalloc::large_size_classes().unwrap();
    assert!(before.is_sorted_by(|a, b| a.size < b.size) && before[0].size > small);
    let blocks: Vec<Vec<u8>> = (0..10).map(|_| Vec::with_capacity(5 * MIB)).collect();
    let after = zmalloc::large_size_classes().unwrap();
    let of = |classes: &[zmalloc::SizeClass]| {
        *classes.iter().find(|class| class.size >= 5 * MIB).expect("a class for it")
    };
    assert_eq!(of(&after).live - of(&before).live, 10);
    let allocations = |classes: &[zmalloc::SizeClass]| of(classes).counts.unwrap().allocations;
    assert_eq!(allocations(&after) - allocations(&before), 10);
    assert_eq!((of(&after).fragmentation(), of(&after).slab_size), (0, of(&after).size));
    drop(blocks);
}

/// Blocks of several threads, which jemalloc spreads over several arenas.
fn arenas_add_up() {
    use std::sync::{Arc, Barrier};
    let (all_hold, looked_at) = (Arc::new(Barrier::new(4)), Arc::new(Barrier::new(4)));
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let (all_hold, looked_at) = (Arc::clone(&all_hold), Arc::clone(&looked_at));
            std::thread::spawn(move || {
                let heap = heap_of(5 * MIB);
                zmalloc::flush_thread_cache().unwrap();
                all_hold.wait();
                looked_at.wait();
                drop(heap);
            })
        })
        .collect();
    all_hold.wait();
    let arenas = AllocatorInfo::read_arenas().unwrap();
    let all = AllocatorInfo::read().unwrap();
    assert!(arenas.len() > 1 && arenas.is_sorted_by(|a, b| a.0 < b.0), "{} arenas", arenas.len());
    let sum = |of: fn(&AllocatorInfo) -> usize| arenas.iter().map(|(_, info)| of(info)).sum::<usize>();
    assert!(sum(|info| info.allocated).abs_diff(all.allocated) < MIB / 4);
    assert!(sum(|info| info.active).abs_diff(all.active) < MIB / 4);
    assert!(sum(|info| info.small_fragmentation).abs_diff(all.small_fragmentation) < MIB / 4);
    for (index, info) in &arenas {
        assert!(info.active >= info.allocated && info.mapped >= info.active, "{index}: {info}");
        let again = AllocatorInfo::read_arena(*index).unwrap();
        assert!(again.allocated.abs_diff(info.allocated) < MIB / 4, "{index}: {again}");
    }
    assert_eq!(AllocatorInfo::read_arena(100_000).unwrap_err().errno(), libc::ENOENT);
    looked_at.wait();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

fn holes_show_as_fragmentation() {
    let mut blocks: Vec<Option<Box<[u8; 256]>>> = (0..40_000).map(|_| Some(Box::new([0; 256]))).collect();
    zmalloc::flush_thread_cache().unwrap();
    let full = AllocatorInfo::read().unwrap();
    for block in blocks.iter_mut().step_by(2) {
        *block = None;
    }
    zmalloc::flush_thread_cache().unwrap();
    let holed = AllocatorInfo::read().unwrap();
    let holes = 20_000 * 256;
    let gained = holed.small_fragmentation - full.small_fragmentation;
    assert!(gained.abs_diff(holes) < holes / 50, "{gained}");
    assert!(holed.fragmentation_ratio() > full.fragmentation_ratio());
    assert!(holed.fragmentation_bytes() >= holed.small_fragmentation);
}

fn purge_gives_memory_back() {
    zmalloc::purge().unwrap();
    let base = process::rss().unwrap();
    let heap = heap_of(200 * MIB);
    let full = process::rss().unwrap();
    assert!(full > base + 195 * MIB);
    drop(heap);
    zmalloc::purge().unwrap();
    let purged = process::rss().unwrap();
    println!("  rss {} MiB, then {}, then {}", base / MIB, full / MIB, purged / MIB);
    assert!(purged < base + 20 * MIB, "{base} {full} {purged}");
    let info = AllocatorInfo::read().unwrap();
    assert!(info.dirty + info.muzzy < 2 * MIB);
    assert!(info.retained > 100 * MIB);
}

fn process_figures_follow_the_heap() {
    let (rss, dirty) = (process::rss().unwrap(), process::private_dirty().unwrap());
    let block = vec![1_u8; 64 * MIB];
    assert!(process::rss().unwrap() > rss + 60 * MIB);
    assert!(process::private_dirty().unwrap() > dirty + 60 * MIB);
    assert!(process::smaps_sum("Rss").unwrap().abs_diff(process::rss().unwrap()) < 8 * MIB);
    assert_eq!(process::smaps_sum("NoSuchField"), None);
    assert!(process::physical_memory().unwrap() > process::rss().unwrap());
    assert!(process::page_size().unwrap().is_power_of_two());
    drop(block);
}

fn background_threads_start_and_stop() {
    zmalloc::set_background_thread(true).unwrap();
    drop(heap_of(MIB));
    zmalloc::set_background_thread(false).unwrap();
}

fn report_is_complete() {
    let text = zmalloc::stats_text();
    assert!(text.contains(zmalloc::BACKEND.trim_start_matches("jemalloc-")));
    assert!(text.contains("Allocated: "));
    assert!(text.trim_end().ends_with("--- End jemalloc statistics ---"));
    let json = zmalloc::stats_json().unwrap();
    let (open, close) = (json.matches('{').count(), json.matches('}').count());
    assert!(json.trim_start().starts_with("{\"jemalloc\":") && open > 100 && open == close, "{json}");
}

/// No back end but jemalloc answers all of `AllocatorInfo`; none may answer with figures made up.
fn figures_that_are_not_kept_are_refused() {
    let mut refusals = vec![
        AllocatorInfo::read().map(|_| ()),
        AllocatorInfo::read_arena(0).map(|_| ()),
        AllocatorInfo::read_arenas().map(|_| ()),
        zmalloc::large_size_classes().map(|_| ()),
        zmalloc::stats_json().map(|_| ()),
        zmalloc::set_background_thread(true),
    ];
    if !zmalloc::BACKEND.ends_with("+pool") {
        refusals.push(zmalloc::size_classes().map(|_| ()));
        refusals.push(zmalloc::quantum().map(|_| ()));
    }
    for refusal in refusals {
        let error = refusal.unwrap_err();
        assert_eq!(error.errno(), libc::ENOTSUP);
        assert!(error.to_string().contains(zmalloc::BACKEND), "{error}");
    }
    assert!(zmalloc::stats_text().ends_with('\n'));
}

/// The heap survives each command, and the ledger takes no notice.
fn commands_work_or_are_refused() {
    let heap = heap_of(20 * MIB);
    let used = used_memory();
    for command in [zmalloc::purge, zmalloc::flush_thread_cache] {
        if let Err(error) = command() {
            assert_eq!(error.errno(), libc::ENOTSUP);
        }
        assert_eq!(used_memory(), used);
    }
    assert!(heap.iter().all(|block| block.iter().all(|&byte| byte == 1)));
}
