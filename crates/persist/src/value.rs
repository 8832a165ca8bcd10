//! Whole values: the number of a type, and what that type has behind it.

use crate::error::FormatError;
use crate::module_value::{self, skip_module_value};
use crate::reader::{Reader, Text};
use crate::writer::Writer;
use keyspace::{EntryRef, ModuleTypes, ModuleValue, Place, StringValue};

/// The number of RDB's type for strings.
pub const TYPE_STRING: u8 = 0;
/// The number of RDB's type for values of modules' types in which each part says what it is.
pub const TYPE_MODULE_2: u8 = 7;

/// A value that was read.
#[derive(Debug)]
pub enum Value<'a> {
    /// A string.
    String(Text<'a>),
    /// A value of a module's type.
    Module(ModuleValue),
}

/// Writes the type and the value of an entry of the database `db`.
pub fn write_value(writer: &mut Writer, entry: EntryRef<'_>, db: usize) {
    if let Some(value) = entry.module() {
        writer.byte(TYPE_MODULE_2);
        module_value::write(writer, &value, Place { db, key: entry.key() });
        return;
    }
    writer.byte(TYPE_STRING);
    match entry.string() {
        StringValue::Int(value) => writer.integer(value),
        StringValue::EmbStr(text) | StringValue::Raw(text) => writer.string(text),
    }
}

/// The bytes that the value of an entry of the database `db` takes when it is written, its type apart.
pub fn written_len(entry: EntryRef<'_>, db: usize, compresses: bool) -> usize {
    let mut writer = Writer::new(compresses);
    write_value(&mut writer, entry, db);
    writer.as_bytes().len() - size_of_val(&TYPE_STRING)
}

/// Reads a type and a value; modules' values are loaded by those of `types`, which are told that it is for `place`.
///
/// # Errors
/// [`FormatError`] if the bytes are of another type, or no value of their type; or if a module doesn't load it.
pub fn read_value<'a>(
    reader: &mut Reader<'a>,
    types: &dyn ModuleTypes,
    place: Place<'_>,
) -> Result<Value<'a>, FormatError> {
    match reader.byte()? {
        TYPE_STRING => reader.string().map(Value::String),
        TYPE_MODULE_2 => module_value::read(reader, types, place).map(Value::Module),
        other => Err(FormatError::Type(other)),
    }
}

/// Reads past a type and a value, without asking a module.
///
/// # Errors
/// [`FormatError`] if the bytes are of another type, or aren't whole. That a compressed string can be decompressed,
/// and what a module makes of the parts of a value, isn't looked at.
pub fn skip_value(reader: &mut Reader<'_>) -> Result<(), FormatError> {
    match reader.byte()? {
        TYPE_STRING => reader.skip_string(),
        TYPE_MODULE_2 => skip_module_value(reader).map(drop),
        other => Err(FormatError::Type(other)),
    }
}
