//! MONITOR: clients that are shown every command as it runs.

use crate::client::ClientId;
use crate::command::{Call, Flags};
use crate::engine::Engine;
use crate::quoting::quote;
use crate::secrets::{REDACTED, is_secret};

impl Engine {
    /// Shows a command that has run to the clients that watch; never those for the operator of a server.
    #[inline]
    pub(crate) fn feed_monitors(&mut self, id: ClientId, call: &Call, args: &[&[u8]]) {
        if !self.monitors.is_empty() && !call.command.flags.intersects(Flags::ADMIN | Flags::SKIP_MONITOR) {
            self.show_command(id, call, args);
        }
    }

    #[cold]
    fn show_command(&mut self, id: ClientId, call: &Call, args: &[&[u8]]) {
        let Some(client) = self.clients.get(id) else { return };
        let micros = self.clock.now_us();
        let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
        let from = if client.origin.unix {
            format!("unix:{}", client.origin.address)
        } else {
            client.origin.address.clone()
        };
        let from = from.strip_suffix(":0").filter(|_| client.origin.unix).unwrap_or(&from);
        let mut line = format!("+{seconds}.{micros:06} [{} {from}]", client.db).into_bytes();
        for (at, arg) in args.iter().enumerate() {
            let is_secret = is_secret(call, args, at) || self.redacted.contains(at);
            let arg = if is_secret { REDACTED } else { arg };
            line.push(b' ');
            line.extend_from_slice(quote(arg).as_bytes());
        }
        line.extend_from_slice(b"\r\n");
        let monitors = std::mem::take(&mut self.monitors);
        monitors.iter().for_each(|&monitor| self.push(monitor, &line));
        self.monitors = monitors;
    }

    /// Has a client shown every command from now on; says whether it wasn't before.
    pub(crate) fn begin_monitor(&mut self, id: ClientId) -> bool {
        let is_new = !std::mem::replace(&mut self.connected_mut(id).is_monitor, true);
        if is_new {
            self.monitors.push(id);
        }
        is_new
    }

    /// Takes a client from those that watch.
    pub(crate) fn end_monitor(&mut self, id: ClientId) {
        self.monitors.retain(|&monitor| monitor != id);
        if self.monitors.is_empty() {
            self.monitors = Vec::new();
        }
        if let Some(client) = self.clients.get_mut(id) {
            client.is_monitor = false;
        }
    }
}
