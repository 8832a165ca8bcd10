//! A module without a type of its own can be unloaded, and loaded again, again and again.

use anyhow::Result;
use module_harness::{Server, library};

#[test]
fn loaded_and_unloaded() -> Result<()> {
    let server = Server::start(&[], &[])?;
    let mut client = server.connect()?;
    let library = library("module_bench")?;
    let library = library.to_str().expect("a path of this workspace");
    for _ in 0..5 {
        assert_eq!(client.command(&["MODULE", "LOAD", library])?.text(), "OK");
        for shape in ["zeroed", "calloc", "growing", "small-growing", "hashmap", "btreemap"] {
            assert!(client.command(&["ALLOCBENCH", shape])?.integer()? > 0, "{shape}");
        }
        assert!(client.run("ALLOCBENCH what")?.starts_with("ERR"));
        // What is left is the server's arguments and the like, not what the shapes have used.
        assert!(client.run("ALLOCBENCHBYTES")?.parse::<u64>()? < 100_000);
        assert_eq!(client.run("MODULE UNLOAD allocbench")?, "OK");
        assert!(client.run("ALLOCBENCH zeroed")?.starts_with("ERR unknown command"));
    }
    Ok(())
}
