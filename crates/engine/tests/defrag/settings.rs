//! Settings that change while a pass is under way.

use crate::session::{Check, Session};

pub(crate) const CHECKS: &[Check] = &[
    ("it can be switched off and on again", it_can_be_switched_off_and_on_again),
    ("the effort follows the settings", the_effort_follows_the_settings),
    ("thresholds that are raised end it", thresholds_that_are_raised_end_it),
];

fn it_can_be_switched_off_and_on_again() {
    let mut session = Session::fragmented(20);
    session.enable();
    session.step_into_pass();
    session.ok("CONFIG SET activedefrag no");
    let hits = session.field("active_defrag_hits");
    assert_eq!(session.engine.work(), None);
    for _ in 0..3 {
        session.engine.tick();
    }
    assert_eq!(session.field("active_defrag_running"), 0.0);
    assert_eq!(session.field("current_active_defrag_time"), 0.0);
    assert_eq!(session.field("active_defrag_hits"), hits);
    session.enable();
    session.step_until("fragmentation below 1.1", |session| session.field("allocator_frag_ratio") < 1.1);
    session.check();
}

fn the_effort_follows_the_settings() {
    let mut session = Session::fragmented(20);
    session.enable();
    session.step_into_pass();
    for (range, expected) in [((1, 7), 7.0), ((30, 30), 30.0), ((50, 80), 80.0)] {
        session.ok(&format!(
            "CONFIG SET active-defrag-cycle-min {} active-defrag-cycle-max {}",
            range.0, range.1
        ));
        session
            .step_until("the effort changes", |session| session.field("active_defrag_running") == expected);
    }
    session.check();
}

fn thresholds_that_are_raised_end_it() {
    let mut session = Session::fragmented(20);
    session.enable();
    session.step_into_pass();
    session.ok("CONFIG SET active-defrag-ignore-bytes 1gb");
    // The pass that is under way is the last.
    session.step_until("it ends", |session| {
        session.engine.work().is_none() && session.field("active_defrag_running") == 0.0
    });
    session.engine.tick();
    assert_eq!(session.engine.work(), None);
    session.check();
}
