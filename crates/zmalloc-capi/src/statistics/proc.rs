//! `/proc`, of this process or another.

use std::ffi::{c_long, c_longlong};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};

/// The sum, in bytes, over the lines of a process's smaps that begin with `prefix`, as in
/// `Private_Dirty:        8 kB`. The process is this one if `pid` is -1.
pub(super) fn smaps_sum(prefix: &[u8], pid: c_long) -> Option<usize> {
    let process = if pid == -1 { "self".to_owned() } else { pid.to_string() };
    // One that the kernel has added up, where there is one; else the mappings one by one.
    let file = File::open(format!("/proc/{process}/smaps_rollup"))
        .or_else(|_| File::open(format!("/proc/{process}/smaps")))
        .ok()?;
    let mut sum = 0_usize;
    for line in BufReader::new(file).split(b'\n') {
        let line = line.ok()?;
        if let Some(rest) = line.strip_prefix(prefix) {
            sum = sum.checked_add(kilobytes(rest).unwrap_or(0))?;
        }
    }
    Some(sum)
}

/// The bytes that a value in kilobytes stands for. What a shorter prefix has left of the field's
/// name is passed over.
fn kilobytes(text: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(text).ok()?;
    let value = text.rsplit_once(':').map_or(text, |(_, value)| value);
    value.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()?.checked_mul(1024)
}

/// A field of `/proc/self/stat` by its number in proc(5). The first two, the process's number and
/// name, are no figures to ask for.
pub(super) fn stat_field(number: usize) -> Option<c_longlong> {
    const AFTER_NAME: usize = 3;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name is in parentheses, and may contain some.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(number.checked_sub(AFTER_NAME)?)?.parse().ok()
}
