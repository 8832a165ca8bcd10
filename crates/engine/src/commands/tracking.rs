//! CLIENT TRACKING CACHING TRACKINGINFO GETREDIR: what the server remembers for clients that keep copies of values.

use crate::args::{integer, is};
use crate::client::ClientId;
use crate::context::Context;
use crate::error::{Error, c_text};
use crate::names::Name;
use crate::tracking::{Mode, Tracker, overlap};

/// The options of CLIENT TRACKING.
#[derive(Debug, Default)]
struct Options<'a> {
    redirect: Option<ClientId>,
    prefixes: Vec<&'a [u8]>,
    broadcast: bool,
    opt_in: bool,
    opt_out: bool,
    no_loop: bool,
}

impl<'a> Options<'a> {
    fn parse(context: &Context<'_>, args: &[&'a [u8]]) -> Result<Self, Error> {
        let mut options = Self::default();
        let mut args = args.iter().copied();
        while let Some(option) = args.next() {
            if is(option, "bcast") {
                options.broadcast = true;
            } else if is(option, "optin") {
                options.opt_in = true;
            } else if is(option, "optout") {
                options.opt_out = true;
            } else if is(option, "noloop") {
                options.no_loop = true;
            } else if is(option, "redirect") && args.len() > 0 {
                if options.redirect.is_some() {
                    return Err(Error::fixed("ERR A client can only redirect to a single other client"));
                }
                let number = integer(args.next().ok_or(Error::SYNTAX)?)?;
                let found =
                    u64::try_from(number).ok().and_then(|number| context.engine.clients.numbered(number));
                let absent = Error::fixed("ERR The client ID you want redirect to does not exist");
                options.redirect = Some(found.ok_or(absent)?);
            } else if is(option, "prefix") {
                options.prefixes.push(args.next().ok_or(Error::SYNTAX)?);
            } else {
                return Err(Error::SYNTAX);
            }
        }
        Ok(options)
    }

    /// Checks the options against each other and against what the client has chosen already.
    fn check(&self, old: Option<&Tracker>) -> Result<Mode, Error> {
        if !self.broadcast && !self.prefixes.is_empty() {
            return Err(Error::fixed("ERR PREFIX option requires BCAST mode to be enabled"));
        }
        if old.is_some_and(|old| (old.mode == Mode::Broadcast) != self.broadcast) {
            return Err(Error::fixed(
                "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then \
                 re-enabling it with a different mode.",
            ));
        }
        let old_mode = old.map(|old| old.mode);
        let mode = match (self.broadcast, self.opt_in, self.opt_out) {
            (true, false, false) => Mode::Broadcast,
            (true, ..) => return Err(Error::fixed("ERR OPTIN and OPTOUT are not compatible with BCAST")),
            (_, true, true) => {
                return Err(Error::fixed("ERR You can't specify both OPTIN mode and OPTOUT mode"));
            }
            (_, true, _) => Mode::OptIn,
            (_, _, true) => Mode::OptOut,
            _ => Mode::Default,
        };
        if matches!((old_mode, mode), (Some(Mode::OptIn), Mode::OptOut) | (Some(Mode::OptOut), Mode::OptIn)) {
            return Err(Error::fixed(
                "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then \
                 re-enabling it with a different mode.",
            ));
        }
        if mode == Mode::Broadcast {
            check_overlaps(&self.prefixes, old.map_or(&[], |old| &old.prefixes))?;
        }
        Ok(mode)
    }
}

/// Refuses prefixes of which one begins with another, given or known already.
fn check_overlaps(given: &[&[u8]], known: &[Name]) -> Result<(), Error> {
    let refusal = |prefix: &[u8], which: &[u8], other: &[u8]| {
        let rule = b"'. Prefixes for a single client must not overlap.";
        Error::new(
            [b"ERR Prefix '", c_text(prefix), b"' overlaps with ", which, c_text(other), rule].concat(),
        )
    };
    for (at, prefix) in given.iter().enumerate() {
        if let Some(other) = known.iter().find(|other| overlap(prefix, other)) {
            return Err(refusal(prefix, b"an existing prefix '", other));
        }
        if let Some(other) = given[at + 1..].iter().find(|other| overlap(prefix, other)) {
            return Err(refusal(prefix, b"another provided prefix '", other));
        }
    }
    Ok(())
}

