//! One cache line of the dictionary, and the chain of lines that share an index.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// Pointers in one bucket.
pub(super) const SLOTS: usize = 7;

/// The last slot, which is a link where a bucket has a child.
const LINK: usize = SLOTS - 1;

/// The one-byte tags of the slots, and in the highest byte whether the last slot is a link.
///
/// A tag is never 0, which marks a slot without an element. The tags are compared eight at a time as
/// one integer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Tags(u64);

const LINKED: u64 = 1 << 56;
const LOW_BITS: u64 = 0x7f7f_7f7f_7f7f_7f7f;
const SLOT_BYTES: u64 = LINKED - 1;

impl Tags {
    pub(super) const EMPTY: Tags = Tags(0);

    /// The tag of an element with `hash`: bits that play no part in choosing the bucket.
    #[inline]
    pub(super) fn of_hash(hash: u64) -> u8 {
        let byte = (hash >> 56) as u8;
        byte + u8::from(byte == 0)
    }

    /// The slots with `tag`, in order.
    #[inline]
    pub(super) fn matching(self, tag: u8) -> MatchingSlots {
        let difference = self.0 ^ (u64::from(tag) * 0x0101_0101_0101_0101);
        // The high bit of each byte of `low` is set if any lower bit of that byte of `difference` is;
        // the sum cannot carry into the next byte.
        let low = (difference & LOW_BITS) + LOW_BITS;
        MatchingSlots(!(low | difference | LOW_BITS) & SLOT_BYTES)
    }

    /// How many slots hold an element. They are always the first ones.
    #[inline]
    pub(super) fn count(self) -> usize {
        let bits = 64 - (self.0 & SLOT_BYTES).leading_zeros();
        bits.div_ceil(8) as usize
    }

    #[inline]
    fn linked(self) -> bool {
        self.0 & LINKED != 0
    }

    #[inline]
    fn get(self, slot: usize) -> u8 {
        (self.0 >> (slot * 8)) as u8
    }

    #[inline]
    fn set(&mut self, slot: usize, tag: u8) {
        let shift = slot * 8;
        self.0 = (self.0 & !(0xff << shift)) | (u64::from(tag) << shift);
    }
}

/// Iterator over the slots whose tag matched: one set bit at the top of each such byte.
pub(super) struct MatchingSlots(u64);

impl Iterator for MatchingSlots {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let slot = self.0.trailing_zeros() as usize / 8;
        self.0 &= self.0 - 1;
        Some(slot)
    }
}

/// An element as a bucket holds it: a pointer in the low 48 bits and above it 16 bits of the hash.
///
/// The hash bits are those that decide the next splits of the table, so that a split doesn't have
/// to read keys, and they save a lookup nearly every key that differs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(*mut u8);

/// The position of the lowest hash bit that a word keeps.
pub(super) const WINDOW_START: u32 = 10;

const POINTER_BITS: u32 = 48;
const _: () = assert!(usize::BITS == 64, "a word of the dictionary holds a pointer and hash bits");

impl Word {
    const NONE: Word = Word(std::ptr::null_mut());

    /// # Panics
    /// If the address has more than 48 bits, which user space has only where a program asks for it.
    #[inline]
    pub(super) fn new(pointer: NonNull<u8>, hash: u64) -> Word {
        assert!(pointer.addr().get() >> POINTER_BITS == 0, "an address of more than 48 bits");
        let window = (hash >> WINDOW_START) as u16;
        Word(pointer.as_ptr().map_addr(|address| address | (usize::from(window) << POINTER_BITS)))
    }

    #[inline]
    pub(super) fn pointer(self) -> NonNull<u8> {
        let pointer = self.0.map_addr(|address| address & ((1 << POINTER_BITS) - 1));
        NonNull::new(pointer).expect("a word made of a pointer")
    }

    /// The kept bits of the hash.
    #[inline]
    pub(super) fn window(self) -> u16 {
        (self.0.addr() >> POINTER_BITS) as u16
    }

