//! Keeps everything out of the library's symbol table but what the server looks for.

fn main() {
    let script = format!("{}/exports.map", env!("CARGO_MANIFEST_DIR"));
    println!("cargo:rerun-if-changed={script}");
    println!("cargo:rustc-cdylib-link-arg=-Wl,--version-script={script}");
}
