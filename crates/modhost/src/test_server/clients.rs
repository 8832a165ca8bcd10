//! Clients of a server under test: commands out, replies in.

use std::collections::VecDeque;

use engine::resp::Version;
use engine::{ClientId, Engine, Reply};

use super::TestError;

/// What is known of a client.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// The words of commands whose replies haven't been read.
    owed: VecDeque<String>,
    replies: VecDeque<Reply>,
    pushes: Vec<Reply>,
}

impl Inbox {
    /// How many replies haven't been read.
    pub(super) fn owed(&self) -> usize {
        self.owed.len()
    }

    /// The words of the command that is to be replied to next.
    pub(super) fn next_command(&self) -> String {
        self.owed.front().cloned().unwrap_or_else(|| "no command".to_owned())
    }

    /// Notes a command.
    pub(super) fn sent(&mut self, command: &[&[u8]]) {
        let words: Vec<String> = command.iter().map(|word| word.escape_ascii().to_string()).collect();
        self.owed.push_back(words.join(" "));
    }

    /// Gives up on the reply to the command that is next.
    pub(super) fn give_up(&mut self) {
        self.owed.pop_front();
    }

    /// Takes what the engine has for the client.
    pub(super) fn fill(&mut self, engine: &mut Engine, client: ClientId) -> Result<(), TestError> {
        while let bytes @ [_, ..] = engine.output(client) {
            let Ok((reply, len)) = Reply::decode(bytes) else {
                let bytes = bytes.to_vec();
                engine.sent(client, bytes.len());
                return Err(TestError::Malformed { command: self.next_command(), bytes });
            };
            let is_push = matches!(reply, Reply::Push(_)) && engine.protocol_of(client) == Version::V3;
            engine.sent(client, len);
            if is_push { self.pushes.push(reply) } else { self.replies.push_back(reply) }
        }
        Ok(())
    }

    /// The next reply, if it is there.
    pub(super) fn next(&mut self) -> Option<Reply> {
        let reply = self.replies.pop_front()?;
        self.owed.pop_front();
        Some(reply)
    }

    /// The messages that answer no command.
    pub(super) fn take_pushes(&mut self) -> Vec<Reply> {
        std::mem::take(&mut self.pushes)
    }
}
