//! The checks of single directives whose values have a syntax of their own.

use super::value::{Reason, parse_integer, parse_memory};
use crate::c_float;

/// Any text.
pub(super) fn any(text: &[u8]) -> Result<Vec<u8>, Reason> {
    Ok(text.to_vec())
}

/// `appendfilename`: a name in the directory of append-only files.
pub(super) fn append_file_name(text: &[u8]) -> Result<Vec<u8>, Reason> {
    base_name(text, "appendfilename can't be a path, just a filename")
}

/// `appenddirname`: a name in the working directory.
pub(super) fn directory_name(text: &[u8]) -> Result<Vec<u8>, Reason> {
    base_name(text, "appenddirname can't be a path, just a dirname")
}

/// `dbfilename`: a name in the working directory.
pub(super) fn dump_file_name(text: &[u8]) -> Result<Vec<u8>, Reason> {
    base_name(text, "dbfilename can't be a path, just a filename")
}

fn base_name(text: &[u8], refusal: &'static str) -> Result<Vec<u8>, Reason> {
    if text.contains(&b'/') {
        return Err(refusal.into());
    }
    Ok(text.to_vec())
}

/// `cluster-announce-hostname`.
pub(super) fn host_name(text: &[u8]) -> Result<Vec<u8>, Reason> {
    if text.len() > 255 {
        return Err("Hostnames must be less than 256 characters".into());
    }
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    if !text.iter().all(allowed) {
        return Err("Hostnames may only contain alphanumeric characters, hyphens or dots".into());
    }
    Ok(text.to_vec())
}

/// `proc-title-template`: text with known variables in braces.
pub(super) fn title_template(text: &[u8]) -> Result<Vec<u8>, Reason> {
    const VARIABLES: [&[u8]; 7] =
        [b"title", b"listen-addr", b"server-mode", b"port", b"tls-port", b"unixsocket", b"config-file"];
    let known = |piece: &[u8]| {
        piece.iter().position(|&byte| byte == b'}').is_some_and(|end| VARIABLES.contains(&&piece[..end]))
    };
    let mut pieces = text.split(|&byte| byte == b'{');
    pieces.next();
    if text.is_empty() || !pieces.all(known) {
        return Err("template format is invalid or contains unknown variables".into());
    }
    Ok(text.to_vec())
}

/// `bind`: at most 16 addresses; one empty address stands for none.
pub(super) fn addresses(words: &[&[u8]]) -> Result<Vec<Vec<u8>>, Reason> {
    const MOST: usize = 16;
    if words.len() > MOST {
        return Err("Too many bind addresses specified.".into());
    }
    if words == [b""] {
        return Ok(Vec::new());
    }
    let blank = |word: &[u8]| word.is_empty() || word.iter().any(u8::is_ascii_whitespace);
    if words.iter().any(|word| blank(word) || str::from_utf8(word).is_err()) {
        return Err("Failed to bind to specified addresses.".into());
    }
    Ok(owned(words))
}

/// `save`: pairs of seconds and changes; one empty argument stands for none.
pub(super) fn save_points(words: &[&[u8]]) -> Result<Vec<Vec<u8>>, Reason> {
    const INVALID: Reason = Reason::Borrowed("Invalid save parameters");
    if words.is_empty() || words == [b""] {
        return Ok(Vec::new());
    }
    let at_least = |word: &[u8], least| parse_integer(word).is_some_and(|number| number >= least);
    let (pairs, rest) = words.as_chunks::<2>();
    let valid = |[seconds, changes]: &[&[u8]; 2]| at_least(seconds, 1) && at_least(changes, 0);
    if !rest.is_empty() || !pairs.iter().all(valid) {
        return Err(INVALID);
    }
    Ok(owned(words))
}

/// `replicaof`: a host and a port, or `no one`, which is shown as nothing.
pub(super) fn master(words: &[&[u8]]) -> Result<Vec<Vec<u8>>, Reason> {
    let [host, port] = words else {
        return Err("wrong number of arguments".into());
    };
    if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
        return Ok(Vec::new());
    }
    match parse_integer(port) {
        Some(0..=65535) => Ok(owned(words)),
        _ => Err("Invalid master port".into()),
    }
}

