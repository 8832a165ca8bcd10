//! The checksum of RDB files and DUMP payloads: CRC-64 with the Jones polynomial.
//!
//! The catalogue of parametrised CRC algorithms lists it as CRC-64/REDIS: polynomial
//! `0xad93d23594c935a9`, input and output reflected, nothing inverted.

/// The polynomial `0xad93d23594c935a9` with its bits in reverse, as a reflected CRC uses it.
const REVERSED_POLYNOMIAL: u64 = 0xad93_d235_94c9_35a9_u64.reverse_bits();

/// How many bytes are taken in one step.
const STEP: usize = 8;

/// `TABLES[n][b]` is what the byte `b`, followed by `n` zero bytes, makes of a checksum of 0.
static TABLES: [[u64; 256]; STEP] = tables();

const fn tables() -> [[u64; 256]; STEP] {
    let mut tables = [[0; 256]; STEP];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ REVERSED_POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut zeros = 1;
    while zeros < STEP {
        let mut byte = 0;
        while byte < 256 {
            let crc = tables[zeros - 1][byte];
            tables[zeros][byte] = crc >> 8 ^ tables[0][(crc & 0xff) as usize];
            byte += 1;
        }
        zeros += 1;
    }
    tables
}

/// The checksum of `bytes`.
pub fn checksum(bytes: &[u8]) -> u64 {
    update(0, bytes)
}

/// The checksum of what `crc` is the checksum of, followed by `bytes`.
pub fn update(mut crc: u64, bytes: &[u8]) -> u64 {
    let (steps, rest) = bytes.as_chunks::<STEP>();
    for step in steps {
        crc ^= u64::from_le_bytes(*step);
        crc = crc
            .to_le_bytes()
            .iter()
            .zip(TABLES.iter().rev())
            .fold(0, |crc, (&byte, table)| crc ^ table[usize::from(byte)]);
    }
    for &byte in rest {
        crc = crc >> 8 ^ TABLES[0][usize::from(crc as u8 ^ byte)];
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_published_check_value() {
        assert_eq!(crc::CRC_64_REDIS.check, 0xe9c6_d914_c4b8_d9ca);
        assert_eq!(checksum(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        assert_eq!(checksum(b""), 0);
    }

    proptest! {
        #[test]
        fn agrees_with_the_catalogue(bytes: Vec<u8>) {
            let catalogue = crc::Crc::<u64>::new(&crc::CRC_64_REDIS);
            prop_assert_eq!(checksum(&bytes), catalogue.checksum(&bytes));
        }

        #[test]
        fn goes_on_where_it_was_left(bytes: Vec<u8>, at: prop::sample::Index) {
            let (first, second) = bytes.split_at(at.index(bytes.len() + 1));
            prop_assert_eq!(update(checksum(first), second), checksum(&bytes));
        }
    }
}
