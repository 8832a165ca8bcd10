//! The descriptors that `maxclients` needs.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors for everything but clients: listeners, the log, the configuration file. Redis keeps as many.
const RESERVED: u64 = 32;

/// The most clients that the process can have, up to `wanted`. Raises its limit on open files as far as that
/// takes and the operating system allows.
pub(crate) fn allow_clients(wanted: u32) -> u32 {
    let needed = u64::from(wanted) + RESERVED;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return wanted;
    }
    // Only a privileged process may raise the upper limit, and then it may set what it needs.
    let raised = Rlimit { current: Some(needed), maximum: limit.maximum.map(|maximum| maximum.max(needed)) };
    let highest = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if setrlimit(Resource::Nofile, raised).is_err() {
        // If this fails too, the limit is as it was, and read below.
        let _ = setrlimit(Resource::Nofile, highest);
    }
    let open_files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    u32::try_from(open_files.saturating_sub(RESERVED)).map_or(wanted, |possible| possible.min(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_to_what_is_needed() {
        let before = getrlimit(Resource::Nofile).current.expect("a limit");
        assert_eq!(allow_clients(1), 1);
        assert_eq!(getrlimit(Resource::Nofile).current, Some(before), "enough is left as it is");
        let granted = allow_clients(u32::MAX);
        let open_files = getrlimit(Resource::Nofile).current.expect("a limit");
        assert!(u64::from(granted) + RESERVED <= open_files);
        assert!(open_files >= before);
    }
}
