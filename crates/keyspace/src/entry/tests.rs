//! Entries against a plain struct, at every width of lengths.

use super::*;
use proptest::prelude::*;

/// What an entry should say of itself.
#[derive(Clone, Debug)]
struct Model {
    key: Vec<u8>,
    text: Vec<u8>,
    encoding: Encoding,
    expiry: Option<i64>,
    clock: u32,
}

fn check(entry: &Entry, model: &Model) {
    let entry = entry.as_ref();
    assert_eq!(entry.key(), model.key);
    assert_eq!(entry.expiry(), model.expiry);
    assert_eq!(entry.clock(), model.clock);
    assert_eq!(entry.encoding(), model.encoding);
    assert_eq!(entry.value_type().name(), "string");
    assert_eq!(entry.string().encoding(), model.encoding);
    assert_eq!(entry.string().as_bytes(&mut NumberBuffer::new()), model.text);
    assert_eq!(entry.string().len(), model.text.len());
}

/// Bytes that differ from place to place.
fn text(len: usize) -> Vec<u8> {
    (0..len).map(|at| b'a' + (at % 23) as u8).collect()
}

const KEY_LENGTHS: [usize; 9] = [0, 1, 16, 254, 255, 256, 65_535, 65_536, 100_000];
const VALUE_LENGTHS: [usize; 14] = [0, 1, 8, 44, 45, 254, 255, 256, 511, 512, 513, 1024, 65_536, 1_048_577];

#[test]
fn every_width_of_key_and_value() {
    for key_len in KEY_LENGTHS {
        for value_len in VALUE_LENGTHS {
            for expiry in [None, Some(0), Some(i64::MIN), Some(i64::MAX)] {
                let (key, value) = (text(key_len), text(value_len));
                let value_as_set = StringValue::encode(&value);
                let encoding = value_as_set.encoding();
                let entry = Entry::new(&key, value_as_set, expiry, MAX_CLOCK);
                check(&entry, &Model { key, text: value, encoding, expiry, clock: MAX_CLOCK });
            }
        }
    }
}

#[test]
fn a_text_that_is_taken_over_is_a_text_like_any_other() {
    for len in VALUE_LENGTHS {
        for spare in [0, 7, 4096] {
            let mut taken = Vec::with_capacity(len + spare);
            taken.extend_from_slice(&text(len));
            let mut entry = Entry::from_vec(b"key", taken, Some(3), 5);
            let mut model = Model {
                key: b"key".to_vec(),
                text: text(len),
                encoding: Encoding::Raw,
                expiry: Some(3),
                clock: 5,
            };
            check(&entry, &model);
            entry.append(b"tail");
            model.text.extend_from_slice(b"tail");
            check(&entry, &model);
        }
    }
}

#[test]
fn a_text_is_taken_out_in_its_block_for_one_that_fills_half_of_it() {
    for len in VALUE_LENGTHS {
        for wanted in [0, 512, 513, len / 2, len, len + 1, 10 * len] {
            for expiry in [None, Some(3)] {
                let mut entry = Entry::new(b"key", StringValue::Raw(&text(len)), expiry, 5);
                let capacity =
                    entry.as_ref().value_block(entry.as_ref().shape()).map_or(0, |block| block.capacity);
                let taken = entry.take_text(wanted);
                let fits = wanted > MAX_INLINE && (capacity / 2..=capacity).contains(&wanted);
                assert_eq!(taken, fits.then(|| text(len)), "{len} {wanted}");
                assert!(taken.is_none_or(|taken| taken.capacity() == capacity));
                let left = if fits { Vec::new() } else { text(len) };
                let key = b"key".to_vec();
                let model = Model { key, text: left, encoding: Encoding::Raw, expiry, clock: 5 };
                check(&entry, &model);
            }
        }
    }
    let mut number = Entry::new(b"key", StringValue::Int(7), None, 0);
    assert_eq!(number.take_text(600), None);
    assert_eq!(number.as_ref().string(), StringValue::Int(7));
}

