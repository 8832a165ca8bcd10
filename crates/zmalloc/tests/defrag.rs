//! Which blocks should move, on slabs made for the purpose, and cycles over a program's data. A program
//! of its own: no other thread may allocate meanwhile.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::ptr::NonNull;
use std::time::Duration;

use hashbrown::HashMap;
use heapwalk::HeapWalk;
use zmalloc::defrag::{self, Cycle, Settings, State, Survey, Unavailable};
use zmalloc::{AllocatorInfo, BACKEND, SizeClass, ZMalloc, size_classes, used_memory};

#[path = "support/rng.rs"]
mod rng;

use rng::Rng;

#[global_allocator]
static ALLOC: ZMalloc = ZMalloc::new();

fn main() {
    assert!(defrag::is_global_allocator());
    let checks: &[(&str, fn())] = if BACKEND.starts_with("jemalloc") {
        &[
            ("answers_follow_from_jemallocs_statistics", answers_follow_from_jemallocs_statistics),
            ("less_than_two_slabs_with_room_stay", less_than_two_slabs_with_room_stay),
            ("large_blocks_stay", large_blocks_stay),
            ("any_address_gets_an_answer", any_address_gets_an_answer),
            ("thresholds_decide_whether_to_begin", thresholds_decide_whether_to_begin),
            ("blocks_are_moved_together", blocks_are_moved_together),
            ("data_is_defragmented_as_it_changes", data_is_defragmented_as_it_changes),
            ("a_step_without_time_still_gets_on", a_step_without_time_still_gets_on),
            ("pages_are_given_back_as_they_fall_free", pages_are_given_back_as_they_fall_free),
        ]
    } else if BACKEND.starts_with("mimalloc") {
        &[
            ("large_blocks_stay", large_blocks_stay),
            ("blocks_are_moved_together", blocks_are_moved_together),
            ("data_is_defragmented_as_it_changes", data_is_defragmented_as_it_changes),
            ("a_step_without_time_still_gets_on", a_step_without_time_still_gets_on),
        ]
    } else {
        &[("others_say_that_they_cant", others_say_that_they_cant)]
    };
    for (name, check) in checks {
        check();
        println!("{name} ... ok");
    }
}

fn others_say_that_they_cant() {
    let refusal = Survey::take().err().unwrap();
    assert!(refusal.to_string().contains(BACKEND));
    assert_eq!(Cycle::new(Settings::default()).err(), Some(Unavailable::Allocator(refusal)));
}

/// A small generator of slabs: a size class of which nothing is in use yet.
struct Slabs {
    size: usize,
    per_slab: usize,
    /// Blocks by slab. What is freed is taken out.
    slabs: Vec<Vec<NonNull<u8>>>,
    /// Where each slab begins.
    starts: Vec<usize>,
}

impl Slabs {
    /// Fills so many slabs, and puts one block into a last one.
    fn fill(count: usize) -> Self {
        // Once before, so that the sizes that the list itself takes are in use.
        drop(size_classes().unwrap());
        let unused = size_classes()
            .unwrap()
            .into_iter()
            .find(|class| class.size > 1024 && class.slabs == 0 && class.blocks_per_slab >= 16);
        let class = unused.expect("there is a size class that the program has not used");
        let (size, per_slab) = (class.size, class.blocks_per_slab);
        // The caches stay out of it, so the blocks come from one slab after the other.
        // Of a size of its own.
        let mut blocks = Vec::with_capacity(100_000);
        blocks.extend((0..count * per_slab + 1).map(|_| zmalloc::zmalloc_no_tcache(size)));
        let slabs: Vec<_> = blocks.chunks(per_slab).map(<[_]>::to_vec).collect();
        for slab in &slabs {
            let (first, last) = (slab.iter().min().unwrap(), slab.iter().max().unwrap());
            assert!(last.addr().get() - first.addr().get() < class.slab_size, "blocks of one slab");
        }
        let starts = slabs.iter().map(|slab| slab.iter().min().unwrap().addr().get()).collect();
        let slabs = Self { size, per_slab, slabs, starts };
        assert_eq!(slabs.class().slabs, count + 1);
        slabs
    }

    /// What jemalloc says of the class.
    fn class(&self) -> SizeClass {
        size_classes().unwrap().into_iter().find(|class| class.size == self.size).unwrap()
    }

    /// Frees all blocks of a slab but so many.
    fn leave(&mut self, slab: usize, count: usize) {
        for block in self.slabs[slab].drain(count..) {
            // SAFETY: live until here, and taken out.
            unsafe { zmalloc::zfree_no_tcache(Some(block)) };
        }
    }

