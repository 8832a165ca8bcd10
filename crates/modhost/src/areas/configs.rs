//! Directives of modules: registering them, and giving them the values that the configuration has for them.

use std::ffi::{CStr, CString, c_char, c_int, c_longlong, c_uint};
use std::ptr;
use std::sync::Arc;

use engine::config::value::{Kind as Syntax, Value};
use engine::{Engine, ModuleDirective};
use module_abi::constants::{ERR, OK, config};
use module_abi::types::{
    ConfigApplyFunc, ConfigGetBoolFunc, ConfigGetEnumFunc, ConfigGetNumericFunc, ConfigGetStringFunc,
    ConfigSetBoolFunc, ConfigSetEnumFunc, ConfigSetNumericFunc, ConfigSetStringFunc, ModuleString,
};

use crate::api::export;
use crate::context::Ctx;
use crate::guard::{Data, FromRaw, set_errno};
use crate::lend::{lend, with_engine};
use crate::slot::Slot;
use crate::string::{Str, StrRef};

/// Flags that every kind of directive may have.
const COMMON: c_uint = config::IMMUTABLE
    | config::SENSITIVE
    | config::HIDDEN
    | config::PROTECTED
    | config::DENY_LOADING
    | config::UNPREFIXED;

/// A kind of directive: its default, its bounds, and the module's functions.
#[derive(Debug)]
enum Kind {
    Bool { default: c_int, get: ConfigGetBoolFunc, set: ConfigSetBoolFunc },
    Number { default: c_longlong, syntax: Syntax, get: ConfigGetNumericFunc, set: ConfigSetNumericFunc },
    Text { default: Vec<u8>, get: ConfigGetStringFunc, set: ConfigSetStringFunc },
    Choice { default: c_int, words: Words, get: ConfigGetEnumFunc, set: ConfigSetEnumFunc },
}

/// The words of a directive that names one of several, or a set of them.
#[derive(Debug)]
struct Words {
    all: Vec<(String, c_int)>,
    /// Whether any number of them may be named.
    are_bits: bool,
}

/// A value of a directive, as its functions take it.
#[derive(Clone, Debug, PartialEq)]
enum Setting {
    Number(i64),
    Text(Vec<u8>),
}

/// A directive of a module.
#[derive(Debug)]
pub(crate) struct Directive {
    /// As the module knows it.
    name: CString,
    /// As everybody else does.
    full_name: String,
    flags: c_uint,
    kind: Kind,
    apply: Option<ConfigApplyFunc>,
    data: Data,
}

// SAFETY: the data is the module's, which shares it with the thread that has the engine, where alone it is passed on.
unsafe impl Send for Directive {}
// SAFETY: as above.
unsafe impl Sync for Directive {}

/// What a module has registered, and what it is to be given.
#[derive(Debug, Default)]
struct Registered {
    directives: Vec<Arc<Directive>>,
    /// Values that LOADEX has for directives which aren't there yet.
    given: Vec<(String, Vec<u8>)>,
    /// Whether LoadConfigs was called.
    is_set: bool,
}

impl Words {
    fn parse(&self, text: &[u8]) -> Result<i64, String> {
        let find = |word: &[u8]| {
            self.all
                .iter()
                .find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word))
                .map(|(_, bits)| *bits)
        };
        let value = if self.are_bits {
            let words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            words.map(find).try_fold(0, |all, bits| Some(all | bits?))
        } else {
            find(text)
        };
        value.map(i64::from).ok_or_else(|| {
            let names: Vec<&str> = self.all.iter().map(|(name, _)| name.as_str()).collect();
            format!("argument(s) must be one of the following: {}", names.join(", "))
        })
    }

    /// The word of a value, or all words whose bits it has.
    fn show(&self, value: c_int) -> Vec<u8> {
        if let Some((name, _)) = self.all.iter().find(|(_, other)| *other == value) {
            return name.clone().into_bytes();
        }
        if !self.are_bits {
            return b"unknown".to_vec();
        }
        let mut left = value;
        let mut names = Vec::new();
        for (name, bits) in &self.all {
            if *bits != 0 && left & bits == *bits {
                names.push(name.as_str());
                left &= !bits;
            }
        }
        names.join(" ").into_bytes()
    }
}

impl Directive {
    /// The value that it has now.
    fn get(&self) -> Setting {
        let name = self.name.as_ptr();
        // SAFETY: the functions are given what they are documented to be given.
        unsafe {
            match self.kind {
                Kind::Bool { get, .. } => Setting::Number(i64::from(get(name, self.data) != 0)),
                Kind::Number { get, .. } => Setting::Number(get(name, self.data)),
                Kind::Choice { get, .. } => Setting::Number(get(name, self.data).into()),
                Kind::Text { get, .. } => {
                    let text = <Option<&Str>>::from_raw(get(name, self.data));
                    Setting::Text(text.map_or(Vec::new(), |text| text.bytes().to_vec()))
                }
            }
        }
    }

