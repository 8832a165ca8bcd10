//! From a request to the function that answers it: what every command must pass before it runs.

use crate::acl::Moment;
use crate::client::ClientId;
use crate::command::{Call, Command, Flags, Run};
use crate::context::Context;
use crate::engine::Engine;
use crate::error::{Error, c_text};
use crate::eviction::Room;
use crate::resp::{Version, Writer};
use crate::secrets::has_secret;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was answered, or queued, or refused, or waits for its answer.
    Taken,
    /// It must be given again later: clients are paused, or wait for a command.
    Postponed,
}

impl Engine {
    /// Executes one command; its reply, or its error, is appended to the client's output.
    ///
    /// `args` begins with the command's name. No arguments at all are no command, and get no reply. While the client
    /// waits for something (as WAIT does) the command is kept, and executed when that is over.
    ///
    /// # Panics
    /// When the client isn't connected, or when a key that is to be stored is longer than `u32::MAX` bytes.
    pub fn execute(&mut self, id: ClientId, args: &[&[u8]]) {
        self.clock.refresh();
        self.last_end = None;
        let command = args.first().and_then(|name| self.commands.command(name));
        if self.is_waiting(id) || self.execute_now(id, command, args) == Outcome::Postponed {
            self.keep_request(id, args);
        }
        self.settle();
    }

    /// The same, at the time that the data clock shows already, by a client that doesn't wait; `command` is what has
    /// the name that `args` begin with.
    pub(crate) fn execute_now(
        &mut self,
        id: ClientId,
        command: Option<&'static Command>,
        args: &[&[u8]],
    ) -> Outcome {
        if self.keeps_for_later(id) {
            Outcome::Postponed
        } else if self.has_filters && !args.is_empty() {
            self.execute_filtered(id, args)
        } else {
            self.execute_as_it_is(id, command, args)
        }
    }

    /// The same, once the filters of modules have seen it.
    #[cold]
    fn execute_filtered(&mut self, id: ClientId, args: &[&[u8]]) -> Outcome {
        let modules = self.modules.clone();
        let changed = modules.and_then(|modules| modules.filter(self, id, args));
        // What was foreseen is known by where it lies, and lies elsewhere now.
        self.foreseen = None;
        let changed: Option<Vec<&[u8]>> =
            changed.as_ref().map(|args| args.iter().map(Vec::as_slice).collect());
        let args = changed.as_deref().unwrap_or(args);
        let command = args.first().and_then(|name| self.commands.command(name));
        self.execute_as_it_is(id, command, args)
    }

    fn execute_as_it_is(
        &mut self,
        id: ClientId,
        command: Option<&'static Command>,
        args: &[&[u8]],
    ) -> Outcome {
        let Some(name) = args.first() else { return Outcome::Taken };
        let mut reply = self.begin_reply(id);
        let before = reply.len();
        let mut outcome = Outcome::Taken;
        self.current = Some(id);
        self.connected_mut(id).last_command = None;
        match command {
            // As in Redis, a browser that was tricked into sending requests gets no further than its first line.
            None if is_http(name) => self.doom(id),
            None => {
                self.refuse_command(id, None, args, &mut reply, &unknown_command(args));
                self.mute(id, &mut reply, before);
            }
            Some(command) => match self.admit(id, command, args) {
                Err(error) => {
                    self.refuse_command(id, Some(command), args, &mut reply, &error);
                    self.mute(id, &mut reply, before);
                }
                Ok(call) if self.is_postponed(id, call.command) => {
                    self.postpone(id);
                    outcome = Outcome::Postponed;
                }
                Ok(call) if self.is_queued(id, call.command) => {
                    self.queue(id, call, args);
                    reply.simple("QUEUED");
                    self.mute(id, &mut reply, before);
                }
                Ok(call) => reply = self.run_command(id, call, args, reply),
            },
        }
        self.after_command();
        self.current = None;
        self.send_pending(id);
        self.end_reply(id, reply);
        if !self.is_waiting(id) {
            self.count_reply(id);
        }
        self.recount_client(id);
        self.serve_waiting();
        self.evict_clients();
        outcome
    }

