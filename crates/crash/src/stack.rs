//! Addresses and names of the functions on the stack.

use std::ffi::{CStr, c_void};
use std::ptr;

use backtrace::SymbolName;

use crate::sink::Sink;

/// At most this many frames are printed, the innermost first.
const FRAMES: usize = 64;

/// Where this program was loaded, so that addresses can be looked up in its file later.
pub(crate) struct Image {
    base: usize,
}

impl Image {
    /// Asks the dynamic loader; takes its locks, so this is for ordinary times.
    pub(crate) fn of_this_program() -> Self {
        Self { base: file_at((crate::install as *const c_void).addr()).dli_fbase.addr() }
    }
}

/// What the dynamic loader knows of the file that an address belongs to: NULL where there is none. Takes its locks.
fn file_at(address: usize) -> libc::Dl_info {
    let mut found = libc::Dl_info {
        dli_fname: ptr::null(),
        dli_fbase: ptr::null_mut(),
        dli_sname: ptr::null(),
        dli_saddr: ptr::null_mut(),
    };
    // SAFETY: any address may be asked about, and `found` is a valid place for the answer.
    unsafe { libc::dladdr(ptr::without_provenance(address), &raw mut found) };
    found
}

/// The return addresses on the calling thread's stack.
pub(crate) struct Addresses {
    frames: [usize; FRAMES],
    count: usize,
    /// Whether the first is the very instruction that faulted, and not one to return to.
    begins_at_fault: bool,
}

impl Addresses {
    /// Walks the stack. Does not allocate; the unwinder may ask the dynamic loader for its tables,
    /// which C libraries older than glibc 2.35 answer under a lock that this thread may hold already.
    ///
    /// If one of the frames is at `program_counter`, the walk begins there: the frames before it
    /// belong to the report itself.
    pub(crate) fn capture(program_counter: Option<usize>) -> Self {
        let mut stack = Self { frames: [0; FRAMES], count: 0, begins_at_fault: false };
        // SAFETY: unsynchronized means that no other thread may be using the same unwinder state;
        // on unix the unwinder keeps none that a walk changes, and only one thread writes a report.
        unsafe {
            backtrace::trace_unsynchronized(|frame| {
                let address = frame.ip().addr();
                if address == 0 {
                    return false;
                }
                if Some(address) == program_counter {
                    stack.count = 0;
                    stack.begins_at_fault = true;
                }
                stack.frames[stack.count] = address;
                stack.count += 1;
                stack.count < FRAMES
            });
        }
        stack
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        self.frames[..self.count].iter().copied()
    }

    /// Prints the bare addresses. Neither allocates nor locks.
    pub(crate) fn print(&self, sink: &mut Sink, image: &Image) {
        sink.line(format_args!("program loaded at {:#x}", image.base));
        for (index, address) in self.iter().enumerate() {
            sink.line(format_args!(
                "{index:>3} {address:#018x} program+{:#x}",
                address.wrapping_sub(image.base)
            ));
        }
    }

    /// Prints the addresses with the functions and source lines they belong to, and with the file where that is another
    /// than the program's: a library, or a module.
    ///
    /// Reads debug information, so it allocates, takes locks and opens files: all that may hang or
    /// fault in a process that is dying.
    pub(crate) fn print_names(&self, sink: &mut Sink, image: &Image) {
        for (index, address) in self.iter().enumerate() {
            sink.text(format_args!("{index:>3} {address:#018x}"));
            let file = file_at(address);
            let base = file.dli_fbase.addr();
            if base != image.base && !file.dli_fname.is_null() {
                // SAFETY: the loader's name of a file that is loaded, which ends with NUL.
                let name = unsafe { CStr::from_ptr(file.dli_fname) };
                sink.text(format_args!(" in {}+{:#x}", name.to_bytes().escape_ascii(), address - base));
            }
            sink.line(format_args!(""));
            let resolve = |symbol: &backtrace::Symbol| {
                let name = symbol.name().unwrap_or(SymbolName::new(b"?"));
                sink.text(format_args!("      {name:#}"));
                if let (Some(file), Some(line)) = (symbol.filename(), symbol.lineno()) {
                    sink.text(format_args!(" at {}:{line}", file.display()));
                }
                sink.line(format_args!(""));
            };
            // A return address is looked up one byte lower, where the call is.
            let exact = index == 0 && self.begins_at_fault;
            let lookup = ptr::without_provenance_mut(address.wrapping_add(usize::from(exact)));
            // SAFETY: unsynchronized means that nobody else may be resolving at the same time. The
            // report is written by one thread, and panics, whose default hook would resolve names
            // too, come here instead.
            unsafe { backtrace::resolve_unsynchronized(lookup, resolve) };
        }
    }
}