    /// The slab from which the next block comes. It is the oldest with room, if one was freed to since
    /// the last allocation.
    fn current(&self) -> usize {
        let block = zmalloc::zmalloc_no_tcache(self.size);
        let slab_size = self.class().slab_size;
        let slab =
            self.starts.iter().position(|start| (*start..start + slab_size).contains(&block.addr().get()));
        // SAFETY: live until here.
        unsafe { zmalloc::zfree_no_tcache(Some(block)) };
        slab.expect("it is one of these")
    }

    /// The answers, slab by slab: each must be the same for all blocks of a slab.
    fn ask(&self) -> Vec<Option<bool>> {
        let mut survey = Survey::take().unwrap();
        let answers = self.slabs.iter().map(|blocks| {
            let mut answers = vec![false; blocks.len()];
            survey.should_move(blocks, &mut answers);
            let first = answers.first().copied();
            assert!(answers.iter().all(|answer| Some(*answer) == first));
            first
        });
        answers.collect()
    }
}

impl Drop for Slabs {
    fn drop(&mut self) {
        for slab in 0..self.slabs.len() {
            self.leave(slab, 0);
        }
    }
}

/// Against the rule, put in terms of jemalloc's own figures.
fn answers_follow_from_jemallocs_statistics() {
    let mut rng = Rng(99);
    for round in 0..60 {
        let count = 2 + rng.below(12);
        let mut slabs = Slabs::fill(count);
        let per_slab = slabs.per_slab;
        for slab in 0..count {
            // Full ones, sparse ones, and any other.
            let left = match rng.below(4) {
                0 => per_slab,
                1 => 1 + rng.below(per_slab / 8),
                _ => rng.below(per_slab),
            };
            slabs.leave(slab, left);
        }
        let current = slabs.current();
        let class = slabs.class();
        let with_room: Vec<_> = (0..=count)
            .filter(|&slab| slab != current)
            .map(|slab| slabs.slabs[slab].len())
            .filter(|&used| used > 0 && used < per_slab)
            .collect();
        assert_eq!(class.nonfull_slabs, with_room.len(), "round {round}");
        assert_eq!(class.live, slabs.slabs.iter().map(Vec::len).sum::<usize>());
        let in_full = (class.slabs - class.nonfull_slabs - 1) * class.blocks_per_slab;
        let in_nonfull = class.live - in_full - slabs.slabs[current].len();
        assert_eq!(in_nonfull, with_room.iter().sum::<usize>());

        let answers = slabs.ask();
        for (slab, answer) in answers.iter().enumerate() {
            let used = slabs.slabs[slab].len();
            let expected = if slab == current || used == per_slab || class.nonfull_slabs < 2 {
                false
            } else {
                let average = in_nonfull as f64 / class.nonfull_slabs as f64;
                used * 8 < per_slab || used as f64 <= average + average / 8.0
            };
            if let Some(answer) = *answer {
                assert_eq!(answer, expected, "round {round}: {used} of {per_slab}, {class:?}");
            }
        }
    }
}

fn less_than_two_slabs_with_room_stay() {
    let mut slabs = Slabs::fill(4);
    // The first becomes the current one, and the last has room.
    slabs.leave(0, 1);
    assert_eq!((slabs.current(), slabs.class().nonfull_slabs), (0, 1));
    assert_eq!(slabs.ask(), [Some(false); 5], "one slab alone can't be emptied into another");
    slabs.leave(1, 1);
    assert_eq!((slabs.current(), slabs.class().nonfull_slabs), (0, 2));
    assert_eq!(slabs.ask(), [false, true, false, false, true].map(Some));
}

/// Past the size of slabs there is nothing to gain. 5 GiB of address space are no memory.
fn large_blocks_stay() {
    let sizes = [64 << 10, 1 << 20, 100 << 20, 5 << 30];
    let blocks: Vec<_> = sizes.iter().map(|&size| zmalloc::zmalloc(size)).collect();
    let mut answers = [true; 4];
    Survey::take().unwrap().should_move(&blocks, &mut answers);
    assert_eq!(answers, [false; 4]);
    for block in blocks {
        // SAFETY: live until here.
        unsafe { zmalloc::zfree(Some(block)) };
    }
}

