//! What the module holds, in the server's INFO.

use redis_module::{InfoContext, RedisResult};

use crate::global::ModuleAlloc;

/// Adds a section `memory` with the fields `used_bytes`, `peak_bytes` and `blocks`, as
/// [`ModuleAlloc::usage`] has them; the server puts the module's name before each of the four.
///
/// An info handler that does this alone is one line in the module:
/// `info: memory_info,` in `redis_module!`, after `use zmalloc_module::info::memory_info;`.
///
/// # Errors
/// When the server takes no more fields.
pub fn memory_info(context: &InfoContext, _for_crash_report: bool) -> RedisResult<()> {
    let usage = ModuleAlloc::usage();
    let section = context.builder().add_section("memory");
    let section = section.field("used_bytes", usage.bytes.to_string())?;
    let section = section.field("peak_bytes", usage.peak.to_string())?;
    section.field("blocks", usage.blocks.to_string())?.build_section()?.build_info()?;
    Ok(())
}
