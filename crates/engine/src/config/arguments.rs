//! The command line as a configuration text, the way redis-server takes it.

use super::load::{Origin, Source};
use crate::quoting::{quote, split};

/// What a command line asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// The path of the configuration file.
    pub file: Option<Vec<u8>>,
    /// Whether the standard input holds more configuration (`-`), to be read after the file
    /// and before the options.
    pub reads_stdin: bool,
    /// The options, one a line.
    pub options: Vec<u8>,
}

impl Arguments {
    /// Sorts the arguments that follow the program's name, as redis-server 7.0 does.
    ///
    /// The first is the configuration file unless it begins with `-`; the one after that, or
    /// the first, may be `-`, as may the last. `--name` begins an option, unless the one
    /// before it still waits for its first value; `--save` with no value asks for none. What
    /// follows is the option's values, and one argument may hold an option and its value. An
    /// argument that belongs nowhere becomes a line of its own, which loading refuses.
    pub fn parse<A: AsRef<[u8]>>(arguments: &[A]) -> Self {
        let mut parsed = Self::default();
        let mut rest = arguments;
        if let [first, others @ ..] = rest
            && !first.as_ref().starts_with(b"-")
        {
            parsed.file = Some(first.as_ref().to_vec());
            rest = others;
        }
        if let [first, others @ ..] = rest
            && first.as_ref() == b"-"
        {
            parsed.reads_stdin = true;
            rest = others;
        }
        if let [others @ .., last] = rest
            && last.as_ref() == b"-"
        {
            parsed.reads_stdin = true;
            rest = others;
        }
        parsed.options = options(rest);
        parsed
    }

    /// The options as a text to load, after the file and the standard input.
    pub fn source(&self) -> Source {
        Source { origin: Origin::Arguments, text: self.options.clone() }
    }
}

fn options<A: AsRef<[u8]>>(arguments: &[A]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut wants_value = false;
    for (index, argument) in arguments.iter().enumerate() {
        let argument = argument.as_ref();
        match argument.strip_prefix(b"--") {
            Some(option) if !wants_value => {
                if !text.is_empty() {
                    text.push(b'\n');
                }
                text.extend_from_slice(option);
                let next = arguments.get(index + 1).map(AsRef::as_ref);
                let is_last_word = next.is_none_or(|next| next.starts_with(b"--"));
                if option.eq_ignore_ascii_case(b"save") && is_last_word {
                    text.extend_from_slice(b" \"\"");
                } else {
                    wants_value = split(option).is_ok_and(|words| words.len() == 1);
                }
            }
            _ => {
                if !text.is_empty() {
                    text.push(b' ');
                }
                text.extend_from_slice(quote(argument).as_bytes());
                wants_value = false;
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn parse(arguments: &[&str]) -> (Option<String>, bool, String) {
        let parsed = Arguments::parse(arguments);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (parsed.file.map(text), parsed.reads_stdin, text(parsed.options))
    }

    fn options(arguments: &[&str]) -> String {
        let (file, reads_stdin, options) = parse(arguments);
        assert_eq!((file, reads_stdin), (None, false));
        options
    }

    #[test]
    fn a_file_the_standard_input_and_options() {
        let file = Some("x.conf".to_owned());
        let none = String::new;
        assert_eq!(parse(&[]), (None, false, none()));
        assert_eq!(parse(&["-"]), (None, true, none()));
        assert_eq!(parse(&["x.conf"]), (file.clone(), false, none()));
        assert_eq!(parse(&["x.conf", "-"]), (file.clone(), true, none()));
        let port = "port \"1\"".to_owned();
        assert_eq!(parse(&["x.conf", "--port", "1"]), (file.clone(), false, port.clone()));
        assert_eq!(parse(&["x.conf", "-", "--port", "1"]), (file, true, port.clone()));
        assert_eq!(parse(&["-", "--port", "1"]), (None, true, port.clone()));
        assert_eq!(parse(&["--port", "1", "-"]), (None, true, port));
    }

    #[test]
    fn values_run_to_the_next_option() {
        assert_eq!(
            options(&["--port", "1", "--bind", "::1", "a b", "--hz", "5"]),
            "port \"1\"\nbind \"::1\" \"a b\"\nhz \"5\""
        );
        assert_eq!(options(&["--port 1", "--hz", "5"]), "port 1\nhz \"5\"");
        assert_eq!(options(&["--port", "-1"]), "port \"-1\"");
        assert_eq!(options(&["--logfile", ""]), "logfile \"\"");
    }

    #[test]
    fn an_option_takes_a_first_value_that_looks_like_an_option() {
        assert_eq!(options(&["--pidfile", "--x", "--hz", "5"]), "pidfile \"--x\"\nhz \"5\"");
    }

    #[test]
    fn save_alone_asks_for_none() {
        assert_eq!(options(&["--save", "--hz", "5"]), "save \"\"\nhz \"5\"");
        assert_eq!(options(&["--hz", "5", "--save"]), "hz \"5\"\nsave \"\"");
        assert_eq!(options(&["--save", ""]), "save \"\"");
    }

    #[test]
    fn stray_arguments_are_refused_when_loaded() {
        for (arguments, line, quoted) in [
            (&["--hz", "5", "x.conf"][..], 1, "hz \"5\" \"x.conf\""),
            (&["-x"][..], 1, "\"-x\""),
            (&["--hz", "5", "--nosuch", "1"][..], 2, "nosuch \"1\""),
            (&["--port"][..], 1, "port"),
        ] {
            let source = Arguments::parse(arguments).source();
            let error = Config::default().load(&source, &mut |_| Ok(Vec::new())).expect_err(quoted);
            assert_eq!((error.line, error.text.as_str()), (line, quoted));
            let place = format!("Reading the command line, at option {line}\n");
            assert!(error.to_string().contains(&place), "{error}");
        }
    }
}
