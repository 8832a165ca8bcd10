//! Lengths, strings and payloads: both ways, and everything that isn't one.

use crate::{FormatError, Reader, TYPE_STRING, Text, Writer, crc64, dump};
use proptest::prelude::*;
use std::borrow::Cow;

fn written(compresses: bool, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new(compresses);
    write(&mut writer);
    writer.into_bytes()
}

fn bytes(text: &[u8]) -> Text<'_> {
    Text::Bytes(Cow::Borrowed(text))
}

/// Every beginning of `whole` but the whole fails to read.
fn no_part_reads<'a, T>(whole: &'a [u8], read: impl Fn(&mut Reader<'a>) -> Result<T, FormatError>) {
    for len in 0..whole.len() {
        let mut reader = Reader::new(&whole[..len]);
        assert!(read(&mut reader).is_err(), "{len} bytes of {}", whole.escape_ascii());
    }
}

#[test]
fn lengths_at_every_boundary() {
    let cases: &[(u64, &[u8])] = &[
        (0, b"\x00"),
        (63, b"\x3f"),
        (64, b"\x40\x40"),
        (16_383, b"\x7f\xff"),
        (16_384, b"\x80\0\0\x40\0"),
        (0xffff_ffff, b"\x80\xff\xff\xff\xff"),
        (0x1_0000_0000, b"\x81\0\0\0\x01\0\0\0\0"),
        (u64::MAX, b"\x81\xff\xff\xff\xff\xff\xff\xff\xff"),
    ];
    for &(length, form) in cases {
        assert_eq!(written(false, |writer| writer.length(length)), form);
        let mut reader = Reader::new(form);
        assert_eq!(reader.length(), Ok(length));
        assert_eq!(reader.finish(), Ok(()));
        no_part_reads(form, Reader::length);
    }
    assert_eq!(Reader::new(b"\x80\0\0\0\x01").length(), Ok(1), "a longer form than need be");
    for first in 0x82..=0xbf {
        assert_eq!(Reader::new(&[first; 9]).length(), Err(FormatError::Length(first)));
        assert_eq!(Reader::new(&[first; 9]).string(), Err(FormatError::Length(first)));
    }
    for first in 0xc0..=0xff {
        assert_eq!(Reader::new(&[first; 9]).length(), Err(FormatError::NotALength(first & 0x3f)));
    }
}

#[test]
fn integers_at_every_boundary() {
    let cases: &[(i64, &[u8])] = &[
        (0, b"\xc0\0"),
        (-1, b"\xc0\xff"),
        (127, b"\xc0\x7f"),
        (-128, b"\xc0\x80"),
        (128, b"\xc1\x80\0"),
        (-129, b"\xc1\x7f\xff"),
        (32_767, b"\xc1\xff\x7f"),
        (32_768, b"\xc2\0\x80\0\0"),
        (2_147_483_647, b"\xc2\xff\xff\xff\x7f"),
        (-2_147_483_648, b"\xc2\0\0\0\x80"),
        (2_147_483_648, b"\x0a2147483648"),
        (-2_147_483_649, b"\x0b-2147483649"),
        (i64::MIN, b"\x14-9223372036854775808"),
    ];
    for &(value, form) in cases {
        let text = value.to_string();
        assert_eq!(written(true, |writer| writer.integer(value)), form);
        assert_eq!(written(true, |writer| writer.string(text.as_bytes())), form);
        let read = Reader::new(form).string().unwrap();
        assert_eq!(read.into_bytes(), text.as_bytes());
        no_part_reads(form, Reader::string);
        no_part_reads(form, Reader::skip_string);
    }
    for text in ["", "-", "-0", "007", "+1", "1.0", " 1"] {
        let form = written(true, |writer| writer.string(text.as_bytes()));
        assert_eq!(Reader::new(&form).string(), Ok(bytes(text.as_bytes())));
    }
}

#[test]
fn strings_are_compressed_where_that_is_wanted_and_saves_space() {
    let compressed = |compresses, text: &[u8]| written(compresses, |writer| writer.string(text))[0] == 0xc3;
    assert!(compressed(true, &[b'a'; 21]));
    assert!(!compressed(true, &[b'a'; 20]));
    assert!(!compressed(false, &[b'a'; 2_000]));
    let random: Vec<u8> = (0..200u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    assert!(!compressed(true, &random));
    // As Redis 7.0 writes it, but for the first reference: a byte earlier, as nothing forbids.
    let read = Reader::new(b"\xc3\x06\x15\x01xx\xe0\x0a\0").string().unwrap();
    assert_eq!(read.into_bytes(), &[b'x'; 21][..]);
}

#[test]
fn what_is_no_string_is_an_error() {
    for number in 4..=0x3f {
        let error = Err(FormatError::StringEncoding(number));
        assert_eq!(Reader::new(&[0xc0 | number; 9]).string(), error);
        assert_eq!(Reader::new(&[0xc0 | number; 9]).skip_string(), error.map(drop));
    }
    let huge = b"\x81\xff\xff\xff\xff\xff\xff\xff\xffab";
    assert_eq!(Reader::new(huge).string(), Err(FormatError::Truncated { needed: u64::MAX, left: 2 }));
    for claims in
        [&b"\xc3\x01\x81\x7f\0\0\0\0\0\0\0ab"[..], b"\xc3\x02\x02\0a", b"\xc3\xc1\x01\0a", b"\xc3\x02\xc1\0a"]
    {
        assert!(Reader::new(claims).string().is_err(), "{claims:?}");
    }
    assert_eq!(Reader::new(b"ab").finish(), Err(FormatError::Trailing(2)));
}

#[test]
fn errors_say_what_is_wrong() {
    let errors = [
        Reader::new(b"\x05ab").string().unwrap_err(),
        Reader::new(b"\x90").length().unwrap_err(),
        Reader::new(b"\xc7").length().unwrap_err(),
        Reader::new(b"\xc7").string().unwrap_err(),
        Reader::new(b"\xc3\x01\x01\0").string().unwrap_err(),
        Reader::new(b"ab").finish().unwrap_err(),
        FormatError::Type(9),
    ];
    let texts = errors.map(|error| error.to_string());
    assert_eq!(
        texts,
        [
            "5 bytes should come next, and 2 are left",
            "no length begins with the byte 0x90",
            "the special encoding 7 stands where a length should be",
            "no string has the special encoding 7",
            "the compressed text is cut off",
            "2 bytes follow after the end of the value",
            "values of type 9 can't be read",
        ]
    );
}

#[test]
fn payloads_of_redis_7_0() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "00000a005d9b5c400f7fa2da"),
        (b"a", "0001610a00bffeef9b8f367db4"),
        (b"-129", "00c17fff0a001760822854808480"),
        (b"2147483648", "000a323134373438333634380a00e7b129a34c1d76ee"),
        (
            b"abcdefghijklmnopqrstuvwxyz0123456789",
            "00246162636465666768696a6b6c6d6e6f707172737475767778797a303132333435363738390a00c3d18e5aec8d8f0d",
        ),
    ];
    for (text, hex) in cases {
        let payload = sealed(text);
        let shown: String = payload.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(shown, *hex);
    }
}

