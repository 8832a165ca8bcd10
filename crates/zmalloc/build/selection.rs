//! Which back end a build gets: a pure function of what the build was told, so that it can be
//! tested (`tests/selection.rs`) apart from the script that carries it out.

/// The names of the back ends. Where several cargo features ask for one, the first in this order
/// is taken, so that a build with all features gets what Linux gets by default.
pub(crate) const BACKENDS: [&str; 6] =
    ["jemalloc", "mimalloc", "tcmalloc", "tcmalloc_minimal", "prefixed", "libc"];

/// The oldest version of a library that will do, major and minor: jemalloc's is the first with sized
/// frees, extents and the statistics that are read, tcmalloc's (gperftools') the first that tells a
/// request's size class and takes a block's size when it is freed.
pub(crate) const OLDEST_JEMALLOC: (u32, u32) = (5, 0);
/// As above.
pub(crate) const OLDEST_TCMALLOC: (u32, u32) = (2, 6);

/// Refuses a library that is older than the oldest that will do.
///
/// # Errors
/// A sentence that says so and what to do about it.
pub(crate) fn check_version(library: &str, version: &str, oldest: (u32, u32)) -> Result<(), String> {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let numbers = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if numbers >= oldest {
        return Ok(());
    }
    let (major, minor) = oldest;
    Err(format!(
        "{library} {version} is too old: install {major}.{minor} or newer, or choose another allocator with MALLOC"
    ))
}

/// What a build was told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Request<'a> {
    /// The environment's `SANITIZER`: names with commas between them.
    pub(crate) sanitizer: Option<&'a str>,
    /// Cargo's `CARGO_ENCODED_RUSTFLAGS`: arguments with unit separators (0x1f) between them.
    pub(crate) rustflags: &'a str,
    /// The environment's `MALLOC`.
    pub(crate) malloc: Option<&'a str>,
    /// The environment's `MALLOC_POOL`.
    pub(crate) malloc_pool: Option<&'a str>,
    /// The cargo features that are on, of this crate.
    pub(crate) features: &'a [String],
    /// The target's operating system, as in `cfg(target_os)`.
    pub(crate) target_os: &'a str,
    /// Bits in a pointer of the target.
    pub(crate) pointer_width: &'a str,
}

/// What a build gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    /// One of [`BACKENDS`].
    pub(crate) backend: &'static str,
    /// Whether the pool of small blocks stands in front of it.
    pub(crate) pool: bool,
}

impl Request<'_> {
    /// Decides, highest first: a sanitizer, `MALLOC`, a cargo feature, the platform's default.
    ///
    /// # Errors
    /// A sentence that says what can't be met and what to do about it.
    pub(crate) fn select(&self) -> Result<Selection, String> {
        if self.is_sanitized()? {
            // Sanitizers watch the C library's allocator, and a pool would hide blocks from them.
            return Ok(Selection { backend: "libc", pool: false });
        }
        let backend = match self.malloc {
            Some(name) if !name.is_empty() => self.by_name(name)?,
            _ => self.by_feature().unwrap_or_else(|| self.by_platform()),
        };
        Ok(Selection { backend, pool: self.wants_pool(backend)? })
    }

    /// Whether a sanitizer is on that replaces the C library's allocator. `thread` doesn't.
    fn is_sanitized(&self) -> Result<bool, String> {
        let mut found = false;
        for name in self.sanitizer.unwrap_or("").split(',').filter(|name| !name.is_empty()) {
            match name {
                "address" | "undefined" | "memory" => found = true,
                "thread" => {}
                _ => {
                    return Err(format!(
                        "SANITIZER={name} is not known: it is one of address, undefined, memory and thread"
                    ));
                }
            }
        }
        let in_flags = self
            .rustflags
            .split('\x1f')
            .filter_map(|flag| flag.trim_start_matches("-Z").strip_prefix("sanitizer="))
            .flat_map(|names| names.split(','))
            .any(|name| ["address", "hwaddress", "leak", "memory", "undefined"].contains(&name));
        Ok(found || in_flags)
    }

    /// Whether any sanitizer is on: each brings a `malloc` of its own, whose blocks have the size asked
    /// for.
    pub(crate) fn brings_malloc(&self) -> bool {
        let named = self.sanitizer.is_some_and(|names| !names.is_empty());
        named
            || self
                .rustflags
                .split('\x1f')
                .any(|flag| flag.trim_start_matches("-Z").starts_with("sanitizer="))
    }

    fn by_name(&self, name: &str) -> Result<&'static str, String> {
        let Some(backend) = BACKENDS.into_iter().find(|backend| *backend == name) else {
            return Err(format!("MALLOC={name} is not known: it is one of {}", BACKENDS.join(", ")));
        };
        if self.is_compiled_in(backend) {
            Ok(backend)
        } else {
            Err(format!(
                "MALLOC={backend} chooses an allocator that is not compiled in: \
                 build with the feature `{backend}` of the package `zmalloc`"
            ))
        }
    }

    fn by_feature(&self) -> Option<&'static str> {
        BACKENDS.into_iter().find(|backend| self.has_feature(backend))
    }

    /// jemalloc on 64-bit Linux, else the C library, with a prefix where it can't tell a block's
    /// size.
    fn by_platform(&self) -> &'static str {
        if self.is_compiled_in("jemalloc") {
            return "jemalloc";
        }
        match self.target_os {
            "linux" | "android" | "freebsd" | "dragonfly" | "macos" | "ios" => "libc",
            _ => "prefixed",
        }
    }

    /// Whether the library is there. Those of the system are looked for once they are chosen.
    fn is_compiled_in(&self, backend: &str) -> bool {
        match backend {
            "jemalloc" => {
                self.has_feature(backend) || (self.target_os == "linux" && self.pointer_width == "64")
            }
            "mimalloc" => self.has_feature(backend),
            _ => true,
        }
    }

    /// The feature `pool` gives way where it makes no sense, as features have to; an explicit wish
    /// in the environment doesn't.
    fn wants_pool(&self, backend: &str) -> Result<bool, String> {
        let sensible = matches!(backend, "libc" | "prefixed") && self.pointer_width == "64";
        match self.malloc_pool {
            None | Some("") => Ok(sensible && self.has_feature("pool")),
            Some("0") => Ok(false),
            Some("1") if sensible => Ok(true),
            Some("1") => Err(format!(
                "MALLOC_POOL=1 puts the pool in front of libc or prefixed on a 64-bit target, not \
                 of {backend}: choose one of them with MALLOC, or leave MALLOC_POOL away"
            )),
            Some(value) => Err(format!("MALLOC_POOL={value} is not known: it is 0 or 1")),
        }
    }

    fn has_feature(&self, name: &str) -> bool {
        self.features.iter().any(|feature| feature == name)
    }
}