/// `latency-tracking-info-percentiles`: numbers from 0 to 100.
pub(super) fn percentiles(words: &[&[u8]]) -> Result<Vec<Vec<u8>>, Reason> {
    if words == [b""] {
        return Ok(Vec::new());
    }
    words
        .iter()
        .map(|word| {
            let number =
                c_float::parse_double(word).ok_or("Invalid latency-tracking-info-percentiles parameters")?;
            if !(0.0..=100.0).contains(&number) {
                return Err(
                    "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]".into()
                );
            }
            Ok(decimal(number).into_bytes())
        })
        .collect()
}

/// `number` with up to six decimals and no zeros at the end.
fn decimal(number: f64) -> String {
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `oom-score-adj-values`: three numbers from -2000 to 2000.
pub(super) fn oom_scores(words: &[&[u8]]) -> Result<Vec<Vec<u8>>, Reason> {
    if words.len() != 3 {
        return Err("wrong number of arguments".into());
    }
    let valid = |word: &&[u8]| matches!(parse_integer(word), Some(-2000..=2000));
    if !words.iter().all(valid) {
        return Err("Invalid oom-score-adj-values, elements must be between -2000 and 2000.".into());
    }
    Ok(owned(words))
}

/// `shutdown-on-sigint` and `shutdown-on-sigterm`: a set of flags, `default` being none.
pub(super) fn shutdown_flags(words: &[&[u8]]) -> Result<Vec<Vec<u8>>, Reason> {
    const FLAGS: [&str; 5] = ["default", "save", "nosave", "now", "force"];
    let given: Vec<String> =
        words.iter().map(|word| String::from_utf8_lossy(word).to_ascii_lowercase()).collect();
    if given.is_empty() || !given.iter().all(|word| FLAGS.contains(&word.as_str())) {
        let list = FLAGS.join(", ");
        return Err(format!("argument(s) must be one of the following: {list}").into());
    }
    let has = |flag: &str| given.iter().any(|word| word == flag);
    if has("save") && has("nosave") {
        return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into());
    }
    let (default, flags) = FLAGS.split_at(1);
    let flags: Vec<&str> = flags.iter().copied().filter(|flag| has(flag)).collect();
    let shown = if flags.is_empty() { default } else { &flags };
    Ok(shown.iter().map(|flag| flag.as_bytes().to_vec()).collect())
}

/// `client-output-buffer-limit`: groups of a class, a hard limit, a soft limit and seconds.
pub(super) fn output_limits(words: &[&[u8]]) -> Result<Vec<Vec<u8>>, Reason> {
    let (groups, rest) = words.as_chunks::<4>();
    if !rest.is_empty() {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    }
    let mut canonical = Vec::with_capacity(words.len());
    for [class, hard, soft, seconds] in groups {
        let class: &[u8] = match class.to_ascii_lowercase().as_slice() {
            b"normal" => b"normal",
            b"slave" | b"replica" => b"slave",
            b"pubsub" => b"pubsub",
            _ => {
                return Err("Invalid client class specified in buffer limit configuration.".into());
            }
        };
        let seconds = parse_integer(seconds).filter(|seconds| *seconds >= 0);
        let limits = [parse_memory(hard), parse_memory(soft), seconds];
        canonical.push(class.to_vec());
        for limit in limits {
            let limit =
                limit.ok_or("Error in hard, soft or soft_seconds setting in buffer limit configuration.")?;
            canonical.push(limit.to_string().into_bytes());
        }
    }
    Ok(canonical)
}

