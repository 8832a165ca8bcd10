//! INFO's section on processor time, from `getrusage`.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

use super::Fields;
use crate::engine::Engine;

/// Whose time is shown, and what the fields' names end with.
#[cfg(target_os = "linux")]
const WHOSE: &[(UsageWho, &str)] = &[
    (UsageWho::RUSAGE_SELF, ""),
    (UsageWho::RUSAGE_CHILDREN, "_children"),
    (UsageWho::RUSAGE_THREAD, "_main_thread"),
];
#[cfg(not(target_os = "linux"))]
const WHOSE: &[(UsageWho, &str)] = &[(UsageWho::RUSAGE_SELF, ""), (UsageWho::RUSAGE_CHILDREN, "_children")];

pub(super) fn write(_: &mut Engine, fields: &mut Fields) {
    for &(who, suffix) in WHOSE {
        pair(fields, who, suffix);
    }
}

/// The seconds that the processor was in the kernel and in the program, for those whom `suffix` names.
fn pair(fields: &mut Fields, who: UsageWho, suffix: &str) {
    // It fails only for an unknown `who`.
    let Ok(usage) = getrusage(who) else { return };
    fields.field(&format!("used_cpu_sys{suffix}"), seconds(usage.system_time()));
    fields.field(&format!("used_cpu_user{suffix}"), seconds(usage.user_time()));
}

fn seconds(time: TimeVal) -> String {
    format!("{}.{:06}", time.tv_sec(), time.tv_usec())
}
