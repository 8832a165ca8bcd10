//! The configuration that the server starts with: the file, the standard input and the options, with the files
//! that they include.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::{env, fmt, fs};

use engine::config::arguments::Arguments;
use engine::config::load::Origin;
use engine::config::{Config, LoadError, Loaded, Source};

/// What the command line amounts to.
#[derive(Debug)]
pub(crate) struct Configuration {
    pub(crate) config: Config,
    /// Which directives were set.
    pub(crate) loaded: Loaded,
    /// The absolute path of the configuration file, if there is one.
    pub(crate) file: Option<PathBuf>,
}

/// Why the server can't start with this command line.
#[derive(Debug)]
pub(crate) enum ConfigurationError {
    /// The configuration file, or the standard input, can't be read.
    Unreadable { source: String, error: io::Error },
    /// A line is malformed, unknown or refused.
    Invalid(LoadError),
    /// `dir` isn't a directory that can be entered.
    Directory { path: PathBuf, error: io::Error },
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { source, error } => {
                write!(f, "Fatal error, can't open config file '{source}': {error}")
            }
            Self::Invalid(error) => write!(f, "\n{error}"),
            Self::Directory { path, error } => {
                write!(f, "Fatal error, 'dir' can't be '{}': {error}", path.display())
            }
        }
    }
}

impl std::error::Error for ConfigurationError {}

/// Reads what the arguments after the program's name ask for, and enters the directory that `dir` names.
///
/// Includes are relative to the directory in which the program was started.
///
/// # Errors
/// The first thing that can't be read or used.
pub(crate) fn load(arguments: &[OsString]) -> Result<Configuration, ConfigurationError> {
    let arguments: Vec<&[u8]> = arguments.iter().map(|argument| argument.as_bytes()).collect();
    let arguments = Arguments::parse(&arguments);
    let mut sources = Vec::new();
    let mut file = None;
    if let Some(name) = &arguments.file {
        let path = Path::new(OsStr::from_bytes(name));
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let unreadable = |error| ConfigurationError::Unreadable { source: path.display().to_string(), error };
        sources.push(Source { origin: Origin::File, text: fs::read(&path).map_err(unreadable)? });
        file = Some(path);
    }
    if arguments.reads_stdin {
        let mut text = Vec::new();
        io::stdin()
            .read_to_end(&mut text)
            .map_err(|error| ConfigurationError::Unreadable { source: "-".to_owned(), error })?;
        sources.push(Source { origin: Origin::Stdin, text });
    }
    sources.push(arguments.source());

    let mut config = Config::default();
    let mut loaded = Loaded::default();
    for source in &sources {
        loaded.merge(config.load(source, &mut included).map_err(ConfigurationError::Invalid)?);
    }
    enter_directory(&mut config)?;
    Ok(Configuration { config, loaded, file })
}

/// Enters `dir`; from then on the directive shows the absolute path.
fn enter_directory(config: &mut Config) -> Result<(), ConfigurationError> {
    let path = PathBuf::from(OsString::from_vec(std::mem::take(&mut config.dir)));
    let entered = if path.as_os_str().is_empty() { Ok(()) } else { env::set_current_dir(&path) };
    let current = entered.and_then(|()| env::current_dir());
    let current = current.map_err(|error| ConfigurationError::Directory { path, error })?;
    config.dir = current.into_os_string().into_vec();
    Ok(())
}

/// The files that an `include` names: one, or, as in Redis 7, those that a pattern matches, in order.
fn included(pattern: &[u8]) -> io::Result<Vec<Source>> {
    let paths = match std::str::from_utf8(pattern) {
        Ok(text) if text.contains(['*', '?', '[']) => {
            let paths = glob::glob(text).map_err(io::Error::other)?;
            paths.collect::<Result<Vec<_>, _>>().map_err(io::Error::from)?
        }
        _ => vec![PathBuf::from(OsStr::from_bytes(pattern))],
    };
    let read = |path: PathBuf| {
        let text = fs::read(&path)?;
        Ok(Source { origin: Origin::Included(path.display().to_string()), text })
    };
    paths.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_its_files_in_order_and_may_name_none() {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["b.conf", "a.conf", "c.txt"] {
            fs::write(directory.path().join(name), name).expect("writable");
        }
        let texts = |pattern: &str| {
            let pattern = directory.path().join(pattern);
            let sources = included(pattern.as_os_str().as_bytes())?;
            Ok::<_, io::Error>(sources.into_iter().map(|source| source.text).collect::<Vec<_>>())
        };
        assert_eq!(texts("*.conf").expect("readable"), [b"a.conf", b"b.conf"]);
        assert_eq!(texts("c.txt").expect("readable"), [b"c.txt"]);
        assert!(texts("*.none").expect("readable").is_empty());
        assert_eq!(texts("none.conf").map_err(|error| error.kind()), Err(io::ErrorKind::NotFound));
    }
}
