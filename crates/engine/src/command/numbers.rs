//! Commands by number: what is kept of every command lies in tables.

use std::sync::LazyLock;

use super::{Command, all};

/// The numbers of all commands, found by where their rows lie in memory, for a multiplication and a look or two.
struct Numbers {
    /// Open-addressed: the address of a row, or 0, and the number of its command.
    slots: Box<[(usize, usize)]>,
}

static NUMBERS: LazyLock<Numbers> = LazyLock::new(|| {
    let count = all().count();
    let mut numbers = Numbers { slots: vec![(0, 0); (count * 4).next_power_of_two()].into() };
    for (number, found) in all().enumerate() {
        let at = numbers.find(address(found.command));
        numbers.slots[at] = (address(found.command), number);
    }
    numbers
});

fn address(command: &Command) -> usize {
    std::ptr::from_ref(command).addr()
}

impl Numbers {
    /// The slot that holds the address, or that would.
    #[inline]
    fn find(&self, address: usize) -> usize {
        let mask = self.slots.len() - 1;
        let mixed = (address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let mut at = mixed as usize & mask;
        while self.slots[at].0 != 0 && self.slots[at].0 != address {
            at = (at + 1) & mask;
        }
        at
    }
}

/// How many commands the table has, sub-commands included.
pub(crate) fn table_len() -> usize {
    static LEN: LazyLock<usize> = LazyLock::new(|| all().count());
    *LEN
}

/// The number of a command: its place in [`all`], or, when it was added, a number past all of these.
#[inline]
pub(crate) fn number(command: &'static Command) -> usize {
    if let Some(added) = &command.added {
        return added.number;
    }
    let numbers = &*NUMBERS;
    numbers.slots[numbers.find(address(command))].1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_its_place() {
        for (number, found) in all().enumerate() {
            assert_eq!(super::number(found.command), number, "{}", found.full_name());
        }
    }
}
