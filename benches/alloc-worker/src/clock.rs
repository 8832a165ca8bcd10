//! CPU time, by the C library: under valgrind the kernel's own page for it can't be read.
#![allow(unsafe_code)]

use std::time::Duration;

/// Runs something and says how much CPU time the calling thread took for it.
pub(crate) fn cpu_time_of(body: impl FnOnce()) -> Duration {
    let start = thread_cpu_time();
    body();
    thread_cpu_time() - start
}

fn thread_cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock is one that every thread has, and `time` is there to be written.
    let outcome = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(outcome, 0, "every thread has a clock of its own");
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).expect("below a second"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_time_and_sleep_takes_less() {
        let nap = Duration::from_millis(200);
        assert!(cpu_time_of(|| std::thread::sleep(nap)) < nap);
        let work = cpu_time_of(|| {
            let start = std::time::Instant::now();
            while start.elapsed() < Duration::from_millis(5) {}
        });
        assert!(work > Duration::ZERO);
    }
}
