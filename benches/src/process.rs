//! The CPU time of another process, as Linux counts it (`proc_pid_stat(5)`).

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// The CPU time that a process has used so far, in user mode and in the kernel, all its threads
/// together. Its resolution is one clock tick, 10 ms on most machines.
///
/// # Errors
/// When there is no such process, or the system has no `/proc`.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let ticks = cpu_ticks(&stat).with_context(|| format!("cannot understand {path}"))?;
    let per_second = rustix::param::clock_ticks_per_second();
    Ok(Duration::from_secs_f64(ticks as f64 / per_second as f64))
}

/// The sum of fields 14 (`utime`) and 15 (`stime`). The name in field 2 may hold spaces and
/// parentheses, so fields are counted from the last parenthesis.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_is_skipped() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194304 100 0 0 0 250 31 4 5 20 0 1 0 1000";
        assert_eq!(cpu_ticks(stat), Some(281));
    }

    #[test]
    fn what_is_cut_short_is_refused() {
        for stat in ["", "7 (a) S 1 7 7 0 -1 4194304 100 0 0 0 250", "7 (a"] {
            assert_eq!(cpu_ticks(stat), None, "{stat}");
        }
    }

    #[test]
    fn this_process_is_there_and_others_are_not() {
        let before = cpu_time(std::process::id()).unwrap();
        assert!(cpu_time(std::process::id()).unwrap() >= before);
        assert!(cpu_time(u32::MAX).is_err());
    }
}
