//! The clients: CLIENT ID INFO LIST SETNAME GETNAME SETINFO KILL NO-EVICT.

use std::fmt::{Display, Write};

use crate::args::is;
use crate::client::{Client, ClientId, Close};
use crate::context::Context;
use crate::error::{Error, c_text};
use crate::resp::{Version, Writer};

/// CLIENT ID: the number of the client that asks.
pub(crate) fn id(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    context.reply.integer(context.id.number().cast_signed());
    Ok(())
}

/// CLIENT INFO: the line of CLIENT LIST for the client that asks.
pub(crate) fn info(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    let line = with_output_in_place(context, |context| describe(context.client()));
    context.reply.verbatim("txt", line.as_bytes());
    Ok(())
}

/// CLIENT LIST `[TYPE type | ID id…]`: a line for each client, oldest first; for those named, in that order.
pub(crate) fn list(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let text = match &args[2..] {
        [] => lines(context, |context| context.engine.clients.ids()),
        [option, name] if is(option, "type") => match Kind::parse(name)? {
            Kind::Normal => lines(context, |context| context.engine.clients.ids()),
            Kind::Other => String::new(),
        },
        [option, numbers @ ..] if is(option, "id") && !numbers.is_empty() => {
            let parse =
                |text: &&[u8]| keyspace::parse_integer(text).ok_or(Error::fixed("ERR Invalid client ID"));
            let numbers = numbers.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
            lines(context, |context| {
                let ids = context.engine.clients.ids();
                let find = |number: i64| {
                    let number = u64::try_from(number).ok()?;
                    ids.binary_search_by_key(&number, |id| id.number()).ok().map(|at| ids[at])
                };
                numbers.into_iter().filter_map(find).collect()
            })
        }
        _ => return Err(Error::SYNTAX),
    };
    context.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

/// The lines of the clients that `choose` gives, without those that are as good as gone.
fn lines(context: &mut Context<'_>, choose: impl FnOnce(&Context<'_>) -> Vec<ClientId>) -> String {
    with_output_in_place(context, |context| {
        let clients = &context.engine.clients;
        let live = |id: ClientId| clients.get(id).filter(|client| client.close != Some(Close::Now));
        choose(context).into_iter().filter_map(live).map(describe).collect()
    })
}

/// Runs `report` while the client that asks holds its own output, as all other clients hold theirs.
fn with_output_in_place<T>(context: &mut Context<'_>, report: impl FnOnce(&Context<'_>) -> T) -> T {
    let version = context.reply.version();
    context.client_mut().output.bytes = std::mem::take(&mut context.reply).into_inner();
    let result = report(context);
    context.reply = Writer::new(std::mem::take(&mut context.client_mut().output.bytes), version);
    result
}

/// One line of CLIENT LIST, with the fields that Redis 7.2 gives.
///
/// Replies wait in one contiguous buffer: its capacity is `rbs`, what was written to it since it was last empty
/// `rbp`, what of that waits `obl`, and while anything waits `omem` is its capacity; a list of buffers (`oll`)
/// there is not. Arguments are read where they arrived, so `argv-mem` and `multi-mem` hold nothing.
fn describe(client: &Client) -> String {
    let replies = &client.output.bytes;
    let waiting = client.output.pending().len();
    let mut line = Line(String::with_capacity(384));
    line.field("id", client.id);
    line.field("addr", &client.origin.address);
    line.field("laddr", &client.origin.local_address);
    line.field("fd", client.origin.fd);
    line.text("name", &client.name);
    line.field("age", client.connected.elapsed().as_secs());
    line.field("idle", client.last_interaction.elapsed().as_secs());
    line.field("flags", flags(client));
    line.field("db", client.db);
    line.field("sub", 0);
    line.field("psub", 0);
    line.field("ssub", 0);
    line.field("multi", -1);
    line.field("qbuf", client.input.len());
    line.field("qbuf-free", client.input.capacity() - client.input.len());
    line.field("argv-mem", 0);
    line.field("multi-mem", 0);
    line.field("rbs", replies.capacity());
    line.field("rbp", replies.len());
    line.field("obl", waiting);
    line.field("oll", 0);
    line.field("omem", if waiting == 0 { 0 } else { replies.capacity() });
    line.field("tot-mem", size_of::<Client>() + client.memory());
    line.field("events", events(client));
    line.field("cmd", last_command(client));
    line.field("user", "default");
    line.field("redir", -1);
    line.field("resp", if client.version == Version::V2 { 2 } else { 3 });
    line.text("lib-name", &client.library_name);
    line.text("lib-ver", &client.library_version);
    line.0.push('\n');
    line.0
}

