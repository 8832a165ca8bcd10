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
//! | [`write_value`], [`read_value`] | a whole value |
//! | [`ModuleWriter`], [`ModuleReader`] | what a module's value is made of |
//! | [`dump`] | the payload of DUMP around a value |
//! | [`lzf`] | the compression of strings |
//! | [`crc64`] | the checksum |
#![forbid(unsafe_code)]

pub mod crc64;
pub mod dump;
mod encoding;
mod error;
pub mod lzf;
#[cfg(test)]
mod module_tests;
mod module_type;
mod module_value;
mod reader;
#[cfg(test)]
mod tests;
mod value;
mod writer;

pub use error::FormatError;
pub use module_type::ModuleTypeId;
pub use module_value::{ModuleReader, ModuleWriter, Part, skip_module_value};
pub use reader::{Reader, Text};
pub use value::{TYPE_MODULE_2, TYPE_STRING, Value, read_value, skip_value, write_value, written_len};
pub use writer::Writer;