    /// Whether the kept bits are those of `hash`.
    #[inline]
    pub(super) fn may_have(self, hash: u64) -> bool {
        self.window() == (hash >> WINDOW_START) as u16
    }

    /// The same hash bits with another pointer.
    #[inline]
    pub(super) fn with_pointer(self, pointer: NonNull<u8>) -> Word {
        Word::new(pointer, u64::from(self.window()) << WINDOW_START)
    }
}

/// A cache line: words, their tags, and a link to a child where there are more elements than slots.
///
/// Invariants, for the chain that a bucket heads: a bucket with a child has an element in every slot
/// but the last, which is the link; the last bucket of the chain has its elements in its first slots,
/// and where it is a child it has at least two.
#[repr(C, align(64))]
pub(super) struct Bucket {
    words: [Word; SLOTS],
    tags: Tags,
}

const _: () = assert!(size_of::<Bucket>() == 64);

impl Bucket {
    pub(super) const EMPTY: Bucket = Bucket { words: [Word::NONE; SLOTS], tags: Tags::EMPTY };

    #[inline]
    pub(super) fn tags(&self) -> Tags {
        self.tags
    }

    #[inline]
    pub(super) fn word(&self, slot: usize) -> Word {
        self.words[slot]
    }

    #[inline]
    pub(super) fn set_word(&mut self, slot: usize, word: Word) {
        debug_assert!(slot < self.tags.count());
        self.words[slot] = word;
    }

    /// The next bucket of the chain.
    #[inline]
    pub(super) fn child(&self) -> Option<NonNull<Bucket>> {
        self.tags.linked().then(|| self.words[LINK].pointer().cast())
    }

    /// Tells a bucket that has a child where the child is now.
    pub(super) fn set_child(&mut self, child: NonNull<Bucket>) {
        debug_assert!(self.tags.linked());
        self.words[LINK] = Word(child.as_ptr().cast());
    }

    /// The elements of this bucket without its children, with their tags.
    pub(super) fn elements(&self) -> impl Iterator<Item = (Word, u8)> + '_ {
        (0..self.tags.count()).map(|slot| (self.words[slot], self.tags.get(slot)))
    }

    fn append(&mut self, word: Word, tag: u8) {
        let slot = self.tags.count();
        self.words[slot] = word;
        self.tags.set(slot, tag);
    }

    fn link(&mut self, child: NonNull<Bucket>) {
        self.words[LINK] = Word(child.as_ptr().cast());
        self.tags.set(LINK, 0);
        self.tags.0 |= LINKED;
    }

    fn unlink(&mut self) {
        self.words[LINK] = Word::NONE;
        self.tags.0 &= !LINKED;
    }
}

/// Adds an element to the chain of `head`; gives whether that took a new child, and the number of
/// buckets in the chain.
///
/// # Safety
/// `head` is the first bucket of a chain that nothing else reads or writes during the call.
pub(super) unsafe fn push(head: NonNull<Bucket>, word: Word, tag: u8) -> (bool, u32) {
    let mut bucket = head;
    let mut buckets = 1;
    loop {
        // SAFETY: `head` or a bucket it links to is valid, and by the caller's word ours alone. The
        // reference ends before the next is made.
        let this = unsafe { bucket.as_mut() };
        if let Some(child) = this.child() {
            bucket = child;
            buckets += 1;
            continue;
        }
        if this.tags.count() < SLOTS {
            this.append(word, tag);
            return (false, buckets);
        }
        let mut content = Bucket::EMPTY;
        content.append(this.words[LINK], this.tags.get(LINK));
        content.append(word, tag);
        this.link(allocate_child(content));
        return (true, buckets + 1);
    }
}

