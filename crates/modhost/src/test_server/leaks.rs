//! What modules have left behind.

use std::fmt;

use engine::ModuleMemory;

/// What a module has taken and not given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// The module's name; the path of one that has given itself none before its OnLoad failed.
    pub module: String,
    /// How many bytes, at the blocks' usable sizes. Negative where the module has freed blocks of others.
    pub bytes: i64,
    /// In how many blocks.
    pub blocks: i64,
    /// Why the module couldn't be unloaded, if that is so. The figures are then what it holds more than when its
    /// OnLoad was done, although the databases are empty.
    pub stays: Option<String>,
}

impl Leak {
    /// What there is above `before`, if anything is.
    pub(crate) fn between(
        module: String,
        before: ModuleMemory,
        now: ModuleMemory,
        stays: Option<String>,
    ) -> Option<Self> {
        let (bytes, blocks) = (now.live - before.live, now.blocks - before.blocks);
        (bytes != 0 || blocks != 0).then_some(Self { module, bytes, blocks, stays })
    }
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { module, bytes, blocks, stays } = self;
        write!(f, "the module {module} leaves {bytes} bytes in {blocks} blocks")?;
        stays.iter().try_for_each(|reason| write!(f, " (it can't be unloaded: {reason})"))
    }
}
