//! Reading replies back: what a client of the engine gets instead of bytes.

use std::fmt;

/// A reply of either version of RESP, decoded.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A status, such as `OK`.
    Simple(String),
    /// An error: code and sentence.
    Error(Vec<u8>),
    /// An integer.
    Integer(i64),
    /// A string of any bytes.
    Bulk(Vec<u8>),
    /// The absence of a value: RESP2's null bulk string or null array, RESP3's null.
    Null,
    /// A sequence.
    Array(Vec<Reply>),
    /// Pairs, in the order in which they were sent (RESP3).
    Map(Vec<(Reply, Reply)>),
    /// Elements without an order that means anything (RESP3).
    Set(Vec<Reply>),
    /// A floating-point number (RESP3).
    Double(f64),
    /// A truth value (RESP3).
    Boolean(bool),
    /// A text for people, with its kind, `txt` or `mkd` (RESP3).
    Verbatim(String, Vec<u8>),
    /// A number of any size, in decimal (RESP3).
    BigNumber(String),
    /// A message that answers no request (RESP3).
    Push(Vec<Reply>),
}

/// Why bytes could not be decoded as a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end before the reply does.
    Incomplete,
    /// The bytes are no reply, whatever might follow.
    Malformed,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DecodeError::Incomplete => "the reply is not complete",
            DecodeError::Malformed => "the bytes are not a RESP reply",
        })
    }
}

impl std::error::Error for DecodeError {}

/// Aggregates nested deeper than this are refused rather than recursed into.
const MAX_DEPTH: usize = 64;

impl Reply {
    /// Decodes the first reply in `bytes`, and says how many bytes it took.
    ///
    /// # Errors
    /// [`DecodeError::Incomplete`] when more bytes could complete it, [`DecodeError::Malformed`] otherwise.
    pub fn decode(bytes: &[u8]) -> Result<(Reply, usize), DecodeError> {
        let mut decoder = Decoder { bytes, at: 0 };
        let reply = decoder.reply(0)?;
        Ok((reply, decoder.at))
    }

    /// The bytes of a simple, bulk or verbatim string; `None` for every other kind.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Reply::Simple(text) => Some(text.as_bytes()),
            Reply::Bulk(bytes) | Reply::Verbatim(_, bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Whether this is an error.
    pub fn is_error(&self) -> bool {
        matches!(self, Reply::Error(_))
    }
}

struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Decoder<'a> {
    fn reply(&mut self, depth: usize) -> Result<Reply, DecodeError> {
        if depth > MAX_DEPTH {
            return Err(DecodeError::Malformed);
        }
        let line = self.line()?;
        let (&sigil, rest) = line.split_first().ok_or(DecodeError::Malformed)?;
        Ok(match sigil {
            b'+' => Reply::Simple(text(rest)?.to_owned()),
            b'-' => Reply::Error(rest.to_vec()),
            b':' => Reply::Integer(number(rest)?),
            b'$' | b'=' => match number(rest)? {
                -1 => Reply::Null,
                len => self.string(sigil, len)?,
            },
            b'*' => match number(rest)? {
                -1 => Reply::Null,
                len => Reply::Array(self.elements(len, depth)?),
            },
            b'~' => Reply::Set(self.elements(number(rest)?, depth)?),
            b'>' => Reply::Push(self.elements(number(rest)?, depth)?),
            b'%' => Reply::Map(self.pairs(number(rest)?, depth)?),
            b'_' => Reply::Null,
            b'#' => Reply::Boolean(match rest {
                b"t" => true,
                b"f" => false,
                _ => return Err(DecodeError::Malformed),
            }),
            b',' => Reply::Double(text(rest)?.parse().map_err(|_| DecodeError::Malformed)?),
            b'(' => Reply::BigNumber(text(rest)?.to_owned()),
            _ => return Err(DecodeError::Malformed),
        })
    }

    fn line(&mut self) -> Result<&'a [u8], DecodeError> {
        let rest = &self.bytes[self.at..];
        let end = rest.windows(2).position(|pair| pair == b"\r\n").ok_or(DecodeError::Incomplete)?;
        self.at += end + 2;
        Ok(&rest[..end])
    }

    fn string(&mut self, sigil: u8, len: i64) -> Result<Reply, DecodeError> {
        let len = usize::try_from(len).map_err(|_| DecodeError::Malformed)?;
        let rest = &self.bytes[self.at..];
        if rest.len() < len + 2 {
            return Err(DecodeError::Incomplete);
        }
        if &rest[len..len + 2] != b"\r\n" {
            return Err(DecodeError::Malformed);
        }
        self.at += len + 2;
        let bytes = &rest[..len];
        if sigil == b'$' {
            return Ok(Reply::Bulk(bytes.to_vec()));
        }
        match bytes.split_at_checked(4) {
            Some((kind, words)) if kind[3] == b':' => {
                Ok(Reply::Verbatim(text(&kind[..3])?.to_owned(), words.to_vec()))
            }
            _ => Err(DecodeError::Malformed),
        }
    }

    fn elements(&mut self, len: i64, depth: usize) -> Result<Vec<Reply>, DecodeError> {
        (0..usize::try_from(len).map_err(|_| DecodeError::Malformed)?)
            .map(|_| self.reply(depth + 1))
            .collect()
    }

    fn pairs(&mut self, len: i64, depth: usize) -> Result<Vec<(Reply, Reply)>, DecodeError> {
        (0..usize::try_from(len).map_err(|_| DecodeError::Malformed)?)
            .map(|_| Ok((self.reply(depth + 1)?, self.reply(depth + 1)?)))
            .collect()
    }
}

fn text(bytes: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(bytes).map_err(|_| DecodeError::Malformed)
}

fn number(bytes: &[u8]) -> Result<i64, DecodeError> {
    text(bytes)?.parse().map_err(|_| DecodeError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_it_can_and_asks_for_more() {
        let bytes = b"*3\r\n:1\r\n$2\r\nab\r\n%1\r\n+k\r\n=6\r\ntxt:hi\r\n";
        let expected = Reply::Array(vec![
            Reply::Integer(1),
            Reply::Bulk(b"ab".to_vec()),
            Reply::Map(vec![(Reply::Simple("k".into()), Reply::Verbatim("txt".into(), b"hi".to_vec()))]),
        ]);
        assert_eq!(Reply::decode(bytes), Ok((expected, bytes.len())));
        for cut in 0..bytes.len() {
            assert_eq!(Reply::decode(&bytes[..cut]), Err(DecodeError::Incomplete), "cut at {cut}");
        }
    }

    #[test]
    fn refuses_what_is_no_reply() {
        for bytes in
            [&b"?x\r\n"[..], b"$x\r\n", b"$1\r\nabc\r\n", b"*-2\r\n", b"#y\r\n", b"\r\n", b"=1\r\nx\r\n"]
        {
            assert_eq!(Reply::decode(bytes), Err(DecodeError::Malformed), "{}", bytes.escape_ascii());
        }
        assert_eq!(Reply::decode(&b"*1\r\n".repeat(100)), Err(DecodeError::Malformed));
    }
}
