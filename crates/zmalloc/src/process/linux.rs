//! Linux: `/proc/self` and `sysinfo`.

use std::ffi::CStr;
use std::io::Write;

/// Reads a file from its beginning into `buffer`, as much as fits. No allocation: this may be asked
/// when there is no memory.
fn read_file<'a>(path: &CStr, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    // SAFETY: the path ends with NUL.
    let file = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if file < 0 {
        return None;
    }
    let mut filled = 0;
    while filled < buffer.len() {
        let rest = &mut buffer[filled..];
        // SAFETY: `rest` has as many writable bytes as are asked for.
        let count = unsafe { libc::read(file, rest.as_mut_ptr().cast(), rest.len()) };
        // End of file, or an error, which leaves too little to find the figure in.
        let Ok(count @ 1..) = usize::try_from(count) else {
            break;
        };
        filled += count;
    }
    // SAFETY: the file was opened above and is used no more.
    unsafe { libc::close(file) };
    Some(&buffer[..filled])
}

/// The decimal number that the text starts with, after blanks.
fn leading_number(text: &str) -> Option<usize> {
    text.split_ascii_whitespace().next()?.parse().ok()
}

pub(super) fn rss() -> Option<usize> {
    let mut buffer = [0; 128];
    let statm = std::str::from_utf8(read_file(c"/proc/self/statm", &mut buffer)?).ok()?;
    // Total size, then resident size, in pages.
    let (_total, rest) = statm.split_once(' ')?;
    leading_number(rest)?.checked_mul(page_size()?)
}

pub(super) fn smaps_sum(field: &str, pid: Option<u32>) -> Option<usize> {
    let mut buffer = [0; 4096];
    let mut path = [0; 32];
    let path = match pid {
        Some(pid) => rollup_of(pid, &mut path)?,
        None => c"/proc/self/smaps_rollup",
    };
    sum_in(std::str::from_utf8(read_file(path, &mut buffer)?).ok()?, field)
}

/// The path of a process's `smaps_rollup`, written to `path`, which has room for any.
fn rollup_of(pid: u32, path: &mut [u8; 32]) -> Option<&CStr> {
    let mut rest = &mut path[..];
    write!(rest, "/proc/{pid}/smaps_rollup\0").ok()?;
    CStr::from_bytes_until_nul(path).ok()
}

/// The value of a line `Field:   N kB`, in bytes.
fn sum_in(rollup: &str, field: &str) -> Option<usize> {
    rollup.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let kilobytes = (name == field).then(|| value.strip_suffix("kB")).flatten()?;
        leading_number(kilobytes)?.checked_mul(1024)
    })
}

pub(super) fn physical_memory() -> Option<usize> {
    // SAFETY: `sysinfo` is a structure of integers, for which zeros are valid.
    let mut info: libc::sysinfo = unsafe { std::mem::zeroed() };
    // SAFETY: `info` is there to be written.
    if unsafe { libc::sysinfo(&raw mut info) } != 0 {
        return None;
    }
    usize::try_from(info.totalram).ok()?.checked_mul(usize::try_from(info.mem_unit).ok()?)
}

pub(super) fn page_size() -> Option<usize> {
    // SAFETY: a question without arguments.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let rollup = "55f9bc3d1000-7ffd67962000 ---p 00000000 00:00 0 [rollup]\n\
                      Pss:                 357 kB\nPss_Dirty:           112 kB\nTHPeligible: 0\n";
        assert_eq!(sum_in(rollup, "Pss"), Some(357 * 1024));
        assert_eq!(sum_in(rollup, "Pss_Dirty"), Some(112 * 1024));
        assert_eq!(sum_in(rollup, "Dirty"), None);
        assert_eq!(sum_in(rollup, "THPeligible"), None);
        assert_eq!(sum_in("", "Pss"), None);
    }

    #[test]
    fn the_longest_path_fits() {
        assert_eq!(rollup_of(1, &mut [1; 32]), Some(c"/proc/1/smaps_rollup"));
        assert_eq!(rollup_of(u32::MAX, &mut [1; 32]), Some(c"/proc/4294967295/smaps_rollup"));
    }

    #[test]
    fn a_file_that_is_not_there_is_none_and_a_long_one_is_cut() {
        let mut buffer = [0; 16];
        assert!(read_file(c"/proc/self/no-such-file", &mut buffer).is_none());
        assert_eq!(read_file(c"/proc/self/smaps", &mut buffer).map(<[u8]>::len), Some(16));
    }
}
