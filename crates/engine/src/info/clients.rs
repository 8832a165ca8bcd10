//! INFO's section on clients.

use super::Fields;
use crate::engine::Engine;

pub(super) fn write(engine: &mut Engine, fields: &mut Fields) {
    let (mut input, mut output) = (0, 0);
    for (_, client) in engine.clients.iter() {
        input = input.max(client.input.capacity());
        output = output.max(client.output.bytes.capacity());
    }
    fields.field("connected_clients", engine.clients.len());
    fields.field("maxclients", engine.config.maxclients);
    fields.field("client_recent_max_input_buffer", input);
    fields.field("client_recent_max_output_buffer", output);
    fields.field("blocked_clients", engine.waits.len() + engine.postponed() + engine.kept());
    fields.field("tracking_clients", engine.tracking.clients());
    fields.field("clients_in_timeout_table", engine.waits.with_deadline());
}
