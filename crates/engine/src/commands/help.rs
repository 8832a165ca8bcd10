//! HELP of every container: its sub-commands, from the table.

use crate::command::{Command, usage};
use crate::context::Context;
use crate::error::Error;

/// `CONTAINER HELP`: a heading, and for each sub-command a line with its arguments and one with what it does.
///
/// # Panics
/// When a command's syntax can't be read; the table's tests read them all.
pub(crate) fn help(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let container = context.engine.commands.command(args[0]).expect("HELP is called through its container");
    let lines = lines(container);
    context.reply.array(lines.len());
    for line in lines {
        context.reply.simple(&line);
    }
    Ok(())
}

fn lines(container: &Command) -> Vec<String> {
    let name = container.name.to_ascii_uppercase();
    let mut lines = vec![format!("{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")];
    if container.runs_alone() {
        lines.push("(no subcommand)".to_owned());
        lines.push(format!("    {}", container.doc.summary));
    }
    for command in container.subcommands() {
        let line = format!("{} {}", command.name.to_ascii_uppercase(), usage(&command.arguments()));
        lines.push(line.trim_end().to_owned());
        lines.push(format!("    {}", command.doc.summary));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::table::COMMANDS;

    #[test]
    fn every_subcommand_has_its_lines() {
        let find = |name| COMMANDS.iter().find(|command| command.name == name).unwrap();
        let object = lines(find("object"));
        assert_eq!(object[0], "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
        assert_eq!(object.len(), 1 + 2 * find("object").subcommands().len());
        assert_eq!(object[1], "ENCODING key");
        assert!(object.contains(&"HELP".to_owned()));
        let command = lines(find("command"));
        assert_eq!(command[1], "(no subcommand)");
        assert!(command.contains(&"INFO [command-name [command-name ...]]".to_owned()));
    }
}