/// A line as it grows.
struct Line(String);

impl Line {
    fn field(&mut self, name: &str, value: impl Display) {
        let gap = if self.0.is_empty() { "" } else { " " };
        write!(self.0, "{gap}{name}={value}").expect("writing to a String does not fail");
    }

    /// A text that a client has given, which [`is_printable`] let pass.
    fn text(&mut self, name: &str, value: &[u8]) {
        self.field(name, String::from_utf8_lossy(value));
    }
}

/// The letters that CLIENT LIST documents, in Redis's order.
fn flags(client: &Client) -> String {
    let mut flags = String::new();
    match client.close {
        Some(Close::AfterReply) => flags.push('c'),
        Some(Close::Now) => flags.push('A'),
        None => {}
    }
    if client.origin.unix {
        flags.push('U');
    }
    if client.no_evict {
        flags.push('e');
    }
    if flags.is_empty() {
        flags.push('N');
    }
    flags
}

/// What the client's socket is watched for: always reading, and writing while something waits to be sent.
fn events(client: &Client) -> &'static str {
    match (client.origin.fd >= 0, client.output.pending().is_empty()) {
        (false, _) => "",
        (true, true) => "r",
        (true, false) => "rw",
    }
}

fn last_command(client: &Client) -> String {
    match client.last_command {
        None => "NULL".to_owned(),
        Some((command, None)) => command.name.to_owned(),
        Some((container, Some(command))) => format!("{}|{}", container.name, command.name),
    }
}

/// CLIENT SETNAME: the name that CLIENT LIST shows; an empty one takes it back.
pub(crate) fn setname(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    set_name(context, args[2])?;
    context.reply.ok();
    Ok(())
}

/// Names the client that asks.
///
/// # Errors
/// When the name isn't made of printable characters without spaces.
pub(super) fn set_name(context: &mut Context<'_>, name: &[u8]) -> Result<(), Error> {
    if !is_printable(name) {
        return Err(Error::fixed("ERR Client names cannot contain spaces, newlines or special characters."));
    }
    context.client_mut().name = name.to_vec();
    Ok(())
}

/// Whether a text can stand in a line of CLIENT LIST without being mistaken for something else.
fn is_printable(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_graphic)
}

/// CLIENT GETNAME: the name that was set, or null.
pub(crate) fn getname(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    // The reply is written while the client is borrowed from the same context.
    let name = std::mem::take(&mut context.client_mut().name);
    if name.is_empty() {
        context.reply.null();
    } else {
        context.reply.bulk(&name);
    }
    context.client_mut().name = name;
    Ok(())
}

/// CLIENT SETINFO `LIB-NAME name | LIB-VER version`: which library speaks, as Redis 7.2 documents it.
pub(crate) fn setinfo(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let (attribute, value) = (args[2], args[3]);
    let client = context.client_mut();
    let field = if is(attribute, "lib-name") {
        &mut client.library_name
    } else if is(attribute, "lib-ver") {
        &mut client.library_version
    } else {
        return Err(Error::new([b"ERR Unrecognized option '", attribute, b"'"].concat()));
    };
    if !is_printable(value) {
        let rule: &[u8] = b" cannot contain spaces, newlines or special characters.";
        return Err(Error::new([b"ERR ", attribute, rule].concat()));
    }
    *field = value.to_vec();
    context.reply.ok();
    Ok(())
}

/// CLIENT NO-EVICT `ON | OFF`: whether the client is spared when clients take too much memory.
pub(crate) fn no_evict(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    context.client_mut().no_evict = if is(args[2], "on") {
        true
    } else if is(args[2], "off") {
        false
    } else {
        return Err(Error::SYNTAX);
    };
    context.reply.ok();
    Ok(())
}