    /// Runs a command that was admitted; its reply is appended to `reply`.
    pub(crate) fn run_command(&mut self, id: ClientId, call: Call, args: &[&[u8]], reply: Writer) -> Writer {
        let Call { command, handler, .. } = call;
        let before = reply.len();
        let client = self.connected_mut(id);
        let (is_muted, no_touch) = (client.is_muted(), client.no_touch);
        self.leaves_no_trace = no_touch && command.name != "touch";
        let mut context = Context { engine: self, id, command, reply, is_push: false };
        let running = crash::Command { client: id.number(), args, secret: has_secret(&call, args) };
        let begun = context.engine.begin_measure();
        let redacted = context.engine.redacted.enter();
        let outcome = crash::running(running, || handler(&mut context, args));
        let Context { mut reply, is_push, .. } = context;
        self.stats.commands_processed += 1;
        let failed = outcome.is_err();
        if let Err(error) = outcome {
            debug_assert_eq!(reply.len(), before, "{} failed after it had replied", command.name);
            self.fail(&mut reply, &error);
        }
        self.end_measure(id, &call, args, begun, failed);
        self.redacted.leave(redacted);
        // Whoever asks for replies again is answered, and messages are no replies.
        if is_muted && !is_push {
            self.mute(id, &mut reply, before);
        }
        self.announce_expired();
        self.remember_reads(id, call, args);
        self.end_caching(id, call);
        reply
    }

    /// Finds the function that runs these arguments, and checks that it may.
    fn admit(&mut self, id: ClientId, command: &'static Command, args: &[&[u8]]) -> Result<Call, Error> {
        let call = self.resolve(command, args)?;
        let Call { command, container, .. } = call;
        self.connected_mut(id).last_command = Some(match container {
            Some(container) => (container, Some(command)),
            None => (command, None),
        });
        let outcome = self.check(id, &call, args);
        if outcome.is_err() {
            self.command_stats.reject(call.command);
        }
        outcome.map(|()| call)
    }

    /// Checks that a command may run now, with these arguments, for this client.
    fn check(&mut self, id: ClientId, call: &Call, args: &[&[u8]]) -> Result<(), Error> {
        let command = call.command;
        if !command.accepts(args.len()) {
            return Err(Error::wrong_arity(&call.full_name()));
        }
        if self.must_authenticate(id) && !command.flags.contains(Flags::NO_AUTH) {
            return Err(Error::NO_AUTH);
        }
        let client = self.connected_mut(id);
        let in_transaction = client.transaction.is_some();
        if in_transaction && command.flags.contains(Flags::NO_MULTI) {
            return Err(Error::fixed("ERR Command not allowed inside a transaction"));
        }
        let moment = if in_transaction { Moment::Queue } else { Moment::Call };
        self.check_permission(id, *call, args, moment)?;
        if self.config.maxmemory != 0 && self.make_room() == Room::None && self.needs_memory(id, command) {
            return Err(Error::OUT_OF_MEMORY);
        }
        let client = self.connected_mut(id);
        if client.subscriptions.is_some() && client.version == Version::V2 && !is_for_subscribers(command) {
            let name = call.full_name();
            return Err(Error::new(format!(
                "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed \
                 in this context"
            )));
        }
        if !command.flags.contains(Flags::ALLOW_BUSY)
            && let Some(error) = self.busy_error()
        {
            return Err(error);
        }
        // Redis 7.0 has those who are shown commands among its replicas.
        let reaches_keys = Flags::READONLY | Flags::WRITE | Flags::MAY_REPLICATE;
        if self.connected_mut(id).is_monitor && command.flags.intersects(reaches_keys) {
            return Err(Error::fixed("ERR Replica can't interact with the keyspace"));
        }
        Ok(())
    }

    /// Whether a command, or one that it runs, is refused when there is no memory. Queueing takes memory too.
    fn needs_memory(&mut self, id: ClientId, command: &Command) -> bool {
        let transaction = self.connected_mut(id).transaction.as_ref();
        let runs =
            transaction.filter(|_| command.name == "exec").map_or(Flags::empty(), |its| its.queue.flags());
        (command.flags | runs).contains(Flags::DENYOOM) || self.is_queued(id, command)
    }

