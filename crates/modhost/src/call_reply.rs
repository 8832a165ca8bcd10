//! Replies to the commands that modules call: RESP of either version, read once, and handed out by parts.

use std::ptr::NonNull;
use std::rc::Rc;

use engine::ClientId;
use module_abi::constants::reply;
use module_abi::types;

use crate::charge::{Handed, Held};
use crate::context::Ctx;
use crate::counters::Kind;
use crate::guard::FromRaw;
use crate::sizes;
use crate::slot::Slot;

/// How deep aggregates may be nested.
const DEEPEST: usize = 128;

/// A reply, or an element of one.
#[derive(Debug)]
pub(crate) struct CallReply {
    bytes: Rc<Vec<u8>>,
    /// What it is: see [`reply`].
    pub(crate) kind: i32,
    /// Where it stands among the bytes.
    place: std::ops::Range<usize>,
    /// The text of a string, an error, a big number, or a double.
    text: std::ops::Range<usize>,
    /// The value of an integer or a truth value, the number of elements of an aggregate (pairs count once).
    pub(crate) number: i64,
    /// The elements; keys and values of a map in turn.
    elements: Vec<CallReply>,
    attribute: Option<Box<CallReply>>,
    /// Whether it is an element of another.
    is_nested: bool,
    /// The context of the call, which the reply may be left to.
    owner: Option<NonNull<Ctx>>,
    /// The reply to come, and the module that it is for.
    promise: Option<(ClientId, &'static Slot)>,
    /// The module that holds it; none as long as none was given it.
    holder: Option<&'static Slot>,
}

impl CallReply {
    /// Reads a reply; `None` where the bytes are none.
    pub(crate) fn parse(bytes: Vec<u8>) -> Option<Self> {
        let bytes = Rc::new(bytes);
        let mut reader = Reader { bytes: Rc::clone(&bytes), at: 0 };
        reader.reply(0)
    }

    /// What stands for a reply that is to come.
    pub(crate) fn promise(promise: ClientId, slot: &'static Slot) -> Self {
        Self {
            bytes: Rc::new(Vec::new()),
            kind: reply::PROMISE,
            place: 0..0,
            text: 0..0,
            number: 0,
            elements: Vec::new(),
            attribute: None,
            is_nested: false,
            owner: None,
            promise: Some((promise, slot)),
            holder: None,
        }
    }

    /// The reply to come that this stands for, and the module that it is for.
    pub(crate) fn promised(&self) -> Option<(ClientId, &'static Slot)> {
        self.promise
    }

    /// The same, as the reply to a call in a context.
    pub(crate) fn owned_by(mut self, ctx: &Ctx) -> Self {
        self.owner = Some(NonNull::from(ctx));
        self
    }

    /// The context of the call.
    pub(crate) fn owner(&self) -> Option<&Ctx> {
        // SAFETY: a module frees replies before the context of the call ends, or leaves that to the context.
        self.owner.map(|owner| unsafe { owner.as_ref() })
    }

    /// The reply as it was sent.
    pub(crate) fn proto(&self) -> &[u8] {
        &self.bytes[self.place.clone()]
    }

    /// The text, of a reply that has one. Of a verbatim string its type isn't part.
    pub(crate) fn text(&self) -> Option<&[u8]> {
        let has_text = matches!(
            self.kind,
            reply::STRING | reply::ERROR | reply::BIG_NUMBER | reply::VERBATIM_STRING | reply::DOUBLE
        );
        has_text.then(|| &self.bytes[self.text.clone()])
    }

    /// The type of a verbatim string: three letters.
    pub(crate) fn verbatim_type(&self) -> Option<&[u8]> {
        (self.kind == reply::VERBATIM_STRING).then(|| &self.bytes[self.text.start - 4..self.text.start - 1])
    }

    /// The double, of a reply that is one.
    pub(crate) fn double(&self) -> Option<f64> {
        let text = self.text().filter(|_| self.kind == reply::DOUBLE)?;
        std::str::from_utf8(text).ok()?.parse().ok()
    }

    /// An element; of a map or an attribute the keys have the even numbers.
    pub(crate) fn element(&self, index: usize) -> Option<&CallReply> {
        self.elements.get(index)
    }

    /// The attribute that precedes the reply.
    pub(crate) fn attribute(&self) -> Option<&CallReply> {
        self.attribute.as_deref()
    }

