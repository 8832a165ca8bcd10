//! The table itself, one file for a few chapters each.

/// Makes of a chapter's rows a type for each function, in `signature`, and an [`Entry`] for each, in `ENTRIES`.
macro_rules! api {
    ($($area:literal {
        $($since:literal fn $name:ident($($args:tt)*) $(-> $ret:ty)?;)*
    })*) => {
        /// A type for each function of these chapters.
        pub(crate) mod signature {
            #[allow(unused_imports, reason = "no chapter needs all of them")]
            use crate::{structs::*, types::*};
            #[allow(unused_imports, reason = "no chapter needs all of them")]
            use std::ffi::*;
            $($(
                #[doc = concat!("`RedisModule_", stringify!($name), "`, since Redis ", $since, ".")]
                pub type $name = unsafe extern "C" fn($($args)*) $(-> $ret)?;
            )*)*
        }

        /// The rows.
        pub(super) const ENTRIES: &[super::Entry] = &[$($(super::Entry {
            name: stringify!($name),
            area: $area,
            since: $since,
            signature: stringify!(($($args)*) $(-> $ret)?),
        },)*)*];
    };
}

mod calls;
mod commands;
mod dictionaries;
mod information;
mod keys;
mod keyspace;
mod memory;
mod replies;
mod server;
mod strings;
mod types;
mod waiting;

/// One function of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name, without the prefix `RedisModule_` or `ValkeyModule_`.
    pub name: &'static str,
    /// The chapter of the documentation.
    pub area: &'static str,
    /// The version of Redis that had it first.
    pub since: &'static str,
    /// What it takes and gives, in Rust.
    pub signature: &'static str,
}

impl Entry {
    /// Whether the function takes arguments of any number and type at its end.
    pub fn is_variadic(&self) -> bool {
        self.signature.contains("...")
    }

    /// Whether a `long double` crosses the boundary, for which Rust has no type.
    pub fn has_long_double(&self) -> bool {
        self.signature.contains("LongDouble")
    }
}

const CHAPTERS: [&[Entry]; 12] = [
    memory::ENTRIES,
    strings::ENTRIES,
    replies::ENTRIES,
    commands::ENTRIES,
    information::ENTRIES,
    keys::ENTRIES,
    keyspace::ENTRIES,
    calls::ENTRIES,
    types::ENTRIES,
    waiting::ENTRIES,
    server::ENTRIES,
    dictionaries::ENTRIES,
];

const COUNT: usize = {
    let (mut count, mut chapter) = (0, 0);
    while chapter < CHAPTERS.len() {
        count += CHAPTERS[chapter].len();
        chapter += 1;
    }
    count
};

/// Every function of the API, chapter by chapter.
pub static TABLE: [Entry; COUNT] = {
    let mut table = [CHAPTERS[0][0]; COUNT];
    let (mut at, mut chapter) = (0, 0);
    while chapter < CHAPTERS.len() {
        let mut row = 0;
        while row < CHAPTERS[chapter].len() {
            table[at] = CHAPTERS[chapter][row];
            (at, row) = (at + 1, row + 1);
        }
        chapter += 1;
    }
    table
};

/// The row of a function, by its name without prefix.
pub fn entry(name: &str) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.name == name)
}

/// A type for each function. Those with [`LongDouble`](crate::types::LongDouble) in them can't be called from Rust.
pub mod signature {
    pub use super::calls::signature::*;
    pub use super::commands::signature::*;
    pub use super::dictionaries::signature::*;
    pub use super::information::signature::*;
    pub use super::keys::signature::*;
    pub use super::keyspace::signature::*;
    pub use super::memory::signature::*;
    pub use super::replies::signature::*;
    pub use super::server::signature::*;
    pub use super::strings::signature::*;
    pub use super::types::signature::*;
    pub use super::waiting::signature::*;
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_function_has_one_row() {
        let names: HashSet<_> = TABLE.iter().map(|entry| entry.name).collect();
        assert_eq!((TABLE.len(), names.len()), (360, 360));
        assert_eq!(entry("Alloc"), Some(&TABLE[0]));
        assert_eq!(entry("RedisModule_Alloc"), None);
    }

    /// The documentation names nine functions with variable arguments and five with a long double.
    #[test]
    fn what_rust_cannot_define_is_known() {
        let names = |has: fn(&Entry) -> bool| {
            let mut names: Vec<_> = TABLE.iter().filter(|entry| has(entry)).map(|entry| entry.name).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(
            names(Entry::is_variadic),
            [
                "Call",
                "CreateStringPrintf",
                "EmitAOF",
                "HashGet",
                "HashSet",
                "Log",
                "LogIOError",
                "Replicate",
                "ReplyWithErrorFormat",
            ]
        );
        assert_eq!(
            names(Entry::has_long_double),
            [
                "CreateStringFromLongDouble",
                "LoadLongDouble",
                "ReplyWithLongDouble",
                "SaveLongDouble",
                "StringToLongDouble",
            ]
        );
    }

    #[test]
    fn versions_are_numbers() {
        for entry in &TABLE {
            let parts: Vec<u8> = entry.since.split('.').map(|part| part.parse().expect(entry.name)).collect();
            assert!(parts.len() == 3 && (4..=8).contains(&parts[0]), "{}", entry.name);
        }
    }
}
