//! Taking what a connection was sent apart: replies to its commands, and messages that answer none.
//!
//! Redis 7.0 sends a message to the client whose command causes it wherever that command has come to, within the reply
//! of EXEC too; the engine sends it behind the reply, as later versions do. So the two are compared apart.

/// What a connection was sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The replies, one behind the other.
    pub(crate) replies: Vec<u8>,
    /// The messages, in no order: who has several subscriptions that match is sent as many, in any order.
    pub(crate) messages: Vec<Vec<u8>>,
}

impl Sent {
    /// Takes the bytes apart, which hold nothing but whole replies and messages.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let mut sent = Self::default();
        let mut reader = Reader { bytes, at: 0 };
        while reader.at < bytes.len() {
            let mut reply = Vec::new();
            reader.element(&mut reply, &mut sent.messages);
            if let Some(line) = shown(&reply) {
                if !line.ends_with(b"\"ECHO\" \"only-looking\"\r\n") {
                    sent.messages.push(line);
                }
            } else if is_message(&reply) {
                sent.messages.push(reply);
            } else {
                sent.replies.extend(reply);
            }
        }
        sent.messages = sent.messages.iter().flat_map(|message| without_order(message)).collect();
        sent.messages.sort_unstable();
        sent
    }

    /// Whether `start` is what one had been sent who then has been sent all of this.
    pub(crate) fn begins_with(&self, start: &Self) -> bool {
        let mut rest = self.messages.iter();
        self.replies.starts_with(&start.replies)
            && start.messages.iter().all(|message| rest.any(|own| own == message))
    }
}

/// The messages, and the replies if they differ, that only one of the two has.
pub(crate) fn difference(ours: &Sent, theirs: &Sent) -> String {
    let only = |one: &Sent, other: &Sent| {
        let mut rest = other.messages.clone();
        let mut only = Vec::new();
        for message in &one.messages {
            match rest.iter().position(|other| other == message) {
                Some(at) => _ = rest.swap_remove(at),
                None => only.push(message.escape_ascii().to_string()),
            }
        }
        if one.replies != other.replies {
            only.push(format!("and replies {}", one.replies.escape_ascii()));
        }
        only.join("\n  ")
    };
    format!("only ours\n  {}\nonly theirs\n  {}", only(ours, theirs), only(theirs, ours))
}

/// A line of MONITOR's, without the time and the client's address, which differ: `[0] "GET" "key"`.
fn shown(reply: &[u8]) -> Option<Vec<u8>> {
    let rest = reply.strip_prefix(b"+")?;
    let (time, rest) = rest.split_at_checked(rest.iter().position(|&byte| byte == b' ')?)?;
    if !time.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') {
        return None;
    }
    let rest = rest.strip_prefix(b" [")?;
    let db = rest.split(|&byte| byte == b' ').next()?;
    let end = rest.windows(2).position(|pair| pair == b"] ")?;
    Some([b"[", db, &rest[end..]].concat())
}

/// Whether an array is a message in RESP2.
fn is_message(reply: &[u8]) -> bool {
    let starts = ["*3\r\n$7\r\nmessage\r\n", "*3\r\n$8\r\nsmessage\r\n", "*4\r\n$8\r\npmessage\r\n"];
    starts.iter().any(|start| reply.starts_with(start.as_bytes()))
        || ["unsubscribe", "punsubscribe", "sunsubscribe"]
            .iter()
            .any(|word| reply.starts_with(format!("*3\r\n${}\r\n{word}\r\n", word.len()).as_bytes()))
}

/// Of subscriptions that are all taken back at once, the names and the counts, as which is taken back first is chance.
fn without_order(message: &[u8]) -> Vec<Vec<u8>> {
    let is_opposite = message.windows(11).any(|window| window == b"unsubscribe");
    let count = message.windows(3).rposition(|window| window == b"\r\n:");
    match count {
        Some(at) if is_opposite => vec![message[..at].to_vec(), message[at..].to_vec()],
        _ => vec![message.to_vec()],
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// Copies one element, without the messages that stand before or within it.
    fn element(&mut self, into: &mut Vec<u8>, messages: &mut Vec<Vec<u8>>) {
        if self.at == self.bytes.len() {
            return;
        }
        while self.bytes[self.at] == b'>' {
            let mut message = Vec::new();
            self.whole(&mut message, messages);
            messages.push(message);
            if self.at == self.bytes.len() {
                return;
            }
        }
        self.whole(into, messages);
    }

    fn whole(&mut self, into: &mut Vec<u8>, messages: &mut Vec<Vec<u8>>) {
        let rest = &self.bytes[self.at..];
        let end = rest.windows(2).position(|pair| pair == b"\r\n").expect("a line ends") + 2;
        let line = &rest[..end];
        into.extend_from_slice(line);
        self.at += end;
        let number = || std::str::from_utf8(&line[1..end - 2]).unwrap().parse::<i64>().unwrap();
        match line[0] {
            b'$' | b'=' if number() >= 0 => {
                let len = number() as usize + 2;
                into.extend_from_slice(&self.bytes[self.at..self.at + len]);
                self.at += len;
            }
            b'*' | b'~' | b'>' => (0..number()).for_each(|_| self.element(into, messages)),
            b'%' => (0..number() * 2).for_each(|_| self.element(into, messages)),
            _ => {}
        }
    }
}
