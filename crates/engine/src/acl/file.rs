//! Users as text: the file that `aclfile` names, and `user` lines of the configuration.

use super::rules::{RuleError, Terms, merge_parentheses};
use super::user::User;
use super::users::{Acl, Logins, is_name};
use crate::config::rewrite::rewrite_lines;
use crate::engine::Engine;
use crate::host::reason;

/// A `user` line of the configuration: a name and rules, each as it was written.
pub(crate) type Line = Vec<Vec<u8>>;

/// Checks a `user` line of the configuration; `earlier` are those before it.
///
/// # Errors
/// A sentence in Redis's words.
pub(crate) fn check_line(line: &[Vec<u8>], earlier: &[Line]) -> Result<(), String> {
    let Some(name) = line.first().filter(|name| is_name(name)) else {
        return Err("User names can't contain spaces or null characters".into());
    };
    let in_declaration = |rule: &[u8], error: RuleError| {
        format!("Error in user declaration '{}': {}", String::from_utf8_lossy(rule), error.text())
    };
    if earlier.iter().any(|other| other.first() == Some(name)) {
        return Err(in_declaration(name, RuleError::Duplicate));
    }
    configured(User::new(name, false), line, Terms::builtin(), true).map(drop)
}

/// Applies the rules of a `user` line. Commands and categories that aren't known may be those of modules, which are
/// loaded later, where `may_come` says so.
fn configured(mut user: User, line: &[Vec<u8>], terms: Terms<'_>, may_come: bool) -> Result<User, String> {
    let args: Vec<&[u8]> = line[1..].iter().map(Vec::as_slice).collect();
    let rules = merge_parentheses(&args).map_err(|open| {
        format!("Unmatched parenthesis in acl selector starting at '{}'.", String::from_utf8_lossy(open))
    })?;
    for rule in rules {
        match user.apply(&rule, terms) {
            Err(RuleError::UnknownCommand) if may_come => {}
            outcome => outcome.map_err(|error| {
                format!("Error in user declaration '{}': {}", String::from_utf8_lossy(&rule), error.text())
            })?,
        }
    }
    Ok(user)
}

/// Reads a file of users; every error is told, and with any of them there are no users.
fn parse(text: &[u8], path: &str, terms: Terms<'_>) -> Result<Vec<User>, String> {
    let mut users: Vec<User> = Vec::new();
    let mut errors = String::new();
    for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if !line.is_empty() {
            match parse_line(line, index + 1, path, &users, terms) {
                Ok(user) => users.push(user),
                Err(error) => errors.push_str(&error),
            }
        }
    }
    if errors.is_empty() {
        return Ok(users);
    }
    errors
        .push_str("WARNING: ACL errors detected, no change to the previously active ACL rules was performed");
    Err(errors)
}

/// Reads a line of a file; its errors are in Redis's words, and each says where it is in Redis's way.
fn parse_line(
    line: &[u8],
    number: usize,
    path: &str,
    earlier: &[User],
    terms: Terms<'_>,
) -> Result<User, String> {
    let words: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
    let [b"user", name, rules @ ..] = &words[..] else {
        return Err(format!("{path}:{number} should start with user keyword followed by the username. "));
    };
    let shown = String::from_utf8_lossy(name);
    if !is_name(name) {
        return Err(format!("{path}:{number}: username '{shown}' contains invalid characters. "));
    }
    if earlier.iter().any(|user| user.name() == *name) {
        return Err(format!("WARNING: Duplicate user '{shown}' found on line {number}. "));
    }
    let rules = merge_parentheses(rules)
        .map_err(|_| format!("{path}:{number}: Unmatched parenthesis in selector definition."))?;
    let mut user = User::new(name, terms.all_channels);
    let mut errors = String::new();
    let mut is_misread = false;
    for rule in rules {
        let rule = rule.trim_ascii();
        match user.apply(rule, terms) {
            Ok(()) => {}
            // A rule that names no command holds no secret.
            Err(error @ RuleError::UnknownCommand) => {
                let rule = String::from_utf8_lossy(rule);
                errors +=
                    &format!("{path}:{number}: Error in applying operation '{rule}': {}. ", error.text());
            }
            // What follows may be wrong only because of the first.
            Err(_) if is_misread => {}
            Err(error) => {
                is_misread = true;
                errors += &format!("{path}:{number}: {}. ", error.text());
            }
        }
    }
    if errors.is_empty() { Ok(user) } else { Err(errors) }
}

impl Engine {
    /// Takes over the users that the configuration declares, or those of the file that `aclfile` names.
    ///
    /// Until this is called, an engine has the default user alone.
    ///
    /// # Errors
    /// A sentence, when a declaration or the file is wrong, or when there are both; the users are as they were.
    pub fn load_users(&mut self) -> Result<(), String> {
        let lines = std::mem::take(&mut self.config.users);
        let outcome = match (lines.is_empty(), self.config.aclfile.is_empty()) {
            (true, true) => Ok(()),
            (true, false) => self.load_acl_file(Logins::Stay),
            (false, true) => self.load_user_lines(&lines),
            (false, false) => {
                Err("Configuring users in the configuration file and an ACL file at the same time \
                                   is not possible: declare them in one of the two"
                    .into())
            }
        };
        self.config.users = lines;
        outcome
    }

    fn load_user_lines(&mut self, lines: &[Line]) -> Result<(), String> {
        let terms = self.rule_terms();
        let user = |line: &Line| configured(User::new(&line[0], terms.all_channels), line, terms, false);
        let users = lines.iter().map(user);
        for user in users.collect::<Result<Vec<_>, _>>()? {
            self.put_user(user);
        }
        Ok(())
    }

    /// Puts the users of the `aclfile` in the place of all there are. Whether clients that act for them are closed,
    /// `clients` says.
    pub(crate) fn load_acl_file(&mut self, clients: Logins) -> Result<(), String> {
        let path = String::from_utf8_lossy(&self.config.aclfile).into_owned();
        let text = self
            .host
            .read_file(&self.config.aclfile)
            .map_err(|error| format!("Error loading ACLs, opening file '{path}': {}", reason(&error)))?;
        let users = parse(&text, &path, self.rule_terms())?;
        self.put_users(users, clients);
        Ok(())
    }

    /// Writes every user to the `aclfile`.
    pub(crate) fn save_acl_file(&mut self) -> std::io::Result<()> {
        let text = self.user_lines().iter().flat_map(|line| [&line[..], b"\n"].concat()).collect::<Vec<u8>>();
        self.host.write_file(&self.config.aclfile, &text)
    }

    /// The text of the configuration file, made from the old one, that gives this configuration and these users.
    ///
    /// The users of an `aclfile` aren't written into it, nor is a default user that `requirepass` describes in full.
    pub(crate) fn rewritten_config(&self, old: &[u8]) -> Vec<u8> {
        let text = self.config.rewrite(old);
        let mut lines = self.user_lines();
        let only = Acl::new(&self.config.requirepass);
        if !self.config.aclfile.is_empty()
            || lines.len() == 1 && self.acl.default_user() == only.default_user()
        {
            lines.clear();
        }
        self.with_modules(&rewrite_lines(&text, "user", &lines))
    }

    /// A line for each user that, read again, makes the same user.
    pub(crate) fn user_lines(&self) -> Vec<Vec<u8>> {
        let line = |user: &std::sync::Arc<User>| {
            [b"user ", user.name(), b" ", &user.describe(&self.commands)[..]].concat()
        };
        self.acl.users().map(line).collect()
    }
}