    fn default(&self) -> Setting {
        match &self.kind {
            Kind::Bool { default, .. } => Setting::Number(i64::from(*default != 0)),
            Kind::Number { default, .. } => Setting::Number(*default),
            Kind::Choice { default, .. } => Setting::Number((*default).into()),
            Kind::Text { default, .. } => Setting::Text(default.clone()),
        }
    }

    fn parse(&self, text: &[u8]) -> Result<Setting, String> {
        let number = |syntax: Syntax| match syntax.parse(text) {
            Ok(Value::YesNo(yes)) => Ok(Setting::Number(yes.into())),
            Ok(Value::Integer(number)) => Ok(Setting::Number(number)),
            Ok(_) => Err(String::new()),
            Err(reason) => Err(reason.into_owned()),
        };
        match &self.kind {
            Kind::Bool { .. } => number(Syntax::YesNo),
            Kind::Number { syntax, .. } => number(*syntax),
            Kind::Text { .. } => Ok(Setting::Text(text.to_vec())),
            Kind::Choice { words, .. } => words.parse(text).map(Setting::Number),
        }
    }

    fn show(&self, setting: &Setting) -> Vec<u8> {
        match (setting, &self.kind) {
            (Setting::Text(text), _) => text.clone(),
            (Setting::Number(number), Kind::Bool { .. }) => {
                if *number != 0 {
                    b"yes".to_vec()
                } else {
                    b"no".to_vec()
                }
            }
            (Setting::Number(number), Kind::Choice { words, .. }) => words.show(*number as c_int),
            (Setting::Number(number), _) => number.to_string().into_bytes(),
        }
    }

    /// Hands the module a value, which it may refuse.
    fn put(&self, setting: &Setting) -> Result<(), String> {
        let name = self.name.as_ptr();
        let mut error: *mut ModuleString = ptr::null_mut();
        // SAFETY: the functions are given what they are documented to be given; the text is there until they return.
        let status = unsafe {
            match (&self.kind, setting) {
                (Kind::Bool { set, .. }, Setting::Number(number)) => {
                    set(name, *number as c_int, self.data, &raw mut error)
                }
                (Kind::Number { set, .. }, Setting::Number(number)) => {
                    set(name, *number, self.data, &raw mut error)
                }
                (Kind::Choice { set, .. }, Setting::Number(number)) => {
                    set(name, *number as c_int, self.data, &raw mut error)
                }
                (Kind::Text { set, .. }, Setting::Text(text)) => {
                    let text = StrRef::new(text);
                    set(name, text.as_raw(), self.data, &raw mut error)
                }
                _ => ERR,
            }
        };
        outcome(status, error)
    }

    fn shown(&self) -> ModuleDirective {
        let has = |flag| self.flags & flag != 0;
        ModuleDirective {
            name: self.full_name.clone(),
            is_immutable: has(config::IMMUTABLE),
            is_hidden: has(config::HIDDEN),
            is_protected: has(config::PROTECTED),
            value: self.show(&self.get()),
            default: self.show(&self.default()),
        }
    }
}

/// What a function of a module has answered, with the reason that it has left, which is freed.
fn outcome(status: c_int, error: *mut ModuleString) -> Result<(), String> {
    // SAFETY: the module gives the string up.
    let text = unsafe { StrRef::from_raw(error) };
    if status == OK {
        return Ok(());
    }
    Err(text.map_or(String::new(), |text| String::from_utf8_lossy(text.bytes()).into_owned()))
}

/// Has values that were set put into effect: each function once for all directives that share it and its data.
fn apply(slot: &'static Slot, changed: &[Arc<Directive>]) -> Result<(), (String, String)> {
    let mut done: Vec<(ConfigApplyFunc, Data)> = Vec::new();
    for directive in changed {
        let Some(function) = directive.apply else { continue };
        let is_done = |&(other, data): &(ConfigApplyFunc, Data)| {
            ptr::fn_addr_eq(other, function) && data == directive.data
        };
        if done.iter().any(is_done) {
            continue;
        }
        done.push((function, directive.data));
        let ctx = Ctx::detached(slot);
        let mut error = ptr::null_mut();
        // SAFETY: the function is given what it is documented to be given.
        let status = unsafe { function(ctx.as_raw(), directive.data, &raw mut error) };
        ctx.finish();
        outcome(status, error).map_err(|reason| (directive.name.to_string_lossy().into_owned(), reason))?;
    }
    Ok(())
}

fn directives(slot: &'static Slot) -> Vec<Arc<Directive>> {
    slot.with_state(|state: &mut Registered| state.directives.clone())
}

