//! Reading requests: RESP arrays and inline commands, however they are cut into pieces.

use std::fmt;
use std::ops::Range;

use crate::quoting;

/// The longest line, in bytes, that may announce something, or be an inline command.
const MAX_LINE: usize = 64 * 1024;
/// What a client that hasn't authenticated may send at most: elements, and bytes in each.
const UNAUTHENTICATED_ELEMENTS: i64 = 10;
const UNAUTHENTICATED_BULK: i64 = 16 * 1024;

/// What requests may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest bulk string, in bytes (`proto-max-bulk-len`).
    pub max_bulk_len: u64,
    /// Whether the client may send more than it takes to authenticate.
    pub authenticated: bool,
}

/// One request that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Its arguments are these of [`Parser::ranges`], which point into the buffer.
    Array(Range<usize>),
    /// An inline command; its arguments are copies, as quoting may have changed them.
    Inline(Vec<Vec<u8>>),
}

/// A request that Redis, too, answers by closing the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// The number after `*` is none, or too large.
    MultibulkLength,
    /// A client that must authenticate first sent an array that is too long for that.
    UnauthenticatedMultibulk,
    /// The line that begins with `*` doesn't end.
    MultibulkLine,
    /// The number after `$` is none, or too large.
    BulkLength,
    /// A client that must authenticate first sent a string that is too long for that.
    UnauthenticatedBulk,
    /// The line that begins with `$` doesn't end.
    BulkLine,
    /// Something else stands where `$` should.
    ExpectedBulk(u8),
    /// An inline command doesn't end.
    InlineLength,
    /// An inline command opens a quotation and doesn't close it.
    UnbalancedQuotes,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Protocol error: ")?;
        f.write_str(match self {
            Self::MultibulkLength => "invalid multibulk length",
            Self::UnauthenticatedMultibulk => "unauthenticated multibulk length",
            Self::MultibulkLine => "too big mbulk count string",
            Self::BulkLength => "invalid bulk length",
            Self::UnauthenticatedBulk => "unauthenticated bulk length",
            Self::BulkLine => "too big bulk count string",
            Self::ExpectedBulk(byte) => return write!(f, "expected '$', got '{}'", char::from(*byte)),
            Self::InlineLength => "too big inline request",
            Self::UnbalancedQuotes => "unbalanced quotes in request",
        })
    }
}

impl std::error::Error for ProtocolError {}

/// Finds requests in a buffer that grows, without ever looking at a byte of an array twice.
///
/// The buffer is the caller's, and so is the promise that between two calls it only grows at its end, or
/// loses bytes at its beginning that [`Parser::forget`] has been told of.
#[derive(Debug, Default)]
pub struct Parser {
    /// The first byte that hasn't been looked at.
    at: usize,
    /// Where the request that is being read began.
    start: usize,
    /// How many elements of that request are still to come.
    missing: usize,
    /// The length of the element that is being read, once it is known.
    bulk: Option<usize>,
    /// The arguments found since the last [`Parser::forget`], request after request.
    ranges: Vec<Range<usize>>,
    /// Where in `ranges` the current request's arguments begin.
    first: usize,
}

impl Parser {
    /// The next complete request in `buffer`, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// A [`ProtocolError`] after which the connection can only be closed: the position is lost.
    pub fn next(&mut self, buffer: &[u8], limits: Limits) -> Result<Option<Request>, ProtocolError> {
        loop {
            if self.missing == 0 {
                match buffer.get(self.at) {
                    None => return Ok(None),
                    Some(b'*') => {
                        if !self.array_header(buffer, limits)? {
                            return Ok(None);
                        }
                    }
                    Some(_) => match self.inline(buffer)? {
                        None => return Ok(None),
                        Some(args) if args.is_empty() => {}
                        Some(args) => return Ok(Some(Request::Inline(args))),
                    },
                }
            }
            while self.missing > 0 {
                if !self.element(buffer, limits)? {
                    return Ok(None);
                }
            }
            let found = self.first..self.ranges.len();
            self.first = found.end;
            self.start = self.at;
            if !found.is_empty() {
                return Ok(Some(Request::Array(found)));
            }
        }
    }

    /// Where in the buffer the arguments of the arrays found so far stand.
    pub fn ranges(&self) -> &[Range<usize>] {
        &self.ranges
    }

