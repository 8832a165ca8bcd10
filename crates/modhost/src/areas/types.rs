//! Types of values: registering them, and keys that hold their values.

use std::ffi::{CStr, c_int, c_void};
use std::ptr;
use std::sync::Arc;

use engine::Engine;
use keyspace::ModuleValue;
use module_abi::constants::{ERR, OK};
use module_abi::structs::TypeMethods;
use module_abi::types;

use crate::api::export;
use crate::areas::Hooks;
use crate::context::Ctx;
use crate::data_type::DataType;
use crate::guard::{Data, Out, set_errno};
use crate::key::Key;
use crate::slot::Slot;

/// The types that a module has registered.
#[derive(Debug, Default)]
struct Registered {
    types: Vec<Arc<DataType>>,
}

pub(crate) const HOOKS: Hooks = Hooks { keeps, forget };

fn keeps(slot: &'static Slot) -> Option<&'static str> {
    (!of(slot).is_empty()).then_some(
        "Error unloading module: the module exports one or more module-side data types, can't unload",
    )
}

fn forget(slot: &'static Slot, _engine: &mut Engine) {
    slot.with_state(|state: &mut Registered| state.types.clear());
}

/// The types of a module.
pub(crate) fn of(slot: &'static Slot) -> Vec<Arc<DataType>> {
    slot.with_state(|state: &mut Registered| state.types.clone())
}

/// What a module's struct says, up to the end that its version has.
///
/// # Safety
/// `methods` leads to a struct of the version that stands at its beginning.
unsafe fn read_methods(methods: *const TypeMethods) -> Option<TypeMethods> {
    // SAFETY: every version begins with its number.
    let version = unsafe { methods.cast::<u64>().read() };
    let size = TypeMethods::size_of_version(version.min(TypeMethods::VERSION))?;
    let mut read = TypeMethods::default();
    // SAFETY: a struct of that version has so many bytes, and none of them is more than there is room for.
    unsafe { ptr::copy_nonoverlapping(methods.cast::<u8>(), (&raw mut read).cast::<u8>(), size) };
    Some(read)
}

/// A value of a module's that the keyspace takes over, which counts it.
///
/// # Safety
/// It is a live one of this type, and nobody else frees it.
unsafe fn handed_over(data_type: Arc<DataType>, value: Data) -> ModuleValue {
    data_type.slot().counters().count_value(1);
    // SAFETY: by the caller's word.
    unsafe { ModuleValue::from_raw(data_type, value) }
}

export! {
    fn CreateDataType(
        ctx: &Ctx,
        name: &CStr,
        encoding_version: c_int,
        methods: *mut TypeMethods,
    ) -> *mut types::ModuleType {
        if !ctx.slot.is_loading() || methods.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: the module passes the struct that the documentation describes.
        let Some(methods) = (unsafe { read_methods(methods) }) else { return ptr::null_mut() };
        let Some(new) = DataType::new(ctx.slot, &name.to_string_lossy(), encoding_version, methods) else {
            set_errno(libc::EINVAL);
            return ptr::null_mut();
        };
        let is_taken = ctx.slot.fellows().any(|slot| {
            of(slot).iter().any(|known| keyspace::ModuleType::name(&**known) == keyspace::ModuleType::name(&*new))
        });
        if is_taken {
            set_errno(libc::EALREADY);
            return ptr::null_mut();
        }
        let raw = new.as_raw();
        ctx.slot.with_state(|state: &mut Registered| state.types.push(new));
        raw
    }

    fn ModuleTypeSetValue(key: Option<&Key>, data_type: Option<&DataType>, value: Data) -> c_int {
        let Some(key) = key.filter(|key| key.is_writable()) else { return ERR };
        let Some(data_type) = data_type.map(DataType::retain) else { return ERR };
        // SAFETY: the module hands over a value of its type.
        let value = unsafe { handed_over(data_type, value) };
        let put = |engine: &mut Engine, db: usize, name: &[u8]| engine.put_module_value(db, name, value);
        if key.with_engine(put).is_some() { OK } else { ERR }
    }

    fn ModuleTypeGetType(key: Option<&Key>) -> *mut types::ModuleType {
        let module = key.and_then(Key::look).and_then(|seen| seen.module);
        module.map_or(ptr::null_mut(), |(kind, _)| kind.cast::<types::ModuleType>().cast_mut())
    }

    fn ModuleTypeGetValue(key: Option<&Key>) -> Data {
        let module = key.and_then(Key::look).and_then(|seen| seen.module);
        module.map_or(ptr::null_mut(), |(_, value)| value)
    }

    /// Exchanges the value of a key of the same type; the old one isn't freed.
    fn ModuleTypeReplaceValue(
        key: Option<&Key>,
        data_type: Option<&DataType>,
        value: Data,
        old: Out<*mut c_void>,
    ) -> c_int {
        let Some(key) = key.filter(|key| key.is_writable()) else { return ERR };
        let Some(data_type) = data_type.map(DataType::retain) else { return ERR };
        let kind = key.look().and_then(|seen| seen.module).map(|(kind, _)| kind);
        if kind != Some(Arc::as_ptr(&data_type)) {
            return ERR;
        }
        let counters = data_type.slot().counters();
        // SAFETY: the module hands over a value of its type.
        let value = unsafe { handed_over(data_type, value) };
        let replaced = key.with_engine(|engine, db, name| {
            engine.entry_mut(db, name).map(|mut entry| entry.replace_module(value).into_raw())
        });
        match replaced.flatten() {
            Some(replaced) => {
                counters.count_value(-1);
                old.put(replaced);
                OK
            }
            None => ERR,
        }
    }
}
