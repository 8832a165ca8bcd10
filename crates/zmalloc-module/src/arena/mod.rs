//! Where blocks come from while no server is bound: an address range of our own, from the system.
//!
//! A block that was allocated before binding may be freed after it, so the two kinds must be told
//! apart by the address alone: libc's blocks can't be, because the server may use libc too. Hence
//! one range, reserved on the first allocation without a server and never at all in a module that
//! allocates only after it is bound. A reservation costs address space, not memory.
//!
//! Blocks have size classes. A freed block goes on its class's list; lists are per
//! group of threads, each a stack whose head is one atomic word with a tag against the ABA problem,
//! and whose links lie beside the blocks, in a table of their own. So nothing here ever waits for a
//! lock: a child of `fork` finds no lock held by a thread that it doesn't have, and what a careless
//! program writes into a freed block can't break a list.
//!
//! When the range is used up, allocations fail: the program gets null, and ends the way Rust ends
//! programs that are out of memory. A list is never broken up for another class.

mod classes;
mod pages;

use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use self::classes::{Class, GRANULE};
use crate::thread;

/// The most that is reserved, as a power of two: 64 GiB where addresses have 64 bits.
const MOST: u32 = if usize::BITS == 64 { 36 } else { 29 };

/// The least that is worth reserving: 64 MiB.
const LEAST: u32 = 26;

/// Memory is made usable in steps of this many bytes.
const STEP: usize = 4 << 20;

/// Small blocks are cut this many bytes at a time.
const RUN: usize = 32 << 10;

/// Freed blocks from this size on give their memory back at once; a multiple of any page size.
const DISCARD: usize = 1 << 20;

/// Groups of threads, each with lists of its own.
const GROUPS: usize = 8;

/// [`Arena::next`] of an arena that allocates no longer.
const SEALED: usize = usize::MAX;

/// The table of links has four bytes for every granule.
const LINK: usize = size_of::<AtomicU32>();

/// An allocator over one range of addresses. What every block is compared with comes last.
#[repr(C)]
pub(crate) struct Arena {
    /// Heads of the lists: a granule's number, 0 for none, below a tag that counts changes.
    lists: [[AtomicU64; classes::COUNT]; GROUPS],
    /// Where the reservation begins, with the binary logarithm of the bytes for blocks in the low
    /// bits; 0 before there is one. The table of links comes first, then the blocks.
    reservation: AtomicUsize,
    /// Bytes handed out to lists so far, or [`SEALED`].
    next: AtomicUsize,
    /// Bytes that can be read and written.
    committed: AtomicUsize,
    /// Blocks in use, and attempts to get one.
    live: AtomicUsize,
    /// Where the blocks begin.
    start: AtomicUsize,
    /// Bytes for blocks: 0 before there is a reservation, and after.
    length: AtomicUsize,
}

/// A reservation in use.
#[derive(Clone, Copy)]
struct Range {
    /// Where the table of links begins.
    links: usize,
    /// Where the blocks begin.
    blocks: usize,
    /// Bytes for blocks.
    length: usize,
}

impl Range {
    fn unpack(reservation: usize) -> Self {
        let links = reservation & !0xFFF;
        let length = 1 << (reservation & 0xFFF);
        Self { links, blocks: links + length / GRANULE * LINK, length }
    }

    /// The link of a granule.
    fn link(&self, granule: u32) -> *const AtomicU32 {
        (self.links + granule as usize * LINK) as *const AtomicU32
    }
}

/// A new block.
pub(crate) struct Block {
    /// Where it is.
    pub(crate) address: NonNull<u8>,
    /// Its size in bytes, as counted.
    pub(crate) size: usize,
    /// Whether it is known to hold zeros.
    pub(crate) is_zero: bool,
}

impl Arena {
    /// An arena that reserves its range when it is first asked for a block.
    pub(crate) const fn new() -> Self {
        Self {
            reservation: AtomicUsize::new(0),
            start: AtomicUsize::new(0),
            length: AtomicUsize::new(0),
            // Granule 0 stands for the end of a list, so no block begins there.
            next: AtomicUsize::new(GRANULE),
            committed: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
            lists: [const { [const { AtomicU64::new(0) }; classes::COUNT] }; GROUPS],
        }
    }

    /// Whether a block is one of ours. False for every block of somebody else, and for null.
    #[inline]
    pub(crate) fn contains(&self, block: *const u8) -> bool {
        // A reservation that is made or given back this moment holds no block that a caller has.
        let length = self.length.load(Ordering::Acquire);
        (block as usize).wrapping_sub(self.start.load(Ordering::Relaxed)) < length
    }