#[test]
fn versions_up_to_our_own_are_read() {
    for version in [0, 1, dump::RDB_VERSION, dump::RDB_VERSION + 1, u16::MAX] {
        let mut payload = [&b"\0\x01a"[..], &version.to_le_bytes()].concat();
        payload.extend(crc64::checksum(&payload).to_le_bytes());
        let opened = dump::open(&payload).map(|reader| reader.rest());
        match version <= dump::RDB_VERSION {
            true => assert_eq!(opened, Ok(&b"\0\x01a"[..])),
            false => assert_eq!(opened, Err(dump::DumpError::Version(version))),
        }
    }
}

#[test]
fn damaged_payloads_are_refused() {
    let payload = sealed(b"some text");
    for len in 0..payload.len() {
        let error = dump::open(&payload[..len]).unwrap_err();
        assert!(!error.to_string().is_empty());
        assert_eq!(matches!(error, dump::DumpError::TooShort { .. }), len < 10);
    }
    for bit in 0..payload.len() * 8 {
        let mut damaged = payload.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(dump::open(&damaged).is_err(), "bit {bit}");
    }
}

fn sealed(text: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new(true);
    writer.byte(TYPE_STRING);
    writer.string(text);
    dump::seal(writer)
}

/// Strings of every form: integers, short ones, repetitive ones, random ones.
fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<i64>().prop_map(|value| value.to_string().into()),
        any::<i32>().prop_map(|value| value.to_string().into()),
        any::<i8>().prop_map(|value| value.to_string().into()),
        "[-0-9]{0,13}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..100),
        (prop::collection::vec(any::<u8>(), 0..9), 0usize..100).prop_map(|(word, times)| word.repeat(times)),
    ]
}

proptest! {
    #[test]
    fn strings_come_back(texts in prop::collection::vec(text(), 0..5), compresses: bool) {
        let form = written(compresses, |writer| texts.iter().for_each(|text| writer.string(text)));
        let (mut reader, mut skipper) = (Reader::new(&form), Reader::new(&form));
        for text in &texts {
            prop_assert_eq!(&reader.string().unwrap().into_bytes()[..], &text[..]);
            skipper.skip_string().unwrap();
            prop_assert_eq!(reader.rest(), skipper.rest());
        }
        prop_assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn a_part_of_a_string_is_an_error(text in text(), compresses: bool) {
        let form = written(compresses, |writer| writer.string(&text));
        no_part_reads(&form, Reader::string);
        no_part_reads(&form, Reader::skip_string);
    }

    #[test]
    fn numbers_come_back(length: u64, shift in 0u32..64, double: f64, float: f32) {
        let length = length >> shift;
        let form = written(false, |writer| {
            writer.length(length);
            writer.double(double);
            writer.float(float);
        });
        let mut reader = Reader::new(&form);
        prop_assert_eq!(reader.length(), Ok(length));
        prop_assert_eq!(reader.double().unwrap().to_bits(), double.to_bits());
        prop_assert_eq!(reader.float().unwrap().to_bits(), float.to_bits());
        prop_assert_eq!(reader.finish(), Ok(()));
        no_part_reads(&form, |reader| {
            reader.length()?;
            reader.double()?;
            reader.float()
        });
    }

    #[test]
    fn any_bytes_give_a_string_or_an_error(bytes: Vec<u8>, special in any::<bool>(), number in 0u8..5) {
        let bytes = match special {
            true => [&[0xc0 | number][..], &bytes].concat(),
            false => bytes,
        };
        let (mut reader, mut skipper) = (Reader::new(&bytes), Reader::new(&bytes));
        if reader.string().is_ok() {
            prop_assert_eq!(skipper.skip_string(), Ok(()));
            prop_assert_eq!(reader.rest(), skipper.rest());
        }
    }

    #[test]
    fn any_bytes_are_opened_or_refused(mut bytes: Vec<u8>, seals: bool) {
        if seals {
            bytes.extend(crc64::checksum(&bytes).to_le_bytes());
        }
        if let Ok(reader) = dump::open(&bytes) {
            prop_assert_eq!(reader.rest().len() + 10, bytes.len());
        }
    }
}
