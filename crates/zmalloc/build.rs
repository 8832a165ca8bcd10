//! Chooses the back end (`build/selection.rs`), finds its library, and names it for
//! `zmalloc::BACKEND`.
//!
//! A choice that can't be met stops the build with a sentence that says what to do.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

#[path = "build/selection.rs"]
mod selection;

use selection::{BACKENDS, OLDEST_JEMALLOC, OLDEST_TCMALLOC, Request, Selection, check_version};

/// What decides, and therefore runs this script again when it changes.
const VARIABLES: [&str; 3] = ["SANITIZER", "MALLOC", "MALLOC_POOL"];

/// Has the unit tests be those of the ledger's model (`src/ledger/model`). For this repository only.
const MODEL: &str = "ZMALLOC_MODEL";

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build/selection.rs");
    for variable in VARIABLES {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    let names = BACKENDS.map(|name| format!("\"{name}\"")).join(", ");
    println!("cargo::rustc-check-cfg=cfg(zmalloc_backend, values({names}))");
    println!("cargo::rustc-check-cfg=cfg(zmalloc_pool)");
    println!("cargo::rustc-check-cfg=cfg(zmalloc_model)");
    println!("cargo::rerun-if-env-changed={MODEL}");
    if env::var(MODEL).is_ok_and(|value| value == "1") {
        println!("cargo::rustc-cfg=zmalloc_model");
    }

    println!("cargo::rustc-check-cfg=cfg(zmalloc_sanitized)");
    let outcome = select().and_then(|selection| Ok((selection, name_of(selection.backend)?)));
    match outcome {
        Ok((Selection { backend, pool }, mut name)) => {
            println!("cargo::rustc-cfg=zmalloc_backend=\"{backend}\"");
            println!("cargo::metadata=backend={backend}");
            if pool {
                println!("cargo::rustc-cfg=zmalloc_pool");
                name += "+pool";
            }
            println!("cargo::rustc-env=ZMALLOC_BACKEND={name}");
            ExitCode::SUCCESS
        }
        Err(sentence) => {
            println!("cargo::error={sentence}");
            ExitCode::FAILURE
        }
    }
}

fn select() -> Result<Selection, String> {
    let [sanitizer, malloc, malloc_pool] = VARIABLES.map(|name| env::var(name).ok());
    let of_cargo = |name: &str| env::var(name).unwrap_or_default();
    let features: Vec<String> = BACKENDS
        .into_iter()
        .chain(["pool"])
        .filter(|name| env::var_os(format!("CARGO_FEATURE_{}", name.to_uppercase())).is_some())
        .map(str::to_owned)
        .collect();
    let request = Request {
        sanitizer: sanitizer.as_deref(),
        rustflags: &of_cargo("CARGO_ENCODED_RUSTFLAGS"),
        malloc: malloc.as_deref(),
        malloc_pool: malloc_pool.as_deref(),
        features: &features,
        target_os: &of_cargo("CARGO_CFG_TARGET_OS"),
        pointer_width: &of_cargo("CARGO_CFG_TARGET_POINTER_WIDTH"),
    };
    if request.brings_malloc() {
        println!("cargo::rustc-cfg=zmalloc_sanitized");
    }
    request.select()
}

/// The back end's name and version; links the library if it is one of the system's.
fn name_of(backend: &str) -> Result<String, String> {
    match backend {
        "jemalloc" => jemalloc(),
        "mimalloc" => Ok(mimalloc()),
        "tcmalloc" | "tcmalloc_minimal" => tcmalloc(backend),
        _ => Ok(backend.to_owned()),
    }
}

/// jemalloc, built by the package `tikv-jemalloc-sys`.
fn jemalloc() -> Result<String, String> {
    println!("cargo::rerun-if-env-changed=DEP_JEMALLOC_ROOT");
    let header = env::var_os("DEP_JEMALLOC_ROOT")
        .and_then(|root| fs::read_to_string(Path::new(&root).join("include/jemalloc/jemalloc.h")).ok());
    // A jemalloc that someone else built (JEMALLOC_OVERRIDE) comes without a header to read.
    let Some(header) = header else {
        return Ok("jemalloc".to_owned());
    };
    let part = |name: &str| defined(&header, name)?.parse::<u32>().ok();
    let version = part("JEMALLOC_VERSION_MAJOR").zip(part("JEMALLOC_VERSION_MINOR"));
    let (Some((major, minor)), Some(bugfix)) = (version, part("JEMALLOC_VERSION_BUGFIX")) else {
        return Ok("jemalloc".to_owned());
    };
    let version = format!("{major}.{minor}.{bugfix}");
    check_version("jemalloc", &version, OLDEST_JEMALLOC)?;
    Ok(format!("jemalloc-{version}"))
}

/// mimalloc, built by the package `libmimalloc-sys`.
fn mimalloc() -> String {
    println!("cargo::rerun-if-env-changed=DEP_MIMALLOC_INCLUDE_DIR");
    let version = env::var_os("DEP_MIMALLOC_INCLUDE_DIR")
        .and_then(|directory| fs::read_to_string(Path::new(&directory).join("mimalloc.h")).ok())
        .and_then(|header| defined(&header, "MI_MALLOC_VERSION")?.parse::<u32>().ok());
    // Two decimal digits each for the minor version and the patch.
    version.map_or("mimalloc".to_owned(), |number| {
        format!("mimalloc-{}.{}.{}", number / 10_000, number / 100 % 100, number % 100)
    })
}

/// The system's gperftools.
fn tcmalloc(library: &str) -> Result<String, String> {
    println!("cargo::rerun-if-env-changed=PKG_CONFIG_PATH");
    let package = format!("lib{library}");
    let version = pkg_config(&["--modversion", &package]).or_else(tcmalloc_header_version);
    let Some(version) = version else {
        return Err(format!(
            "{library} was not found: install gperftools (on Debian libgoogle-perftools-dev, \
             elsewhere often gperftools-devel), or choose another allocator"
        ));
    };
    check_version(library, &version, OLDEST_TCMALLOC)?;
    if let Some(flags) = pkg_config(&["--libs-only-L", &package]) {
        for directory in flags.split_whitespace().filter_map(|flag| flag.strip_prefix("-L")) {
            println!("cargo::rustc-link-search=native={directory}");
        }
    }
    println!("cargo::rustc-link-lib=dylib={library}");
    Ok(format!("{library}-{version}"))
}

/// What pkg-config answers, or `None` if it isn't there or doesn't know the package.
fn pkg_config(arguments: &[&str]) -> Option<String> {
    let output = Command::new("pkg-config").args(arguments).output().ok()?;
    let answer = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| answer.trim().to_owned())
}

/// The version that gperftools' header defines, on a system without pkg-config.
fn tcmalloc_header_version() -> Option<String> {
    ["/usr/include", "/usr/local/include", "/opt/homebrew/include"].into_iter().find_map(|directory| {
        let header = fs::read_to_string(Path::new(directory).join("gperftools/tcmalloc.h")).ok()?;
        Some(format!("{}.{}", defined(&header, "TC_VERSION_MAJOR")?, defined(&header, "TC_VERSION_MINOR")?))
    })
}

/// The value that a C header gives to a name.
fn defined<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    header.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("#define") && words.next() == Some(name)).then(|| words.next())?
    })
}
