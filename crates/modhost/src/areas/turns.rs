//! Letting others have their turn while a command runs for long.

use std::ffi::{CStr, c_int};
use std::time::{Duration, Instant};

use module_abi::constants::yield_flag;

use crate::api::export;
use crate::context::Ctx;
use crate::gil;
use crate::lend::with_engine;

/// When others may have their turn in this context: when the command has run for as long as `busy-reply-threshold`
/// says, and from then on as often as the clock ticks. None where that is never.
fn next_turn(ctx: &Ctx, threshold: Duration, now: Instant) -> Option<Instant> {
    ctx.next_turn.get().or_else(|| {
        let begun = ctx.begun.get().unwrap_or(now);
        ctx.begun.set(Some(begun));
        begun.checked_add(threshold)
    })
}

export! {
    /// A thread that has taken the server's lock lets others have their turn by giving it back; here it does nothing.
    fn Yield(ctx: &Ctx, flags: c_int, busy_reply: Option<&CStr>) {
        if gil::is_taken_here() {
            return;
        }
        let now = Instant::now();
        with_engine(|engine| {
            let threshold = Duration::from_millis(engine.config().busy_reply_threshold);
            if next_turn(ctx, threshold, now).is_some_and(|turn| turn <= now) {
                engine.let_others_in(flags & yield_flag::CLIENTS != 0, busy_reply.map(CStr::to_bytes));
                ctx.next_turn.set(now.checked_add(Duration::from_secs(1) / engine.config().hz.max(1)));
            }
        });
    }
}
