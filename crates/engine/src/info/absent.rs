//! What clients and tools look for to learn that it isn't there: no persistence, no replicas, no cluster.

use super::Fields;
use crate::engine::Engine;

/// Scripts wait for `loading:0`: nothing is ever loaded, so commands are always served.
pub(super) fn persistence(_: &mut Engine, fields: &mut Fields) {
    fields.field("loading", 0);
}

/// Clients that tell primaries from replicas go by the role.
pub(super) fn replication(_: &mut Engine, fields: &mut Fields) {
    fields.field("role", "master");
    fields.field("connected_slaves", 0);
}

/// Clients ask before they use cluster commands.
pub(super) fn cluster(_: &mut Engine, fields: &mut Fields) {
    fields.field("cluster_enabled", 0);
}
