//! The Redis Module API as one table: what each function is called, what it takes and gives, which version of Redis
//! had it first, and the chapter of the documentation that it belongs to.
//!
//! A host registers from the table, its report of what is covered is the table with marks, and its documentation
//! lists the table; so nothing can be in one of them and missing in another.
//!
//! ```
//! let entry = module_abi::entry("StringPtrLen").unwrap();
//! assert_eq!(entry.since, "4.0.0");
//! assert_eq!(entry.area, "String objects APIs");
//! assert!(entry.signature.contains("usize"));
//! ```
//!
//! [`signature`] has a type for each function, [`constants`] the numbers that cross the boundary, [`types`] what
//! stands behind pointers, and [`structs`] what is laid out in memory, as the header `redismodule.h` declares it.
#![forbid(unsafe_code)]

pub mod constants;
pub mod structs;
mod table;
pub mod types;

pub use table::{Entry, TABLE, entry, signature};
