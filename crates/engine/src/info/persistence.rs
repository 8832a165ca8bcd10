//! INFO's section of what works on a snapshot of the data: nothing is loaded or saved, but modules have child
//! processes.

use super::Fields;
use crate::engine::Engine;

pub(super) fn write(engine: &mut Engine, fields: &mut Fields) {
    // Scripts wait for this: nothing is ever loaded, so commands are always served.
    fields.field("loading", 0);
    let child = &engine.child;
    fields.field("current_cow_peak", child.cow_peak);
    fields.field("current_cow_size", child.cow);
    fields.field("current_cow_size_age", child.cow_told.map_or(0, |told| told.elapsed().as_secs()));
    fields.decimal("current_fork_perc", child.progress * 100.0);
    fields.field("module_fork_in_progress", u8::from(engine.has_child()));
    fields.field("module_fork_last_cow_size", child.last_cow);
}
