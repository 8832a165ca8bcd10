//! LCS: the longest common subsequence of two strings.

use keyspace::NumberBuffer;

use crate::args::{integer, is};
use crate::context::Context;
use crate::error::Error;
use crate::lookup::string;

/// What is answered.
#[derive(Clone, Copy, Debug, Default)]
struct Options {
    len: bool,
    indexes: bool,
    least: u32,
    with_lengths: bool,
}

impl Options {
    fn parse(args: &[&[u8]]) -> Result<Self, Error> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match () {
                () if is(arg, "idx") => options.indexes = true,
                () if is(arg, "len") => options.len = true,
                () if is(arg, "withmatchlen") => options.with_lengths = true,
                () if is(arg, "minmatchlen") => {
                    let least = integer(args.next().ok_or(Error::SYNTAX)?)?;
                    // No match is as long as 32 bits can tell.
                    options.least = u32::try_from(least.max(0)).unwrap_or(u32::MAX);
                }
                () => return Err(Error::SYNTAX),
            }
        }
        if options.indexes && options.len {
            return Err(Error::fixed("ERR If you want both the length and indexes, please just use IDX."));
        }
        Ok(options)
    }
}

/// LCS: the longest common subsequence of the strings at two keys, its length, or where it lies in either.
pub(crate) fn lcs(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let db = context.selected();
    for key in &args[1..3] {
        if let Some(entry) = context.engine.read(db, key) {
            string(entry).map_err(|_| Error::fixed("ERR The specified keys must contain string values"))?;
        }
    }
    let options = Options::parse(&args[3..])?;
    let Context { engine, reply, .. } = context;
    let mut buffers = [NumberBuffer::new(), NumberBuffer::new()];
    let [first, second] = &mut buffers;
    let db = engine.keyspace.db(db);
    let value = |key: &[u8]| db.find(key).map(string).transpose();
    let (a, b) = (value(args[1])?, value(args[2])?);
    let a = a.as_ref().map_or(&[][..], |value| value.as_bytes(first));
    let b = b.as_ref().map_or(&[][..], |value| value.as_bytes(second));
    check_memory(a.len(), b.len(), engine.config.proto_max_bulk_len)?;
    if options.len {
        reply.integer(common_length(a, b).into());
        return Ok(());
    }
    let table = Table::new(a, b)?;
    let matches = table.matches(a, b);
    if options.indexes {
        write_indexes(reply, &matches, table.at(a.len(), b.len()), options);
    } else {
        let common: Vec<u8> = matches.iter().rev().flat_map(|range| &a[range.in_a()]).copied().collect();
        reply.bulk(&common);
    }
    Ok(())
}

/// Refuses strings whose table would take more memory than `proto-max-bulk-len`, as Redis does, though the length
/// alone needs no table here.
fn check_memory(a: usize, b: usize, limit: u64) -> Result<(), Error> {
    const LONGEST: u64 = u32::MAX as u64 - 1;
    if a as u64 >= LONGEST || b as u64 >= LONGEST {
        return Err(Error::fixed("ERR String too long for LCS"));
    }
    let bytes = (a as u128 + 1) * (b as u128 + 1) * size_of::<u32>() as u128;
    if bytes > limit.into() {
        return Err(Error::fixed(
            "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
        ));
    }
    Ok(())
}

/// The length of the longest common subsequence, in the memory of one row.
fn common_length(a: &[u8], b: &[u8]) -> u32 {
    let mut row = vec![0; b.len() + 1];
    for byte in a {
        let mut diagonal = 0;
        for (at, other) in b.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if byte == other { diagonal + 1 } else { above.max(row[at]) };
            diagonal = above;
        }
    }
    row[b.len()]
}

/// The lengths for every pair of beginnings of the two strings.
struct Table {
    lengths: Vec<u32>,
    width: usize,
}

/// Bytes that follow on each other in both strings and are in the common subsequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Match {
    a: usize,
    b: usize,
    len: usize,
}

impl Match {
    fn in_a(&self) -> std::ops::Range<usize> {
        self.a..self.a + self.len
    }
}

