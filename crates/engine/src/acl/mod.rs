//! Access control: who may run which commands, on which keys and channels, as Redis 7.0 documents ACLs.
//!
//! | file | what it does |
//! |---|---|
//! | `user` | a user: switches, passwords, selectors; rules that change one |
//! | `selector` | what one set of rules permits |
//! | `commands` | sets of commands: categories, sub-commands, first arguments, and how they are told |
//! | `channels` | which arguments are channels |
//! | `rules` | why a rule is refused, and rules in parentheses |
//! | `users` | the users of an engine, and their clients |
//! | `unlisted` | users whom modules bring along, and what modules ask of any user |
//! | `check` | the check that every command passes |
//! | `log` | what was denied lately |
//! | `file` | users as text: the `aclfile` and `user` lines of the configuration |

mod channels;
mod check;
mod commands;
mod file;
mod log;
mod rules;
mod selector;
mod unlisted;
mod user;
mod users;

pub(crate) use check::{Moment, Reason};
pub(crate) use file::check_line;
pub(crate) use log::Attempt;
pub use unlisted::{AccessError, Denied, UserId, UserRef};
pub(crate) use user::{Rules, User, hex};
pub(crate) use users::{Acl, Logins, is_name};
