//! The allocators, each with the program that has it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::build;
use super::workload::Workload;

/// An allocator, as the feature of `alloc-worker` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocator {
    /// The feature.
    pub name: &'static str,
    /// Whether a limit is set, one that is never reached.
    pub limited: bool,
}

impl Allocator {
    const fn new(name: &'static str) -> Self {
        Self { name, limited: false }
    }

    /// The name, and whether there is a limit.
    pub fn label(self) -> String {
        if self.limited { format!("{} with a limit", self.name) } else { self.name.to_owned() }
    }
}

/// The C library's.
pub const LIBC: Allocator = Allocator::new("libc");
/// jemalloc.
pub const JEMALLOC: Allocator = Allocator::new("jemalloc");
/// mimalloc.
pub const MIMALLOC: Allocator = Allocator::new("mimalloc");
/// tcmalloc.
pub const TCMALLOC: Allocator = Allocator::new("tcmalloc");
/// `ZMalloc` over jemalloc.
pub const OVER_JEMALLOC: Allocator = Allocator::new("zmalloc-jemalloc");
/// The same with a limit.
pub const WITH_LIMIT: Allocator = Allocator { name: "zmalloc-jemalloc", limited: true };
/// `ZMalloc` over mimalloc.
pub const OVER_MIMALLOC: Allocator = Allocator::new("zmalloc-mimalloc");
/// `ZMalloc` over tcmalloc.
pub const OVER_TCMALLOC: Allocator = Allocator::new("zmalloc-tcmalloc");
/// `ZMalloc` over the C library's.
pub const OVER_LIBC: Allocator = Allocator::new("zmalloc-libc");
/// `ZMalloc` over the C library's, with each block's size in front of it.
pub const OVER_PREFIXED: Allocator = Allocator::new("zmalloc-prefixed");
/// `stats_alloc` over jemalloc.
pub const STATS_ALLOC: Allocator = Allocator::new("stats_alloc");
/// `cap` over jemalloc.
pub const CAP: Allocator = Allocator::new("cap");
/// `alloc_tracker` over jemalloc.
pub const ALLOC_TRACKER: Allocator = Allocator::new("alloc_tracker");
/// `peak_alloc`, which stands on the C library's allocator and no other.
pub const PEAK_ALLOC: Allocator = Allocator::new("peak_alloc");

/// An allocator and the program that was built with it.
#[derive(Clone, Debug)]
pub struct Entrant {
    /// Which one.
    pub allocator: Allocator,
    program: PathBuf,
}

impl Entrant {
    /// Builds the program.
    ///
    /// # Errors
    /// When it can't be built.
    pub fn build(allocator: Allocator) -> Result<Self> {
        let feature = if allocator == LIBC { "" } else { allocator.name };
        let program = build(&["--package", "alloc-worker"], feature, "alloc-worker", allocator.name)?;
        Ok(Self { allocator, program })
    }

    /// The command that does so much work; `start` makes one of the program, such as `Command::new`.
    pub fn command(
        &self,
        start: impl FnOnce(&Path) -> Command,
        workload: &Workload,
        operations: u64,
    ) -> Command {
        let mut command = start(&self.program);
        command.args([workload.name, &operations.to_string()]);
        if self.allocator.limited {
            command.arg("--limit");
        }
        command
    }
}
