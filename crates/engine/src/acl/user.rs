//! A user: whether it may log in, with which passwords, and what it may do then.

use sha2::{Digest, Sha256};

use super::check::Denial;
use super::rules::{RuleError, Terms};
use super::selector::Selector;
use super::unlisted::UserId;
use crate::args::is;
use crate::command::{Command, Index, KeyFlags};

/// The digest of a password, which is all that is kept of it.
type Hash = [u8; 32];

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    name: Vec<u8>,
    /// What names it where it isn't among those of ACL LIST.
    id: Option<UserId>,
    enabled: bool,
    no_password: bool,
    /// Whether values that it restores are checked in full; `None` leaves it to the configuration.
    sanitizes: Option<bool>,
    /// In the order in which they were added.
    passwords: Vec<Hash>,
    root: Selector,
    selectors: Vec<Selector>,
    /// Whether the first selector denies nothing, so that no call needs to be looked at.
    is_unrestricted: bool,
}

/// What ACL GETUSER tells of a selector.
pub(crate) struct Rules {
    pub(crate) commands: Vec<u8>,
    pub(crate) keys: Vec<u8>,
    pub(crate) channels: Vec<u8>,
}

impl User {
    /// A user that may do nothing, not even log in; `all_channels` is what `acl-pubsub-default` grants.
    pub(crate) fn new(name: &[u8], all_channels: bool) -> Self {
        Self {
            name: name.to_vec(),
            id: None,
            enabled: false,
            no_password: false,
            sanitizes: None,
            passwords: Vec::new(),
            root: Selector::new(all_channels),
            selectors: Vec::new(),
            is_unrestricted: false,
        }
    }

    /// Whether the payloads that it restores need no check of their own.
    pub(crate) fn skips_sanitizing(&self) -> bool {
        self.sanitizes == Some(false)
    }

    /// The user `default` as it is before anybody changes it: it may do everything without a password.
    pub(crate) fn unrestricted(name: &[u8]) -> Self {
        let mut user = Self::new(name, false);
        for rule in ["on", "nopass", "~*", "&*", "+@all"] {
            user.apply(rule.as_bytes(), Terms::builtin()).expect("the rules are right");
        }
        user
    }

    pub(crate) fn name(&self) -> &[u8] {
        &self.name
    }

    /// The same user, which isn't among those of ACL LIST.
    pub(crate) fn unlisted(self, id: UserId) -> Self {
        Self { id: Some(id), ..self }
    }

    /// What names it where it isn't among those of ACL LIST.
    pub(crate) fn id(&self) -> Option<UserId> {
        self.id
    }

