//! Logging in: by password, or as modules decide.

use crate::acl::Attempt;
use crate::commands::connection;
use crate::context::Context;
use crate::error::Error;

const WRONG_PASSWORD: Error = Error::fixed("WRONGPASS invalid username-password pair or user is disabled.");

/// What a client offers by AUTH or HELLO.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// The user's name.
    pub user: &'a [u8],
    /// The password.
    pub password: &'a [u8],
    /// The command.
    pub args: &'a [&'a [u8]],
}

/// What modules say to that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: the password decides.
    NotHandled,
    /// The client acts for a user now.
    Accepted,
    /// It doesn't, and is told so: by this error, if there is one.
    Denied(Option<Error>),
    /// It doesn't, and has been replied to.
    Answered,
    /// It waits. [`Context::conclude_login`] comes later.
    Waits,
}

impl Context<'_> {
    /// Ends AUTH or HELLO, whose arguments these are, in the reply to a client that has waited for a verdict.
    ///
    /// # Errors
    /// What the client is to be told.
    pub fn conclude_login(&mut self, args: &[&[u8]], verdict: Verdict) -> Result<(), Error> {
        match self.command.name {
            "hello" => connection::greet(self, args, Some(verdict)),
            _ => connection::log_in(self, args, Some(verdict)),
        }
    }

    /// Has the client act for a user if modules or the password say so; says whether it does. If it doesn't, it has
    /// been replied to, or waits. `verdict` is what modules have said already.
    ///
    /// # Errors
    /// What the client is to be told.
    pub(crate) fn authenticate(
        &mut self,
        login: &Login<'_>,
        verdict: Option<Verdict>,
    ) -> Result<bool, Error> {
        match verdict.unwrap_or_else(|| self.ask_modules(login)) {
            Verdict::NotHandled => {}
            Verdict::Accepted => return Ok(true),
            Verdict::Denied(error) => return Err(error.unwrap_or(WRONG_PASSWORD)),
            Verdict::Answered | Verdict::Waits => return Ok(false),
        }
        let user = self.engine.acl.user(login.user).filter(|user| user.admits(login.password)).cloned();
        let Some(user) = user else {
            let object = login.args[0];
            let attempt = Attempt { reason: "auth", context: "toplevel", object, user: login.user };
            self.engine.log_denial(Some(self.id), attempt);
            return Err(WRONG_PASSWORD);
        };
        self.engine.become_user(self.id, user, true);
        Ok(true)
    }

    fn ask_modules(&mut self, login: &Login<'_>) -> Verdict {
        let modules = self.engine.modules.clone().filter(|_| self.engine.asks_who_logs_in);
        modules.map_or(Verdict::NotHandled, |modules| modules.log_in(self, login))
    }
}
