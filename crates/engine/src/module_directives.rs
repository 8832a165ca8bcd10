//! Directives of modules among those of the engine: CONFIG GET, SET and REWRITE.

use std::collections::HashSet;

use keyspace::glob::{self, Case};

use crate::config::rewrite::{has_line, rewrite_lines};
use crate::config::{Directive, SetError};
use crate::engine::Engine;
use crate::modules::ModuleDirective;
use crate::quoting::quote_if_needed;

/// What CONFIG SET was given, by whose the directives are.
pub(crate) struct Parted<'a> {
    /// The names and values of the engine's, by turns; everything where something is wrong with it that concerns no
    /// module.
    pub(crate) own: Vec<&'a [u8]>,
    /// Those of modules, under the names that these have given them.
    pub(crate) of_modules: Vec<(String, &'a [u8])>,
}

impl Engine {
    /// The value that the configuration has for a directive of a module, which takes it.
    pub fn take_module_directive(&mut self, name: &str) -> Option<Vec<u8>> {
        let all = &mut self.config.module_directives;
        let place = all.iter().position(|(other, _)| other.eq_ignore_ascii_case(name))?;
        Some(all.remove(place).1)
    }

    /// The directives that modules have registered.
    pub(crate) fn module_directives(&mut self) -> Vec<ModuleDirective> {
        self.modules.clone().map_or(Vec::new(), |modules| modules.directives(self))
    }

    /// Names and values of the modules' directives that match any of these patterns, each once.
    pub(crate) fn module_directives_matching(&mut self, patterns: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let is_glob = |pattern: &[u8]| pattern.iter().any(|byte| b"*?[".contains(byte));
        let is_shown = |directive: &ModuleDirective| {
            let name = directive.name.as_bytes();
            patterns.iter().any(|pattern| match is_glob(pattern) {
                true => !directive.is_hidden && glob::matches(pattern, name, Case::Insensitive),
                false => pattern.eq_ignore_ascii_case(name),
            })
        };
        let shown = self.module_directives().into_iter().filter(is_shown);
        shown.map(|directive| (directive.name.into_bytes(), directive.value)).collect()
    }

    /// Tells the directives of modules from the engine's among names and values by turns.
    ///
    /// # Errors
    /// When one of a module may not be set, or twice.
    pub(crate) fn part_directives<'a>(
        &mut self,
        pairs: &[&'a [u8]],
        local: bool,
    ) -> Result<Parted<'a>, SetError> {
        let mut parted = Parted { own: pairs.to_vec(), of_modules: Vec::new() };
        let (chunks, rest) = pairs.as_chunks::<2>();
        let is_modules = |name: &[u8]| Directive::find(name).is_none();
        if !rest.is_empty() || !chunks.iter().any(|[name, _]| is_modules(name)) {
            return Ok(parted);
        }
        let directives = self.module_directives();
        let mut seen = HashSet::new();
        parted.own.clear();
        for [name, value] in chunks {
            let known = directives.iter().find(|known| known.name.as_bytes().eq_ignore_ascii_case(name));
            let Some(known) = known else {
                parted.own.extend([name, value]);
                continue;
            };
            let refuse = |reason| Err(SetError::failed(&String::from_utf8_lossy(name), reason));
            if known.is_immutable {
                return refuse("can't set immutable config");
            } else if known.is_protected && !self.config.enable_protected_configs.allows(local) {
                return refuse("can't set protected config");
            } else if !seen.insert(&known.name) {
                return refuse("duplicate parameter");
            }
            parted.of_modules.push((known.name.clone(), value));
        }
        Ok(parted)
    }

    /// Sets directives of modules, all or none.
    ///
    /// # Errors
    /// When a module refuses one.
    pub(crate) fn set_module_directives(&mut self, pairs: &[(&str, &[u8])]) -> Result<(), SetError> {
        let Some(modules) = self.modules.clone().filter(|_| !pairs.is_empty()) else { return Ok(()) };
        modules.set_directives(self, pairs).map_err(|(name, reason)| SetError::failed(&name, &reason))
    }
}

/// The text of a configuration file with the directives of modules as they are now. Those that the file doesn't mention
/// and that have their defaults stay out of it.
pub(crate) fn with_module_directives(mut text: Vec<u8>, directives: &[ModuleDirective]) -> Vec<u8> {
    for ModuleDirective { name, value, default, .. } in directives {
        if value != default || has_line(&text, name) {
            let line = format!("{name} {}", quote_if_needed(value)).into_bytes();
            text = rewrite_lines(&text, name, &[line]);
        }
    }
    text
}
