//! The workloads: ordinary Rust that allocates and frees.

use std::hint::black_box;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::ValueEnum;

use crate::clock::cpu_time_of;

/// What the program does with its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// A block of 16 bytes is allocated and freed, the layout known to the compiler
    Pair16,
    /// The same with 64 bytes
    Pair64,
    /// The same with 512 bytes
    Pair512,
    /// The same with 4,096 bytes
    Pair4096,
    /// The same with 65,536 bytes
    Pair65536,
    /// The same with 64 bytes, a size that is known when the program runs
    Sized64,
    /// One of 20,000 live blocks of mixed sizes, taken at random, makes way for another
    Mixed,
    /// A number is pushed to a vector, which grows from nothing to 1,000 of them
    Growth,
    /// 64 bytes as above, on one thread besides the main one
    Threads1,
    /// The same on two threads
    Threads2,
    /// The same on four threads
    Threads4,
    /// The same on eight threads
    Threads8,
    /// 64 bytes are allocated on one thread and freed on another
    Handover,
}

impl Workload {
    /// Does it so many times. Returns the CPU time, that of all threads together.
    pub(crate) fn run(self, operations: u64) -> Duration {
        match self {
            Self::Pair16 => cpu_time_of(|| pairs::<2>(operations)),
            Self::Pair64 => cpu_time_of(|| pairs::<8>(operations)),
            Self::Pair512 => cpu_time_of(|| pairs::<64>(operations)),
            Self::Pair4096 => cpu_time_of(|| pairs::<512>(operations)),
            Self::Pair65536 => cpu_time_of(|| pairs::<8192>(operations)),
            Self::Sized64 => cpu_time_of(|| sized_pairs(operations)),
            Self::Mixed => mixed(operations),
            Self::Growth => cpu_time_of(|| growth(operations)),
            Self::Threads1 => on_threads(1, operations),
            Self::Threads2 => on_threads(2, operations),
            Self::Threads4 => on_threads(4, operations),
            Self::Threads8 => on_threads(8, operations),
            Self::Handover => handover(operations),
        }
    }
}

/// Allocates and frees a block of this many words.
#[inline(never)]
fn pairs<const WORDS: usize>(count: u64) {
    for _ in 0..count {
        drop(black_box(Box::<[u64; WORDS]>::new_uninit()));
    }
}

/// Allocates and frees blocks of a size that the compiler can't know.
#[inline(never)]
fn sized_pairs(count: u64) {
    for _ in 0..count {
        drop(black_box(Vec::<u8>::with_capacity(black_box(64))));
    }
}

/// Replaces live blocks at random.
fn mixed(count: u64) -> Duration {
    const LIVE: usize = 20_000;
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut blocks: Vec<Vec<u8>> = (0..LIVE).map(|_| Vec::with_capacity(random.size())).collect();
    cpu_time_of(|| {
        for _ in 0..count {
            let place = random.below(LIVE as u64) as usize;
            blocks[place] = black_box(Vec::with_capacity(random.size()));
        }
    })
}

/// Pushes numbers, to one vector after the other.
#[inline(never)]
fn growth(count: u64) {
    const LENGTH: u64 = 1000;
    let mut left = count;
    while left > 0 {
        let length = left.min(LENGTH);
        let mut numbers = Vec::new();
        for number in 0..length {
            numbers.push(black_box(number));
        }
        drop(black_box(numbers));
        left -= length;
    }
}

/// Pairs of 64 bytes on several threads at once.
fn on_threads(threads: u64, count: u64) -> Duration {
    thread::scope(|scope| {
        let running: Vec<_> =
            (0..threads).map(|_| scope.spawn(move || cpu_time_of(|| pairs::<8>(count / threads)))).collect();
        running.into_iter().map(|thread| thread.join().expect("no workload panics")).sum()
    })
}

/// One thread allocates, another frees. Blocks are handed over many at a time, so that it is they
/// that are measured and not the channel.
fn handover(count: u64) -> Duration {
    const BATCH: u64 = 1000;
    let (sender, receiver) = mpsc::sync_channel::<Vec<Box<[u64; 8]>>>(4);
    thread::scope(|scope| {
        let producer = scope.spawn(move || {
            cpu_time_of(|| {
                for _ in 0..count.div_ceil(BATCH) {
                    let batch = (0..BATCH).map(|number| Box::new([number; 8])).collect();
                    sender.send(batch).expect("the consumer waits for all of them");
                }
            })
        });
        let consumer = scope.spawn(move || cpu_time_of(|| receiver.into_iter().for_each(drop)));
        [producer, consumer].into_iter().map(|thread| thread.join().expect("no workload panics")).sum()
    })
}

/// Marsaglia's xorshift generator: cheap beside an allocation, and the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below the bound.
    fn below(&mut self, bound: u64) -> u64 {
        ((self.next() >> 32) * bound) >> 32
    }

    /// A size of 8 to 2,047 bytes: each power of two as likely as the next, as sizes are in programs.
    fn size(&mut self) -> usize {
        let least = 8 << self.below(8);
        (least + self.below(least)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_spread_over_the_range() {
        let mut random = Random(1);
        let sizes: Vec<_> = (0..10_000).map(|_| random.size()).collect();
        assert!(sizes.iter().all(|size| (8..2048).contains(size)));
        for power in 3..11 {
            let of_it = sizes.iter().filter(|size| size.ilog2() == power).count();
            assert!((1000..1500).contains(&of_it), "{of_it} of 2 to the power of {power}");
        }
    }

    #[test]
    fn every_workload_comes_to_an_end() {
        for workload in Workload::value_variants() {
            workload.run(2001);
        }
    }
}
