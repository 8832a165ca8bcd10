//! How soon jemalloc gives unused ("dirty") pages back. It calls that decay: of the pages that fall unused
//! at one time more and more are due as their arena's decay time passes.

use super::control::{self, Mib};
use crate::error::ControlError;

/// Where an arena's index is in `arena.N.*`.
const ARENA: usize = 1;

/// Gives back what is due in any arena, but for those that another thread is doing this to.
pub(super) fn purge_due() -> Result<(), ControlError> {
    // 4096 stands for all arenas.
    control::run(c"arena.4096.decay")
}

/// The arenas there are, each with its decay time in milliseconds, -1 for never.
pub(super) fn times() -> Result<Vec<(usize, isize)>, ControlError> {
    let initialized = Mib::<3>::resolve(c"arena.0.initialized")?;
    let node = Mib::<3>::resolve(c"arena.0.dirty_decay_ms")?;
    let mut times = Vec::new();
    for arena in 0..control::read_name::<u32>(c"arenas.narenas")? as usize {
        if initialized.with_index(ARENA, arena).read::<u8>()? != 0 {
            times.push((arena, node.with_index(ARENA, arena).read()?));
        }
    }
    Ok(times)
}

/// Sets an arena's decay time. What is unused by now counts as if it had only just become so.
pub(super) fn set_time(arena: usize, milliseconds: isize) -> Result<(), ControlError> {
    Mib::<3>::resolve(c"arena.0.dirty_decay_ms")?.with_index(ARENA, arena).write(milliseconds)
}
