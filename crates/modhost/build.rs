//! Compiles the functions that Rust can't define.

fn main() {
    println!("cargo::rerun-if-changed=src/c/foreign.c");
    cc::Build::new()
        .file("src/c/foreign.c")
        .flag("-fvisibility=hidden")
        .warnings_into_errors(true)
        .compile("modhost_foreign");
}
