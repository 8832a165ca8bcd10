//! Values of modules' types: parts that each say what they are, and a mark at the end.
//!
//! ```text
//!   id of the type | opcode, part | opcode, part | ... | 0
//! ```
//! All numbers but those of floating point are in the form of lengths.

use crate::error::FormatError;
use crate::module_type::ModuleTypeId;
use crate::reader::Reader;
use crate::writer::Writer;
use keyspace::{Corrupt, Load, ModuleTypes, ModuleValue, Place, Save};
use std::fmt;
use std::sync::Arc;

/// What a part of a module's value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Part {
    /// No part: the mark at the end.
    End,
    /// A signed integer, in two's complement.
    Signed,
    /// An unsigned integer. Redis writes signed ones so, too.
    Unsigned,
    /// A floating-point number of 32 bits.
    Float,
    /// A floating-point number of 64 bits.
    Double,
    /// A string.
    String,
}

/// The parts, each at the place of its opcode.
const PARTS: [Part; 6] = [Part::End, Part::Signed, Part::Unsigned, Part::Float, Part::Double, Part::String];

impl Part {
    fn opcode(self) -> u64 {
        self as u64
    }

    fn read(reader: &mut Reader<'_>) -> Result<Part, FormatError> {
        let opcode = reader.length()?;
        let part = usize::try_from(opcode).ok().and_then(|opcode| PARTS.get(opcode));
        part.copied().ok_or(FormatError::Opcode(opcode))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::End => "the end of the value",
            Part::Signed => "a signed integer",
            Part::Unsigned => "an unsigned integer",
            Part::Float => "a number of 32 bits",
            Part::Double => "a number of 64 bits",
            Part::String => "a string",
        })
    }
}

/// Writes the parts of a module's value.
#[derive(Debug)]
pub struct ModuleWriter<'w> {
    writer: &'w mut Writer,
}

impl<'w> ModuleWriter<'w> {
    /// Writes the id of the type; the parts follow, and then [`ModuleWriter::finish`].
    pub fn begin(writer: &'w mut Writer, id: ModuleTypeId) -> ModuleWriter<'w> {
        writer.length(id.0);
        ModuleWriter { writer }
    }

    /// Writes parts alone: neither the id of the type nor a mark at the end, as a module has them that keeps a value in
    /// a string of its own.
    pub fn parts_only(writer: &'w mut Writer) -> ModuleWriter<'w> {
        ModuleWriter { writer }
    }

    /// Writes the mark at the end.
    pub fn finish(self) {
        self.writer.length(Part::End.opcode());
    }

    fn opcode(&mut self, part: Part) -> &mut Writer {
        self.writer.length(part.opcode());
        self.writer
    }
}

impl Save for ModuleWriter<'_> {
    fn unsigned(&mut self, value: u64) {
        self.opcode(Part::Unsigned).length(value);
    }

    /// Under the opcode of unsigned integers, as Redis writes it and nothing else reads there.
    fn signed(&mut self, value: i64) {
        self.opcode(Part::Unsigned).length(value as u64);
    }

    fn float(&mut self, value: f32) {
        self.opcode(Part::Float).float(value);
    }

    fn double(&mut self, value: f64) {
        self.opcode(Part::Double).double(value);
    }

    fn string(&mut self, bytes: &[u8]) {
        self.opcode(Part::String).string(bytes);
    }
}

/// Reads the parts of a module's value. What was wrong first is remembered, and all that is read after it fails.
#[derive(Debug)]
pub struct ModuleReader<'r, 'a> {
    reader: &'r mut Reader<'a>,
    error: Option<FormatError>,
}

impl<'r, 'a> ModuleReader<'r, 'a> {
    /// Reads the id of the type; gives what reads the parts.
    ///
    /// # Errors
    /// [`FormatError`] if there is no id.
    pub fn begin(reader: &'r mut Reader<'a>) -> Result<(ModuleTypeId, ModuleReader<'r, 'a>), FormatError> {
        let id = ModuleTypeId(reader.length()?);
        Ok((id, ModuleReader { reader, error: None }))
    }

    /// Reads parts alone, as [`ModuleWriter::parts_only`] writes them.
    pub fn parts_only(reader: &'r mut Reader<'a>) -> ModuleReader<'r, 'a> {
        ModuleReader { reader, error: None }
    }

    /// Reads the mark at the end.
    ///
    /// # Errors
    /// [`FormatError`] if the mark isn't what comes next, or with what was wrong before.
    pub fn finish(mut self) -> Result<(), FormatError> {
        self.part(&[Part::End], |_| Ok(()))
    }

    /// What was wrong with what was read so far.
    pub fn error(&self) -> Option<FormatError> {
        self.error
    }

    /// Reads one of the `wanted` parts.
    fn part<T>(
        &mut self,
        wanted: &[Part],
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, FormatError>,
    ) -> Result<T, FormatError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let value = Part::read(self.reader).and_then(|found| match wanted.contains(&found) {
            true => read(self.reader),
            false => Err(FormatError::Part { wanted: wanted[0], found }),
        });
        value.inspect_err(|&error| self.error = Some(error))
    }
}

impl Load for ModuleReader<'_, '_> {
    fn unsigned(&mut self) -> Result<u64, Corrupt> {
        Ok(self.part(&[Part::Unsigned], Reader::length)?)
    }

    fn signed(&mut self) -> Result<i64, Corrupt> {
        Ok(self.part(&[Part::Signed, Part::Unsigned], Reader::length)? as i64)
    }

    fn float(&mut self) -> Result<f32, Corrupt> {
        Ok(self.part(&[Part::Float], Reader::float)?)
    }

    fn double(&mut self) -> Result<f64, Corrupt> {
        Ok(self.part(&[Part::Double], Reader::double)?)
    }

    fn string(&mut self) -> Result<Vec<u8>, Corrupt> {
        Ok(self.part(&[Part::String], |reader| Ok(reader.string()?.into_bytes().into_owned()))?)
    }
}

/// Writes a module's value, the id of its type first.
pub(crate) fn write(writer: &mut Writer, value: &ModuleValue, place: Place<'_>) {
    let mut parts = ModuleWriter::begin(writer, ModuleTypeId(value.kind().id()));
    value.save(place, &mut parts);
    parts.finish();
}

/// Reads a module's value, the id of its type first.
pub(crate) fn read(
    reader: &mut Reader<'_>,
    types: &dyn ModuleTypes,
    place: Place<'_>,
) -> Result<ModuleValue, FormatError> {
    let (id, mut parts) = ModuleReader::begin(reader)?;
    let kind = types.by_id(id.0).ok_or(FormatError::ModuleType(id))?;
    let value = ModuleValue::load(Arc::clone(&kind), &mut parts, id.encoding_version(), place);
    parts.finish()?;
    value.ok_or(FormatError::NotLoaded(id))
}

/// Reads past a module's value, the id of its type first, whatever the type makes of its parts.
///
/// # Errors
/// [`FormatError`] if the parts aren't whole, or their end isn't marked.
pub fn skip_module_value(reader: &mut Reader<'_>) -> Result<ModuleTypeId, FormatError> {
    let id = ModuleTypeId(reader.length()?);
    loop {
        match Part::read(reader)? {
            Part::End => return Ok(id),
            Part::Signed | Part::Unsigned => drop(reader.length()?),
            Part::Float => drop(reader.float()?),
            Part::Double => drop(reader.double()?),
            Part::String => reader.skip_string()?,
        }
    }
}