/// The kinds of clients that CLIENT LIST and CLIENT KILL tell apart. Every client here is a normal one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Normal,
    /// `master`, `replica` (also called `slave`) or `pubsub`, of which there are none.
    Other,
}

impl Kind {
    fn parse(name: &[u8]) -> Result<Self, Error> {
        if is(name, "normal") {
            Ok(Kind::Normal)
        } else if ["master", "replica", "slave", "pubsub"].iter().any(|kind| is(name, kind)) {
            Ok(Kind::Other)
        } else {
            Err(Error::new([b"ERR Unknown client type '", c_text(name), b"'"].concat()))
        }
    }
}

/// What CLIENT KILL kills: every client that passes all of these.
struct Filter<'a> {
    number: Option<u64>,
    kind: Option<Kind>,
    address: Option<&'a [u8]>,
    local_address: Option<&'a [u8]>,
    spare_caller: bool,
}

impl<'a> Filter<'a> {
    /// Reads pairs of an option and its value.
    fn parse(mut options: &[&'a [u8]]) -> Result<Self, Error> {
        let mut filter =
            Filter { number: None, kind: None, address: None, local_address: None, spare_caller: true };
        while let [option, value, rest @ ..] = options {
            if is(option, "id") {
                let positive = |number: i64| u64::try_from(number).ok().filter(|&number| number > 0);
                let number = keyspace::parse_integer(value).and_then(positive);
                filter.number = Some(number.ok_or(Error::fixed("ERR client-id should be greater than 0"))?);
            } else if is(option, "type") {
                filter.kind = Some(Kind::parse(value)?);
            } else if is(option, "addr") {
                filter.address = Some(value);
            } else if is(option, "laddr") {
                filter.local_address = Some(value);
            } else if is(option, "user") {
                // There is one user, so that naming it rules nobody out.
                if *value != b"default" {
                    return Err(Error::new([b"ERR No such user '", c_text(value), b"'"].concat()));
                }
            } else if is(option, "skipme") {
                filter.spare_caller = if is(value, "yes") {
                    true
                } else if is(value, "no") {
                    false
                } else {
                    return Err(Error::SYNTAX);
                };
            } else {
                return Err(Error::SYNTAX);
            }
            options = rest;
        }
        if options.is_empty() { Ok(filter) } else { Err(Error::SYNTAX) }
    }

    fn passes(&self, client: &Client) -> bool {
        client.close != Some(Close::Now)
            && self.number.is_none_or(|number| number == client.id)
            && self.kind.is_none_or(|kind| kind == Kind::Normal)
            && self.address.is_none_or(|address| is_at(&client.origin.address, address))
            && self.local_address.is_none_or(|address| is_at(&client.origin.local_address, address))
    }
}

/// Whether a client's address is the one that was asked for; a client without a socket has none.
fn is_at(own: &str, wanted: &[u8]) -> bool {
    !own.is_empty() && own.as_bytes() == wanted
}

/// CLIENT KILL `address:port`, which answers with OK or an error, or with filters, which answers with a count.
pub(crate) fn kill(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    if let [_, _, address] = args {
        let filter = Filter { address: Some(address), spare_caller: false, ..Filter::parse(&[])? };
        if kill_all(context, &filter) == 0 {
            return Err(Error::fixed("ERR No such client"));
        }
        context.reply.ok();
    } else {
        let killed = kill_all(context, &Filter::parse(&args[2..])?);
        context.reply.count(killed);
    }
    Ok(())
}

/// Closes the clients that pass the filter: others at once, the one that asks when it has its reply.
fn kill_all(context: &mut Context<'_>, filter: &Filter<'_>) -> usize {
    let caller = context.id;
    let chosen = |(id, client): (ClientId, &Client)| {
        (filter.passes(client) && !(filter.spare_caller && id == caller)).then_some(id)
    };
    let chosen: Vec<_> = context.engine.clients.iter().filter_map(chosen).collect();
    for &id in &chosen {
        if id == caller {
            context.client_mut().close = Some(Close::AfterReply);
        } else {
            context.engine.doom(id);
        }
    }
    chosen.len()
}
