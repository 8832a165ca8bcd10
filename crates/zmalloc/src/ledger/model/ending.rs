//! In place of `ending`: a thread of the model says itself that it ends.

use super::thread::Node;

/// Stands for a key.
#[derive(Clone, Copy)]
pub(super) struct Key;

impl Key {
    pub(super) fn new() -> Option<Self> {
        Some(Self)
    }

    pub(super) fn set(self, _node: &Node) -> bool {
        true
    }
}
