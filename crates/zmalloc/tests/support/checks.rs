//! Runs the checks of a program that can't have the test harness beside it.

/// Runs every check twice: as threads begin, and with every operation taking the long way that a limit opens.
///
/// The limit is never reached.
pub(crate) fn run_plain_and_watched(checks: &[(&str, fn())]) {
    for watched in [false, true] {
        if watched {
            zmalloc::set_limit(Some(1 << 40));
        }
        for (name, check) in checks {
            check();
            println!("{name}, watched: {watched} ... ok");
        }
    }
}
