//! Sections of INFO: those that modules add, and reading those of the server.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_int, c_longlong, c_ulonglong};
use std::fmt::Write as _;
use std::ptr;

use allocator_api2::vec::Vec;
use engine::Engine;
use module_abi::constants::{ERR, OK};
use module_abi::types::{self, InfoFunc, ModuleString};

use super::numbers::{parse_double, parse_unsigned, significant_digits};
use crate::api::{export, export_own};
use crate::charge::{Charge, Handed, Held, OTHER};
use crate::context::Ctx;
use crate::counters::Kind;
use crate::guard::{FromRaw, Out};
use crate::lend::{lend, with_engine};
use crate::slot::Slot;
use crate::string::{Str, StrRef};

/// What writes a module's sections.
#[derive(Debug, Default)]
struct Registered {
    function: Option<InfoFunc>,
}

/// INFO in the making: `RedisModuleInfoCtx *`.
#[derive(Debug)]
pub(crate) struct InfoCtx<'a> {
    module: String,
    /// The sections that were asked for; empty for all.
    wanted: &'a [&'a [u8]],
    text: RefCell<String>,
    /// Whether the section that was begun last is wanted; `None` before the first.
    in_section: Cell<Option<bool>>,
    in_dict: Cell<bool>,
}

impl InfoCtx<'_> {
    fn begin(&self, name: Option<&str>) -> bool {
        if self.in_dict.get() {
            self.end_dict();
        }
        let full_name = name.map_or(self.module.clone(), |name| format!("{}_{name}", self.module));
        let is = |wanted: &&[u8]| {
            wanted.eq_ignore_ascii_case(full_name.as_bytes())
                || wanted.eq_ignore_ascii_case(self.module.as_bytes())
        };
        let is_wanted = self.wanted.is_empty() || self.wanted.iter().any(is);
        self.in_section.set(Some(is_wanted));
        if is_wanted {
            self.write(format_args!("\r\n# {full_name}\r\n"));
        }
        is_wanted
    }

    fn write(&self, text: std::fmt::Arguments<'_>) {
        self.text.borrow_mut().write_fmt(text).expect("writing to a String does not fail");
    }

    fn field(&self, name: &str, value: impl std::fmt::Display) -> c_int {
        if !self.in_section.get().unwrap_or_else(|| self.begin(None)) {
            return ERR;
        }
        match self.in_dict.get() {
            true => self.write(format_args!("{name}={value},")),
            false => self.write(format_args!("{}_{name}:{value}\r\n", self.module)),
        }
        OK
    }

    fn begin_dict(&self, name: &str) -> c_int {
        if self.in_dict.get() {
            self.end_dict();
        }
        if !self.in_section.get().unwrap_or_else(|| self.begin(None)) {
            return ERR;
        }
        self.write(format_args!("{}_{name}:", self.module));
        self.in_dict.set(true);
        OK
    }

    fn end_dict(&self) -> c_int {
        if !self.in_dict.replace(false) {
            return ERR;
        }
        let mut text = self.text.borrow_mut();
        if text.ends_with(',') {
            text.pop();
        }
        text.push_str("\r\n");
        OK
    }
}

impl FromRaw for &InfoCtx<'_> {
    type Raw = *mut types::InfoCtx;

    unsafe fn from_raw(raw: *mut types::InfoCtx) -> Self {
        assert!(!raw.is_null(), "INFO in the making");
        // SAFETY: the caller vouches for what its callback was given.
        unsafe { &*raw.cast() }
    }
}

/// What a module adds to INFO, for the sections that were asked for, all of them when there are none.
pub(crate) fn sections(slot: &'static Slot, engine: &mut Engine, wanted: &[&[u8]]) -> String {
    let Some(function) = slot.with_state(|state: &mut Registered| state.function) else {
        return String::new();
    };
    let info = InfoCtx {
        module: slot.name(),
        wanted,
        text: RefCell::default(),
        in_section: Cell::new(None),
        in_dict: Cell::new(false),
    };
    // SAFETY: the module's function is given what it is documented to be given.
    lend(engine, || unsafe { function(ptr::from_ref(&info).cast_mut().cast(), 0) });
    if info.in_dict.get() {
        info.end_dict();
    }
    info.text.into_inner()
}

/// A name as INFO can show it: what has a meaning there becomes an underscore.
fn clean(name: &CStr) -> String {
    name.to_string_lossy().replace(['#', ':', '\n', '\r', ',', '='], "_")
}

/// A section of INFO that was read: `RedisModuleServerInfoData *`.
#[derive(Debug)]
pub(crate) struct ServerInfo {
    slot: &'static Slot,
    /// Names and values, each with a NUL behind it.
    text: Vec<u8, Charge<OTHER>>,
    /// Where names begin, and their values.
    fields: Vec<(usize, usize), Charge<OTHER>>,
}

impl ServerInfo {
    fn read(slot: &'static Slot, info: &str) -> Self {
        let lines = info.split("\r\n").filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.split_once(':')).filter(|(_, value)| !value.contains('\0'));
        let count = pairs.clone().count();
        let len = pairs.clone().map(|(name, value)| name.len() + value.len() + 2).sum();
        let mut read = Self {
            slot,
            text: Vec::with_capacity_in(len, Charge::to(slot)),
            fields: Vec::with_capacity_in(count, Charge::to(slot)),
        };
        for (name, value) in pairs {
            let start = read.text.len();
            read.fields.push((start, start + name.len() + 1));
            for part in [name, value] {
                read.text.extend_from_slice(part.as_bytes());
                read.text.push(0);
            }
        }
        read
    }

    fn text_at(&self, start: usize) -> &CStr {
        CStr::from_bytes_until_nul(&self.text[start..]).expect("every text ends with NUL")
    }

    fn get(&self, name: &CStr) -> Option<&CStr> {
        let (_, value) = self.fields.iter().find(|(start, _)| self.text_at(*start) == name)?;
        Some(self.text_at(*value))
    }
}

