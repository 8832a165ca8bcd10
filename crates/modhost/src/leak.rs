//! What modules leave behind.

use std::collections::BTreeMap;
use std::fmt;

use crate::counters::Census;
use crate::slot::Slot;

/// What a module holds that nobody will free: it was unloaded, or the server ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// The module's name; the path of one that has given itself none before its OnLoad failed.
    pub module: String,
    /// Bytes, at the blocks' usable size; negative where the module has freed more of others' than it leaves.
    pub bytes: i64,
    /// Blocks, counted in the same way.
    pub blocks: i64,
    /// The blocks by their usable size, the smallest first: bytes of one block, and how many there are. Sizes past
    /// 4 KiB that differ by less than an eighth may be counted together, under their average.
    pub by_size: Vec<(usize, i64)>,
    /// Why the module couldn't be unloaded, if that is so. The figures are then what it holds more than before,
    /// although the databases are empty.
    pub stays: Option<String>,
}

impl Leak {
    /// What a module holds now, if it is anything.
    pub(crate) fn of(slot: &Slot) -> Option<Self> {
        let census: Census = slot.counters().census();
        let (bytes, blocks) = (census.live, census.blocks());
        let is_any = bytes != 0 || !census.by_size.is_empty();
        is_any.then(|| Self { module: called(slot), bytes, blocks, by_size: census.by_size, stays: None })
    }

    /// What there is above `before`, if anything is.
    pub(crate) fn above(self, before: Option<&Self>) -> Option<Self> {
        let Some(before) = before else { return Some(self) };
        let mut by_size: BTreeMap<usize, i64> = self.by_size.into_iter().collect();
        for (bytes, count) in &before.by_size {
            *by_size.entry(*bytes).or_default() -= count;
        }
        by_size.retain(|_, count| *count != 0);
        let (bytes, blocks) = (self.bytes - before.bytes, self.blocks - before.blocks);
        let is_any = bytes != 0 || !by_size.is_empty();
        is_any.then(|| Self { bytes, blocks, by_size: by_size.into_iter().collect(), ..self })
    }
}

/// As in `3 blocks of 48 bytes, 1 block of 4096 bytes`.
impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes in {}", self.bytes, Blocks(self.blocks))?;
        for (at, (bytes, count)) in self.by_size.iter().enumerate() {
            let separator = if at == 0 { ": " } else { ", " };
            write!(f, "{separator}{} of {bytes} bytes", Blocks(*count))?;
        }
        self.stays.iter().try_for_each(|reason| write!(f, " (it can't be unloaded: {reason})"))
    }
}

/// The name of a module, or where it was loaded from.
fn called(slot: &Slot) -> String {
    let identity = slot.identity();
    if identity.name.is_empty() {
        return String::from_utf8_lossy(&identity.path).into_owned();
    }
    identity.name.clone()
}

struct Blocks(i64);

impl fmt::Display for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, if self.0 == 1 { "block" } else { "blocks" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_a_sentence() {
        let by_size = vec![(48, 3), (4096, 1)];
        let leak = Leak { module: "m".into(), bytes: 4240, blocks: 4, by_size, stays: None };
        assert_eq!(leak.to_string(), "4240 bytes in 4 blocks: 3 blocks of 48 bytes, 1 block of 4096 bytes");
        let stays = Leak { stays: Some("of its timers".into()), ..leak };
        assert!(stays.to_string().ends_with("4096 bytes (it can't be unloaded: of its timers)"));
    }

    #[test]
    fn what_was_there_before_is_no_leak() {
        let leak = |bytes, blocks, by_size: &[_]| {
            let (module, by_size) = ("m".to_owned(), by_size.to_vec());
            Leak { module, bytes, blocks, by_size, stays: None }
        };
        let before = leak(112, 2, &[(48, 1), (64, 1)]);
        assert_eq!(leak(112, 2, &[(48, 1), (64, 1)]).above(Some(&before)), None);
        let now = leak(160, 3, &[(48, 2), (64, 1)]);
        assert_eq!(now.clone().above(None), Some(now.clone()));
        assert_eq!(now.above(Some(&before)), Some(leak(48, 1, &[(48, 1)])));
    }
}
