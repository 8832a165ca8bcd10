//! Formatted output to a file descriptor, without allocation or locks.

use std::fmt::{self, Write as _};

use crate::Installed;

const CAPACITY: usize = 512;

/// A line buffer in front of a file descriptor. Errors are dropped: there is nobody left to tell.
pub(crate) struct Sink {
    descriptor: libc::c_int,
    buffer: [u8; CAPACITY],
    filled: usize,
}

impl Sink {
    /// Opens the log that [`Setup::log`](crate::Setup::log) names, or takes standard output.
    pub(crate) fn open(installed: &Installed) -> Self {
        let descriptor = match &installed.log {
            Some(path) => {
                let flags = libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT | libc::O_CLOEXEC;
                let mode: libc::c_uint = 0o644;
                // SAFETY: `path` is a string that ends with NUL, and the mode that O_CREAT needs is
                // there.
                unsafe { libc::open(path.as_ptr(), flags, mode) }
            }
            None => libc::STDOUT_FILENO,
        };
        Self::over(if descriptor < 0 { libc::STDOUT_FILENO } else { descriptor })
    }

    fn over(descriptor: libc::c_int) -> Self {
        Self { descriptor, buffer: [0; CAPACITY], filled: 0 }
    }

    /// Buffers part of a line.
    pub(crate) fn text(&mut self, text: fmt::Arguments<'_>) {
        // `write_str` below doesn't fail; a value whose formatting does is printed as far as it got.
        let _ = self.write_fmt(text);
    }

    /// Ends a line and writes it out.
    pub(crate) fn line(&mut self, text: fmt::Arguments<'_>) {
        self.text(text);
        self.bytes(b"\n");
        self.flush();
    }

    /// Buffers `bytes` between quotes, so that the result is one line of printable ASCII.
    pub(crate) fn quoted(&mut self, bytes: &[u8]) {
        self.bytes(b"\"");
        for byte in bytes {
            self.text(format_args!("{}", byte.escape_ascii()));
        }
        self.bytes(b"\"");
    }

    fn bytes(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.filled == CAPACITY {
                self.flush();
            }
            let room = &mut self.buffer[self.filled..];
            let count = room.len().min(bytes.len());
            room[..count].copy_from_slice(&bytes[..count]);
            self.filled += count;
            bytes = &bytes[count..];
        }
    }

    fn flush(&mut self) {
        let mut rest = &self.buffer[..self.filled];
        while !rest.is_empty() {
            // SAFETY: `rest` is readable for its whole length.
            let written = unsafe { libc::write(self.descriptor, rest.as_ptr().cast(), rest.len()) };
            match usize::try_from(written) {
                Ok(written) => rest = &rest[written..],
                Err(_) => match std::io::Error::last_os_error().raw_os_error() {
                    Some(libc::EINTR) => {}
                    Some(libc::EAGAIN) => wait_until_writable(self.descriptor),
                    _ => break,
                },
            }
        }
        self.filled = 0;
    }
}

impl fmt::Write for Sink {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes(text.as_bytes());
        Ok(())
    }
}

fn wait_until_writable(descriptor: libc::c_int) {
    let mut wanted = libc::pollfd { fd: descriptor, events: libc::POLLOUT, revents: 0 };
    // SAFETY: `wanted` is one valid pollfd. The wait has no limit because the report's timer is one.
    unsafe { libc::poll(&raw mut wanted, 1, -1) };
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::fd::AsRawFd as _;

    use super::*;

    fn written_by(write: impl FnOnce(&mut Sink)) -> Vec<u8> {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let mut sink = Sink::over(writer.as_raw_fd());
        // More than a pipe holds must not block the test.
        let collected = std::thread::spawn(move || {
            let mut output = Vec::new();
            reader.read_to_end(&mut output).expect("readable");
            output
        });
        write(&mut sink);
        drop(writer);
        collected.join().expect("the reader ends")
    }

    #[test]
    fn lines_of_every_length_around_the_capacity_arrive_whole() {
        for length in (0..4).chain(CAPACITY - 3..CAPACITY + 3).chain([200_000]) {
            let text: String = ('a'..='z').cycle().take(length).collect();
            let output = written_by(|sink| sink.line(format_args!("{text}")));
            assert_eq!(output, format!("{text}\n").into_bytes(), "length {length}");
        }
    }

    #[test]
    fn a_partial_line_is_held_until_it_ends() {
        assert_eq!(written_by(|sink| sink.text(format_args!("abc"))), b"");
        let output = written_by(|sink| {
            sink.text(format_args!("a{}", 1));
            sink.line(format_args!("b{:#x}", 255));
        });
        assert_eq!(output, b"a1b0xff\n");
    }

    #[test]
    fn quoting_leaves_one_printable_line_from_which_the_bytes_can_be_read_back() {
        for byte in 0..=255_u8 {
            let output = written_by(|sink| {
                sink.quoted(&[byte]);
                sink.line(format_args!(""));
            });
            let (newline, line) = output.split_last().expect("a line");
            assert_eq!(*newline, b'\n');
            assert!(line.iter().all(|byte| (b' '..=b'~').contains(byte)));
            let inner = &line[1..line.len() - 1];
            assert_eq!(unescaped(inner), byte, "{}", line.escape_ascii());
        }
    }

    /// What a reader of the report would make of one escaped byte.
    fn unescaped(escaped: &[u8]) -> u8 {
        match escaped {
            [byte] => {
                assert!(!b"\"\\".contains(byte), "a bare quote or backslash");
                *byte
            }
            b"\\n" => b'\n',
            b"\\r" => b'\r',
            b"\\t" => b'\t',
            [b'\\', byte @ (b'"' | b'\'' | b'\\')] => *byte,
            [b'\\', b'x', digits @ ..] => {
                let digits = std::str::from_utf8(digits).expect("hexadecimal digits");
                u8::from_str_radix(digits, 16).expect("hexadecimal digits")
            }
            other => panic!("unknown escape {}", other.escape_ascii()),
        }
    }

    #[test]
    fn a_closed_descriptor_loses_the_text_and_nothing_else() {
        let mut sink = Sink::over(-1);
        sink.line(format_args!("lost"));
        assert_eq!(sink.filled, 0);
    }
}