    /// Where the request that isn't complete yet begins; everything before it has been handed out.
    pub fn unfinished(&self) -> usize {
        self.start
    }

    /// How many bytes past `len`, the length of the buffer, are known to be needed.
    pub fn wanted(&self, len: usize) -> usize {
        self.bulk.map_or(0, |bulk| (self.at + bulk + 2).saturating_sub(len))
    }

    /// Drops the requests that were handed out: the caller has removed the bytes before [`Self::unfinished`].
    pub fn forget(&mut self) {
        self.ranges.drain(..self.first);
        for range in &mut self.ranges {
            *range = range.start - self.start..range.end - self.start;
        }
        self.at -= self.start;
        self.start = 0;
        self.first = 0;
        if self.ranges.is_empty() && self.ranges.capacity() > 1024 {
            self.ranges = Vec::new();
        }
    }

    /// Goes back to where a request begins, or to behind one, as if nothing after it had been looked at.
    pub fn rewind(&mut self, to: usize) {
        *self = Self { at: to, start: to, ..Self::default() };
    }

    /// The bytes of memory that the positions of arguments take.
    pub fn memory(&self) -> usize {
        crate::names::vec_memory(&self.ranges)
    }

    fn array_header(&mut self, buffer: &[u8], limits: Limits) -> Result<bool, ProtocolError> {
        let Some((count, next)) = number_line(buffer, self.at + 1, ProtocolError::MultibulkLine)? else {
            return Ok(false);
        };
        let count = count.filter(|&n| n <= i64::from(i32::MAX)).ok_or(ProtocolError::MultibulkLength)?;
        if count > UNAUTHENTICATED_ELEMENTS && !limits.authenticated {
            return Err(ProtocolError::UnauthenticatedMultibulk);
        }
        self.missing = usize::try_from(count).unwrap_or(0);
        self.at = next;
        Ok(true)
    }

    fn element(&mut self, buffer: &[u8], limits: Limits) -> Result<bool, ProtocolError> {
        let len = match self.bulk {
            Some(len) => len,
            None => {
                let Some((len, next)) = number_line(buffer, self.at + 1, ProtocolError::BulkLine)? else {
                    return Ok(false);
                };
                if buffer[self.at] != b'$' {
                    return Err(ProtocolError::ExpectedBulk(buffer[self.at]));
                }
                let len = len
                    .filter(|&len| u64::try_from(len).is_ok_and(|len| len <= limits.max_bulk_len))
                    .ok_or(ProtocolError::BulkLength)?;
                if len > UNAUTHENTICATED_BULK && !limits.authenticated {
                    return Err(ProtocolError::UnauthenticatedBulk);
                }
                self.at = next;
                let len = usize::try_from(len).map_err(|_| ProtocolError::BulkLength)?;
                self.bulk = Some(len);
                len
            }
        };
        if buffer.len() - self.at < len + 2 {
            return Ok(false);
        }
        self.ranges.push(self.at..self.at + len);
        self.at += len + 2;
        self.missing -= 1;
        self.bulk = None;
        Ok(true)
    }

    fn inline(&mut self, buffer: &[u8]) -> Result<Option<Vec<Vec<u8>>>, ProtocolError> {
        let rest = &buffer[self.at..];
        let Some(end) = memchr::memchr(b'\n', rest) else {
            return if rest.len() > MAX_LINE { Err(ProtocolError::InlineLength) } else { Ok(None) };
        };
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        // As in Redis, a zero byte ends the command.
        let line = line.split(|&byte| byte == 0).next().unwrap_or_default();
        let args = quoting::split(line).map_err(|_| ProtocolError::UnbalancedQuotes)?;
        self.at += end + 1;
        self.start = self.at;
        Ok(Some(args))
    }
}

