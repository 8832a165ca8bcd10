//! Databases that are emptied, exchanged or changed while a pass is under way.

use crate::session::{Check, Session};

pub(crate) const CHECKS: &[Check] = &[
    ("databases are emptied", databases_are_emptied),
    ("databases are exchanged", databases_are_exchanged),
    ("databases grow and shrink", databases_grow_and_shrink),
];

fn databases_are_emptied() {
    for flush in ["FLUSHALL", "FLUSHALL ASYNC", "FLUSHDB"] {
        let mut session = Session::fragmented(20);
        session.enable();
        session.step_into_pass();
        session.ok(flush);
        // FLUSHDB empties the database that was selected last.
        session.model[1].fill(0);
        if flush != "FLUSHDB" {
            session.model[0].fill(0);
        }
        session.check();
        (0..5000).for_each(|number| session.set(1, number));
        (0..200).for_each(|_| session.step());
        session.check();
    }
}

fn databases_are_exchanged() {
    let mut session = Session::fragmented(40);
    session.enable();
    session.step_into_pass();
    let mut turns = 0;
    session.step_until("fragmentation below 1.1", |session| {
        turns += 1;
        if turns % 3 == 0 {
            session.ok("SWAPDB 0 1");
            session.model.swap(0, 1);
        }
        session.field("allocator_frag_ratio") < 1.1
    });
    session.check();
}

fn databases_grow_and_shrink() {
    let mut session = Session::fragmented(30);
    session.enable();
    session.step_into_pass();
    for round in 0..400 {
        session.step();
        let first = 120_000 + round * 100;
        (first..first + 100).for_each(|number| session.set((number % 2) as usize, number));
        if round > 200 {
            let first = first - 20_000;
            (first..first + 100).for_each(|number| session.delete((number % 2) as usize, number));
        }
    }
    session.check();
    session.step_until("fragmentation below 1.1", |session| session.field("allocator_frag_ratio") < 1.1);
    session.check();
}
