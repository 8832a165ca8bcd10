//! The check that every command passes, however it came.

use super::log::Attempt;
use super::user::User;
use crate::client::ClientId;
use crate::command::Call;
use crate::engine::Engine;
use crate::error::Error;

/// What a user lacks the permission for; the later ones are the more telling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    #[default]
    Command,
    Key,
    Channel,
}

/// Why a call is denied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Denial {
    pub(crate) reason: Reason,
    /// The number of the argument that is denied; 0 for the command itself.
    pub(crate) position: usize,
}

/// When a call is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// It is about to run.
    Call,
    /// It is about to be queued behind MULTI.
    Queue,
    /// EXEC is about to run it: rules may have changed since it was queued.
    Exec,
    /// A module is about to have it run.
    Module,
}

impl Moment {
    /// The context that ACL LOG shows.
    fn context(self) -> &'static str {
        match self {
            Self::Call => "toplevel",
            Self::Queue | Self::Exec => "multi",
            Self::Module => "module",
        }
    }
}

impl Engine {
    /// Checks that the client's user may make a call; a denial is entered into the log.
    ///
    /// # Errors
    /// What the client is told.
    #[inline]
    pub(crate) fn check_permission(
        &mut self,
        id: ClientId,
        call: Call,
        args: &[&[u8]],
        moment: Moment,
    ) -> Result<(), Error> {
        match self.connected_mut(id).user.check(call.command, args) {
            Ok(()) => Ok(()),
            Err(denial) => {
                let user = self.connected_mut(id).user.clone();
                Err(self.deny(Some(id), &user, call, args, moment, denial))
            }
        }
    }

    /// Checks that a user may make a call that a module has made, in a context of a client if it has one.
    ///
    /// # Errors
    /// What the module is told.
    pub(crate) fn check_permission_of(
        &mut self,
        user: &User,
        id: Option<ClientId>,
        call: Call,
        args: &[&[u8]],
    ) -> Result<(), Error> {
        let outcome = user.check(call.command, args);
        outcome.map_err(|denial| self.deny(id, user, call, args, Moment::Module, denial))
    }

    #[cold]
    fn deny(
        &mut self,
        id: Option<ClientId>,
        user: &User,
        call: Call,
        args: &[&[u8]],
        moment: Moment,
        denial: Denial,
    ) -> Error {
        let name = call.full_name();
        let (reason, object) = match denial.reason {
            Reason::Command => ("command", name.as_bytes()),
            Reason::Key => ("key", args[denial.position]),
            Reason::Channel => ("channel", args[denial.position]),
        };
        self.log_denial(id, Attempt { reason, context: moment.context(), object, user: user.name() });
        if moment == Moment::Exec {
            return Error::new(format!(
                "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. \
                 This command is no longer allowed for the following reason: {}",
                match denial.reason {
                    Reason::Command => "no permission to execute the command or subcommand",
                    Reason::Key => "no permission to touch the specified keys",
                    Reason::Channel => {
                        "no permission to access one of the channels used as arguments"
                    }
                }
            ));
        }
        match denial.reason {
            Reason::Command => {
                Error::new(format!("NOPERM this user has no permissions to run the '{name}' command"))
            }
            Reason::Key => Error::fixed(
                "NOPERM this user has no permissions to access one of the keys used as arguments",
            ),
            Reason::Channel => Error::fixed(
                "NOPERM this user has no permissions to access one of the channels used as arguments",
            ),
        }
    }
}
