//! From a request to the function that answers it: what every command must pass before it runs.

use crate::client::ClientId;
use crate::command::{Command, Flags, Handler, Run};
use crate::context::Context;
use crate::engine::Engine;
use crate::error::{Error, c_text};
use crate::eviction::Room;
use crate::resp::Writer;

impl Engine {
    /// Executes one command; its reply, or its error, is appended to the client's output.
    ///
    /// `args` begins with the command's name. No arguments at all are no command, and get no reply.
    ///
    /// # Panics
    /// When the client isn't connected, or when a key that is to be stored is longer than `u32::MAX` bytes.
    pub fn execute(&mut self, id: ClientId, args: &[&[u8]]) {
        self.clock.refresh();
        self.execute_now(id, args);
    }

    /// The same, at the time that the data clock shows already.
    pub(crate) fn execute_now(&mut self, id: ClientId, args: &[&[u8]]) {
        let Some(name) = args.first() else { return };
        let client = self.connected_mut(id);
        let version = client.version;
        let mut out = std::mem::take(&mut client.output.bytes);
        if out.capacity() == 0 {
            out = self.reply_buffer();
        }
        let mut reply = Writer::new(out, version);
        self.stats.commands_processed += 1;
        match self.commands.command(name) {
            // As in Redis, a browser that was tricked into sending requests gets no further than its first line.
            None if is_http(name) => self.doom(id),
            None => self.fail(&mut reply, &unknown_command(args)),
            Some(command) => match self.admit(id, command, args) {
                Err(error) => self.fail(&mut reply, &error),
                Ok((command, handler)) => {
                    let before = reply.len();
                    let mut context = Context { engine: self, id, command, reply };
                    let running =
                        crash::Command { client: id.number(), args, secret: is_secret(command, args) };
                    let outcome = crash::running(running, || handler(&mut context, args));
                    reply = context.reply;
                    if let Err(error) = outcome {
                        debug_assert_eq!(reply.len(), before, "{} failed after it had replied", command.name);
                        self.fail(&mut reply, &error);
                    }
                }
            },
        }
        let client = self.connected_mut(id);
        client.output.bytes = reply.into_inner();
        self.enforce_output_limit(id);
    }

    /// Finds the function that runs these arguments, and checks that it may.
    fn admit(
        &mut self,
        id: ClientId,
        command: &'static Command,
        args: &[&[u8]],
    ) -> Result<(&'static Command, Handler), Error> {
        let (command, container, handler) = self.resolve(command, args)?;
        if !command.accepts(args.len()) {
            return Err(match container {
                Some(container) => Error::wrong_arity(&format!("{}|{}", container.name, command.name)),
                None => Error::wrong_arity(command.name),
            });
        }
        let client = self.connected_mut(id);
        if !client.authenticated && !command.flags.contains(Flags::NO_AUTH) {
            return Err(Error::NO_AUTH);
        }
        client.last_command = Some(match container {
            Some(container) => (container, Some(command)),
            None => (command, None),
        });
        if self.config.maxmemory != 0
            && self.make_room() == Room::None
            && command.flags.contains(Flags::DENYOOM)
        {
            return Err(Error::OUT_OF_MEMORY);
        }
        Ok((command, handler))
    }

    /// Steps into a container; gives the command, the container it is in, and its function.
    fn resolve(
        &self,
        command: &'static Command,
        args: &[&[u8]],
    ) -> Result<(&'static Command, Option<&'static Command>, Handler), Error> {
        match command.run {
            Run::Handler(handler) => Ok((command, None, handler)),
            Run::HandlerOrSubcommands(handler, _) if args.len() == 1 => Ok((command, None, handler)),
            Run::Subcommands(_) | Run::HandlerOrSubcommands(..) => {
                let name = args.get(1).ok_or_else(|| Error::wrong_arity(command.name))?;
                let unknown = || unknown_subcommand(command, name);
                let found = self.commands.subcommand(command, name).ok_or_else(unknown)?;
                match found.run {
                    Run::Handler(handler) => Ok((found, Some(command), handler)),
                    Run::Subcommands(_) | Run::HandlerOrSubcommands(..) => Err(unknown()),
                }
            }
        }
    }

    fn fail(&mut self, reply: &mut Writer, error: &Error) {
        self.stats.error_replies += 1;
        reply.error(error);
    }
}

/// Whether a report of a crash must not show the arguments: they may hold a password.
#[inline]
fn is_secret(command: &Command, args: &[&[u8]]) -> bool {
    command.flags.contains(Flags::SKIP_SLOWLOG)
        || args.get(2).is_some_and(|name| name.eq_ignore_ascii_case(b"requirepass"))
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

fn unknown_command(args: &[&[u8]]) -> Error {
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