    /// As a module knows it.
    pub(crate) fn as_raw(&self) -> *mut types::CallReply {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    /// Hands the reply to a module, which is charged for it.
    pub(crate) fn into_raw(mut self, slot: &'static Slot) -> *mut types::CallReply {
        self.holder = Some(slot);
        self.for_each_block(&mut |bytes| slot.counters().take_as(Kind::Reply, bytes));
        Handed::new(self).into_raw()
    }

    /// Takes a reply back; `None` for an element of one, which stays its.
    ///
    /// # Safety
    /// It is one that [`Self::into_raw`] or [`Self::as_raw`] gave, and nobody uses it any more.
    pub(crate) unsafe fn from_raw(raw: *mut types::CallReply) -> Option<Handed<Self>> {
        // SAFETY: the caller vouches for a reply, or NULL.
        let is_whole = unsafe { raw.cast::<Self>().as_ref() }.is_some_and(|reply| !reply.is_nested);
        // SAFETY: as above; a whole reply was made by `into_raw`.
        if is_whole { unsafe { Handed::from_raw(raw) } } else { None }
    }

    /// The module that holds the reply.
    pub(crate) fn slot(&self) -> Option<&'static Slot> {
        self.holder.or(self.owner().map(|ctx| ctx.slot))
    }

    /// Shows the bytes of each block that a whole reply consists of, its own place not among them: those of Rust's
    /// collections, as the allocator gives them.
    fn for_each_block(&self, show: &mut impl FnMut(usize)) {
        /// What counts the references to a value, in front of it.
        const COUNTS: usize = 2 * size_of::<usize>();

        show(sizes::usable(COUNTS + size_of::<Vec<u8>>()));
        if self.bytes.capacity() != 0 {
            show(sizes::usable(self.bytes.capacity()));
        }
        self.for_each_block_of_elements(show);
    }

    fn for_each_block_of_elements(&self, show: &mut impl FnMut(usize)) {
        if self.elements.capacity() != 0 {
            show(sizes::usable(self.elements.capacity() * size_of::<Self>()));
        }
        if self.attribute.is_some() {
            show(sizes::usable(size_of::<Self>()));
        }
        let nested = self.elements.iter().chain(self.attribute.as_deref());
        // Only aggregates have blocks of their own.
        nested.for_each(|reply| reply.for_each_block_of_elements(show));
    }
}

impl Held for CallReply {
    const KIND: Kind = Kind::Reply;

    fn holder(&self) -> &'static Slot {
        self.holder.expect("a reply is charged when it is handed over")
    }
}

impl Drop for CallReply {
    fn drop(&mut self) {
        if let Some(slot) = self.holder {
            self.for_each_block(&mut |bytes| slot.counters().give_as(Kind::Reply, bytes));
        }
    }
}

impl FromRaw for Option<&CallReply> {
    type Raw = *mut types::CallReply;

    unsafe fn from_raw(raw: *mut types::CallReply) -> Self {
        // SAFETY: the caller vouches for a reply, or NULL.
        unsafe { raw.cast::<CallReply>().as_ref() }
    }
}

struct Reader {
    bytes: Rc<Vec<u8>>,
    at: usize,
}

impl Reader {
    /// The line from here on, without its end.
    fn line(&mut self) -> Option<std::ops::Range<usize>> {
        let start = self.at;
        let len = self.bytes[start..].windows(2).position(|two| two == b"\r\n")?;
        self.at = start + len + 2;
        Some(start..start + len)
    }

    fn number(&self, line: &std::ops::Range<usize>) -> Option<i64> {
        std::str::from_utf8(&self.bytes[line.clone()]).ok()?.parse().ok()
    }

