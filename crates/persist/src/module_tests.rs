//! Values of modules' types, part by part.

use crate::{
    FormatError, ModuleReader, ModuleTypeId, ModuleWriter, Part, Reader, Writer, dump, skip_module_value,
};
use crate::{TYPE_MODULE_2, crc64, skip_value};
use keyspace::{Corrupt, Load, Save};
use proptest::prelude::*;

/// What redis-server 7.0.15 dumped for a type that saves the parts of [`golden_parts`].
const GOLDEN: &[u8] = b"\x07\x81\xa6\xb8\xa6\x8a\xd8\xaf\x78\x03\
    \x02\x05\x02\x81\xff\xff\xff\xff\xff\xff\xff\xff\x02\x81\xff\xff\xff\xff\xff\xff\xff\xfb\x02\x07\
    \x03\0\0\xc0\x3f\x04\0\0\0\0\0\0\x02\xc0\x05\xc1\x39\x30\x05\x05hello\
    \x05\xc3\x09\x25\x01aa\xe0\x18\0\x01aa\x05\xc0\x63\0\x0a\0\x7f\x1b\x25\x6f\x82\x03\xb0\x44";

/// A part with its value.
#[derive(Clone, Debug)]
enum Datum {
    Unsigned(u64),
    Signed(i64),
    Float(f32),
    Double(f64),
    String(Vec<u8>),
}

fn golden_parts() -> Vec<Datum> {
    vec![
        Datum::Unsigned(5),
        Datum::Unsigned(u64::MAX),
        Datum::Signed(-5),
        Datum::Signed(7),
        Datum::Float(1.5),
        Datum::Double(-2.25),
        Datum::String(b"12345".into()),
        Datum::String(b"hello".into()),
        Datum::String(vec![b'a'; 37]),
        Datum::String(b"99".into()),
    ]
}

impl Datum {
    fn save(&self, save: &mut dyn Save) {
        match self {
            Datum::Unsigned(value) => save.unsigned(*value),
            Datum::Signed(value) => save.signed(*value),
            Datum::Float(value) => save.float(*value),
            Datum::Double(value) => save.double(*value),
            Datum::String(bytes) => save.string(bytes),
        }
    }

    /// Whether the same comes back.
    fn loads(&self, load: &mut dyn Load) -> Result<bool, Corrupt> {
        Ok(match self {
            Datum::Unsigned(value) => load.unsigned()? == *value,
            Datum::Signed(value) => load.signed()? == *value,
            Datum::Float(value) => load.float()?.to_bits() == value.to_bits(),
            Datum::Double(value) => load.double()?.to_bits() == value.to_bits(),
            Datum::String(bytes) => load.string()? == *bytes,
        })
    }
}

fn id() -> ModuleTypeId {
    ModuleTypeId::new("primitive", 3).unwrap()
}

fn saved(parts: &[Datum], compresses: bool) -> Vec<u8> {
    let mut writer = Writer::new(compresses);
    let mut value = ModuleWriter::begin(&mut writer, id());
    parts.iter().for_each(|part| part.save(&mut value));
    value.finish();
    writer.into_bytes()
}

/// Reads all parts and the end; the first error.
fn load(parts: &[Datum], bytes: &[u8]) -> Result<(), FormatError> {
    let mut reader = Reader::new(bytes);
    let (found, mut value) = ModuleReader::begin(&mut reader)?;
    assert_eq!(found, id());
    for part in parts {
        match part.loads(&mut value) {
            Ok(is_same) => assert!(is_same, "{part:?}"),
            Err(Corrupt) => assert!(value.error().is_some()),
        }
    }
    value.finish()?;
    reader.finish()
}

#[test]
fn a_payload_of_redis_7_0() {
    let mut reader = dump::open(GOLDEN).unwrap();
    assert_eq!(skip_value(&mut reader.clone()), Ok(()));
    assert_eq!(reader.byte(), Ok(TYPE_MODULE_2));
    assert_eq!(load(&golden_parts(), reader.rest()), Ok(()));
    assert_eq!(skip_module_value(&mut reader), Ok(id()));
    assert_eq!(reader.finish(), Ok(()));
    // What is written is the same up to the text that is compressed, in which more than one choice is right.
    let ours = saved(&golden_parts(), true);
    let compressed = GOLDEN.windows(2).position(|pair| pair == b"\x05\xc3").unwrap() + 2;
    assert_eq!(ours[..compressed - 1], GOLDEN[1..compressed]);
    assert!(ours.ends_with(b"\x05\xc0\x63\0"));
    assert_eq!(load(&golden_parts(), &ours), Ok(()));
}

