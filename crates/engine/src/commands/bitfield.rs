//! Integers of any width within a string: BITFIELD BITFIELD_RO.

use keyspace::NumberBuffer;
use smallvec::SmallVec;

use super::bits::{bit_offset, ready_for_writing};
use crate::args::{integer, is};
use crate::config::EventClasses;
use crate::context::Context;
use crate::error::{Error, c_text};
use crate::lookup::string;

/// A field's type: `i1` to `i64`, `u1` to `u63`.
#[derive(Clone, Copy, Debug)]
struct Type {
    signed: bool,
    width: u8,
}

/// What becomes of a number that its field can't hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overflow {
    /// The low bits are kept.
    Wrap,
    /// The nearest number that the field can hold is kept.
    Saturate,
    /// The field stays what it was, and null is answered.
    Fail,
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Get,
    Set(i64, Overflow),
    Increment(i64, Overflow),
}

#[derive(Clone, Copy, Debug)]
struct Step {
    action: Action,
    kind: Type,
    offset: u64,
}

impl Type {
    fn parse(arg: &[u8]) -> Result<Self, Error> {
        let invalid = Error::fixed(
            "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
        );
        let (signed, digits, widest) = match c_text(arg) {
            [b'i', digits @ ..] => (true, digits, 64),
            [b'u', digits @ ..] => (false, digits, 63),
            _ => return Err(invalid),
        };
        match keyspace::parse_integer(digits) {
            Some(width) if (1..=widest).contains(&width) => Ok(Self { signed, width: width as u8 }),
            _ => Err(invalid),
        }
    }

    fn least(self) -> i64 {
        if self.signed { i64::MIN >> (64 - self.width) } else { 0 }
    }

    fn greatest(self) -> i64 {
        if self.signed { !self.least() } else { (u64::MAX >> (64 - self.width)).cast_signed() }
    }

    /// The field's number, given its bits.
    fn read(self, bits: u64) -> i64 {
        let unused = 64 - self.width;
        let high = bits << unused;
        if self.signed { high.cast_signed() >> unused } else { (high >> unused).cast_signed() }
    }

    /// The number that is written when `increment` is added to `number`; `None` when nothing is.
    ///
    /// Of an unsigned field `number` is what its 64 bits say without a sign. Redis works out how far a signed number
    /// is from the greatest in 64 bits that wrap around, so that numbers next to the least of all count as too
    /// great; so they do here.
    fn add(self, number: i64, increment: i64, overflow: Overflow) -> Option<i64> {
        let (least, greatest) = (self.least(), self.greatest());
        let sum = number.wrapping_add(increment);
        let (is_above, is_below) = if self.signed {
            let (room, depth) = (greatest.wrapping_sub(number), least.wrapping_sub(number));
            let narrow = self.width < 64;
            (
                number > greatest || (narrow || (number >= 0 && increment > 0)) && increment > room,
                number < least || (narrow || (number < 0 && increment < 0)) && increment < depth,
            )
        } else {
            let exact = i128::from(number.cast_unsigned()) + i128::from(increment);
            (number < 0 || exact > greatest.into(), exact < 0)
        };
        match overflow {
            _ if !is_above && !is_below => Some(sum),
            Overflow::Wrap => Some(self.read(sum.cast_unsigned())),
            Overflow::Saturate => Some(if is_above { greatest } else { least }),
            Overflow::Fail => None,
        }
    }
}

