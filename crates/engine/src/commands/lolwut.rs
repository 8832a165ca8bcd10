//! LOLWUT: a picture that memory makes, as every version of Redis has one of its own.

use crate::args::{integer, is};
use crate::context::Context;
use crate::error::Error;
use crate::info::REDIS_VERSION;

const WIDTH: usize = 64;
const HEIGHT: usize = 16;
/// From nothing to a lot.
const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

/// LOLWUT: hills whose heights are drawn anew each time, one behind the other; `VERSION n` is accepted and there is
/// one picture.
pub(crate) fn lolwut(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    if let [_, option, version, ..] = args
        && is(option, "version")
    {
        integer(version)?;
    }
    let mut picture = [[0; WIDTH]; HEIGHT];
    for shade in 1..SHADES.len() {
        let room = (HEIGHT - 2 * shade) as u64;
        let mut height = 2 + context.engine.rng.below(room) as usize;
        for column in 0..WIDTH {
            height = match context.engine.rng.below(4) {
                0 => height.saturating_sub(1).max(1),
                1 => (height + 1).min(room as usize + 1),
                _ => height,
            };
            picture[HEIGHT - height..].iter_mut().for_each(|row| row[column] = shade);
        }
    }
    let mut text = String::new();
    for row in picture {
        let line: String = row.iter().map(|&shade| SHADES[shade]).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text += &format!("\nHills of memory. Redis ver. {REDIS_VERSION}\n");
    context.reply.verbatim("txt", text.as_bytes());
    Ok(())
}
