//! A client that understands every reply of RESP2.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// How long a reply may take.
const LIMIT: Duration = Duration::from_secs(30);

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A simple string.
    Status(String),
    /// An error.
    Error(String),
    /// An integer.
    Integer(i64),
    /// A bulk string.
    Bulk(Vec<u8>),
    /// The null bulk string or array.
    Null,
    /// An array.
    Array(Vec<Reply>),
}

impl Reply {
    /// The reply as redis-cli would print it on one line: arrays in brackets, nulls as `nil`.
    pub fn text(&self) -> String {
        match self {
            Self::Status(text) | Self::Error(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Self::Null => "nil".to_owned(),
            Self::Array(parts) => {
                let parts: Vec<_> = parts.iter().map(Self::text).collect();
                format!("[{}]", parts.join(" "))
            }
        }
    }

    /// The integer.
    ///
    /// # Errors
    /// When the reply is another.
    pub fn integer(&self) -> Result<i64> {
        match self {
            Self::Integer(number) => Ok(*number),
            other => bail!("no integer: {other:?}"),
        }
    }
}

/// A connection.
pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Connects to a port of the loopback interface.
    ///
    /// # Errors
    /// When nothing listens there.
    pub fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).context("cannot connect")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LIMIT))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends a command and waits for the reply, which may be an error.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn command<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Result<Reply> {
        self.send(arguments)?;
        self.reply()
    }

    /// A command given as words, and its reply as [`Reply::text`].
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn run(&mut self, words: &str) -> Result<String> {
        let words: Vec<_> = words.split_whitespace().collect();
        Ok(self.command(&words)?.text())
    }

    /// Sends a command without waiting.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn send<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Result<()> {
        let mut request = format!("*{}\r\n", arguments.len()).into_bytes();
        for argument in arguments {
            let argument = argument.as_ref();
            request.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
            request.extend_from_slice(argument);
            request.extend_from_slice(b"\r\n");
        }
        self.stream.get_mut().write_all(&request).context("cannot write")
    }

    /// Waits for a reply.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn reply(&mut self) -> Result<Reply> {
        let mut line = String::new();
        self.stream.read_line(&mut line).context("cannot read")?;
        let line = line.strip_suffix("\r\n").context("the connection was closed")?;
        let (kind, rest) = line.split_at_checked(1).context("an empty line")?;
        Ok(match kind {
            "+" => Reply::Status(rest.to_owned()),
            "-" => Reply::Error(rest.to_owned()),
            ":" => Reply::Integer(rest.parse()?),
            "$" | "*" if rest == "-1" => Reply::Null,
            "$" => {
                let mut bytes = vec![0; rest.parse::<usize>()? + 2];
                self.stream.read_exact(&mut bytes)?;
                bytes.truncate(bytes.len() - 2);
                Reply::Bulk(bytes)
            }
            "*" => {
                let length: usize = rest.parse()?;
                Reply::Array((0..length).map(|_| self.reply()).collect::<Result<_>>()?)
            }
            _ => bail!("no reply: {line}"),
        })
    }

    /// A number from INFO.
    ///
    /// # Errors
    /// When there is no such field.
    pub fn info(&mut self, section: &str, field: &str) -> Result<i64> {
        let text = self.command(&["INFO", section])?.text();
        let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let value = value.with_context(|| format!("INFO {section} has no {field}"))?;
        value.trim().parse().with_context(|| format!("{field} is no number"))
    }
}
