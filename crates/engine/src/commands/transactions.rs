//! Transactions: MULTI EXEC DISCARD WATCH UNWATCH.

use std::rc::Rc;

use smallvec::SmallVec;

use crate::acl::Moment;
use crate::context::Context;
use crate::error::Error;
use crate::transaction::Transaction;

/// Commands of up to this many arguments are passed on without an allocation.
const FEW: usize = 16;

/// MULTI: what follows is queued until EXEC.
pub(crate) fn multi(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    if context.client().transaction.is_some() {
        return Err(Error::fixed("ERR MULTI calls can not be nested"));
    }
    context.engine.begin_transaction(context.id);
    context.reply.ok();
    Ok(())
}

/// DISCARD: forgets what was queued and what is watched.
pub(crate) fn discard(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    if context.client().transaction.is_none() {
        return Err(Error::fixed("ERR DISCARD without MULTI"));
    }
    context.engine.end_transaction(context.id);
    context.reply.ok();
    Ok(())
}

/// EXEC: runs what was queued, nothing between; null when a watched key has changed.
pub(crate) fn exec(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    let id = context.id;
    let Some(transaction) = &context.client().transaction else {
        return Err(Error::fixed("ERR EXEC without MULTI"));
    };
    let Transaction { queue, is_refused } = &**transaction;
    let (queue, is_refused) = (Rc::clone(queue), *is_refused);
    if is_refused {
        drop(queue);
        context.engine.end_transaction(id);
        return Err(Error::fixed("EXECABORT Transaction discarded because of previous errors."));
    }
    if context.client().is_dirty || context.engine.has_watched_key_expired(id) {
        drop(queue);
        context.engine.end_transaction(id);
        context.reply.null_array();
        return Ok(());
    }
    // Its own changes are no reason to refuse anything.
    context.engine.unwatch_all(id);
    if !context.client().is_muted() {
        context.reply.array(queue.len());
    }
    // What isn't wanted of the commands' replies each of them has taken back.
    context.is_push = true;
    for (call, args) in queue.iter() {
        let args: SmallVec<[&[u8]; FEW]> = args.collect();
        // Rules may have changed since the command was queued.
        match context.engine.check_permission(id, call, &args, Moment::Exec) {
            Ok(()) => context.run(call, &args),
            Err(error) => {
                let before = context.reply.len();
                context.engine.fail(&mut context.reply, &error);
                context.engine.mute(id, &mut context.reply, before);
            }
        }
    }
    drop(queue);
    context.engine.end_transaction(id);
    Ok(())
}

/// WATCH: the next EXEC runs only if none of these keys has changed by then.
pub(crate) fn watch(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    if context.client().transaction.is_some() {
        return Err(Error::fixed("ERR WATCH inside MULTI is not allowed"));
    }
    // A transaction that is lost already needs to know of no more changes.
    if !context.client().is_dirty {
        let db = context.selected();
        for key in &args[1..] {
            context.engine.watch(context.id, db, key);
        }
    }
    context.reply.ok();
    Ok(())
}

/// UNWATCH: the next EXEC runs, whatever has changed.
pub(crate) fn unwatch(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    context.engine.unwatch_all(context.id);
    context.reply.ok();
    Ok(())
}
