//! That it works, and that nobody but the allocator notices.

use crate::session::{Check, Session};

pub(crate) const CHECKS: &[Check] = &[
    ("fragmentation goes, values stay", fragmentation_goes_and_values_stay),
    ("without fragmentation nothing moves", without_fragmentation_nothing_moves),
];

fn fragmentation_goes_and_values_stay() {
    let mut session = Session::fragmented(60);
    let used = zmalloc::used_memory();
    assert!(session.field("allocator_frag_ratio") > 1.5, "{}", session.field("allocator_frag_ratio"));
    // Off, as it is from the start.
    for _ in 0..3 {
        session.engine.tick();
        assert_eq!(session.engine.work(), None);
    }
    assert_eq!(session.field("active_defrag_misses") + session.field("active_defrag_hits"), 0.0);

    session.enable();
    session.step_until("fragmentation below 1.1", |session| session.field("allocator_frag_ratio") < 1.1);
    let moved = session.field("active_defrag_hits");
    assert!(moved > 0.0);
    let keys = session.field("active_defrag_key_hits");
    assert!(keys > 0.0 && keys <= moved);
    assert!(session.field("active_defrag_key_misses") > 0.0);
    let current = session.field("current_active_defrag_time");
    assert!(session.field("total_active_defrag_time") >= current && current > 0.0);
    assert!(session.field("active_defrag_longest_step_usec") > 0.0);
    // What the cycle itself takes is little.
    assert!(zmalloc::used_memory().abs_diff(used) < 64 << 10);
    session.check();

    session.ok("CONFIG RESETSTAT");
    for name in ["hits", "misses", "key_hits", "key_misses", "longest_step_usec"] {
        assert_eq!(session.field(&format!("active_defrag_{name}")), 0.0);
    }
    assert!(session.field("total_active_defrag_time") < 1000.0);
}

fn without_fragmentation_nothing_moves() {
    let mut session = Session::new();
    (0..2000).for_each(|number| session.set(0, number));
    session.ok("CONFIG SET activedefrag yes");
    for _ in 0..3 {
        session.engine.tick();
        // Below 100 MB it isn't worth the effort, by default.
        assert_eq!(session.engine.work(), None);
    }
    for name in
        ["active_defrag_running", "active_defrag_hits", "active_defrag_misses", "total_active_defrag_time"]
    {
        assert_eq!(session.field(name), 0.0, "{name}");
    }
}
