//! Values that modules turn into strings, and back.

use std::ffi::{c_int, c_void};
use std::ptr;

use module_abi::types::{self, ModuleString};
use persist::{ModuleReader, ModuleWriter, Reader, Writer};

use crate::api::export;
use crate::context::Ctx;
use crate::data_type::DataType;
use crate::guard::{Data, FromRaw};
use crate::lend::with_engine;
use crate::string::{ConstStr, StrRef};

/// A type that is only read, or none.
struct ConstType<'a>(Option<&'a DataType>);

impl FromRaw for ConstType<'_> {
    type Raw = *const types::ModuleType;

    unsafe fn from_raw(raw: *const types::ModuleType) -> Self {
        // SAFETY: the caller vouches for a type that CreateDataType gave, or NULL.
        Self(unsafe { raw.cast::<DataType>().as_ref() })
    }
}

export! {
    /// The parts that the type's function saves, as RDB has them; NULL if it can't save any.
    fn SaveDataTypeToString(ctx: Option<&Ctx>, value: Data, data_type: ConstType<'_>) -> *mut ModuleString {
        let Some(data_type) = data_type.0 else { return ptr::null_mut() };
        if data_type.methods.rdb_save.is_none() {
            return ptr::null_mut();
        }
        let compresses = with_engine(|engine| engine.config().rdbcompression).unwrap_or(true);
        let mut writer = Writer::new(compresses);
        // SAFETY: the module passes a value of the type.
        unsafe { data_type.save_at(value, None, &mut ModuleWriter::parts_only(&mut writer)) };
        match ctx {
            Some(ctx) => ctx.give_string(StrRef::new(writer.as_bytes())),
            None => StrRef::charged(writer.as_bytes(), data_type.slot()).into_raw(),
        }
    }

    /// As [`LoadDataTypeFromStringEncver`], of version 0.
    fn LoadDataTypeFromString(string: ConstStr<'_>, data_type: ConstType<'_>) -> *mut c_void {
        load(&string, &data_type, 0)
    }

    /// A value made of such a string, in a version of the encoding; NULL if the type's function fails.
    fn LoadDataTypeFromStringEncver(
        string: ConstStr<'_>,
        data_type: ConstType<'_>,
        encoding_version: c_int,
    ) -> *mut c_void {
        load(&string, &data_type, encoding_version)
    }
}

fn load(string: &ConstStr<'_>, data_type: &ConstType<'_>, encoding_version: c_int) -> *mut c_void {
    let Some(data_type) = data_type.0 else { return ptr::null_mut() };
    let mut reader = Reader::new(string.bytes());
    let mut parts = ModuleReader::parts_only(&mut reader);
    data_type.load_at(&mut parts, encoding_version, None).unwrap_or(ptr::null_mut())
}
