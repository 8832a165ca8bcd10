//! Keys of a module's own type, opened as they are meant to be used.
#![allow(unsafe_code)]

use std::marker::PhantomData;

use redis_module::key::{RedisKey, verify_type};
use redis_module::{Context, KeyType, RedisError, RedisString, raw};

use crate::value::Value;

/// A key that is only read. The server counts a hit or a miss, and replicas serve it.
pub struct ReadKey<T> {
    key: RedisKey,
    holds: PhantomData<T>,
}

impl<T: Value> ReadKey<T> {
    /// Opens a key.
    ///
    /// # Errors
    /// WRONGTYPE when it holds a value of another type.
    pub fn open(context: &Context, name: &RedisString) -> Result<Self, RedisError> {
        let key = context.open_key(name);
        let is_ours = T::data_types().iter().any(|kind| key.get_value::<T>(kind).is_ok());
        if is_ours { Ok(Self { key, holds: PhantomData }) } else { Err(RedisError::WrongType) }
    }

    /// The value, if the key is there.
    pub fn get(&self) -> Option<&T> {
        T::data_types().iter().find_map(|kind| self.key.get_value(kind).ok().flatten())
    }
}

/// A key that may be changed. When it is dropped the server is told, so that WATCH, client-side
/// caches and keyspace events see the change.
pub struct WriteKey<T> {
    key: OpenKey,
    holds: PhantomData<T>,
}

impl<T: Value> WriteKey<T> {
    /// Opens a key.
    ///
    /// # Errors
    /// WRONGTYPE when it holds a value of another type.
    pub fn open(context: &Context, name: &RedisString) -> Result<Self, RedisError> {
        let key = OpenKey::open(context, name);
        let is_ours = T::data_types().iter().any(|kind| verify_type(key.0, kind).is_ok());
        if is_ours { Ok(Self { key, holds: PhantomData }) } else { Err(RedisError::WrongType) }
    }

    fn value(&self) -> *mut T {
        // SAFETY: the key is open, and of our type if it is there; null if it isn't.
        unsafe { raw::RedisModule_ModuleTypeGetValue.expect("Redis 4")(self.key.0).cast() }
    }

    /// The value, if the key is there.
    pub fn get(&self) -> Option<&T> {
        // SAFETY: the value stays while the key is open; changing it takes this key by `&mut`.
        unsafe { self.value().as_ref() }
    }

    /// The value, to be changed where it is.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        // SAFETY: as above; commands run one at a time, so no other key shows the same value.
        unsafe { self.value().as_mut() }
    }

    /// Stores a value in a key that isn't there, or in the place of another; an expiry is lost.
    pub fn set(&mut self, value: T) {
        let data_type = *T::data_types()[0].raw_type.borrow();
        let value = Box::into_raw(Box::new(value)).cast();
        // SAFETY: the key is open for writing, and frees the value by the type's callback.
        unsafe { raw::RedisModule_ModuleTypeSetValue.expect("Redis 4")(self.key.0, data_type, value) };
    }

    /// Removes the key.
    pub fn delete(&mut self) {
        self.key.delete();
    }

    /// Milliseconds since 1970 when the key expires.
    pub fn expiry(&self) -> Option<i64> {
        self.key.expiry()
    }

    /// Lets the key expire at that time, in milliseconds since 1970, or never.
    pub fn set_expiry(&mut self, deadline: Option<i64>) {
        self.key.set_expiry(deadline);
    }
}

/// A key that holds one of Redis's strings, or nothing, and may be changed.
pub struct StringKey(OpenKey);

impl StringKey {
    /// Opens a key.
    ///
    /// # Errors
    /// WRONGTYPE when it holds a value of another type.
    pub fn open(context: &Context, name: &RedisString) -> Result<Self, RedisError> {
        let key = OpenKey::open(context, name);
        match key.kind() {
            KeyType::Empty | KeyType::String => Ok(Self(key)),
            _ => Err(RedisError::WrongType),
        }
    }

    /// The string, if the key is there.
    pub fn get(&mut self) -> Option<&[u8]> {
        if self.0.kind() == KeyType::Empty {
            return None;
        }
        let mut length = 0;
        let bytes = raw::string_dma(self.0.0, &mut length, raw::KeyMode::READ);
        // SAFETY: the bytes stay as they are until the key is changed, which takes `&mut`.
        Some(unsafe { std::slice::from_raw_parts(bytes.cast(), length) })
    }

    /// Milliseconds since 1970 when the key expires.
    pub fn expiry(&self) -> Option<i64> {
        self.0.expiry()
    }

    /// Stores a string; an expiry is lost.
    pub fn set(&mut self, value: &RedisString) {
        raw::string_set(self.0.0, value.inner);
    }

    /// Removes the key.
    pub fn delete(&mut self) {
        self.0.delete();
    }

    /// Lets the key expire at that time, in milliseconds since 1970, or never.
    pub fn set_expiry(&mut self, deadline: Option<i64>) {
        self.0.set_expiry(deadline);
    }
}

/// A key open for reading and writing; closed when dropped.
struct OpenKey(*mut raw::RedisModuleKey);

impl OpenKey {
    fn open(context: &Context, name: &RedisString) -> Self {
        Self(raw::open_key(context.ctx, name.inner, raw::KeyMode::READ | raw::KeyMode::WRITE))
    }

    fn kind(&self) -> KeyType {
        // SAFETY: the key is open.
        unsafe { raw::RedisModule_KeyType.expect("Redis 4")(self.0) }.into()
    }

    fn delete(&mut self) {
        // SAFETY: the key is open for writing.
        unsafe { raw::RedisModule_DeleteKey.expect("Redis 4")(self.0) };
    }

    fn expiry(&self) -> Option<i64> {
        // SAFETY: the key is open.
        let deadline = unsafe { raw::RedisModule_GetAbsExpire.expect("Redis 6.2")(self.0) };
        (deadline >= 0).then_some(deadline)
    }

    fn set_expiry(&mut self, deadline: Option<i64>) {
        if self.kind() == KeyType::Empty {
            return;
        }
        let deadline = deadline.unwrap_or(i64::from(raw::REDISMODULE_NO_EXPIRE));
        // SAFETY: the key is open for writing and holds a value.
        unsafe { raw::RedisModule_SetAbsExpire.expect("Redis 6.2")(self.0, deadline) };
    }
}

impl Drop for OpenKey {
    fn drop(&mut self) {
        raw::close_key(self.0);
    }
}
