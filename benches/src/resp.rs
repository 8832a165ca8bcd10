//! A small client: requests as arrays of bulk strings, replies as the benchmarks need them.

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// A connection to a server on the loopback interface.
pub struct Connection {
    input: BufReader<TcpStream>,
    output: TcpStream,
}

/// The replies that the benchmarks' commands have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A simple string.
    Simple(String),
    /// An integer.
    Integer(i64),
    /// A bulk string; `None` is the null one.
    Bulk(Option<Vec<u8>>),
}

/// A reply that is an error; the text begins with a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorReply(String);

impl ErrorReply {
    /// Whether the server has reached its memory limit and evicts nothing.
    pub fn is_out_of_memory(&self) -> bool {
        self.0.starts_with("OOM ")
    }
}

impl fmt::Display for ErrorReply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the server replied: {}", self.0)
    }
}

impl std::error::Error for ErrorReply {}

impl Connection {
    /// Connects to a port of 127.0.0.1.
    ///
    /// # Errors
    /// When nothing listens there.
    pub fn open(port: u16) -> Result<Self> {
        let output = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .with_context(|| format!("cannot connect to port {port}"))?;
        output.set_nodelay(true).context("cannot set TCP_NODELAY")?;
        let input = BufReader::new(output.try_clone().context("cannot clone the socket")?);
        Ok(Self { input, output })
    }

    /// Sends one command and waits for its reply.
    ///
    /// # Errors
    /// When the connection is closed, or the reply is an error or none of [`Reply`].
    pub fn command(&mut self, arguments: &[&[u8]]) -> Result<Reply> {
        let mut request = Vec::new();
        write_command(&mut request, arguments);
        self.send(&request)?;
        self.reply()
    }

    /// Sends requests that are encoded already, without waiting.
    ///
    /// # Errors
    /// When the connection is closed.
    pub fn send(&mut self, requests: &[u8]) -> Result<()> {
        self.output.write_all(requests).context("cannot write to the server")
    }

    /// Waits for one reply.
    ///
    /// # Errors
    /// When the connection is closed, or the reply is an error or none of [`Reply`].
    pub fn reply(&mut self) -> Result<Reply> {
        read_reply(&mut self.input)
    }

    /// Waits for so long until there is something to read. Says whether there is.
    ///
    /// # Errors
    /// When the system can't wait.
    pub fn has_input(&self, most: Duration) -> Result<bool> {
        if !self.input.buffer().is_empty() {
            return Ok(true);
        }
        let mut waits_for = [PollFd::new(&self.output, PollFlags::IN)];
        let most = Timespec::try_from(most).context("too long a time")?;
        match poll(&mut waits_for, Some(&most)) {
            Ok(ready) => Ok(ready != 0),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error).context("cannot wait for the server"),
        }
    }

    /// Waits for a message or any reply of RESP2, and gives its bytes as they came.
    ///
    /// # Errors
    /// When the connection is closed, or what comes is an error or has one in it.
    pub fn message(&mut self) -> Result<Vec<u8>> {
        let mut message = Vec::new();
        read_message(&mut self.input, &mut message)?;
        Ok(message)
    }

    /// A section of `INFO` as text.
    ///
    /// # Errors
    /// Those of [`Connection::command`], or when the reply is no text.
    pub fn info(&mut self, section: &str) -> Result<String> {
        match self.command(&[b"INFO", section.as_bytes()])? {
            Reply::Bulk(Some(text)) => String::from_utf8(text).context("INFO isn't UTF-8"),
            other => bail!("INFO {section} replied {other:?}"),
        }
    }

    /// A whole number out of a section of `INFO`.
    ///
    /// # Errors
    /// Those of [`Connection::info`], or when the section has no such field.
    pub fn info_field(&mut self, section: &str, field: &str) -> Result<u64> {
        let text = self.info(section)?;
        field_of(&text, field).with_context(|| format!("INFO {section} has no number {field}"))
    }
}

/// The value of a `field:value` line.
fn field_of(info: &str, field: &str) -> Option<u64> {
    let value = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    value.trim().parse().ok()
}

/// Appends one command as RESP has it: an array of bulk strings.
pub fn write_command(request: &mut Vec<u8>, arguments: &[&[u8]]) {
    request.extend_from_slice(format!("*{}\r\n", arguments.len()).as_bytes());
    for argument in arguments {
        request.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        request.extend_from_slice(argument);
        request.extend_from_slice(b"\r\n");
    }
}

