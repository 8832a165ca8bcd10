//! Where in a value a walk has come to, so that another can go on from there.

/// A place in a value: which element of which sequence in which element, and so on.
///
/// A visitor passes on to it what [`Relocate`](crate::Relocate) says of sequences. After a walk, ended
/// early or not, [`rewind`](Self::rewind) prepares for the next, which begins where an unfinished one
/// ended. The value may have changed in between: then the next walk may skip some elements or visit
/// some twice, no more.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The sequences that the walk is in, outermost first.
    open: Vec<Level>,
    /// How many sequences the walk has entered that are in no other.
    entered: usize,
    /// The levels at which the last walk ended, as far as this one has not passed them.
    saved: Vec<Level>,
    /// How many levels of `saved` the walk is in. `saved` means nothing beyond another level.
    matched: usize,
}

/// A sequence that a walk is in.
#[derive(Clone, Copy, Debug)]
struct Level {
    /// How many sequences were entered before it within the element that both are in.
    ordinal: usize,
    /// How many of its elements have been visited.
    index: usize,
    /// How many sequences have been entered in the element that comes next.
    entered: usize,
}

impl Place {
    /// A sequence of so many elements begins. Returns at which to start.
    pub fn enter(&mut self, length: usize) -> usize {
        let depth = self.open.len();
        let counter = self.open.last_mut().map_or(&mut self.entered, |level| &mut level.entered);
        let ordinal = *counter;
        *counter += 1;
        let mut index = 0;
        if depth == self.matched
            && let Some(saved) = self.saved.get(depth)
        {
            if ordinal == saved.ordinal {
                index = saved.index.min(length);
                self.matched += 1;
            } else if ordinal < saved.ordinal {
                index = length;
            } else {
                self.saved.clear();
            }
        }
        self.open.push(Level { ordinal, index, entered: 0 });
        index
    }

    /// The elements before `index` of the innermost sequence have been visited.
    pub fn passed(&mut self, index: usize) {
        // What was saved was in an element before.
        self.saved.clear();
        if let Some(level) = self.open.last_mut() {
            level.index = index;
            level.entered = 0;
        }
    }

    /// The innermost sequence has come to its end.
    pub fn leave(&mut self) {
        self.open.pop();
        if self.matched > self.open.len() {
            self.saved.clear();
        }
    }

    /// The walk has ended: the next begins here, if this one was ended within a sequence, else at the
    /// beginning.
    pub fn rewind(&mut self) {
        std::mem::swap(&mut self.saved, &mut self.open);
        self.open.clear();
        self.entered = 0;
        self.matched = 0;
    }

    /// How many sequences the walk is in.
    pub fn depth(&self) -> usize {
        self.open.len()
    }

    /// Whether the next walk, or this one, begins at the beginning.
    pub fn is_at_start(&self) -> bool {
        self.saved.is_empty() && self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks sequences of these lengths, one after the other, each element of which has two sequences
    /// of two elements; ends after `patience` of the inner elements. Returns those visited.
    fn walk(
        place: &mut Place,
        lengths: &[usize],
        mut patience: usize,
    ) -> Option<Vec<(usize, usize, usize, usize)>> {
        let mut visited = Vec::new();
        let mut walk = || {
            for (outer, &length) in lengths.iter().enumerate() {
                for index in place.enter(length)..length {
                    for inner in 0..2 {
                        for position in place.enter(2)..2 {
                            visited.push((outer, index, inner, position));
                            place.passed(position + 1);
                            patience -= 1;
                            if patience == 0 {
                                return;
                            }
                        }
                        place.leave();
                    }
                    place.passed(index + 1);
                }
                place.leave();
            }
        };
        walk();
        place.rewind();
        (!visited.is_empty()).then_some(visited)
    }

    #[test]
    fn walks_with_any_patience_visit_each_element_once_and_in_order() {
        let lengths = [3, 0, 1, 4];
        let whole = walk(&mut Place::default(), &lengths, usize::MAX).unwrap();
        assert_eq!(whole.len(), 8 * 4);
        for patience in 1..40 {
            let mut place = Place::default();
            let mut visited = Vec::new();
            while visited.len() < whole.len() {
                visited.extend(walk(&mut place, &lengths, patience).unwrap());
            }
            assert_eq!(visited, whole, "patience {patience}");
        }
    }

    #[test]
    fn a_value_that_shrank_or_lost_a_sequence_is_still_walked_to_its_end() {
        for patience in 1..30 {
            let mut place = Place::default();
            walk(&mut place, &[3, 4], patience);
            let rest = walk(&mut place, &[1], usize::MAX);
            assert!(rest.is_none_or(|rest| rest.len() <= 4));
            assert!(place.is_at_start());
            assert_eq!(walk(&mut place, &[2], usize::MAX).unwrap().len(), 8);
        }
    }
}