/// An address that is no block's, near jemalloc's own or far, alone or among others, is answered for.
fn any_address_gets_an_answer() {
    let mut slabs = Slabs::fill(4);
    slabs.leave(0, 1);
    slabs.current();
    slabs.leave(1, 1);
    slabs.current();
    let expected = slabs.ask();
    assert_eq!(expected[1], Some(true));
    let own = slabs.slabs[1][0];
    let local = 0_u8;
    let far = [1, 8, 4096, 1 << 30, isize::MAX as usize, usize::MAX];
    let far = far.map(|address| NonNull::new(std::ptr::without_provenance_mut::<u8>(address)).unwrap());
    let mut survey = Survey::take().unwrap();
    let mut blocks = vec![NonNull::from(&local), NonNull::from(&0_u8), own.map_addr(|own| own | 0xfff)];
    blocks.extend(far);
    blocks.push(own);
    let mut answers = vec![true; blocks.len()];
    survey.should_move(&blocks, &mut answers);
    assert_eq!(answers.last().copied(), expected[1]);
    assert_eq!(answers[blocks.len() - 1 - far.len()..blocks.len() - 1], [false; 6]);
    for (block, together) in blocks.iter().zip(answers) {
        let mut alone = [!together];
        survey.should_move(&[*block], &mut alone);
        assert_eq!(alone, [together], "{block:?}");
    }
}

fn thresholds_decide_whether_to_begin() {
    let mut slabs = Slabs::fill(40);
    for slab in 0..40 {
        slabs.leave(slab, 1);
    }
    let fragmentation = AllocatorInfo::read().unwrap().small_fragmentation;
    let step = |ignore_bytes, threshold_lower| {
        let settings = Settings { ignore_bytes, threshold_lower, ..Settings::default() };
        Cycle::new(settings).unwrap().step(&mut [0_u8; 0]).state
    };
    assert_eq!(step(0, 0), State::Finished);
    assert_eq!(step(2 * fragmentation, 0), State::Idle);
    assert_eq!(step(0, 1_000_000), State::Idle);
}

/// A cycle that begins at any fragmentation.
fn eager(budget: Duration) -> Cycle {
    let settings = Settings { ignore_bytes: 0, threshold_lower: 0, budget, ..Settings::default() };
    Cycle::new(settings).unwrap()
}

/// The pages of 4 KiB that these blocks lie in.
fn pages(blocks: &[NonNull<u8>]) -> usize {
    blocks.iter().map(|block| block.addr().get() >> 12).collect::<BTreeSet<_>>().len()
}

/// Raw blocks, asked about in batches and moved by a walk of the test's own.
fn blocks_are_moved_together() {
    const SIZE: usize = 96;
    let layout = std::alloc::Layout::from_size_align(SIZE, 8).unwrap();
    let mut rng = Rng(5);
    let mut blocks = Vec::new();
    for number in 0..200_000_u64 {
        let block = zmalloc::zmalloc(SIZE);
        // SAFETY: the block is that large.
        unsafe { block.cast::<u64>().write(number) };
        blocks.push(block);
    }
    // One in ten is kept.
    let mut kept = Vec::new();
    for (number, block) in blocks.into_iter().enumerate() {
        if rng.below(10) == 0 {
            kept.push((number as u64, block));
        } else {
            // SAFETY: live until here.
            unsafe { zmalloc::zfree(Some(block)) };
        }
    }
    let _ = zmalloc::flush_thread_cache();
    let (numbers, mut kept): (Vec<_>, Vec<_>) = kept.into_iter().unzip();
    let before = pages(&kept);
    let mut cycle = eager(Duration::from_micros(200));
    let used = used_memory();
    for _ in 0..4 {
        let mut place = 0;
        loop {
            let step = cycle.step_with(|mover| {
                while place < kept.len() {
                    let end = kept.len().min(place + 64);
                    let mut answers = [false; 64];
                    let chunk = &mut kept[place..end];
                    mover.ask(chunk, &mut answers[..chunk.len()]);
                    // SAFETY: the blocks are live and of this layout, and replaced by what is returned.
                    unsafe {
                        for (block, _) in chunk.iter_mut().zip(answers).filter(|(_, answer)| *answer) {
                            *block = mover.move_block(*block, layout).unwrap_or(*block);
                        }
                    }
                    place = end;
                    if mover.is_out_of_time() {
                        return ControlFlow::Break(());
                    }
                }
                ControlFlow::Continue(())
            });
            if step.state != State::Unfinished {
                break;
            }
        }
    }
    let after = pages(&kept);
    let needed = kept.len() * SIZE / 4096;
    println!("{before} pages before, {after} after, {needed} needed: {:?}", cycle.totals());
    assert!(before > 3 * needed && after < needed * 13 / 10);
    assert_eq!(used_memory(), used, "as many bytes as before");
    for (number, block) in numbers.into_iter().zip(kept) {
        // SAFETY: live until the next line, and its number was written to it.
        unsafe {
            assert_eq!(block.cast::<u64>().read(), number);
            zmalloc::zfree(Some(block));
        }
    }
}

/// What a program may hold.
#[derive(Clone, Debug, Default, PartialEq, HeapWalk)]
struct Data {
    shards: Vec<HashMap<String, Vec<u8>>>,
    names: Vec<String>,
}