/// Appends one element, with all that it holds.
fn read_message(input: &mut impl BufRead, message: &mut Vec<u8>) -> Result<()> {
    let start = message.len();
    input.read_until(b'\n', message).context("cannot read from the server")?;
    let line = std::str::from_utf8(&message[start..])?.trim_end();
    let number = |text: &str| text.parse::<usize>().with_context(|| format!("{line:?} has no length"));
    match line.split_at_checked(1).context("the server closed the connection")? {
        ("+", _) | ("$" | "*", "-1") => Ok(()),
        ("-", error) => bail!(ErrorReply(error.to_owned())),
        ("*", count) => {
            let count = number(count)?;
            (0..count).try_for_each(|_| read_message(input, message))
        }
        ("$", length) => {
            let body = message.len() + number(length)? + 2;
            let from = message.len();
            message.resize(body, 0);
            input.read_exact(&mut message[from..]).context("the message is cut short")
        }
        (":", _) => Ok(()),
        _ => bail!("no message begins with {line:?}"),
    }
}

fn read_reply(input: &mut impl BufRead) -> Result<Reply> {
    let mut line = String::new();
    input.read_line(&mut line).context("cannot read from the server")?;
    let Some(line) = line.strip_suffix("\r\n") else {
        bail!("the server closed the connection");
    };
    let (kind, rest) = line.split_at_checked(1).context("the server replied an empty line")?;
    match kind {
        "+" => Ok(Reply::Simple(rest.to_owned())),
        "-" => bail!(ErrorReply(rest.to_owned())),
        ":" => Ok(Reply::Integer(rest.parse().context("the integer isn't one")?)),
        "$" if rest == "-1" => Ok(Reply::Bulk(None)),
        "$" => {
            let length: usize = rest.parse().context("the length isn't a number")?;
            let mut text = vec![0; length + 2];
            input.read_exact(&mut text).context("the reply is cut short")?;
            if text.split_off(length) != b"\r\n" {
                bail!("the bulk string doesn't end where it should");
            }
            Ok(Reply::Bulk(Some(text)))
        }
        _ => bail!("the server replied what no command here has: {line:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_arrays_of_bulk_strings() {
        let mut request = Vec::new();
        write_command(&mut request, &[b"SET", b"k", b"a\r\nb", b""]);
        assert_eq!(request, b"*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n$0\r\n\r\n");
    }

    #[test]
    fn replies_follow_each_other() {
        let mut input = &b"+OK\r\n:-7\r\n$-1\r\n$4\r\na\r\nb\r\n$0\r\n\r\n"[..];
        let mut next = || read_reply(&mut input).unwrap();
        assert_eq!(next(), Reply::Simple("OK".to_owned()));
        assert_eq!(next(), Reply::Integer(-7));
        assert_eq!(next(), Reply::Bulk(None));
        assert_eq!(next(), Reply::Bulk(Some(b"a\r\nb".to_vec())));
        assert_eq!(next(), Reply::Bulk(Some(Vec::new())));
    }

    #[test]
    fn messages_are_whole_arrays() {
        let text = &b"*3\r\n$1\r\na\r\n*1\r\n$2\r\n\r\n\r\n:1\r\n"[..];
        let mut input = &[text, b"*0\r\n"].concat()[..];
        let mut next = || {
            let mut message = Vec::new();
            read_message(&mut input, &mut message).map(|()| message)
        };
        assert_eq!(next().unwrap(), text);
        assert_eq!(next().unwrap(), b"*0\r\n");
        assert!(next().is_err());
    }

    #[test]
    fn bad_replies_are_refused() {
        for reply in ["", "+OK", "\r\n", "-ERR no\r\n", ":x\r\n", "$3\r\nab", "$1\r\nabc", "*0\r\n"] {
            assert!(read_reply(&mut reply.as_bytes()).is_err(), "{reply:?}");
        }
        let error = read_reply(&mut &b"-OOM no\r\n"[..]).unwrap_err();
        assert!(error.downcast_ref().is_some_and(ErrorReply::is_out_of_memory), "{error}");
        let error = read_reply(&mut &b"-ERR OOM\r\n"[..]).unwrap_err();
        assert!(!error.downcast_ref().is_some_and(ErrorReply::is_out_of_memory), "{error}");
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let info = "# Memory\r\nused_memory_rss:9\r\nused_memory:5\r\nused_memory_human:5B\r\n";
        assert_eq!(field_of(info, "used_memory"), Some(5));
        assert_eq!(field_of(info, "used"), None);
        assert_eq!(field_of(info, "used_memory_human"), None);
    }
}