    fn reply(&mut self, depth: usize) -> Option<CallReply> {
        let start = self.at;
        let sigil = *self.bytes.get(start)?;
        self.at += 1;
        let line = self.line()?;
        let simple = |kind, text: std::ops::Range<usize>, number| CallReply {
            bytes: Rc::clone(&self.bytes),
            kind,
            place: 0..0,
            text,
            number,
            elements: Vec::new(),
            attribute: None,
            is_nested: depth != 0,
            owner: None,
            promise: None,
            holder: None,
        };
        let mut read = match sigil {
            b'+' => simple(reply::STRING, line.clone(), line.len() as i64),
            b'-' => simple(reply::ERROR, line.clone(), line.len() as i64),
            b':' => simple(reply::INTEGER, line.clone(), self.number(&line)?),
            b'_' => simple(reply::NULL, line, 0),
            b'#' => simple(reply::BOOL, line.clone(), i64::from(self.bytes[line.start] == b't')),
            b',' => simple(reply::DOUBLE, line.clone(), line.len() as i64),
            b'(' => simple(reply::BIG_NUMBER, line.clone(), line.len() as i64),
            b'$' | b'=' => match usize::try_from(self.number(&line)?) {
                Err(_) => simple(reply::NULL, line, 0),
                Ok(len) => {
                    let skipped = if sigil == b'=' { 4 } else { 0 };
                    let text = self.at + skipped..self.at + len;
                    self.bytes.get(text.clone())?;
                    let kind = if sigil == b'=' { reply::VERBATIM_STRING } else { reply::STRING };
                    let read = simple(kind, text.clone(), text.len() as i64);
                    self.at = text.end + 2;
                    read
                }
            },
            b'*' | b'~' | b'>' | b'%' | b'|' => match usize::try_from(self.number(&line)?) {
                Err(_) => simple(reply::NULL, line, 0),
                Ok(len) => {
                    let (kind, per_element) = match sigil {
                        b'~' => (reply::SET, 1),
                        b'%' => (reply::MAP, 2),
                        b'|' => (reply::ATTRIBUTE, 2),
                        _ => (reply::ARRAY, 1),
                    };
                    let mut read = simple(kind, line, len as i64);
                    if depth == DEEPEST {
                        return None;
                    }
                    for _ in 0..len.checked_mul(per_element)? {
                        read.elements.push(self.reply(depth + 1)?);
                    }
                    read
                }
            },
            _ => return None,
        };
        read.place = start..self.at;
        if sigil == b'|' {
            // It belongs to the reply that follows.
            let mut whole = self.reply(depth)?;
            read.is_nested = true;
            whole.place.start = start;
            whole.attribute = Some(Box::new(read));
            return Some(whole);
        }
        Some(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> CallReply {
        CallReply::parse(text.as_bytes().to_vec()).expect(text)
    }

    #[test]
    fn each_kind() {
        let cases = [
            ("+OK\r\n", reply::STRING, 2, Some("OK")),
            ("-ERR no\r\n", reply::ERROR, 6, Some("ERR no")),
            (":-7\r\n", reply::INTEGER, -7, None),
            ("$2\r\n\r\n\r\n", reply::STRING, 2, Some("\r\n")),
            ("$-1\r\n", reply::NULL, 0, None),
            ("*-1\r\n", reply::NULL, 0, None),
            ("_\r\n", reply::NULL, 0, None),
            ("#t\r\n", reply::BOOL, 1, None),
            (",1.5\r\n", reply::DOUBLE, 3, Some("1.5")),
            ("(123\r\n", reply::BIG_NUMBER, 3, Some("123")),
            ("=6\r\ntxt:hi\r\n", reply::VERBATIM_STRING, 2, Some("hi")),
            ("*2\r\n:1\r\n*0\r\n", reply::ARRAY, 2, None),
            ("%1\r\n+a\r\n:1\r\n", reply::MAP, 1, None),
            ("~1\r\n+a\r\n", reply::SET, 1, None),
        ];
        for (text, kind, number, content) in cases {
            let read = parse(text);
            assert_eq!((read.kind, read.number), (kind, number), "{text}");
            assert_eq!(read.text(), content.map(str::as_bytes), "{text}");
            assert_eq!(read.proto(), text.as_bytes());
            assert!(read.element(read.elements.len()).is_none());
        }
        assert_eq!(parse("=6\r\ntxt:hi\r\n").verbatim_type(), Some(&b"txt"[..]));
        assert_eq!(parse(",-inf\r\n").double(), Some(f64::NEG_INFINITY));
    }

    #[test]
    fn an_attribute_is_its_reply_s() {
        let read = parse("|1\r\n+ttl\r\n:9\r\n$1\r\nx\r\n");
        assert_eq!((read.kind, read.text()), (reply::STRING, Some(&b"x"[..])));
        let attribute = read.attribute().unwrap();
        assert_eq!((attribute.kind, attribute.number), (reply::ATTRIBUTE, 1));
        assert_eq!(attribute.element(1).unwrap().number, 9);
    }

    #[test]
    fn what_is_cut_short_is_no_reply() {
        let whole = "*3\r\n$3\r\nabc\r\n%1\r\n+k\r\n,1\r\n|1\r\n+a\r\n:1\r\n=5\r\ntxt:x\r\n";
        assert!(CallReply::parse(whole.as_bytes().to_vec()).is_some());
        // The end of the last string is not looked at.
        for end in 0..whole.len() - 2 {
            assert!(CallReply::parse(whole.as_bytes()[..end].to_vec()).is_none(), "{end}");
        }
    }

    #[test]
    fn depth_is_limited() {
        let deep = "*1\r\n".repeat(100_000);
        assert!(CallReply::parse(deep.into_bytes()).is_none());
    }
}
