//! Real data that every Debian machine can have: word lists, and the index of packages.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::resp::write_command;

/// Where Debian's packages `wamerican-insane`, `wdutch`, `wfrench` and `wngerman` put their lists,
/// which are `cargo xtask soak`'s to install.
const DIRECTORY: &str = "/usr/share/dict";
const LISTS: [&str; 4] = ["american-english-insane", "dutch", "french", "ngerman"];

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Words, those counted again that are in several lists.
    pub words: u64,
    /// Records of packages, those counted again that are there in several versions.
    pub packages: u64,
    /// Different keys.
    pub keys: u64,
    /// Bytes of keys and values, as they were sent.
    pub payload: u64,
}

/// Writes a `SET` for every word, whose value is the list and the line that it is from, and for
/// every package, whose value is its record in the index. Returns the number of commands too.
///
/// # Errors
/// When a list or `apt-cache` is missing, or the output fails.
pub fn write(output: &mut dyn Write) -> Result<(u64, Written)> {
    let mut loader = Loader { output, written: Written::default(), keys: HashSet::new() };
    for list in LISTS {
        let path = format!("{DIRECTORY}/{list}");
        let text = fs::read(&path).with_context(|| format!("cannot read {path}"))?;
        for (number, word) in (1..).zip(lines(&text)) {
            loader.set(word, format!("{list}:{number}").as_bytes())?;
            loader.written.words += 1;
        }
    }
    for record in records(&package_index()?) {
        let name = lines(record).next().unwrap_or_default();
        let name = name.strip_prefix(b"Package: ").context("a record without a name")?;
        loader.set(&[b"package:", name].concat(), record)?;
        loader.written.packages += 1;
    }
    let mut written = loader.written;
    written.keys = loader.keys.len() as u64;
    Ok((written.words + written.packages, written))
}

struct Loader<'a> {
    output: &'a mut dyn Write,
    written: Written,
    keys: HashSet<Vec<u8>>,
}

impl Loader<'_> {
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let mut request = Vec::with_capacity(key.len() + value.len() + 48);
        write_command(&mut request, &[b"SET", key, value]);
        self.output.write_all(&request).context("cannot write commands")?;
        self.written.payload += (key.len() + value.len()) as u64;
        self.keys.insert(key.to_owned());
        Ok(())
    }
}

/// The records of all packages that apt knows of, as `apt-cache dumpavail` prints them.
fn package_index() -> Result<Vec<u8>> {
    let output = Command::new("apt-cache").arg("dumpavail").output().context("cannot start apt-cache")?;
    if !output.status.success() {
        bail!("apt-cache: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}

/// Lines that aren't empty.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty())
}

/// The pieces of a text between empty lines.
fn records(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_ascii_start();
        let end = rest.windows(2).position(|pair| pair == b"\n\n").unwrap_or(rest.len());
        let (record, after) = rest.split_at(end);
        rest = after;
        (!record.is_empty()).then_some(record)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_end_at_empty_lines() {
        let text = b"Package: a\nSize: 1\n\nPackage: b\n more\n\n\n";
        let found: Vec<&[u8]> = records(text).collect();
        assert_eq!(found, [&b"Package: a\nSize: 1"[..], b"Package: b\n more"]);
        assert_eq!(records(b"\n\n").count(), 0);
    }

    #[test]
    fn every_key_counts_once() {
        let mut bytes = Vec::new();
        let mut loader = Loader { output: &mut bytes, written: Written::default(), keys: HashSet::new() };
        for (key, value) in [(&b"a"[..], &b"1"[..]), (b"b", b""), (b"a", b"23")] {
            loader.set(key, value).unwrap();
        }
        assert_eq!((loader.keys.len(), loader.written.payload), (2, 6));
        assert!(bytes.ends_with(b"$3\r\nSET\r\n$1\r\na\r\n$2\r\n23\r\n"));
    }
}