    /// Steps into a container; gives the command, the container it is in, and its function.
    pub(crate) fn resolve(&self, command: &'static Command, args: &[&[u8]]) -> Result<Call, Error> {
        match command.run {
            Run::Handler(handler) => Ok(Call { command, container: None, handler }),
            Run::HandlerOrSubcommands(handler, _) if args.len() == 1 => {
                Ok(Call { command, container: None, handler })
            }
            Run::Subcommands(_) | Run::HandlerOrSubcommands(..) => {
                let name = args.get(1).ok_or_else(|| Error::wrong_arity(command.name))?;
                let unknown = || unknown_subcommand(command, name);
                let found = self.commands.subcommand(command, name).ok_or_else(unknown)?;
                match found.run {
                    Run::Handler(handler) => Ok(Call { command: found, container: Some(command), handler }),
                    Run::Subcommands(_) | Run::HandlerOrSubcommands(..) => Err(unknown()),
                }
            }
        }
    }

    /// Whether a command is to wait for EXEC.
    #[inline]
    fn is_queued(&mut self, id: ClientId, command: &Command) -> bool {
        /// What is executed at once even between MULTI and EXEC.
        const EXCEPT: [&str; 6] = ["exec", "discard", "multi", "watch", "quit", "reset"];
        self.connected_mut(id).transaction.is_some() && !EXCEPT.contains(&command.name)
    }

    /// Answers a command that may not run, which costs a client its transaction.
    fn refuse_command(
        &mut self,
        id: ClientId,
        command: Option<&'static Command>,
        args: &[&[u8]],
        reply: &mut Writer,
        error: &Error,
    ) {
        if let Some(command) = command.filter(|command| command.name == "exec") {
            // Those who have been shown MULTI are shown that it is over, as in Redis.
            if let Ok(call) = self.resolve(command, args) {
                self.feed_monitors(id, &call, args);
            }
            self.end_transaction(id);
            let reason = error.as_bytes().strip_prefix(b"ERR ").unwrap_or(error.as_bytes());
            let text = [b"EXECABORT Transaction discarded because of: ", reason].concat();
            return self.fail(reply, &Error::new(text));
        }
        self.refuse_transaction(id);
        self.fail(reply, error);
    }

    pub(crate) fn fail(&mut self, reply: &mut Writer, error: &Error) {
        self.stats.error_replies += 1;
        self.command_stats.count_error(error);
        reply.error(error);
    }
}

/// Whether a client that speaks RESP2 may call the command while it is subscribed to anything: it couldn't tell other
/// replies from messages.
fn is_for_subscribers(command: &Command) -> bool {
    const NAMES: [&str; 9] = [
        "ping",
        "psubscribe",
        "punsubscribe",
        "quit",
        "reset",
        "ssubscribe",
        "subscribe",
        "sunsubscribe",
        "unsubscribe",
    ];
    NAMES.contains(&command.name)
}

/// Whether a request's first word is what a POST over HTTP brings, and no command.
fn is_http(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"POST") || name.eq_ignore_ascii_case(b"Host:")
}

/// As much of `bytes` as an error message quotes.
fn excerpt(bytes: &[u8], limit: usize) -> &[u8] {
    let text = c_text(bytes);
    &text[..text.len().min(limit)]
}

pub(crate) fn unknown_command(args: &[&[u8]]) -> Error {
    const LIMIT: usize = 128;
    let mut rest = Vec::new();
    for arg in &args[1..] {
        if rest.len() >= LIMIT {
            break;
        }
        let room = LIMIT - rest.len();
        rest.push(b'\'');
        rest.extend_from_slice(excerpt(arg, room));
        rest.extend_from_slice(b"' ");
    }
    let name = excerpt(args[0], LIMIT);
    Error::new([b"ERR unknown command '", name, b"', with args beginning with: ", &rest].concat())
}

fn unknown_subcommand(command: &Command, name: &[u8]) -> Error {
    let container = command.name.to_ascii_uppercase();
    Error::new(
        [b"ERR unknown subcommand '", excerpt(name, 128), b"'. Try ", container.as_bytes(), b" HELP."]
            .concat(),
    )
}