impl Table {
    fn new(a: &[u8], b: &[u8]) -> Result<Self, Error> {
        let width = b.len() + 1;
        let size = (a.len() + 1) * width;
        let mut lengths = Vec::new();
        lengths.try_reserve_exact(size).map_err(|_| {
            Error::fixed("ERR Insufficient memory, failed allocating transient memory for LCS")
        })?;
        lengths.resize(width, 0);
        for byte in a {
            let above = lengths.len() - width;
            lengths.push(0);
            for (at, other) in b.iter().enumerate() {
                let left = lengths[lengths.len() - 1];
                let longest =
                    if byte == other { lengths[above + at] + 1 } else { left.max(lengths[above + at + 1]) };
                lengths.push(longest);
            }
        }
        Ok(Self { lengths, width })
    }

    fn at(&self, a: usize, b: usize) -> u32 {
        self.lengths[a * self.width + b]
    }

    /// The matches, last first. Where two ways lead to the same length, a byte of `b` is left out, as in Redis.
    fn matches(&self, a: &[u8], b: &[u8]) -> Vec<Match> {
        let mut matches: Vec<Match> = Vec::new();
        let (mut i, mut j) = (a.len(), b.len());
        while i > 0 && j > 0 {
            if a[i - 1] == b[j - 1] {
                match matches.last_mut() {
                    Some(open) if open.a == i && open.b == j => {
                        *open = Match { a: i - 1, b: j - 1, len: open.len + 1 };
                    }
                    _ => matches.push(Match { a: i - 1, b: j - 1, len: 1 }),
                }
                (i, j) = (i - 1, j - 1);
            } else if self.at(i - 1, j) > self.at(i, j - 1) {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        matches
    }
}

fn write_indexes(reply: &mut crate::resp::Writer, matches: &[Match], len: u32, options: Options) {
    let long_enough = || matches.iter().filter(|found| found.len >= options.least as usize);
    reply.map(2);
    reply.bulk(b"matches");
    reply.array(long_enough().count());
    for Match { a, b, len } in long_enough() {
        reply.array(2 + usize::from(options.with_lengths));
        for start in [a, b] {
            reply.array(2);
            reply.count(*start);
            reply.count(start + len - 1);
        }
        if options.with_lengths {
            reply.count(*len);
        }
    }
    reply.bulk(b"len");
    reply.integer(len.into());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By trying everything.
    fn naive(a: &[u8], b: &[u8]) -> u32 {
        match (a, b) {
            ([x, a @ ..], [y, b @ ..]) if x == y => 1 + naive(a, b),
            ([_, rest_a @ ..], [_, rest_b @ ..]) => naive(rest_a, b).max(naive(a, rest_b)),
            _ => 0,
        }
    }

    proptest! {
        #[test]
        fn what_is_found_is_common_and_longest(a in "[abc]{0,9}", b in "[abc]{0,9}") {
            let (a, b) = (a.as_bytes(), b.as_bytes());
            let len = naive(a, b);
            let table = Table::new(a, b).unwrap();
            prop_assert_eq!(table.at(a.len(), b.len()), len);
            prop_assert_eq!(common_length(a, b), len);
            let matches = table.matches(a, b);
            prop_assert_eq!(matches.iter().map(|found| found.len).sum::<usize>(), len as usize);
            for found in &matches {
                prop_assert_eq!(&a[found.in_a()], &b[found.b..found.b + found.len]);
            }
            for pair in matches.windows(2) {
                prop_assert!(pair[1].a + pair[1].len <= pair[0].a && pair[1].b + pair[1].len <= pair[0].b);
            }
        }
    }

    #[test]
    fn memory_is_checked_before_it_is_taken() {
        assert!(check_memory(3, 3, 64).is_ok());
        assert!(check_memory(3, 4, 64).is_err());
        assert!(check_memory(u32::MAX as usize, 0, u64::MAX).is_err());
        assert!(check_memory(u32::MAX as usize - 2, 0, u64::MAX).is_ok());
        assert!(check_memory(u32::MAX as usize - 2, u32::MAX as usize - 2, u64::MAX).is_err());
    }
}
