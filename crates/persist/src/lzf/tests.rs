//! The format by its definition, and beside another implementation of it.

use super::*;
use proptest::prelude::*;

/// Texts with repetitions, near and far, among random bytes.
fn repetitive() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        (any::<u8>(), 0usize..700).prop_map(|(byte, len)| vec![byte; len]),
        (prop::collection::vec(0u8..3, 1..6), 1usize..80).prop_map(|(word, times)| word.repeat(times)),
        (0usize..9_000).prop_map(|len| (0..len).map(|n| (n * n / 7) as u8).collect()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn round_trip(text: &[u8]) -> Vec<u8> {
    // Literals alone take a byte more for every 32.
    let most = text.len() + text.len() / MAX_LITERALS + 1;
    let compressed = compress(text, most).expect("literals fit");
    assert_eq!(decompress(&compressed, text.len() as u64).as_deref(), Ok(text));
    compressed
}

#[test]
fn items_mean_what_the_format_says() {
    let cases: &[(&[u8], &[u8])] = &[
        (b"", b""),
        (b"\0a", b"a"),
        (b"\x02abc", b"abc"),
        (b"\0a\x20\0", b"aaaa"),
        (b"\x02abc\x20\x02", b"abcabc"),
        (b"\x01ab\xc0\x01", b"ababababab"),
        (b"\0a\xe0\0\0", b"aaaaaaaaaa"),
        (b"\0a\x20\0\x01bc\x20\x01", b"aaaabcbcb"),
    ];
    for (compressed, text) in cases {
        assert_eq!(decompress(compressed, text.len() as u64).as_deref(), Ok(*text), "{compressed:?}");
        assert_eq!(lzf::decompress(compressed, text.len()).as_deref().unwrap_or_default(), *text);
    }
    let longest = [b"\0a\xe0\xff\0".as_slice(), &[0xe0, 0xff, 0]].concat();
    assert_eq!(decompress(&longest, 529), Ok(vec![b'a'; 529]));
}

#[test]
fn what_is_no_item_is_an_error() {
    let cases: &[(&[u8], u64, LzfError)] = &[
        (b"\x01a", 2, LzfError::Truncated),
        (b"\0a\x20", 4, LzfError::Truncated),
        (b"\0a\xe0", 10, LzfError::Truncated),
        (b"\0a\xe0\0", 10, LzfError::Truncated),
        (b"\x20\0", 3, LzfError::Distance { distance: 1, at: 0 }),
        (b"\0a\x21\x02", 4, LzfError::Distance { distance: 0x103, at: 1 }),
        (b"\0a", 2, LzfError::Length { stated: 2 }),
        (b"\0a\0b", 1, LzfError::Length { stated: 1 }),
        (b"\0a\x20\0", 3, LzfError::Length { stated: 3 }),
        (b"", 1, LzfError::Length { stated: 1 }),
        (b"\xe0\xff\0", u64::MAX, LzfError::Length { stated: u64::MAX }),
    ];
    for &(compressed, len, error) in cases {
        assert_eq!(decompress(compressed, len), Err(error), "{compressed:?}");
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn repetitions_at_every_boundary() {
    for len in [3, 4, 8, 9, 10, 263, 264, 265, 266, 528, 529] {
        for distance in [1, 2, 3, 255, 256, 257, 8_191, 8_192, 8_193] {
            let mut text: Vec<u8> =
                (0..distance).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            text.extend((0..len).map(|n| text[n % distance as usize]).collect::<Vec<_>>());
            let compressed = round_trip(&text);
            assert_eq!(lzf::decompress(&compressed, text.len()).unwrap(), text, "{len} {distance}");
        }
    }
    assert_eq!(round_trip(&[b'a'; 265]), b"\0a\xe0\xff\0");
    assert_eq!(round_trip(&[0; 1 << 20]).len(), 2 + (1usize << 20).div_ceil(264) * 3);
}

#[test]
fn a_limit_is_kept_to_the_byte() {
    let text = [b"abcdefgh".repeat(9), (0..200).collect()].concat();
    let len = round_trip(&text).len();
    assert_eq!(compress(&text, len).map(|compressed| compressed.len()), Some(len));
    for limit in 0..len {
        assert_eq!(compress(&text, limit), None, "{limit}");
    }
}

#[test]
fn no_worse_than_the_other_implementation_on_text() {
    let text: Vec<u8> = include_bytes!("tests.rs").iter().copied().cycle().take(40_000).collect();
    let words = include_bytes!("../crc64.rs");
    for text in [&text[..], words, &words[..500], &words[..200]] {
        let theirs = lzf::compress(text).map_or(text.len(), |compressed| compressed.len());
        assert!(round_trip(text).len() <= theirs + theirs / 50, "{} bytes, theirs {theirs}", text.len());
    }
}

proptest! {
    #[test]
    fn restores_what_was_compressed(text in repetitive()) {
        let compressed = round_trip(&text);
        if !text.is_empty() {
            prop_assert_eq!(lzf::decompress(&compressed, text.len()).unwrap(), text);
        }
    }

    #[test]
    fn restores_what_the_other_implementation_compressed(text in repetitive()) {
        if let Ok(compressed) = lzf::compress(&text) {
            prop_assert_eq!(decompress(&compressed, text.len() as u64), Ok(text));
        }
    }

    #[test]
    fn a_part_of_a_compressed_text_is_never_the_whole(text in repetitive(), at: prop::sample::Index) {
        let compressed = round_trip(&text);
        prop_assume!(!compressed.is_empty());
        let part = &compressed[..at.index(compressed.len())];
        prop_assert!(decompress(part, text.len() as u64).is_err());
    }

    #[test]
    fn any_bytes_give_a_text_of_the_stated_length_or_an_error(bytes: Vec<u8>, len in 0u64..3_000) {
        if let Ok(text) = decompress(&bytes, len) {
            prop_assert_eq!(text.len() as u64, len);
        }
    }
}
