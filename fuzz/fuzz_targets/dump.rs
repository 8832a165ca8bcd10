//! Any bytes as a value in a payload of DUMP, and any text as what is to be dumped.
//!
//! - Nothing panics, and no more memory is taken than the bytes can fill.
//! - What can be read can be skipped, and ends at the same place.
//! - A text comes back from every form in which it is written; a part of such a form is none.
//! - What RESTORE accepts, DUMP gives back, and RESTORE accepts that.
#![no_main]

use arbitrary::Arbitrary;
use engine::{Engine, Options, Reply};
use keyspace::{Corrupt, Load};
use libfuzzer_sys::fuzz_target;
use persist::{
    ModuleReader, Reader, TYPE_MODULE_2, TYPE_STRING, Text, Writer, crc64, dump, lzf, skip_module_value,
};

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    /// A string's value.
    String(&'a [u8]),
    /// A compressed text, and its length.
    Compressed(&'a [u8], u32),
    /// A module's value, and which parts its type wants, by turns.
    Module(&'a [u8], Vec<u8>),
    /// A payload.
    Payload(&'a [u8]),
    /// A text that is repeated, and changed at some places.
    Text(&'a [u8], u8, Vec<(u16, u8)>),
}

fuzz_target!(|input: Input<'_>| match input {
    Input::String(bytes) => {
        read_string(bytes);
        restore(&sealed(TYPE_STRING, bytes));
    }
    Input::Compressed(bytes, len) => {
        if let Ok(text) = lzf::decompress(bytes, len.into()) {
            assert_eq!(text.len() as u64, u64::from(len));
            // Three bytes make 264 at most.
            assert!(text.len() <= bytes.len() * 88);
        }
    }
    Input::Module(bytes, wanted) => {
        read_module(bytes, &wanted);
        restore(&sealed(TYPE_MODULE_2, bytes));
    }
    Input::Payload(bytes) => restore(bytes),
    Input::Text(word, times, changes) => {
        let mut text = word.repeat(times.into());
        for (at, byte) in changes {
            if let Some(place) = text.get_mut(usize::from(at)) {
                *place = byte;
            }
        }
        write_text(&text);
    }
});

fn sealed(kind: u8, value: &[u8]) -> Vec<u8> {
    let mut payload = [&[kind], value, &dump::RDB_VERSION.to_le_bytes()].concat();
    payload.extend(crc64::checksum(&payload).to_le_bytes());
    payload
}

fn read_string(bytes: &[u8]) {
    let (mut reader, mut skipper) = (Reader::new(bytes), Reader::new(bytes));
    if reader.string().is_ok() {
        assert_eq!(skipper.skip_string(), Ok(()));
        assert_eq!(reader.rest(), skipper.rest());
    }
}

fn read_module(bytes: &[u8], wanted: &[u8]) {
    let mut reader = Reader::new(bytes);
    let Ok((id, mut value)) = ModuleReader::begin(&mut reader) else { return };
    let parts: Result<(), Corrupt> = wanted.iter().try_for_each(|part| match part % 5 {
        0 => value.unsigned().map(drop),
        1 => value.signed().map(drop),
        2 => value.float().map(drop),
        3 => value.double().map(drop),
        _ => value.string().map(drop),
    });
    assert_eq!(parts.is_err(), value.error().is_some());
    if value.finish().is_ok() {
        assert!(parts.is_ok());
        let mut skipper = Reader::new(bytes);
        assert_eq!(skip_module_value(&mut skipper), Ok(id));
        assert_eq!(skipper.rest(), reader.rest());
    }
}

fn write_text(text: &[u8]) {
    for compresses in [true, false] {
        let mut writer = Writer::new(compresses);
        writer.string(text);
        let form = writer.into_bytes();
        assert!(form.len() <= text.len() + 5);
        let mut reader = Reader::new(&form);
        assert_eq!(reader.string().map(Text::into_bytes).as_deref(), Ok(text));
        assert_eq!(reader.finish(), Ok(()));
        for len in 0..form.len().min(64) {
            assert!(Reader::new(&form[..len]).string().is_err());
        }
    }
}

fn restore(payload: &[u8]) {
    let mut engine = Engine::open(Options { seed: Some(1), ..Options::default() });
    let client = engine.connect().expect("there is room for one client");
    let restored = engine.call(client, &[b"RESTORE", b"key", b"0", payload]);
    let value = engine.call(client, &[b"GET", b"key"]);
    if restored.is_error() {
        assert_eq!(value, Reply::Null);
        return;
    }
    let Reply::Bulk(dumped) = engine.call(client, &[b"DUMP", b"key"]) else { panic!("no payload") };
    assert!(!engine.call(client, &[b"RESTORE", b"other", b"0", &dumped]).is_error());
    assert_eq!(engine.call(client, &[b"GET", b"other"]), value);
}
