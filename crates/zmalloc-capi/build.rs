//! Takes over which back end `zmalloc` was built with.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DEP_ZMALLOC_BACKEND");
    println!("cargo::rustc-check-cfg=cfg(zmalloc_over_jemalloc)");
    // What the build script of `zmalloc`, which `links` that name, has told.
    if std::env::var("DEP_ZMALLOC_BACKEND").is_ok_and(|backend| backend == "jemalloc") {
        println!("cargo::rustc-cfg=zmalloc_over_jemalloc");
    }
}
