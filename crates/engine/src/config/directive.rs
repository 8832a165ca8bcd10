//! What a directive is: a name, the syntax of its value and where the value lives.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Config;
use super::table::TABLE;
use super::value::{Kind, Reason, Value};

/// Where a directive's value lives, and with that whether it has any effect.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// A field of [`Config`]: the setting is in force.
    Field {
        /// Reads the field.
        get: fn(&Config) -> Value,
        /// Writes the field; the value comes from the directive's kind.
        set: fn(&mut Config, Value),
    },
    /// It tunes a feature that this server lacks: checked and remembered as text, and
    /// without effect.
    Waiting {
        /// The value where nothing was set, as CONFIG GET shows it.
        default: &'static str,
        /// The absent feature, as a sentence.
        absent: &'static str,
    },
    /// It switches on a feature that this server lacks: no other value is accepted.
    Only {
        /// The value that asks for nothing, as CONFIG GET shows it.
        value: &'static str,
        /// The absent feature, as a sentence.
        absent: &'static str,
    },
}

/// Says whether this program can have a value, and why not.
pub type Requirement = fn(&Value) -> Result<(), Reason>;

/// A line of the table of directives.
#[derive(Debug)]
pub struct Directive {
    /// The name, in lower case.
    pub name: &'static str,
    /// An older name, which CONFIG GET lists as well.
    pub alias: Option<&'static str>,
    /// The syntax of the value.
    pub kind: Kind,
    /// Where the value lives.
    pub place: Place,
    /// Whether it can be set only before the server starts.
    pub is_immutable: bool,
    /// Whether CONFIG SET needs `enable-protected-configs`.
    pub is_protected: bool,
    /// What a value needs beside its syntax, if it needs anything; the error says what is missing.
    pub requirement: Option<Requirement>,
}

impl Directive {
    /// The directive with this name or alias, in any case.
    pub fn find(name: &[u8]) -> Option<&'static Self> {
        BY_NAME.get(name.to_ascii_lowercase().as_slice()).copied()
    }

    /// The value in `config`, as CONFIG GET shows it.
    pub fn get(&self, config: &Config) -> Vec<u8> {
        match self.place {
            Place::Field { get, .. } => self.kind.show(&get(config)),
            Place::Only { value, .. } => value.as_bytes().to_vec(),
            Place::Waiting { default, .. } => match config.waiting.get(self.name) {
                Some(text) => text.clone(),
                None => default.as_bytes().to_vec(),
            },
        }
    }

    /// Parses `text` as CONFIG SET does and puts the value into `config`.
    ///
    /// # Errors
    /// The reason when the value is malformed, out of bounds or asks for what this server
    /// hasn't got; `config` is then as it was.
    pub fn set(&self, config: &mut Config, text: &[u8]) -> Result<(), Reason> {
        self.put(config, self.kind.parse(text)?)
    }

    /// Sets the value from the arguments of a configuration line.
    ///
    /// # Errors
    /// As [`Self::set`], and for a wrong number of arguments. Where several are taken, none is
    /// the same as an empty one.
    pub fn set_line(&self, config: &mut Config, arguments: &[Vec<u8>]) -> Result<(), Reason> {
        match (arguments, self.kind) {
            ([text], _) => self.set(config, text),
            (_, Kind::Words(check)) => {
                let words: Vec<&[u8]> = arguments.iter().map(Vec::as_slice).collect();
                self.put(config, Value::Words(check(&words)?))
            }
            _ => Err("wrong number of arguments".into()),
        }
    }

    /// The name under which `spelling`, in any case, finds this directive.
    pub(super) fn name_as(&self, spelling: &[u8]) -> &'static str {
        match self.alias {
            Some(alias) if spelling.eq_ignore_ascii_case(alias.as_bytes()) => alias,
            _ => self.name,
        }
    }

    fn put(&self, config: &mut Config, value: Value) -> Result<(), Reason> {
        if let Some(requirement) = self.requirement {
            requirement(&value)?;
        }
        match self.place {
            Place::Field { set, .. } => set(config, value),
            Place::Waiting { default, .. } => {
                let text = self.kind.show(&value);
                if text == default.as_bytes() {
                    config.waiting.remove(self.name);
                } else {
                    config.waiting.insert(self.name, text);
                }
            }
            Place::Only { value: only, absent } => {
                if self.kind.show(&value) != only.as_bytes() {
                    return Err(absent.into());
                }
            }
        }
        Ok(())
    }
}

/// Every name and alias.
static BY_NAME: LazyLock<HashMap<&'static [u8], &'static Directive>> = LazyLock::new(|| {
    TABLE
        .iter()
        .flat_map(|directive| {
            [Some(directive.name), directive.alias]
                .into_iter()
                .flatten()
                .map(move |name| (name.as_bytes(), directive))
        })
        .collect()
});
