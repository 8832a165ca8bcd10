//! Arguments that a module wants shown nowhere, of the commands that run.

use crate::engine::Engine;

/// The numbers of such arguments, those of a command behind those of the command that has called it.
#[derive(Debug, Default)]
pub(crate) struct Redacted {
    numbers: Vec<usize>,
    /// Where those of the innermost command begin.
    begin: usize,
    /// How many commands run, each within the one before.
    depth: usize,
}

impl Redacted {
    /// A command begins to run; gives what [`Self::leave`] wants back.
    #[inline]
    pub(crate) fn enter(&mut self) -> usize {
        self.depth += 1;
        std::mem::replace(&mut self.begin, self.numbers.len())
    }

    /// The innermost command is over.
    #[inline]
    pub(crate) fn leave(&mut self, outer: usize) {
        self.depth -= 1;
        self.numbers.truncate(self.begin);
        self.begin = outer;
    }

    /// Whether the innermost command's argument of number `at` is one of them.
    pub(crate) fn contains(&self, at: usize) -> bool {
        self.numbers[self.begin..].contains(&at)
    }
}

impl Engine {
    /// Has the argument of number `at` of the command that runs shown nowhere: not by MONITOR and SLOWLOG, and a crash
    /// report leaves out all arguments of the command then.
    pub fn redact_argument(&mut self, at: usize) {
        if self.redacted.depth != 0 {
            self.redacted.numbers.push(at);
            crash::conceal();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_its_own() {
        let mut redacted = Redacted::default();
        let outer = redacted.enter();
        redacted.numbers.push(1);
        let inner = redacted.enter();
        assert!(!redacted.contains(1));
        redacted.numbers.push(2);
        assert!(redacted.contains(2));
        redacted.leave(inner);
        assert!(redacted.contains(1) && !redacted.contains(2));
        redacted.leave(outer);
        assert!(!redacted.contains(1) && redacted.numbers.is_empty() && redacted.depth == 0);
    }
}
