//! Keeps everything out of the library's symbol table but what the server looks for.

fn main() {
    let script = format!("{}/exports.map", env!("CARGO_MANIFEST_DIR"));
    println!("cargo:rerun-if-changed={script}");
    println!("cargo:rustc-cdylib-link-arg=-Wl,--version-script={script}");
    // The bounds of linker sections, which the linker itself defines, and no script hides.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,start-stop-visibility=hidden");
}
