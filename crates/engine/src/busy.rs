//! Commands that let others have their turn while they run: modules' that call Yield. Clients are told meanwhile that
//! the server is busy, or kept waiting; what a busy server does all the same, `allow-busy` says.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use crate::client::ClientId;
use crate::engine::Engine;
use crate::error::Error;

/// Gives others their turn while a command runs.
pub trait Turns: Debug {
    /// Serves, with the engine of the command that runs, whoever has something to be done, without waiting for anybody.
    /// The client whose command runs is not served: it waits for its reply.
    fn give(&self, engine: &mut Engine);
}

/// What is different while a command lets others have their turn.
#[derive(Debug, Default)]
pub(crate) struct Busy {
    turns: Option<Rc<dyn Turns>>,
    /// How commands are answered, while others have their turn.
    answer: Option<Answer>,
    /// Clients whose requests are kept until the command is done.
    kept: Vec<ClientId>,
}

/// How clients are answered whose commands have to wait.
#[derive(Debug)]
enum Answer {
    /// Not before the command is done.
    Later,
    /// With this error, but for those commands that a busy server runs.
    Error(Error),
}

/// What belongs to the command that runs.
#[derive(Debug)]
struct Own {
    foreseen: Option<crate::lookup::Foreseen>,
    leaves_no_trace: bool,
    last_end: Option<std::time::Instant>,
}

impl Engine {
    /// Has others given their turn by `turns`, when a command lets them have it.
    pub fn give_turns_by(&mut self, turns: Rc<dyn Turns>) {
        self.busy.turns = Some(turns);
    }

    /// Lets others have their turn while a command runs. Where `serves_clients`, clients that send a command are told
    /// that the server is busy, in the words of `text` or in Redis's, and those commands are run that are flagged
    /// `allow-busy`; else their requests are kept until the command is done. Nothing happens within such a turn, and
    /// where nobody gives turns.
    pub fn let_others_in(&mut self, serves_clients: bool, text: Option<&[u8]>) {
        let Some(turns) = self.busy.turns.clone() else { return };
        // Who is told of a key that goes sees it as it is at that moment; and a child process has no others.
        if self.is_letting_others_in() || self.is_foretelling || self.is_child() {
            return;
        }
        let text = text.unwrap_or(b"Redis is busy running a module command.");
        let error = Error::new([b"BUSY ", text].concat());
        self.busy.answer = Some(if serves_clients { Answer::Error(error) } else { Answer::Later });
        let own = Own {
            foreseen: self.foreseen.take(),
            leaves_no_trace: self.leaves_no_trace,
            last_end: self.last_end.take(),
        };
        self.begin_turns();
        let outcome = catch_unwind(AssertUnwindSafe(|| turns.give(self)));
        self.end_turns();
        (self.foreseen, self.leaves_no_trace, self.last_end) =
            (own.foreseen, own.leaves_no_trace, own.last_end);
        self.busy.answer = None;
        if let Err(panic) = outcome {
            resume_unwind(panic);
        }
    }

    /// Whether others have their turn.
    #[inline]
    pub(crate) fn is_letting_others_in(&self) -> bool {
        self.busy.answer.is_some()
    }

    /// Whether a client's request is to be kept until the command is done that lets others have their turn; then that
    /// is noted.
    #[inline]
    pub(crate) fn keeps_for_later(&mut self, id: ClientId) -> bool {
        self.is_letting_others_in() && self.note_kept(id)
    }

    #[cold]
    fn note_kept(&mut self, id: ClientId) -> bool {
        let is_kept = matches!(self.busy.answer, Some(Answer::Later));
        if is_kept {
            self.busy.kept.push(id);
            self.connected_mut(id).is_postponed = true;
        }
        is_kept
    }

    /// What a client is told whose command a busy server doesn't run.
    pub(crate) fn busy_error(&self) -> Option<Error> {
        match &self.busy.answer {
            Some(Answer::Error(error)) => Some(error.clone()),
            _ => None,
        }
    }

    /// Lets those go on whose requests were kept, when the command is done.
    pub(crate) fn release_kept(&mut self) {
        if self.busy.kept.is_empty() || self.is_letting_others_in() {
            return;
        }
        for id in std::mem::take(&mut self.busy.kept) {
            self.release(id);
        }
    }

    /// How many clients' requests are kept.
    pub(crate) fn kept(&self) -> usize {
        self.busy.kept.len()
    }

    /// Forgets a client that is gone.
    pub(crate) fn forget_kept(&mut self, id: ClientId) {
        self.busy.kept.retain(|&other| other != id);
    }
}
