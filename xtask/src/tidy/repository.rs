//! What the rules look at: the repository's text files and cargo's view of its packages.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand, Package};
use proc_macro2::TokenStream;

use super::tokens;

/// Directories that hold no text of ours, whatever they lie in.
const SKIPPED_DIRECTORIES: &[&str] = &[".git", "target", "corpus", "artifacts"];

/// The repository as the rules see it.
pub(super) struct Repository {
    /// Every text file, sorted by path.
    pub(super) files: Vec<File>,
    /// What `cargo metadata` says of the workspace's members and their dependencies.
    pub(super) metadata: Metadata,
}

/// One text file.
pub(super) struct File {
    /// Relative to the root, with `/` between the parts.
    pub(super) path: String,
    pub(super) text: String,
    /// The tokens of a Rust file; empty for any other.
    pub(super) tokens: TokenStream,
}

impl Repository {
    /// Reads every text file under `root`, and cargo's metadata.
    ///
    /// # Errors
    /// When a file can't be read, a Rust file can't be split into tokens, or cargo fails.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        read_directory(root, root, &mut files)?;
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let metadata = MetadataCommand::new()
            .current_dir(root)
            .no_deps()
            .exec()
            .context("cannot read the workspace's metadata")?;
        Ok(Self { files, metadata })
    }

    /// The Rust files.
    pub(super) fn rust_files(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is("rs"))
    }

    /// The file at a path relative to the root.
    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// A path below the root, as [`File::path`] has it.
    pub(super) fn relative(&self, path: impl Into<PathBuf>) -> String {
        let path = path.into();
        let root = self.metadata.workspace_root.as_std_path();
        path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/")
    }

    /// The directory of a package, relative to the root.
    pub(super) fn directory(&self, package: &Package) -> String {
        let manifest = self.relative(package.manifest_path.as_std_path());
        manifest.strip_suffix("/Cargo.toml").unwrap_or_default().to_owned()
    }
}

impl File {
    /// A file with its tokens.
    ///
    /// # Errors
    /// When it is a Rust file that can't be split into tokens.
    pub(super) fn new(path: &str, text: &str) -> Result<Self> {
        let is_rust = path.ends_with(".rs");
        let tokens = if is_rust { tokens::split(text) } else { Ok(TokenStream::new()) };
        let tokens = tokens.with_context(|| format!("cannot split {path} into tokens"))?;
        Ok(Self { path: path.to_owned(), text: text.to_owned(), tokens })
    }

    /// Whether the file's name ends with this extension.
    pub(super) fn is(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|its| its == extension)
    }

    /// The lines with their numbers, counted from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

fn read_directory(root: &Path, directory: &Path, files: &mut Vec<File>) -> Result<()> {
    let cannot = || format!("cannot read {}", directory.display());
    for entry in directory.read_dir().with_context(cannot)? {
        let entry = entry.with_context(cannot)?;
        let path = entry.path();
        let kind = entry.file_type().with_context(cannot)?;
        let name = entry.file_name();
        if kind.is_dir() {
            if !SKIPPED_DIRECTORIES.iter().any(|skipped| name == *skipped) {
                read_directory(root, &path, files)?;
            }
        } else if kind.is_file() && name != ".git" {
            let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let relative = path.strip_prefix(root).expect("the file lies below the root");
            // What isn't UTF-8 isn't text, and has no words or links to check.
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(File::new(&relative.to_string_lossy().replace('\\', "/"), &text)?);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell;

    #[test]
    fn reads_its_own_repository() {
        let repository = Repository::read(shell::root()).unwrap();
        let own = repository.file("xtask/src/tidy/repository.rs").unwrap();
        assert!(own.is("rs") && !own.tokens.is_empty());
        assert!(repository.file("Cargo.toml").is_some());
        assert!(repository.files.iter().all(|file| !file.path.starts_with("target/")));
        let packages = &repository.metadata.packages;
        let xtask = packages.iter().find(|package| package.name.as_str() == "xtask").unwrap();
        assert_eq!(repository.directory(xtask), "xtask");
    }

    #[test]
    fn a_file_that_is_not_rust_is_refused() {
        assert!(File::new("a.rs", "fn a() { (").is_err());
        assert!(File::new("a.txt", "fn a() { (").is_ok());
    }
}
