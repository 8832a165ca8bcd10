//! The number that stands for a module's type: its name of nine characters, and the version of its encoding.

use std::fmt;

/// What names consist of; the place of a character is its number.
const CHARACTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// The length of every name, in characters.
const NAME_LEN: usize = 9;
/// How many bits a character takes.
const CHARACTER_BITS: u32 = 6;
/// How many bits the version takes.
const VERSION_BITS: u32 = 10;

/// A module's type and the version of its encoding, as RDB files name them: in 64 bits, the name in the higher 54.
///
/// ```
/// use persist::ModuleTypeId;
///
/// let id = ModuleTypeId::new("tairhash-", 1).unwrap();
/// assert_eq!(id.to_string(), "tairhash-");
/// assert_eq!(id.encoding_version(), 1);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ModuleTypeId(pub u64);

impl ModuleTypeId {
    /// The id of a name and a version; `None` unless the name is nine letters of ASCII, digits, `-` or `_`, and the
    /// version fits into 10 bits.
    pub fn new(name: &str, encoding_version: u32) -> Option<ModuleTypeId> {
        if name.len() != NAME_LEN || encoding_version >> VERSION_BITS != 0 {
            return None;
        }
        let number = |byte| CHARACTERS.iter().position(|&character| character == byte);
        let name = name.bytes().try_fold(0, |id, byte| Some(id << CHARACTER_BITS | number(byte)? as u64))?;
        Some(ModuleTypeId(name << VERSION_BITS | u64::from(encoding_version)))
    }

    /// The characters of the name.
    pub fn name(self) -> [u8; NAME_LEN] {
        std::array::from_fn(|at| {
            let shift = VERSION_BITS + CHARACTER_BITS * (NAME_LEN - 1 - at) as u32;
            CHARACTERS[(self.0 >> shift & 0x3f) as usize]
        })
    }

    /// The version of the encoding, below 1,024.
    pub fn encoding_version(self) -> u32 {
        (self.0 & ((1 << VERSION_BITS) - 1)) as u32
    }
}

/// The name.
impl fmt::Display for ModuleTypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().iter().try_for_each(|&byte| write!(f, "{}", char::from(byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_id_that_redis_7_0_gives() {
        // From a payload that redis-server wrote for a type `primitive` of encoding version 3.
        let id = ModuleTypeId(0xa6b8_a68a_d8af_7803);
        assert_eq!(ModuleTypeId::new("primitive", 3), Some(id));
        assert_eq!((&id.name(), id.encoding_version()), (b"primitive", 3));
    }

    #[test]
    fn what_is_no_name_or_no_version_has_no_id() {
        assert!(ModuleTypeId::new("AZaz09-_A", 1_023).is_some());
        for name in ["", "AZaz09-_", "AZaz09-_AB", "AZaz09-_.", "AZaz09-\u{e9}"] {
            assert_eq!(ModuleTypeId::new(name, 0), None, "{name}");
        }
        assert_eq!(ModuleTypeId::new("AZaz09-_A", 1_024), None);
    }

    proptest! {
        #[test]
        fn every_number_is_a_name_and_a_version(number: u64) {
            let id = ModuleTypeId(number);
            prop_assert_eq!(ModuleTypeId::new(&id.to_string(), id.encoding_version()), Some(id));
        }
    }
}
