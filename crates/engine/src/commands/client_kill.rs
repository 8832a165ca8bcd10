//! CLIENT KILL: closing clients, those that a filter lets through.

use super::client_kind::Kind;
use crate::acl::Acl;
use crate::args::is;
use crate::client::{Client, ClientId, Close};
use crate::context::Context;
use crate::error::{Error, c_text};

/// What CLIENT KILL kills: every client that passes all of these.
struct Filter<'a> {
    number: Option<u64>,
    kind: Option<Kind>,
    user: Option<&'a [u8]>,
    address: Option<&'a [u8]>,
    local_address: Option<&'a [u8]>,
    spare_caller: bool,
}

impl<'a> Filter<'a> {
    /// Reads pairs of an option and its value.
    fn parse(mut options: &[&'a [u8]], acl: &Acl) -> Result<Self, Error> {
        let mut filter = Filter {
            number: None,
            kind: None,
            user: None,
            address: None,
            local_address: None,
            spare_caller: true,
        };
        while let [option, value, rest @ ..] = options {
            if is(option, "id") {
                let positive = |number: i64| u64::try_from(number).ok().filter(|&number| number > 0);
                let number = keyspace::parse_integer(value).and_then(positive);
                filter.number = Some(number.ok_or(Error::fixed("ERR client-id should be greater than 0"))?);
            } else if is(option, "type") {
                filter.kind = Some(Kind::parse(value)?);
            } else if is(option, "addr") {
                filter.address = Some(value);
            } else if is(option, "laddr") {
                filter.local_address = Some(value);
            } else if is(option, "user") {
                if acl.user(value).is_none() {
                    return Err(Error::new([b"ERR No such user '", c_text(value), b"'"].concat()));
                }
                filter.user = Some(value);
            } else if is(option, "skipme") {
                filter.spare_caller = if is(value, "yes") {
                    true
                } else if is(value, "no") {
                    false
                } else {
                    return Err(Error::SYNTAX);
                };
            } else {
                return Err(Error::SYNTAX);
            }
            options = rest;
        }
        if options.is_empty() { Ok(filter) } else { Err(Error::SYNTAX) }
    }

    fn passes(&self, client: &Client) -> bool {
        client.close != Some(Close::Now)
            && self.number.is_none_or(|number| number == client.id)
            && self.kind.is_none_or(|kind| kind == Kind::of(client))
            && self.user.is_none_or(|user| user == client.user.name())
            && self.address.is_none_or(|address| is_at(&client.origin.address, address))
            && self.local_address.is_none_or(|address| is_at(&client.origin.local_address, address))
    }
}

/// Whether a client's address is the one that was asked for; a client without a socket has none.
fn is_at(own: &str, wanted: &[u8]) -> bool {
    !own.is_empty() && own.as_bytes() == wanted
}

/// CLIENT KILL `address:port`, which answers with OK or an error, or with filters, which answers with a count.
pub(crate) fn kill(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    if let [_, _, address] = args {
        let any = Filter::parse(&[], &context.engine.acl)?;
        let filter = Filter { address: Some(address), spare_caller: false, ..any };
        if kill_all(context, &filter) == 0 {
            return Err(Error::fixed("ERR No such client"));
        }
        context.reply.ok();
    } else {
        let filter = Filter::parse(&args[2..], &context.engine.acl)?;
        let killed = kill_all(context, &filter);
        context.reply.count(killed);
    }
    Ok(())
}

/// Closes the clients that pass the filter: others at once, the one that asks when it has its reply.
fn kill_all(context: &mut Context<'_>, filter: &Filter<'_>) -> usize {
    let caller = context.id;
    let chosen = |(id, client): (ClientId, &Client)| {
        (filter.passes(client) && !(filter.spare_caller && id == caller)).then_some(id)
    };
    let chosen: Vec<_> = context.engine.clients.iter().filter_map(chosen).collect();
    for &id in &chosen {
        if id == caller {
            context.client_mut().close = Some(Close::AfterReply);
        } else {
            context.engine.doom(id);
        }
    }
    chosen.len()
}
