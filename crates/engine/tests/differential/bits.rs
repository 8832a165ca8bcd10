//! BITOP on strings of many lengths, in which the result goes into an old one's block or into one of its own.

use engine::Rng;

use crate::Pair;
use crate::generate::{Match, Step};

/// Around the sizes from which a text has a block of its own, and fills one or more pieces of those that it is combined
/// in.
const LENGTHS: [usize; 12] = [0, 1, 511, 512, 513, 1025, 4095, 4096, 4097, 8193, 20_000, 70_000];

const KEYS: [&str; 4] = ["a", "b", "c", "d"];

fn step(words: &[&[u8]]) -> Step {
    Step { args: words.iter().map(|word| word.to_vec()).collect(), compare: Match::Exact }
}

#[test]
fn long_strings_are_combined_alike() {
    let mut pair = Pair::new();
    let mut rng = Rng::seeded(9);
    for _ in 0..40 {
        let mut steps = Vec::new();
        for _ in 0..10 {
            let mut pick = || KEYS[rng.below(4) as usize].as_bytes();
            let (target, from, to) = (pick(), pick(), [pick(), pick(), pick()]);
            let len = LENGTHS[rng.below(LENGTHS.len() as u64) as usize];
            let text: Vec<u8> = (0..len).map(|_| rng.next_u64() as u8).collect();
            match rng.below(4) {
                0 => steps.push(step(&[b"SET", target, &text, b"EX", b"1000"])),
                1 => steps.push(step(&[b"SET", target, b"12345"])),
                _ => steps.push(step(&[b"SET", target, &text])),
            }
            let operation = [&b"AND"[..], b"OR", b"XOR"][rng.below(3) as usize];
            let sources = &to[..1 + rng.below(3) as usize];
            steps.push(match rng.below(5) {
                0 => step(&[b"BITOP", b"NOT", from, to[0]]),
                _ => step(&[&[b"BITOP", operation, from], sources].concat()),
            });
            for key in KEYS {
                steps.push(step(&[b"GET", key.as_bytes()]));
                steps.push(step(&[b"TTL", key.as_bytes()]));
            }
            steps.push(step(&[b"OBJECT", b"ENCODING", from]));
            steps.push(step(&[b"APPEND", from, b"more"]));
        }
        pair.run(&steps).unwrap_or_else(|difference| panic!("{difference}"));
    }
}