/// CLIENT TRACKING `ON | OFF`: whether the client is told of changes of the keys that it reads, and how.
pub(crate) fn tracking(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let options = Options::parse(context, &args[3..])?;
    if is(args[2], "on") {
        let mode = options.check(context.client().tracking.as_deref())?;
        let tracker = Tracker {
            mode,
            no_loop: options.no_loop,
            redirect: options.redirect,
            caching: context.client().tracking.as_ref().is_some_and(|old| old.caching),
            ..Tracker::default()
        };
        context.engine.track(context.id, tracker, &options.prefixes);
    } else if is(args[2], "off") {
        context.engine.untrack(context.id);
    } else {
        return Err(Error::SYNTAX);
    }
    context.reply.ok();
    Ok(())
}

/// CLIENT CACHING `YES | NO`: whether what the next command reads is remembered.
pub(crate) fn caching(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let mode = context.client().tracking.as_ref().map(|tracker| tracker.mode);
    if mode.is_none() {
        return Err(Error::fixed(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode \
             enabled",
        ));
    }
    if is(args[2], "yes") {
        if mode != Some(Mode::OptIn) {
            return Err(Error::fixed(
                "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.",
            ));
        }
    } else if is(args[2], "no") {
        if mode != Some(Mode::OptOut) {
            return Err(Error::fixed(
                "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.",
            ));
        }
    } else {
        return Err(Error::SYNTAX);
    }
    if let Some(tracker) = &mut context.client_mut().tracking {
        tracker.caching = true;
    }
    context.reply.ok();
    Ok(())
}

/// CLIENT GETREDIR: who is told in the client's place; 0 for nobody, -1 when tracking is off.
pub(crate) fn getredir(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    let number = redirection(context.client().tracking.as_deref());
    context.reply.integer(number);
    Ok(())
}

/// The number of the client that is told in another's place, as CLIENT GETREDIR and CLIENT LIST give it.
pub(super) fn redirection(tracker: Option<&Tracker>) -> i64 {
    tracker.map_or(-1, |tracker| tracker.redirect.map_or(0, |id| id.number().cast_signed()))
}

/// CLIENT TRACKINGINFO: how the client is tracked.
pub(crate) fn trackinginfo(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    let Context { engine, id, reply, .. } = context;
    let tracker = engine.clients.get(*id).and_then(|client| client.tracking.as_deref());
    let flags = flags(tracker);
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.bulk(flag.as_bytes()));
    reply.bulk(b"redirect");
    reply.integer(redirection(tracker));
    reply.bulk(b"prefixes");
    let prefixes = tracker.map_or(&[][..], |tracker| &tracker.prefixes);
    reply.array(prefixes.len());
    prefixes.iter().for_each(|prefix| reply.bulk(prefix));
    Ok(())
}

fn flags(tracker: Option<&Tracker>) -> Vec<&'static str> {
    let Some(tracker) = tracker else { return vec!["off"] };
    let mode = |mode| tracker.mode == mode;
    let flags = [
        (true, "on"),
        (mode(Mode::Broadcast), "bcast"),
        (mode(Mode::OptIn), "optin"),
        (mode(Mode::OptIn) && tracker.caching, "caching-yes"),
        (mode(Mode::OptOut), "optout"),
        (mode(Mode::OptOut) && tracker.caching, "caching-no"),
        (tracker.no_loop, "noloop"),
        (tracker.is_broken, "broken_redirect"),
    ];
    flags.into_iter().filter_map(|(holds, flag)| holds.then_some(flag)).collect()
}