/// BITFIELD: reads, sets and adds to fields, one after the other.
pub(crate) fn bitfield(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let steps = parse(context, args)?;
    let written = steps.iter().filter(|step| !matches!(step.action, Action::Get));
    let Some(last) = written.map(|step| step.offset + u64::from(step.kind.width) - 1).max() else {
        return read_fields(context, args[1], &steps);
    };
    ready_for_writing(context, args[1])?;
    let db = context.selected();
    let Context { engine, reply, .. } = context;
    let Some(mut entry) = engine.find(db, args[1]) else { return Ok(()) };
    let len = string(entry.get())?.len();
    let needed = (last / 8) as usize + 1;
    // Makes it a text, and as long as it must be.
    entry.set_range(needed.max(len), b"");
    let mut has_changed = needed > len;
    reply.array(steps.len());
    for Step { action, kind, offset } in steps {
        let value = string(entry.get())?;
        let bits = get(value.as_bytes(&mut NumberBuffer::new()), offset, kind.width);
        let old = kind.read(bits);
        let (new, answer) = match action {
            Action::Get => {
                reply.integer(old);
                continue;
            }
            Action::Set(number, overflow) => (kind.add(number, 0, overflow), old),
            Action::Increment(by, overflow) => {
                let new = kind.add(old, by, overflow);
                (new, new.unwrap_or(old))
            }
        };
        match new {
            Some(new) => {
                let mut bytes = Window::of(value.as_bytes(&mut NumberBuffer::new()), offset, kind.width);
                bytes.set(new.cast_unsigned());
                entry.set_range(bytes.start, bytes.as_slice());
                has_changed |= new != old;
                reply.integer(answer);
            }
            None => reply.null(),
        }
    }
    if has_changed {
        engine.modified(db, args[1], EventClasses::STRING, "setbit");
    }
    Ok(())
}

/// BITFIELD_RO: reads fields.
pub(crate) fn bitfield_ro(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let steps = parse(context, args)?;
    if steps.iter().any(|step| !matches!(step.action, Action::Get)) {
        return Err(Error::fixed("ERR BITFIELD_RO only supports the GET subcommand"));
    }
    read_fields(context, args[1], &steps)
}

fn read_fields(context: &mut Context<'_>, key: &[u8], steps: &[Step]) -> Result<(), Error> {
    let db = context.selected();
    let Context { engine, reply, .. } = context;
    let mut buffer = NumberBuffer::new();
    let value = engine.read(db, key).map(string).transpose()?;
    let bytes = value.as_ref().map_or(&[][..], |value| value.as_bytes(&mut buffer));
    reply.array(steps.len());
    for Step { kind, offset, .. } in steps {
        reply.integer(kind.read(get(bytes, *offset, kind.width)));
    }
    Ok(())
}

fn parse(context: &Context<'_>, args: &[&[u8]]) -> Result<SmallVec<[Step; 4]>, Error> {
    let mut steps = SmallVec::new();
    let mut overflow = Overflow::Wrap;
    let mut rest = &args[2..];
    while let [name, values @ ..] = rest {
        let named = |word, count| is(name, word) && values.len() >= count;
        let takes = match () {
            () if named("get", 2) => 2,
            () if named("set", 3) || named("incrby", 3) => 3,
            () if named("overflow", 1) => {
                overflow = match values[0] {
                    word if is(word, "wrap") => Overflow::Wrap,
                    word if is(word, "sat") => Overflow::Saturate,
                    word if is(word, "fail") => Overflow::Fail,
                    _ => return Err(Error::fixed("ERR Invalid OVERFLOW type specified")),
                };
                rest = &values[1..];
                continue;
            }
            () => return Err(Error::SYNTAX),
        };
        let kind = Type::parse(values[0])?;
        let offset = bit_offset(context, values[1], Some(kind.width))?;
        let action = match values.get(2).filter(|_| takes == 3) {
            None => Action::Get,
            Some(number) if is(name, "set") => Action::Set(integer(number)?, overflow),
            Some(number) => Action::Increment(integer(number)?, overflow),
        };
        steps.push(Step { action, kind, offset });
        rest = &values[takes..];
    }
    Ok(steps)
}

/// The bits of a field; those past the end of the string are clear.
fn get(bytes: &[u8], offset: u64, width: u8) -> u64 {
    Window::of(bytes, offset, width).get()
}