/// Takes the element in `slot` of `bucket` out of the chain of `head` and puts the chain's last
/// element in its place; gives the element's word and whether a child was freed.
///
/// # Safety
/// `bucket` is in the chain that `head` is the first bucket of, nothing else reads or writes that
/// chain during the call, and `slot` holds an element.
pub(super) unsafe fn remove(head: NonNull<Bucket>, bucket: NonNull<Bucket>, slot: usize) -> (Word, bool) {
    let mut parent = None;
    let mut last = head;
    // SAFETY: `head` and the buckets that it links to are valid, and by the caller's word ours alone.
    while let Some(child) = unsafe { last.as_ref() }.child() {
        parent = Some(last);
        last = child;
    }
    // The element at the end of the chain, which fills the gap.
    let (end_word, end_tag, left) = {
        // SAFETY: as above; the borrow ends with this block.
        let last = unsafe { last.as_ref() };
        let left = last.tags.count() - 1;
        (last.words[left], last.tags.get(left), left)
    };
    // SAFETY: `bucket` is valid and ours alone by the caller's word.
    let removed = unsafe {
        let bucket = &mut *bucket.as_ptr();
        let removed = bucket.words[slot];
        bucket.words[slot] = end_word;
        bucket.tags.set(slot, end_tag);
        removed
    };
    // SAFETY: as above; the borrow of `bucket`, which may be the same, has ended.
    let tail = unsafe { last.as_mut() };
    tail.words[left] = Word::NONE;
    tail.tags.set(left, 0);
    let Some(mut parent) = parent else {
        return (removed, false);
    };
    if left > 1 {
        return (removed, false);
    }
    let (word, tag) = (tail.words[0], tail.tags.get(0));
    // SAFETY: the parent is another bucket of the chain than the last, so the borrows are apart.
    let parent = unsafe { parent.as_mut() };
    parent.unlink();
    parent.append(word, tag);
    // SAFETY: a bucket with a parent came from `allocate_child`, and its only link is gone.
    unsafe { free_child(last) };
    (removed, true)
}

/// The layout of a child.
pub(super) const CHILD: Layout = Layout::new::<Bucket>();

fn allocate_child(content: Bucket) -> NonNull<Bucket> {
    // SAFETY: the layout's size is not zero.
    let Some(child) = NonNull::new(unsafe { alloc(CHILD) }.cast::<Bucket>()) else {
        handle_alloc_error(CHILD)
    };
    // SAFETY: the block is new and has the layout of a bucket.
    unsafe { child.write(content) };
    child
}

/// # Safety
/// `child` came from [`allocate_child`] and nothing refers to it any more.
pub(super) unsafe fn free_child(child: NonNull<Bucket>) {
    // SAFETY: by the caller's word the block is one of `alloc(CHILD)`, not freed before.
    unsafe { dealloc(child.as_ptr().cast(), CHILD) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_match_exactly() {
        let mut state = 1u64;
        for _ in 0..20_000 {
            let mut tags = Tags::EMPTY;
            let mut plain = Vec::new();
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            for slot in 0..(state >> 60) as usize % (SLOTS + 1) {
                // Tags that differ in one bit are the ones that a wrong carry would confuse.
                let tag = (state >> (slot * 7)) as u8 & 0x83 | 1;
                tags.set(slot, tag);
                plain.push(tag);
            }
            if state & 1 == 0 && plain.len() < SLOTS {
                tags.0 |= LINKED;
            }
            assert_eq!(tags.count(), plain.len());
            for tag in 1..=255 {
                let expected: Vec<usize> = (0..plain.len()).filter(|&slot| plain[slot] == tag).collect();
                assert_eq!(tags.matching(tag).collect::<Vec<_>>(), expected);
            }
        }
    }

    #[test]
    fn no_hash_has_the_tag_of_an_empty_slot() {
        for byte in 0..=255u64 {
            assert_ne!(Tags::of_hash(byte << 56), 0);
        }
    }

    #[test]
    fn words_keep_pointer_and_hash_bits() {
        let mut target = [0u8; 16];
        let pointer = NonNull::from(&mut target).cast::<u8>();
        let hash = 0x0123_4567_89ab_cdef;
        let word = Word::new(pointer, hash);
        assert_eq!(word.pointer(), pointer);
        assert!(word.may_have(hash) && !word.may_have(hash ^ (1 << WINDOW_START)));
        assert_eq!(word.window(), (hash >> WINDOW_START) as u16);
        assert!(word.with_pointer(pointer) == word);
    }
}
