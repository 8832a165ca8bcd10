//! What the system tells of a process that runs.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use super::wait_for;

/// Sends a signal to a process.
pub(crate) fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(pid, signal).expect("it runs");
}

/// Whether every signal that was sent to a process has been delivered.
pub(crate) fn has_no_pending_signal(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let pending = status.lines().filter_map(|line| line.strip_prefix("ShdPnd:"));
    pending.map(str::trim).all(|mask| mask.trim_matches('0').is_empty())
}

/// Waits until a process has used a fifth of a second of processor time, which takes something that doesn't end: an
/// idle server would be at it for minutes.
pub(crate) fn wait_until_busy(pid: u32) {
    const TICKS: u64 = 20;
    let enough = ticks(pid) + TICKS;
    wait_for("the process is busy", || (ticks(pid) >= enough).then_some(()));
}

/// The processor time that a process has used in user mode, in ticks of 10 ms (`proc_pid_stat(5)`).
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let (_, fields) = stat.rsplit_once(')').expect("a name");
    fields.split_whitespace().nth(11).and_then(|field| field.parse().ok()).expect("a number")
}
