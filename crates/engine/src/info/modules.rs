//! INFO's section on modules: a line for each, and a line for what it holds.

use super::Fields;
use crate::engine::Engine;

/// The modules that are loaded, as Redis shows them, below each its memory, and at the end what all of them hold beside
/// the server's own, which is what remains of `used_memory`.
pub(super) fn write(engine: &mut Engine, fields: &mut Fields) {
    let reports = engine.module_reports();
    let live: i64 = reports.iter().map(|module| module.memory.live).sum();
    let used = zmalloc::used_memory() as i64;
    let is_any = !reports.is_empty();
    for module in reports {
        let list = |names: &[String]| names.join("|");
        let options: Vec<String> = module.options.iter().map(|&name| name.to_owned()).collect();
        fields.field(
            "module",
            format_args!(
                "name={},ver={},api={},filters={},usedby=[{}],using=[{}],options=[{}]",
                module.name,
                module.version,
                module.api,
                module.filters,
                list(&module.used_by),
                list(&module.using),
                list(&options)
            ),
        );
        let memory: Vec<String> =
            module.memory.fields().iter().map(|(name, value)| format!("{name}={value}")).collect();
        fields.field(&format!("module_memory_{}", module.name), memory.join(","));
    }
    if is_any {
        let server = used - live;
        fields.field("modules_memory", format_args!("modules={live},server={server},used_memory={used}"));
    }
}
