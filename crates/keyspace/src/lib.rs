//! The keys of a Redis-compatible store: entries of one allocation, a dictionary of cache-line buckets,
//! and databases.
//!
//! Nothing here knows of commands, a protocol or a clock: expiry times and access clocks are numbers
//! that the caller stores, random numbers are the caller's, and memory comes from the program's global
//! allocator.
//!
//! ```
//! use keyspace::{Expiry, Keyspace, Lookup, NumberBuffer, StringValue};
//!
//! let mut keyspace = Keyspace::new(16, [7; 16]);
//! let db = keyspace.db_mut(0);
//! db.set(b"visits", StringValue::encode(b"41"), Expiry::Never, 0);
//! if let Lookup::Occupied(mut entry) = db.lookup(b"visits") {
//!     let visits = entry.get().string().to_integer().unwrap();
//!     entry.set_string(StringValue::Int(visits + 1));
//! }
//! let value = db.find(b"visits").unwrap().string();
//! assert_eq!(value.as_bytes(&mut NumberBuffer::new()), b"42");
//! assert_eq!(value.encoding().name(), "int");
//! ```
//!
//! # Layout
//! ```text
//!   Keyspace -> Db, Db, ... each with two tables
//!
//!   keys      directory -> segments of 1,024 buckets -> entry
//!                                   bucket: 64 bytes,      | kind | flags | clock | key length |
//!                                   7 pointers + 7 tags    | expiry | key | value              |
//!   expiring  the same, but its pointers only refer to                   or -> block of a large
//!             those entries of `keys` that have an expiry                      value
//! ```
//! What a key of 16 bytes takes on an allocator with jemalloc's 8-byte quantum, the dictionary's 15 or
//! so bytes included, is asserted by this crate's tests: at most 48 bytes with a value of 8 bytes or an
//! integer, 76 with 32 bytes, 144 with 100 bytes.
//!
//! # Moving
//! [`Keyspace::relocate`] shows every block to a visitor that may move it, a few at a time, and remembers how far it
//! has come with the blocks themselves.
//!
//! # Unsafe code
//! Unsafe code is in `entry` (the memory of one key), `table` (that of the dictionary), `module_value` (values that
//! only their types understand), and in two places of `db`, which promise that the index refers to entries that
//! exist. All other modules forbid it.
#![deny(unsafe_code)]

mod db;
mod entry;
pub mod glob;
mod hash;
mod keyspace;
mod module_value;
mod number;
mod size_class;
mod string;
mod table;

pub use db::{Contents, Db, EntryMut, Expiry, Lookup, Relocated, VacantEntry};
pub use entry::{Entry, EntryRef, MAX_CLOCK};
pub use hash::{KeyHash, KeyHasher};
pub use keyspace::Keyspace;
pub use module_value::{
    Corrupt, Defrag, DefragBy, Digest, Load, ModuleRef, ModuleType, ModuleTypes, ModuleValue, Place, Rewrite,
    Save,
};
pub use number::{MAX_INTEGER_TEXT, NumberBuffer, integer_text_len, parse_integer};
pub use string::{Encoding, MAX_EMBSTR, StringValue, ValueType};