impl Data {
    /// Of many entries, those that are left when nine in ten have been removed at random.
    fn scattered(rng: &mut Rng, entries: usize) -> Self {
        let mut data = Self { shards: vec![HashMap::new(); 64], names: Vec::new() };
        for number in 0..entries {
            let value = vec![number as u8; 16 + rng.below(400)];
            data.shards[number % 64].insert(format!("key {number}"), value);
            data.names.push(format!("a name that takes some room, number {number}"));
        }
        for shard in &mut data.shards {
            shard.retain(|_, _| rng.below(10) == 0);
        }
        data.names.retain(|_| rng.below(10) == 0);
        let _ = zmalloc::flush_thread_cache();
        data
    }
}

fn data_is_defragmented_as_it_changes() {
    let mut rng = Rng(3);
    let mut data = Data::scattered(&mut rng, 100_000);
    let mut twin = data.clone();
    let fragmentation = || AllocatorInfo::read().map(|info| info.small_fragmentation).unwrap_or(0);
    let before = fragmentation();
    let mut cycle = eager(Duration::from_micros(100));
    let mut finished = 0;
    let mut steps = 0_usize;
    while finished < 5 {
        let used = used_memory();
        match cycle.step(&mut data).state {
            State::Idle => break,
            State::Finished => finished += 1,
            State::Unfinished => steps += 1,
        }
        // The first steps find room for the cycle's own place in the data.
        let is_same = steps < 4 || used_memory() == used;
        assert!(!zmalloc::GOOD_SIZE_IS_EXACT || is_same, "a step changes no figure");
        // The program goes on.
        let shard = steps % 64;
        for map in [&mut data.shards[shard], &mut twin.shards[shard]] {
            map.remove(&format!("key {}", rng.0 % 100_000));
            map.insert(format!("new {steps}"), vec![1; steps % 100]);
        }
        rng.next();
    }
    println!("{before} bytes before, {} after: {:?}", fragmentation(), cycle.totals());
    assert!(steps > 10 && cycle.totals().hits > 1000);
    assert!(before == 0 || fragmentation() < before / 4);
    assert!(data.names == twin.names, "every value is what it was");
    for (map, other) in data.shards.iter().zip(&twin.shards) {
        let same = |(key, value): (&String, &Vec<u8>)| other.get(key).is_some_and(|other| *other == *value);
        assert!(map.iter().filter(|(key, _)| key.starts_with("new")).count() > 0);
        assert!(map.iter().all(same));
    }
}

fn a_step_without_time_still_gets_on() {
    let mut rng = Rng(8);
    let mut data = Data::scattered(&mut rng, 5_000);
    let twin = data.clone();
    let mut cycle = eager(Duration::ZERO);
    let mut steps = 0;
    while cycle.step(&mut data).state == State::Unfinished {
        steps += 1;
        assert!(steps < 100_000, "it goes round in circles");
    }
    assert!(steps > 5);
    assert_eq!(data, twin);
}

/// With background threads, which by themselves would let what falls free lie for ten seconds.
fn pages_are_given_back_as_they_fall_free() {
    zmalloc::set_background_thread(true).unwrap();
    let value = |number: usize| vec![number as u8; 300].into_boxed_slice();
    let mut data: Vec<_> = (0..100_000).map(|number| (number, value(number))).collect();
    data.retain(|(number, _)| number % 10 == 0);
    let _ = zmalloc::flush_thread_cache();
    let info = AllocatorInfo::read().unwrap();
    let (active, unused) = (info.active, info.dirty);
    let mut cycle = eager(Duration::from_micros(200));
    let mut most_unused = 0;
    loop {
        let before = cycle.totals();
        let step = cycle.step(&mut data);
        match step.state {
            State::Idle => panic!("there is something to do"),
            State::Finished => break,
            // It waits for pages to be given back.
            State::Unfinished if cycle.totals().steps == before.steps => std::thread::sleep(step.pause),
            State::Unfinished => most_unused = most_unused.max(AllocatorInfo::read().unwrap().dirty),
        }
    }
    let info = AllocatorInfo::read().unwrap();
    println!(
        "{active} bytes active and {unused} unused before, {} and {} after; {:?}",
        info.active,
        info.dirty,
        cycle.totals()
    );
    let won = active - info.active;
    assert!(won > 20_000_000, "{won} bytes won");
    assert!(
        info.dirty < won / 8 && most_unused < won / 4,
        "{} to {most_unused} bytes lie unused",
        info.dirty
    );
    assert!(data.iter().all(|(number, block)| *block == value(*number)));
    zmalloc::set_background_thread(false).unwrap();
}