impl Held for ServerInfo {
    const KIND: Kind = Kind::Other;

    fn holder(&self) -> &'static Slot {
        self.slot
    }
}

impl FromRaw for &ServerInfo {
    type Raw = *mut types::ServerInfoData;

    unsafe fn from_raw(raw: *mut types::ServerInfoData) -> Self {
        assert!(!raw.is_null(), "INFO that was read");
        // SAFETY: the caller vouches for what GetServerInfo gave.
        unsafe { &*raw.cast() }
    }
}

/// Reads a field as a number, and says how that went.
fn number<T: Default>(
    info: &ServerInfo,
    field: &CStr,
    status: &Out<c_int>,
    parse: impl FnOnce(&[u8]) -> Option<T>,
) -> T {
    let number = info.get(field).and_then(|text| parse(text.to_bytes()));
    status.put(if number.is_some() { OK } else { ERR });
    number.unwrap_or_default()
}

export_own! {
    /// Reads a section of INFO; without a name those that are shown by default.
    fn GetServerInfo(
        slot;
        _ctx: Option<&Ctx>,
        section: Option<&CStr>,
    ) -> *mut types::ServerInfoData {
        let names: std::vec::Vec<&[u8]> = section.iter().map(|name| name.to_bytes()).collect();
        let text = with_engine(|engine| engine.info_text(&names)).unwrap_or_default();
        Handed::new(ServerInfo::read(slot, &text)).into_raw()
    }
}

export! {
    /// The function writes the module's sections, whenever they are asked for.
    fn RegisterInfoFunc(ctx: &Ctx, function: Option<InfoFunc>) -> c_int {
        ctx.slot.with_state(|state: &mut Registered| state.function = function);
        OK
    }

    fn InfoAddSection(info: &InfoCtx<'_>, name: Option<&CStr>) -> c_int {
        if info.begin(name.map(clean).as_deref()) { OK } else { ERR }
    }

    fn InfoBeginDictField(info: &InfoCtx<'_>, name: &CStr) -> c_int {
        info.begin_dict(&clean(name))
    }

    fn InfoEndDictField(info: &InfoCtx<'_>) -> c_int {
        info.end_dict()
    }

    fn InfoAddFieldString(info: &InfoCtx<'_>, name: &CStr, value: Option<&Str>) -> c_int {
        info.field(&clean(name), String::from_utf8_lossy(value.map_or(&[], Str::bytes)))
    }

    fn InfoAddFieldCString(info: &InfoCtx<'_>, name: &CStr, value: &CStr) -> c_int {
        info.field(&clean(name), value.to_string_lossy())
    }

    fn InfoAddFieldDouble(info: &InfoCtx<'_>, name: &CStr, value: f64) -> c_int {
        info.field(&clean(name), significant_digits(value))
    }

    fn InfoAddFieldLongLong(info: &InfoCtx<'_>, name: &CStr, value: c_longlong) -> c_int {
        info.field(&clean(name), value)
    }

    fn InfoAddFieldULongLong(info: &InfoCtx<'_>, name: &CStr, value: c_ulonglong) -> c_int {
        info.field(&clean(name), value)
    }

    fn FreeServerInfo(_ctx: Option<&Ctx>, info: *mut types::ServerInfoData) {
        // SAFETY: the module gives up what GetServerInfo gave, or passes NULL.
        drop(unsafe { Handed::<ServerInfo>::from_raw(info) });
    }

    fn ServerInfoGetField(
        ctx: Option<&Ctx>,
        info: &ServerInfo,
        field: &CStr,
    ) -> *mut ModuleString {
        let value = info.get(field).map(|text| StrRef::new(text.to_bytes()));
        match (value, ctx) {
            (Some(value), Some(ctx)) => ctx.give_string(value),
            (Some(value), None) => {
                value.charge(info.slot);
                value.into_raw()
            }
            (None, _) => ptr::null_mut(),
        }
    }

    fn ServerInfoGetFieldC(info: &ServerInfo, field: &CStr) -> *const c_char {
        info.get(field).map_or(ptr::null(), CStr::as_ptr)
    }

    fn ServerInfoGetFieldSigned(info: &ServerInfo, field: &CStr, status: Out<c_int>) -> c_longlong {
        number(info, field, &status, keyspace::parse_integer)
    }

    fn ServerInfoGetFieldUnsigned(info: &ServerInfo, field: &CStr, status: Out<c_int>) -> c_ulonglong {
        number(info, field, &status, parse_unsigned)
    }

    fn ServerInfoGetFieldDouble(info: &ServerInfo, field: &CStr, status: Out<c_int>) -> f64 {
        number(info, field, &status, parse_double)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_by_name() {
        let info = ServerInfo::read(
            crate::slot::slot(crate::SLOTS - 3),
            "# Server\r\na:1\r\nb:x:y\r\n\r\n# Other\r\nc:\r\n",
        );
        assert_eq!(info.get(c"a"), Some(c"1"));
        assert_eq!(info.get(c"b"), Some(c"x:y"));
        assert_eq!(info.get(c"c"), Some(c""));
        assert_eq!(info.get(c"# Server"), None);
    }
}
