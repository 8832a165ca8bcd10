//! MODULE: loading modules, unloading them, and what is loaded.

use super::subcommand_error;
use crate::args::is;
use crate::context::Context;
use crate::error::Error;
use crate::modules::LoadRequest;
use crate::resp::Writer;

const NOT_ALLOWED: Error = Error::fixed(
    "ERR MODULE command not allowed. If the enable-module-command option is set to \"local\", you can run it from a \
     local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
);

/// Checks that `enable-module-command` lets this client load and unload.
fn check_allowed(context: &Context<'_>) -> Result<(), Error> {
    let is_local = context.client().origin.is_local();
    if context.engine.config.enable_module_command.allows(is_local) { Ok(()) } else { Err(NOT_ALLOWED) }
}

/// MODULE LOAD: loads a module from a file, and gives it arguments.
pub(crate) fn load(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    check_allowed(context)?;
    context.engine.load_module(&LoadRequest { path: args[2], args: &args[3..], configs: &[] })?;
    context.reply.ok();
    Ok(())
}

/// MODULE LOADEX: the same, with values for directives that the module registers.
pub(crate) fn loadex(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    check_allowed(context)?;
    let (mut configs, mut given) = (Vec::new(), args.len());
    let mut at = 3;
    while at < args.len() {
        match args[at] {
            word if is(word, "config") && at + 2 < args.len() => {
                configs.push((args[at + 1], args[at + 2]));
                at += 3;
            }
            word if is(word, "args") => {
                given = at + 1;
                break;
            }
            _ => return Err(subcommand_error("MODULE", args[1])),
        }
    }
    context.engine.load_module(&LoadRequest { path: args[2], args: &args[given..], configs: &configs })?;
    context.reply.ok();
    Ok(())
}

/// MODULE UNLOAD: unloads a module by its name.
pub(crate) fn unload(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    check_allowed(context)?;
    let no_such = Error::fixed("ERR Error unloading module: no such module with that name");
    let modules = context.engine.modules.clone().ok_or(no_such)?;
    modules.unload(context.engine, args[2])?;
    context.reply.ok();
    Ok(())
}

/// MODULE LIST: each module's name, version, path, arguments, and what it holds.
pub(crate) fn list(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    let modules = context.engine.module_reports();
    let reply = &mut context.reply;
    reply.array(modules.len());
    for module in modules {
        reply.map(5);
        reply.bulk(b"name");
        reply.bulk(module.name.as_bytes());
        reply.bulk(b"ver");
        reply.integer(module.version.into());
        reply.bulk(b"path");
        reply.bulk(&module.path);
        reply.bulk(b"args");
        reply.array(module.args.len());
        module.args.iter().for_each(|arg| reply.bulk(arg));
        reply.bulk(b"memory");
        write_memory(reply, &module.memory);
    }
    Ok(())
}

/// MEMORY MODULES: what each module holds, by its name.
pub(crate) fn memory(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    let modules = context.engine.module_reports();
    let reply = &mut context.reply;
    reply.map(modules.len());
    for module in modules {
        reply.bulk(module.name.as_bytes());
        write_memory(reply, &module.memory);
    }
    Ok(())
}

fn write_memory(reply: &mut Writer, memory: &crate::modules::ModuleMemory) {
    let fields = memory.fields();
    reply.map(fields.len());
    for (name, value) in fields {
        reply.bulk(name.as_bytes());
        reply.integer(value);
    }
}
