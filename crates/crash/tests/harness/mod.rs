//! Starts victims and examines what they leave behind.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The environment variable that makes this program a victim: which one.
pub(crate) const VICTIM: &str = "CRASH_TEST_VICTIM";
/// The environment variable that names a victim's log file, if any.
pub(crate) const LOG: &str = "CRASH_TEST_LOG";

const BEGIN: &str = "------ crash report begins ------\n";
const END: &str = "------ crash report ends ------\n";

/// How a victim ended, and its standard output.
#[derive(Debug)]
pub(crate) struct Death {
    pub(crate) status: ExitStatus,
    pub(crate) output: String,
}

impl Death {
    /// The signal that ended the victim is `signal`.
    pub(crate) fn killed_by(&self, signal: i32) {
        assert_eq!(self.status.signal(), Some(signal), "{self:?}");
    }

    /// There is one beginning of a report.
    pub(crate) fn begins(&self) {
        assert_eq!(self.output.matches(BEGIN).count(), 1, "{}", self.output);
    }

    /// There is one report, whole, and it contains these texts.
    pub(crate) fn reports(&self, texts: &[&str]) {
        self.begins();
        assert_eq!(self.output.matches(END).count(), 1, "{}", self.output);
        assert!(self.output.ends_with(END), "{}", self.output);
        for text in texts {
            self.position(text);
        }
    }

    /// Where `text` first occurs; it has to.
    pub(crate) fn position(&self, text: &str) -> usize {
        self.output.find(text).unwrap_or_else(|| panic!("{text:?} is not in:\n{}", self.output))
    }

    /// `text` doesn't occur.
    pub(crate) fn lacks(&self, text: &str) {
        assert!(!self.output.contains(text), "{text:?} is in:\n{}", self.output);
    }

    /// The word that follows the last occurrence of `label`.
    pub(crate) fn value_after(&self, label: &str) -> &str {
        let (_, rest) =
            self.output.rsplit_once(label).unwrap_or_else(|| panic!("{label:?} is not in:\n{}", self.output));
        rest.split(|c: char| c.is_whitespace() || c == ',').next().unwrap_or_default()
    }
}

fn victim(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.env(VICTIM, name).stdin(Stdio::null());
    command
}

fn run(mut command: Command) -> Death {
    let output = command.output().expect("a child process");
    Death { status: output.status, output: String::from_utf8(output.stdout).expect("printable output") }
}

/// Runs a victim that logs to standard output.
pub(crate) fn die_of(name: &str) -> Death {
    run(victim(name))
}

/// Runs a victim, in a directory of its own, that logs to `log`, which has `content` before; and
/// answers what is in that file afterwards, if it exists.
pub(crate) fn die_of_with_log(name: &str, log: &str, content: Option<&str>) -> (Death, Option<String>) {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!(
        "deaths-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    ));
    std::fs::create_dir_all(&directory).expect("a directory");
    let path = directory.join(log);
    if let Some(content) = content {
        std::fs::write(&path, content).expect("a log file");
    }
    let mut command = victim(name);
    command.env(LOG, log).current_dir(&directory);
    let death = run(command);
    let left = std::fs::read_to_string(&path).ok();
    std::fs::remove_dir_all(&directory).expect("removable");
    (death, left)
}

/// Runs a victim that prints a line when it is ready to be killed, and kills it.
pub(crate) fn kill_from_outside(name: &str, signal: i32) -> Death {
    let mut command = victim(name);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("a child");
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    let mut output = String::new();
    stdout.read_line(&mut output).expect("readable");
    let pid = i32::try_from(child.id()).expect("a process id");
    // SAFETY: `kill` has no preconditions; the child hasn't been waited for, so the id is its own.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
    stdout.read_to_string(&mut output).expect("readable");
    let status = child.wait().expect("it ended");
    Death { status, output }
}