/// The number in the line at `at`, `None` in its place when it is none, and where the next line begins;
/// or `None` while the line isn't complete.
#[inline]
fn number_line(
    buffer: &[u8],
    at: usize,
    too_long: ProtocolError,
) -> Result<Option<(Option<i64>, usize)>, ProtocolError> {
    let rest = buffer.get(at..).unwrap_or_default();
    // A length of one or two digits is by far the most common.
    match *rest {
        [a @ b'0'..=b'9', b'\r', _, ..] => return Ok(Some((Some(i64::from(a - b'0')), at + 3))),
        [a @ b'1'..=b'9', b @ b'0'..=b'9', b'\r', _, ..] => {
            return Ok(Some((Some(i64::from(a - b'0') * 10 + i64::from(b - b'0')), at + 4)));
        }
        _ => {}
    }
    match memchr::memchr(b'\r', rest) {
        Some(end) if end + 1 < rest.len() => Ok(Some((keyspace::parse_integer(&rest[..end]), at + end + 2))),
        None if rest.len() > MAX_LINE => Err(too_long),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { max_bulk_len: 512 << 20, authenticated: true };

    /// Feeds `stream` in pieces of the given lengths, as a connection would.
    fn feed<'a>(
        pieces: impl IntoIterator<Item = &'a [u8]>,
        limits: Limits,
    ) -> (Vec<Vec<Vec<u8>>>, Option<ProtocolError>) {
        let (mut parser, mut buffer, mut found) = (Parser::default(), Vec::new(), Vec::new());
        for piece in pieces {
            buffer.extend_from_slice(piece);
            loop {
                match parser.next(&buffer, limits) {
                    Ok(Some(Request::Inline(args))) => found.push(args),
                    Ok(Some(Request::Array(range))) => {
                        let args = &parser.ranges()[range];
                        found.push(args.iter().map(|at| buffer[at.clone()].to_vec()).collect());
                    }
                    Ok(None) => break,
                    Err(error) => return (found, Some(error)),
                }
            }
            buffer.drain(..parser.unfinished());
            parser.forget();
        }
        (found, None)
    }

    #[test]
    fn every_cut_finds_the_same_requests() {
        let stream: &[u8] = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$13\r\n\r\n$1\r\n*2\r\n\0 v\r\n\
            PING\r\n\r\n\n*0\r\n*-1\r\nset \"a b\" 'c\\'d'\n*1\r\n$0\r\n\r\n*2\r\n$4\r\necho\r\n$100\r\n\
            0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\r\n";
        let (whole, error) = feed([stream], LIMITS);
        assert_eq!((whole.len(), error), (5, None));
        assert_eq!(whole[0][2], b"\r\n$1\r\n*2\r\n\0 v");
        assert_eq!(whole[2], [&b"set"[..], b"a b", b"c'd"]);
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let pieces = [&stream[..first], &stream[first..second], &stream[second..]];
                assert_eq!(feed(pieces, LIMITS), (whole.clone(), None), "cut at {first} and {second}");
            }
        }
        assert_eq!(feed(stream.chunks(1), LIMITS), (whole, None));
    }

    #[test]
    fn each_fault_has_its_own_error() {
        use ProtocolError::*;
        let strict = Limits { authenticated: false, ..LIMITS };
        let long = vec![b'1'; MAX_LINE + 2];
        let cases: &[(&[u8], Limits, ProtocolError)] = &[
            (b"*x\r\n", LIMITS, MultibulkLength),
            (b"*2147483648\r\n", LIMITS, MultibulkLength),
            (b"*03\r\n", LIMITS, MultibulkLength),
            (b"*11\r\n", strict, UnauthenticatedMultibulk),
            (b"*1\r\n$-1\r\n", LIMITS, BulkLength),
            (b"*1\r\n$536870913\r\n", LIMITS, BulkLength),
            (b"*1\r\n$16385\r\n", strict, UnauthenticatedBulk),
            (b"*1\r\n:1\r\n", LIMITS, ExpectedBulk(b':')),
            (b"set \"a\n", LIMITS, UnbalancedQuotes),
            (&long, LIMITS, InlineLength),
            (&[b"*", &long[..]].concat(), LIMITS, MultibulkLine),
            (&[b"*1\r\n$", &long[..]].concat(), LIMITS, BulkLine),
        ];
        for (stream, limits, expected) in cases {
            let (_, error) = feed([*stream], *limits);
            assert_eq!(error.as_ref(), Some(expected), "{}", stream[..8.min(stream.len())].escape_ascii());
        }
    }

    #[test]
    fn an_announced_multitude_takes_no_memory() {
        let mut parser = Parser::default();
        let announced = b"*1000000\r\n$400000000\r\n";
        assert_eq!(parser.next(announced, LIMITS), Ok(None));
        assert_eq!(parser.memory(), 0);
        assert_eq!(parser.wanted(announced.len()), 400_000_000 + 2);
    }
}
