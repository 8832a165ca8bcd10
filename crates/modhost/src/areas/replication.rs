//! Replication, as a server without replicas and without an append-only file answers.

use std::ffi::c_int;

use module_abi::constants::OK;

use crate::api::export;
use crate::context::Ctx;

export! {
    fn ReplicateVerbatim(_ctx: &Ctx) -> c_int {
        OK
    }
}