#[test]
fn every_size_of_value_becomes_every_other() {
    for from in VALUE_LENGTHS {
        for to in VALUE_LENGTHS.into_iter().filter(|&len| len <= 65_536) {
            for expiry in [None, Some(77)] {
                let (old, new) = (text(from), text(to));
                let mut entry = Entry::new(b"key", StringValue::encode(&old), expiry, 5);
                entry.set_string(StringValue::encode(&new));
                let encoding = StringValue::encode(&new).encoding();
                let mut model = Model { key: b"key".to_vec(), text: new, encoding, expiry, clock: 5 };
                check(&entry, &model);
                entry.set_string_and_expiry(StringValue::Int(-12), Some(9));
                model = Model { text: b"-12".to_vec(), encoding: Encoding::Int, expiry: Some(9), ..model };
                check(&entry, &model);
                entry.set_string_and_expiry(StringValue::Raw(&old), None);
                model = Model { text: old, encoding: Encoding::Raw, expiry: None, ..model };
                check(&entry, &model);
            }
        }
    }
}

#[test]
fn changed_text_is_raw_however_short() {
    let mut entry = Entry::new(b"k", StringValue::encode(b"7"), None, 0);
    assert_eq!(entry.append(b""), 1);
    assert_eq!(entry.as_ref().string(), StringValue::Raw(b"7"));
    let mut entry = Entry::new(b"k", StringValue::encode(b"abc"), None, 0);
    assert_eq!(entry.set_range(1, b"X"), 3);
    assert_eq!(entry.as_ref().string(), StringValue::Raw(b"aXc"));
    let copy = entry.as_ref().duplicate(b"copy", |_| None).unwrap();
    assert_eq!(copy.as_ref().string(), StringValue::Raw(b"aXc"));
    assert_eq!(entry.rekey(b"other").as_ref().string(), StringValue::Raw(b"aXc"));
}

/// A counter, a value overwritten by one of the same size class, a new expiry: none of them moves.
#[test]
fn what_fits_is_changed_in_place() {
    let mut entry = Entry::new(&text(16), StringValue::Int(1), Some(1), 0);
    let id = entry.as_ref().id();
    entry.set_string(StringValue::Int(i64::MAX));
    entry.set_expiry(Some(2));
    entry.set_clock(99);
    entry.set_string_and_expiry(StringValue::EmbStr(b"seven b"), Some(3));
    assert!(entry.as_ref().is_same(id));
    assert_eq!(entry.as_ref().string(), StringValue::EmbStr(b"seven b"));

    let mut entry = Entry::new(&text(16), StringValue::Raw(&text(100)), None, 0);
    let id = entry.as_ref().id();
    entry.set_string(StringValue::Raw(&text(95)));
    entry.append(b"12345678");
    assert!(entry.as_ref().is_same(id));
    assert_eq!(entry.as_ref().string().len(), 103);

    let mut entry = Entry::new(&text(16), StringValue::Raw(&text(5_000)), None, 0);
    let id = entry.as_ref().id();
    entry.set_string(StringValue::Raw(&text(4_000)));
    entry.append(&text(100_000));
    assert!(entry.as_ref().is_same(id));
}

/// Appending byte by byte moves a large block a number of times that grows as the logarithm.
#[test]
fn appends_have_room_to_grow() {
    let mut capacities: Vec<usize> = Vec::new();
    let mut entry = Entry::new(b"log", StringValue::Raw(&text(513)), None, 0);
    for _ in 0..200_000 {
        entry.append(b"x");
        let usage = entry.as_ref().memory_usage(|layout| layout.size());
        if capacities.last() != Some(&usage) {
            capacities.push(usage);
        }
    }
    assert!(capacities.len() < 12, "{capacities:?}");
}

#[test]
fn a_value_that_shrank_gives_memory_back() {
    let mut entry = Entry::new(b"key", StringValue::Raw(&text(1 << 20)), None, 0);
    entry.set_string(StringValue::Raw(&text(1000)));
    assert!(entry.as_ref().memory_usage(|layout| layout.size()) < 1200);
}

