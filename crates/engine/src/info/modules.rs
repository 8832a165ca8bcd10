//! INFO's section on modules: a line for each, and a line for what it holds.

use super::Fields;
use crate::engine::Engine;

/// The modules that are loaded, as Redis shows them, and below each its memory.
pub(super) fn write(engine: &mut Engine, fields: &mut Fields) {
    for module in engine.module_reports() {
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
}