#[test]
fn signed_integers_are_read_under_either_opcode() {
    for opcode in 1..=2 {
        let mut bytes = saved(&[Datum::Signed(-5)], false);
        bytes[9] = opcode;
        assert_eq!(load(&[Datum::Signed(-5)], &bytes), Ok(()));
    }
    let mut bytes = saved(&[Datum::Unsigned(5)], false);
    bytes[9] = 1;
    let error = FormatError::Part { wanted: Part::Unsigned, found: Part::Signed };
    assert_eq!(load(&[Datum::Unsigned(5)], &bytes), Err(error));
}

#[test]
fn the_first_error_stays() {
    let bytes = saved(&golden_parts(), true);
    let mut reader = Reader::new(&bytes);
    let (_, mut value) = ModuleReader::begin(&mut reader).unwrap();
    assert_eq!(value.unsigned(), Ok(5));
    assert_eq!(value.error(), None);
    assert_eq!(value.double(), Err(Corrupt));
    let error = FormatError::Part { wanted: Part::Double, found: Part::Unsigned };
    assert_eq!(value.error(), Some(error));
    assert_eq!(error.to_string(), "an unsigned integer stands where a number of 64 bits is wanted");
    assert_eq!(value.unsigned(), Err(Corrupt));
    assert_eq!(value.string(), Err(Corrupt));
    assert_eq!(value.finish(), Err(error));
}

#[test]
fn more_parts_or_fewer_than_the_type_reads() {
    let parts = golden_parts();
    let bytes = saved(&parts, true);
    let fewer = FormatError::Part { wanted: Part::End, found: Part::String };
    assert_eq!(load(&parts[..parts.len() - 1], &bytes), Err(fewer));
    let more = [&parts[..], &[Datum::Unsigned(0)]].concat();
    let error = FormatError::Part { wanted: Part::Unsigned, found: Part::End };
    assert_eq!(load(&more, &bytes), Err(error));
}

#[test]
fn opcodes_that_there_are_not() {
    for opcode in [6u64, 63, 64, u64::MAX] {
        let mut writer = Writer::new(false);
        writer.length(id().0);
        writer.length(opcode);
        let bytes = writer.into_bytes();
        assert_eq!(load(&[], &bytes), Err(FormatError::Opcode(opcode)));
        assert_eq!(skip_module_value(&mut Reader::new(&bytes)), Err(FormatError::Opcode(opcode)));
    }
}

fn parts() -> impl Strategy<Value = Vec<Datum>> {
    let datum = prop_oneof![
        (any::<u64>(), 0u32..64).prop_map(|(value, shift)| Datum::Unsigned(value >> shift)),
        (any::<i64>(), 0u32..64).prop_map(|(value, shift)| Datum::Signed(value >> shift)),
        any::<f32>().prop_map(Datum::Float),
        any::<f64>().prop_map(Datum::Double),
        prop::collection::vec(any::<u8>(), 0..60).prop_map(Datum::String),
        (any::<u8>(), 0usize..200).prop_map(|(byte, len)| Datum::String(vec![byte; len])),
        any::<i32>().prop_map(|value| Datum::String(value.to_string().into())),
    ];
    prop::collection::vec(datum, 0..12)
}

proptest! {
    #[test]
    fn values_come_back(parts in parts(), compresses: bool) {
        let bytes = saved(&parts, compresses);
        prop_assert_eq!(load(&parts, &bytes), Ok(()));
        let mut reader = Reader::new(&bytes);
        prop_assert_eq!(skip_module_value(&mut reader), Ok(id()));
        prop_assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn a_part_of_a_value_is_an_error(parts in parts(), compresses: bool) {
        let bytes = saved(&parts, compresses);
        for len in 0..bytes.len() {
            prop_assert!(load(&parts, &bytes[..len]).is_err(), "{} bytes", len);
            prop_assert!(skip_module_value(&mut Reader::new(&bytes[..len])).is_err(), "{} bytes", len);
        }
    }

    #[test]
    fn any_bytes_are_walked_or_refused(mut bytes: Vec<u8>) {
        bytes.insert(0, TYPE_MODULE_2);
        bytes.extend(dump::RDB_VERSION.to_le_bytes());
        bytes.extend(crc64::checksum(&bytes).to_le_bytes());
        let mut reader = dump::open(&bytes).unwrap();
        let before = reader.rest().len();
        if skip_value(&mut reader).is_ok() {
            // The type, an id and an opcode at least.
            prop_assert!(before - reader.rest().len() >= 3);
        }
    }
}
