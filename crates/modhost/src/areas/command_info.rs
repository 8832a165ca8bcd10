//! What a module says of its commands: summaries, key specs, arguments.

use std::ffi::{CStr, c_char, c_int};

use engine::command::syntax::{Argument, Kind};
use engine::command::{BeginSearch, FindKeys, KeyFlags, KeySpec, NewCommand, NewDoc, interned};
use module_abi::constants::{ERR, OK, arg_type, cmd_arg, kspec_bs, kspec_fk};
use module_abi::structs::{
    BeginKeyword, CommandArg, CommandHistoryEntry, CommandInfo, CommandInfoVersion, CommandKeySpec,
};

use super::commands::{ModuleCommand, change};
use crate::api::export;
use crate::guard::set_errno;

/// How deep arguments may be nested.
const DEEPEST: usize = 32;

export! {
    /// Once for each command, while its module is being loaded.
    fn SetCommandInfo(command: Option<&'static ModuleCommand>, info: *const CommandInfo) -> c_int {
        let Some((command, slot)) = command.map(|command| (command, command.slot())) else { return ERR };
        // SAFETY: the module passes the struct that the documentation describes.
        let described = unsafe { info.as_ref().and_then(|info| read(info)) };
        let Some(described) = described.filter(|_| slot.is_loading()) else {
            set_errno(libc::EINVAL);
            return ERR;
        };
        change(slot, &command.full_name, |command| {
            if !command.doc.summary.is_empty() {
                set_errno(libc::EEXIST);
                return ERR;
            }
            described.apply(command);
            OK
        })
    }
}

/// What a module has said of a command.
#[derive(Debug)]
struct Described {
    doc: NewDoc,
    tips: Vec<String>,
    arity: i8,
    keys: Vec<KeySpec>,
    arguments: Vec<Argument<'static>>,
}

impl Described {
    fn apply(self, command: &mut NewCommand) {
        (command.doc, command.tips, command.arguments) = (self.doc, self.tips, self.arguments);
        if self.arity != 0 {
            command.arity = self.arity;
        }
        if !self.keys.is_empty() {
            command.keys = self.keys;
        }
    }
}

/// A text of C's, or none.
///
/// # Safety
/// It ends with NUL, or is NULL.
unsafe fn text<'a>(text: *const c_char) -> Option<&'a str> {
    // SAFETY: by the caller's word.
    let text = (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) });
    text.and_then(|text| text.to_str().ok())
}

/// The elements of an array, as far apart as the module says, up to one that ends it.
///
/// # Safety
/// The array, if there is one, ends with an element for which `is_end` holds, and each has `size` bytes.
unsafe fn elements<'a, T>(array: *const T, size: usize, is_end: impl Fn(&T) -> bool) -> Vec<&'a T> {
    let mut found = Vec::new();
    let mut at = array;
    while !at.is_null() {
        // SAFETY: by the caller's word there is an element, until one ends the array.
        let element = unsafe { &*at };
        if is_end(element) {
            break;
        }
        found.push(element);
        at = at.wrapping_byte_add(size);
    }
    found
}

/// # Safety
/// The struct and what it leads to is as the documentation describes.
unsafe fn read(info: &CommandInfo) -> Option<Described> {
    // SAFETY: by the caller's word, here and below.
    let version = unsafe { info.version.as_ref() }?;
    let fits = version.version == 1
        && version.sizeof_historyentry >= size_of::<CommandHistoryEntry>()
        && version.sizeof_keyspec >= size_of::<CommandKeySpec>()
        && version.sizeof_arg >= size_of::<CommandArg>();
    if !fits {
        return None;
    }
    // SAFETY: as above.
    unsafe {
        let history = elements(info.history, version.sizeof_historyentry, |entry| entry.since.is_null());
        let change = |entry: &&CommandHistoryEntry| {
            Some((text(entry.since)?.to_owned(), text(entry.changes)?.to_owned()))
        };
        let own = |of: *const c_char| text(of).unwrap_or_default().to_owned();
        let is_last = |spec: &CommandKeySpec| spec.begin_search_type == kspec_bs::INVALID;
        let specs = elements(info.key_specs, version.sizeof_keyspec, is_last);
        Some(Described {
            doc: NewDoc {
                summary: own(info.summary),
                complexity: own(info.complexity),
                since: own(info.since),
                history: history.iter().map(change).collect::<Option<_>>()?,
            },
            tips: own(info.tips).split_ascii_whitespace().map(str::to_owned).collect(),
            arity: i8::try_from(info.arity).ok()?,
            keys: specs.into_iter().map(|spec| key_spec(spec)).collect::<Option<Vec<_>>>()?,
            arguments: arguments(info.args, version, 0)?,
        })
    }
}