/// The bytes that a field lies in: at most 64 bits, and 7 before them.
struct Window {
    /// The number of the first byte.
    start: usize,
    len: usize,
    bytes: [u8; 16],
    /// How many bits follow the field in those bytes and the ones that fill them up to 16.
    shift: u32,
    width: u8,
}

impl Window {
    fn of(bytes: &[u8], offset: u64, width: u8) -> Self {
        let start = (offset / 8) as usize;
        let before = (offset % 8) as u32;
        let len = (before + u32::from(width)).div_ceil(8) as usize;
        let mut window = [0; 16];
        let rest = bytes.get(start..).unwrap_or_default();
        let there = rest.len().min(len);
        window[..there].copy_from_slice(&rest[..there]);
        Self { start, len, bytes: window, shift: 128 - before - u32::from(width), width }
    }

    fn get(&self) -> u64 {
        let mask = u64::MAX >> (64 - self.width);
        (u128::from_be_bytes(self.bytes) >> self.shift) as u64 & mask
    }

    fn set(&mut self, number: u64) {
        let mask = u64::MAX >> (64 - self.width);
        let others = u128::from_be_bytes(self.bytes) & !(u128::from(mask) << self.shift);
        self.bytes = (others | u128::from(number & mask) << self.shift).to_be_bytes();
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A field is its bits, highest first, and its neighbours stay as they are.
        #[test]
        fn a_field_is_its_bits(
            bytes in prop::collection::vec(any::<u8>(), 24), offset in 0..120_u64, width in 1..=64_u8, number: u64,
        ) {
            let field = offset..offset + u64::from(width);
            let naive = field.clone().fold(0, |bits: u64, at| bits << 1 | u64::from(crate::bits::bit(&bytes, at)));
            prop_assert_eq!(get(&bytes, offset, width), naive);
            let mut window = Window::of(&bytes, offset, width);
            window.set(number);
            let mut changed = bytes.clone();
            changed[window.start..][..window.len].copy_from_slice(window.as_slice());
            prop_assert_eq!(get(&changed, offset, width), number & u64::MAX >> (64 - width));
            for at in (0..8 * bytes.len() as u64).filter(|at| !field.contains(at)) {
                prop_assert_eq!(crate::bits::bit(&changed, at), crate::bits::bit(&bytes, at));
            }
        }

        /// Away from the greatest distances, overflow is what 128 bits say it is.
        #[test]
        fn sums_that_do_not_fit(
            width in 1..=64_u8, signed: bool, old: u64, by in -1_000_000..1_000_000_i64,
        ) {
            let kind = Type { signed, width: if signed { width } else { width.min(63) } };
            let old = kind.read(old);
            let exact = i128::from(old) + i128::from(by);
            let fits = exact >= kind.least().into() && exact <= kind.greatest().into();
            let bound = if exact > kind.greatest().into() { kind.greatest() } else { kind.least() };
            let clamped = if fits { exact as i64 } else { bound };
            prop_assert_eq!(kind.add(old, by, Overflow::Fail), fits.then_some(exact as i64));
            prop_assert_eq!(kind.add(old, by, Overflow::Saturate), Some(clamped));
            prop_assert_eq!(kind.add(old, by, Overflow::Wrap), Some(kind.read(exact as u64)));
        }
    }

    #[test]
    fn the_bounds_of_types() {
        let bounds =
            |text: &str| Type::parse(text.as_bytes()).map(|kind| (kind.least(), kind.greatest())).ok();
        assert_eq!(bounds("i1"), Some((-1, 0)));
        assert_eq!(bounds("u1"), Some((0, 1)));
        assert_eq!(bounds("i64"), Some((i64::MIN, i64::MAX)));
        assert_eq!(bounds("u63"), Some((0, i64::MAX)));
        for text in ["", "i", "u0", "i65", "u64", "8", "i08", "U8", "i-1"] {
            assert_eq!(bounds(text), None, "{text}");
        }
    }
}