/// The directives of modules, with their values.
pub(crate) fn all(engine: &mut Engine, slots: &[&'static Slot]) -> Vec<ModuleDirective> {
    let all: Vec<_> = slots.iter().flat_map(|slot| directives(slot)).collect();
    lend(engine, || all.iter().map(|directive| directive.shown()).collect())
}

/// Sets directives, and puts that into effect; or everything is as it was, and the name of the one that failed is
/// given, and the reason.
pub(crate) fn set(
    engine: &mut Engine,
    slots: &[&'static Slot],
    pairs: &[(&str, &[u8])],
) -> Result<(), (String, String)> {
    let mut changed = Vec::new();
    lend(engine, || {
        let outcome = put_all(slots, pairs, &mut changed).and_then(|()| apply_all(slots, &changed));
        if outcome.is_err() {
            for Changed { directive, before, .. } in changed.iter().rev() {
                // What was so before is no reason to fail; and if it is, there is nobody left to tell.
                let _ = directive.put(before);
            }
            let _ = apply_all(slots, &changed);
        }
        outcome
    })
}

/// A directive that has another value now.
struct Changed {
    slot: &'static Slot,
    directive: Arc<Directive>,
    before: Setting,
}

fn put_all(
    slots: &[&'static Slot],
    pairs: &[(&str, &[u8])],
    changed: &mut Vec<Changed>,
) -> Result<(), (String, String)> {
    for (name, text) in pairs {
        let found = slots.iter().find_map(|slot| {
            let mut all = directives(slot).into_iter();
            let directive = all.find(|directive| directive.full_name.eq_ignore_ascii_case(name))?;
            Some((*slot, directive))
        });
        let Some((slot, directive)) = found else { continue };
        let failed = |reason| ((*name).to_owned(), reason);
        let (before, setting) = (directive.get(), directive.parse(text).map_err(failed)?);
        if setting != before {
            directive.put(&setting).map_err(failed)?;
            changed.push(Changed { slot, directive, before });
        }
    }
    Ok(())
}

fn apply_all(slots: &[&'static Slot], changed: &[Changed]) -> Result<(), (String, String)> {
    for slot in slots {
        let its = changed.iter().filter(|changed| changed.slot.index() == slot.index());
        let its: Vec<_> = its.map(|changed| Arc::clone(&changed.directive)).collect();
        apply(slot, &its)?;
    }
    Ok(())
}

/// Keeps values for the directives that a module is going to register.
pub(crate) fn expect(slot: &'static Slot, given: &[(&[u8], &[u8])]) {
    let given =
        given.iter().map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), value.to_vec()));
    slot.with_state(|state: &mut Registered| state.given = given.collect());
}

/// Why a module can't stay that has been loaded just now, if so.
pub(crate) fn complaint(slot: &'static Slot) -> Option<&'static str> {
    slot.with_state(|state: &mut Registered| {
        if !state.directives.is_empty() && !state.is_set {
            Some("Module Configurations were not set, likely a missing LoadConfigs call. Unloading the module.")
        } else if !state.given.is_empty() {
            Some("Loadex configurations were not applied, likely due to invalid arguments. Unloading the module.")
        } else {
            None
        }
    })
}

/// Gives a directive the value that is there for it, or its default.
fn load(slot: &'static Slot, directive: &Directive) -> Result<(), String> {
    let is_its = |name: &str| name.eq_ignore_ascii_case(&directive.full_name);
    let given = slot.with_state(|state: &mut Registered| {
        let place = state.given.iter().rposition(|(name, _)| is_its(name))?;
        let (_, value) = state.given.swap_remove(place);
        state.given.retain(|(name, _)| !is_its(name));
        Some(value)
    });
    let configured = with_engine(|engine| engine.take_module_directive(&directive.full_name)).flatten();
    match given.or(configured) {
        Some(text) => directive.put(&directive.parse(&text)?),
        None => directive.put(&directive.default()),
    }
}

/// Registers a directive, if it can be: while its module is loaded, under a name that is one and isn't taken.
fn register(
    ctx: &Ctx,
    name: &CStr,
    flags: c_uint,
    allowed: c_uint,
    kind: Option<Kind>,
    apply: Option<ConfigApplyFunc>,
    data: Data,
) -> c_int {
    let text = name.to_string_lossy();
    let is_name = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let prefix = if flags & config::UNPREFIXED != 0 { String::new() } else { ctx.slot.name() + "." };
    let full_name = prefix + &text;
    let is_taken =
        ctx.slot.fellows().any(|slot| {
            directives(slot).iter().any(|other| other.full_name.eq_ignore_ascii_case(&full_name))
        }) || engine::config::Directive::find(full_name.as_bytes()).is_some();
    let problem = match kind {
        _ if !ctx.slot.is_loading() => libc::EBUSY,
        Some(kind) if is_name && flags & !(COMMON | allowed) == 0 && !is_taken => {
            if flags & config::SENSITIVE != 0 {
                engine::conceal_directive(&full_name);
            }
            let directive = Directive { name: name.to_owned(), full_name, flags, kind, apply, data };
            ctx.slot.with_state(|state: &mut Registered| state.directives.push(Arc::new(directive)));
            return OK;
        }
        _ if is_taken => libc::EALREADY,
        _ => libc::EINVAL,
    };
    set_errno(problem);
    ERR
}

/// The words and values of a directive that names them.
///
/// # Safety
/// There are that many of both.
unsafe fn words(names: *mut *const c_char, values: *const c_int, count: c_int, flags: c_uint) -> Words {
    let count = usize::try_from(count).unwrap_or(0);
    let word = |at: usize| {
        // SAFETY: by the caller's word.
        let (name, value) = unsafe { (CStr::from_ptr(*names.add(at)), *values.add(at)) };
        (name.to_string_lossy().into_owned(), value)
    };
    Words { all: (0..count).map(word).collect(), are_bits: flags & config::BITFLAGS != 0 }
}

export! {
    fn RegisterBoolConfig(
        ctx: &Ctx,
        name: &CStr,
        default: c_int,
        flags: c_uint,
        get: Option<ConfigGetBoolFunc>,
        set: Option<ConfigSetBoolFunc>,
        apply: Option<ConfigApplyFunc>,
        data: Data,
    ) -> c_int {
        let kind = get.zip(set).map(|(get, set)| Kind::Bool { default, get, set });
        register(ctx, name, flags, 0, kind, apply, data)
    }

    fn RegisterNumericConfig(
        ctx: &Ctx,
        name: &CStr,
        default: c_longlong,
        flags: c_uint,
        min: c_longlong,
        max: c_longlong,
        get: Option<ConfigGetNumericFunc>,
        set: Option<ConfigSetNumericFunc>,
        apply: Option<ConfigApplyFunc>,
        data: Data,
    ) -> c_int {
        let is_memory = flags & config::MEMORY != 0;
        let syntax = if is_memory { Syntax::Memory { min, max } } else { Syntax::Integer { min, max } };
        let kind = get.zip(set).map(|(get, set)| Kind::Number { default, syntax, get, set });
        register(ctx, name, flags, config::MEMORY, kind, apply, data)
    }

    fn RegisterStringConfig(
        ctx: &Ctx,
        name: &CStr,
        default: &CStr,
        flags: c_uint,
        get: Option<ConfigGetStringFunc>,
        set: Option<ConfigSetStringFunc>,
        apply: Option<ConfigApplyFunc>,
        data: Data,
    ) -> c_int {
        let default = default.to_bytes().to_vec();
        let kind = get.zip(set).map(|(get, set)| Kind::Text { default, get, set });
        register(ctx, name, flags, 0, kind, apply, data)
    }

    fn RegisterEnumConfig(
        ctx: &Ctx,
        name: &CStr,
        default: c_int,
        flags: c_uint,
        names: *mut *const c_char,
        values: *const c_int,
        count: c_int,
        get: Option<ConfigGetEnumFunc>,
        set: Option<ConfigSetEnumFunc>,
        apply: Option<ConfigApplyFunc>,
        data: Data,
    ) -> c_int {
        // SAFETY: the module passes that many names and values.
        let words = unsafe { words(names, values, count, flags) };
        let kind = get.zip(set).map(|(get, set)| Kind::Choice { default, words, get, set });
        register(ctx, name, flags, config::BITFLAGS, kind, apply, data)
    }

    /// Gives every directive its value, once all are registered. As in Redis, nothing is put into effect by that.
    fn LoadConfigs(ctx: &Ctx) -> c_int {
        if !ctx.slot.is_loading() {
            return ERR;
        }
        let all = directives(ctx.slot);
        for directive in &all {
            if let Err(reason) = load(ctx.slot, directive) {
                tracing::warn!("Issue during loading of configuration {} : {reason}", directive.full_name);
                return ERR;
            }
        }
        ctx.slot.with_state(|state: &mut Registered| state.is_set = true);
        OK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_bits() {
        let words = |are_bits| Words {
            all: [("none", 0), ("one", 1), ("two", 2), ("five", 5)]
                .map(|(name, bits)| (name.to_owned(), bits))
                .into(),
            are_bits,
        };
        assert_eq!(words(false).parse(b"TWO"), Ok(2));
        assert!(words(false).parse(b"one two").is_err());
        assert_eq!(words(true).parse(b"one two"), Ok(3));
        assert_eq!(words(true).show(3), b"one two");
        assert_eq!(words(true).show(0), b"none");
        assert_eq!(words(false).show(9), b"unknown");
        assert_eq!(
            words(true).parse(b"one six"),
            Err("argument(s) must be one of the following: none, one, two, five".to_owned())
        );
    }
}
