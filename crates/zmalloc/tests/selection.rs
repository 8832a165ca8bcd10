//! Which back end a build gets for what it is told, and the sentences that stop one.

#[path = "../build/selection.rs"]
mod selection;

use selection::{BACKENDS, OLDEST_JEMALLOC, OLDEST_TCMALLOC, Request, Selection, check_version};

const LINUX: Request = Request {
    sanitizer: None,
    rustflags: "",
    malloc: None,
    malloc_pool: None,
    features: &[],
    target_os: "linux",
    pointer_width: "64",
};

fn backend(request: Request) -> &'static str {
    request.select().unwrap().backend
}

fn features(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn the_platform_decides_where_nothing_else_does() {
    assert_eq!(backend(LINUX), "jemalloc");
    assert_eq!(backend(Request { pointer_width: "32", ..LINUX }), "libc");
    for (target_os, expected) in
        [("macos", "libc"), ("freebsd", "libc"), ("openbsd", "prefixed"), ("netbsd", "prefixed")]
    {
        assert_eq!(backend(Request { target_os, ..LINUX }), expected, "{target_os}");
    }
    assert_eq!(backend(Request { malloc: Some(""), ..LINUX }), "jemalloc");
}

#[test]
fn a_feature_goes_before_the_platform_and_the_first_of_several_counts() {
    for name in BACKENDS {
        assert_eq!(backend(Request { features: &features(&[name]), ..LINUX }), name);
    }
    let mut on = features(&BACKENDS);
    on.reverse();
    for first in BACKENDS {
        assert_eq!(backend(Request { features: &on, ..LINUX }), first);
        on.pop();
    }
}

#[test]
fn the_environment_goes_before_a_feature() {
    for malloc in ["libc", "prefixed", "tcmalloc", "tcmalloc_minimal", "jemalloc"] {
        let request = Request { malloc: Some(malloc), features: &features(&["mimalloc"]), ..LINUX };
        assert_eq!(backend(request), malloc);
    }
}

#[test]
fn what_is_not_compiled_in_is_refused_by_the_name_of_its_feature() {
    let refusal = Request { malloc: Some("mimalloc"), ..LINUX }.select().unwrap_err();
    assert!(refusal.contains("the feature `mimalloc`"), "{refusal}");
    let request = Request { malloc: Some("jemalloc"), target_os: "macos", ..LINUX };
    let refusal = request.select().unwrap_err();
    assert!(refusal.contains("the feature `jemalloc`"), "{refusal}");
    assert_eq!(backend(Request { features: &features(&["jemalloc"]), ..request }), "jemalloc");
}

#[test]
fn an_unknown_name_is_refused_with_the_known_ones() {
    let refusal = Request { malloc: Some("jemallok"), ..LINUX }.select().unwrap_err();
    assert!(BACKENDS.iter().all(|name| refusal.contains(name)), "{refusal}");
}

#[test]
fn a_sanitizer_goes_before_everything() {
    let on = features(&["mimalloc", "pool"]);
    let told = Request { malloc: Some("jemalloc"), malloc_pool: Some("1"), features: &on, ..LINUX };
    let plain = Selection { backend: "libc", pool: false };
    for sanitizer in ["address", "undefined", "memory", "address,undefined", "thread,memory"] {
        assert_eq!(Request { sanitizer: Some(sanitizer), ..told }.select(), Ok(plain));
    }
    for rustflags in ["-Zsanitizer=address", "-g\x1f-Z\x1fsanitizer=memory\x1f-O", "-Zsanitizer=cfi,leak"] {
        assert_eq!(Request { rustflags, ..told }.select(), Ok(plain), "{rustflags}");
    }
}

#[test]
fn the_thread_sanitizer_changes_nothing() {
    assert_eq!(backend(Request { sanitizer: Some("thread"), ..LINUX }), "jemalloc");
    assert_eq!(backend(Request { rustflags: "-Zsanitizer=thread", ..LINUX }), "jemalloc");
    assert_eq!(backend(Request { sanitizer: Some(""), ..LINUX }), "jemalloc");
    let refusal = Request { sanitizer: Some("adress"), ..LINUX }.select().unwrap_err();
    assert!(refusal.contains("SANITIZER=adress"), "{refusal}");
}

#[test]
fn the_pool_stands_in_front_of_two_only() {
    let on = features(&["pool"]);
    for (malloc, pool) in [("libc", true), ("prefixed", true), ("jemalloc", false), ("tcmalloc", false)] {
        let request = Request { malloc: Some(malloc), ..LINUX };
        assert!(!request.select().unwrap().pool);
        assert_eq!(Request { features: &on, ..request }.select().unwrap().pool, pool, "{malloc}");
        let asked = Request { malloc_pool: Some("1"), ..request }.select();
        assert_eq!(asked.is_ok_and(|selection| selection.pool), pool, "{malloc}");
    }
    let refused = Request { features: &on, malloc_pool: Some("0"), malloc: Some("libc"), ..LINUX };
    assert!(!refused.select().unwrap().pool);
    let narrow = Request { features: &on, pointer_width: "32", ..LINUX };
    assert_eq!(narrow.select(), Ok(Selection { backend: "libc", pool: false }));
    assert!(Request { malloc_pool: Some("yes"), ..LINUX }.select().is_err());
}

#[test]
fn any_sanitizer_brings_a_malloc_of_its_own() {
    assert!(!LINUX.brings_malloc());
    assert!(
        !Request { sanitizer: Some(""), rustflags: "-Copt-level=3\x1f-Zthreads=8", ..LINUX }.brings_malloc()
    );
    for rustflags in ["-Zsanitizer=thread", "-Z\x1fsanitizer=address", "-g\x1f-Zsanitizer=memory"] {
        assert!(Request { rustflags, ..LINUX }.brings_malloc(), "{rustflags}");
    }
    assert!(Request { sanitizer: Some("thread"), ..LINUX }.brings_malloc());
}

#[test]
fn a_library_that_is_too_old_is_refused_with_the_version_to_install() {
    for (library, oldest, good, old) in [
        ("tcmalloc", OLDEST_TCMALLOC, ["2.6", "2.10", "3.0.1"], ["1.5", "1.9", "2.5.93"]),
        ("jemalloc", OLDEST_JEMALLOC, ["5.0.0", "5.3.1", "10.0.0"], ["2.0.1", "3.6.0", "4.5.0"]),
    ] {
        for version in good {
            assert_eq!(check_version(library, version, oldest), Ok(()), "{version}");
        }
        for version in old {
            let refusal = check_version(library, version, oldest).unwrap_err();
            let wanted = format!("install {}.{} or newer", oldest.0, oldest.1);
            assert!(
                refusal.starts_with(&format!("{library} {version} ")) && refusal.contains(&wanted),
                "{refusal}"
            );
        }
    }
    assert!(check_version("tcmalloc", "unknown", OLDEST_TCMALLOC).is_err());
}
