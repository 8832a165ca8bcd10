//! Redis's formats for stored values: those of RDB files for strings and for the types of modules, and the payload
//! of DUMP.
//!
//! What real Redis wrote is read here, and the other way round; where Redis's form of a value is the only one, ours
//! is the same byte for byte. No input makes a reader panic, read past the end, or ask for memory that the input
//! can't fill.
//!
//! | module | what it does |
//! |---|---|
//! | [`Writer`], [`Reader`] | lengths, strings and numbers |
//! | [`dump`] | the payload of DUMP around a value |
//! | [`lzf`] | the compression of strings |
//! | [`crc64`] | the checksum |
#![forbid(unsafe_code)]

pub mod crc64;
pub mod dump;
mod encoding;
mod error;
pub mod lzf;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use error::FormatError;
pub use reader::{Reader, Text};
pub use writer::Writer;
