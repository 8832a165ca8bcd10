//! Which new connections become clients.

use std::io::Write;

use engine::{ClientId, Engine};

use crate::listen::Accepted;
use crate::stream::Stream;

/// What a client from elsewhere is told while nobody has decided that it may come in.
const PROTECTED: &[u8] = b"-DENIED This server is in protected mode: it has no password and takes connections from \
its own machine only. From there, set a password with 'CONFIG SET requirepass', or, if every machine that can reach \
this one may use the server, turn the protection off with 'CONFIG SET protected-mode no'; CONFIG REWRITE keeps \
either. The configuration file and the command line take the same directives.\r\n";

/// Makes a new connection a client, or tells it why not and closes it.
pub(crate) fn admit(engine: &mut Engine, accepted: Accepted) -> Option<(ClientId, Stream)> {
    let Accepted { mut stream, origin, is_local } = accepted;
    let config = engine.config();
    if is_protected(config.protected_mode, engine.takes_any_password(), is_local) {
        tracing::debug!("Refused {}: protected mode", origin.address);
        refuse(&mut stream, PROTECTED);
        return None;
    }
    if let Err(error) = stream.tune(config.tcp_keepalive) {
        tracing::debug!("Can't set the options of {}'s socket: {error}", origin.address);
    }
    tracing::debug!("Accepted {}", origin.address);
    match engine.accept(origin) {
        Ok(id) => Some((id, stream)),
        Err(error) => {
            refuse(&mut stream, &[b"-", error.as_bytes(), b"\r\n"].concat());
            None
        }
    }
}

fn is_protected(protected_mode: bool, takes_any_password: bool, is_local: bool) -> bool {
    protected_mode && takes_any_password && !is_local
}

/// Sends a last word; a new socket has room for it, and a peer that has gone needs none.
fn refuse(stream: &mut Stream, text: &[u8]) {
    let _ = stream.write(text);
    let _ = stream.finish();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strangers_to_a_server_without_a_password_are_kept_out() {
        let kept_out = [false, true].into_iter().flat_map(|mode| {
            [false, true].into_iter().flat_map(move |takes_any_password| {
                [false, true].into_iter().filter_map(move |is_local| {
                    is_protected(mode, takes_any_password, is_local).then_some((
                        mode,
                        takes_any_password,
                        is_local,
                    ))
                })
            })
        });
        assert_eq!(kept_out.collect::<Vec<_>>(), [(true, true, false)]);
    }

    #[test]
    fn the_refusal_is_one_error_reply() {
        assert!(PROTECTED.starts_with(b"-DENIED "));
        assert_eq!(PROTECTED.iter().position(|&byte| byte == b'\r'), Some(PROTECTED.len() - 2));
        assert!(PROTECTED.ends_with(b"\r\n"));
    }
}