    /// Whether both are the same user, perhaps at different times.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.id == other.id && self.name == other.name
    }

    /// Whether anybody may log in as this user.
    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Whether the user may log in, and any password will do.
    pub(crate) fn needs_no_password(&self) -> bool {
        self.enabled && self.no_password
    }

    /// Whether the user has been told to take any password, enabled or not.
    pub(crate) fn has_no_password(&self) -> bool {
        self.no_password
    }

    /// Whether the user may log in with this password.
    pub(crate) fn admits(&self, password: &[u8]) -> bool {
        // Digests are compared, so that the time it takes says nothing about the password or its length.
        let hash = hash(password);
        self.enabled && (self.no_password || self.passwords.contains(&hash))
    }

    /// Makes this the only password; an empty one does away with passwords.
    pub(crate) fn set_password(&mut self, password: &[u8]) {
        self.passwords = if password.is_empty() { Vec::new() } else { vec![hash(password)] };
        self.no_password = password.is_empty();
    }

    /// Applies one rule.
    ///
    /// # Errors
    /// The reason why it is none; the user is as it was.
    pub(crate) fn apply(&mut self, rule: &[u8], terms: Terms<'_>) -> Result<(), RuleError> {
        match rule {
            [] => {}
            _ if is(rule, "on") => self.enabled = true,
            _ if is(rule, "off") => self.enabled = false,
            _ if is(rule, "nopass") => (self.no_password, self.passwords) = (true, Vec::new()),
            _ if is(rule, "resetpass") => (self.no_password, self.passwords) = (false, Vec::new()),
            _ if is(rule, "skip-sanitize-payload") => self.sanitizes = Some(false),
            _ if is(rule, "sanitize-payload") => self.sanitizes = Some(true),
            [b'>', password @ ..] => self.add_password(hash(password)),
            [b'#', digits @ ..] => self.add_password(parse_hash(digits)?),
            [b'<', password @ ..] => self.remove_password(hash(password))?,
            [b'!', digits @ ..] => self.remove_password(parse_hash(digits)?)?,
            [b'(', rules @ .., b')'] => self.selectors.push(Selector::parse(rules, terms)?),
            _ if is(rule, "clearselectors") => self.selectors = Vec::new(),
            _ if is(rule, "reset") => {
                let (name, id) = (std::mem::take(&mut self.name), self.id);
                *self = Self { id, sanitizes: Some(true), ..Self::new(&name, terms.all_channels) };
            }
            _ => self.root.apply(rule, terms)?,
        }
        self.is_unrestricted = self.root.is_unrestricted();
        Ok(())
    }

    fn add_password(&mut self, hash: Hash) {
        if !self.passwords.contains(&hash) {
            self.passwords.push(hash);
        }
        self.no_password = false;
    }

    fn remove_password(&mut self, hash: Hash) -> Result<(), RuleError> {
        let at = self.passwords.iter().position(|known| *known == hash).ok_or(RuleError::NoSuchPassword)?;
        self.passwords.remove(at);
        Ok(())
    }

    /// Checks a call: one of the selectors must permit all of it.
    ///
    /// # Errors
    /// Of what they deny, that which comes last: a channel after a key after the command itself.
    #[inline]
    pub(crate) fn check(&self, command: &'static Command, args: &[&[u8]]) -> Result<(), Denial> {
        if self.is_unrestricted {
            return Ok(());
        }
        let mut denial = Denial::default();
        for selector in self.all_selectors() {
            match selector.check(command, args) {
                Ok(()) => return Ok(()),
                Err(other) => denial = denial.max(other),
            }
        }
        Err(denial)
    }

    /// Whether some selector grants a key so.
    pub(crate) fn permits_key(&self, key: &[u8], flags: KeyFlags) -> bool {
        self.all_selectors().any(|selector| selector.permits_key(key, flags))
    }

    /// Whether some selector grants a channel that is subscribed to, or a pattern.
    pub(crate) fn permits_channel(&self, channel: &[u8], is_pattern: bool) -> bool {
        self.all_selectors().any(|selector| selector.permits_channel(channel, is_pattern))
    }

    /// Whether some selector grants any channel at all.
    pub(crate) fn permits_some_channel(&self) -> bool {
        self.all_selectors().any(Selector::permits_some_channel)
    }

    fn all_selectors(&self) -> impl Iterator<Item = &Selector> {
        std::iter::once(&self.root).chain(&self.selectors)
    }

    /// The switches, by name.
    pub(crate) fn flags(&self) -> Vec<&'static str> {
        let flags = [
            (self.enabled, "on"),
            (!self.enabled, "off"),
            (self.no_password, "nopass"),
            (self.sanitizes == Some(false), "skip-sanitize-payload"),
            (self.sanitizes == Some(true), "sanitize-payload"),
        ];
        flags.into_iter().filter_map(|(is_set, name)| is_set.then_some(name)).collect()
    }

    /// The digests of the passwords, in hexadecimal.
    pub(crate) fn passwords(&self) -> Vec<String> {
        self.passwords.iter().map(|hash| hex(hash)).collect()
    }

    /// What the first selector permits, and what the further ones do.
    pub(crate) fn rules(&self, index: &Index) -> Vec<Rules> {
        let rules = |selector: &Selector| Rules {
            commands: selector.commands(index),
            keys: selector.keys(),
            channels: selector.channels(),
        };
        self.all_selectors().map(rules).collect()
    }

    /// Every rule, in the order in which they must be applied to a new user.
    pub(crate) fn describe(&self, index: &Index) -> Vec<u8> {
        let mut parts: Vec<Vec<u8>> = self.flags().into_iter().map(|flag| flag.as_bytes().to_vec()).collect();
        parts.extend(self.passwords().into_iter().map(|hash| format!("#{hash}").into_bytes()));
        parts.push(self.root.describe(index));
        parts.extend(
            self.selectors.iter().map(|selector| [b"(", &selector.describe(index)[..], b")"].concat()),
        );
        parts.join(&b' ')
    }
}

fn hash(password: &[u8]) -> Hash {
    Sha256::digest(password).into()
}

/// Bytes in hexadecimal, in small letters.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parse_hash(digits: &[u8]) -> Result<Hash, RuleError> {
    let (pairs, rest) = digits.as_chunks::<2>();
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
    bytes.filter(|_| rest.is_empty()).and_then(|bytes| bytes.try_into().ok()).ok_or(RuleError::BadHash)
}
