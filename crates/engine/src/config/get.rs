//! CONFIG GET.

use std::collections::HashSet;

use super::Config;
use super::directive::Directive;
use super::table::TABLE;

/// A glob matcher: pattern, text, whether to ignore case.
pub type Matches = fn(&[u8], &[u8], bool) -> bool;

impl Config {
    /// The names that match one of `patterns`, each once, with their values, as Redis 7's
    /// CONFIG GET gives them: a name without `*`, `?` or `[` is looked up and shown as it was
    /// asked for; globs match names and aliases in any case, in alphabetical order of the
    /// names.
    pub fn get(&self, patterns: &[&[u8]], matches: Matches) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut pairs = Vec::new();
        let mut shown = HashSet::new();
        let mut show = |directive: &Directive, spelling: &[u8]| {
            if shown.insert(directive.name_as(spelling)) {
                pairs.push((spelling.to_vec(), directive.get(self)));
            }
        };
        for pattern in patterns {
            if !pattern.iter().any(|byte| b"*?[".contains(byte)) {
                if let Some(directive) = Directive::find(pattern) {
                    show(directive, pattern);
                }
                continue;
            }
            for directive in TABLE {
                for name in [Some(directive.name), directive.alias].into_iter().flatten() {
                    if matches(pattern, name.as_bytes(), true) {
                        show(directive, name.as_bytes());
                    }
                }
            }
        }
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Knows globs with a star at the end alone.
    fn matches(pattern: &[u8], text: &[u8], nocase: bool) -> bool {
        assert!(nocase);
        let start = pattern.strip_suffix(b"*").unwrap_or(pattern);
        text.starts_with(&start.to_ascii_lowercase())
    }

    fn names(patterns: &[&str]) -> Vec<String> {
        let patterns: Vec<&[u8]> = patterns.iter().map(|pattern| pattern.as_bytes()).collect();
        Config::default()
            .get(&patterns, matches)
            .into_iter()
            .map(|(name, _)| String::from_utf8(name).expect("ASCII"))
            .collect()
    }

    #[test]
    fn a_name_is_shown_as_it_was_asked_for_and_once() {
        assert_eq!(names(&["TimeOut"]), ["TimeOut"]);
        assert_eq!(names(&["TIMEOUT", "timeout", "time*"]), ["TIMEOUT"]);
        assert_eq!(names(&["nosuch", "nosuch*"]), [""; 0]);
    }

    #[test]
    fn aliases_are_names_of_their_own() {
        assert_eq!(names(&["slave-prio*", "replica-prio*"]), ["slave-priority", "replica-priority"]);
        assert_eq!(names(&["REPL-PING*"]), ["repl-ping-replica-period", "repl-ping-slave-period"]);
    }
}