/// # Safety
/// As [`read`].
unsafe fn key_spec(spec: &CommandKeySpec) -> Option<KeySpec> {
    let begin = match spec.begin_search_type {
        // SAFETY: the type tells which of the union's fields is there.
        kspec_bs::INDEX => BeginSearch::Index(usize::try_from(unsafe { spec.bs.index.pos }).ok()?),
        kspec_bs::KEYWORD => {
            // SAFETY: as above; the keyword is a text by the caller's word.
            let BeginKeyword { keyword, startfrom } = unsafe { spec.bs.keyword };
            // SAFETY: as above.
            let keyword = interned(unsafe { text(keyword) }?);
            BeginSearch::Keyword { keyword, start_from: startfrom as isize }
        }
        // Keys that are found by asking the module stand nowhere that could be told.
        _ => return None,
    };
    let find = match spec.find_keys_type {
        kspec_fk::OMITTED => FindKeys::Range { last: 0, step: 1, limit: 0 },
        kspec_fk::RANGE => {
            // SAFETY: the type tells which of the union's fields is there.
            let range = unsafe { spec.fk.range };
            FindKeys::Range {
                last: range.lastkey as isize,
                // 0 where there is nothing to step over, or no key at all.
                step: usize::try_from(range.keystep).ok()?,
                limit: usize::try_from(range.limit).ok()?,
            }
        }
        kspec_fk::KEYNUM => {
            // SAFETY: as above.
            let keynum = unsafe { spec.fk.keynum };
            FindKeys::KeyNum {
                number: usize::try_from(keynum.keynumidx).ok()?,
                first: usize::try_from(keynum.firstkey).ok()?,
                step: usize::try_from(keynum.keystep).ok().filter(|&step| step != 0)?,
            }
        }
        _ => return None,
    };
    // The bits of both are the same, in the order in which COMMAND INFO shows them.
    let flags = KeyFlags::from_bits(u32::try_from(spec.flags).ok()?)?;
    // SAFETY: by the caller's word.
    let notes = unsafe { text(spec.notes) }.map(interned);
    Some(KeySpec { flags, flags_of: None, notes, begin, find })
}

/// # Safety
/// As [`read`].
unsafe fn arguments(
    array: *const CommandArg,
    version: &CommandInfoVersion,
    depth: usize,
) -> Option<Vec<Argument<'static>>> {
    if depth == DEEPEST {
        return None;
    }
    // SAFETY: by the caller's word.
    let found =
        unsafe { elements(array, version.sizeof_arg, |argument: &CommandArg| argument.name.is_null()) };
    // SAFETY: as above.
    found.into_iter().map(|found| unsafe { argument(found, version, depth) }).collect()
}

/// # Safety
/// As [`read`].
unsafe fn argument(
    found: &CommandArg,
    version: &CommandInfoVersion,
    depth: usize,
) -> Option<Argument<'static>> {
    // SAFETY: by the caller's word.
    let parts = || unsafe { arguments(found.subargs, version, depth + 1) }.filter(|parts| !parts.is_empty());
    let kind = match found.kind {
        arg_type::STRING => Kind::String,
        arg_type::INTEGER => Kind::Integer,
        arg_type::DOUBLE => Kind::Double,
        arg_type::KEY => Kind::Key,
        arg_type::PATTERN => Kind::Pattern,
        arg_type::UNIX_TIME => Kind::UnixTime,
        arg_type::PURE_TOKEN => Kind::PureToken,
        arg_type::ONEOF => Kind::OneOf(parts()?),
        arg_type::BLOCK => Kind::Block(parts()?),
        _ => return None,
    };
    let has = |flag| found.flags & flag != 0;
    let key_spec = if kind == Kind::Key { usize::try_from(found.key_spec_index).ok() } else { None };
    // SAFETY: by the caller's word.
    unsafe {
        Some(Argument {
            name: interned(text(found.name)?).into(),
            kind,
            token: text(found.token).map(interned),
            optional: has(cmd_arg::OPTIONAL),
            multiple: has(cmd_arg::MULTIPLE) || has(cmd_arg::MULTIPLE_TOKEN),
            multiple_token: has(cmd_arg::MULTIPLE_TOKEN),
            since: text(found.since).map(interned),
            deprecated_since: text(found.deprecated_since).map(interned),
            key_spec,
        })
    }
}
