//! The programs under checkers of memory and of threads, over the C library's allocator: through
//! jemalloc they see nothing. Each checker has to find the bugs that are planted for it.

use std::path::Path;
use std::process::{Command, Output};

use crate::gcc::{compile, run, succeed};
use crate::libraries::libraries;
use crate::programs::PROGRAMS;

/// How a program is put under a checker.
struct Checker {
    name: &'static str,
    compiler_option: &'static [&'static str],
    /// The program that runs it, if any.
    runner: &'static [&'static str],
    /// What is planted for it, and what it says then.
    bugs: &'static [(&'static str, &'static str)],
}

const ADDRESS_SANITIZER: Checker = Checker {
    name: "address",
    compiler_option: &["-fsanitize=address"],
    runner: &[],
    bugs: &[
        ("overflow", "AddressSanitizer: heap-buffer-overflow"),
        ("use_after_free", "AddressSanitizer: heap-use-after-free"),
    ],
};

const THREAD_SANITIZER: Checker = Checker {
    name: "thread",
    compiler_option: &["-fsanitize=thread"],
    runner: &[],
    bugs: &[("race", "ThreadSanitizer: data race")],
};

/// Without its search for leaks, which in a child of `fork` takes for leaked what the threads that
/// are gone held. That nothing is left the programs see by the bytes in use.
const MEMCHECK: Checker = Checker {
    name: "memcheck",
    compiler_option: &[],
    runner: &["valgrind", "--tool=memcheck", "--quiet", "--error-exitcode=99", "--leak-check=no"],
    bugs: &[("overflow", "Invalid write of size 1"), ("use_after_free", "Invalid read of size 4")],
};

impl Checker {
    fn compile(&self, name: &str) -> std::path::PathBuf {
        compile(name, &libraries().over_libc, self.name, self.compiler_option)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = match self.runner {
            [] => Command::new(program),
            [runner, arguments @ ..] => {
                let mut command = Command::new(runner);
                command.args(arguments).arg(program);
                command
            }
        };
        command.env("FEW_ROUNDS", "1");
        // A request that can't be met is to fail as it does without a sanitizer.
        command.env("ASAN_OPTIONS", "allocator_may_return_null=1");
        command.env("TSAN_OPTIONS", "allocator_may_return_null=1");
        command
    }

    /// What the checker says of a program with a bug.
    fn complaint(&self, bug: &str) -> Output {
        run(&mut self.command(&self.compile(&format!("planted/{bug}"))))
    }

    fn passes_every_program_and_finds_its_bugs(&self) {
        for name in PROGRAMS {
            succeed(&mut self.command(&self.compile(name)));
        }
        for (bug, sentence) in self.bugs {
            let output = self.complaint(bug);
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success(), "{} passes {bug}", self.name);
            assert!(text.contains(sentence), "{} says of {bug}:\n{text}", self.name);
        }
    }
}

#[test]
fn address_sanitizer() {
    ADDRESS_SANITIZER.passes_every_program_and_finds_its_bugs();
}

#[test]
fn thread_sanitizer() {
    THREAD_SANITIZER.passes_every_program_and_finds_its_bugs();
}

#[test]
fn memcheck() {
    MEMCHECK.passes_every_program_and_finds_its_bugs();
}