fn owned(words: &[&[u8]]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Directive};

    /// What CONFIG GET shows after CONFIG SET, or the reason against it.
    fn set(name: &str, text: &str) -> Result<String, String> {
        let mut config = Config::default();
        let directive = Directive::find(name.as_bytes()).expect(name);
        match directive.set(&mut config, text.as_bytes()) {
            Ok(()) => Ok(String::from_utf8(directive.get(&config)).expect("UTF-8")),
            Err(reason) => Err(reason.into_owned()),
        }
    }

    #[test]
    fn accepted_values_are_shown_canonically() {
        for (name, text, shown) in [
            ("notify-keyspace-events", "KEA", "AKE"),
            ("notify-keyspace-events", "mEKdt$lgzhsxe", "AKEm"),
            ("notify-keyspace-events", "nmEKx$", "$xnKEm"),
            ("latency-tracking-info-percentiles", "50.0 100 1e1 33.33333333", "50 100 10 33.333333"),
            ("latency-tracking-info-percentiles", "", ""),
            (
                "client-output-buffer-limit",
                "REPLICA 1kb 2 3",
                "normal 0 0 0 slave 1024 2 3 pubsub 33554432 8388608 60",
            ),
            (
                "client-output-buffer-limit",
                "normal 1 2 3 normal 4 5 6",
                "normal 4 5 6 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
            ),
            ("shutdown-on-sigterm", "SAVE force", "save force"),
            ("shutdown-on-sigterm", "default force", "force"),
            ("bind", "", ""),
            ("bind", "127.0.0.1 -::1", "127.0.0.1 -::1"),
            ("oom-score-adj-values", "-2000 0 2000", "-2000 0 2000"),
            ("proc-title-template", "{title} {port}", "{title} {port}"),
            ("replicaof", "No One", ""),
            ("cluster-announce-hostname", "a-1.b", "a-1.b"),
        ] {
            assert_eq!(set(name, text), Ok(shown.to_owned()), "{name} {text}");
        }
    }

    #[test]
    fn refused_values() {
        let seventeen = ["::1"; 17].join(" ");
        let limit_error = "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
        for (name, text, reason) in [
            ("notify-keyspace-events", "q", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."),
            (
                "latency-tracking-info-percentiles",
                "101",
                "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]",
            ),
            (
                "latency-tracking-info-percentiles",
                "nan",
                "Invalid latency-tracking-info-percentiles parameters",
            ),
            (
                "latency-tracking-info-percentiles",
                "50  99",
                "Invalid latency-tracking-info-percentiles parameters",
            ),
            (
                "client-output-buffer-limit",
                "normal 1 2",
                "Wrong number of arguments in buffer limit configuration.",
            ),
            (
                "client-output-buffer-limit",
                "master 1 2 3",
                "Invalid client class specified in buffer limit configuration.",
            ),
            ("client-output-buffer-limit", "normal -1 2 3", limit_error),
            ("client-output-buffer-limit", "normal 1 2 -3", limit_error),
            (
                "shutdown-on-sigterm",
                "save nosave",
                "shutdown options SAVE and NOSAVE can't be used simultaneously",
            ),
            (
                "shutdown-on-sigterm",
                "",
                "argument(s) must be one of the following: default, save, nosave, now, force",
            ),
            ("bind", &seventeen, "Too many bind addresses specified."),
            ("bind", "::1  ::2", "Failed to bind to specified addresses."),
            ("oom-score-adj-values", "1 2", "wrong number of arguments"),
            (
                "oom-score-adj-values",
                "1 2 2001",
                "Invalid oom-score-adj-values, elements must be between -2000 and 2000.",
            ),
            ("proc-title-template", "", "template format is invalid or contains unknown variables"),
            ("proc-title-template", "{title", "template format is invalid or contains unknown variables"),
            ("proc-title-template", "{foo}", "template format is invalid or contains unknown variables"),
            ("appendfilename", "a/b", "appendfilename can't be a path, just a filename"),
            (
                "cluster-announce-hostname",
                "a_b",
                "Hostnames may only contain alphanumeric characters, hyphens or dots",
            ),
            ("save", "1 2 3", "Invalid save parameters"),
            ("save", "0 1", "Invalid save parameters"),
            ("replicaof", "a", "wrong number of arguments"),
            ("replicaof", "a 65536", "Invalid master port"),
        ] {
            assert_eq!(set(name, text), Err(reason.to_owned()), "{name} {text}");
        }
    }
}
