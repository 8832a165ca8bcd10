//! What clients and tools look for to learn that it isn't there: no replicas, no cluster.

use super::Fields;
use crate::engine::Engine;

/// Clients that tell primaries from replicas go by the role.
pub(super) fn replication(_: &mut Engine, fields: &mut Fields) {
    fields.field("role", "master");
    fields.field("connected_slaves", 0);
}

/// Clients ask before they use cluster commands.
pub(super) fn cluster(_: &mut Engine, fields: &mut Fields) {
    fields.field("cluster_enabled", 0);
}
