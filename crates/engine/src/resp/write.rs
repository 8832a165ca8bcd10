//! Writing replies: each Redis type in RESP2 and RESP3.

use crate::error::Error;

/// The version of the protocol that a client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// RESP2, which every connection begins with.
    #[default]
    V2,
    /// RESP3, chosen with `HELLO 3`.
    V3,
}

/// Appends replies to a buffer, in the version that its client speaks.
///
/// Aggregates are written as a header that announces the number of elements, and then the elements:
/// the caller keeps that promise.
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
    version: Version,
}

impl Writer {
    /// A writer that appends to `out`.
    pub fn new(out: Vec<u8>, version: Version) -> Self {
        Self { out, version }
    }

    /// The buffer, with everything written so far.
    pub fn into_inner(self) -> Vec<u8> {
        self.out
    }

    /// The number of bytes in the buffer, earlier replies included.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether the buffer is empty.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Takes back everything written past `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.out.truncate(len);
    }

    /// The version in which replies are written.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Changes the version for the replies that follow.
    pub fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    /// `+OK`.
    pub fn ok(&mut self) {
        self.out.extend_from_slice(b"+OK\r\n");
    }

    /// A simple string, which must hold neither CR nor LF.
    pub fn simple(&mut self, text: &str) {
        debug_assert!(!text.contains(['\r', '\n']));
        self.out.push(b'+');
        self.out.extend_from_slice(text.as_bytes());
        self.crlf();
    }

    /// An error. CR and LF at the end of its text are dropped and become spaces elsewhere: a line can't hold them.
    pub fn error(&mut self, error: &Error) {
        self.out.push(b'-');
        let mut text = error.as_bytes();
        while let [rest @ .., b'\r' | b'\n'] = text {
            text = rest;
        }
        self.out.extend(text.iter().map(|&byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
        self.crlf();
    }

    /// An integer.
    pub fn integer(&mut self, value: i64) {
        self.header(b':', value);
    }

    /// A number of things, as an integer.
    pub fn count(&mut self, value: usize) {
        self.integer(i64::try_from(value).unwrap_or(i64::MAX));
    }

    /// A bulk string.
    pub fn bulk(&mut self, bytes: &[u8]) {
        self.out.reserve(bytes.len() + 32);
        self.length(b'$', bytes.len());
        self.out.extend_from_slice(bytes);
        self.crlf();
    }

    /// A bulk string that holds an integer in decimal.
    pub fn bulk_integer(&mut self, value: i64) {
        self.bulk(itoa::Buffer::new().format(value).as_bytes());
    }

    /// The absence of a value: `$-1` in RESP2.
    pub fn null(&mut self) {
        self.out.extend_from_slice(match self.version {
            Version::V2 => b"$-1\r\n",
            Version::V3 => b"_\r\n",
        });
    }

    /// The absence of an aggregate: `*-1` in RESP2.
    pub fn null_array(&mut self) {
        self.out.extend_from_slice(match self.version {
            Version::V2 => b"*-1\r\n",
            Version::V3 => b"_\r\n",
        });
    }

    /// The header of an array.
    pub fn array(&mut self, len: usize) {
        self.length(b'*', len);
    }

    /// The header of a message that answers no request: in RESP2 an array.
    pub fn push(&mut self, len: usize) {
        let sigil = match self.version {
            Version::V2 => b'*',
            Version::V3 => b'>',
        };
        self.length(sigil, len);
    }

    /// The header of a map of `len` pairs: in RESP2 an array of twice as many elements.
    pub fn map(&mut self, len: usize) {
        match self.version {
            Version::V2 => self.length(b'*', len * 2),
            Version::V3 => self.length(b'%', len),
        }
    }

    /// The header of a set: in RESP2 an array.
    pub fn set(&mut self, len: usize) {
        let sigil = match self.version {
            Version::V2 => b'*',
            Version::V3 => b'~',
        };
        self.length(sigil, len);
    }

    /// A truth value: in RESP2 the integer 1 or 0.
    pub fn boolean(&mut self, value: bool) {
        self.out.extend_from_slice(match (self.version, value) {
            (Version::V2, true) => b":1\r\n",
            (Version::V2, false) => b":0\r\n",
            (Version::V3, true) => b"#t\r\n",
            (Version::V3, false) => b"#f\r\n",
        });
    }

    /// A floating-point number, in the shortest form that reads back the same: in RESP2 a bulk string.
    pub fn double(&mut self, value: f64) {
        let mut buffer = zmij::Buffer::new();
        let text = match value {
            f64::INFINITY => "inf",
            f64::NEG_INFINITY => "-inf",
            value if value.is_nan() => "nan",
            value if value.fract() == 0.0 && value.abs() < 1e17 => {
                return self.double_text(itoa::Buffer::new().format(value as i64));
            }
            value => buffer.format_finite(value),
        };
        self.double_text(text);
    }

    /// A floating-point number whose text is made elsewhere.
    pub fn double_as(&mut self, text: &[u8]) {
        match self.version {
            Version::V2 => self.bulk(text),
            Version::V3 => {
                self.out.push(b',');
                self.out.extend_from_slice(text);
                self.crlf();
            }
        }
    }

    fn double_text(&mut self, text: &str) {
        self.double_as(text.as_bytes());
    }

    /// A text meant for people (`kind` is `txt` or `mkd`): in RESP2 a bulk string.
    pub fn verbatim(&mut self, kind: &str, text: &[u8]) {
        debug_assert_eq!(kind.len(), 3);
        match self.version {
            Version::V2 => self.bulk(text),
            Version::V3 => {
                self.length(b'=', text.len() + 4);
                self.out.extend_from_slice(kind.as_bytes());
                self.out.push(b':');
                self.out.extend_from_slice(text);
                self.crlf();
            }
        }
    }

    /// A number of any size, in decimal: in RESP2 a bulk string.
    pub fn big_number(&mut self, text: &[u8]) {
        match self.version {
            Version::V2 => self.bulk(text),
            Version::V3 => {
                self.out.push(b'(');
                self.out.extend_from_slice(text);
                self.crlf();
            }
        }
    }

    /// The header of an attribute of `len` pairs, which the reply that follows has. There is none in RESP2.
    pub fn attribute(&mut self, len: usize) {
        self.length(b'|', len);
    }

    /// Writes what belongs before everything past `place` bytes: a header whose length wasn't known before.
    ///
    /// # Panics
    /// When fewer bytes were written.
    pub fn insert(&mut self, place: usize, write: impl FnOnce(&mut Self)) {
        let before = self.out.len();
        assert!(place <= before, "a place in what was written");
        write(self);
        let inserted = self.out.len() - before;
        self.out[place..].rotate_right(inserted);
    }

    /// Bytes that another writer of the same version has written.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    fn length(&mut self, sigil: u8, len: usize) {
        self.header(sigil, len as i64);
    }

    fn header(&mut self, sigil: u8, value: i64) {
        // Most numbers are short: they are written at once.
        match u8::try_from(value) {
            Ok(digit @ 0..=9) => self.out.extend_from_slice(&[sigil, b'0' + digit, b'\r', b'\n']),
            Ok(number @ 10..=99) => {
                let (tens, ones) = (b'0' + number / 10, b'0' + number % 10);
                self.out.extend_from_slice(&[sigil, tens, ones, b'\r', b'\n']);
            }
            _ => {
                self.out.push(sigil);
                self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
                self.crlf();
            }
        }
    }

    fn crlf(&mut self) {
        self.out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(write: impl Fn(&mut Writer)) -> (String, String) {
        let text = |version| {
            let mut writer = Writer::new(Vec::new(), version);
            write(&mut writer);
            String::from_utf8(writer.into_inner()).unwrap()
        };
        (text(Version::V2), text(Version::V3))
    }

    #[track_caller]
    fn check(write: impl Fn(&mut Writer), resp2: &str, resp3: &str) {
        assert_eq!(both(write), (resp2.to_owned(), resp3.to_owned()));
    }

    #[test]
    fn each_type_in_both_versions() {
        check(Writer::ok, "+OK\r\n", "+OK\r\n");
        check(|w| w.integer(i64::MIN), ":-9223372036854775808\r\n", ":-9223372036854775808\r\n");
        check(|w| w.bulk(b"a\r\nb"), "$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n");
        check(Writer::null, "$-1\r\n", "_\r\n");
        check(Writer::null_array, "*-1\r\n", "_\r\n");
        check(|w| w.array(12), "*12\r\n", "*12\r\n");
        check(|w| w.map(6), "*12\r\n", "%6\r\n");
        check(|w| w.set(3), "*3\r\n", "~3\r\n");
        check(|w| w.push(3), "*3\r\n", ">3\r\n");
        check(|w| w.boolean(true), ":1\r\n", "#t\r\n");
        check(|w| w.double(0.1), "$3\r\n0.1\r\n", ",0.1\r\n");
        check(|w| w.double(3.0), "$1\r\n3\r\n", ",3\r\n");
        check(|w| w.double(f64::NEG_INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
        check(|w| w.verbatim("txt", b"hi"), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n");
    }

    #[test]
    fn a_header_can_come_last() {
        let nested = |w: &mut Writer| {
            let outer = w.len();
            w.integer(1);
            let inner = w.len();
            (2..12).for_each(|n| w.integer(n));
            w.insert(inner, |w| w.map(5));
            w.insert(outer, |w| w.array(2));
        };
        let numbers: String = (2..12).map(|n| format!(":{n}\r\n")).collect();
        check(nested, &format!("*2\r\n:1\r\n*10\r\n{numbers}"), &format!("*2\r\n:1\r\n%5\r\n{numbers}"));
        check(|w| w.big_number(b"12"), "$2\r\n12\r\n", "(12\r\n");
    }

    #[test]
    fn an_error_stays_on_one_line() {
        let error = Error::new(&b"ERR no such 'a\r\nb'"[..]);
        check(|w| w.error(&error), "-ERR no such 'a  b'\r\n", "-ERR no such 'a  b'\r\n");
    }
}
