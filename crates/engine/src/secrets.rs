//! Which arguments of a call are secrets: passwords, and what helps to guess them. They are shown nowhere.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use crate::args::is;
use crate::command::Call;

/// What is shown in the place of a secret.
pub(crate) const REDACTED: &[u8] = b"(redacted)";

/// Directives whose values are secrets.
const DIRECTIVES: [&str; 5] =
    ["requirepass", "masterauth", "masteruser", "tls-key-file-pass", "tls-client-key-file-pass"];

/// Directives of modules whose values are secrets, in lower case.
static CONCEALED: RwLock<BTreeSet<Vec<u8>>> = RwLock::new(BTreeSet::new());

/// Has the values that CONFIG SET gives a directive of a module shown nowhere from now on, in every engine of this
/// program.
pub fn conceal_directive(name: &str) {
    let name = name.to_ascii_lowercase().into_bytes();
    CONCEALED.write().unwrap_or_else(PoisonError::into_inner).insert(name);
}

fn is_concealed(name: &[u8]) -> bool {
    let concealed = CONCEALED.read().unwrap_or_else(PoisonError::into_inner);
    !concealed.is_empty() && concealed.contains(&name.to_ascii_lowercase())
}

/// Whether the argument of number `at` is a secret; the same as Redis 7.0 redacts.
pub(crate) fn is_secret(call: &Call, args: &[&[u8]], at: usize) -> bool {
    let container = call.container.map_or("", |container| container.name);
    match (container, call.command.name) {
        ("", "auth") => at >= 1,
        ("", "hello") => {
            let follows = |distance: usize| at.checked_sub(distance).filter(|&option| option >= 2);
            [1, 2].into_iter().filter_map(follows).any(|option| is(args[option], "auth"))
        }
        ("acl", "setuser" | "deluser" | "getuser") => at >= 2,
        ("config", "set") => {
            let is_named = |directive: &&str| is(args[at - 1], directive);
            at >= 3 && at % 2 == 1 && (DIRECTIVES.iter().any(is_named) || is_concealed(args[at - 1]))
        }
        _ => false,
    }
}

/// Whether any argument is a secret.
#[inline]
pub(crate) fn has_secret(call: &Call, args: &[&[u8]]) -> bool {
    matches!(call.command.name, "auth" | "hello" | "setuser" | "deluser" | "getuser" | "set")
        && (1..args.len()).any(|at| is_secret(call, args, at))
}