    /// Whether the arena allocates no longer.
    pub(crate) fn is_sealed(&self) -> bool {
        self.next.load(Ordering::SeqCst) == SEALED
    }

    /// The bytes that a block of this size and alignment takes.
    pub(crate) fn usable_size(size: usize, align: usize) -> usize {
        Class::of(size, align).map_or(size, |class| class.size)
    }

    /// A block of at least `size` bytes, aligned to `align`; `None` when the range is used up, the
    /// system has no memory, or the arena is sealed.
    pub(crate) fn allocate(&self, size: usize, align: usize) -> Option<Block> {
        let class = Class::of(size, align)?;
        // Counted first: whoever seals the arena either sees this attempt or is seen by it.
        self.live.fetch_add(1, Ordering::SeqCst);
        let block = if self.is_sealed() { None } else { self.find(class) };
        if block.is_none() {
            self.leave();
        }
        block
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// `block` must come from [`Arena::allocate`] of this arena for the same size and alignment,
    /// and not be used again.
    pub(crate) unsafe fn free(&self, block: *mut u8, size: usize, align: usize) {
        let class = Class::of(size, align).expect("a block that was allocated has a class");
        let range = Range::unpack(self.reservation.load(Ordering::Acquire));
        if class.size >= DISCARD {
            // SAFETY: the block lies in the range, is nobody's now, and blocks of such a class are
            // aligned to more than a page.
            unsafe { pages::discard(block as usize, class.size) };
        }
        let granule = ((block as usize - range.blocks) / GRANULE) as u32;
        self.push(&range, class, granule, granule);
        self.leave();
    }

    /// Ends allocation: what is free is given back now, and the rest with the last block.
    pub(crate) fn seal(&self) {
        // Counted like a block, so that the range stays until this is done.
        self.live.fetch_add(1, Ordering::SeqCst);
        let used = self.next.swap(SEALED, Ordering::SeqCst);
        if used != SEALED && self.range().is_some() {
            self.trim(used);
        }
        self.leave();
    }

    /// Gives back what no block ever lay in.
    fn trim(&self, used: usize) {
        let range = Range::unpack(self.reservation.load(Ordering::Acquire));
        let kept = used.next_multiple_of(STEP).min(range.length);
        // First the addresses stop being ours, then somebody else may have them.
        self.length.store(kept, Ordering::SeqCst);
        // SAFETY: no block was ever cut past `used`, and none will be: the arena is sealed. The
        // steps are multiples of any page size, those of the links too.
        unsafe { pages::release(range.blocks + kept, range.length - kept) };
    }

    /// The reservation, made if there is none yet.
    fn range(&self) -> Option<Range> {
        let mut reservation = self.reservation.load(Ordering::Acquire);
        if reservation == 0 {
            if self.is_sealed() {
                return None;
            }
            reservation = self.reserve()?;
        }
        let range = Range::unpack(reservation);
        // Whoever comes first makes the range known; nobody has a block of it before. It isn't given
        // back meanwhile, because the attempt to allocate that needs it is counted.
        if self.length.load(Ordering::Acquire) == 0 {
            self.start.store(range.blocks, Ordering::SeqCst);
            let _ = self.length.compare_exchange(0, range.length, Ordering::SeqCst, Ordering::SeqCst);
        }
        Some(range)
    }

    #[cold]
    fn reserve(&self) -> Option<usize> {
        let total = |logarithm: u32| (1usize << logarithm) / GRANULE * (GRANULE + LINK);
        let (address, logarithm) = (LEAST..=MOST)
            .rev()
            .find_map(|logarithm| Some((pages::reserve(total(logarithm))?, logarithm)))?;
        let ours = address | logarithm as usize;
        match self.reservation.compare_exchange(0, ours, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => Some(ours),
            Err(theirs) => {
                // SAFETY: another thread was quicker, and nobody has seen this reservation.
                unsafe { pages::release(address, total(logarithm)) };
                Some(theirs)
            }
        }
    }

    fn find(&self, class: Class) -> Option<Block> {
        let range = self.range()?;
        let group = thread::number() % GROUPS;
        if let Some(granule) = self.pop(&range, &self.lists[group][class.index]) {
            return Some(Self::block(&range, granule, class, false));
        }
        if let Some(granule) = self.cut(&range, class) {
            return Some(Self::block(&range, granule, class, true));
        }
        // The range is used up: what other threads freed is better than nothing.
        let mut others = (1..GROUPS).map(|step| (group + step) % GROUPS);
        let granule = others.find_map(|other| self.pop(&range, &self.lists[other][class.index]))?;
        Some(Self::block(&range, granule, class, false))
    }

    fn block(range: &Range, granule: u32, class: Class, is_new: bool) -> Block {
        let address = (range.blocks + granule as usize * GRANULE) as *mut u8;
        let is_zero = is_new || (pages::DISCARDED_IS_ZERO && class.size >= DISCARD);
        let address = NonNull::new(address).expect("no range begins at null");
        Block { address, size: class.size, is_zero }
    }

    /// Cuts new blocks: returns the first, and puts the others on a list.
    #[cold]
    fn cut(&self, range: &Range, class: Class) -> Option<u32> {
        let count = (RUN / class.size).max(1);
        let mut cut = self.next.load(Ordering::SeqCst);
        let start = loop {
            if cut == SEALED {
                return None;
            }
            let start = (range.blocks + cut).checked_next_multiple_of(class.alignment())? - range.blocks;
            let end = start.checked_add(class.size * count)?;
            if end > range.length {
                return None;
            }
            match self.next.compare_exchange(cut, end, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => break start,
                Err(now) => cut = now,
            }
        };
        if !self.commit(range, start + class.size * count) {
            return None;
        }
        let granule = |number: usize| ((start + number * class.size) / GRANULE) as u32;
        for number in 1..count - 1 {
            // SAFETY: the link lies in the committed part of the table.
            unsafe { &*range.link(granule(number)) }.store(granule(number + 1), Ordering::Relaxed);
        }
        if count > 1 {
            self.push(range, class, granule(1), granule(count - 1));
        }
        Some(granule(0))
    }

    /// Makes the first `end` bytes of blocks usable, and their links.
    fn commit(&self, range: &Range, end: usize) -> bool {
        let have = self.committed.load(Ordering::Acquire);
        if end <= have {
            return true;
        }
        let want = end.next_multiple_of(STEP).min(range.length);
        let links = |bytes: usize| bytes / GRANULE * LINK;
        // SAFETY: both ranges lie in the reservation, which stands while an attempt to allocate is
        // counted, and steps are multiples of any page size. Doing it twice does no harm.
        let done = unsafe {
            pages::commit(range.blocks + have, want - have)
                && pages::commit(range.links + links(have), links(want) - links(have))
        };
        if done {
            self.committed.fetch_max(want, Ordering::Release);
        }
        done
    }

    /// Puts a chain of free blocks, linked from `first` to `last`, on the list of its class.
    fn push(&self, range: &Range, class: Class, first: u32, last: u32) {
        let list = &self.lists[thread::number() % GROUPS][class.index];
        let mut head = list.load(Ordering::Relaxed);
        loop {
            // SAFETY: the link of a block lies in the committed part of the table.
            unsafe { &*range.link(last) }.store(head as u32, Ordering::Relaxed);
            let new = next_tag(head) | u64::from(first);
            match list.compare_exchange_weak(head, new, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Takes the first block of a list.
    fn pop(&self, range: &Range, list: &AtomicU64) -> Option<u32> {
        let mut head = list.load(Ordering::Acquire);
        loop {
            let first = head as u32;
            if first == 0 {
                return None;
            }
            // SAFETY: as in `push`. If another thread takes the block meanwhile, what is read is of
            // no use, and the tag lets the exchange fail.
            let second = unsafe { &*range.link(first) }.load(Ordering::Relaxed);
            let new = next_tag(head) | u64::from(second);
            match list.compare_exchange_weak(head, new, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Some(first),
                Err(now) => head = now,
            }
        }
    }

    /// One block less, or one attempt; the last one gives the range back if the arena is sealed.
    fn leave(&self) {
        if self.live.fetch_sub(1, Ordering::SeqCst) != 1 || !self.is_sealed() {
            return;
        }
        let length = self.length.swap(0, Ordering::SeqCst);
        if length != 0 {
            let range = Range::unpack(self.reservation.load(Ordering::Acquire));
            // SAFETY: no block is left, and a sealed arena cuts none; `length` went to 0 here, and
            // does so once. The rest of the blocks was released when the arena was sealed.
            unsafe { pages::release(range.links, range.blocks + length - range.links) };
        }
    }
}

/// The tag of a list's next head, in the upper half.
fn next_tag(head: u64) -> u64 {
    (head & !u64::from(u32::MAX)).wrapping_add(1 << 32)
}

/// Fills a block with zeros unless it holds them already.
pub(crate) fn zeroed(block: Block, size: usize) -> Block {
    if !block.is_zero {
        // SAFETY: the block is ours to write, and at least `size` bytes long.
        unsafe { ptr::write_bytes(block.address.as_ptr(), 0, size) };
    }
    block
}

#[cfg(test)]
mod tests;
