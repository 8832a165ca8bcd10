//! What clients there are, and what each holds: CLIENT INFO LIST.

use std::fmt::{Display, Write};

use super::client_kind::Kind;
use super::tracking::redirection;
use crate::args::is;
use crate::client::{Client, ClientId, Close};
use crate::context::Context;
use crate::error::Error;
use crate::pubsub;
use crate::resp::{Version, Writer};
use crate::tracking::Mode;

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
        [option, name] if is(option, "type") => {
            let kind = Kind::parse(name)?;
            lines(context, |context| {
                let clients = &context.engine.clients;
                let is_wanted =
                    |id: &ClientId| clients.get(*id).is_some_and(|client| Kind::of(client) == kind);
                clients.ids().into_iter().filter(is_wanted).collect()
            })
        }
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
/// there is not. Arguments are read where they arrived, so that `argv-mem` holds nothing.
pub(crate) fn describe(client: &Client) -> String {
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
    let subscriptions =
        |kind| client.subscriptions.as_ref().map_or(0, |subscriptions| subscriptions.len(kind));
    line.field("sub", subscriptions(pubsub::Kind::Channel));
    line.field("psub", subscriptions(pubsub::Kind::Pattern));
    line.field("ssub", subscriptions(pubsub::Kind::Shard));
    match &client.transaction {
        Some(transaction) => line.field("multi", transaction.queue.len()),
        None => line.field("multi", -1),
    }
    line.field("qbuf", client.input.len());
    line.field("qbuf-free", client.input.capacity() - client.input.len());
    line.field("argv-mem", 0);
    line.field("multi-mem", client.transaction.as_ref().map_or(0, |transaction| transaction.memory()));
    line.field("rbs", replies.capacity());
    line.field("rbp", replies.len());
    line.field("obl", waiting);
    line.field("oll", 0);
    line.field("omem", if waiting == 0 { 0 } else { replies.capacity() });
    line.field("tot-mem", client.total_memory());
    line.field("events", events(client));
    line.field("cmd", last_command(client));
    line.text("user", client.user.name());
    line.field("redir", redirection(client.tracking.as_deref()));
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

    /// A text that a client has given, whose characters CLIENT SETNAME or SETINFO let pass.
    fn text(&mut self, name: &str, value: &[u8]) {
        self.field(name, String::from_utf8_lossy(value));
    }
}

/// The letters that CLIENT LIST documents, in Redis's order.
fn flags(client: &Client) -> String {
    let tracker = client.tracking.as_deref();
    let flags = [
        (client.is_monitor, 'O'),
        (client.subscriptions.is_some(), 'P'),
        (client.transaction.is_some(), 'x'),
        (client.wait.is_some() || client.is_postponed, 'b'),
        (tracker.is_some(), 't'),
        (tracker.is_some_and(|tracker| tracker.is_broken), 'R'),
        (tracker.is_some_and(|tracker| tracker.mode == Mode::Broadcast), 'B'),
        (client.is_dirty, 'd'),
        (client.close == Some(Close::AfterReply), 'c'),
        (client.close == Some(Close::Now), 'A'),
        (client.origin.unix, 'U'),
        (client.no_evict, 'e'),
        (client.no_touch, 'T'),
    ];
    let letters: String = flags.into_iter().filter_map(|(holds, letter)| holds.then_some(letter)).collect();
    if letters.is_empty() { "N".to_owned() } else { letters }
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
