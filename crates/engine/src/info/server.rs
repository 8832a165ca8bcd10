//! INFO's section on the program that runs.

use super::{Fields, REDIS_VERSION};
use crate::access;
use crate::engine::Engine;

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

pub(super) fn write(engine: &mut Engine, fields: &mut Fields) {
    let uptime = engine.uptime().as_secs();
    fields.field("redis_version", REDIS_VERSION);
    fields.field("zmalloc_version", env!("CARGO_PKG_VERSION"));
    fields.field("redis_mode", "standalone");
    if let Ok(system) = nix::sys::utsname::uname() {
        let [name, release, machine] = [system.sysname(), system.release(), system.machine()];
        fields.field("os", format_args!("{} {} {}", name.display(), release.display(), machine.display()));
    }
    fields.field("arch_bits", usize::BITS);
    fields.field("process_id", std::process::id());
    fields.field("run_id", engine.run_id.as_str());
    fields.field("tcp_port", engine.config.port);
    fields.field("server_time_usec", engine.clock.now_us());
    fields.field("uptime_in_seconds", uptime);
    fields.field("uptime_in_days", uptime / SECONDS_PER_DAY);
    fields.field("hz", engine.config.hz);
    fields.field("configured_hz", engine.config.hz);
    fields.field("lru_clock", access::Clock::of(&engine.config, &engine.clock).seconds());
    fields.field("executable", engine.host.executable().display());
    let file = engine.host.config_file().unwrap_or(std::path::Path::new(""));
    fields.field("config_file", file.display());
}
