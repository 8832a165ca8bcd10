//! The ACL categories of an engine: those of every engine, and those that modules add.

use super::{Categories, Index};
use crate::engine::Engine;

/// Why a category can't be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CategoryError {
    /// A name consists of letters, digits, `_` and `-`, and isn't empty.
    NotAName,
    /// There is one of that name.
    Taken,
    /// There are as many as there can be: [`Categories::MOST`].
    Full,
}

impl Index {
    /// Every category, by its name in small letters.
    pub(crate) fn categories(&self) -> Vec<(String, Categories)> {
        let own =
            Categories::all().iter_names().map(|(name, category)| (name.to_ascii_lowercase(), category));
        let added = self.added_categories.iter().enumerate();
        let added = added.filter_map(|(place, name)| Some((name.clone()?, Categories::added(place)?)));
        own.chain(added).collect()
    }

    /// The category of that name, in any case.
    pub(crate) fn category(&self, name: &[u8]) -> Option<Categories> {
        let mut known = self.categories().into_iter();
        known.find(|(other, _)| other.as_bytes().eq_ignore_ascii_case(name)).map(|(_, category)| category)
    }

    fn add_category(&mut self, name: &str) -> Result<(), CategoryError> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if name.is_empty() || !name.bytes().all(is_name) {
            return Err(CategoryError::NotAName);
        }
        if self.category(name.as_bytes()).is_some() {
            return Err(CategoryError::Taken);
        }
        let added = &mut self.added_categories;
        let place = added.iter().position(Option::is_none).unwrap_or(added.len());
        if Categories::added(place).is_none() {
            return Err(CategoryError::Full);
        }
        if place == added.len() {
            added.push(None);
        }
        added[place] = Some(name.to_ascii_lowercase());
        Ok(())
    }
}

impl Engine {
    /// The ACL category of that name, in any case.
    pub fn category(&self, name: &[u8]) -> Option<Categories> {
        self.commands.category(name)
    }

    /// Adds an ACL category, which commands that are added can be in.
    ///
    /// # Errors
    /// When there can't be one of that name.
    pub fn add_category(&mut self, name: &str) -> Result<(), CategoryError> {
        self.commands.add_category(name)
    }

    /// Takes a category away that was added, as if it had never been; no command may be in it any more.
    pub fn remove_category(&mut self, name: &str) {
        for added in &mut self.commands.added_categories {
            added.take_if(|added| added.eq_ignore_ascii_case(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Options;

    #[test]
    fn there_are_only_so_many() {
        let mut engine = Engine::open(Options::default());
        let own = engine.commands.categories().len();
        for number in own..Categories::MOST {
            assert_eq!(engine.add_category(&format!("Cat_{number}-x")), Ok(()));
        }
        assert_eq!(engine.add_category("another"), Err(CategoryError::Full));
        assert_eq!(engine.add_category("cat_40-X"), Err(CategoryError::Taken));
        assert_eq!(engine.add_category("READ"), Err(CategoryError::Taken));
        for name in ["", "with space", "semi;colon", "\u{e9}"] {
            assert_eq!(engine.add_category(name), Err(CategoryError::NotAName), "{name}");
        }
        let all = engine.commands.categories();
        let bits = all.iter().fold(0, |bits, (_, category)| bits | category.bits());
        assert_eq!((all.len(), bits), (Categories::MOST, u64::MAX), "each has a bit of its own");
        let freed = engine.category(b"CAT_30-x");
        engine.remove_category("cat_30-x");
        assert_eq!(engine.category(b"cat_30-x"), None);
        assert_eq!(engine.add_category("another"), Ok(()));
        assert_eq!(engine.category(b"another"), freed);
    }
}