#[test]
fn clocks_keep_24_bits() {
    let mut entry = Entry::new(b"key", StringValue::Int(0), None, u32::MAX);
    assert_eq!(entry.as_ref().clock(), MAX_CLOCK);
    for clock in [0, 1, 0x12_3456, MAX_CLOCK, 0xff00_0001] {
        entry.set_clock(clock);
        assert_eq!(entry.as_ref().clock(), clock & MAX_CLOCK);
    }
}

#[test]
fn memory_usage_counts_both_blocks() {
    let small = Entry::new(&text(16), StringValue::Raw(&text(512)), None, 0);
    assert_eq!(small.as_ref().memory_usage(|layout| layout.size()), 640);
    let large = Entry::new(&text(16), StringValue::Raw(&text(640)), None, 0);
    assert_eq!(large.as_ref().memory_usage(|layout| layout.size()), 48 + 640);
    assert_eq!(large.as_ref().memory_usage(|_| 1), 2);
}

#[derive(Clone, Debug)]
enum Step {
    Set(Vec<u8>),
    SetBoth(Vec<u8>, Option<i64>),
    Expiry(Option<i64>),
    Append(Vec<u8>),
    Range(usize, Vec<u8>),
    Rekey(usize),
    Duplicate(usize),
    Clock(u32),
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<i64>().prop_map(|value| value.to_string().into_bytes()),
        (0usize..60).prop_map(text),
        (200usize..300).prop_map(text),
        (490usize..540).prop_map(text),
        (1000usize..5000).prop_map(text),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key_len = || prop_oneof![0usize..40, 250usize..260, 65_530usize..65_540];
    let step = prop_oneof![
        value().prop_map(Step::Set),
        (value(), any::<Option<i64>>()).prop_map(|(value, expiry)| Step::SetBoth(value, expiry)),
        any::<Option<i64>>().prop_map(Step::Expiry),
        value().prop_map(Step::Append),
        (0usize..700, value()).prop_map(|(offset, part)| Step::Range(offset, part)),
        key_len().prop_map(Step::Rekey),
        key_len().prop_map(Step::Duplicate),
        (0..=MAX_CLOCK).prop_map(Step::Clock),
    ];
    proptest::collection::vec(step, 0..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn is_its_parts(first in value(), steps in steps()) {
        let encoding = StringValue::encode(&first).encoding();
        let mut entry = Entry::new(b"first", StringValue::encode(&first), None, 0);
        let mut model = Model { key: b"first".to_vec(), text: first, encoding, expiry: None, clock: 0 };
        for step in steps {
            match step {
                Step::Set(value) => {
                    entry.set_string(StringValue::encode(&value));
                    model.encoding = StringValue::encode(&value).encoding();
                    model.text = value;
                }
                Step::SetBoth(value, expiry) => {
                    entry.set_string_and_expiry(StringValue::encode(&value), expiry);
                    model.encoding = StringValue::encode(&value).encoding();
                    model.text = value;
                    model.expiry = expiry;
                }
                Step::Expiry(expiry) => {
                    entry.set_expiry(expiry);
                    model.expiry = expiry;
                }
                Step::Append(tail) => {
                    model.text.extend_from_slice(&tail);
                    model.encoding = Encoding::Raw;
                    prop_assert_eq!(entry.append(&tail), model.text.len());
                }
                Step::Range(offset, part) => {
                    let end = offset + part.len();
                    model.text.resize(model.text.len().max(end), 0);
                    model.text[offset..end].copy_from_slice(&part);
                    model.encoding = Encoding::Raw;
                    prop_assert_eq!(entry.set_range(offset, &part), model.text.len());
                }
                Step::Rekey(len) => {
                    model.key = text(len);
                    entry = entry.rekey(&model.key);
                }
                Step::Duplicate(len) => {
                    let copy = entry.as_ref().duplicate(&text(len), |_| None).unwrap();
                    check(&copy, &Model { key: text(len), ..model.clone() });
                }
                Step::Clock(clock) => {
                    entry.set_clock(clock);
                    model.clock = clock;
                }
            }
            check(&entry, &model);
        }
    }
}
