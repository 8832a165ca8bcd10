//! The last published statistics, for the report.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Instant;

use crate::sink::Sink;

struct Snapshot {
    text: String,
    taken: Instant,
}

/// The latest snapshot, owned by this variable; whoever swaps it out owns it.
static LATEST: AtomicPtr<Snapshot> = AtomicPtr::new(ptr::null_mut());

/// Keeps `text`, the program's own statistics, for a report; the report says how old it is.
///
/// Meant to be called about once a second. Replaces, and frees, what was published before.
pub fn publish_info(text: String) {
    let snapshot = Box::into_raw(Box::new(Snapshot { text, taken: Instant::now() }));
    let previous = LATEST.swap(snapshot, Ordering::AcqRel);
    if !previous.is_null() {
        // SAFETY: the pointer came from `Box::into_raw` above, and the swap made this call its only
        // owner: every other reader swaps it out as well.
        drop(unsafe { Box::from_raw(previous) });
    }
}

/// Prints the latest snapshot. Neither allocates nor locks nor frees: the snapshot is leaked, which
/// the end of the process forgives.
pub(crate) fn print(sink: &mut Sink) {
    let latest = LATEST.swap(ptr::null_mut(), Ordering::AcqRel);
    // SAFETY: a pointer in `LATEST` is null or came from `Box::into_raw`; the swap made this call
    // its only owner, and nobody frees it.
    let Some(Snapshot { text, taken }) = (unsafe { latest.as_ref() }) else {
        sink.line(format_args!("none was published"));
        return;
    };
    sink.line(format_args!("as of {} ms before this report", taken.elapsed().as_millis()));
    for line in text.lines() {
        sink.line(format_args!("{line}"));
    }
}
